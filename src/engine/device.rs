//! Choosing where a network runs.

use std::str::FromStr;

use candle_core::Device;

use super::EngineError;
use super::cpu::simd::InstructionSet;

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

/// The devices of this machine that this build can use, the processor first.
pub fn list_devices() -> Vec<DeviceFacts> {
    let facts = |choice| {
        let Opened { device, name, .. } = open(choice).ok()?;
        Some(if device.is_cpu() {
            let name = format!("{name} ({}, {} threads)", InstructionSet::best().name(), rayon::current_num_threads());
            DeviceFacts { choice, name, memory_bytes: crate::work::memory::free_and_all_bytes() }
        } else {
            DeviceFacts { choice, name, memory_bytes: gpu_memory(&device) }
        })
    };
    available_devices().into_iter().filter(|choice| *choice != DeviceChoice::Auto).filter_map(facts).collect()
}

/// Choices that this build can offer.
pub fn available_devices() -> Vec<DeviceChoice> {
    let mut devices = vec![DeviceChoice::Auto, DeviceChoice::Cpu];
    devices.extend((0..cuda_count()).map(DeviceChoice::Cuda));
    if cfg!(feature = "metal") {
        devices.push(DeviceChoice::Metal);
    }
    devices
}

fn cuda_count() -> usize {
    #[cfg(feature = "cuda")]
    let count = candle_core::cuda_backend::cudarc::driver::CudaContext::device_count().unwrap_or(0);
    #[cfg(not(feature = "cuda"))]
    let count = 0;
    usize::try_from(count).unwrap_or(0)
}

/// Bytes of a GPU that are free, and all.
pub(super) fn gpu_memory(device: &Device) -> Option<[u64; 2]> {
    match device {
        Device::Cpu => None,
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => {
            let (free, all) = cuda.cuda_stream().context().mem_get_info().ok()?;
            Some([free as u64, all as u64])
        }
        #[cfg(feature = "metal")]
        Device::Metal(metal) => {
            let metal = metal.metal_device();
            let all = metal.recommended_max_working_set_size() as u64;
            Some([all.saturating_sub(metal.current_allocated_size() as u64), all])
        }
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

/// A device and how it is called.
pub(super) struct Opened {
    pub device: Device,
    pub name: String,
    /// What the user should be told, for example why a GPU was passed over.
    pub notice: Option<String>,
}

/// Opens a device; `Auto` passes over those that fail and says so.
pub(super) fn open(choice: DeviceChoice) -> Result<Opened, EngineError> {
    let cpu = |notice| Opened { device: Device::Cpu, name: "CPU".into(), notice };
    let failed = |name: &DeviceChoice, reason: String| EngineError::Device { name: name.to_string(), reason };
    match choice {
        DeviceChoice::Cpu => Ok(cpu(None)),
        DeviceChoice::Cuda(n) => open_cuda(n).map_err(|reason| failed(&choice, reason)),
        DeviceChoice::Metal => open_metal().map_err(|reason| failed(&choice, reason)),
        DeviceChoice::Gpu => open_cuda(0)
            .or_else(|cuda| open_metal().map_err(|metal| format!("{cuda}; {metal}")))
            .map_err(|reason| failed(&choice, reason)),
        DeviceChoice::Auto => {
            if !cfg!(any(feature = "cuda", feature = "metal")) {
                return Ok(cpu(None));
            }
            Ok(open_cuda(0)
                .or_else(|cuda| open_metal().map_err(|metal| format!("{cuda}; {metal}")))
                .unwrap_or_else(|reason| cpu(Some(format!("No GPU could be used ({reason}); the CPU is used.")))))
        }
    }
}

fn open_cuda(number: usize) -> Result<Opened, String> {
    if !cfg!(feature = "cuda") {
        return Err("this build has no CUDA support (feature `cuda`)".into());
    }
    let device = Device::new_cuda(number).map_err(|e| e.to_string())?;
    #[cfg(feature = "cuda")]
    let model = device.as_cuda_device().ok().and_then(|cuda| cuda.cuda_stream().context().name().ok());
    #[cfg(not(feature = "cuda"))]
    let model: Option<String> = None;
    let name = model.map_or_else(|| format!("CUDA device {number}"), |model| format!("{model} (CUDA device {number})"));
    Ok(Opened { device, name, notice: None })
}

fn open_metal() -> Result<Opened, String> {
    if !cfg!(feature = "metal") {
        return Err("this build has no Metal support (feature `metal`)".into());
    }
    let device = Device::new_metal(0).map_err(|e| e.to_string())?;
    Ok(Opened { device, name: "Metal".into(), notice: None })
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

    #[test]
    fn a_device_that_is_not_there_is_an_error_unless_auto() {
        if !cfg!(any(feature = "cuda", feature = "metal")) {
            assert!(open(DeviceChoice::Cuda(0)).is_err());
            assert_eq!(open(DeviceChoice::Auto).unwrap().name, "CPU");
        }
    }
}
