//! A margin around a label.

use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{DIRECTIONS, OVER, by_ball, over, size};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::reshape::Reshape;
use crate::work::Watch;

const MARGIN: &str = "margin";

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "grow-margin",
    name: "Grow by a margin",
    hint: "The label gets all voxels whose centre lies within the margin of the centre of one of its own (dilation by a ball in mm). \
           Several labels grow one after the other.",
    group: Group::Margin,
    works_on: WorksOn::Each,
    changes: Changes::Any,
    needs_image: false,
    parameters: &[size(MARGIN, "Margin", "How far it grows", 100.0, 3.0), DIRECTIONS, OVER],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    by_ball(inputs, (MARGIN, 1.0), Reshape::Grow, over(inputs)?, watch)
}
