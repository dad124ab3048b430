//! What a device reports of itself while it works, as errors of this room.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::error::{EngineError, Result};

/// What is known of a device's state. Callbacks of wgpu write it from any thread.
#[derive(Default)]
pub struct Health {
    lost: AtomicBool,
    /// What was reported and nobody has been told of.
    reported: Mutex<Option<EngineError>>,
}

impl Health {
    /// The device is gone for good.
    pub fn lose(&self, why: &str) {
        self.lost.store(true, Ordering::Release);
        let what = if why.is_empty() { "the device was lost".into() } else { format!("the device was lost: {why}") };
        self.report(EngineError::failed(what));
    }

    /// Whether the device is gone.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Keeps an error that no call gave back; the first one counts.
    pub fn report(&self, error: EngineError) {
        if let Ok(mut reported) = self.reported.lock() {
            reported.get_or_insert(error);
        }
    }

    /// Fails where something was reported or the device is gone.
    pub fn check(&self) -> Result<()> {
        let reported = self.reported.lock().ok().and_then(|mut reported| reported.take());
        match reported {
            Some(error) => Err(error),
            None if self.is_lost() => Err(EngineError::failed("the device was lost")),
            None => Ok(()),
        }
    }
}

/// An error of wgpu as one of this room.
pub fn of_wgpu(error: wgpu::Error) -> EngineError {
    match error {
        wgpu::Error::OutOfMemory { .. } => {
            EngineError::Failed { what: "the device has too little memory".into(), lacks_memory: true }
        }
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            EngineError::failed(one_line(&description))
        }
    }
}

/// A driver's message without its line breaks.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_once_and_a_loss_for_ever() {
        let health = Health::default();
        assert!(health.check().is_ok());
        health.report(EngineError::Failed { what: "full".into(), lacks_memory: true });
        health.report(EngineError::failed("later"));
        assert!(health.check().unwrap_err().is_out_of_memory());
        assert!(health.check().is_ok());
        health.lose("the driver was updated");
        assert!(health.check().unwrap_err().to_string().contains("lost: the driver was updated"));
        assert!(health.is_lost() && health.check().unwrap_err().to_string().contains("was lost"));
    }
}
