//! Pictures of slices that are written: what their pixels are, how large they are, and into which files they go.

use std::io;
use std::path::Path;

use super::tiff::write as tiff_write;
use super::tiff::write::Pages;
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::has_extension;
use crate::formats::stored::written_type;
use crate::volume::{Volume, VoxelType};
use crate::work::Watch;

/// What a pixel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelType {
    /// Red, green, blue, a byte each.
    Rgb8,
    /// A byte.
    Grey8,
    /// A whole number from 0 to 65535.
    Grey16,
    /// A whole number from -32768 to 32767.
    Signed16,
    /// Single precision.
    Float32,
}

impl PixelType {
    /// Bytes of a pixel.
    pub fn bytes(self) -> usize {
        match self {
            Self::Grey8 => 1,
            Self::Grey16 | Self::Signed16 => 2,
            Self::Rgb8 => 3,
            Self::Float32 => 4,
        }
    }

    /// The type that holds a scan's values, rescaled as they are shown.
    ///
    /// # Errors
    /// For whole numbers that single precision does not hold.
    pub fn of_values(volume: &Volume) -> std::result::Result<Self, String> {
        // Every whole number up to here is one of single precision.
        const EXACT: f64 = 16_777_216.0;
        let (low, high) = (volume.statistics().min, volume.statistics().max);
        match written_type(volume) {
            VoxelType::U8 => Ok(Self::Grey8),
            VoxelType::U16 => Ok(Self::Grey16),
            VoxelType::I8 | VoxelType::I16 => Ok(Self::Signed16),
            VoxelType::F32 | VoxelType::F64 => Ok(Self::Float32),
            _ if low >= 0.0 && high <= f64::from(u16::MAX) => Ok(Self::Grey16),
            _ if low >= -EXACT && high <= EXACT => Ok(Self::Float32),
            _ => {
                Err(format!("pictures hold whole numbers up to {EXACT}, and the scan has values from {low} to {high}"))
            }
        }
    }
}

/// How large a pixel is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Nobody knows.
    Unknown,
    /// Width and height in the patient, in millimetres.
    PixelMm([f64; 2]),
    /// In print.
    DotsPerInch(f64),
}

/// Slices that are written, all of one size.
pub struct SlicePictures<'a> {
    /// Columns and rows.
    pub size: [usize; 2],
    /// What a pixel is.
    pub kind: PixelType,
    /// How large it is.
    pub scale: Scale,
    /// Adds the bytes of a slice, row by row from the top left, little end first.
    pub encode: &'a dyn Fn(usize, &mut Vec<u8>),
}

/// Endings of files that slices are written to.
pub const SLICE_ENDINGS: &[&str] = &[".png", ".tif", ".tiff"];

/// Writes one slice, as PNG or TIFF by the file's ending.
///
/// # Errors
/// For other endings, for values that PNG does not hold, and when the file cannot be written.
pub fn write_slice(path: &Path, slices: &SlicePictures, slice: usize, watch: Watch) -> Result<()> {
    if has_extension(path, &[".png"]) {
        return write_png(path, slices, slice);
    }
    let encode = |_: usize, out: &mut Vec<u8>| (slices.encode)(slice, out);
    write_pages(path, &SlicePictures { encode: &encode, ..*slices }, 1, None, watch)
}

/// Writes slices as the pages of a TIFF, the first number first; their distance in millimetres goes with them where it is known.
///
/// # Errors
/// For other endings, for more than four gigabytes, and when the file cannot be written.
pub fn write_pages(
    path: &Path,
    slices: &SlicePictures,
    count: usize,
    slices_mm: Option<f64>,
    watch: Watch,
) -> Result<()> {
    if !has_extension(path, &[".tif", ".tiff"]) {
        let reason = if has_extension(path, &[".png"]) {
            "a PNG holds one slice; name a folder for one file a slice, or end the name in .tif for a stack of pages"
        } else {
            "slices are written as .png or .tif"
        };
        return Err(FormatError::unsupported(path, reason));
    }
    let SlicePictures { size, kind, scale, encode } = *slices;
    tiff_write::write(path, &Pages { size, kind, count, scale, slices_mm, encode }, watch)
}

fn write_png(path: &Path, slices: &SlicePictures, slice: usize) -> Result<()> {
    let (colour, depth) = match slices.kind {
        PixelType::Rgb8 => (png::ColorType::Rgb, png::BitDepth::Eight),
        PixelType::Grey8 => (png::ColorType::Grayscale, png::BitDepth::Eight),
        PixelType::Grey16 => (png::ColorType::Grayscale, png::BitDepth::Sixteen),
        PixelType::Signed16 | PixelType::Float32 => {
            let reason = "a PNG holds whole numbers from 0 to 65535, and the scan has others; end the name in .tif";
            return Err(FormatError::unsupported(path, reason));
        }
    };
    let mut bytes = Vec::new();
    (slices.encode)(slice, &mut bytes);
    if slices.kind == PixelType::Grey16 {
        bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    let side = |pixels: usize| u32::try_from(pixels).map_err(io::Error::other);
    let written = replace_file(path, |file| {
        let mut encoder = png::Encoder::new(file, side(slices.size[0])?, side(slices.size[1])?);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        encoder.set_pixel_dims(per_metre(slices.scale));
        let mut writer = encoder.write_header().map_err(io::Error::other)?;
        writer.write_image_data(&bytes).map_err(io::Error::other)
    });
    written.map_err(|source| FormatError::Write { path: path.into(), source })
}

/// Pixels in a metre.
fn per_metre(scale: Scale) -> Option<png::PixelDimensions> {
    let [x, y] = match scale {
        Scale::Unknown => return None,
        Scale::PixelMm(mm) => mm.map(|mm| 1000.0 / mm),
        Scale::DotsPerInch(dots) => [dots * 1000.0 / 25.4; 2],
    };
    let whole = |value: f64| {
        u32::try_from(crate::work::numbers::natural(crate::work::numbers::whole(value.round()))).unwrap_or(u32::MAX)
    };
    Some(png::PixelDimensions { xppu: whole(x), yppu: whole(y), unit: png::Unit::Meter })
}
