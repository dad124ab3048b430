//! Writing volumes and label maps: `.mha` with compressed data behind the header, `.mhd` with plain data in a `.raw` file beside it.

use std::fmt::Write as _;
use std::io::{self, Seek, SeekFrom, Write as _};
use std::path::Path;

use super::header::{DATA_FILE, Header, MAX_BYTES};
use crate::disk::replace_file;
use crate::formats::annotations;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::{self, SliceStream};
use crate::formats::stored::{named_beside, put_slice, write_apart, written_type};
use crate::formats::{Mask, gzip, has_extension};
use crate::volume::{Annotations, Geometry, Vec3, Volume, VoxelType};
use crate::work::Watch;

/// How the fields of our own annotations begin.
const OWN: &str = "Lamella_Annotations_";
/// Characters of them in a line: older readers take no longer ones.
const CHARACTERS: usize = 400;
/// Digits of the size of compressed data, which is known when they are written.
const DIGITS: usize = 20;

/// Whether a field is one of our own annotations.
pub fn is_own(key: &str) -> bool {
    key.starts_with(OWN)
}

/// Writes a scan in its stored type. Few programs know MetaImage's slope: where there is one, the values are written with it applied, in
/// the smallest type that holds them.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    let kind = written_type(volume);
    let encode = |slice: usize, out: &mut Vec<u8>| put_slice(volume, kind, slice, out);
    let slices = volume.geometry.shape()[2] * volume.frame_count();
    let frames = (volume.frame_dims.as_slice(), volume.time_step_s);
    let fields = Fields::new(kind, &volume.geometry, frames, &volume.annotations);
    write(path, &fields, &mut SliceStream::new(slices, &encode, watch))
}

/// Writes labels as uint8, or uint16 where a label needs it, with what is known of them in fields of their own.
pub fn write_labels(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let Mask { labels, annotations, .. } = *mask;
    let kind = slices::label_type(labels, annotations);
    let encode = |k: usize, out: &mut Vec<u8>| slices::put_labels(labels, k, kind, out);
    let fields = Fields::new(kind, labels.geometry(), (&[], None), annotations);
    write(path, &fields, &mut SliceStream::new(labels.geometry().shape()[2], &encode, watch))
}

/// The header before and behind how the data are written, in the order of ITK.
struct Fields {
    before: String,
    behind: String,
}

impl Fields {
    fn new(
        kind: VoxelType,
        geometry: &Geometry,
        (frame_dims, time_step_s): (&[usize], Option<f64>),
        annotations: &Annotations,
    ) -> Self {
        let further: Vec<usize> = frame_dims.iter().copied().filter(|size| *size > 1).collect();
        let sizes: Vec<usize> = geometry.shape().iter().chain(&further).copied().collect();
        let count = sizes.len();
        let (matrix, mut spacing) = directions(geometry, count);
        // The first of the frames' axes is that of time; a distance has no unit here.
        if let (Some(step), Some(of_time)) = (time_step_s, spacing.get_mut(3)) {
            *of_time = step;
        }
        // World is right, anterior, superior here.
        let [r, a, s] = geometry.world_from_voxel().column(3);
        let mut offset = vec![0.0 - r, 0.0 - a, s + 0.0];
        offset.resize(count, 0.0);
        let orientation = geometry.orientation();
        // The letter of the end that an axis comes from, as ITK counts.
        let letters: String = (0..3).map(|axis| orientation.letters(axis)[1]).collect();
        let before =
            format!("ObjectType = Image\nNDims = {count}\nBinaryData = True\nBinaryDataByteOrderMSB = False\n");
        let mut behind = format!(
            "TransformMatrix = {}\nOffset = {}\nCenterOfRotation = {}\nAnatomicalOrientation = {letters}\nElementSpacing = {}\n",
            joined(&matrix),
            joined(&offset),
            joined(&vec![0.0; count]),
            joined(&spacing),
        );
        for (n, part) in own_fields(annotations).iter().enumerate() {
            // Text can always be added to.
            let _ = writeln!(behind, "{OWN}{n:05} = {part}");
        }
        let _ = writeln!(behind, "DimSize = {}\nElementType = {}", joined(&sizes), type_name(kind));
        Self { before, behind }
    }

