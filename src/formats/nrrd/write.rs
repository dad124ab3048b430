//! Writing volumes and label maps: `.nrrd` with compressed data behind the header, `.nhdr` with plain data in a `.raw` file beside it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::header::{Header, MAX_BYTES, escaped};
use super::segments;
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::{self, SliceStream};
use crate::formats::stored::{named_beside, put_slice, write_apart, written_type};
use crate::formats::{Mask, gzip, has_extension};
use crate::volume::{Annotations, Geometry, Vec3, Volume, VoxelType};
use crate::work::Watch;

/// Writes a scan in its stored type. NRRD has no place for a slope and an intercept: where there are any, the values are written with them
/// applied, in the smallest type that holds them.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    let kind = written_type(volume);
    let fields = fields(kind, &volume.geometry, &volume.frame_dims, &volume.annotations);
    let encode = |slice: usize, out: &mut Vec<u8>| put_slice(volume, kind, slice, out);
    let slices = volume.geometry.shape()[2] * volume.frame_count();
    write(path, &fields, &mut SliceStream::new(slices, &encode, watch))
}

/// Writes labels as uint8, or uint16 where a label needs it, with their names and colours as 3D Slicer keeps them.
pub fn write_labels(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let Mask { labels, annotations, .. } = *mask;
    let kind = slices::label_type(labels, annotations);
    let fields = fields(kind, labels.geometry(), &[], annotations);
    let encode = |k: usize, out: &mut Vec<u8>| slices::put_labels(labels, k, kind, out);
    write(path, &fields, &mut SliceStream::new(labels.geometry().shape()[2], &encode, watch))
}

/// The header up to how the data are written, in the order of ITK.
fn fields(kind: VoxelType, geometry: &Geometry, frame_dims: &[usize], annotations: &Annotations) -> String {
    let further: Vec<usize> = frame_dims.iter().copied().filter(|size| *size > 1).collect();
    let sizes: Vec<String> = geometry.shape().iter().chain(&further).map(ToString::to_string).collect();
    let none = " none".repeat(further.len());
    let list = " list".repeat(further.len());
    // World is right, anterior, superior here.
    let lps = |[r, a, s]: Vec3| format!("({},{},{})", 0.0 - r, 0.0 - a, s + 0.0);
    let affine = geometry.world_from_voxel();
    let [i, j, k, origin] = [0, 1, 2, 3].map(|column| lps(affine.column(column)));
    let mut text = format!(
        "NRRD0005\n\
         # Complete NRRD file format specification at:\n\
         # http://teem.sourceforge.net/nrrd/format.html\n\
         type: {}\n\
         dimension: {}\n\
         space: left-posterior-superior\n\
         sizes: {}\n\
         space directions: {i} {j} {k}{none}\n\
         kinds: domain domain domain{list}\n\
         endian: little\n\
         space origin: {origin}\n",
        type_name(kind),
        sizes.len(),
        sizes.join(" "),
    );
    for (key, value) in segments::write(annotations, geometry, further.iter().product()) {
        // Text can always be added to.
        let _ = writeln!(text, "{}:={}", escaped(&key), escaped(&value));
    }
    text
}

fn type_name(kind: VoxelType) -> &'static str {
    match kind {
        VoxelType::U8 => "unsigned char",
        VoxelType::I8 => "signed char",
        VoxelType::U16 => "unsigned short",
        VoxelType::I16 => "short",
        VoxelType::U32 => "unsigned int",
        VoxelType::I32 => "int",
        VoxelType::U64 => "unsigned long long int",
        VoxelType::I64 => "long long int",
        VoxelType::F32 => "float",
        VoxelType::F64 => "double",
    }
}

/// Puts how the data are written before the first pair.
fn with_encoding(fields: &str, encoding: &str) -> String {
    let at = fields.find("endian: ").unwrap_or(fields.len());
    let (before, after) = fields.split_at(at);
    format!("{before}{encoding}{after}")
}

fn write(path: &Path, fields: &str, content: &mut SliceStream) -> Result<()> {
    // The encoding and a name take less than 4096 bytes.
    if u64::try_from(fields.len()).unwrap_or(u64::MAX) > MAX_BYTES - 4096 {
        return Err(FormatError::unsupported(path, "the names of the labels are too long for a header; shorten them"));
    }
    if has_extension(path, &[".nhdr"]) {
        let before = Header::read(path).ok().and_then(|header| named_beside(path, header.get("data file")?));
        let header = |name: &str| with_encoding(fields, &format!("encoding: raw\ndata file: {name}\n"));
        return write_apart(path, &header, before, content);
    }
    let header = format!("{}\n", with_encoding(fields, "encoding: gzip\n"));
    let written = replace_file(path, |file| {
        file.write_all(header.as_bytes())?;
        gzip::compress(content, file)
    });
    written.map_err(|error| slices::explain(path, error))
}
