//! How work on maps is cut: some rows of one plane at a time, the same pieces on every run.

use super::memory::Map;
use crate::engine::cpu::simd::LANES;

/// Floats of a piece: small enough to share out, large enough to be worth it.
const FLOATS: usize = 16 * 1024;

/// The pieces of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    batch: usize,
    blocks: usize,
    height: usize,
    /// Rows of a piece; even, so that 2x2 windows stay together.
    rows: usize,
    /// Pieces of a plane.
    pub per_plane: usize,
}

impl Pieces {
    /// The pieces of maps of this shape.
    pub fn new(map: &Map) -> Self {
        let rows = (FLOATS / (map.size[1] * LANES).max(1)).max(1).next_multiple_of(2).min(map.size[0].max(1));
        let per_plane = map.size[0].div_ceil(rows);
        Self { batch: map.batch, blocks: map.blocks(), height: map.size[0], rows, per_plane }
    }

    /// Number of pieces.
    pub fn count(&self) -> usize {
        self.batch * self.blocks * self.per_plane
    }

    /// Number of a piece.
    pub fn index(&self, image: usize, block: usize, piece: usize) -> usize {
        (image * self.blocks + block) * self.per_plane + piece
    }

    /// Lines and columns of work on all pieces: pieces of a block of all images, times blocks.
    pub fn work(&self) -> [usize; 2] {
        [self.batch * self.per_plane, self.blocks]
    }

    /// Number of the piece at a line and column of that.
    pub fn of_line(&self, line: usize, block: usize) -> usize {
        self.index(line / self.per_plane, block, line % self.per_plane)
    }

    /// Image, block and rows of a piece.
    pub fn get(&self, n: usize) -> (usize, usize, std::ops::Range<usize>) {
        let (plane, piece) = (n / self.per_plane, n % self.per_plane);
        let start = piece * self.rows;
        (plane / self.blocks, plane % self.blocks, start..(start + self.rows).min(self.height))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_row_once() {
        for size in [[1, 1], [7, 300], [130, 64], [64, 2000]] {
            let map = Map { offset: 0, batch: 2, channels: 40, lanes: LANES, size, border: 0, image: 0 };
            let pieces = Pieces::new(&map);
            let mut seen = vec![0; 2 * 3 * size[0]];
            for n in 0..pieces.count() {
                let (image, block, rows) = pieces.get(n);
                assert!(rows.start % 2 == 0 && pieces.index(image, block, n % pieces.per_plane) == n);
                rows.for_each(|row| seen[(image * 3 + block) * size[0] + row] += 1);
            }
            assert!(seen.iter().all(|&n| n == 1), "{size:?}");
        }
    }
}
