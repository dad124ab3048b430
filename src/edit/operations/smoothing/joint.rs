//! Smoothing of several labels without gaps between them.

use super::sigma::{SIGMA, gaussian};
use crate::edit::gaussian::{Smoothing, smoothed};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{told, too_small};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "smooth-jointly",
    name: "Smooth labels together",
    hint: "The selected labels are smoothed as one by a Gaussian in mm, and each voxel of that goes to the label with the largest part of its \
           surroundings: labels that touch still do.",
    group: Group::Smoothing,
    works_on: WorksOn::Together,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[SIGMA],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (mm, gaussian) = gaussian(inputs)?;
    let (labels, sum) = smoothed(inputs.labels, inputs.selected, &gaussian, Smoothing::Joint, watch)?;
    let empty: Vec<_> =
        inputs.selected.iter().copied().filter(|label| inputs.labels.region_of(*label).is_none()).collect();
    let mut outcome = told(labels, sum, &empty);
    if gaussian.is_point() {
        outcome.notes.push(too_small(mm * 4.0, inputs.labels));
    }
    Ok(outcome)
}
