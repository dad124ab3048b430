//! Which slices of a scan are drawn or written, for `lamella slices` and `lamella sheet`.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::Result;
use super::scan_look::{Opened, ScanLook};
use super::terminal::Terminal;
use crate::drawing::{Look, PictureSize, SliceNumbers};
use crate::formats;
use crate::jobs::JobError;
use crate::volume::{Geometry, Plane, PlaneLayout, Volume};
use crate::work::Watch;

/// Slices and their look.
#[derive(Args)]
pub struct SliceChoice {
    /// axial, coronal or sagittal
    #[arg(long, default_value = "axial", value_parser = plane)]
    pub plane: Plane,
    /// Which slices, counted from 0 at the patient's left, back or feet: 12, 20-80, 20-80:5, all; several with commas
    #[arg(long)]
    slices: Option<SliceNumbers>,
    #[command(flatten)]
    pub shown: ScanLook,
}

fn plane(text: &str) -> std::result::Result<Plane, String> {
    let found = Plane::ALL.into_iter().find(|plane| plane.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("{text:?} is no plane; choose axial, coronal or sagittal"))
}

impl SliceChoice {
    /// Reads labels alone: those of the mask that is named, on its scan, else those of the input.
    pub fn open_mask(&self, input: &Path, terminal: &Terminal) -> Result<Opened<Option<Arc<Volume>>>> {
        let shown = &self.shown;
        if shown.has_mask() {
            let Opened { volume, labels, table } = shown.open(input, terminal)?;
            return Ok(Opened { volume: Some(volume), labels, table });
        }
        shown.spacing.refuse("is for scans; for a mask alone, name its scan first and the mask with --mask")?;
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let warn = |text: String| terminal.warn(&text);
        let (labels, annotations) = formats::read_chosen_labels(input, shown.series.as_deref(), None, watch, &warn)?;
        let mut table = annotations.table;
        table.cover(labels.voxel_counts().into_keys());
        Ok(Opened { volume: None, labels, table })
    }

    /// The numbers of the slices, counted from 0; none where none are named.
    pub fn numbers(&self, geometry: &Geometry) -> Result<Option<Vec<usize>>> {
        let count = PlaneLayout::new(geometry, self.plane).size[2];
        let among = |numbers: &SliceNumbers| numbers.among(count, 0).map_err(JobError::Other);
        self.slices.as_ref().map(among).transpose()
    }

    /// How a slice is shown.
    pub fn look(&self, volume: Option<&Volume>, size: PictureSize) -> Result<Look> {
        self.shown.look(volume, size)
    }
}
