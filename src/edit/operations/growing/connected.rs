//! Region growing between two values.

use super::painted::grow;
use super::{HIGH, LOW, SEED};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::region_growing::connected;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "grow-threshold",
    name: "Grow between two values",
    hint: "The label gets all voxels that are connected to the seed, through faces, by values between both bounds. Both bounds belong to it.",
    group: Group::Fill,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: true,
    parameters: &[SEED, LOW, HIGH],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let bounds = [inputs.values.number("low")?, inputs.values.number("high")?];
    grow(inputs, watch, |growing, watch| connected(growing, bounds, watch))
}
