//! Writing slices as pictures: the image as it is shown or its values, the labels, or both as they are laid over.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::{Inputs, OutputKind, make_folder};
use super::title::file_name;
use crate::drawing::{Look, picture};
use crate::formats::{PixelType, Scale, SlicePictures, write_pages, write_slice};
use crate::volume::{LabelMap, LabelTable, Plane, PlaneLayout, Volume};
use crate::work::numbers::share;

/// Fewest digits of a slice's number in a file's name.
const DIGITS: usize = 4;

/// What the pictures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SliceContent {
    /// The image through the window, a byte a pixel.
    Image,
    /// The image's values: whole numbers of 8 or 16 bits, or single precision.
    Values,
    /// Values of labels, of 8 bits, or of 16 where a label needs them.
    Labels,
    /// Image and labels in colours, as they are shown.
    Overlay,
}

impl SliceContent {
    /// In the order of the list.
    pub const ALL: [Self; 4] = [Self::Image, Self::Values, Self::Labels, Self::Overlay];
}

/// Where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SliceFiles {
    /// One file: the slice, or a stack of pages (TIFF).
    One(PathBuf),
    /// A file for each slice: in a folder, with a name before its number, and an ending.
    Each {
        /// The folder, which is made where it is not there.
        folder: PathBuf,
        /// What stands before the number.
        stem: String,
        /// The ending.
        ending: &'static str,
    },
}

/// Writes slices as pictures.
pub struct SaveSlicesJob {
    /// The image; none where labels alone are written.
    pub volume: Option<Arc<Volume>>,
    /// The labels, on its grid.
    pub labels: LabelMap,
    /// Their colours.
    pub table: LabelTable,
    /// What is shown.
    pub content: SliceContent,
    /// Which slices.
    pub plane: Plane,
    /// Their numbers, counted from 0.
    pub slices: Vec<usize>,
    /// The number of the first slice that there is, in names.
    pub base: usize,
    /// The frame.
    pub frame: usize,
    /// How image and overlay are shown.
    pub look: Look,
    /// Where they go.
    pub files: SliceFiles,
    /// What is read, and therefore not written over.
    pub inputs: Inputs,
}

impl Job for SaveSlicesJob {
    /// The files.
    type Output = Vec<PathBuf>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-slices", is_kept_when_stopped: true };

    fn title(&self) -> String {
        match &self.files {
            SliceFiles::One(path) => format!("Saving {}", file_name(path)),
            SliceFiles::Each { folder, .. } => format!("Saving slices into {}", file_name(folder)),
        }
    }

    fn run(self, work: &Work<()>) -> Result<Vec<PathBuf>, JobError> {
        let paths = self.paths()?;
        let grid = self.labels.geometry();
        let layout = PlaneLayout::new(grid, self.plane);
        let kind = self.kind()?;
        let size = match self.content {
            SliceContent::Overlay => self.look.size.of(&layout, grid),
            _ => [layout.size[0], layout.size[1]],
        };
        let encode = |n: usize, out: &mut Vec<u8>| {
            if let Some(slice) = self.slices.get(n) {
                self.encode(&layout, kind, *slice, out);
            }
        };
        let pictures = SlicePictures { size, kind, scale: self.scale(&layout, size), encode: &encode };
        let watch = work.watch.stage("Saving");
        if let [path] = &paths[..] {
            match self.slices.len() {
                1 => write_slice(path, &pictures, 0, watch)?,
                count => write_pages(path, &pictures, count, self.distance_mm(&layout), watch)?,
            }
            return Ok(paths);
        }
        for (n, path) in paths.iter().enumerate() {
            watch.at(share(n, paths.len()))?;
            write_slice(path, &pictures, n, watch.quiet())?;
        }
        Ok(paths)
    }
}

impl SaveSlicesJob {
    /// The files that are written; what is there already is replaced only where it is a picture and not read.
    fn paths(&self) -> Result<Vec<PathBuf>, JobError> {
        if self.slices.is_empty() {
            return Err(JobError::Other("no slice is chosen".into()));
        }
        let paths = match &self.files {
            SliceFiles::One(path) => vec![path.clone()],
            SliceFiles::Each { folder, stem, ending } => {
                make_folder(folder)?;
                let plane = self.plane.name().to_lowercase();
                let name = |slice: &usize| format!("{stem}_{plane}_{:0DIGITS$}{ending}", slice + self.base);
                self.slices.iter().map(|slice| folder.join(name(slice))).collect()
            }
        };
        paths.iter().try_for_each(|path| self.inputs.allow(path, OutputKind::Picture))?;
        Ok(paths)
    }

