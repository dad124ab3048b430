//! Writing volumes and label maps: `.nrrd` with compressed data behind the header, `.nhdr` with plain data in a `.raw` file beside it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::header::{Header, MAX_BYTES, escaped};
use super::segments;
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::{self, SliceStream};
use crate::formats::{Mask, gzip, has_extension, stem};
use crate::volume::{Annotations, Geometry, Rescale, Vec3, Volume, VoxelType};
use crate::work::Watch;

/// Names that are tried for data beside a header.
const MOST_NAMES: usize = 1000;

/// Writes a scan in its stored type. NRRD has no place for a slope and an intercept: where there are any, the values are written with them
/// applied, in the smallest type that holds them.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    let [ni, nj, nk] = volume.geometry.shape();
    let kind = if volume.rescale == Rescale::IDENTITY { volume.voxels.voxel_type() } else { rescaled_type(volume) };
    let fields = fields(kind, &volume.geometry, &volume.frame_dims, &volume.annotations);
    let encode = |slice: usize, out: &mut Vec<u8>| {
        if volume.rescale == Rescale::IDENTITY {
            slices::put_stored(volume, slice, out);
            return;
        }
        for index in slice * ni * nj..(slice + 1) * ni * nj {
            put(volume.value_at(index).unwrap_or(f64::NAN), kind, out);
        }
    };
    write(path, &fields, &mut SliceStream::new(nk * volume.frame_count(), &encode, watch))
}

/// Writes labels as uint8, or uint16 where a label needs it, with their names and colours as 3D Slicer keeps them.
pub fn write_labels(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let Mask { labels, annotations, .. } = *mask;
    let kind = slices::label_type(labels, annotations);
    let fields = fields(kind, labels.geometry(), &[], annotations);
    let encode = |k: usize, out: &mut Vec<u8>| slices::put_labels(labels, k, kind, out);
    write(path, &fields, &mut SliceStream::new(labels.geometry().shape()[2], &encode, watch))
}

/// The smallest type that holds the values with slope and intercept applied.
fn rescaled_type(volume: &Volume) -> VoxelType {
    let is_whole = |(slope, intercept): (f64, f64)| slope.fract() == 0.0 && intercept.fract() == 0.0;
    let all_whole = match &volume.rescale {
        Rescale::Uniform { slope, intercept } => is_whole((*slope, *intercept)),
        Rescale::PerSlice(all) => all.iter().copied().all(is_whole),
    };
    let stored = volume.voxels.voxel_type();
    if !(stored.is_integer() && all_whole) {
        let is_narrow = stored.bytes() < 4 || stored == VoxelType::F32;
        return if is_narrow { VoxelType::F32 } else { VoxelType::F64 };
    }
    let (min, max) = (volume.statistics().min, volume.statistics().max);
    let holds = |low: f64, high: f64| low <= min && max <= high;
    if holds(0.0, 255.0) {
        VoxelType::U8
    } else if holds(f64::from(i16::MIN), f64::from(i16::MAX)) {
        VoxelType::I16
    } else if holds(0.0, f64::from(u16::MAX)) {
        VoxelType::U16
    } else if holds(f64::from(i32::MIN), f64::from(i32::MAX)) {
        VoxelType::I32
    } else {
        VoxelType::F64
    }
}

/// The bytes of a value in the type that was chosen for it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the type was chosen by the range of the values"
)]
fn put(value: f64, kind: VoxelType, out: &mut Vec<u8>) {
    match kind {
        VoxelType::U8 => out.push(value as u8),
        VoxelType::I16 => out.extend_from_slice(&(value as i16).to_le_bytes()),
        VoxelType::U16 => out.extend_from_slice(&(value as u16).to_le_bytes()),
        VoxelType::I32 => out.extend_from_slice(&(value as i32).to_le_bytes()),
        VoxelType::F32 => out.extend_from_slice(&(value as f32).to_le_bytes()),
        _ => out.extend_from_slice(&value.to_le_bytes()),
    }
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
        return write_apart(path, fields, content);
    }
    let header = format!("{}\n", with_encoding(fields, "encoding: gzip\n"));
    let written = replace_file(path, |file| {
        file.write_all(header.as_bytes())?;
        gzip::compress(content, file)
    });
    written.map_err(|error| slices::explain(path, error))
}

/// Writes the data into a new file of their own. The header that is replaced keeps its data until the new one has its name: at every
/// moment the header that is there has the data that it names.
fn write_apart(path: &Path, fields: &str, content: &mut SliceStream) -> Result<()> {
    let name = data_name(path)?;
    let (data, before) = (path.with_file_name(&name), data_before(path));
    let header = with_encoding(fields, &format!("encoding: raw\ndata file: {name}\n"));
    let mut is_data_there = false;
    let written = replace_file(path, |file| {
        file.write_all(header.as_bytes())?;
        file.flush()?;
        let of_data = replace_file(&data, |file| io::copy(content, file).map(drop));
        is_data_there = of_data.is_ok();
        of_data.map_err(|error| io::Error::other(slices::explain(&data, error)))
    });
    let needless = if written.is_ok() { before } else { is_data_there.then_some(data) };
    // What cannot be removed is only litter.
    let _ = needless.map(fs::remove_file);
    written.map_err(|error| match error.downcast::<FormatError>() {
        Ok(of_data) => of_data,
        Err(error) => slices::explain(path, error),
    })
}

/// The names that data beside a header get, the first one that is free: `scan.raw`, `scan-1.raw`.
fn data_names(path: &Path) -> impl Iterator<Item = String> {
    let stem = stem(path);
    (0..MOST_NAMES).map(move |n| if n == 0 { format!("{stem}.raw") } else { format!("{stem}-{n}.raw") })
}

/// A name for the data that no file has.
fn data_name(path: &Path) -> Result<String> {
    let refused = |reason: String| Err(FormatError::unsupported(path, reason));
    let is_free = |name: &String| fs::symlink_metadata(path.with_file_name(name)).is_err();
    let Some(name) = data_names(path).find(is_free) else {
        return refused("too many files of data are beside it; choose another name".into());
    };
    // To readers these are lists or patterns of names, or another name.
    let is_list = name.strip_prefix("LIST").is_some_and(|rest| rest.starts_with(char::is_whitespace));
    if is_list || name.trim() != name || name.contains(['%', '\n', '\r']) {
        return refused(format!(
            "the name of the data, {name:?}, cannot stand in a header, because it begins with LIST or a blank or has a % or a line break \
             in it; choose another name"
        ));
    }
    Ok(name)
}

/// The data of the header that is replaced, if they are a file of a name that they get here.
fn data_before(path: &Path) -> Option<PathBuf> {
    let header = Header::read(path).ok()?;
    let named = header.get("data file")?;
    let data = path.with_file_name(data_names(path).find(|name| name == named)?);
    fs::symlink_metadata(&data).is_ok_and(|file| file.is_file()).then_some(data)
}
