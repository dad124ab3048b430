//! Keeping one island of a label.

use super::found::{NEIGHBOURS, island_at, islands, without};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "keep-island",
    name: "Keep one island",
    hint: "Keeps the connected part of the label that holds a voxel, and removes all its other parts.",
    group: Group::Islands,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter { id: "at", name: "At", hint: "A voxel of the island that stays", kind: Kind::Voxel },
        NEIGHBOURS,
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let islands = islands(inputs, watch.part(0.0, 0.7))?;
    match island_at(inputs, &islands, "at")? {
        Ok(kept) => without(inputs.labels, &islands, |part| part != kept, watch.part(0.7, 1.0)),
        Err(note) => Ok(Outcome { notes: vec![note], ..Outcome::new(inputs.labels.clone()) }),
    }
}
