//! From stored bytes to samples: the frames of an instance.

use std::io::{self, Read, Seek, SeekFrom};

use super::frame::Frame;
use super::instance::{Instance, PixelFormat};
use super::mosaic::Tile;
use super::stored::read_place;
use super::structure::{Content, PixelData, Place, syntax};
use super::{jpeg_12, jpeg_2000, jpeg_ls, palette, rle};
use crate::disk;
use crate::work::memory;
use crate::work::numbers::{index as place_of, real, whole};

/// More bytes of pixels per compressed byte than this cannot come from a real encoder.
const MAX_COMPRESSION: u64 = 8192;
/// An empty image of this size may take a few hundred bytes only.
const SMALL_BYTES: u64 = 16 << 20;
/// Bytes that a byte of a run-length code can become at most.
const MAX_RUN_LENGTH: u64 = 64;
/// Bytes that a deflated byte can become at most.
const MAX_INFLATION: u64 = 1032;

/// Markers of a JPEG image that say what its colours are: JFIF, and Adobe's with its kind of colours.
const JFIF: u8 = 0xE0;
const ADOBE: u8 = 0xEE;

/// Transfer syntaxes whose decoder turns `YCbCr` into RGB.
const JPEG_LOSSY: [&str; 2] = ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"];

/// Transfer syntaxes with a decoder here.
const DECODED: [&str; 12] = [
    syntax::RLE,
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
];

/// A stored voxel type.
pub trait Sample: Copy + Default + Send + Sync {
    /// Keeps the low bits.
    fn from_i64(value: i64) -> Self;
    /// The value at this share of the way to another one, rounded.
    #[must_use]
    fn between(self, other: Self, share: f64) -> Self;
    /// The lower of both.
    #[must_use]
    fn lower(self, other: Self) -> Self;
}

macro_rules! samples {
    ($($type:ty),*) => { $(impl Sample for $type {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low bits are the sample")]
        fn from_i64(value: i64) -> Self {
            value as Self
        }

        fn between(self, other: Self, share: f64) -> Self {
            let (from, to) = (f64::from(self), f64::from(other));
            Self::from_i64(whole((from + (to - from) * share).round()))
        }

        fn lower(self, other: Self) -> Self {
            self.min(other)
        }
    })* };
}
samples!(u8, i8, u16, i16, u32, i32);

/// Samples of a frame before bits are masked, colour interleaved.
enum Samples {
    /// Little-endian bytes of `bits_allocated` each.
    Bytes(Vec<u8>),
    /// Values whose sign is already right.
    Values(Vec<i32>),
}

/// A frame that is wanted, and where its pixels go (rows x columns).
pub struct Wanted<'a, T> {
    /// Its number in the file.
    pub index: usize,
    /// The part of it that is wanted; all where there is none.
    pub tile: Option<Tile>,
    /// Its pixels.
    pub out: &'a mut [T],
}

/// The layout of a frame as it is stored: that of the sheet where it is one.
fn stored_format(instance: &Instance) -> PixelFormat {
    let [rows, columns] = instance.sheet.unwrap_or([instance.format.rows, instance.format.columns]);
    PixelFormat { rows, columns, ..instance.format.clone() }
}

