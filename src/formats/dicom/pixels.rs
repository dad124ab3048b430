//! From stored bytes to samples: one frame of one instance.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::instance::{Instance, PixelFormat};
use super::structure::{Content, PixelData, syntax};
use super::{jpeg_2000, jpeg_ls, rle, stream};
use crate::disk;
use crate::work::memory;
use crate::work::numbers::{index, real, whole};

/// More bytes of pixels per compressed byte than this cannot come from a real encoder.
const MAX_COMPRESSION: u64 = 8192;
/// An empty image of this size may take a few hundred bytes only.
const SMALL_BYTES: u64 = 16 << 20;
/// Bytes that a byte of a run-length code can become at most.
const MAX_RUN_LENGTH: u64 = 64;
/// Bytes that a deflated byte can become at most.
const MAX_INFLATION: u64 = 1032;

/// Transfer syntaxes whose decoder turns `YCbCr` into RGB.
const JPEG_LOSSY: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];

/// Transfer syntaxes with a decoder here.
const DECODED: [&str; 9] = [
    syntax::RLE,
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
];

/// A stored voxel type.
pub trait Sample: Copy + Default + Send + Sync {
    /// Keeps the low bits.
    fn from_i64(value: i64) -> Self;
}

macro_rules! samples {
    ($($type:ty),*) => { $(impl Sample for $type {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low bits are the sample")]
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
    let uid = instance.structure.transfer_syntax.as_str();
    match instance.pixel_data() {
        None => Err("there are no pixel data".into()),
        Some(&PixelData::Native { length, .. }) if instance.format.photometric == "YBR_FULL_422" => {
            Err(format!("uncompressed {} pixels ({length} bytes) are not supported", instance.format.photometric))
        }
        Some(PixelData::Native { .. }) if !syntax::is_native(uid) && !DECODED.contains(&uid) => {
            Err(format!("the transfer syntax {uid} is not supported; convert the file to an uncompressed one"))
        }
        Some(&PixelData::Native { length, .. }) if length < needed => {
            Err(format!("the pixel data are cut: {length} of {needed} bytes; copy the file again"))
        }
        Some(PixelData::Native { .. }) => match instance.structure.content {
            Content::File => Ok(()),
            Content::Deflated(_) => {
                let present = std::fs::metadata(&instance.path).map_or(0, |m| m.len());
                let possible = present.saturating_mul(MAX_INFLATION);
                if needed > possible {
                    return Err(format!("{rows} x {columns} pixels cannot come from a file of {present} bytes"));
                }
                Ok(())
            }
        },
        Some(PixelData::Encapsulated(_)) if syntax::is_native(uid) => Err(format!(
            "the transfer syntax {uid} says that the pixel data are uncompressed, but they are compressed; \
             convert the file with the program it comes from"
        )),
        Some(PixelData::Encapsulated(fragments)) => {
            let present: u64 = fragments.iter().map(|f| f.1).sum();
            let (small, most) = if uid == syntax::RLE { (0, MAX_RUN_LENGTH) } else { (SMALL_BYTES, MAX_COMPRESSION) };
            if needed > small && needed / most > present {
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
        Some(&PixelData::Native { offset, length, is_bytes }) => native(instance, offset, length, is_bytes)?,
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
        let native = matches!(instance.pixel_data(), Some(PixelData::Native { .. }));
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
            if signed { value >> spare } else { (value.cast_unsigned() >> spare).cast_signed() }
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
            whole((0.299 * real(sample(0)) + 0.587 * real(sample(1)) + 0.114 * real(sample(2))).round())
        };
        *target = T::from_i64(value);
    }
}

/// Bytes of the data set; room is taken as they come, so that lengths may lie.
fn read_at(instance: &Instance, offset: u64, length: u64) -> Result<Vec<u8>, String> {
    let failed = |e: io::Error| format!("cannot read the pixel data: {e}");
    let mut file = disk::open_regular_file(&instance.path).map_err(failed)?;
    let mut bytes = Vec::new();
    match instance.structure.content {
        Content::File => {
            let present = file.metadata().map_err(failed)?.len().saturating_sub(offset);
            bytes.reserve_exact(index(length.min(present)));
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        }
        Content::Deflated(start) => {
            memory::ensure::<u8>(index(length)).map_err(|e| e.to_string())?;
            file.seek(SeekFrom::Start(start)).map_err(failed)?;
            let mut inflater = DeflateDecoder::new(file);
            io::copy(&mut (&mut inflater).take(offset), &mut io::sink()).map_err(stream::damaged)?;
            inflater.take(length).read_to_end(&mut bytes).map_err(stream::damaged)?;
        }
    }
    if (bytes.len() as u64) < length {
        return Err(format!("the pixel data are cut: {} of {length} bytes; copy the file again", bytes.len()));
    }
    Ok(bytes)
}

fn native(instance: &Instance, offset: u64, length: u64, is_bytes: bool) -> Result<Frame, String> {
    let PixelFormat { rows, columns, samples, bits_allocated, .. } = instance.format;
    let needed = (rows * columns * samples * bits_allocated / 8) as u64;
    if instance.structure.transfer_syntax != syntax::EXPLICIT_BIG {
        return Ok(Frame::Bytes(read_at(instance, offset, needed)?));
    }
    // 8-bit samples in words (OW) are swapped in pairs, the last one with its padding; single bytes (OB) have no order
    // (PS3.5 section 7.3 and annex A.3).
    let width = if bits_allocated > 8 {
        bits_allocated / 8
    } else if is_bytes {
        1
    } else {
        2
    };
    let mut bytes = read_at(instance, offset, needed.next_multiple_of(width as u64).min(length))?;
    bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    bytes.truncate(needed as usize);
    Ok(Frame::Bytes(bytes))
}

/// Whether two images have the same pixels: the bytes as they are stored, or else as they are decoded.
pub fn are_equal(a: &Instance, b: &Instance) -> bool {
    let [x, y] = [a, b].map(|i| PixelFormat { high_bit: 0, planar: false, ..i.format.clone() });
    if x != y {
        return false;
    }
    if a.structure.transfer_syntax == b.structure.transfer_syntax
        && let (Ok(x), Ok(y)) = (stored(a), stored(b))
        && x == y
    {
        return true;
    }
    let pixels = a.format.rows * a.format.columns;
    if [a, b].iter().any(|i| check_size(i).is_err()) || memory::ensure::<i32>(2 * pixels).is_err() {
        return false;
    }
    let (mut x, mut y) = (vec![0i32; pixels], vec![0i32; pixels]);
    decode(a, &mut x).is_ok() && decode(b, &mut y).is_ok() && x == y
}

/// The bytes of the pixels as they are stored.
fn stored(instance: &Instance) -> Result<Vec<u8>, String> {
    check_size(instance)?;
    match instance.pixel_data() {
        None => Err("there are no pixel data".into()),
        Some(&PixelData::Native { offset, .. }) => {
            let PixelFormat { rows, columns, samples, bits_allocated, .. } = instance.format;
            read_at(instance, offset, (rows * columns * samples * bits_allocated / 8) as u64)
        }
        Some(PixelData::Encapsulated(fragments)) => joined(instance, fragments),
    }
}

/// The fragments of a compressed image, one after the other.
fn joined(instance: &Instance, fragments: &[(u64, u64)]) -> Result<Vec<u8>, String> {
    let failed = |e: io::Error| format!("cannot read the pixel data: {e}");
    let mut file = disk::open_regular_file(&instance.path).map_err(failed)?;
    let mut data = Vec::new();
    for &(offset, length) in fragments {
        let before = data.len() as u64;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        (&mut file).take(length).read_to_end(&mut data).map_err(failed)?;
        if data.len() as u64 - before < length {
            return Err("the compressed pixel data are cut; copy the file again".into());
        }
    }
    Ok(data)
}

fn encapsulated(instance: &Instance, fragments: &[(u64, u64)]) -> Result<Frame, String> {
    let format = &instance.format;
    let data = joined(instance, fragments)?;
    let memory_needed = format.rows * format.columns * format.samples * 8;
    memory::ensure::<u8>(memory_needed).map_err(|e| e.to_string())?;
    // Decoders of other people's crates must not take the program down with them.
    let uid = instance.structure.transfer_syntax.as_str();
    std::panic::catch_unwind(|| match uid {
        syntax::RLE => rle::decode(&data, format.rows * format.columns, format.samples, format.bits_allocated / 8)
            .map(Frame::Bytes),
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            jpeg(&data, format)
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => jpeg_ls_frame(&data, format),
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => jpeg_2000::decode(&data, format).map(Frame::Values),
        other => Err(format!("the transfer syntax {other} is not supported; convert the file to an uncompressed one")),
    })
    .unwrap_or_else(|_| Err("the compressed pixel data are damaged".into()))
}

pub(super) fn expect_size(format: &PixelFormat, width: usize, height: usize) -> Result<(), String> {
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
