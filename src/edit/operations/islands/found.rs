//! The islands of the selected labels, and which neighbours connect them.

use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Inputs, Outcome, Tally};
use crate::edit::operations::parameter::{Choice, Kind, Parameter};
use crate::shape::{Components, Neighbours, components};
use crate::volume::{LabelMap, Region};
use crate::work::Watch;

/// Which voxels are neighbours: the choice of every operation on islands.
pub const NEIGHBOURS: Parameter = Parameter {
    id: "neighbours",
    name: "Connected by",
    hint: "Which voxels belong together: those that share a face (6 neighbours), or an edge or a corner too (26)",
    kind: Kind::Choice(&[
        Choice { id: "6", name: "Faces (6)" },
        Choice { id: "26", name: "Faces, edges, corners (26)" },
    ]),
};

/// Where the islands of the selected labels are, each label apart.
pub fn islands(inputs: &Inputs, watch: Watch) -> Result<Components, OperationError> {
    let neighbours = match inputs.values.choice(NEIGHBOURS.id)? {
        "26" => Neighbours::Corners,
        _ => Neighbours::Faces,
    };
    // Nothing lies outside the box around the labels.
    let boxes = inputs.selected.iter().filter_map(|label| inputs.labels.region_of(*label));
    let region = boxes.reduce(Region::joined).unwrap_or(Region { start: [0; 3], end: [0; 3] });
    watch.check()?;
    let key = |label| if inputs.selected.contains(&label) { label } else { 0 };
    Ok(components(inputs.labels, region, neighbours, key, watch)?)
}

/// The labels without some islands, with what that removed.
pub fn without(
    labels: &LabelMap,
    islands: &Components,
    goes: impl Fn(usize) -> bool + Sync,
    watch: Watch,
) -> Result<Outcome, OperationError> {
    let gone: Vec<usize> = (0..islands.parts().len()).filter(|part| goes(*part)).collect();
    let voxels = gone.iter().map(|part| islands.parts()[*part].voxels).sum();
    let painted = islands.painted(labels, |part| goes(part).then_some(0), watch)?;
    Ok(Outcome {
        tallies: vec![
            Tally::new(islands.parts().len(), "island found", "islands found"),
            Tally::new(gone.len(), "island removed", "islands removed"),
            Tally::new(voxels, "voxel removed", "voxels removed"),
        ],
        ..Outcome::new(painted)
    })
}

/// The island of the selected label at a voxel that a parameter names; else a note that says what lies there.
pub fn island_at(
    inputs: &Inputs,
    islands: &Components,
    id: &'static str,
) -> Result<Result<usize, String>, OperationError> {
    let voxel = inputs.values.voxel(id)?;
    let label = inputs.labels.get(voxel);
    let name =
        |value| inputs.table.get(value).map_or_else(|| format!("label {value}"), |label| format!("\"{}\"", label.name));
    Ok(islands.part_at(voxel).ok_or_else(|| match label {
        0 => "There is no label at this voxel, so nothing was changed.".to_string(),
        label => format!("At this voxel lies {}, which is not selected, so nothing was changed.", name(label)),
    }))
}
