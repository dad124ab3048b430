//! From stored bytes to samples: one frame of one instance.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::instance::{Instance, PixelFormat};
use super::structure::{Content, PixelData, syntax};
use super::{jpeg_ls, rle};

/// More pixels per compressed byte than this cannot come from a real encoder.
const MAX_COMPRESSION: u64 = 8192;

/// Transfer syntaxes whose decoder turns `YCbCr` into RGB.
const JPEG_LOSSY: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];

/// A stored voxel type.
pub trait Sample: Copy + Default + Send + Sync {
    /// Keeps the low bits.
    fn from_i64(value: i64) -> Self;
}

macro_rules! samples {
    ($($type:ty),*) => { $(impl Sample for $type {
        fn from_i64(value: i64) -> Self {
            value as Self
        }
    })* };
}
samples!(u8, i8, u16, i16, u32, i32);

/// Samples of a frame before bits are masked, colour interleaved.
enum Frame {
    /// Little-endian bytes of `bits_allocated` each.
    Bytes(Vec<u8>),
    /// Values whose sign is already right.
    Values(Vec<i32>),
}

/// Checks that a frame's declared size fits the bytes in the file.
///
/// # Errors
/// A sentence with both numbers.
pub fn check_size(instance: &Instance) -> Result<(), String> {
    let PixelFormat { rows, columns, samples, bits_allocated, .. } = instance.format;
    let needed = (rows * columns * samples * bits_allocated / 8) as u64;
    match instance.pixel_data() {
        None => Err("there are no pixel data".into()),
        Some(&PixelData::Native(_, length)) if instance.format.photometric == "YBR_FULL_422" => {
            Err(format!("uncompressed {} pixels ({length} bytes) are not supported", instance.format.photometric))
        }
        Some(&PixelData::Native(_, length)) if length < needed => {
            Err(format!("the pixel data are cut: {length} of {needed} bytes; copy the file again"))
        }
        Some(PixelData::Native(..)) => Ok(()),
        Some(PixelData::Encapsulated(fragments)) => {
            let present: u64 = fragments.iter().map(|f| f.1).sum();
            if needed / MAX_COMPRESSION > present {
                return Err(format!("{rows} x {columns} pixels cannot come from {present} bytes"));
            }
            Ok(())
        }
    }
}

/// Decodes the frame of an instance into `out` (rows x columns).
///
/// # Errors
/// A sentence that says what is wrong with the pixel data.
pub fn decode<T: Sample>(instance: &Instance, out: &mut [T]) -> Result<(), String> {
    check_size(instance)?;
    let format = &instance.format;
    let frame = match instance.pixel_data() {
        None => return Err("there are no pixel data".into()),
        Some(&PixelData::Native(offset, _)) => native(instance, offset)?,
        Some(PixelData::Encapsulated(fragments)) => encapsulated(instance, fragments)?,
    };
    let samples = format.samples;
    if samples == 1 {
        match frame {
            Frame::Values(values) => copy(values.into_iter().map(i64::from), out),
            Frame::Bytes(bytes) => unpack(&bytes, format, out),
        }
    } else {
        let mut values = vec![0i64; out.len() * samples];
        match frame {
            Frame::Values(v) => copy_i64(v.into_iter().map(i64::from), &mut values)?,
            Frame::Bytes(bytes) => copy_i64(raw_samples(&bytes, format.bits_allocated), &mut values)?,
        }
        // Compressed frames are decoded to interleaved samples; JPEG's are RGB already, whatever the header says.
        let native = matches!(instance.pixel_data(), Some(PixelData::Native(..)));
        let decoded_rgb = JPEG_LOSSY.contains(&instance.structure.transfer_syntax.as_str());
        let luma_first = format.photometric.starts_with("YBR_FULL") && !decoded_rgb;
        luminance(&values, format, native && format.planar, luma_first, out);
        Ok(())
    }
}

fn copy<T: Sample>(values: impl ExactSizeIterator<Item = i64>, out: &mut [T]) -> Result<(), String> {
    if values.len() < out.len() {
        return Err(format!("the decoded image has {} of {} pixels", values.len(), out.len()));
    }
    out.iter_mut().zip(values).for_each(|(target, value)| *target = T::from_i64(value));
    Ok(())
}

