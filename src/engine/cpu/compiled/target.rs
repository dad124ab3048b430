//! What follows a convolution: bias, sum, activation, and where the results go.

use super::super::matmul::{Product, Sink, multiply, row_groups};
use super::super::simd::{LANES, Vector};
use super::memory::{Constants, Map};

/// What happens to a sum before it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finish {
    /// Nothing.
    Plain,
    /// max(x, 0).
    Relu,
    /// max(x, slope x), slope at most 1.
    Leaky(f32),
}

impl Finish {
    /// Applies it.
    ///
    /// # Safety
    /// The processor runs `V`'s instructions.
    #[inline(always)]
    pub unsafe fn apply<V: Vector>(self, x: V) -> V {
        // SAFETY: the caller keeps the function's conditions.
        unsafe {
            match self {
                Self::Plain => x,
                Self::Relu => x.max(V::splat(0.0)),
                Self::Leaky(slope) => x.max(x.mul(V::splat(slope))),
            }
        }
    }

    /// Applies it to all of a tile.
    ///
    /// # Safety
    /// As [`Finish::apply`].
    #[inline(always)]
    pub unsafe fn apply_to_tile<V: Vector, const N: usize>(self, tile: &mut [[V; N]; N]) {
        // The case is chosen once, not for every pixel.
        macro_rules! every {
            ($finish:expr) => {
                for r in 0..N {
                    for c in 0..N {
                        // SAFETY: the caller keeps the function's conditions.
                        tile[r][c] = unsafe { $finish.apply(tile[r][c]) };
                    }
                }
            };
        }
        match self {
            Self::Plain => {}
            Self::Relu => every!(Self::Relu),
            Self::Leaky(slope) => every!(Self::Leaky(slope)),
        }
    }
}

/// Bias, residual and activation, and where results go.
pub struct Target {
    /// The result.
    pub y: Map,
    /// Its 2x2 maxima, where the next operation is that pooling.
    pub pooled: Option<Map>,
    /// A map of the same size that is added first.
    pub add: Option<Map>,
    /// One value per output channel, padded to blocks.
    pub bias: Constants,
    /// Activation.
    pub finish: Finish,
}

/// Panels of output channels: first block and number of blocks of each.
pub fn panels(blocks: usize, width: usize) -> Vec<(usize, usize)> {
    (0..blocks).step_by(width).map(|first| (first, width.min(blocks - first))).collect()
}

/// Results with bias, residual and activation, in a line of pixels.
#[derive(Clone, Copy)]
pub struct Pixels {
    /// First pixel.
    pub to: *mut f32,
    /// Floats from pixel to pixel.
    pub step: usize,
    /// Floats from block to block.
    pub plane: usize,
    /// Of the first block.
    pub bias: *const f32,
    /// The line of the map that is added, and the distance of its blocks.
    pub add: Option<(*const f32, usize)>,
    /// Activation.
    pub finish: Finish,
}

impl<V: Vector> Sink<V> for Pixels {
    /// # Safety
    /// As [`Sink::put`] says.
    #[inline(always)]
    unsafe fn put(&self, row: usize, column: usize, sum: V) {
        // SAFETY: the caller keeps the function's conditions.
        unsafe {
            let mut value = sum.add(V::load(self.bias.add(column * LANES)));
            if let Some((from, plane)) = self.add {
                value = value.add(V::load(from.add(column * plane + row * self.step)));
            }
            self.finish.apply(value).store(self.to.add(column * self.plane + row * self.step));
        }
    }
}

impl From<(Pixels, usize)> for Pixels {
    fn from((pixels, rows): (Pixels, usize)) -> Self {
        let add = pixels.add.map(|(from, plane)| (from.wrapping_add(rows * pixels.step), plane));
        Self { to: pixels.to.wrapping_add(rows * pixels.step), add, ..pixels }
    }
}

/// [`multiply`] for the last panel, one block wide where the others are wider, in as many calls as a narrow kernel needs.
///
/// # Safety
/// As there.
#[inline(always)]
pub unsafe fn multiply_narrow<V: Vector, const STEP: usize, S: Sink<V> + Copy + From<(S, usize)>>(
    rows: usize,
    product: Product,
    sink: S,
) {
    for (start, count) in row_groups(rows, V::NARROW_ROWS) {
        let a = product.a.wrapping_add(start * product.a_step);
        // SAFETY: the caller keeps the function's conditions.
        unsafe { multiply::<V, 1, STEP>(count, Product { a, ..product }, &S::from((sink, start))) };
    }
}
