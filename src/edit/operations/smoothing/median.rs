//! Smoothing by what most voxels around say.

use crate::edit::median::{FURTHEST, by_majority};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{OVER, each, over, size, too_far, too_small};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::work::Watch;
use crate::work::numbers::{natural, real, whole};

const RADIUS: &str = "radius";
/// What is meant to reach a centre does: 3 times 0.7 mm is 2.0999999999999996 mm. In voxels.
const TOLERANCE: f64 = 1e-4;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "smooth-median",
    name: "Smooth by majority (median)",
    hint: "A voxel belongs to the label where most voxels of the box around it do; the box has all voxels whose centres lie within the radius \
           along each axis. The last voxel is repeated behind the border of the volume.",
    group: Group::Smoothing,
    works_on: WorksOn::Each,
    changes: Changes::Any,
    needs_image: false,
    parameters: &[size(RADIUS, "Radius", "How far the box reaches from its middle", 50.0, 3.0), OVER],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let mm = inputs.values.number(RADIUS)?;
    let over = over(inputs)?;
    let spacing = inputs.labels.geometry().spacing_mm();
    let smallest = spacing.into_iter().fold(f64::INFINITY, f64::min);
    let reach = spacing.map(|step| natural(whole(mm / step + TOLERANCE)));
    if reach.iter().any(|n| *n > FURTHEST) {
        return Err(too_far(RADIUS, mm, FURTHEST, real(FURTHEST) * smallest));
    }
    let mut outcome = each(inputs, watch, |labels, label, watch| by_majority(labels, label, reach, over, watch))?;
    if reach == [0; 3] {
        outcome.notes.push(too_small(mm, inputs.labels));
    } else {
        let [i, j, k] = reach.map(|n| 2 * n + 1);
        outcome.notes.push(format!("The box has {i} x {j} x {k} voxels"));
    }
    Ok(outcome)
}
