//! Tagged Image File Format, read by ourselves.
//!
//! Whole numbers of 1, 2, 4, 8 to 16, 32 and 64 bits and floating point of 16, 32 and 64 come as they are stored, also where small
//! values are white. Strips and tiles, planes of samples, predictors and both orders of bits are read; compressions are `PackBits`,
//! LZW and Deflate. What a page is (slice, channel, time, thumbnail) is told by `ImageJ`, OME and tifffile in the description.
//! Source: TIFF Revision 6.0 (Adobe, 1992).

mod arrangement;
mod axes;
mod calibration;
mod compression;
mod directory;
mod imagej;
mod layout;
mod ome;
mod pixels;
mod shaped;
mod source;
mod units;
pub mod write;
mod xml;

use std::path::Path;

use super::pages::{Kind, Pages};
use super::steps::Steps;
use crate::formats::error::{FormatError, Result};
use crate::volume::Rescale;
use crate::work::Watch;
use arrangement::{Arrangement, Place};
use calibration::Sizes;
pub use calibration::is_usual_dpi;
use directory::{Directory, tag, walk};
use layout::{Layout, Photometric};
use pixels::{Page, Tally};
use source::Source;

/// A volume in a file, as the headers tell it.
pub struct Plan {
    source: Source,
    pages: Vec<Directory>,
    layout: Layout,
    arrangement: Arrangement,
    /// Size of a voxel.
    pub sizes: Sizes,
    /// From stored values to those that are meant.
    pub rescale: Rescale,
    /// Small values are bright.
    pub inverted: bool,
    /// What the user must know, besides sizes.
    pub warnings: Vec<String>,
    /// Fields worth showing.
    pub header: Vec<(String, String)>,
}

/// The number of images that the file describes; more than one in some OME-TIFFs.
pub fn image_count(path: &Path, watch: Watch) -> Result<usize> {
    let (mut source, first) = Source::open(path)?;
    let pages = walk(&mut source, first, watch)?;
    let description = arrangement::description(&mut source, &pages)?;
    Ok(arrangement::images(&source, &description)?.max(1))
}

/// Reads the headers of an image.
///
/// # Errors
/// For what is damaged, and for what cannot be shown rightly.
pub fn plan(path: &Path, image: usize, watch: Watch) -> Result<Plan> {
    let (mut source, first) = Source::open(path)?;
    let pages = walk(&mut source, first, watch)?;
    let mut arrangement = arrangement::arrange(&mut source, &pages, image)?;
    let layout = arrangement.layout.clone();
    for place in &arrangement.planes {
        let Place::Page(page) = *place else { break };
        super::steps::Steps::new(path, watch).go_on()?;
        let Some(directory) = pages.get(page).filter(|_| page != arrangement.first) else { continue };
        let other = Layout::of(&mut source, directory)?;
        if !other.is_like(&layout) {
            return Err(source.unsupported(format!(
                "page {} has {other}, page {} has {wanted}: slices of one volume are alike; save the pages as files of their own",
                page + 1,
                arrangement.first + 1,
                other = other.describe(),
                wanted = layout.describe()
            )));
        }
        if (other.photometric == Photometric::MinIsWhite) != (layout.photometric == Photometric::MinIsWhite) {
            let warning = "In some pages small values are white, in others they are black; values are as stored.";
            arrangement.warnings.push(warning.into());
        }
    }
    arrangement.warnings.dedup();
    let sizes = arrangement::sizes(&mut source, &pages, &arrangement)?;
    let rescale = arrangement::rescale(&source, &mut arrangement)?;
    let inverted = layout.photometric == Photometric::MinIsWhite;
    let mut warnings = std::mem::take(&mut arrangement.warnings);
    if inverted {
        warnings
            .push("Small values are white in this file (MinIsWhite): values are as stored, and shown inverted.".into());
    }
    if layout.photometric == Photometric::Unsaid {
        warnings.push(
            "The file does not say whether small values are black (PhotometricInterpretation); this is assumed.".into(),
        );
    }
    let turned =
        pages.get(arrangement.first).map(|page| page.unsigned(&mut source, tag::ORIENTATION)).transpose()?.flatten();
    if let Some(turned) = turned.filter(|&turned| turned != 1) {
        warnings.push(format!(
            "The file says that the picture is turned or mirrored (Orientation {turned}); it is shown as stored."
        ));
    }
    let header = header(&source, &layout, &arrangement, &sizes);
    Ok(Plan { source, pages, layout, arrangement, sizes, rescale, inverted, warnings, header })
}

fn header(source: &Source, layout: &Layout, arrangement: &Arrangement, sizes: &Sizes) -> Vec<(String, String)> {
    let order = if source.big_endian { "big-endian" } else { "little-endian" };
    let version = if source.wide { "BigTIFF" } else { "TIFF" };
    let [x, y, z] = sizes.mm;
    let mut header = vec![
        ("Format", format!("{version} ({order})")),
        ("Pages", layout.describe()),
        ("Compression", layout.compression.name().to_string()),
        ("Bits", layout.bits.to_string()),
        ("Pixel size", format!("{x} x {y} x {z} mm ({})", sizes.origin)),
    ];
    header.extend(arrangement.frames_are.iter().map(|text| ("Frames", text.clone())));
    header.extend(arrangement.written_by.iter().map(|text| ("Described by", text.clone())));
    header.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

impl Plan {
    /// What pictures of one stack have in common.
    pub fn kind(&self) -> Kind {
        Kind {
            size: self.layout.size,
            samples: self.layout.shown,
            bits: self.layout.bits,
            stored: self.layout.voxel_type().name(),
            slices: self.arrangement.slices,
            frames: self.arrangement.frames,
            // It says so by itself.
            is_palette: false,
        }
    }

    /// The type of the values.
    pub fn voxel_type(&self) -> crate::volume::VoxelType {
        self.layout.voxel_type()
    }

    /// Adds all planes, slices first, then frames.
    ///
    /// # Errors
    /// For damaged data, for pages that share them, and when memory is short.
    pub fn read(mut self, pages: &mut Pages, steps: &Steps) -> Result<()> {
        let kind = self.kind();
        let planes = self.arrangement.planes.len();
        let total = self.layout.memory_bytes().saturating_mul(planes as u64);
        crate::work::memory::affordable(total).map_err(|e| FormatError::memory(steps.path, e))?;
        let mut tally = Tally::default();
        for (n, place) in self.arrangement.planes.iter().enumerate() {
            let steps = steps.part(n, planes);
            steps.go_on()?;
            let samples = match *place {
                Place::At(offset) => {
                    Page::in_one_piece(&self.layout, offset).read(&mut self.source, &mut tally, &steps)?
                }
                Place::Page(page) => {
                    let directory = self.pages.get(page).ok_or_else(|| self.source.malformed("a page is missing"))?;
                    let layout = Layout::of(&mut self.source, directory)?;
                    Page::of(&mut self.source, directory, &layout)?.read(&mut self.source, &mut tally, &steps)?
                }
            };
            pages.push(steps.path, kind, samples)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
