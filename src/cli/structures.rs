//! What `lamella info` says of contours.

use serde_json::{Value, json};

use super::Result;
use crate::formats::{self, Entry, Kind, Roi};
use crate::work::Watch;

/// The structures of a file with contours, and the masks that they are; none where an entry before this one is of the same file.
pub(super) fn look(entry: &Entry, all: &[Entry]) -> Result<Option<Value>> {
    let masks: Vec<&Entry> =
        all.iter().filter(|other| other.kind == Kind::Contours && other.path == entry.path).collect();
    if masks.first().is_some_and(|first| first.id != entry.id) {
        return Ok(None);
    }
    let set = formats::read_contours(&entry.path, Watch::unwatched())?;
    let series: Vec<&str> = set.referenced_series.iter().map(|series| series.series_uid.as_str()).collect();
    Ok(Some(json!({
        "name": set.label,
        "path": entry.path,
        "referenced_series": series,
        "structures": set.rois.iter().map(structure).collect::<Vec<_>>(),
        "masks": masks.iter().map(|mask| json!({"id": mask.id, "name": mask.name})).collect::<Vec<_>>(),
        "warnings": set.warnings,
    })))
}

fn structure(roi: &Roi) -> Value {
    let areas = roi.areas_mm2();
    json!({
        "number": roi.number,
        "name": roi.name,
        "type": roi.interpreted_type,
        "colour": roi.colour,
        "contours": roi.contours.len(),
        "points": roi.point_count(),
        "planes": areas.len(),
        "area_mm2": areas.iter().fold(0.0, |sum, (_, area)| sum + area),
    })
}

pub(super) fn print(set: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    say!("{} (contours, {})", text(&set["name"]), text(&set["path"]));
    for uid in set["referenced_series"].as_array().into_iter().flatten() {
        say!("  drawn on     {}", text(uid));
    }
    for roi in set["structures"].as_array().into_iter().flatten() {
        let kind = text(&roi["type"]);
        let kind = if kind.is_empty() { kind } else { format!(" ({kind})") };
        say!(
            "  structure    {}  {}{kind}: {} contour(s), {} plane(s), {:.1} mm2",
            roi["number"],
            text(&roi["name"]),
            roi["contours"],
            roi["planes"],
            roi["area_mm2"].as_f64().unwrap_or(0.0)
        );
    }
    for mask in set["masks"].as_array().into_iter().flatten() {
        say!("  mask         {} ({})", text(&mask["id"]), text(&mask["name"]));
    }
    for warning in set["warnings"].as_array().into_iter().flatten() {
        say!("  warning      {}", text(warning));
    }
}
