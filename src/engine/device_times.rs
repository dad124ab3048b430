//! How long networks took on a GPU and on the CPU, so that `auto` measures once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::array::Array;
use crate::graph::Graph;

/// Seconds of one inference on both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// On the GPU.
    pub on_device: f64,
    /// On the CPU.
    pub on_cpu: f64,
}

impl Measured {
    /// Whether the GPU is the better choice.
    pub fn is_device_faster(self) -> bool {
        self.on_device < self.on_cpu
    }

    /// What is chosen and why, in words; so many images were in the inference.
    pub fn reason(self, device: &str, images: usize) -> String {
        let milliseconds = |seconds: f64| format!("{:.1} ms", seconds * 1e3 / images.max(1) as f64);
        let [on_device, on_cpu] = [self.on_device, self.on_cpu].map(milliseconds);
        let chosen = if self.is_device_faster() { device } else { "The CPU" };
        format!("{chosen} is used: a slice took {on_device} on {device} and {on_cpu} on the CPU.")
    }
}

/// What was measured: a device, a network and a size, on this processor.
pub struct TimeKey(String);

impl TimeKey {
    /// The key of a measurement.
    pub fn new(device: &str, graph: &Graph, input: &Array) -> Self {
        let threads = rayon::current_num_threads();
        Self(format!("{device}; {threads} threads; {:?}; {:016x}", input.dims4(), fingerprint(graph)))
    }
}

/// Measurements, kept from one start of the program to the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceTimes(BTreeMap<String, Measured>);

/// Measurements that are kept; those beyond make room for new ones.
const MOST_KEPT: usize = 256;

impl DeviceTimes {
    /// What is known.
    pub fn get(&self, key: &TimeKey) -> Option<Measured> {
        self.0.get(&key.0).copied()
    }

    /// Keeps a measurement.
    pub fn set(&mut self, key: &TimeKey, measured: Measured) {
        if self.0.len() >= MOST_KEPT {
            self.0.pop_first();
        }
        self.0.insert(key.0.clone(), measured);
    }
}

/// A number of a network's operations (FNV-1a of their description).
fn fingerprint(graph: &Graph) -> u64 {
    let mut text = String::new();
    for node in &graph.nodes {
        // Writing to a string does not fail.
        let _ = write!(text, "{:?}{:?};", node.op, node.inputs);
    }
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
