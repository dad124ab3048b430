//! Which slices of a scan are drawn or written, and how they are shown: for `lamella slices` and `lamella sheet`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;

use super::Result;
use super::spacing::Spacing;
use super::terminal::Terminal;
use crate::drawing::{Look, PictureSize, SliceNumbers};
use crate::formats;
use crate::jobs::{JobError, OpenLabelsJob};
use crate::volume::{Geometry, LabelMap, LabelTable, Plane, PlaneLayout, Volume, Window};
use crate::work::Watch;

/// Slices and their look.
#[derive(Args)]
pub struct SliceChoice {
    /// The mask that is laid over the scan
    #[arg(long, value_name = "MASK")]
    mask: Option<PathBuf>,
    /// axial, coronal or sagittal
    #[arg(long, default_value = "axial", value_parser = plane)]
    pub plane: Plane,
    /// Which slices, counted from 0 at the patient's left, back or feet: 12, 20-80, 20-80:5, all; several with commas
    #[arg(long)]
    slices: Option<SliceNumbers>,
    /// Frame of a 4-D image, counted from 0
    #[arg(long, default_value_t = 0)]
    pub frame: usize,
    /// Display window; by default that of the file, or one that suits the values
    #[arg(long, value_name = "LEVEL,WIDTH", allow_hyphen_values = true)]
    window: Option<LevelAndWidth>,
    /// Opacity of the labels' fill, from 0 to 1
    #[arg(long, default_value_t = 0.4)]
    opacity: f32,
    /// Labels without outlines
    #[arg(long)]
    no_outline: bool,
    /// Series Instance UID (or name), where the input holds several
    #[arg(long)]
    series: Option<String>,
    #[command(flatten)]
    spacing: Spacing,
}

/// "40,400".
#[derive(Debug, Clone, Copy)]
struct LevelAndWidth(Window);

impl FromStr for LevelAndWidth {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        match numbers[..] {
            [level, width] if level.is_finite() && width.is_finite() && width > 0.0 => {
                Ok(Self(Window { level, width }))
            }
            _ => Err(format!("{text:?} is no window; name its level and its width, such as 40,400")),
        }
    }
}

fn plane(text: &str) -> std::result::Result<Plane, String> {
    let found = Plane::ALL.into_iter().find(|plane| plane.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("{text:?} is no plane; choose axial, coronal or sagittal"))
}

/// Labels with their names, and the scan that they lie on.
pub struct Opened<V> {
    pub volume: V,
    pub labels: LabelMap,
    pub table: LabelTable,
}

impl SliceChoice {
    /// Reads scan and mask.
    pub fn open(&self, input: &Path, terminal: &Terminal) -> Result<Opened<Arc<Volume>>> {
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report).stage("Reading");
        let volume = Arc::new(self.spacing.open(input, self.series.as_deref(), watch)?);
        volume.warnings.iter().for_each(|warning| terminal.warn(warning));
        if self.frame >= volume.frame_count() {
            let (frames, shown) = (volume.frame_count(), input.display());
            return Err(JobError::Other(format!("there is no frame {} in {shown}: it has {frames}", self.frame)));
        }
        if !volume.statistics().has_numbers() {
            terminal.warn("no voxel of the scan has a number (all are NaN or infinite): its slices are blank");
        }
        let Some(mask) = &self.mask else {
            let labels = LabelMap::empty(volume.geometry.clone());
            return Ok(Opened { volume, labels, table: LabelTable::default() });
        };
        let job = OpenLabelsJob { path: mask.clone(), id: None, volume: volume.clone(), resampling: None };
        let opened = terminal.run(job, &|()| {})?;
        Ok(Opened { volume, labels: opened.labels, table: opened.table })
    }

    /// Reads labels alone: those of the mask that is named, on its scan, else those of the input.
    pub fn open_mask(&self, input: &Path, terminal: &Terminal) -> Result<Opened<Option<Arc<Volume>>>> {
        if self.mask.is_some() {
            let Opened { volume, labels, table } = self.open(input, terminal)?;
            return Ok(Opened { volume: Some(volume), labels, table });
        }
        self.spacing.refuse("is for scans; for a mask alone, name its scan first and the mask with --mask")?;
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let warn = |text: String| terminal.warn(&text);
        let (labels, annotations) = formats::read_chosen_labels(input, self.series.as_deref(), None, watch, &warn)?;
        let mut table = annotations.table;
        table.cover(labels.voxel_counts().into_keys());
        Ok(Opened { volume: None, labels, table })
    }

    /// What is read.
    pub fn inputs(&self, input: &Path) -> crate::jobs::Inputs {
        crate::jobs::Inputs::new([input.to_path_buf()].into_iter().chain(self.mask.clone()))
    }

    /// Whether a mask is laid over the scan.
    pub fn has_mask(&self) -> bool {
        self.mask.is_some()
    }

    /// The numbers of the slices, counted from 0; none where none are named.
    pub fn numbers(&self, geometry: &Geometry) -> Result<Option<Vec<usize>>> {
        let count = PlaneLayout::new(geometry, self.plane).size[2];
        let among = |numbers: &SliceNumbers| numbers.among(count, 0).map_err(JobError::Other);
        self.slices.as_ref().map(among).transpose()
    }

    /// How a slice is shown.
    pub fn look(&self, volume: Option<&Volume>, size: PictureSize) -> Result<Look> {
        if !(0.0..=1.0).contains(&self.opacity) {
            return Err(JobError::Other(format!("--opacity {} is not from 0 to 1", self.opacity)));
        }
        let usual = || volume.map_or(Window::spanning(0.0, 1.0), Volume::default_window);
        let window = self.window.map_or_else(usual, |window| window.0);
        Ok(Look { opacity: self.opacity, outline: !self.no_outline, is_smooth: true, size, ..Look::plain(window) })
    }
}
