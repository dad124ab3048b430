//! A label and a label of another segmentation on the same grid.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::volume::{LabelValue, Region};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "combine",
    name: "Combine with another segmentation",
    hint: "The label and a label of another segmentation of the same scan: their union, their intersection, the one without the other, \
           or a copy. Other labels are never overwritten.",
    group: Group::Logic,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter { id: "with", name: "With", hint: "The label of the other segmentation", kind: Kind::Mask },
        Parameter {
            id: "mode",
            name: "Result",
            hint: "What the label becomes",
            kind: Kind::Choice(&[
                Choice { id: "union", name: "Union: in one of both" },
                Choice { id: "intersection", name: "Intersection: in both" },
                Choice { id: "difference", name: "Difference: not in the other" },
                Choice { id: "copy", name: "Copy of the other" },
            ]),
        },
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (own, other) = (inputs.label()?, inputs.values.mask("with")?);
    let (gains, loses): (bool, fn(bool) -> bool) = match inputs.values.choice("mode")? {
        "intersection" => (false, |is_in_other| !is_in_other),
        "difference" => (false, |is_in_other| is_in_other),
        "copy" => (true, |is_in_other| !is_in_other),
        _ => (true, |_| false),
    };
    let (gained, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let whole = Region::whole(inputs.labels.geometry().shape());
    let labels = inputs.labels.edited(whole, watch, |at, row| {
        let mut there: [LabelValue; crate::volume::BRICK_EDGE] = [0; crate::volume::BRICK_EDGE];
        let Some(there) = there.get_mut(..row.len()) else { return };
        other.labels.read_row(at, there);
        let (mut more, mut less) = (0, 0);
        for (label, there) in row.iter_mut().zip(there.iter()) {
            let is_in_other = *there == other.label;
            if *label == 0 && gains && is_in_other {
                *label = own;
                more += 1;
            } else if *label == own && loses(is_in_other) {
                *label = 0;
                less += 1;
            }
        }
        gained.fetch_add(more, Ordering::Relaxed);
        lost.fetch_add(less, Ordering::Relaxed);
    })?;
    Ok(Outcome {
        tallies: vec![
            Tally::new(gained.into_inner(), "voxel added", "voxels added"),
            Tally::new(lost.into_inner(), "voxel removed", "voxels removed"),
        ],
        ..Outcome::new(labels)
    })
}
