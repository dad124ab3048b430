//! `lamella info`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::spacing::Spacing;
use super::{Result, print_json, structures};
use crate::formats::{self, Entry, Facts, Kind};
use crate::jobs::JobError;
use crate::session::{self, KeptScan};
use crate::volume::Statistics;
use crate::work::Watch;

/// Voxels of up to so many bytes are read for their range unasked.
const CHEAP_BYTES: u64 = 256 << 20;

/// Show every series and volume of a file or folder, or what a .lamella document holds.
#[derive(Args)]
pub struct Info {
    /// A file or folder
    path: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Read all voxels, also of large files, for the range of values and to see damage
    #[arg(long)]
    values: bool,
    #[command(flatten)]
    spacing: Spacing,
}

fn facts(entry: &Entry, facts: &Facts, statistics: Option<&Statistics>) -> Value {
    let geometry = &facts.geometry;
    json!({
        "id": entry.id,
        "name": facts.name,
        "modality": entry.modality,
        "files": entry.file_count,
        "path": entry.path,
        "shape": geometry.shape(),
        "extra_dims": facts.frame_dims,
        "spacing": geometry.spacing_mm(),
        "affine": geometry.world_from_voxel().0,
        "orientation": geometry.orientation().code(),
        "dtype": facts.voxel_type.name(),
        "min": statistics.map(|s| s.min),
        "max": statistics.map(|s| s.max),
        "mean": statistics.map(|s| s.mean),
        "std": statistics.map(|s| s.std),
        "nan": statistics.map(|s| s.nan_count),
        "inf": statistics.map(|s| s.infinite_count),
        "header": facts.header.iter().map(|(k, v)| json!([k, v])).collect::<Vec<_>>(),
        "warnings": facts.warnings,
    })
}

impl Info {
    /// By headers alone where reading the voxels would take long.
    fn look(&self, entry: &Entry) -> Result<Value> {
        if !self.values
            && let Some(told) = formats::facts(entry, Watch::unwatched())?
            && told.byte_count() > CHEAP_BYTES
        {
            return Ok(facts(entry, &told, None));
        }
        let volume = formats::load(entry, Watch::unwatched())?;
        let mut told = facts(entry, &Facts::of(&volume), Some(volume.statistics()));
        told["frames"] = json!(volume.frame_names);
        Ok(told)
    }

    pub(super) fn run(&self) -> Result {
        if session::is_document(&self.path) {
            return self.document();
        }
        let findings = formats::scan(&self.path, Watch::unwatched())?;
        let (mut volumes, mut structure_sets) = (Vec::new(), Vec::new());
        let mut refused: Vec<Value> =
            findings.skipped.iter().map(|s| json!({"path": s.path, "reason": s.reason})).collect();
        for entry in &findings.entries {
            if entry.kind == Kind::Contours {
                // A file with several masks is looked at once.
                match structures::look(entry, &findings.entries) {
                    Ok(set) => structure_sets.extend(set),
                    Err(error) => refused.push(json!({"path": entry.path, "reason": error.to_string()})),
                }
                continue;
            }
            match self.spacing.of(entry).and_then(|entry| self.look(&entry)) {
                Ok(volume) => volumes.push(volume),
                Err(error) => refused.push(json!({"path": entry.path, "reason": error.to_string()})),
            }
        }
        if self.json {
            print_json(&json!({"volumes": volumes, "structure_sets": structure_sets, "skipped": refused}))?;
        } else {
            volumes.iter().for_each(print_volume);
            structure_sets.iter().for_each(structures::print);
            for skipped in &refused {
                say!("skipped {}: {}", text(&skipped["path"]), text(&skipped["reason"]));
            }
        }
        if volumes.is_empty() && structure_sets.is_empty() {
            return Err(JobError::Other(format!("nothing in {} can be opened", self.path.display())));
        }
        Ok(())
    }
}

impl Info {
    /// What a document holds; its scans are not read.
    fn document(&self) -> Result {
        let scans = session::read_document(&self.path, Watch::unwatched())
            .map_err(|error| JobError::Other(format!("{} cannot be read: {error}", self.path.display())))?;
        let scans: Vec<Value> = scans.iter().map(kept).collect();
        if self.json {
            return print_json(&json!({"document": {"path": self.path, "scans": scans}}));
        }
        say!("{} (Lamella document, {} scan(s))", self.path.display(), scans.len());
        scans.iter().for_each(print_kept);
        Ok(())
    }
}

