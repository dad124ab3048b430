//! Devices by name.

use std::str::FromStr;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The fastest that works.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA device by number.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
    /// Any GPU, or an error.
    Gpu,
    /// A GPU by its number among those that Vulkan, DirectX 12 or Metal reach.
    Adapter(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu),
            "metal" => Ok(Self::Metal),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let numbered = |kind: &str| text.strip_prefix(kind).and_then(|n| n.parse().ok());
                let found = numbered("cuda:").map(Self::Cuda).or_else(|| numbered("gpu:").map(Self::Adapter));
                found.ok_or_else(|| format!("{text:?} is no device; use auto, cpu, gpu, gpu:N, cuda, cuda:N or metal"))
            }
        }
    }
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
            Self::Metal => f.write_str("metal"),
            Self::Gpu => f.write_str("gpu"),
            Self::Adapter(n) => write!(f, "gpu:{n}"),
        }
    }
}

/// A device that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedDevice {
    /// How it is chosen.
    pub choice: DeviceChoice,
    /// How it is called, where the choice does not say so.
    pub name: Option<String>,
}

impl From<DeviceChoice> for OfferedDevice {
    fn from(choice: DeviceChoice) -> Self {
        Self { choice, name: None }
    }
}

/// A device of this machine.
#[derive(Debug, Clone)]
pub struct DeviceFacts {
    /// How it is chosen.
    pub choice: DeviceChoice,
    /// How it is called.
    pub name: String,
    /// Bytes that are free, and all, where it says so.
    pub memory_bytes: Option<[u64; 2]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_printed_alike() {
        for name in ["auto", "cpu", "gpu", "gpu:2", "metal", "cuda:1"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert!("gpu:".parse::<DeviceChoice>().is_err());
        assert!("tpu".parse::<DeviceChoice>().unwrap_err().contains("auto"));
    }
}
