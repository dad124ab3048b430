//! `lamella info`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Result, print_json};
use crate::jobs::{self, Entry, JobError};
use crate::volume::Volume;

/// Show every series and volume of a file or folder.
#[derive(Args)]
pub struct Info {
    /// A file or folder
    path: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn facts(entry: &Entry, volume: &Volume) -> Value {
    let geometry = &volume.geometry;
    let statistics = volume.statistics();
    json!({
        "id": entry.id,
        "name": volume.name,
        "modality": entry.modality,
        "files": entry.file_count,
        "path": entry.path,
        "shape": geometry.shape(),
        "extra_dims": volume.frame_dims,
        "spacing": geometry.spacing_mm(),
        "affine": geometry.world_from_voxel().0,
        "orientation": geometry.orientation().code(),
        "dtype": volume.voxels.voxel_type().name(),
        "min": statistics.min,
        "max": statistics.max,
        "mean": statistics.mean,
        "std": statistics.std,
        "nan": statistics.nan_count,
        "inf": statistics.infinite_count,
        "header": volume.header.iter().map(|(k, v)| json!([k, v])).collect::<Vec<_>>(),
        "warnings": volume.warnings,
    })
}

impl Info {
    pub(super) fn run(&self) -> Result {
        let go_on = |_| std::ops::ControlFlow::Continue(());
        let findings = jobs::scan(&self.path, &go_on)?;
        let mut volumes = Vec::new();
        let mut refused: Vec<Value> =
            findings.skipped.iter().map(|s| json!({"path": s.path, "reason": s.reason})).collect();
        for entry in &findings.entries {
            match jobs::load(entry, &go_on) {
                Ok(volume) => volumes.push(facts(entry, &volume)),
                Err(error) => refused.push(json!({"path": entry.path, "reason": error.to_string()})),
            }
        }
        if self.json {
            print_json(&json!({"volumes": volumes, "skipped": refused}))?;
        } else {
            volumes.iter().for_each(print_volume);
            for skipped in &refused {
                say!("skipped {}: {}", text(&skipped["path"]), text(&skipped["reason"]));
            }
        }
        if volumes.is_empty() {
            return Err(JobError::Other(format!("nothing in {} can be opened", self.path.display())));
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn print_volume(volume: &Value) {
    say!("{} ({}, {} file(s))", text(&volume["name"]), text(&volume["id"]), volume["files"]);
    let spacing: Vec<String> = volume["spacing"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .map(|v| format!("{v:.4}"))
        .collect();
    say!("  shape        {}{}", volume["shape"], further(&volume["extra_dims"]));
    say!("  spacing      {} mm", spacing.join(" x "));
    say!("  orientation  {}", text(&volume["orientation"]));
    for row in volume["affine"].as_array().into_iter().flatten() {
        let row: Vec<String> =
            row.as_array().into_iter().flatten().filter_map(Value::as_f64).map(|v| format!("{v:10.4}")).collect();
        say!("  affine       {}", row.join(" "));
    }
    let number = |key: &str| volume[key].as_f64().unwrap_or(0.0);
    say!(
        "  values       {} from {} to {}, mean {:.3}",
        text(&volume["dtype"]),
        number("min"),
        number("max"),
        number("mean")
    );
    for warning in volume["warnings"].as_array().into_iter().flatten() {
        say!("  warning      {}", text(warning));
    }
}

fn further(dims: &Value) -> String {
    if dims.as_array().is_some_and(|d| !d.is_empty()) { format!(" x {dims}") } else { String::new() }
}
