//! The engines of this build, and which of them opens a device.

use super::device::{DeviceChoice, DeviceFacts};
use super::error::EngineError;
use super::executor::{Device, Engine};
use super::{candle, cpu};

/// All engines; the first that takes a device opens it.
pub const ENGINES: [Engine; 2] = [cpu::ENGINE, candle::ENGINE];

/// The engine that computes everything from plain operations, also on the processor: what others are held against.
pub const REFERENCE: [Engine; 1] = [candle::ENGINE];

/// The devices of this machine that this build can use, the processor first.
pub fn list_devices() -> Vec<DeviceFacts> {
    let facts = |choice| {
        let device = open_one(&ENGINES, choice).ok()?;
        Some(DeviceFacts { choice, name: device.description(), memory_bytes: device.memory_bytes() })
    };
    ENGINES.iter().flat_map(|engine| (engine.devices)()).filter_map(facts).collect()
}

/// Choices that this build can offer.
pub fn available_devices() -> Vec<DeviceChoice> {
    let devices = ENGINES.iter().flat_map(|engine| (engine.devices)());
    std::iter::once(DeviceChoice::Auto).chain(devices).collect()
}

/// An open device.
pub struct Opened {
    /// The device.
    pub device: Box<dyn Device>,
    /// What the user should be told, for example why a GPU was passed over.
    pub notice: Option<String>,
}

/// Opens a device; [`DeviceChoice::Auto`] passes over those that fail and says so.
///
/// # Errors
/// Names the device that cannot be used, and why.
pub fn open(engines: &[Engine], choice: DeviceChoice) -> Result<Opened, EngineError> {
    let failed = |reason| EngineError::Device { name: choice.to_string(), reason };
    let (device, notice) = match choice {
        DeviceChoice::Auto if engines.iter().any(|engine| engine.has_gpus) => match open_gpu(engines) {
            Ok(device) => (device, None),
            Err(reason) => {
                let notice = format!("No GPU could be used ({reason}); the CPU is used.");
                (open_one(engines, DeviceChoice::Cpu).map_err(failed)?, Some(notice))
            }
        },
        DeviceChoice::Auto => (open_one(engines, DeviceChoice::Cpu).map_err(failed)?, None),
        DeviceChoice::Gpu => (open_gpu(engines).map_err(failed)?, None),
        DeviceChoice::Cpu | DeviceChoice::Cuda(_) | DeviceChoice::Metal => {
            (open_one(engines, choice).map_err(failed)?, None)
        }
    };
    Ok(Opened { device, notice })
}

/// Opens a named device, or tells why not.
fn open_one(engines: &[Engine], choice: DeviceChoice) -> Result<Box<dyn Device>, String> {
    let engine = engines.iter().find(|engine| (engine.takes)(choice));
    engine.map_or_else(|| Err("no engine of this build runs on it".into()), |engine| (engine.open)(choice))
}

/// Opens the first GPU that works, or tells why none does.
fn open_gpu(engines: &[Engine]) -> Result<Box<dyn Device>, String> {
    let mut reasons = Vec::new();
    for engine in engines {
        for &choice in engine.gpus {
            match (engine.open)(choice) {
                Ok(device) => return Ok(device),
                Err(reason) => reasons.push(reason),
            }
        }
    }
    Err(reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error_unless_auto() {
        if !cfg!(any(feature = "cuda", feature = "metal")) {
            let refused = |choice| open(&ENGINES, choice).map(|_| ()).unwrap_err().to_string();
            assert_eq!(
                refused(DeviceChoice::Cuda(0)),
                "the device cuda:0 cannot be used: this build has no CUDA support (feature `cuda`)"
            );
            assert!(refused(DeviceChoice::Gpu).contains("feature `cuda`); this build has no Metal support"));
            let opened = open(&ENGINES, DeviceChoice::Auto).unwrap();
            assert_eq!((opened.device.name(), opened.notice), ("CPU", None));
        }
    }

    #[test]
    fn every_listed_device_opens_and_auto_is_offered_first() {
        let offered = available_devices();
        assert_eq!(offered[..2], [DeviceChoice::Auto, DeviceChoice::Cpu]);
        let listed: Vec<DeviceChoice> = list_devices().into_iter().map(|facts| facts.choice).collect();
        assert_eq!(listed, offered[1..]);
    }
}
