//! `lamella check`

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::spacing::Spacing;
use super::terminal::Terminal;
use super::{Result, print_json};
use crate::formats::{self, Ground};
use crate::jobs::JobError;
use crate::volume::{Annotations, Geometry, LabelMap};
use crate::work::Watch;
use crate::work::numbers::real;

/// Look at a mask: its labels and their voxels, and whether it lies on its scan.
#[derive(Args)]
pub struct Check {
    /// A mask
    input: PathBuf,
    /// The scan that it belongs to
    #[arg(long, value_name = "SCAN")]
    reference: Option<PathBuf>,
    #[command(flatten)]
    spacing: Spacing,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Result {
        let terminal = Terminal::new("Checking");
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        if self.reference.is_none() {
            self.spacing.refuse("is the size of the scan's voxels; name it with --reference")?;
        }
        let reading = watch.stage("Reading the scan");
        let scan = self.reference.as_ref().map(|path| self.spacing.ground(path, reading));
        let scan = scan.transpose()?;
        let warn = |text: String| terminal.warn(&text);
        let masks = formats::read_annotated_layers(&self.input, scan.as_ref(), watch, &warn)?;
        terminal.finish();
        let found: Vec<Value> = masks.iter().map(|mask| described(mask, scan.as_ref())).collect();
        let beside = found.iter().filter(|mask| mask["lies_on_the_scan"] == false).count();
        if self.json {
            print_json(&json!({"path": self.input, "masks": found}))?;
        } else {
            found.iter().for_each(print_mask);
        }
        if beside > 0 {
            let (input, of) = (self.input.display(), found.len());
            return Err(JobError::Other(format!("{beside} of {of} masks in {input} do not lie on the scan")));
        }
        Ok(())
    }
}

fn described((labels, annotations): &(LabelMap, Annotations), scan: Option<&Ground>) -> Value {
    let counts = labels.voxel_counts();
    let geometry = labels.geometry();
    let of_label = |label: &crate::volume::Label| {
        let voxels = counts.get(&label.value).copied().unwrap_or(0);
        json!({
            "value": label.value,
            "name": label.name,
            "voxels": voxels,
            "ml": real(voxels) * geometry.voxel_volume_mm3() / 1000.0,
            "meaning": label.term.as_deref().map(crate::volume::Term::described),
        })
    };
    let on = scan.map(|scan| labels.clone().placed_by(&scan.geometry).geometry().lies_on(&scan.geometry));
    json!({
        "shape": geometry.shape(),
        "spacing": geometry.spacing_mm(),
        "orientation": geometry.orientation().code(),
        "labels": annotations.table.0.iter().map(of_label).collect::<Vec<_>>(),
        "lies_on_the_scan": on,
        "furthest_mm": scan.and_then(|scan| furthest_mm(geometry, &scan.geometry)),
    })
}

/// How far voxels of grids of one shape are apart.
fn furthest_mm(one: &Geometry, other: &Geometry) -> Option<f64> {
    (one.shape() == other.shape()).then(|| one.distance_mm(other))
}

fn print_mask(mask: &Value) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    say!("mask of {} voxels, {}, spacing {} mm", mask["shape"], text(&mask["orientation"]), mask["spacing"]);
    for label in mask["labels"].as_array().into_iter().flatten() {
        let meaning = label["meaning"].as_str().map(|meaning| format!(" ({meaning})")).unwrap_or_default();
        let ml = label["ml"].as_f64().unwrap_or(0.0);
        say!("  {:>5}  {}: {} voxels, {ml:.3} mL{meaning}", label["value"], text(&label["name"]), label["voxels"]);
    }
    let far = mask["furthest_mm"].as_f64().map(|mm| format!(", up to {mm:.3} mm off")).unwrap_or_default();
    match mask["lies_on_the_scan"].as_bool() {
        Some(true) => say!("  lies on the scan"),
        Some(false) => say!("  does not lie on the scan{far}"),
        None => {}
    }
}
