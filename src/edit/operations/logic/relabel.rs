//! Moving the voxels of a label to another one.

use super::recolour::recoloured;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "move-to-label",
    name: "Move to another label",
    hint: "All voxels of the selected label get another label. The selected label is empty then.",
    group: Group::Logic,
    works_on: WorksOn::One,
    changes: Changes::Named,
    needs_image: false,
    parameters: &[Parameter { id: "label", name: "To", hint: "The label that they get", kind: Kind::Label }],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (own, other) = (inputs.label()?, inputs.other_label("label")?);
    recoloured(inputs, watch, |label| if label == own { other } else { label })
}
