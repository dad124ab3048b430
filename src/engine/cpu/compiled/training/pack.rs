//! Weights as they are trained, packed for the kernels before each use.

use super::super::memory::Constants;
use super::super::run::{Context, Stage, Step};
use super::super::tiles::{KERNEL, transform_weights};
use super::super::winograd::Winograd;
use crate::engine::cpu::simd::{LANES, Vector};

/// Weights of the convolution in another stage.
pub struct Pack {
    /// Number of the stage that uses them.
    pub stage: usize,
    /// Number of the array among the inputs.
    pub input: usize,
    /// Whether the array is that of the convolution whose gradient is taken back: `[in, out, 3, 3]`, turned around.
    pub flipped: bool,
}

/// A vector with zeros behind it, as kernels read biases.
pub struct PackVector {
    /// Number of the array among the inputs; zeros where there is none.
    pub input: Option<usize>,
    /// Where it goes.
    pub to: usize,
    /// Floats there.
    pub len: usize,
}

impl PackVector {
    /// # Safety
    /// As [`Context`] says.
    pub unsafe fn run(&self, context: &Context) {
        if context.thread != 0 {
            return;
        }
        let from = self.input.map_or(&[][..], |n| context.inputs[n]);
        // SAFETY: the place lies in the arena; only this thread writes it.
        let to = unsafe { std::slice::from_raw_parts_mut(context.arena.add(self.to), self.len) };
        let count = from.len().min(self.len);
        to[..count].copy_from_slice(&from[..count]);
        to[count..].fill(0.0);
    }
}

impl Pack {
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    pub unsafe fn run<V: Vector>(&self, context: &Context, step: usize, stages: &[Stage]) {
        let weight = context.inputs[self.input];
        match &stages[self.stage].step {
            Step::Direct(conv) => {
                let Constants::Placed(start) = conv.weights else { return };
                while let Some([panel, _]) = context.take(step, [conv.panel_count(), 1]) {
                    let before: usize = (0..panel).map(|n| conv.panel_len(n)).sum();
                    // SAFETY: the place lies in the arena; panels are taken once.
                    let packed = unsafe {
                        std::slice::from_raw_parts_mut(context.arena.add(start + before), conv.panel_len(panel))
                    };
                    conv.pack_panel(panel, weight, packed);
                }
            }
            Step::Winograd(conv) => {
                let Constants::Placed(start) = conv.weights else { return };
                let (blocks, parts) = (conv.target.y.blocks(), conv.input_blocks());
                while let Some([block, part]) = context.take(step, [blocks, parts]) {
                    // SAFETY: the place lies in the arena; pairs of blocks are taken once.
                    unsafe { self.pack_blocks::<V>(conv, weight, context.arena.add(start), block, part) };
                }
            }
            _ => {}
        }
    }

    /// Packs a block of output and one of input channels.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; pointers lead to the floats that are read and written.
    #[inline(always)]
    unsafe fn pack_blocks<V: Vector>(
        &self,
        conv: &Winograd,
        weight: &[f32],
        packed: *mut f32,
        block: usize,
        part: usize,
    ) {
        // SAFETY: the caller keeps the function's conditions.
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
