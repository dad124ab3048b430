//! Pictures one after the other in one PNG.
//!
//! Source: PNG specification, third edition (W3C 2025), 4.9 and 11.3.6: animation control, frame control and frame data.

use std::io;
use std::path::Path;

use super::write::RgbPicture;
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};

/// The bytes of a PNG file that plays pictures for ever, each for so many milliseconds. `frame` is asked for one after the other; what shows
/// no animation shows the first. `path` is where they are to go, for what is said of an error.
///
/// # Errors
/// Those of `frame`, and [`FormatError::Write`] where a picture has another size or there is none.
pub fn animation_bytes<E: From<FormatError>>(
    path: &Path,
    [width, height]: [usize; 2],
    (count, frame_ms): (usize, u16),
    mut frame: impl FnMut(usize) -> std::result::Result<RgbPicture, E>,
) -> std::result::Result<Vec<u8>, E> {
    let failed = |source: io::Error| FormatError::Write { path: path.into(), source };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(width).map_err(failed)?, side(height).map_err(failed)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let frames = side(count).map_err(failed)?;
    let begun = encoder.set_animated(frames, 0).and_then(|()| encoder.set_frame_delay(frame_ms, 1000));
    begun.map_err(io::Error::other).map_err(failed)?;
    let mut writer = encoder.write_header().map_err(io::Error::other).map_err(failed)?;
    for n in 0..count {
        let picture = frame(n)?;
        if [picture.width, picture.height] != [width, height] {
            let text = format!("picture {n} has another size than the first");
            return Err(failed(io::Error::other(text)).into());
        }
        writer.write_image_data(&picture.rgb).map_err(io::Error::other).map_err(failed)?;
    }
    writer.finish().map_err(io::Error::other).map_err(failed)?;
    Ok(bytes)
}

/// Puts the bytes of a file in place of what is there.
///
/// # Errors
/// When it cannot be written.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = replace_file(path, |file| io::Write::write_all(file, bytes));
    written.map_err(|source| FormatError::Write { path: path.into(), source })
}

fn side(pixels: usize) -> io::Result<u32> {
    u32::try_from(pixels).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(n: usize, width: usize) -> RgbPicture {
        RgbPicture { width, height: 2, rgb: (0..width * 6).map(|at| u8::try_from(40 * n + at).unwrap()).collect() }
    }

    #[test]
    fn every_picture_of_an_animation_comes_back_with_its_time() {
        let path = Path::new("turn.png");
        let bytes = animation_bytes(path, [3, 2], (4, 125), |n| Ok::<_, FormatError>(picture(n, 3))).unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(bytes)).read_info().unwrap();
        let control = reader.info().animation_control.unwrap();
        assert_eq!((control.num_frames, control.num_plays), (4, 0));
        for n in 0..4 {
            let mut pixels = vec![0; 18];
            reader.next_frame(&mut pixels).unwrap();
            let shown = reader.info().frame_control.unwrap();
            assert_eq!((pixels, shown.delay_num, shown.delay_den), (picture(n, 3).rgb, 125, 1000));
        }
    }

    #[test]
    fn a_picture_of_another_size_and_an_error_of_a_picture_end_it() {
        let path = Path::new("turn.png");
        let other = animation_bytes(path, [3, 2], (2, 100), |n| Ok::<_, FormatError>(picture(n, 3 + n)));
        assert!(other.unwrap_err().to_string().contains("turn.png"));
        let none = animation_bytes(path, [3, 2], (0, 100), |n| Ok::<_, FormatError>(picture(n, 3)));
        assert!(none.is_err());
        let failed = animation_bytes(path, [3, 2], (2, 100), |n| match n {
            0 => Ok(picture(0, 3)),
            _ => Err(FormatError::unsupported(path, "no second one".to_string())),
        });
        assert!(failed.unwrap_err().to_string().contains("no second one"));
    }
}
