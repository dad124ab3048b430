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
            _ => text
                .strip_prefix("cuda:")
                .and_then(|n| n.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("{text:?} is no device; use auto, cpu, gpu, cuda, cuda:N or metal")),
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
        }
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
        for name in ["auto", "cpu", "gpu", "metal", "cuda:1"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        assert!("tpu".parse::<DeviceChoice>().unwrap_err().contains("auto"));
    }
}
