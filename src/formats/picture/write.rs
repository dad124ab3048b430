//! Writing a picture of a view.

use std::io;
use std::path::Path;

use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};

/// An RGB picture, row by row from the top left.
#[derive(Debug, Clone)]
pub struct RgbPicture {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Three bytes per pixel.
    pub rgb: Vec<u8>,
}

/// Writes a picture as PNG.
///
/// # Errors
/// When the file cannot be written, or there are not three bytes for each pixel.
pub fn write_picture(path: &Path, picture: &RgbPicture) -> Result<()> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(io::Error::other);
    let written = replace_file(path, |file| {
        let mut encoder = png::Encoder::new(file, side(picture.width)?, side(picture.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(io::Error::other)?;
        writer.write_image_data(&picture.rgb).map_err(io::Error::other)
    });
    written.map_err(|source| FormatError::Write { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_pixels_and_one_of_another_size_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.png");
        let mut picture = RgbPicture { width: 2, height: 1, rgb: vec![1, 2, 3, 250, 251, 252] };
        write_picture(&path, &picture).unwrap();
        let mut reader =
            png::Decoder::new(io::BufReader::new(std::fs::File::open(&path).unwrap())).read_info().unwrap();
        let mut pixels = vec![0; 6];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!(([info.width, info.height], pixels), ([2, 1], picture.rgb.clone()));
        picture.rgb.pop();
        assert!(write_picture(&path, &picture).unwrap_err().to_string().contains("view.png"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half is left");
    }
}
