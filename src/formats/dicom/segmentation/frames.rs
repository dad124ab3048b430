//! The pixels of a segmentation, frame by frame.
//!
//! Bits of a BINARY object follow each other without a gap: a frame begins anywhere in a byte (PS3.5 8.2).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::header::{Pixels, Segmentation};
use crate::disk;
use crate::formats::dicom::instance::PixelFormat;
use crate::formats::dicom::structure::{Content, PixelData, syntax};
use crate::formats::dicom::{jpeg_2000, jpeg_ls, rle};
use crate::work::numbers::index;
use crate::work::{Stopped, Watch, memory};

/// Each frame deflated by itself.
const DEFLATED_FRAMES: &str = "1.2.840.10008.1.2.8.1";
/// Frames in fragments, but not compressed.
const UNCOMPRESSED_FRAGMENTS: &str = "1.2.840.10008.1.2.1.98";

/// What one frame says about its pixels, row by row.
pub enum Values {
    /// A bit a pixel, the lowest of a byte first.
    Bits(Vec<u8>),
    /// A number a pixel.
    Numbers(Vec<u16>),
}

/// Where the bytes of frames come from.
enum Origin {
    /// One after the other in the file.
    File(File, u64),
    /// One after the other, inflated.
    Memory(Vec<u8>),
    /// Runs of fragments.
    Fragments(File, Vec<Vec<(u64, u64)>>),
}

/// Reads frames in any order.
pub struct FrameReader<'a> {
    segmentation: &'a Segmentation,
    origin: Origin,
    /// Bytes are swapped in pairs: words of a big-endian file.
    is_swapped: bool,
}

fn failed(error: &io::Error) -> String {
    format!("cannot read the pixel data: {error}")
}

impl<'a> FrameReader<'a> {
    /// Opens the file.
    ///
    /// # Errors
    /// A sentence, also where frames cannot be found.
    pub fn open(segmentation: &'a Segmentation) -> Result<Self, String> {
        let structure = &segmentation.structure;
        let mut file = disk::open_regular_file(&segmentation.path).map_err(|e| failed(&e))?;
        let (origin, is_bytes) = match (&structure.pixel_data, structure.content) {
            (None, _) => return Err("there are no pixel data".into()),
            (Some(PixelData::Native { offset, is_bytes, .. }), Content::File) => {
                (Origin::File(file, *offset), *is_bytes)
            }
            (Some(PixelData::Native { offset, is_bytes, .. }), Content::Deflated(start)) => {
                let bits = segmentation.rows * segmentation.columns * segmentation.bits * segmentation.frames.len();
                memory::ensure::<u8>(bits / 8).map_err(|e| e.to_string())?;
                let needed = (bits as u64).div_ceil(16) * 2;
                file.seek(SeekFrom::Start(start)).map_err(|e| failed(&e))?;
                let mut inflater = DeflateDecoder::new(file);
                io::copy(&mut (&mut inflater).take(*offset), &mut io::sink()).map_err(|e| failed(&e))?;
                let mut bytes = Vec::new();
                inflater.take(needed).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
                (Origin::Memory(bytes), *is_bytes)
            }
            (Some(PixelData::Encapsulated(fragments)), _) => {
                let runs = runs(fragments, segmentation.frames.len(), &segmentation.offset_table)?;
                (Origin::Fragments(file, runs), true)
            }
        };
        // Single bytes have no order; bits and bytes in words are swapped with them (PS3.5 annex A.3).
        let is_swapped = structure.transfer_syntax == syntax::EXPLICIT_BIG && !(is_bytes && segmentation.bits <= 8);
        Ok(Self { segmentation, origin, is_swapped })
    }

    /// The pixels of a frame.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the pixel data.
    pub fn read(&mut self, frame: usize) -> Result<Values, String> {
        let Segmentation { rows, columns, bits, .. } = *self.segmentation;
        let pixels = rows * columns;
        if let Origin::Fragments(file, runs) = &mut self.origin {
            let data = joined(file, runs.get(frame).map_or(&[][..], |run| run))?;
            return decoded(self.segmentation, &data);
        }
        let first = (frame as u64) * (pixels * bits) as u64;
        // Words are read whole.
        let start = first / 16 * 2;
        let end = (first + (pixels * bits) as u64).div_ceil(16) * 2;
        let mut bytes = match &mut self.origin {
            Origin::File(file, offset) => {
                file.seek(SeekFrom::Start(*offset + start)).map_err(|e| failed(&e))?;
                let mut bytes = Vec::with_capacity(index(end - start));
                file.take(end - start).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
                bytes
            }
            Origin::Memory(all) => all.get(index(start)..all.len().min(index(end))).unwrap_or_default().to_vec(),
            Origin::Fragments(..) => Vec::new(),
        };
        if self.is_swapped {
            bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
        }
        unpacked(bytes, index(first - start * 8), pixels, bits)
    }
}

