//! Exchanging the voxels of two labels.

use super::recolour::recoloured;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "exchange",
    name: "Exchange two labels",
    hint: "The selected label gets the voxels of another one, and the other way round.",
    group: Group::Logic,
    works_on: WorksOn::One,
    changes: Changes::Named,
    needs_image: false,
    parameters: &[Parameter { id: "label", name: "With", hint: "The other label", kind: Kind::Label }],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (own, other) = (inputs.label()?, inputs.other_label("label")?);
    recoloured(inputs, watch, |label| match label {
        label if label == own => other,
        label if label == other => own,
        label => label,
    })
}
