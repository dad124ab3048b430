//! Removing one island of a label.

use super::found::{NEIGHBOURS, island_at, islands, without};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "remove-island",
    name: "Remove one island",
    hint: "Removes the connected part of the label that holds a voxel.",
    group: Group::Islands,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter { id: "at", name: "At", hint: "A voxel of the island that goes", kind: Kind::Voxel },
        NEIGHBOURS,
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let islands = islands(inputs, watch.part(0.0, 0.7))?;
    match island_at(inputs, &islands, "at")? {
        Ok(gone) => without(inputs.labels, &islands, |part| part == gone, watch.part(0.7, 1.0)),
        Err(note) => Ok(Outcome { notes: vec![note], ..Outcome::new(inputs.labels.clone()) }),
    }
}
