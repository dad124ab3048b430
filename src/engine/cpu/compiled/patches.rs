//! A map as the overlapping patches of Winograd's algorithm.

use super::super::simd::{LANES, Vector};
use super::super::winograd::{PATCH, PRODUCTS, TILE};
use super::memory::Map;
use super::step::Context;
use super::tiles::transform_tiles;

/// Tiles side by side.
#[derive(Clone, Copy)]
pub struct Line {
    /// Image.
    pub image: usize,
    /// Row of tiles.
    pub down: usize,
    /// First tile.
    pub across: usize,
    /// Number of tiles.
    pub len: usize,
    /// Place of the first one in scratch buffers.
    pub slot: usize,
}

/// A map that is read in patches, one per tile of the result.
pub struct Patches {
    /// The map.
    pub x: Map,
    padding: [usize; 2],
    /// Tiles down and across.
    pub tiles: [usize; 2],
}

impl Patches {
    /// The patches of a convolution's input, for a result of some size.
    pub fn new(x: Map, output: [usize; 2], padding: [usize; 2]) -> Self {
        Self { x, padding, tiles: output.map(|n| n.div_ceil(TILE)) }
    }

    /// Tiles of all images.
    pub fn count(&self) -> usize {
        self.x.batch * self.tiles[0] * self.tiles[1]
    }

    /// Tiles of a chunk, line by line.
    pub fn lines(&self, tiles: std::ops::Range<usize>) -> impl Iterator<Item = Line> + use<> {
        let [rows, columns] = self.tiles;
        let start = tiles.start;
        let mut at = start;
        std::iter::from_fn(move || {
            let across = at % columns;
            let len = (columns - across).min(tiles.end - at);
            let line = Line { image: at / (rows * columns), down: at / columns % rows, across, len, slot: at - start };
            at += len;
            (len > 0).then_some(line)
        })
    }

    /// B^T d B of a line of tiles of one block of channels; `to` is the block's place in the first tile, `step` leads from
    /// tile to tile, `stride` from product to product.
    ///
    /// # Safety
    /// As [`Context`] says, and all results are writable.
    #[inline(always)]
    pub unsafe fn transform_line<V: Vector>(
        &self,
        context: &Context,
        to: *mut f32,
        line: Line,
        block: usize,
        step: usize,
        stride: usize,
    ) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let x = &self.x;
            let top = (line.down * TILE) as isize - self.padding[0] as isize;
            let left = (line.across * TILE) as isize - self.padding[1] as isize;
            let border = x.border as isize;
            // Tiles whose patch lies in the map and its border; others are at the lower or right end.
            let free = x.size[1] as isize + border - left - PATCH as isize;
            let is_inside =
                top >= -border && left >= -border && top + PATCH as isize <= x.size[0] as isize + border && free >= 0;
            let inside = if is_inside { line.len.min(free as usize / TILE + 1) } else { 0 };
            let to = to.add(line.slot * step);
            if inside > 0 {
                let from = context.arena.add(x.at(line.image, block, top, left));
                transform_tiles::<V>(from, x.row(), inside, to, step, stride);
            }
            for n in inside..line.len {
                let mut patch = [0.0f32; PRODUCTS * LANES];
                self.copy_patch(context, &mut patch, line.image, block, [top, left + (n * TILE) as isize]);
                transform_tiles::<V>(patch.as_ptr(), PATCH * LANES, 1, to.add(n * step), step, stride);
            }
        }
    }

    /// A tile's patch with zeros where there is no map.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(never)]
    unsafe fn copy_patch(
        &self,
        context: &Context,
        patch: &mut [f32; PRODUCTS * LANES],
        image: usize,
        block: usize,
        [top, left]: [isize; 2],
    ) {
        let x = &self.x;
        for (n, pixel) in patch.chunks_exact_mut(LANES).enumerate() {
            let (r, c) = (top + (n / PATCH) as isize, left + (n % PATCH) as isize);
            if r >= 0 && c >= 0 && r < x.size[0] as isize && c < x.size[1] as isize {
                // SAFETY: the pixel lies in the map.
                unsafe {
                    let from = context.arena.add(x.at(image, block, r, c));
                    pixel.copy_from_slice(std::slice::from_raw_parts(from, LANES));
                }
            }
        }
    }
}
