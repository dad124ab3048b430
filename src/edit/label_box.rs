//! The voxels of one label in a box, and labels with other voxels of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::shape::VoxelBits;
use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch};

/// The voxels of a label in a box of the grid.
///
/// # Errors
/// When the work is stopped.
pub fn bits_of(labels: &LabelMap, label: LabelValue, region: Region, watch: Watch) -> Result<VoxelBits, Stopped> {
    let [width, ..] = region.shape();
    VoxelBits::from_rows(region.shape(), watch, |j, k, is_in| {
        let mut row = vec![0; width];
        labels.read_row([region.start[0], region.start[1] + j, region.start[2] + k], &mut row);
        is_in.iter_mut().zip(row).for_each(|(is_in, other)| *is_in = other == label);
    })
}

/// How many voxels of a label changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reshaped {
    /// Those that it has now.
    pub added: usize,
    /// Those that it had.
    pub removed: usize,
    /// Those that it would have, and that stay with other labels.
    pub left: usize,
}

impl std::ops::AddAssign for Reshaped {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.left += other.left;
    }
}

/// Whether a label may take voxels of other labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It grows over the background alone.
    Background,
    /// It grows over other labels too.
    OtherLabels,
}

/// The labels with other voxels for one of them in a box: those of `bits`, as far as they are free. What the label loses is background.
///
/// # Errors
/// When the work is stopped.
pub fn with_bits(
    labels: &LabelMap,
    label: LabelValue,
    (region, bits): (Region, &VoxelBits),
    over: Over,
    watch: Watch,
) -> Result<(LabelMap, Reshaped), Stopped> {
    let [added, removed, left] = [0; 3].map(AtomicUsize::new);
    let changed = labels.edited(region, watch, |start, row| {
        let mut counts = Reshaped::default();
        let [i, j, k] = [0, 1, 2].map(|axis| start[axis] - region.start[axis]);
        for (n, own) in row.iter_mut().enumerate() {
            match (bits.contains([i + n, j, k]), *own) {
                (true, other) if other == label => {}
                (true, other) if other == 0 || over == Over::OtherLabels => {
                    *own = label;
                    counts.added += 1;
                }
                (true, _) => counts.left += 1,
                (false, other) if other == label => {
                    *own = 0;
                    counts.removed += 1;
                }
                (false, _) => {}
            }
        }
        for (sum, count) in [(&added, counts.added), (&removed, counts.removed), (&left, counts.left)] {
            if count > 0 {
                sum.fetch_add(count, Ordering::Relaxed);
            }
        }
    })?;
    let [added, removed, left] = [added, removed, left].map(AtomicUsize::into_inner);
    Ok((changed, Reshaped { added, removed, left }))
}
