//! Going once through all labelled voxels, on all threads, and adding up per label.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::volume::{LabelMap, LabelValue};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// Parts that the bricks are dealt to. They do not depend on the number of threads, so that sums have the same bits on every machine.
const PARTS: usize = 16;
/// Bricks that follow each other in one part.
const PIECE: usize = 16;

/// Which labels are measured.
#[derive(Debug, Clone, Default)]
pub enum Wanted {
    /// All that have voxels.
    #[default]
    All,
    /// These.
    These(BTreeSet<LabelValue>),
}

/// One sum per label.
pub(super) struct ByLabel<T> {
    /// The place of a label's sum, with 1 added; 0 where it has none.
    places: Vec<u32>,
    sums: Vec<(LabelValue, T)>,
}

impl<T> ByLabel<T> {
    fn new() -> Self {
        Self { places: vec![0; usize::from(LabelValue::MAX) + 1], sums: Vec::new() }
    }

    /// The sum of a label; it begins as `first`.
    #[inline]
    fn of(&mut self, label: LabelValue, first: impl FnOnce() -> T) -> Option<&mut T> {
        let place = &mut self.places[usize::from(label)];
        if *place == 0 {
            self.sums.push((label, first()));
            *place = self.sums.len() as u32;
        }
        self.sums.get_mut(*place as usize - 1).map(|(_, sum)| sum)
    }
}

/// Adds up runs of labelled voxels: `add(sum, first voxel, length, label)`. The sums of all parts come in a fixed order, to be joined by
/// the caller.
///
/// # Errors
/// When the work is stopped.
pub(super) fn tally<T: Send>(
    labels: &LabelMap,
    wanted: &Wanted,
    watch: Watch,
    first: impl Fn(LabelValue) -> T + Sync,
    add: impl Fn(&mut T, [usize; 3], usize, LabelValue) + Sync,
) -> Result<Vec<(LabelValue, T)>, Stopped> {
    let is_wanted: Option<Vec<bool>> = match wanted {
        Wanted::All => None,
        Wanted::These(these) => Some((0..=LabelValue::MAX).map(|label| these.contains(&label)).collect()),
    };
    let bricks = labels.brick_count();
    let of_part = |part: usize| -> Result<Vec<(LabelValue, T)>, Stopped> {
        let mut sums = ByLabel::new();
        for piece in (part..bricks.div_ceil(PIECE)).step_by(PARTS) {
            // The first part speaks for all.
            if part == 0 {
                watch.at(share(piece * PIECE, bricks))?;
            }
            watch.check()?;
            for brick in piece * PIECE..((piece + 1) * PIECE).min(bricks) {
                labels.for_each_run(brick, |at, length, label| {
                    if is_wanted.as_ref().is_none_or(|wanted| wanted[usize::from(label)])
                        && let Some(sum) = sums.of(label, || first(label))
                    {
                        add(sum, at, length, label);
                    }
                });
            }
        }
        Ok(sums.sums)
    };
    let parts: Result<Vec<_>, Stopped> = (0..PARTS.min(bricks)).into_par_iter().map(of_part).collect();
    Ok(parts?.into_iter().flatten().collect())
}