fn copy_i64(values: impl Iterator<Item = i64>, out: &mut [i64]) -> Result<(), String> {
    let mut count = 0;
    for (target, value) in out.iter_mut().zip(values) {
        *target = value;
        count += 1;
    }
    if count < out.len() { Err(format!("the decoded image has {count} of {} samples", out.len())) } else { Ok(()) }
}

fn raw_samples(bytes: &[u8], bits_allocated: usize) -> impl ExactSizeIterator<Item = i64> + '_ {
    bytes.chunks_exact(bits_allocated / 8).map(|b| b.iter().rev().fold(0i64, |v, &byte| v << 8 | i64::from(byte)))
}

/// Takes the stored bits out of their allocated words and extends the sign.
fn unpack<T: Sample>(bytes: &[u8], format: &PixelFormat, out: &mut [T]) -> Result<(), String> {
    let PixelFormat { bits_allocated, bits_stored, high_bit, signed, .. } = *format;
    let shift = high_bit + 1 - bits_stored;
    let spare = 64 - bits_stored;
    copy(
        raw_samples(bytes, bits_allocated).map(|raw| {
            let value = raw >> shift << spare;
            if signed { value >> spare } else { (value as u64 >> spare) as i64 }
        }),
        out,
    )
}

/// ITU-R BT.601 luminance.
fn luminance<T: Sample>(values: &[i64], format: &PixelFormat, planar: bool, is_luma_first: bool, out: &mut [T]) {
    let pixels = out.len();
    for (n, target) in out.iter_mut().enumerate() {
        let sample = |s: usize| if planar { values[s * pixels + n] } else { values[n * format.samples + s] };
        let value = if is_luma_first {
            sample(0)
        } else {
            (0.299 * sample(0) as f64 + 0.587 * sample(1) as f64 + 0.114 * sample(2) as f64).round() as i64
        };
        *target = T::from_i64(value);
    }
}

fn read_at(instance: &Instance, offset: u64, length: u64) -> Result<Vec<u8>, String> {
    match &instance.structure.content {
        Content::Inflated(bytes) => bytes
            .get(offset as usize..(offset + length) as usize)
            .map(<[u8]>::to_vec)
            .ok_or_else(|| "the pixel data are cut".to_string()),
        Content::File => {
            let failed = |e: std::io::Error| format!("cannot read the pixel data: {e}");
            let mut file = File::open(&instance.path).map_err(failed)?;
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            let mut bytes = vec![0; length as usize];
            file.read_exact(&mut bytes).map_err(failed)?;
            Ok(bytes)
        }
    }
}

fn native(instance: &Instance, offset: u64) -> Result<Frame, String> {
    let PixelFormat { rows, columns, samples, bits_allocated, .. } = instance.format;
    let mut bytes = read_at(instance, offset, (rows * columns * samples * bits_allocated / 8) as u64)?;
    if instance.structure.transfer_syntax == syntax::EXPLICIT_BIG {
        // 8-bit samples are words of two here too (PS3.5 annex A.3: OW in big-endian order).
        bytes.chunks_exact_mut((bits_allocated / 8).max(2)).for_each(<[u8]>::reverse);
    }
    Ok(Frame::Bytes(bytes))
}

fn encapsulated(instance: &Instance, fragments: &[(u64, u64)]) -> Result<Frame, String> {
    let format = &instance.format;
    let mut data = Vec::new();
    for &(offset, length) in fragments {
        data.extend(read_at(instance, offset, length)?);
    }
    // Decoders of other people's crates must not take the program down with them.
    let uid = instance.structure.transfer_syntax.as_str();
    std::panic::catch_unwind(|| match uid {
        syntax::RLE => rle::decode(&data, format.rows * format.columns, format.samples, format.bits_allocated / 8)
            .map(Frame::Bytes),
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            jpeg(&data, format)
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => jpeg_ls_frame(&data, format),
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => jpeg_2000(&data, format),
        other => Err(format!("the transfer syntax {other} is not supported; convert the file to an uncompressed one")),
    })
    .unwrap_or_else(|_| Err("the compressed pixel data are damaged".into()))
}