/// Checks that the declared size of all frames fits the bytes in the file.
///
/// # Errors
/// A sentence with both numbers.
pub fn check_size(instance: &Instance) -> Result<(), String> {
    let format = stored_format(instance);
    let PixelFormat { rows, columns, .. } = format;
    let count = instance.frame_count;
    let bits = u128::from(format.frame_bits()) * count as u128;
    let needed = u64::try_from(bits.div_ceil(8)).unwrap_or(u64::MAX);
    let sheet =
        if count == 1 { format!("{rows} x {columns}") } else { format!("{count} frames of {rows} x {columns}") };
    let uid = instance.structure.transfer_syntax.as_str();
    match instance.pixel_data() {
        None => Err("there are no pixel data".into()),
        Some(PixelData::Native { .. }) if !syntax::is_native(uid) && !DECODED.contains(&uid) => {
            Err(format!("the transfer syntax {uid} is not supported; convert the file to an uncompressed one"))
        }
        Some(PixelData::Native { .. }) if format.photometric == "YBR_FULL_422" && !columns.is_multiple_of(2) => {
            Err(format!("uncompressed YBR_FULL_422 pixels need an even number of columns, not {columns}"))
        }
        Some(&PixelData::Native { length, .. }) if length < needed => {
            let of = if count == 1 { String::new() } else { format!(" for {count} frames") };
            Err(format!("the pixel data are cut: {length} of {needed} bytes{of}; copy the file again"))
        }
        Some(PixelData::Native { .. }) => match instance.structure.content {
            Content::File => Ok(()),
            Content::Deflated(_) => {
                let present = std::fs::metadata(&instance.path).map_or(0, |m| m.len());
                let possible = present.saturating_mul(MAX_INFLATION);
                if needed > possible {
                    return Err(format!("{sheet} pixels cannot come from a file of {present} bytes"));
                }
                Ok(())
            }
        },
        Some(PixelData::Encapsulated(_)) if syntax::is_native(uid) => Err(format!(
            "the transfer syntax {uid} says that the pixel data are uncompressed, but they are compressed; \
             convert the file with the program it comes from"
        )),
        Some(PixelData::Encapsulated(_)) if format.bits_allocated == 1 => {
            Err("compressed pixels of one bit are not supported; convert the file to an uncompressed one".into())
        }
        Some(PixelData::Encapsulated(fragments)) => {
            let present: u64 = fragments.iter().map(|f| f.1).sum();
            let (small, most) = match uid {
                syntax::ENCAPSULATED => (0, 1),
                syntax::RLE => (0, MAX_RUN_LENGTH),
                _ => (SMALL_BYTES, MAX_COMPRESSION),
            };
            if needed > small && needed / most > present {
                return Err(format!("{sheet} pixels cannot come from {present} bytes"));
            }
            Ok(())
        }
    }
}

/// Decodes frames of an instance; those of one number together are decoded once.
///
/// # Errors
/// A sentence that says what is wrong with the pixel data.
pub fn decode_frames<T: Sample>(instance: &Instance, wanted: Vec<Wanted<T>>) -> Result<(), String> {
    check_size(instance)?;
    let format = stored_format(instance);
    // Whoever inflates frame by frame inflates all that comes before each of them, too.
    let inflated = match (instance.pixel_data(), instance.structure.content) {
        (Some(&PixelData::Native { offset, length, .. }), Content::Deflated(_)) if instance.frame_count > 1 => {
            Some(read_place(&instance.path, instance.structure.content, Place { offset, length })?)
        }
        _ => None,
    };
    let mut sheet: Option<(usize, Vec<T>)> = None;
    for Wanted { index, tile, out } in wanted {
        let Some(tile) = tile else {
            decode_frame(instance, &format, index, inflated.as_deref(), out)?;
            continue;
        };
        if sheet.as_ref().is_none_or(|(decoded, _)| *decoded != index) {
            memory::ensure::<T>(format.pixels()).map_err(|e| e.to_string())?;
            let mut pixels = vec![T::default(); format.pixels()];
            decode_frame(instance, &format, index, inflated.as_deref(), &mut pixels)?;
            sheet = Some((index, pixels));
        }
        let Some((_, pixels)) = &sheet else { continue };
        let rows = pixels.chunks_exact(format.columns).skip(tile.row);
        for (target, row) in out.chunks_exact_mut(instance.format.columns).zip(rows) {
            let part = row.get(tile.column..tile.column + target.len()).ok_or("a tile lies outside of its sheet")?;
            target.copy_from_slice(part);
        }
    }
    Ok(())
}

