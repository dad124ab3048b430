//! Filling what is narrow.

use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{DIRECTIONS, OVER, by_ball, over, size};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::reshape::Reshape;
use crate::work::Watch;

const RADIUS: &str = "radius";

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "close",
    name: "Fill narrow gaps (closing)",
    hint: "The label gets all voxels that no ball of this radius in mm can cover without touching it: narrow gaps, notches and small holes are \
           filled. Nothing is drawn out to the border of the volume.",
    group: Group::Smoothing,
    works_on: WorksOn::Each,
    changes: Changes::Any,
    needs_image: false,
    parameters: &[size(RADIUS, "Radius", "Radius of the ball, between centres of voxels", 50.0, 3.0), DIRECTIONS, OVER],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    by_ball(inputs, (RADIUS, 1.0), Reshape::Close, over(inputs)?, watch)
}