fn expect_size(format: &PixelFormat, width: usize, height: usize) -> Result<(), String> {
    if (width, height) == (format.columns, format.rows) {
        return Ok(());
    }
    Err(format!(
        "the compressed image has {width} x {height} pixels, the header says {} x {}",
        format.columns, format.rows
    ))
}

fn jpeg(data: &[u8], format: &PixelFormat) -> Result<Frame, String> {
    let failed = |e: jpeg_decoder::Error| format!("the JPEG data cannot be decoded: {e}");
    let mut decoder = jpeg_decoder::Decoder::new(data);
    decoder.read_info().map_err(failed)?;
    let info = decoder.info().ok_or("the JPEG data have no header")?;
    expect_size(format, usize::from(info.width), usize::from(info.height))?;
    let samples = match info.pixel_format {
        jpeg_decoder::PixelFormat::RGB24 => 3,
        jpeg_decoder::PixelFormat::CMYK32 => return Err("JPEG with four components is not supported".into()),
        _ => 1,
    };
    if samples != format.samples {
        return Err(format!("the JPEG image has {samples} components, the header says {}", format.samples));
    }
    let pixels = decoder.decode().map_err(failed)?;
    Ok(match info.pixel_format {
        jpeg_decoder::PixelFormat::L16 => {
            let words = pixels.chunks_exact(2).map(|b| u16::from_ne_bytes([b[0], b[1]]));
            widen(words.map(u32::from), format)
        }
        _ => widen(pixels.into_iter().map(u32::from), format),
    })
}

/// Unsigned codes become little-endian words, so that masking and sign follow the header as for native pixels.
fn widen(codes: impl Iterator<Item = u32>, format: &PixelFormat) -> Frame {
    let bytes = format.bits_allocated / 8;
    let mut packed = Vec::with_capacity(format.rows * format.columns * format.samples * bytes);
    for code in codes {
        packed.extend_from_slice(&code.to_le_bytes()[..bytes]);
    }
    Frame::Bytes(packed)
}

fn jpeg_ls_frame(data: &[u8], format: &PixelFormat) -> Result<Frame, String> {
    if format.samples != 1 {
        return Err("JPEG-LS in colour is not supported".into());
    }
    let decoded = jpeg_ls::decode(data)?;
    expect_size(format, decoded.width, decoded.height)?;
    Ok(widen(decoded.samples.into_iter().map(u32::from), format))
}

fn jpeg_2000(data: &[u8], format: &PixelFormat) -> Result<Frame, String> {
    let start = data.windows(4).take(1024).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51]);
    let start = start.ok_or("the JPEG 2000 code stream has no header")?;
    let word = |offset: usize| -> Result<u32, String> {
        let b = data.get(start + offset..start + offset + 4).ok_or("the JPEG 2000 header is cut")?;
        Ok(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    };
    let width = word(8)?.wrapping_sub(word(16)?) as usize;
    let height = word(12)?.wrapping_sub(word(20)?) as usize;
    expect_size(format, width, height)?;
    let parameters = jpeg2k::DecodeParameters::new().strict(true);
    let image = jpeg2k::Image::from_bytes_with(data, parameters)
        .map_err(|e| format!("the JPEG 2000 data cannot be decoded: {e}"))?;
    let components = image.components();
    if components.len() < format.samples {
        return Err(format!(
            "the JPEG 2000 image has {} components, the header says {}",
            components.len(),
            format.samples
        ));
    }
    let mut values = vec![0; format.rows * format.columns * format.samples];
    for (n, component) in components.iter().take(format.samples).enumerate() {
        if (component.width() as usize, component.height() as usize) != (width, height) {
            return Err("subsampled JPEG 2000 components are not supported".into());
        }
        let bits = component.precision().clamp(1, 31);
        for (target, &value) in values.iter_mut().skip(n).step_by(format.samples).zip(component.data()) {
            // The header decides about the sign where the code stream disagrees.
            *target = match (format.signed, component.is_signed()) {
                (true, false) => value << (32 - bits) >> (32 - bits),
                (false, true) => value & ((1 << bits) - 1),
                _ => value,
            };
        }
    }
    Ok(Frame::Values(values))
}
