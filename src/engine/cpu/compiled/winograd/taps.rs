//! The weights of a 3x3 convolution as training keeps them, brought into blocks of channels.

use super::super::super::simd::{LANES, Vector};
use super::super::tiles::KERNEL;

/// Weights that are read where training keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    /// Number of the array `[out, in, 3, 3]` among the inputs.
    pub input: usize,
    /// Whether it is that of the convolution whose gradient is taken back: `[in, out, 3, 3]`, turned around.
    pub flipped: bool,
}

/// Floats of the taps of a block of input channels and one of output channels.
pub const BLOCK_TAPS: usize = LANES * KERNEL * LANES;

/// The taps of a block of input channels and one of output channels, `[input channel][tap][16 outputs]`; channels that do not exist
/// have zeros.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
pub unsafe fn gather_taps<V: Vector>(
    weight: &[f32],
    flipped: bool,
    [inputs, outputs]: [usize; 2],
    [part, block]: [usize; 2],
    taps: &mut [f32; BLOCK_TAPS],
) {
    let (i0, o0) = (part * LANES, block * LANES);
    let (rows, lanes) = (LANES.min(inputs - i0), LANES.min(outputs - o0));
    if rows < LANES || lanes < LANES {
        taps.fill(0.0);
    }
    // SAFETY: vectors are read inside the slices and written inside the array.
    unsafe {
        if flipped {
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
                // The same of the next block of input channels.
                ask::<V>(weight, from + LANES * outputs * KERNEL);
            }
            // Outputs that do not exist were read from what lies behind the last kernel.
            if lanes < LANES {
                for line in taps.chunks_exact_mut(LANES) {
                    line[lanes..].fill(0.0);
                }
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
            for lane in 0..lanes {
                ask::<V>(weight, ((o0 + lane) * inputs + i0 + LANES) * KERNEL);
            }
        } else {
            for lane in 0..lanes {
                for n in 0..rows * KERNEL {
                    taps[n * LANES + lane] = weight[((o0 + lane) * inputs + i0) * KERNEL + n];
                }
            }
        }
    }
}

/// Asks for the kernels of sixteen channels that follow each other from a place on.
///
/// # Safety
/// The processor runs `V`'s instructions.
#[inline(always)]
unsafe fn ask<V: Vector>(weight: &[f32], start: usize) {
    for line in 0..KERNEL {
        // SAFETY: any address is allowed.
        unsafe { V::prefetch(weight.as_ptr().wrapping_add(start + line * LANES)) };
    }
}
