//! Taking all voxels of a label away.

use super::recolour::recoloured;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "clear",
    name: "Clear a label",
    hint: "Takes all voxels of the label away. The label itself stays in the list.",
    group: Group::Logic,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    recoloured(inputs, watch, |label| if inputs.selected.contains(&label) { 0 } else { label })
}
