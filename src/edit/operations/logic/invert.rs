//! Exchanging a label with the background.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::volume::Region;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "invert",
    name: "Invert a label",
    hint: "The label becomes background, and the background becomes the label. Other labels stay as they are.",
    group: Group::Logic,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let own = inputs.label()?;
    let changed = AtomicUsize::new(0);
    let region = Region::whole(inputs.labels.geometry().shape());
    let labels = inputs.labels.edited(region, watch, |_, row| {
        let mut count = 0;
        for label in row.iter_mut().filter(|label| **label == own || **label == 0) {
            *label = own - *label;
            count += 1;
        }
        changed.fetch_add(count, Ordering::Relaxed);
    })?;
    let changed = Tally::new(changed.into_inner(), "voxel changed", "voxels changed");
    Ok(Outcome { tallies: vec![changed], ..Outcome::new(labels) })
}
