//! Region growing by the region's own mean and deviation.

use super::SEED;
use super::painted::grow;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::edit::region_growing::{Confidence, confidence_connected};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "grow-confidence",
    name: "Grow by mean and deviation",
    hint: "The label grows from the seed through values near the mean around it; then the region is measured and grown again.",
    group: Group::Fill,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: true,
    parameters: &[
        SEED,
        Parameter {
            id: "factor",
            name: "Width",
            hint: "How many standard deviations a value may be away from the mean",
            kind: Kind::Number { unit: "", min: 0.0, max: 20.0, step: 0.1, default: 4.5 },
        },
        Parameter {
            id: "rounds",
            name: "Rounds",
            hint: "How often the region is measured and grown again",
            kind: Kind::Count { unit: "", min: 0, max: 50, default: 4 },
        },
        Parameter {
            id: "radius",
            name: "First radius",
            hint: "Half the box around the seed that is measured first",
            kind: Kind::Count { unit: "voxels", min: 0, max: 10, default: 1 },
        },
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let how = Confidence {
        factor: inputs.values.number("factor")?,
        rounds: inputs.values.count("rounds")?,
        radius: inputs.values.count("radius")?,
    };
    grow(inputs, watch, |growing, watch| confidence_connected(growing, &how, watch))
}
