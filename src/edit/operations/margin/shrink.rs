//! A margin taken away from a label.

use crate::edit::label_box::Over;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{DIRECTIONS, by_ball, size};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::reshape::Reshape;
use crate::work::Watch;

const MARGIN: &str = "margin";

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "shrink-margin",
    name: "Shrink by a margin",
    hint: "The label loses all voxels with the centre of a voxel that is not its own within the margin (erosion by a ball in mm). The border \
           of the volume takes nothing away.",
    group: Group::Margin,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[size(MARGIN, "Margin", "How far it shrinks", 100.0, 3.0), DIRECTIONS],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    by_ball(inputs, (MARGIN, 1.0), Reshape::Shrink, Over::Background, watch)
}
