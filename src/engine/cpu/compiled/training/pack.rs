//! Weights as they are trained, packed for the kernels before each use.

use std::sync::Arc;

use super::super::direct::Direct;
use super::super::memory::Constants;
use super::super::step::{Context, Step};
use super::super::tiles::{KERNEL, transform_weights};
use super::super::winograd::Winograd;
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

/// Weights of a 3x3 convolution by Winograd's algorithm.
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
            let (inputs, outputs) = (conv.input_channels(), conv.target.y.channels);
            let (i0, o0) = (part * LANES, block * LANES);
            let (rows, lanes) = (LANES.min(inputs - i0), LANES.min(outputs - o0));
            // `[input channel][tap][16 outputs]`.
            let mut taps = [0.0f32; LANES * KERNEL * LANES];
            if self.flipped {
                // For one input channel the kernels of sixteen outputs follow each other.
                let mut kernels = [0.0f32; LANES * KERNEL + LANES];
                for i in 0..rows {
                    let from = ((i0 + i) * outputs + o0) * KERNEL;
                    kernels[..lanes * KERNEL].copy_from_slice(&weight[from..from + lanes * KERNEL]);
                    let mut lines = [V::splat(0.0); LANES];
                    for (lane, line) in lines.iter_mut().enumerate() {
                        *line = V::load(kernels.as_ptr().add(lane * KERNEL));
                    }
                    for (n, tap) in V::transpose(lines).into_iter().enumerate().take(KERNEL) {
                        tap.store(taps.as_mut_ptr().add((i * KERNEL + KERNEL - 1 - n) * LANES));
                    }
                }
                // Outputs that do not exist were read from old kernels.
                for line in taps.chunks_exact_mut(LANES) {
                    line[lanes..].fill(0.0);
                }
            } else if rows == LANES {
                for group in 0..KERNEL {
                    let mut lines = [V::splat(0.0); LANES];
                    for (lane, line) in lines.iter_mut().enumerate().take(lanes) {
                        let from = ((o0 + lane) * inputs + i0) * KERNEL + group * LANES;
                        *line = V::load(weight[from..from + LANES].as_ptr());
                    }
                    for (n, tap) in V::transpose(lines).into_iter().enumerate() {
                        tap.store(taps.as_mut_ptr().add((group * LANES + n) * LANES));
                    }
                }
            } else {
                for lane in 0..lanes {
                    for n in 0..rows * KERNEL {
                        taps[n * LANES + lane] = weight[((o0 + lane) * inputs + i0) * KERNEL + n];
                    }
                }
            }
            let (place, width) = conv.packed_place(block);
            if conv.is_transformed() {
                let to = packed.add(place + i0 * width);
                let stride = conv.input_blocks() * LANES * width;
                transform_weights::<V>(taps.as_ptr(), LANES, 1, to, width, stride);
            } else {
                let to = packed.add(place + i0 * KERNEL * width);
                for (n, line) in taps.chunks_exact(LANES).enumerate() {
                    V::load(line.as_ptr()).store(to.add(n * width));
                }
            }
        }
    }
}
