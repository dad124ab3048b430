//! Writing a mask as a segmentation object: BINARY, which nearly every program reads, or LABELMAP, which is smaller and newer.
//!
//! Every frame names the image that it was made on; patient, study and space are those of that image. What was written is read back and
//! compared. Source: DICOM PS3.3 A.51, A.88, C.8.20; the default meaning (tissue) and the background of a LABELMAP as highdicom writes them.

pub(in crate::formats::dicom) mod elements;
mod header;
pub(in crate::formats::dicom) mod source;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use dicom::core::VR;
use dicom::dictionary_std::tags;
use rayon::prelude::*;

use super::header::Pixels;
use super::paint::{self, Target};
use crate::disk::replace_file;
use crate::formats::Mask;
use crate::formats::dicom::fresh::{IMPLEMENTATION_CLASS_UID, NEW_SPACE};
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::explain;
use crate::volume::{BRICK_EDGE, Geometry, Label, LabelMap, LabelValue, Region, SourceImages};
use crate::work::Watch;
use crate::work::numbers::share;
use elements::Elements;
use source::{Origin, none_known, slice_images};

/// Frames that are packed at the same time.
const AT_ONCE: usize = 64;
/// A shear beyond this is a tilt.
const TILT: f64 = 1e-3;

/// A frame: the place of its segment in the list, and its slice. A frame of a label map has all segments.
#[derive(Clone, Copy)]
struct FrameOf {
    segment: Option<usize>,
    k: usize,
    /// The part that holds its segment; what is beside it is empty.
    part: Part,
}

/// A box of a slice, from the first row and column to behind the last.
#[derive(Clone, Copy)]
struct Part {
    rows: [usize; 2],
    columns: [usize; 2],
}

impl Part {
    /// Grows it to hold another one.
    fn join(&mut self, other: Self) {
        let joined = |a: [usize; 2], b: [usize; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        *self = Self { rows: joined(self.rows, other.rows), columns: joined(self.columns, other.columns) };
    }
}

/// What is written.
struct Object<'a> {
    labels: &'a LabelMap,
    pixels: Pixels,
    /// Bits of a pixel.
    bits: u16,
    segments: Vec<Label>,
    frames: Vec<FrameOf>,
}

/// Writes a BINARY segmentation.
pub fn write_binary(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    write(path, mask, Pixels::Binary, watch)
}

/// Writes a LABELMAP segmentation.
pub fn write_label_map(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    write(path, mask, Pixels::LabelMap, watch)
}

/// What the user must be told of a BINARY file with this grid.
pub fn notices(_: &Path, geometry: &Geometry) -> Vec<String> {
    let tilted = "The scan is tilted (its slices are shifted against each other); some web viewers (itk-wasm) cannot place masks of tilted scans.";
    if geometry.shear() > TILT { vec![tilted.into()] } else { Vec::new() }
}

/// The same for a LABELMAP.
pub fn notices_of_label_map(path: &Path, geometry: &Geometry) -> Vec<String> {
    let newer = "LABELMAP segmentations are new: programs made with ITK or SimpleITK 5.4 and older viewers cannot open them; a name that \
                 ends in .dcm alone gives a BINARY one.";
    std::iter::once(newer.to_string()).chain(notices(path, geometry)).collect()
}

fn write(path: &Path, mask: &Mask, pixels: Pixels, watch: Watch) -> Result<()> {
    let source = mask.source.ok_or_else(|| none_known(path))?;
    let object = Object::new(path, mask, pixels, watch)?;
    let origin = Origin::read(path, source)?;
    let is_wanted = |k: usize| object.frames.iter().any(|frame| frame.k == k);
    let (images, orientation) = slice_images(path, source, mask.labels.geometry(), &is_wanted, watch.part(0.0, 0.1))?;
    let header = object.header(&origin, source, &images, &orientation, mask.annotations);
    let written = replace_file(path, |file| {
        file.write_all(&header)?;
        object.put_pixels(file, watch.part(0.1, 1.0))
    });
    written.map_err(|error| explain(path, error))
}