    fn with(&self, compression: &str, data: &str) -> String {
        format!("{}{compression}{}{DATA_FILE} = {data}\n", self.before, self.behind)
    }
}

/// Unit directions of the axes in left, posterior, superior, axis after axis, and distances; frames have axes of their own.
fn directions(geometry: &Geometry, count: usize) -> (Vec<f64>, Vec<f64>) {
    let lengths = geometry.spacing_mm();
    let mut matrix = vec![0.0; count * count];
    let mut spacing = vec![1.0; count];
    for axis in 0..count {
        let mut vector = vec![0.0; count];
        if let Some(length) = lengths.get(axis) {
            let [r, a, s]: Vec3 = geometry.world_from_voxel().column(axis);
            let lps = [0.0 - r / length, 0.0 - a / length, s / length + 0.0];
            vector.iter_mut().zip(lps).for_each(|(part, value)| *part = value);
            spacing.iter_mut().skip(axis).take(1).for_each(|part| *part = *length);
        } else {
            vector.iter_mut().skip(axis).take(1).for_each(|part| *part = 1.0);
        }
        matrix.iter_mut().skip(axis * count).zip(vector).for_each(|(part, value)| *part = value);
    }
    (matrix, spacing)
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Our form of annotations in parts that begin and end with no blank, because readers cut those off.
fn own_fields(annotations: &Annotations) -> Vec<String> {
    let mut parts = Vec::new();
    if annotations.is_empty() {
        return parts;
    }
    let text = annotations::to_json(annotations, None);
    let mut part = String::new();
    let mut count = 0;
    for c in text.chars() {
        if count >= CHARACTERS && !c.is_whitespace() && !part.ends_with(char::is_whitespace) {
            parts.push(std::mem::take(&mut part));
            count = 0;
        }
        part.push(c);
        count += 1;
    }
    parts.push(part);
    parts
}

fn type_name(kind: VoxelType) -> &'static str {
    match kind {
        VoxelType::U8 => "MET_UCHAR",
        VoxelType::I8 => "MET_CHAR",
        VoxelType::U16 => "MET_USHORT",
        VoxelType::I16 => "MET_SHORT",
        VoxelType::U32 => "MET_UINT",
        VoxelType::I32 => "MET_INT",
        VoxelType::U64 => "MET_ULONG_LONG",
        VoxelType::I64 => "MET_LONG_LONG",
        VoxelType::F32 => "MET_FLOAT",
        VoxelType::F64 => "MET_DOUBLE",
    }
}

fn write(path: &Path, fields: &Fields, content: &mut SliceStream) -> Result<()> {
    // How the data are written and a name take less than 4096 bytes.
    if u64::try_from(fields.behind.len()).unwrap_or(u64::MAX) > MAX_BYTES - 4096 {
        return Err(FormatError::unsupported(path, "the names of the labels are too long for a header; shorten them"));
    }
    if has_extension(path, &[".mhd"]) {
        let before = Header::read(path).ok().and_then(|header| named_beside(path, header.get(DATA_FILE)?));
        let header = |name: &str| fields.with("CompressedData = False\n", name);
        return write_apart(path, &header, before, content);
    }
    let written = replace_file(path, |file| {
        let header = |size: u64| {
            let compression = format!("CompressedData = True\nCompressedDataSize = {size:<DIGITS$}\n");
            fields.with(&compression, "LOCAL")
        };
        // ITK needs the size, which only the compressed data tell.
        let placeholder = header(0);
        file.write_all(placeholder.as_bytes())?;
        gzip::compress_zlib(content, file)?;
        let end = file.stream_position()?;
        let size = end.saturating_sub(u64::try_from(placeholder.len()).unwrap_or(u64::MAX));
        file.seek(SeekFrom::Start(0))?;
        file.write_all(header(size).as_bytes())?;
        file.seek(SeekFrom::Start(end)).map(drop)
    });
    written.map_err(|error: io::Error| slices::explain(path, error))
}
