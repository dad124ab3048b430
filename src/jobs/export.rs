//! Pictures.

use std::path::Path;

use super::JobError;
use crate::disk::replace_file;

/// An RGB picture, row by row from the top left.
#[derive(Debug, Clone)]
pub struct ImageSlice {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes per pixel.
    pub rgb: Vec<u8>,
}

pub(super) fn write_png(path: &Path, picture: &ImageSlice) -> Result<(), JobError> {
    let written: Result<(), std::io::Error> = replace_file(path, |file| {
        let mut encoder = png::Encoder::new(file, picture.width as u32, picture.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
        writer.write_image_data(&picture.rgb).map_err(std::io::Error::other)
    });
    written.map_err(|e| JobError::Other(format!("cannot write {}: {e}", path.display())))
}