impl<'a> Object<'a> {
    fn new(path: &Path, mask: &Mask<'a>, pixels: Pixels, watch: Watch) -> Result<Self> {
        let labels = mask.labels;
        let [ni, nj, nk] = labels.geometry().shape();
        let whole = Part { rows: [0, nj], columns: [0, ni] };
        if ni > usize::from(u16::MAX) || nj > usize::from(u16::MAX) {
            let reason = format!("a slice of {ni} x {nj} voxels is too large for DICOM; 65535 are the most");
            return Err(FormatError::unsupported(path, reason));
        }
        let there = labels_of_slices(labels, watch)?;
        let mut table = mask.annotations.table.clone();
        table.cover(there.iter().flat_map(BTreeMap::keys).copied());
        let mut segments = table.0;
        if segments.is_empty() {
            return Err(FormatError::unsupported(
                path,
                "the mask has no label, and a segmentation needs one; add a label first",
            ));
        }
        if pixels == Pixels::LabelMap {
            segments.sort_by_key(|label| label.value);
        }
        let frames: Vec<FrameOf> = if pixels == Pixels::LabelMap {
            let filled = there.iter().enumerate().filter(|(_, values)| !values.is_empty());
            filled.map(|(k, _)| FrameOf { segment: None, k, part: whole }).collect()
        } else {
            let of = |(n, label): (usize, &Label)| {
                let parts = there.iter().enumerate().filter_map(|(k, parts)| Some((k, *parts.get(&label.value)?)));
                parts.map(|(k, part)| FrameOf { segment: Some(n), k, part }).collect::<Vec<_>>()
            };
            segments.iter().enumerate().flat_map(of).collect()
        };
        // An object without frames is none: a mask without a voxel has one empty frame, as dcmqi writes it.
        let empty = FrameOf { segment: (pixels == Pixels::Binary).then_some(0), k: nk / 2, part: whole };
        let frames = if frames.is_empty() { vec![empty] } else { frames };
        let is_wide = segments.iter().any(|label| label.value > LabelValue::from(u8::MAX));
        let bits = match pixels {
            Pixels::Binary | Pixels::Fractional { .. } => 1,
            Pixels::LabelMap if is_wide => 16,
            Pixels::LabelMap => 8,
        };
        let object = Self { labels, pixels, bits, segments, frames };
        if object.pixel_bytes() >= u64::from(u32::MAX) - 1 {
            let count = object.pixel_bytes();
            let reason = format!(
                "the pixels would take {count} bytes, and DICOM allows 4 GB; save it as .nii.gz or .nrrd, or fewer labels"
            );
            return Err(FormatError::unsupported(path, reason));
        }
        Ok(object)
    }

    fn frame_pixels(&self) -> usize {
        let [ni, nj, _] = self.labels.geometry().shape();
        ni * nj
    }

    /// Bytes of all frames, filled up to an even number.
    fn pixel_bytes(&self) -> u64 {
        let bits = self.frame_pixels() as u64 * u64::from(self.bits) * self.frames.len() as u64;
        bits.div_ceil(16) * 2
    }

