//! Sizes in millimetres that are chosen for balls, boxes and Gaussians, and what is told of their work.

use super::error::OperationError;
use super::operation::{Inputs, Outcome, Tally};
use super::parameter::{Choice, Kind, Parameter};
use crate::edit::label_box::{Over, Reshaped};
use crate::edit::reshape::{Reshape, reshape};
use crate::shape::Ball;
use crate::volume::{LabelMap, LabelValue, Plane, PlaneLayout};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// In the volume, or slice by slice.
pub const DIRECTIONS: Parameter = Parameter {
    id: "within",
    name: "Within",
    hint: "In all directions, or in the slices of one plane alone",
    kind: Kind::Choice(&[
        Choice { id: "volume", name: "Volume (all directions)" },
        Choice { id: "axial", name: "Axial slices" },
        Choice { id: "coronal", name: "Coronal slices" },
        Choice { id: "sagittal", name: "Sagittal slices" },
    ]),
};

/// Whether other labels may be overwritten.
pub const OVER: Parameter = Parameter {
    id: "over",
    name: "Over other labels",
    hint: "Whether it may take voxels of other labels; they stay otherwise",
    kind: Kind::Flag { default: false },
};

/// A size in millimetres.
pub const fn size(id: &'static str, name: &'static str, hint: &'static str, max: f64, default: f64) -> Parameter {
    Parameter { id, name, hint, kind: Kind::Number { unit: "mm", min: 0.0, max, step: 0.1, default } }
}

/// What was chosen of [`OVER`].
pub fn over(inputs: &Inputs) -> Result<Over, OperationError> {
    Ok(if inputs.values.flag(OVER.id)? { Over::OtherLabels } else { Over::Background })
}

/// Along which voxel axes it works: what was chosen of [`DIRECTIONS`].
fn axes(inputs: &Inputs) -> Result<[bool; 3], OperationError> {
    let chosen = inputs.values.choice(DIRECTIONS.id)?;
    let plane = Plane::ALL.into_iter().find(|plane| plane.name().eq_ignore_ascii_case(chosen));
    let across = plane.map(|plane| PlaneLayout::new(inputs.labels.geometry(), plane).axes[2]);
    Ok([0, 1, 2].map(|axis| across != Some(axis)))
}

/// A size that reaches over more voxels than can be worked with.
pub fn too_far(parameter: &'static str, mm: f64, at_most: usize, at_most_mm: f64) -> OperationError {
    // Rounded down, so that what is said can be chosen.
    let at_most_mm = (at_most_mm * 1000.0).floor() / 1000.0;
    let allowed = format!("at most {at_most_mm} mm on this grid, which are {at_most} voxels");
    OperationError::Value { parameter, value: format!("{mm} mm"), allowed }
}

/// What is told where a size is smaller than the grid can show.
pub fn too_small(mm: f64, labels: &LabelMap) -> String {
    let smallest = labels.geometry().spacing_mm().into_iter().fold(f64::INFINITY, f64::min);
    format!("{mm} mm reach no other voxel: voxels are {smallest:.3} mm apart. Nothing changed")
}

/// Does something to every selected label, one after the other, and tells what changed.
pub fn each(
    inputs: &Inputs,
    watch: Watch,
    change: impl Fn(&LabelMap, LabelValue, Watch) -> Result<(LabelMap, Reshaped), Stopped>,
) -> Result<Outcome, OperationError> {
    let mut labels = inputs.labels.clone();
    let mut sum = Reshaped::default();
    let mut empty = Vec::new();
    let count = inputs.selected.len();
    for (n, label) in inputs.selected.iter().enumerate() {
        watch.at(share(n, count))?;
        if inputs.labels.region_of(*label).is_none() {
            empty.push(*label);
            continue;
        }
        let (changed, told) = change(&labels, *label, watch.part(share(n, count), share(n + 1, count)))?;
        labels = changed;
        sum += told;
    }
    Ok(told(labels, sum, &empty))
}

/// An outcome with its numbers; `empty` are labels that have no voxels.
pub fn told(labels: LabelMap, sum: Reshaped, empty: &[LabelValue]) -> Outcome {
    let mut tallies = vec![
        Tally::new(sum.added, "voxel added", "voxels added"),
        Tally::new(sum.removed, "voxel removed", "voxels removed"),
    ];
    if sum.left > 0 {
        tallies.push(Tally::new(sum.left, "voxel left to another label", "voxels left to other labels"));
    }
    let notes = empty.iter().map(|label| format!("Label {label} has no voxels here")).collect();
    Outcome { tallies, notes, ..Outcome::new(labels) }
}

/// Does to every selected label what a ball does whose radius is a parameter, times `part`.
pub fn by_ball(
    inputs: &Inputs,
    (parameter, part): (&'static str, f64),
    what: Reshape,
    over: Over,
    watch: Watch,
) -> Result<Outcome, OperationError> {
    let mm = inputs.values.number(parameter)?;
    let spacing = inputs.labels.geometry().spacing_mm();
    let ball = Ball::new(mm * part, spacing, axes(inputs)?)
        .map_err(|wide| too_far(parameter, mm, wide.voxels, wide.at_most_mm / part))?;
    let mut outcome = each(inputs, watch, |labels, label, watch| {
        // A shell of no thickness is none, but nothing is what is meant.
        let is_point = ball.is_point();
        if is_point {
            Ok((labels.clone(), Reshaped::default()))
        } else {
            reshape(labels, label, what, &ball, over, watch)
        }
    })?;
    if ball.is_point() {
        outcome.notes.push(too_small(mm * part, inputs.labels));
    }
    Ok(outcome)
}
