//! Filling holes slice by slice.

use super::found::holes;
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::volume::{Plane, PlaneLayout, Region};
use crate::work::Watch;
use crate::work::numbers::share;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "fill-holes-in-slices",
    name: "Fill holes in each slice",
    hint: "Fills background that labels close off within a slice, by faces, also where it is open to the slices beside; a hole goes to \
           the label that most of its faces touch. Other labels in a hole count as its wall and are never overwritten.",
    group: Group::Holes,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[Parameter {
        id: "plane",
        name: "Slices",
        hint: "The plane of the slices",
        kind: Kind::Choice(&[
            Choice { id: "axial", name: "Axial" },
            Choice { id: "coronal", name: "Coronal" },
            Choice { id: "sagittal", name: "Sagittal" },
        ]),
    }],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let plane = match inputs.values.choice("plane")? {
        "coronal" => Plane::Coronal,
        "sagittal" => Plane::Sagittal,
        _ => Plane::Axial,
    };
    let axis = PlaneLayout::new(inputs.labels.geometry(), plane).axes[2];
    // Outside the box around the labels there is nothing that closes a hole off.
    let boxes = inputs.labels.occupied().map(|occupied| {
        let first = occupied.iter().position(|is| *is);
        first.zip(occupied.iter().rposition(|is| *is)).map_or(0..0, |(first, last)| first..last + 1)
    });
    let whole = Region::whole(inputs.labels.geometry().shape());
    let (mut labels, mut count, mut voxels) = (inputs.labels.clone(), 0, 0);
    let slices = boxes[axis].clone();
    for at in slices.clone() {
        watch.at(share(at - slices.start, slices.len()))?;
        let mut region = whole;
        (region.start[axis], region.end[axis]) = (at, at + 1);
        let holes = holes(inputs, region, watch.quiet())?;
        count += holes.labels.len();
        voxels += holes.voxels();
        labels = holes.filled(&labels, watch)?;
    }
    watch.at(1.0)?;
    Ok(Outcome {
        tallies: vec![
            Tally::new(count, "hole filled", "holes filled"),
            Tally::new(voxels, "voxel filled", "voxels filled"),
        ],
        ..Outcome::new(labels)
    })
}
