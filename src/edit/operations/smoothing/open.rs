//! Removing what is thin.

use crate::edit::label_box::Over;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{DIRECTIONS, by_ball, size};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::reshape::Reshape;
use crate::work::Watch;

const RADIUS: &str = "radius";

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "open",
    name: "Remove thin parts (opening)",
    hint: "The label keeps what a ball of this radius in mm covers that lies within it: thin bridges, spikes and specks go. The border of the \
           volume takes nothing away.",
    group: Group::Smoothing,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[size(RADIUS, "Radius", "Radius of the ball, between centres of voxels", 50.0, 3.0), DIRECTIONS],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    by_ball(inputs, (RADIUS, 1.0), Reshape::Open, Over::Background, watch)
}
