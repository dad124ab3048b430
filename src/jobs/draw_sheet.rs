//! Drawing many slices in one figure, to be looked at or written.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use crate::drawing::{Sheet, SheetPlan, sheet};
use crate::formats::{PixelType, Scale, SlicePictures, write_slice};
use crate::volume::{LabelMap, LabelTable, Volume};

/// Draws a sheet.
pub struct DrawSheetJob {
    /// The image.
    pub volume: Arc<Volume>,
    /// The labels, on its grid.
    pub labels: LabelMap,
    /// Their names and colours.
    pub table: LabelTable,
    /// What is drawn.
    pub plan: SheetPlan,
}

impl Job for DrawSheetJob {
    type Output = Sheet;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "draw-sheet", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Drawing the sheet".into()
    }

    fn run(self, work: &Work<()>) -> Result<Sheet, JobError> {
        let Self { volume, labels, table, plan } = self;
        Ok(sheet(&volume, (&labels, &table), &plan, work.watch.stage("Drawing"))?)
    }
}

/// Draws a sheet into a file, as PNG or TIFF.
pub struct SaveSheetJob {
    /// What.
    pub draw: DrawSheetJob,
    /// Where to.
    pub path: PathBuf,
}

impl Job for SaveSheetJob {
    /// The file, and the sheet's size in pixels.
    type Output = (PathBuf, [usize; 2]);
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-sheet", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<(PathBuf, [usize; 2]), JobError> {
        let Self { draw, path } = self;
        let dots = draw.plan.dots_per_inch;
        let Sheet { picture, notes, .. } = draw.run(work)?;
        notes.into_iter().for_each(|note| work.warn(note));
        let size = [picture.width, picture.height];
        let encode = |_: usize, out: &mut Vec<u8>| out.extend_from_slice(&picture.rgb);
        let scale = Scale::DotsPerInch(f64::from(dots));
        let pictures = SlicePictures { size, kind: PixelType::Rgb8, scale, encode: &encode };
        write_slice(&path, &pictures, 0, work.watch.stage("Saving"))?;
        Ok((path, size))
    }
}
