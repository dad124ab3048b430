//! All that is bright, by Otsu's threshold.

use super::painted::{paint, part};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::edit::otsu::otsu_threshold;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "threshold-otsu",
    name: "Threshold by Otsu",
    hint: "The label gets all that is brighter than Otsu's threshold, which parts the image's values best into two.",
    group: Group::Fill,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: true,
    parameters: &[Parameter {
        id: "side",
        name: "Side",
        hint: "Which side of the threshold the label gets",
        kind: Kind::Choice(&[Choice { id: "bright", name: "Bright" }, Choice { id: "dark", name: "Dark" }]),
    }],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (label, image) = (inputs.label()?, inputs.image()?);
    let is_bright = inputs.values.choice("side")? == "bright";
    let (volume, frame, _) = image.parts();
    let region = part(inputs, &image);
    let Some(threshold) = otsu_threshold(volume, frame, region, watch.part(0.0, 0.7))? else {
        let note = "the image has a single value here, so that nothing is brighter than the rest".to_string();
        return Ok(Outcome { notes: vec![note], ..Outcome::new(inputs.labels.clone()) });
    };
    // What is no number is on neither side.
    let is_found = |voxel: [usize; 3]| {
        let value = volume.value(voxel, frame);
        if is_bright { value > threshold } else { value <= threshold }
    };
    let mut outcome = paint(inputs, region, label, watch, is_found)?;
    outcome.notes.push(format!("the threshold is {threshold}"));
    Ok(outcome)
}
