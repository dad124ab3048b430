//! Writing a picture of a view.

use std::io;
use std::path::Path;

use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::volume::{LabelMap, Plane, PlaneLayout};

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
    let written =
        replace_file(path, |file| encode(file, [picture.width, picture.height], png::ColorType::Rgb, &picture.rgb));
    written.map_err(|source| FormatError::Write { path: path.into(), source })
}

/// A picture as the bytes of a PNG file.
///
/// # Errors
/// When there are not three bytes for each pixel.
pub fn picture_bytes(picture: &RgbPicture) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    encode(&mut bytes, [picture.width, picture.height], png::ColorType::Rgb, &picture.rgb)?;
    Ok(bytes)
}

/// One picture as PNG, with a byte for each channel of a pixel.
fn encode(to: impl io::Write, [width, height]: [usize; 2], colour: png::ColorType, pixels: &[u8]) -> io::Result<()> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(io::Error::other);
    let mut encoder = png::Encoder::new(to, side(width)?, side(height)?);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(pixels).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)
}

/// Writes labels of one axial slice as a grey PNG, a byte per pixel, as an axial view shows them. Where the mask lies and what its labels are
/// called is not kept.
///
/// # Errors
/// When there are several slices, a label is above 255, or the file cannot be written.
pub fn write_mask_picture(path: &Path, labels: &LabelMap) -> Result<()> {
    let layout = PlaneLayout::new(labels.geometry(), Plane::Axial);
    let [width, height, slices] = layout.size;
    if slices != 1 {
        let reason = format!("a picture holds one slice, and the mask has {slices}; end the name in .nii.gz or .nrrd");
        return Err(FormatError::unsupported(path, reason));
    }
    let mut values = Vec::new();
    layout.read_labels(labels, 0, &mut values);
    let bytes: std::result::Result<Vec<u8>, _> = values.into_iter().map(u8::try_from).collect();
    let bytes = bytes.map_err(|_| {
        FormatError::unsupported(path, "a picture holds labels up to 255; end the name in .nii.gz or .nrrd".to_string())
    })?;
    let written = replace_file(path, |file| encode(file, [width, height], png::ColorType::Grayscale, &bytes));
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

    #[test]
    fn a_mask_of_one_slice_comes_back_and_one_of_two_is_refused() {
        use crate::formats::read_labels;
        use crate::volume::{Affine, Geometry};
        use crate::work::Watch;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        // As pictures lie: columns to the left, rows to the back.
        let affine = Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]);
        let mask = |shape, top: u16| {
            LabelMap::from_fn(Geometry::new(shape, affine).unwrap(), |[i, j, _]| u16::from(i > j) * top)
        };
        write_mask_picture(&path, &mask([5, 3, 1], 1)).unwrap();
        let again = read_labels(&path, Watch::unwatched(), &|_| {}).unwrap();
        assert!(again.same_labels(&mask([5, 3, 1], 1)));
        let refused = |mask: LabelMap| write_mask_picture(&path, &mask).unwrap_err().to_string();
        assert!(refused(mask([5, 3, 2], 1)).contains("the mask has 2"));
        assert!(refused(mask([5, 3, 1], 300)).contains("labels up to 255"));
    }

    #[test]
    fn a_picture_and_its_bytes_are_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.png");
        let picture = RgbPicture { width: 5, height: 2, rgb: (0..30).collect() };
        write_picture(&path, &picture).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), picture_bytes(&picture).unwrap());
        let short = RgbPicture { rgb: vec![0; 29], ..picture };
        assert!(picture_bytes(&short).is_err());
    }
}