    fn put_pixels(&self, file: &mut (impl Write + Send), watch: Watch) -> io::Result<()> {
        let vr = if self.bits == 16 { VR::OW } else { VR::OB };
        file.write_all(&[0xE0, 0x7F, 0x10, 0x00])?;
        file.write_all(&vr.to_bytes())?;
        file.write_all(&[0, 0])?;
        file.write_all(&u32::try_from(self.pixel_bytes()).unwrap_or(u32::MAX).to_le_bytes())?;
        let mut bits = BitWriter::default();
        let mut written = 0u64;
        // Some frames are written while the next are packed, into memory that is used again.
        let (mut ready, mut next) = (Vec::new(), Vec::new());
        for (n, frames) in self.frames.chunks(AT_ONCE).enumerate() {
            watch.at(share(n * AT_ONCE, self.frames.len())).map_err(io::Error::other)?;
            let (outcome, ()) =
                rayon::join(|| self.put_packed(&ready, &mut bits, file), || self.pack(frames, &mut next));
            written += outcome?;
            std::mem::swap(&mut ready, &mut next);
        }
        written += self.put_packed(&ready, &mut bits, file)?;
        let rest = bits.rest();
        file.write_all(&rest)?;
        let missing = self.pixel_bytes().saturating_sub(written + rest.len() as u64);
        file.write_all(&vec![0; crate::work::numbers::index(missing)])
    }

    /// Bytes of a frame that begins with a byte.
    fn frame_bytes(&self) -> usize {
        (self.frame_pixels() * usize::from(self.bits)).div_ceil(8)
    }

    /// Writes frames that were packed, and says how many bytes that were.
    fn put_packed(&self, packed: &[u8], bits: &mut BitWriter, file: &mut impl Write) -> io::Result<u64> {
        if (self.frame_pixels() * usize::from(self.bits)).is_multiple_of(8) {
            file.write_all(packed)?;
            return Ok(packed.len() as u64);
        }
        let mut written = 0;
        for frame in packed.chunks_exact(self.frame_bytes()) {
            let whole = bits.joined(frame, self.frame_pixels());
            written += whole.len() as u64;
            file.write_all(&whole)?;
        }
        Ok(written)
    }

    /// The pixels of frames, each from the first bit of a byte on.
    fn pack(&self, frames: &[FrameOf], packed: &mut Vec<u8>) {
        packed.resize(frames.len() * self.frame_bytes(), 0);
        let chunks = packed.par_chunks_exact_mut(self.frame_bytes());
        chunks.zip(frames).for_each(|(bytes, frame)| self.pack_frame(*frame, bytes));
    }

    fn pack_frame(&self, FrameOf { segment, k, part }: FrameOf, bytes: &mut [u8]) {
        let [ni, ..] = self.labels.geometry().shape();
        let ([from, to], [left, right]) = (part.rows, part.columns);
        let mut row = vec![0; right - left];
        let wanted = segment.and_then(|n| self.segments.get(n)).map(|label| label.value);
        bytes.fill(0);
        for j in from..to {
            self.labels.read_row([left, j, k], &mut row);
            let at = j * ni + left;
            match (wanted, self.bits) {
                (Some(wanted), _) => put_bits(&row, wanted, at, bytes),
                (None, 8) => {
                    let there = bytes.get_mut(at..).unwrap_or_default();
                    there.iter_mut().zip(&row).for_each(|(byte, value)| *byte = value.to_le_bytes()[0]);
                }
                (None, _) => {
                    let there = bytes.get_mut(at * 2..).unwrap_or_default().as_chunks_mut::<2>().0;
                    there.iter_mut().zip(&row).for_each(|(word, value)| *word = value.to_le_bytes());
                }
            }
        }
    }
}

/// Sets the bits of the pixels that have a label; the first pixel of the row is the bit `at`.
fn put_bits(row: &[LabelValue], wanted: LabelValue, at: usize, bytes: &mut [u8]) {
    // Up to the next whole byte, then eight at a time.
    let first = (8 - at % 8) % 8;
    let (head, tail) = row.split_at(first.min(row.len()));
    let byte_of =
        |part: &[LabelValue]| part.iter().rev().fold(0u8, |byte, value| byte << 1 | u8::from(*value == wanted));
    if !head.is_empty()
        && let Some(byte) = bytes.get_mut(at / 8)
    {
        *byte |= byte_of(head) << (at % 8);
    }
    let places = bytes.get_mut((at + head.len()) / 8..).unwrap_or_default();
    let (whole, rest) = tail.as_chunks::<8>();
    let parts = whole.iter().map(|part| bits_of(part, wanted)).chain((!rest.is_empty()).then(|| byte_of(rest)));
    parts.zip(places).for_each(|(part, byte)| *byte |= part);
}

