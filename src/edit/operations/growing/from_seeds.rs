//! A few strokes of several labels grow until they meet.

use crate::edit::grow_from_seeds::{SeedError, SeedGrowing, box_around, grow_from_seeds};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::volume::{LabelValue, Region, Volume};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "grow-from-seeds",
    name: "Grow from seeds",
    hint: "The selected labels grow from their strokes over the image until they meet; strokes stay. Draw one on the structure and one off it, in a few slices.",
    group: Group::Fill,
    works_on: WorksOn::Together,
    changes: Changes::Selected,
    needs_image: true,
    parameters: &[
        Parameter {
            id: "margin",
            name: "Margin",
            hint: "How far beyond the strokes they grow",
            kind: Kind::Number { unit: "mm", min: 0.0, max: 500.0, step: 1.0, default: 20.0 },
        },
        Parameter {
            id: "whole",
            name: "Whole volume",
            hint: "Grow over the whole volume, whatever the margin",
            kind: Kind::Flag { default: false },
        },
        Parameter {
            id: "last-is-off",
            name: "Last label is off",
            hint: "The selected label with the highest number marks what is off the structures, and is erased afterwards",
            kind: Kind::Flag { default: false },
        },
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    watch.check()?;
    let unchanged = |note: String| Ok(Outcome { notes: vec![note], ..Outcome::new(inputs.labels.clone()) });
    let image = inputs.image()?;
    let (volume, frame, origin) = image.parts();
    let shape = inputs.labels.geometry().shape();
    let region = if inputs.values.flag("whole")? {
        Region::whole(shape)
    } else {
        match box_around(inputs.labels, inputs.selected, inputs.values.number("margin")?) {
            Some(region) => region,
            None => return unchanged(SeedError::TooFew { present: 0 }.to_string()),
        }
    };
    let part;
    let volume = if volume.geometry.shape() == shape {
        volume
    } else {
        part = cropped(volume, frame, origin, shape).ok_or(OperationError::NoImage)?;
        &part
    };
    let frame = frame.min(volume.frame_count() - 1);
    let growing = SeedGrowing { volume, frame, strokes: inputs.labels, labels: inputs.selected, region };
    let shares = match grow_from_seeds(&growing, watch.part(0.0, 0.9)) {
        Ok(shares) => shares,
        Err(SeedError::Stopped(stopped)) => return Err(stopped.into()),
        Err(why @ SeedError::TooFew { .. }) => return unchanged(why.to_string()),
        Err(why) => return Err(OperationError::Other(why.to_string())),
    };
    let off: Option<LabelValue> =
        inputs.selected.iter().copied().max().filter(|_| inputs.values.flag("last-is-off").unwrap_or(false));
    let grown = std::sync::atomic::AtomicUsize::new(0);
    let labels = inputs.labels.edited(region, watch, |start, row| {
        let mut own = vec![0; row.len()];
        shares.read_row(start, &mut own);
        let mut added = 0;
        for (label, share) in row.iter_mut().zip(own) {
            if *label == 0 && share != 0 && Some(share) != off {
                *label = share;
                added += 1;
            }
        }
        grown.fetch_add(added, std::sync::atomic::Ordering::Relaxed);
    })?;
    let labels = match off {
        None => labels,
        Some(off) => labels.edited(Region::whole(shape), watch, |_, row| {
            row.iter_mut().filter(|label| **label == off).for_each(|label| *label = 0);
        })?,
    };
    let tallies = vec![Tally::new(grown.into_inner(), "voxel added", "voxels added")];
    Ok(Outcome { tallies, ..Outcome::new(labels) })
}

/// A box of a frame as an image of its own.
fn cropped(volume: &Volume, frame: usize, origin: [usize; 3], shape: [usize; 3]) -> Option<Volume> {
    let region = Region { start: origin, end: [0, 1, 2].map(|axis| origin[axis] + shape[axis]) };
    let geometry = volume.geometry.cropped(region)?;
    let mut values = Vec::with_capacity(shape.iter().product());
    for k in region.start[2]..region.end[2] {
        for j in region.start[1]..region.end[1] {
            let row = (region.start[0]..region.end[0]).map(|i| volume.value([i, j, k], frame));
            values.extend(row.map(crate::work::numbers::single));
        }
    }
    let voxels = crate::volume::Voxels::F32(std::sync::Arc::new(values));
    Some(Volume::new(geometry, voxels, Vec::new(), crate::volume::Rescale::IDENTITY, String::new()))
}