fn kept(scan: &KeptScan) -> Value {
    let place = scan.reference.place.as_ref();
    let there = scan.beside.iter().chain(place.map(|place| &place.path)).find(|path| path.exists());
    let segmentations = scan.segmentations.iter().map(|own| {
        let counts = own.labels.voxel_counts();
        let name =
            |value: u16| own.table.get(value).map_or_else(|| format!("Label {value}"), |label| label.name.clone());
        let label = |(value, voxels): (&u16, &usize)| json!({"value": value, "name": name(*value), "voxels": voxels});
        json!({
            "name": own.name,
            "labels": counts.iter().map(label).collect::<Vec<_>>(),
            "slices_with_a_state": own.states.len(),
        })
    });
    let measurements = scan.measurements.iter().map(|own| json!({"name": own.name, "kind": own.figure.id()}));
    json!({
        "name": scan.reference.name,
        "id": place.map(|place| &place.id),
        "path": place.map(|place| place.path.display().to_string()),
        "found": there.map(|path| path.display().to_string()),
        "shape": scan.reference.shape,
        "in_document": scan.reference.copy.is_some(),
        "checksum": scan.reference.checksum.map(|sum| format!("{sum:016x}")),
        "segmentations": segmentations.collect::<Vec<_>>(),
        "measurements": measurements.collect::<Vec<_>>(),
    })
}

fn print_kept(scan: &Value) {
    say!("{}", text(&scan["name"]));
    say!("  shape        {}", scan["shape"]);
    let is_in_document = scan["in_document"].as_bool() == Some(true);
    if is_in_document {
        say!("  scan         in the document");
    }
    match scan["found"].as_str() {
        Some(path) => say!("  scan         {path}"),
        None if is_in_document => {}
        None => say!("  scan         not there: {}", scan["path"].as_str().unwrap_or("it was in no file")),
    }
    for own in scan["segmentations"].as_array().into_iter().flatten() {
        say!("  segmentation {}", text(&own["name"]));
        for label in own["labels"].as_array().into_iter().flatten() {
            say!("    {:>5}  {}: {} voxels", label["value"], text(&label["name"]), label["voxels"]);
        }
    }
    for own in scan["measurements"].as_array().into_iter().flatten() {
        say!("  measurement  {} ({})", text(&own["name"]), text(&own["kind"]));
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn print_volume(volume: &Value) {
    say!("{} ({}, {} file(s))", text(&volume["name"]), text(&volume["id"]), volume["files"]);
    let spacing: Vec<String> =
        volume["spacing"].as_array().into_iter().flatten().filter_map(Value::as_f64).map(length).collect();
    say!("  shape        {}{}", volume["shape"], further(&volume["extra_dims"]));
    say!("  spacing      {} mm", spacing.join(" x "));
    for line in frames(&volume["frames"]) {
        say!("  {line}");
    }
    say!("  orientation  {}", text(&volume["orientation"]));
    for row in volume["affine"].as_array().into_iter().flatten() {
        let row: Vec<String> = row
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .map(|v| format!("{:>10}", length(v)))
            .collect();
        say!("  affine       {}", row.join(" "));
    }
    let number = |key: &str| volume[key].as_f64().unwrap_or(0.0);
    let dtype = text(&volume["dtype"]);
    if volume["min"].is_null() {
        say!("  values       {dtype}; --values reads them all for their range");
    } else {
        say!("  values       {dtype} from {} to {}, mean {:.3}", number("min"), number("max"), number("mean"));
    }
    let [nan, infinite] = ["nan", "inf"].map(|key| volume[key].as_u64().unwrap_or(0));
    if nan + infinite > 0 {
        say!("  no number    {nan} voxels are NaN and {infinite} infinite; the range leaves them out");
    }
    let fields = volume["header"].as_array().into_iter().flatten();
    for field in fields.filter(|field| field[0].as_str().is_some_and(|name| name.starts_with("Segment "))) {
        say!("  {:<12} {}", text(&field[0]), text(&field[1]));
    }
    for warning in volume["warnings"].as_array().into_iter().flatten() {
        say!("  warning      {}", text(warning));
    }
}

/// Most frames whose names are printed; `--json` has all.
const SHOWN_FRAMES: usize = 40;

/// A line for each frame that has a name, counted from 0 as the other commands count them.
fn frames(names: &Value) -> Vec<String> {
    let names = names.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> =
        names.iter().take(SHOWN_FRAMES).enumerate().map(|(n, name)| format!("frame {n:<6} {}", text(name))).collect();
    if names.len() > SHOWN_FRAMES {
        lines.push(format!("frames       {} more (--json lists them)", names.len() - SHOWN_FRAMES));
    }
    lines
}

/// Four digits behind the point; for voxels of a microscope four digits at all.
fn length(mm: f64) -> String {
    if mm == 0.0 || mm.abs() >= 0.01 { format!("{mm:.4}") } else { format!("{mm:.3e}") }
}

fn further(dims: &Value) -> String {
    if dims.as_array().is_some_and(|d| !d.is_empty()) { format!(" x {dims}") } else { String::new() }
}