fn decode_frame<T: Sample>(
    instance: &Instance,
    format: &PixelFormat,
    index: usize,
    inflated: Option<&[u8]>,
    out: &mut [T],
) -> Result<(), String> {
    let frame = match instance.pixel_data() {
        None => return Err("there are no pixel data".into()),
        Some(PixelData::Native { .. }) => native(instance, format, index, inflated)?,
        Some(PixelData::Encapsulated(_)) => encapsulated(instance, format, index)?,
    };
    if instance.table_bits().is_some() {
        let mut samples = vec![0i64; out.len()];
        match frame {
            Samples::Values(values) => copy_i64(values.into_iter().map(i64::from), &mut samples)?,
            Samples::Bytes(bytes) => copy_i64(stored_values(&bytes, format), &mut samples)?,
        }
        if let Some(palette) = instance.palette {
            palette::apply(instance, palette, &mut samples)?;
        } else if let Some(lut) = instance.modality_lut {
            lut.apply(instance, &mut samples)?;
        }
        return copy(samples.into_iter(), out);
    }
    if format.samples == 1 {
        return match frame {
            Samples::Values(values) => copy(values.into_iter().map(i64::from), out),
            Samples::Bytes(bytes) if format.bits_allocated == 16 => copy_words(&bytes, format, out),
            Samples::Bytes(bytes) => copy(stored_values(&bytes, format), out),
        };
    }
    let native = matches!(instance.pixel_data(), Some(PixelData::Native { .. }))
        || instance.structure.transfer_syntax == syntax::ENCAPSULATED;
    if native && format.photometric == "YBR_FULL_422" {
        // Two luminances, then the chroma of both.
        let Samples::Bytes(bytes) = frame else { return Err("the pixels are no bytes".into()) };
        let luminances: Vec<i64> = bytes.chunks_exact(4).flat_map(|four| [four[0], four[1]]).map(i64::from).collect();
        return copy(luminances.into_iter(), out);
    }
    let mut values = vec![0i64; out.len() * format.samples];
    match frame {
        Samples::Values(v) => copy_i64(v.into_iter().map(i64::from), &mut values)?,
        Samples::Bytes(bytes) => copy_i64(raw_samples(&bytes, format.bits_allocated), &mut values)?,
    }
    // Compressed frames are decoded to interleaved samples; JPEG's are RGB already, whatever the header says.
    let decoded_rgb = JPEG_LOSSY.contains(&instance.structure.transfer_syntax.as_str());
    let luma_first = format.photometric.starts_with("YBR_FULL") && !decoded_rgb;
    luminance(&values, format, native && format.planar, luma_first, out);
    Ok(())
}

fn copy<T: Sample>(values: impl ExactSizeIterator<Item = i64>, out: &mut [T]) -> Result<(), String> {
    if values.len() < out.len() {
        return Err(format!("the decoded image has {} of {} pixels", values.len(), out.len()));
    }
    out.iter_mut().zip(values).for_each(|(target, value)| *target = T::from_i64(value));
    Ok(())
}

/// What [`stored_values`] takes out of words of 16 bits, many at a time: nearly all scans have such.
fn copy_words<T: Sample>(bytes: &[u8], format: &PixelFormat, out: &mut [T]) -> Result<(), String> {
    let words = bytes.as_chunks::<2>().0;
    if words.len() < out.len() {
        return Err(format!("the decoded image has {} of {} pixels", words.len(), out.len()));
    }
    // Bits above the stored ones go first, those below them next.
    let (above, below) = (15 - format.high_bit, 16 - format.bits_stored);
    let pairs = out.iter_mut().zip(words);
    if format.signed {
        let value = |word: [u8; 2]| (u16::from_le_bytes(word) << above).cast_signed() >> below;
        pairs.for_each(|(target, word)| *target = T::from_i64(value(*word).into()));
    } else {
        let value = |word: [u8; 2]| (u16::from_le_bytes(word) << above) >> below;
        pairs.for_each(|(target, word)| *target = T::from_i64(value(*word).into()));
    }
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
fn stored_values<'a>(bytes: &'a [u8], format: &PixelFormat) -> impl ExactSizeIterator<Item = i64> + 'a {
    let PixelFormat { bits_allocated, bits_stored, high_bit, signed, .. } = *format;
    let shift = high_bit + 1 - bits_stored;
    let spare = 64 - bits_stored;
    raw_samples(bytes, bits_allocated).map(move |raw| {
        let value = raw >> shift << spare;
        if signed { value >> spare } else { (value.cast_unsigned() >> spare).cast_signed() }
    })
}

/// ITU-R BT.601 luminance of red, green and blue.
pub fn luma([red, green, blue]: [i64; 3]) -> i64 {
    whole((0.299 * real(red) + 0.587 * real(green) + 0.114 * real(blue)).round())
}

fn luminance<T: Sample>(values: &[i64], format: &PixelFormat, planar: bool, is_luma_first: bool, out: &mut [T]) {
    let pixels = out.len();
    for (n, target) in out.iter_mut().enumerate() {
        let sample = |s: usize| if planar { values[s * pixels + n] } else { values[n * format.samples + s] };
        let value = if is_luma_first { sample(0) } else { luma([sample(0), sample(1), sample(2)]) };
        *target = T::from_i64(value);
    }
}

