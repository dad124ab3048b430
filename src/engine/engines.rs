//! The engines of this build, and which of them opens a device.

use std::sync::{Once, OnceLock};

#[cfg(feature = "candle")]
use super::candle;
use super::cpu;
use super::device::{DeviceChoice, DeviceFacts, OfferedDevice};
use super::error::EngineError;
use super::executor::{Device, Engine};
#[cfg(feature = "gpu")]
use super::wgpu;

/// All engines; the first that takes a device opens it.
pub const ENGINES: &[Engine] = &[
    cpu::ENGINE,
    #[cfg(feature = "candle")]
    candle::ENGINE,
    #[cfg(feature = "gpu")]
    wgpu::ENGINE,
];

/// The engine that computes everything from plain operations, also on the processor: what others are held against. Only builds with
/// candle have it.
pub const REFERENCE: &[Engine] = &[
    #[cfg(feature = "candle")]
    candle::ENGINE,
];

/// Devices other than `auto`, looked for once.
static FOUND: OnceLock<Vec<OfferedDevice>> = OnceLock::new();

fn found() -> &'static [OfferedDevice] {
    FOUND.get_or_init(|| ENGINES.iter().flat_map(|engine| (engine.devices)()).collect())
}

/// The devices of this machine that this build can use, the processor first. Drivers may take a while to tell.
pub fn list_devices() -> Vec<DeviceFacts> {
    let facts = |offered: &OfferedDevice| {
        let choice = offered.choice;
        let device = open_one(ENGINES, choice).ok()?;
        Some(DeviceFacts { choice, name: device.description(), memory_bytes: device.memory_bytes() })
    };
    found().iter().filter_map(facts).collect()
}

/// What can be chosen, at once: GPUs are looked for in the background from the first call on.
pub fn available_devices() -> Vec<OfferedDevice> {
    static LOOKS: Once = Once::new();
    let known = FOUND.get().cloned().unwrap_or_else(|| {
        LOOKS.call_once(|| {
            std::thread::spawn(found);
        });
        vec![DeviceChoice::Cpu.into()]
    });
    std::iter::once(DeviceChoice::Auto.into()).chain(known).collect()
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
        DeviceChoice::Auto if engines.iter().any(|engine| engine.is_taken_unasked) => match open_gpu(engines, true) {
            Ok(device) => (device, None),
            Err(reason) => {
                let notice = format!("No GPU could be used ({reason}); the CPU is used.");
                (open_one(engines, DeviceChoice::Cpu).map_err(failed)?, Some(notice))
            }
        },
        DeviceChoice::Auto => (open_one(engines, DeviceChoice::Cpu).map_err(failed)?, None),
        DeviceChoice::Gpu => (open_gpu(engines, false).map_err(failed)?, None),
        DeviceChoice::Cpu | DeviceChoice::Cuda(_) | DeviceChoice::Metal | DeviceChoice::Adapter(_) => {
            (open_one(engines, choice).map_err(failed)?, None)
        }
    };
    Ok(Opened { device, notice })
}

/// Opens a named device, or tells why not.
fn open_one(engines: &[Engine], choice: DeviceChoice) -> Result<Box<dyn Device>, String> {
    let engine = engines.iter().find(|engine| (engine.takes)(choice));
    let missing = match choice {
        DeviceChoice::Adapter(_) if !cfg!(feature = "gpu") => "this build has no GPU support (feature `gpu`)",
        DeviceChoice::Cuda(_) if !cfg!(feature = "cuda") => "this build has no CUDA support (feature `cuda`)",
        DeviceChoice::Metal if !cfg!(feature = "metal") => "this build has no Metal support (feature `metal`)",
        _ => "no engine of this build runs on it",
    };
    engine.map_or_else(|| Err(missing.into()), |engine| (engine.open)(choice))
}

/// Opens the first GPU that works, or tells why none does; `unasked` leaves out those that `auto` takes only where they are faster.
fn open_gpu(engines: &[Engine], unasked: bool) -> Result<Box<dyn Device>, String> {
    let mut reasons = Vec::new();
    for engine in engines.iter().filter(|engine| engine.is_taken_unasked || !unasked) {
        for &choice in engine.gpus {
            match (engine.open)(choice) {
                Ok(device) => return Ok(device),
                Err(reason) => reasons.push(reason),
            }
        }
    }
    if reasons.is_empty() {
        return Err("this build has no GPU support (features `gpu`, `cuda`, `metal`)".into());
    }
    Err(reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error_unless_auto() {
        let missing = open(ENGINES, DeviceChoice::Adapter(99)).map(|_| ()).unwrap_err().to_string();
        assert!(missing.starts_with("the device gpu:99 cannot be used: "), "{missing}");
        if !cfg!(any(feature = "cuda", feature = "metal")) {
            let refused = |choice| open(ENGINES, choice).map(|_| ()).unwrap_err().to_string();
            assert_eq!(
                refused(DeviceChoice::Cuda(0)),
                "the device cuda:0 cannot be used: this build has no CUDA support (feature `cuda`)"
            );
            match open(ENGINES, DeviceChoice::Gpu) {
                Ok(opened) => assert!(!opened.device.is_cpu()),
                Err(error) => {
                    assert!(error.to_string().contains("feature `cuda`); this build has no Metal support"), "{error}");
                }
            }
            let opened = open(ENGINES, DeviceChoice::Auto).unwrap();
            assert_eq!((opened.device.name(), opened.notice), ("CPU", None));
        }
    }

    #[test]
    fn every_listed_device_opens_and_auto_is_offered_first() {
        let first: Vec<DeviceChoice> = available_devices().into_iter().map(|offered| offered.choice).collect();
        assert_eq!(first[..2], [DeviceChoice::Auto, DeviceChoice::Cpu]);
        let listed: Vec<DeviceChoice> = list_devices().into_iter().map(|facts| facts.choice).collect();
        // By now everything was looked for.
        let offered: Vec<DeviceChoice> = available_devices().into_iter().map(|offered| offered.choice).collect();
        assert_eq!(listed, offered[1..]);
    }
}
