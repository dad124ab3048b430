//! Smoothing of labels, each for itself.

use super::sigma::{SIGMA, gaussian};
use crate::edit::gaussian::{Smoothing, smoothed};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{OVER, each, over, too_small};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "smooth-gaussian",
    name: "Smooth by a Gaussian",
    hint: "A voxel belongs to the label where more than half of its surroundings do, weighted by a Gaussian in mm. Corners are rounded, so \
           the volume changes; thin parts go.",
    group: Group::Smoothing,
    works_on: WorksOn::Each,
    changes: Changes::Any,
    needs_image: false,
    parameters: &[SIGMA, OVER],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (mm, gaussian) = gaussian(inputs)?;
    let smoothing = Smoothing::Each(over(inputs)?);
    let mut outcome =
        each(inputs, watch, |labels, label, watch| smoothed(labels, &[label], &gaussian, smoothing, watch))?;
    if gaussian.is_point() {
        outcome.notes.push(too_small(mm * 4.0, inputs.labels));
    }
    Ok(outcome)
}