/// Pixels that begin `skipped` bits behind the start.
fn unpacked(mut all: Vec<u8>, skipped: usize, pixels: usize, bits: usize) -> Result<Values, String> {
    let (from, shift) = (skipped / 8, skipped % 8);
    let bytes = all.get(from..).unwrap_or_default();
    if bytes.len() * 8 < shift + pixels * bits {
        return Err("the pixel data are cut; copy the file again".into());
    }
    if bits == 16 {
        let words = bytes.chunks_exact(2).take(pixels);
        return Ok(Values::Numbers(
            words.map(|b| b.iter().rev().fold(0, |v, &byte| v << 8 | u16::from(byte))).collect(),
        ));
    }
    if bits == 8 {
        return Ok(Values::Numbers(bytes.iter().take(pixels).map(|&byte| u16::from(byte)).collect()));
    }
    let length = pixels.div_ceil(8);
    let mut packed: Vec<u8> = if shift == 0 {
        all.drain(..from);
        all.truncate(length);
        all
    } else {
        let next = bytes.iter().skip(1).chain(std::iter::once(&0));
        bytes.iter().zip(next).map(|(low, high)| low >> shift | high << (8 - shift)).take(length).collect()
    };
    // What follows is the next frame.
    if let Some(last) = packed.last_mut().filter(|_| !pixels.is_multiple_of(8)) {
        *last &= (1 << (pixels % 8)) - 1;
    }
    Ok(Values::Bits(packed))
}

/// The fragments of each frame.
fn runs(fragments: &[(u64, u64)], frames: usize, offsets: &[u64]) -> Result<Vec<Vec<(u64, u64)>>, String> {
    if frames == 1 {
        return Ok(vec![fragments.to_vec()]);
    }
    if fragments.len() == frames {
        return Ok(fragments.iter().map(|fragment| vec![*fragment]).collect());
    }
    let base = fragments.first().map_or(0, |(offset, _)| *offset);
    // Fragments stand in the order of their places.
    let starts = offsets
        .iter()
        .map(|at| fragments.binary_search_by_key(&(base.saturating_add(*at)), |fragment| fragment.0).ok());
    let starts: Option<Vec<usize>> = starts.collect();
    let starts = starts.filter(|starts| starts.len() == frames && starts.is_sorted()).ok_or_else(|| {
        let count = fragments.len();
        format!("{frames} frames lie in {count} fragments, and no offset table says where each begins; convert the file to an uncompressed one")
    })?;
    let ends = starts.iter().skip(1).copied().chain(std::iter::once(fragments.len()));
    Ok(starts.iter().zip(ends).map(|(&from, to)| fragments.get(from..to).unwrap_or_default().to_vec()).collect())
}

fn joined(file: &mut File, run: &[(u64, u64)]) -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    for &(offset, length) in run {
        let before = data.len() as u64;
        file.seek(SeekFrom::Start(offset)).map_err(|e| failed(&e))?;
        file.take(length).read_to_end(&mut data).map_err(|e| failed(&e))?;
        if data.len() as u64 - before < length {
            return Err("the compressed pixel data are cut; copy the file again".into());
        }
    }
    Ok(data)
}

fn decoded(segmentation: &Segmentation, data: &[u8]) -> Result<Values, String> {
    let Segmentation { rows, columns, bits, .. } = *segmentation;
    let pixels = rows * columns;
    memory::ensure::<u8>(pixels * 8).map_err(|e| e.to_string())?;
    let uid = segmentation.structure.transfer_syntax.as_str();
    let uncompressed = match uid {
        DEFLATED_FRAMES => {
            let mut bytes = Vec::new();
            let most = (pixels * bits).div_ceil(8) as u64 + 1;
            DeflateDecoder::new(data).take(most).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
            bytes
        }
        UNCOMPRESSED_FRAGMENTS => data.to_vec(),
        syntax::RLE if bits > 1 => rle::decode(data, pixels, 1, bits / 8)?,
        _ if bits > 1 => return compressed(segmentation, data).map(Values::Numbers),
        other => {
            return Err(format!(
                "bits in the transfer syntax {other} cannot be read; convert the file to an uncompressed one"
            ));
        }
    };
    unpacked(uncompressed, 0, pixels, bits)
}

