//! `lamella devices`

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes shown in gigabytes"
)]

use clap::Args;
use serde_json::json;

use super::{Result, print_json};
use crate::engine::list_devices;

/// List the devices that networks can run on, with their memory.
#[derive(Args)]
pub struct Devices {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Devices {
    pub(super) fn run(&self) -> Result {
        let devices = list_devices();
        if self.json {
            let facts = |device: &crate::engine::DeviceFacts| {
                json!({
                    "device": device.choice.to_string(),
                    "name": device.name,
                    "free_bytes": device.memory_bytes.map(|[free, _]| free),
                    "bytes": device.memory_bytes.map(|[_, all]| all),
                })
            };
            return print_json(&json!({ "devices": devices.iter().map(facts).collect::<Vec<_>>() }));
        }
        for device in devices {
            let memory = device.memory_bytes.map_or_else(String::new, |[free, all]| {
                format!(", {:.1} of {:.1} GB free", free as f64 / 1e9, all as f64 / 1e9)
            });
            say!("{:<8} {}{memory}", device.choice.to_string(), device.name);
        }
        Ok(())
    }
}