/// A bit for each of eight pixels that has a label; all are compared at a time.
fn bits_of(pixels: &[LabelValue; 8], wanted: LabelValue) -> u8 {
    const PLACES: [u16; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
    let mut bits = [0u16; 8];
    for n in 0..8 {
        bits[n] = if pixels[n] == wanted { PLACES[n] } else { 0 };
    }
    bits.iter().fold(0, |all, bit| all | bit).to_le_bytes()[0]
}

/// Puts frames of bits one behind the other without a gap.
#[derive(Default)]
struct BitWriter {
    /// Bits that do not fill a byte yet, and how many.
    pending: u8,
    count: usize,
}

impl BitWriter {
    /// The whole bytes that there are with so many more bits.
    fn joined(&mut self, bytes: &[u8], bits: usize) -> Vec<u8> {
        let mut whole = Vec::with_capacity(bytes.len() + 1);
        let mut left = bits;
        for &byte in bytes {
            let held = left.min(8);
            let joined = u16::from(self.pending) | u16::from(byte) << self.count;
            let [low, high] = joined.to_le_bytes();
            if self.count + held >= 8 {
                whole.push(low);
                self.pending = high;
                self.count = self.count + held - 8;
            } else {
                self.pending = low;
                self.count += held;
            }
            left -= held;
        }
        whole
    }

    /// What does not fill a byte.
    fn rest(&self) -> Vec<u8> {
        if self.count > 0 { vec![self.pending] } else { Vec::new() }
    }
}

/// The labels of every k slice, with the part that holds them.
fn labels_of_slices(labels: &LabelMap, watch: Watch) -> Result<Vec<BTreeMap<LabelValue, Part>>> {
    let [ni, nj, nk] = labels.geometry().shape();
    let of_layer = |layer: usize| {
        watch.check()?;
        let slices = layer * BRICK_EDGE..nk.min((layer + 1) * BRICK_EDGE);
        let mut found: Vec<BTreeMap<LabelValue, Part>> = vec![BTreeMap::new(); slices.len()];
        let region = Region { start: [0, 0, slices.start], end: [ni, nj, slices.end] };
        let mut add = |k: usize, value: LabelValue, part: Part| {
            if let Some(there) = found.get_mut(k - slices.start) {
                there.entry(value).and_modify(|all| all.join(part)).or_insert(part);
            }
        };
        // A label fills many rows of a brick: they are one look into the table.
        let mut open: Option<(usize, LabelValue, Part)> = None;
        for brick in labels.bricks_of(region) {
            labels.for_each_run(brick, |[i, j, k], length, value| {
                let run = Part { rows: [j, j + 1], columns: [i, i + length] };
                match &mut open {
                    Some((at, same, part)) if (*at, *same) == (k, value) => part.join(run),
                    _ => {
                        open.replace((k, value, run)).into_iter().for_each(|(k, value, part)| add(k, value, part));
                    }
                }
            });
        }
        open.into_iter().for_each(|(k, value, part)| add(k, value, part));
        Ok(found)
    };
    let layers: Result<Vec<_>> = (0..nk.div_ceil(BRICK_EDGE)).into_par_iter().map(of_layer).collect();
    Ok(layers?.into_iter().flatten().collect())
}

/// Reads back what was written, compares it voxel by voxel, and says the result.
///
/// # Errors
/// When it cannot be read, or is not what was meant.
pub fn check(path: &Path, mask: &Mask, watch: Watch) -> Result<String> {
    let differs = |what: String| {
        FormatError::unsupported(
            path,
            format!("the file was written but does not hold the mask: {what}; save it again"),
        )
    };
    let read = super::header::read(path).map_err(&differs)?;
    let layer: Vec<u16> = read.segments.iter().map(|segment| segment.number).collect();
    let target = Target { geometry: mask.labels.geometry(), source: mask.source, frame_of_reference: None };
    let wrong = paint::differences(&read, &layer, &target, mask.labels, watch)?.map_err(&differs)?;
    if wrong > 0 {
        return Err(differs(format!("{wrong} voxels differ")));
    }
    let labelled: usize = mask.labels.voxel_counts().into_values().sum();
    let there = paint::table(&read, &layer);
    let own = &mask.annotations.table;
    let other = own.0.iter().filter(|label| there.get(label.value).is_none_or(|read| read.name != label.name));
    let other: Vec<&str> = other.map(|label| label.name.as_str()).collect();
    let names = if other.is_empty() {
        String::new()
    } else {
        format!("; other names than here, because DICOM allows 64 characters: {}", other.join(", "))
    };
    let segments = layer.len() - read.segments.iter().filter(|segment| segment.is_background).count();
    let is_without_space = |source: &&SourceImages| {
        let has_none = |origin: Origin| origin.text(tags::FRAME_OF_REFERENCE_UID).is_empty();
        !source.is_placed || Origin::read(path, source).is_ok_and(has_none)
    };
    let space =
        if mask.source.as_ref().is_some_and(is_without_space) { format!(" {NEW_SPACE}") } else { String::new() };
    Ok(format!("Read back and compared: {segments} segments, {labelled} voxels, all the same{names}.{space}"))
}

/// A meta group and the data set behind it, up to the pixel data.
pub(in crate::formats::dicom) fn with_meta(class_uid: &str, instance_uid: &str, data_set: Elements) -> Vec<u8> {
    let mut meta = Elements::default();
    meta.put(tags::FILE_META_INFORMATION_VERSION, VR::OB, &[0, 1]);
    meta.text(tags::MEDIA_STORAGE_SOP_CLASS_UID, VR::UI, class_uid);
    meta.text(tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI, instance_uid);
    meta.text(tags::TRANSFER_SYNTAX_UID, VR::UI, super::super::structure::syntax::EXPLICIT_LITTLE);
    meta.text(tags::IMPLEMENTATION_CLASS_UID, VR::UI, IMPLEMENTATION_CLASS_UID);
    meta.text(tags::IMPLEMENTATION_VERSION_NAME, VR::SH, concat!("LAMELLA_", env!("CARGO_PKG_VERSION")));
    let meta = meta.into_bytes();
    let mut group = Elements::default();
    group.long_numbers(tags::FILE_META_INFORMATION_GROUP_LENGTH, &[u32::try_from(meta.len()).unwrap_or(u32::MAX)]);
    [vec![0; 128], b"DICM".to_vec(), group.into_bytes(), meta, data_set.into_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_of_a_label_become_bits(row in prop::collection::vec(0u16..3, 0..40), at in 0usize..30) {
            let mut bytes = vec![0; 9];
            put_bits(&row, 2, at, &mut bytes);
            let set = |n: usize| bytes[n / 8] >> (n % 8) & 1 == 1;
            for n in 0..72 {
                prop_assert_eq!(set(n), n >= at && row.get(n - at) == Some(&2), "{}", n);
            }
        }

        #[test]
        fn bits_follow_each_other(frames in prop::collection::vec(prop::collection::vec(any::<bool>(), 11), 1..7)) {
            let pack = |bits: &[bool]| -> Vec<u8> {
                bits.chunks(8).map(|part| part.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit))).collect()
            };
            let mut writer = BitWriter::default();
            let mut written: Vec<u8> = frames.iter().flat_map(|frame| writer.joined(&pack(frame), 11)).collect();
            written.extend(writer.rest());
            prop_assert_eq!(written, pack(&frames.concat()));
        }
    }
}