/// A frame of uncompressed pixels. Frames follow each other without padding, if need be within a byte (PS3.5 section 8.1.1).
fn native(instance: &Instance, format: &PixelFormat, index: usize, inflated: Option<&[u8]>) -> Result<Samples, String> {
    let Some(&PixelData::Native { offset, length, is_bytes }) = instance.pixel_data() else {
        return Err("there are no uncompressed pixels".into());
    };
    let bits = format.frame_bits();
    let first_bit = (index as u64).checked_mul(bits).ok_or("the frame lies outside of the file")?;
    // 8-bit samples in words (OW) are swapped in pairs, the last one with its padding; single bytes (OB) have no order
    // (PS3.5 section 7.3 and annex A.3).
    let width: u64 = match (instance.structure.transfer_syntax == syntax::EXPLICIT_BIG, format.bits_allocated) {
        (false, _) => 1,
        (true, bits @ (16 | 32)) => bits as u64 / 8,
        (true, _) if is_bytes => 1,
        (true, _) => 2,
    };
    let first = first_bit / 8 / width * width;
    let end = (first_bit + bits).div_ceil(8);
    let stop = end.next_multiple_of(width).min(length).max(end);
    let mut bytes = match inflated {
        Some(all) => {
            let part = all.get(place_of(first)..place_of(stop));
            part.ok_or("the pixel data are cut; copy the file again")?.to_vec()
        }
        None => {
            let place = Place { offset: offset + first, length: stop - first };
            read_place(&instance.path, instance.structure.content, place)?
        }
    };
    if width > 1 {
        bytes.chunks_exact_mut(place_of(width)).for_each(<[u8]>::reverse);
    }
    if format.bits_allocated == 1 {
        let from = place_of(first_bit - 8 * first);
        let bit = |n: usize| i32::from(bytes.get(n / 8).is_some_and(|byte| byte >> (n % 8) & 1 == 1));
        return Ok(Samples::Values((from..from + format.pixels()).map(bit).collect()));
    }
    bytes.truncate(place_of(end - first));
    bytes.drain(..place_of(first_bit / 8 - first));
    Ok(Samples::Bytes(bytes))
}

/// Whether two frames have the same pixels: the bytes as they are stored, or else as they are decoded.
pub fn are_equal(a: &Frame, b: &Frame) -> bool {
    let [x, y] = [a, b].map(|i| PixelFormat { high_bit: 0, planar: false, ..i.format.clone() });
    if x != y || a.sheet != b.sheet || a.table_bits() != b.table_bits() {
        return false;
    }
    if a.structure.transfer_syntax == b.structure.transfer_syntax
        && a.tile == b.tile
        && let (Ok(x), Ok(y)) = (stored(a), stored(b))
        && x == y
    {
        return true;
    }
    let pixels = a.format.pixels();
    if [a, b].iter().any(|i| check_size(i).is_err()) || memory::ensure::<i32>(2 * pixels).is_err() {
        return false;
    }
    let decoded = |frame: &Frame| {
        let mut out = vec![0i32; pixels];
        let wanted = Wanted { index: frame.index, tile: frame.tile, out: &mut out };
        decode_frames(frame, vec![wanted]).ok().map(|()| out)
    };
    let (x, y) = (decoded(a), decoded(b));
    x.is_some() && x == y
}

/// The bytes of a frame's pixels as they are stored.
fn stored(frame: &Frame) -> Result<Vec<u8>, String> {
    check_size(frame)?;
    match frame.pixel_data() {
        None => Err("there are no pixel data".into()),
        Some(PixelData::Native { .. }) => match native(frame, &stored_format(frame), frame.index, None)? {
            Samples::Bytes(bytes) => Ok(bytes),
            Samples::Values(values) => Ok(values.into_iter().map(|bit| u8::from(bit == 1)).collect()),
        },
        Some(PixelData::Encapsulated(_)) => joined(frame, frame.index),
    }
}

