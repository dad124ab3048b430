//! Region growing through boxes, which does not leak through thin connections.

use super::painted::grow;
use super::{HIGH, LOW, SEED};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::edit::region_growing::neighbourhood_connected;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "grow-neighbourhood",
    name: "Grow without thin connections",
    hint: "As growing between two values, but only through voxels whose whole box lies between the bounds. The box does not count beyond the volume.",
    group: Group::Fill,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: true,
    parameters: &[
        SEED,
        LOW,
        HIGH,
        Parameter {
            id: "radius",
            name: "Radius",
            hint: "Half the box, along every axis",
            kind: Kind::Count { unit: "voxels", min: 0, max: 20, default: 1 },
        },
        Parameter {
            id: "grow-back",
            name: "Grow back",
            hint: "Add the boxes at the end, so that the result is not smaller by the radius",
            kind: Kind::Flag { default: true },
        },
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let bounds = [inputs.values.number("low")?, inputs.values.number("high")?];
    let radius = [inputs.values.count("radius")?; 3];
    let is_grown_back = inputs.values.flag("grow-back")?;
    grow(inputs, watch, |growing, watch| neighbourhood_connected(growing, bounds, radius, is_grown_back, watch))
}
