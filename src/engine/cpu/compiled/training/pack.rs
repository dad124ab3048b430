//! Weights as they are trained, packed for the kernels before each use.

use std::sync::Arc;

use super::super::direct::Direct;
use super::super::memory::Constants;
use super::super::step::{Context, Step};
use super::super::tiles::transform_weights;
use super::super::winograd::{BLOCK_TAPS, Winograd, gather_taps};
use crate::engine::cpu::simd::{LANES, Vector};

/// A vector with zeros behind it, as kernels read biases; written by the first thread.
pub struct PackVector {
    /// Number of the array among the inputs.
    pub input: usize,
    /// Where it goes.
    pub to: usize,
    /// Floats there.
    pub len: usize,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for PackVector {
    fn name(&self) -> String {
        "pack".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, _: usize) {
        if context.thread != 0 {
            return;
        }
        let from = context.inputs[self.input];
        // SAFETY: the place lies in the arena; only this thread writes it.
        let to = unsafe { std::slice::from_raw_parts_mut(context.arena.add(self.to), self.len) };
        let count = from.len().min(self.len);
        to[..count].copy_from_slice(&from[..count]);
        to[count..].fill(0.0);
    }
}

/// Weights of a convolution that a step computes as sums over runs.
pub struct PackDirect {
    /// The convolution.
    pub of: Arc<Direct>,
    /// Number of the array among the inputs.
    pub input: usize,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for PackDirect {
    fn name(&self) -> String {
        "pack".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let Constants::Placed(start) = self.of.weights else { return };
        while let Some([panel, _]) = context.take(step, [self.of.panel_count(), 1]) {
            let before: usize = (0..panel).map(|n| self.of.panel_len(n)).sum();
            // SAFETY: the place lies in the arena; panels are taken once.
            let packed =
                unsafe { std::slice::from_raw_parts_mut(context.arena.add(start + before), self.of.panel_len(panel)) };
            self.of.pack_panel(panel, context.inputs[self.input], packed);
        }
    }
}

/// Weights of a 3x3 convolution by Winograd's algorithm that are transformed before it runs.
pub struct PackWinograd {
    /// The convolution.
    pub of: Arc<Winograd>,
    /// Number of the array among the inputs.
    pub input: usize,
    /// Whether the array is that of the convolution whose gradient is taken back: `[in, out, 3, 3]`, turned around.
    pub flipped: bool,
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for PackWinograd {
    fn name(&self) -> String {
        "pack".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let Constants::Placed(start) = self.of.weights else { return };
        let (blocks, parts) = (self.of.target.y.blocks(), self.of.input_blocks());
        while let Some([block, part]) = context.take(step, [blocks, parts]) {
            // SAFETY: the place lies in the arena; pairs of blocks are taken once.
            unsafe { self.pack_blocks::<V>(context.inputs[self.input], context.arena.add(start), block, part) };
        }
    }
}

impl PackWinograd {
    /// Packs a block of output and one of input channels.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn pack_blocks<V: Vector>(&self, weight: &[f32], packed: *mut f32, block: usize, part: usize) {
        let conv = &*self.of;
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let channels = [conv.input_channels(), conv.target.y.channels];
            let mut taps = [0.0f32; BLOCK_TAPS];
            gather_taps::<V>(weight, self.flipped, channels, [part, block], &mut taps);
            let (place, width) = conv.packed_place(block);
            let to = packed.add(place + part * LANES * width);
            let stride = conv.input_blocks() * LANES * width;
            transform_weights::<V>(taps.as_ptr(), LANES, 1, to, width, stride);
        }
    }
}
