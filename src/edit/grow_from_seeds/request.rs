//! What is asked for, and why it cannot be done.

use crate::volume::{LabelMap, LabelValue, Region, Volume};
use crate::work::Stopped;
use crate::work::memory::OutOfMemory;

/// Strokes, and where they grow.
#[derive(Debug, Clone, Copy)]
pub struct SeedGrowing<'a> {
    /// The image.
    pub volume: &'a Volume,
    /// The frame of it that is looked at.
    pub frame: usize,
    /// The strokes, on the same grid as the image. Labels that do not compete are walls and stay.
    pub strokes: &'a LabelMap,
    /// The labels that compete.
    pub labels: &'a [LabelValue],
    /// The box that is shared out, as [`super::box_around`] gives it.
    pub region: Region,
}

/// Why strokes do not grow.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SeedError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Not enough memory.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
    /// Strokes and image are not on one grid.
    #[error("the strokes have {strokes:?} voxels and the image has {image:?}; draw the strokes on this image")]
    Grid {
        /// Voxels of the strokes.
        strokes: [usize; 3],
        /// Voxels of the image.
        image: [usize; 3],
    },
    /// Nothing competes.
    #[error(
        "strokes of two labels are needed, one on the structure and one off it; of the selected labels {} there",
        if *present == 1 { "1 is" } else { "none is" }
    )]
    TooFew {
        /// Labels with strokes.
        present: usize,
    },
    /// Too many labels.
    #[error("{0} labels have strokes; at most 254 can compete at once")]
    TooMany(usize),
    /// The box is too large to be counted.
    #[error("the box of {0:?} voxels around the strokes is too large; choose a smaller margin")]
    TooLarge([usize; 3]),
}
