//! The slices between drawn ones.

use crate::edit::fill_between::{FillMethod, Filling, fill_between, missing_slices};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::volume::{Plane, PlaneLayout};
use crate::work::{Stopped, Watch};

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "fill-between",
    name: "Fill between slices",
    hint: "Slices without the label between two that have it get a shape between both. Slices that have it stay as they are, and no other label is painted over.",
    group: Group::Fill,
    works_on: WorksOn::Together,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter {
            id: "plane",
            name: "Plane",
            hint: "In which slices the shapes are drawn; found by the slices that are missing where nothing is said",
            kind: Kind::Choice(&[
                Choice { id: "auto", name: "As drawn" },
                Choice { id: "axial", name: "Axial" },
                Choice { id: "coronal", name: "Coronal" },
                Choice { id: "sagittal", name: "Sagittal" },
            ]),
        },
        Parameter {
            id: "method",
            name: "Method",
            hint: "Blended distances to the border, or medians of the shapes as ITK's contour interpolation takes them",
            kind: Kind::Choice(&[
                Choice { id: "distance", name: "Signed distance" },
                Choice { id: "contours", name: "Contour morphology" },
            ]),
        },
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let method =
        if inputs.values.choice("method")? == "contours" { FillMethod::Contours } else { FillMethod::SignedDistance };
    let plane = match inputs.values.choice("plane")? {
        "axial" => Plane::Axial,
        "coronal" => Plane::Coronal,
        "sagittal" => Plane::Sagittal,
        _ => drawn_plane(inputs, watch)?,
    };
    let axis = axis_of(inputs, plane);
    let filling = Filling { labels: inputs.labels, fill: inputs.selected, axis, method };
    let filled = fill_between(&filling, watch)?;
    let sum = |of: fn(&crate::edit::FilledLabel) -> usize| filled.report.iter().map(of).sum::<usize>();
    let mut tallies = vec![
        Tally::new(sum(|told| told.between), "slice filled", "slices filled"),
        Tally::new(sum(|told| told.voxels), "voxel added", "voxels added"),
    ];
    let kept = sum(|told| told.kept);
    if kept > 0 {
        tallies.push(Tally::new(kept, "voxel of another label kept", "voxels of other labels kept"));
    }
    let mut notes = Vec::new();
    if sum(|told| told.between) == 0 {
        let name = plane.name().to_lowercase();
        notes.push(format!(
            "nothing to fill: no {name} slice without the label lies between two that have it; draw it in two {name} slices with a gap"
        ));
    }
    Ok(Outcome { tallies, notes, ..Outcome::new(filled.labels) })
}

fn axis_of(inputs: &Inputs, plane: Plane) -> usize {
    PlaneLayout::new(inputs.labels.geometry(), plane).axes[2]
}

/// The plane along which most slices are missing: a shape that is drawn in every third axial slice has no gap in the other planes. Of
/// equals the first of axial, coronal, sagittal.
fn drawn_plane(inputs: &Inputs, watch: Watch) -> Result<Plane, Stopped> {
    let mut best = (Plane::Axial, 0);
    for plane in Plane::ALL {
        let missing = missing_slices(inputs.labels, inputs.selected, axis_of(inputs, plane), watch.quiet())?;
        if missing > best.1 {
            best = (plane, missing);
        }
    }
    Ok(best.0)
}
