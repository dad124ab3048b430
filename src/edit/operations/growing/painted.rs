//! Giving voxels that were found to the selected label, as far as they have none.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Image, Inputs, Outcome, Tally};
use crate::edit::region_growing::{GrowError, Growing, Grown};
use crate::volume::{LabelValue, Region};
use crate::work::Watch;

/// The box of the image that the labels' grid is.
pub(super) fn part(inputs: &Inputs, image: &Image) -> Region {
    let (_, _, origin) = image.parts();
    let shape = inputs.labels.geometry().shape();
    Region { start: origin, end: [0, 1, 2].map(|axis| origin[axis] + shape[axis]) }
}

/// Gives background voxels for which `is_found` holds a label; it is asked with the voxel in the image.
pub(super) fn paint(
    inputs: &Inputs,
    found: Region,
    label: LabelValue,
    watch: Watch,
    is_found: impl Fn([usize; 3]) -> bool + Sync,
) -> Result<Outcome, OperationError> {
    let (_, _, origin) = inputs.image()?.parts();
    let (new, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let region = Region {
        start: [0, 1, 2].map(|axis| found.start[axis] - origin[axis]),
        end: [0, 1, 2].map(|axis| found.end[axis] - origin[axis]),
    };
    let labels = inputs.labels.edited(region, watch, |start, row| {
        let (mut added, mut left) = (0, 0);
        for (n, own) in row.iter_mut().enumerate() {
            let place = [start[0] + n + origin[0], start[1] + origin[1], start[2] + origin[2]];
            if *own == label || !is_found(place) {
                continue;
            }
            if *own == 0 {
                *own = label;
                added += 1;
            } else {
                left += 1;
            }
        }
        new.fetch_add(added, Ordering::Relaxed);
        kept.fetch_add(left, Ordering::Relaxed);
    })?;
    let (added, kept) = (new.into_inner(), kept.into_inner());
    let mut tallies = vec![Tally::new(added, "voxel added", "voxels added")];
    if kept > 0 {
        tallies.push(Tally::new(kept, "voxel of another label kept", "voxels of other labels kept"));
    }
    Ok(Outcome { tallies, ..Outcome::new(labels) })
}

/// Grows from the seed and paints what grew; that nothing grew is a note.
pub(super) fn grow(
    inputs: &Inputs,
    watch: Watch,
    way: impl Fn(&Growing, Watch) -> Result<Grown, GrowError>,
) -> Result<Outcome, OperationError> {
    let (label, image) = (inputs.label()?, inputs.image()?);
    let (volume, frame, origin) = image.parts();
    let seed = inputs.values.voxel("seed")?;
    let seeds = [[0, 1, 2].map(|axis| seed[axis] + origin[axis])];
    let growing = Growing { volume, frame, seeds: &seeds, within: Some(part(inputs, &image)) };
    match way(&growing, watch.part(0.0, 0.8)) {
        Ok(grown) => {
            let voxels = grown.voxels;
            let mut outcome = paint(inputs, voxels.region(), label, watch, |voxel| voxels.contains(voxel))?;
            let [low, high] = grown.bounds;
            outcome.notes.push(format!("grown between {low} and {high}"));
            Ok(outcome)
        }
        Err(GrowError::Stopped(stopped)) => Err(stopped.into()),
        Err(GrowError::Memory(error)) => Err(OperationError::Other(error.to_string())),
        Err(why) => Ok(Outcome { notes: vec![why.to_string()], ..Outcome::new(inputs.labels.clone()) }),
    }
}