/// Numbers of a frame that is compressed as images are.
fn compressed(segmentation: &Segmentation, data: &[u8]) -> Result<Vec<u16>, String> {
    let Segmentation { rows, columns, bits, .. } = *segmentation;
    let format = PixelFormat {
        rows,
        columns,
        samples: 1,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        planar: false,
        photometric: "MONOCHROME2".into(),
    };
    let uid = segmentation.structure.transfer_syntax.as_str();
    // Decoders of other people's crates must not take the program down with them.
    let decode = || match uid {
        "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => jpeg(data, [columns, rows]),
        "1.2.840.10008.1.2.4.80" => {
            let image = jpeg_ls::decode(data)?;
            expect_size([image.width, image.height], [columns, rows])?;
            Ok(image.samples)
        }
        "1.2.840.10008.1.2.4.90"
        | "1.2.840.10008.1.2.4.201"
        | "1.2.840.10008.1.2.4.202"
        | "1.2.840.10008.1.2.4.203" => {
            let numbers = jpeg_2000::decode(data, &format)?.into_iter().map(u16::try_from);
            numbers.collect::<Result<_, _>>().map_err(|_| "a pixel is no number of a segment".to_string())
        }
        other => Err(format!(
            "the transfer syntax {other} cannot be read in a mask; convert the file to an uncompressed one"
        )),
    };
    let numbers: Vec<u16> =
        std::panic::catch_unwind(decode).unwrap_or_else(|_| Err("the compressed pixel data are damaged".into()))?;
    if numbers.len() < rows * columns {
        return Err(format!("the decoded frame has {} of {} pixels", numbers.len(), rows * columns));
    }
    Ok(numbers)
}

fn expect_size(got: [usize; 2], [columns, rows]: [usize; 2]) -> Result<(), String> {
    if got == [columns, rows] {
        return Ok(());
    }
    Err(format!("a compressed frame has {} x {} pixels, the header says {columns} x {rows}", got[0], got[1]))
}

fn jpeg(data: &[u8], size: [usize; 2]) -> Result<Vec<u16>, String> {
    let failed = |e: jpeg_decoder::Error| format!("the JPEG data cannot be decoded: {e}");
    let mut decoder = jpeg_decoder::Decoder::new(data);
    decoder.read_info().map_err(failed)?;
    let info = decoder.info().ok_or("the JPEG data have no header")?;
    expect_size([info.width.into(), info.height.into()], size)?;
    let pixels = decoder.decode().map_err(failed)?;
    match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => Ok(pixels.into_iter().map(u16::from).collect()),
        jpeg_decoder::PixelFormat::L16 => {
            Ok(pixels.as_chunks::<2>().0.iter().map(|b| u16::from_ne_bytes(*b)).collect())
        }
        _ => Err("a colour frame is no mask".into()),
    }
}

impl Values {
    /// The pixels that belong to a segment, as one bit each; of a label map those that are no background.
    pub fn bits(self, pixels: Pixels) -> Vec<u8> {
        match self {
            Self::Bits(bits) => bits,
            Self::Numbers(numbers) => {
                let is_in = |value: u16| match pixels {
                    Pixels::Fractional { most } => is_half(value, most),
                    Pixels::Binary | Pixels::LabelMap => value != 0,
                };
                let byte = |part: &[u16]| part.iter().rev().fold(0, |bits, &value| bits << 1 | u8::from(is_in(value)));
                numbers.chunks(8).map(byte).collect()
            }
        }
    }
}

