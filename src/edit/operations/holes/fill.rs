//! Filling holes in three dimensions.

use super::found::holes;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::volume::Region;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "fill-holes",
    name: "Fill holes",
    hint: "Fills background that labels close off from the border of the volume on all sides, by faces; a hole goes to the label that \
           most of its faces touch. Other labels in a hole count as its wall and are never overwritten.",
    group: Group::Holes,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let region = Region::whole(inputs.labels.geometry().shape());
    let holes = holes(inputs, region, watch.part(0.0, 0.8))?;
    let labels = holes.filled(inputs.labels, watch.part(0.8, 1.0))?;
    Ok(Outcome {
        tallies: vec![
            Tally::new(holes.labels.len(), "hole filled", "holes filled"),
            Tally::new(holes.voxels(), "voxel filled", "voxels filled"),
        ],
        ..Outcome::new(labels)
    })
}
