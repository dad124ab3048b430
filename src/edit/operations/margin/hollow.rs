//! A shell instead of a full label.

use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{DIRECTIONS, OVER, by_ball, over, size};
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::edit::reshape::Reshape;
use crate::work::Watch;

const THICKNESS: &str = "thickness";
const SIDE: Parameter = Parameter {
    id: "side",
    name: "Wall",
    hint: "Where the wall lies: within the label, around it, or half and half",
    kind: Kind::Choice(&[
        Choice { id: "inside", name: "Inside" },
        Choice { id: "outside", name: "Outside" },
        Choice { id: "centred", name: "Half inside, half outside" },
    ]),
};

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "hollow",
    name: "Make hollow",
    hint: "The label becomes a wall: voxels within the thickness of the label's surface, by distances between centres in mm. There is no wall \
           along the border of the volume.",
    group: Group::Margin,
    works_on: WorksOn::Each,
    changes: Changes::Any,
    needs_image: false,
    parameters: &[size(THICKNESS, "Thickness", "How thick the wall is", 100.0, 3.0), SIDE, DIRECTIONS, OVER],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (what, share) = match inputs.values.choice(SIDE.id)? {
        "outside" => (Reshape::ShellOutside, 1.0),
        "centred" => (Reshape::ShellCentred, 0.5),
        _ => (Reshape::ShellInside, 1.0),
    };
    by_ball(inputs, (THICKNESS, share), what, over(inputs)?, watch)
}