/// The fragments of a compressed frame, one after the other.
fn joined(instance: &Instance, index: usize) -> Result<Vec<u8>, String> {
    let Some(PixelData::Encapsulated(all)) = instance.pixel_data() else { return Err("there are no fragments".into()) };
    let own = match instance.frame_fragments.get(index) {
        Some(&[first, end]) => all.get(first..end),
        None if instance.frame_count == 1 => all.get(..),
        None => None,
    };
    let fragments = own.ok_or("the frame has no fragment of pixel data")?;
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

fn encapsulated(instance: &Instance, format: &PixelFormat, index: usize) -> Result<Samples, String> {
    let data = joined(instance, index)?;
    let memory_needed = format.pixels() * format.samples * 8;
    memory::ensure::<u8>(memory_needed).map_err(|e| e.to_string())?;
    // Decoders of other people's crates must not take the program down with them.
    let uid = instance.structure.transfer_syntax.as_str();
    std::panic::catch_unwind(|| match uid {
        syntax::ENCAPSULATED => Ok(Samples::Bytes(data)),
        syntax::RLE => {
            rle::decode(&data, format.pixels(), format.samples, format.bits_allocated / 8).map(Samples::Bytes)
        }
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            jpeg(&data, format)
        }
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => jpeg_ls_frame(&data, format),
        // JPEG 2000, then High-Throughput JPEG 2000: the code stream says which.
        "1.2.840.10008.1.2.4.90"
        | "1.2.840.10008.1.2.4.91"
        | "1.2.840.10008.1.2.4.201"
        | "1.2.840.10008.1.2.4.202"
        | "1.2.840.10008.1.2.4.203" => jpeg_2000::decode(&data, format).map(Samples::Values),
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

fn jpeg(data: &[u8], format: &PixelFormat) -> Result<Samples, String> {
    if jpeg_12::is_12_bit(data) {
        let decoded = jpeg_12::decode(data, |width, height| expect_size(format, width, height))?;
        expect_size(format, decoded.width, decoded.height)?;
        if format.samples != 1 || format.bits_allocated != 16 {
            return Err("12-bit JPEG needs one sample of 16 bits a pixel".into());
        }
        return Ok(widen(decoded.samples.into_iter().map(u32::from), format));
    }
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
    if samples == 3 && is_rgb(data, format) {
        decoder.set_color_transform(jpeg_decoder::ColorTransform::RGB);
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

/// Whether the three components of a JPEG image are red, green and blue: by Adobe's marker, or where no marker says
/// anything, by the header.
fn is_rgb(data: &[u8], format: &PixelFormat) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, kind, high, low]) = data.get(at..at + 4) {
        if kind == 0xFF {
            at += 1;
            continue;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = data.get(at + 4..at + 2 + length).unwrap_or_default();
        match kind {
            JFIF if content.starts_with(b"JFIF") => return false,
            ADOBE if content.starts_with(b"Adobe") => return content.get(11) == Some(&0),
            // Chroma that is coarser than luminance is chroma.
            0xC0..=0xC2 if is_subsampled(content) => return false,
            // The image begins.
            0xDA => break,
            _ => at += 2 + length,
        }
    }
    format.photometric == "RGB"
}

/// Whether components of a JPEG frame have different sampling factors.
fn is_subsampled(frame_header: &[u8]) -> bool {
    let mut factors = frame_header.get(6..).unwrap_or_default().chunks_exact(3).map(|component| component[1]);
    let first = factors.next();
    factors.any(|other| Some(other) != first)
}

/// Unsigned codes become little-endian words, so that masking and sign follow the header as for native pixels.
fn widen(codes: impl Iterator<Item = u32>, format: &PixelFormat) -> Samples {
    let bytes = format.bits_allocated / 8;
    let mut packed = Vec::with_capacity(format.rows * format.columns * format.samples * bytes);
    for code in codes {
        packed.extend_from_slice(&code.to_le_bytes()[..bytes]);
    }
    Samples::Bytes(packed)
}

fn jpeg_ls_frame(data: &[u8], format: &PixelFormat) -> Result<Samples, String> {
    if format.samples != 1 {
        return Err("JPEG-LS in colour is not supported".into());
    }
    let decoded = jpeg_ls::decode(data)?;
    expect_size(format, decoded.width, decoded.height)?;
    Ok(widen(decoded.samples.into_iter().map(u32::from), format))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_give_the_same_values_many_at_a_time(
            bytes in prop::collection::vec(any::<u8>(), 40), bits in (0usize..16, 1usize..=16), signed: bool,
        ) {
            let (high_bit, bits_stored) = (bits.0, bits.1.min(bits.0 + 1));
            let photometric = String::new();
            let (rows, columns, samples, planar) = (4, 5, 1, false);
            let format =
                PixelFormat { rows, columns, samples, bits_allocated: 16, bits_stored, high_bit, signed, planar, photometric };
            let (mut fast, mut slow) = ([0i32; 20], [0i32; 20]);
            copy_words(&bytes, &format, &mut fast).unwrap();
            copy(stored_values(&bytes, &format), &mut slow).unwrap();
            prop_assert_eq!(fast, slow);
            prop_assert!(copy_words(&bytes[1..], &format, &mut fast).is_err());
        }
    }
}
