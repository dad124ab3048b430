//! Removing small islands of a label.

use super::found::{NEIGHBOURS, islands, without};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::work::Watch;
use crate::work::numbers::real;

/// Cubic millimetres in a millilitre.
const MM3_PER_ML: f64 = 1000.0;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "remove-small-islands",
    name: "Remove small islands",
    hint: "Removes the connected parts of each selected label that are smaller than a size. A part of exactly this size stays.",
    group: Group::Islands,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter {
            id: "below",
            name: "Smaller than",
            hint: "The size below which an island is removed",
            kind: Kind::Number { unit: "", min: 0.0, max: 1e9, step: 1.0, default: 100.0 },
        },
        Parameter {
            id: "unit",
            name: "Unit",
            hint: "In what the size is given",
            kind: Kind::Choice(&[
                Choice { id: "voxels", name: "Voxels" },
                Choice { id: "mm3", name: "mm\u{b3}" },
                Choice { id: "ml", name: "mL" },
            ]),
        },
        NEIGHBOURS,
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    // A volume that is so many voxels is not made one more by rounding.
    const ROUNDING: f64 = 1e-9;
    let below = inputs.values.number("below")?;
    let voxel_mm3 = inputs.labels.geometry().voxel_volume_mm3();
    let fewest = match inputs.values.choice("unit")? {
        "mm3" => below / voxel_mm3,
        "ml" => below * MM3_PER_ML / voxel_mm3,
        _ => below,
    };
    let islands = islands(inputs, watch.part(0.0, 0.7))?;
    let is_small = |part: usize| real(islands.parts()[part].voxels) < fewest * (1.0 - ROUNDING);
    without(inputs.labels, &islands, is_small, watch.part(0.7, 1.0))
}
