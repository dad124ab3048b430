//! Other values for labels, counted.

use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Inputs, Outcome, Tally};
use crate::volume::{LabelMap, LabelValue};
use crate::work::Watch;

/// The map with other values for its labels.
fn mapped(labels: &LabelMap, to: impl Fn(LabelValue) -> LabelValue) -> LabelMap {
    // Every value has its place.
    labels.mapped(|label| Some(to(label))).unwrap_or_else(|_| labels.clone())
}

/// Gives labels other values; those of the background stay. Tells how many voxels changed.
pub fn recoloured(
    inputs: &Inputs,
    watch: Watch,
    to: impl Fn(LabelValue) -> LabelValue,
) -> Result<Outcome, OperationError> {
    let counts = inputs.labels.voxel_counts();
    watch.at(0.5)?;
    let changed = counts.into_iter().filter(|(label, _)| to(*label) != *label).map(|(_, voxels)| voxels).sum();
    let labels = mapped(inputs.labels, to);
    watch.at(1.0)?;
    Ok(Outcome { tallies: vec![Tally::new(changed, "voxel changed", "voxels changed")], ..Outcome::new(labels) })
}
