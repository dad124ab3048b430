//! RT Dose: planes along the normal, and values that are stored times a factor. Source: DICOM PS3.3 section C.8.8.3.

use dicom::dictionary_std::tags;

use super::fields::{Fields, quoted};
use super::frame::FrameFacts;
use super::instance::{Instance, Refusal};
use crate::volume::{Vec3, cross};

/// What is said of each plane of a dose grid.
///
/// # Errors
/// For offsets that do not say where the planes lie.
pub fn frames(instance: &mut Instance, mut top: FrameFacts, fields: &Fields) -> Result<Vec<FrameFacts>, Refusal> {
    match fields.number(tags::DOSE_GRID_SCALING, "Dose Grid Scaling")? {
        Some(scaling) if scaling > 0.0 => top.rescale = Some((scaling, 0.0)),
        Some(scaling) => return Err(Refusal::Malformed(format!("Dose Grid Scaling is {scaling}, which is no factor"))),
        None => instance
            .warnings
            .push("The file gives no Dose Grid Scaling; its values are not doses but as stored.".into()),
    }
    let count = instance.frame_count;
    if count == 1 {
        return Ok(vec![top]);
    }
    let name = "Grid Frame Offset Vector";
    let offsets = fields.numbers(tags::GRID_FRAME_OFFSET_VECTOR, name)?.unwrap_or_default();
    let (Some(position), Some([row, column])) = (top.position, top.directions) else {
        return Err(Refusal::Malformed("the dose grid gives no position or orientation".into()));
    };
    if offsets.len() != count {
        return Err(Refusal::Malformed(format!("{name} has {} values for {count} planes", offsets.len())));
    }
    let normal = cross(row, column);
    let first = offsets.first().copied().unwrap_or(0.0);
    // Either distances from the first plane, or the planes' own z where the grid is axial.
    let is_axial = normal[2].abs() > 0.999;
    let places: Vec<Vec3> = if first == 0.0 {
        offsets.iter().map(|&mm| std::array::from_fn(|axis| position[axis] + mm * normal[axis])).collect()
    } else if is_axial && (first - position[2]).abs() < 0.01 {
        offsets.iter().map(|&z| [position[0], position[1], z]).collect()
    } else {
        let text = fields.text(tags::GRID_FRAME_OFFSET_VECTOR).unwrap_or_default();
        return Err(Refusal::Malformed(format!(
            "{name} is {}, neither from 0 nor from the position of the first plane",
            quoted(&text)
        )));
    };
    Ok(places.into_iter().map(|place| FrameFacts { position: Some(place), ..top.clone() }).collect())
}
