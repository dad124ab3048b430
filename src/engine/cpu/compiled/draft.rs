//! The stages of a plan in the making: scratch of 3x3 convolutions has its place when all of them are known.

use std::sync::Arc;

use super::super::simd::LANES;
use super::direct::{Direct, Window};
use super::memory::Map;
use super::options::Options;
use super::step::{Stage, Step};
use super::target::Target;
use super::winograd::Winograd;
use crate::graph::Conv;

/// Stages in their order.
#[derive(Default)]
pub struct Draft {
    entries: Vec<Entry>,
    /// Bytes of the packed weights of its convolutions.
    pub weight_bytes: usize,
}

enum Entry {
    Stage(Stage),
    /// A 3x3 convolution whose scratch has no place yet.
    Winograd(Box<Winograd>),
}

impl Draft {
    /// Appends a step, and whether everybody waits after it.
    pub fn push(&mut self, step: impl Step + 'static, barrier: bool) {
        self.entries.push(Entry::Stage(Stage::new(step, barrier)));
    }

    /// Makes everybody wait after the last step.
    pub fn wait(&mut self) {
        // After a convolution everybody waits anyway.
        if let Some(Entry::Stage(stage)) = self.entries.last_mut() {
            stage.barrier = true;
        }
    }

    /// Appends what computes a convolution of one group.
    pub fn push_convolution(&mut self, conv: &Conv, x: Map, target: Target, weight: &[f32], options: &Options) {
        if Winograd::takes(conv) && x.lanes == LANES {
            let step = Winograd::new(x, target, conv.padding, options).with_weights(weight);
            self.weight_bytes += step.weight_bytes();
            self.entries.push(Entry::Winograd(Box::new(step)));
            return;
        }
        let Conv { kernel, stride, padding, dilation, .. } = *conv;
        let window = Window { kernel, stride, padding, dilation };
        self.push_direct(Direct::convolution(x, target, window, weight, options));
    }

    /// Appends a convolution with packed weights.
    pub fn push_direct(&mut self, step: Direct) {
        self.weight_bytes += step.weight_bytes();
        self.push(step, true);
    }

    /// The stages, with the scratch of all of them behind `start` floats, each using the same place while it runs; and the end
    /// of it all. A thread's own is the same in every step, so that it stays in its own caches.
    pub fn finish(self, start: usize, options: &Options) -> (Vec<Stage>, usize) {
        let own_len = |entry: &Entry| if let Entry::Winograd(conv) = entry { conv.own_len() } else { 0 };
        let own = self.entries.iter().map(own_len).max().unwrap_or(0);
        let mut end = start;
        let mut stages = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            match entry {
                Entry::Stage(stage) => stages.push(stage),
                Entry::Winograd(mut conv) => {
                    conv.place_scratch(start, options.threads, own);
                    end = end.max(start + conv.scratch_len(options.threads, own));
                    stages.extend(Winograd::stages(&Arc::from(conv)));
                }
            }
        }
        (stages, end)
    }
}