    fn kind(&self) -> Result<PixelType, JobError> {
        Ok(match self.content {
            SliceContent::Image | SliceContent::Overlay if self.volume.is_none() => return Err(no_image()),
            SliceContent::Image => PixelType::Grey8,
            SliceContent::Overlay => PixelType::Rgb8,
            SliceContent::Values => {
                let image = self.volume.as_deref().ok_or_else(no_image)?;
                PixelType::of_values(image).map_err(JobError::Other)?
            }
            SliceContent::Labels => {
                let highest = self.labels.voxel_counts().into_keys().max().unwrap_or(0);
                if u8::try_from(highest).is_ok() { PixelType::Grey8 } else { PixelType::Grey16 }
            }
        })
    }

    /// How large a pixel is; a drawn picture has other pixels than the slice.
    fn scale(&self, layout: &PlaneLayout, size: [usize; 2]) -> Scale {
        if self.labels.geometry().is_size_assumed() {
            return Scale::Unknown;
        }
        let mm = layout.pixel_mm(self.labels.geometry());
        Scale::PixelMm([0, 1].map(|axis| mm[axis] * layout.size[axis] as f64 / size[axis].max(1) as f64))
    }

    /// The distance of the slices, where it is the same between all of them, and known.
    fn distance_mm(&self, layout: &PlaneLayout) -> Option<f64> {
        let steps: Vec<usize> = self.slices.windows(2).filter_map(|pair| pair[1].checked_sub(pair[0])).collect();
        let step = *steps.first().filter(|step| **step > 0)?;
        let is_even = steps.len() + 1 == self.slices.len() && steps.iter().all(|other| *other == step);
        let mm = layout.pixel_mm(self.labels.geometry())[2];
        (is_even && !self.labels.geometry().is_size_assumed()).then_some(mm * step as f64)
    }

    /// Adds the pixels of a slice, row by row.
    fn encode(&self, layout: &PlaneLayout, kind: PixelType, slice: usize, out: &mut Vec<u8>) {
        match (self.content, self.volume.as_deref()) {
            (SliceContent::Image, Some(image)) => {
                let mut grey = Vec::new();
                layout.grey_slice(image, self.frame, slice, self.look.window, &mut grey);
                if self.look.is_inverted {
                    grey.iter_mut().for_each(|grey| *grey = !*grey);
                }
                out.append(&mut grey);
            }
            (SliceContent::Values, Some(image)) => {
                let mut values = Vec::new();
                layout.read_slice(image, self.frame, slice, &mut values);
                values.into_iter().for_each(|value| put(value, kind, out));
            }
            (SliceContent::Labels, _) => {
                let mut labels = Vec::new();
                layout.read_labels(&self.labels, slice, &mut labels);
                match kind {
                    PixelType::Grey8 => out.extend(labels.into_iter().map(|label| label.to_le_bytes()[0])),
                    _ => out.extend(labels.into_iter().flat_map(u16::to_le_bytes)),
                }
            }
            (SliceContent::Overlay, Some(image)) => {
                let place = (self.frame, slice);
                let drawn = picture(image, &self.labels, &self.table, layout, place, &self.look, None);
                out.extend(drawn.rgb);
            }
            // Refused before anything is written.
            (_, None) => {}
        }
    }
}

fn no_image() -> JobError {
    JobError::Other("there is no image, only labels".into())
}

/// The type was chosen by the range of the values.
fn put(value: f32, kind: PixelType, out: &mut Vec<u8>) {
    match kind {
        PixelType::Grey8 => out.push(value as u8),
        PixelType::Grey16 => out.extend((value as u16).to_le_bytes()),
        PixelType::Signed16 => out.extend((value as i16).to_le_bytes()),
        PixelType::Float32 | PixelType::Rgb8 => out.extend(value.to_le_bytes()),
    }
}
