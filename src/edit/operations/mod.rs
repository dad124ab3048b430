//! Operations: what is done to labels at once, by choices and not by strokes.
//!
//! **Invariant:** an operation is one file and one entry in [`OPERATIONS`]. The window, the palette, the command line and the guide come
//! from the entry.
//! **Invariant:** an operation knows neither locks nor finished slices: whoever takes its result over does. It works on the whole of the
//! labels that it is given; where a slice alone is meant, it is given the slice alone.
//!
//! Deliberately absent: documents, undo, screens, files.

mod error;
mod logic;
mod operation;
mod parameter;

pub use error::OperationError;
pub use operation::{Changes, Group, Image, Inputs, Operation, Outcome, Tally, WorksOn};
pub use parameter::{Choice, End, Kind, Parameter, Value, Values, label_of};

use crate::volume::{LabelMap, LabelTable, LabelValue, Plane, PlaneLayout, Region, Volume};
use crate::work::Watch;

/// All operations, in the order shown within their group.
pub const OPERATIONS: &[Operation] =
    &[logic::add::ENTRY, logic::clear::ENTRY, logic::exchange::ENTRY, logic::invert::ENTRY, logic::relabel::ENTRY];

/// The operation of an id.
///
/// # Errors
/// Names all that there are.
pub fn find(id: &str) -> Result<&'static Operation, OperationError> {
    let known = || OPERATIONS.iter().map(|operation| operation.id).collect();
    let found = OPERATIONS.iter().find(|operation| operation.id == id);
    found.ok_or_else(|| OperationError::UnknownOperation { id: id.into(), known: known() })
}

/// Where an operation works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// In the whole volume.
    #[default]
    Volume,
    /// In one slice of a plane, as if it were an image of its own: parts that are connected through other slices are not, and margins
    /// grow within the slice.
    Slice(Plane, usize),
}

impl Scope {
    /// The box of voxels that it means; `None` for a slice that is not there.
    fn region(self, labels: &LabelMap) -> Option<Region> {
        let whole = Region::whole(labels.geometry().shape());
        let Self::Slice(plane, slice) = self else { return Some(whole) };
        let layout = PlaneLayout::new(labels.geometry(), plane);
        if slice >= layout.size[2] {
            return None;
        }
        let (axis, at) = (layout.axes[2], layout.voxel([0, 0, slice])[layout.axes[2]]);
        let mut region = whole;
        (region.start[axis], region.end[axis]) = (at, at + 1);
        Some(region)
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Order {
    /// The operation.
    pub operation: &'static Operation,
    /// A value for every parameter.
    pub values: Values,
    /// On which labels.
    pub selected: Vec<LabelValue>,
    /// Where.
    pub scope: Scope,
    /// Which frame of the image is looked at.
    pub frame: usize,
}

/// Does an operation.
///
/// # Errors
/// When what was chosen cannot be used, or the work is stopped.
pub fn operate(
    order: &Order,
    labels: &LabelMap,
    table: &LabelTable,
    image: Option<&Volume>,
    watch: Watch,
) -> Result<Outcome, OperationError> {
    let Order { operation, values, selected, scope, frame } = order;
    watch.at(0.0)?;
    match (operation.works_on, &selected[..]) {
        (_, []) => return Err(OperationError::NoLabel),
        (_, labels) if labels.contains(&0) => return Err(OperationError::NoLabel),
        (WorksOn::One, several) if several.len() > 1 => return Err(OperationError::OneLabel(several.len())),
        _ => {}
    }
    let frame = image.map_or(0, |image| (*frame).min(image.frame_count() - 1));
    let image = image.map(|volume| Image { volume, frame, origin: [0; 3] });
    if operation.needs_image && image.is_none() {
        return Err(OperationError::NoImage);
    }
    if *scope == Scope::Volume {
        return (operation.run)(&Inputs { labels, table, image, selected, values }, watch);
    }
    let Some(region) = scope.region(labels) else {
        return Err(OperationError::Other(format!("there is no such slice: {scope:?}")));
    };
    let part = labels.cropped(region, watch)?;
    let image = image.map(|image| Image { origin: region.start, ..image });
    let values = &values.in_box(region)?;
    let outcome = (operation.run)(&Inputs { labels: &part, table, image, selected, values }, watch)?;
    Ok(Outcome { labels: labels.pasted(&outcome.labels, region, watch)?, ..outcome })
}

#[cfg(test)]
mod tests;
