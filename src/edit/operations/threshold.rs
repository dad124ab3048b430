//! A label from a range of image values.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::OperationError;
use super::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use super::parameter::{Choice, End, Kind, Parameter};
use crate::volume::Region;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "threshold",
    name: "Threshold",
    hint: "The label becomes the voxels whose value in the image lies in a range, both ends included. Other labels are never overwritten.",
    group: Group::Fill,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: true,
    parameters: &[
        Parameter {
            id: "low",
            name: "From",
            hint: "The lowest value that is in the range",
            kind: Kind::Intensity(End::Low),
        },
        Parameter {
            id: "high",
            name: "To",
            hint: "The highest value that is in the range",
            kind: Kind::Intensity(End::High),
        },
        Parameter {
            id: "mode",
            name: "Result",
            hint: "Whether the label becomes the range, gets its voxels besides its own, or keeps only its own voxels in the range",
            kind: Kind::Choice(&[
                Choice { id: "replace", name: "The label becomes the range" },
                Choice { id: "add", name: "The range is added" },
                Choice { id: "keep", name: "What is in the range stays" },
            ]),
        },
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (own, image) = (inputs.label()?, inputs.image()?);
    let (low, high) = (inputs.values.number("low")?, inputs.values.number("high")?);
    if low > high {
        return Err(OperationError::Value {
            parameter: "high",
            value: high.to_string(),
            allowed: format!("not below the lower end, {low}"),
        });
    }
    let mode = inputs.values.choice("mode")?;
    let (adds, removes) = (mode != "keep", mode != "add");
    let (gained, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let whole = Region::whole(inputs.labels.geometry().shape());
    let labels = inputs.labels.edited(whole, watch, |[i, j, k], row| {
        let (mut more, mut less) = (0, 0);
        for (n, label) in row.iter_mut().enumerate().filter(|(_, label)| **label == own || **label == 0) {
            // A value that is no number lies in no range.
            let is_in = (low..=high).contains(&image.value([i + n, j, k]));
            match (*label == own, is_in) {
                (false, true) if adds => {
                    *label = own;
                    more += 1;
                }
                (true, false) if removes => {
                    *label = 0;
                    less += 1;
                }
                _ => {}
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
