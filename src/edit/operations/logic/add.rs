//! The union of two labels.

use super::recolour::recoloured;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "add-label",
    name: "Add another label",
    hint: "The selected label gets all voxels of another label (the union of both), which is empty then.",
    group: Group::Logic,
    works_on: WorksOn::One,
    changes: Changes::Named,
    needs_image: false,
    parameters: &[Parameter { id: "label", name: "Label", hint: "The label that is added", kind: Kind::Label }],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (own, other) = (inputs.label()?, inputs.other_label("label")?);
    recoloured(inputs, watch, |label| if label == other { own } else { label })
}
