//! How a scan is shown in a picture, with its mask: for `lamella slices`, `lamella sheet` and `lamella reslice`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;

use super::Result;
use super::spacing::Spacing;
use super::terminal::Terminal;
use crate::drawing::{Look, PictureSize};
use crate::jobs::{JobError, OpenLabelsJob};
use crate::volume::{LabelMap, LabelTable, Volume, Window};
use crate::work::Watch;

/// A scan's look.
#[derive(Args)]
pub struct ScanLook {
    /// The mask that is laid over the scan
    #[arg(long, value_name = "MASK")]
    mask: Option<PathBuf>,
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
    pub(super) series: Option<String>,
    #[command(flatten)]
    pub(super) spacing: Spacing,
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

/// Labels with their names, and the scan that they lie on.
pub struct Opened<V> {
    pub volume: V,
    pub labels: LabelMap,
    pub table: LabelTable,
}

impl ScanLook {
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

    /// What is read.
    pub fn inputs(&self, input: &Path) -> crate::jobs::Inputs {
        crate::jobs::Inputs::new([input.to_path_buf()].into_iter().chain(self.mask.clone()))
    }

    /// Whether a mask is laid over the scan.
    pub fn has_mask(&self) -> bool {
        self.mask.is_some()
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