/// Whether the pixels are 0 and 1 where the header says fractions of a larger number: dcmjs writes masks so when it packs them by RLE.
///
/// # Errors
/// When the work was stopped.
pub fn are_ones(segmentation: &Segmentation, watch: Watch) -> Result<bool, Stopped> {
    // What cannot be read is told where it is read for its own sake.
    let Ok(mut reader) = FrameReader::open(segmentation) else { return Ok(false) };
    let mut highest = 0;
    for frame in 0..segmentation.frames.len() {
        watch.check()?;
        let Ok(Values::Numbers(numbers)) = reader.read(frame) else { return Ok(false) };
        highest = numbers.into_iter().fold(highest, u16::max);
        if highest > 1 {
            return Ok(false);
        }
    }
    Ok(highest == 1)
}

/// Whether a fraction is at least a half.
fn is_half(value: u16, most: u16) -> bool {
    u32::from(value) * 2 >= u32::from(most)
}

/// Calls `visit(first, length)` for every run of pixels whose bits are set; none goes beyond its row of `columns` pixels.
pub fn for_each_run(bits: &[u8], columns: usize, mut visit: impl FnMut(usize, usize)) {
    let mut in_rows = |mut first: usize, end: usize| {
        while first < end {
            let next = end.min((first / columns + 1) * columns);
            visit(first, next - first);
            first = next;
        }
    };
    let mut open: Option<usize> = None;
    let mut look = |at: usize, word: u64| {
        // Bits that differ from the one before: where runs begin and end.
        let mut borders = word ^ (word << 1 | u64::from(open.is_some()));
        while borders != 0 {
            let place = at + borders.trailing_zeros() as usize;
            match open.take() {
                Some(first) => in_rows(first, place),
                None => open = Some(place),
            }
            borders &= borders - 1;
        }
    };
    let (words, rest) = bits.as_chunks::<8>();
    words.iter().enumerate().for_each(|(n, word)| look(n * 64, u64::from_le_bytes(*word)));
    // Less than a word is left: its last bits are no pixels, and end every run.
    let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    look(words.len() * 64, last);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_begin_anywhere_in_a_byte(frames in prop::collection::vec(prop::collection::vec(any::<bool>(), 13), 1..6)) {
            let all: Vec<bool> = frames.concat();
            let bytes: Vec<u8> =
                all.chunks(8).map(|part| part.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect();
            for (n, frame) in frames.iter().enumerate() {
                let Values::Bits(bits) = unpacked(bytes.clone(), n * 13, 13, 1).unwrap() else { panic!() };
                let mut seen = vec![false; 13];
                for_each_run(&bits, 13, |first, length| seen[first..first + length].fill(true));
                prop_assert_eq!(&seen, frame);
            }
            prop_assert!(unpacked(bytes, frames.len() * 13, 13, 1).is_err());
        }

        #[test]
        fn runs_hold_the_bits_that_are_set(
            bytes in prop::collection::vec(prop::sample::select(vec![0u8, 0, 255, 255, 255, 1, 128, 36]), 0..40), columns in 1usize..90,
        ) {
            let mut seen = vec![false; bytes.len() * 8];
            let mut last: Option<usize> = None;
            for_each_run(&bytes, columns, |first, length| {
                assert!(length > 0 && first / columns == (first + length - 1) / columns, "no run leaves its row");
                assert!(last.is_none_or(|end| end < first || end == first && first.is_multiple_of(columns)), "runs are whole");
                last = Some(first + length);
                seen[first..first + length].fill(true);
            });
            let truth: Vec<bool> = (0..bytes.len() * 8).map(|n| bytes[n / 8] >> (n % 8) & 1 == 1).collect();
            prop_assert_eq!(seen, truth);
        }
    }

    #[test]
    fn a_half_is_in() {
        assert!(is_half(128, 255) && is_half(50, 100) && is_half(1, 1));
        assert!(!is_half(127, 255) && !is_half(49, 100) && !is_half(0, 1));
    }

    #[test]
    fn fragments_of_several_frames_need_a_table() {
        let fragments = [(100, 10), (118, 10), (136, 10)];
        assert_eq!(runs(&fragments, 1, &[]).unwrap(), [fragments.to_vec()]);
        assert_eq!(runs(&fragments, 3, &[]).unwrap().len(), 3);
        assert_eq!(runs(&fragments, 2, &[0, 36]).unwrap(), [fragments[..2].to_vec(), fragments[2..].to_vec()]);
        for wrong in [&[][..], &[0, 35], &[0], &[36, 0]] {
            assert!(runs(&fragments, 2, wrong).unwrap_err().contains("offset table"));
        }
    }
}
