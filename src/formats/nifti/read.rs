//! Reading a NIfTI file into a volume.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::extension;
use super::header::{Header, SIZE_1, Storage};
use super::placement::place;
use crate::disk::open_regular_file;
use crate::formats::annotations::{self, Found};
use crate::formats::error::{FormatError, Result};
use crate::formats::{Facts, gzip, has_extension, plain, stem};
use crate::volume::{Rescale, Volume, VoxelType, Voxels, Window};
use crate::work::numbers::{index, natural, share, whole};
use crate::work::{Stopped, Watch};

/// Bytes after the voxels that are read to reach a gzip checksum.
const MAX_TRAILING: u64 = 64 << 20;

/// The code of values that stand for labels, whose names are in another file.
const INTENT_LABEL: i32 = 1002;

#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
enum Source {
    Plain(BufReader<File>),
    Compressed(gzip::Members<BufReader<File>>),
}

/// A file that is decompressed if its content says so.
struct Stream<'a> {
    reader: Source,
    /// The file's own bytes.
    length: u64,
    /// No more bytes than this can come out.
    capacity: u64,
    compressed: bool,
    bytes_read: u64,
    total: u64,
    watch: Watch<'a>,
}

impl<'a> Stream<'a> {
    fn open(path: &Path, watch: Watch<'a>) -> Result<Self> {
        let failed = |e| FormatError::read(path, e);
        let mut file = open_regular_file(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut head = Vec::new();
        file.by_ref().take(2).read_to_end(&mut head).map_err(failed)?;
        io::Seek::rewind(&mut file).map_err(failed)?;
        let compressed = gzip::is_gzip(&head);
        let buffered = BufReader::with_capacity(1 << 16, file);
        let (reader, capacity) = if compressed {
            (Source::Compressed(gzip::Members::new(buffered)), length.saturating_mul(gzip::MAX_RATIO))
        } else {
            (Source::Plain(buffered), length)
        };
        Ok(Self { reader, length, capacity, compressed, bytes_read: 0, total: 1, watch })
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.by_ref().take(count), &mut io::sink())?;
        if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.reader {
            Source::Plain(reader) => reader.read(buffer)?,
            Source::Compressed(members) => members.read(buffer)?,
        };
        self.bytes_read += count as u64;
        self.watch.at(share(self.bytes_read, self.total.max(1)).min(1.0)).map_err(io::Error::other)?;
        Ok(count)
    }
}

fn explain(path: &Path, error: io::Error, where_at: &str) -> FormatError {
    if let Some(&stopped) = error.get_ref().and_then(|inner| inner.downcast_ref::<Stopped>()) {
        return FormatError::Stopped(stopped);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            FormatError::malformed(path, format!("the file ends inside {where_at}; copy it again"))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => FormatError::malformed(
            path,
            format!("the compressed data are damaged in {where_at} ({error}); copy the file again"),
        ),
        _ => FormatError::read(path, error),
    }
}

fn read_header(path: &Path, stream: &mut Stream) -> Result<Header> {
    let mut bytes = vec![0; 4];
    stream.read_exact(&mut bytes).map_err(|e| explain(path, e, "the header"))?;
    let first = [bytes[0], bytes[1], bytes[2], bytes[3]];
    let Some(size) = Header::size_of(first) else {
        let declared = i32::from_le_bytes(first);
        return Err(FormatError::malformed(
            path,
            format!("not a NIfTI file: sizeof_hdr is {declared}, not 348 or 540"),
        ));
    };
    bytes.resize(size, 0);
    stream.read_exact(&mut bytes[4..]).map_err(|e| explain(path, e, "the header"))?;
    let header = Header::parse(&bytes).map_err(|e| FormatError::malformed(path, e))?;
    if header.version == 0 && !has_extension(path, &[".hdr", ".hdr.gz"]) {
        return Err(FormatError::malformed(
            path,
            "the file has no magic of NIfTI, and is no `.hdr` of Analyze 7.5 either",
        ));
    }
    Ok(header)
}

/// The grid size, from the header alone.
pub fn peek_shape(path: &Path) -> Result<[usize; 3]> {
    let header = read_header(path, &mut Stream::open(path, Watch::unwatched())?)?;
    Ok(header.shape().map_err(|e| FormatError::malformed(path, e))?.0)
}

/// Grid, further dimensions, type and name as the header tells them, with warnings.
fn outline(path: &Path, header: &Header) -> Result<Facts> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let (shape, frame_dims) = header.shape().map_err(bad)?;
    let voxel_type = header.voxel_type().map_err(|e| FormatError::unsupported(path, e))?;
    let mut warnings = Vec::new();
    if usize::try_from(header.bitpix).ok() != Some(voxel_type.bytes() * 8) {
        warnings.push(format!(
            "The header says {} bits per voxel; its datatype {} is believed.",
            header.bitpix,
            voxel_type.name()
        ));
    }
    let geometry = place(header, shape, &mut warnings).map_err(bad)?;
    Ok(Facts { geometry, frame_dims, voxel_type, name: stem(path), header: describe(header), warnings })
}

/// What the header tells, without the voxels; that they can be there is checked.
///
/// # Errors
/// For every header that cannot be honoured, and for files that are too short.
pub fn facts(path: &Path) -> Result<Facts> {
    let mut stream = Stream::open(path, Watch::unwatched())?;
    let header = read_header(path, &mut stream)?;
    let facts = outline(path, &header)?;
    let capacity = match header.storage {
        Storage::SingleFile => stream.capacity,
        Storage::Pair => Stream::open(&find_image(path)?, Watch::unwatched())?.capacity,
    };
    if facts.byte_count() > capacity {
        let needed = facts.byte_count();
        return Err(FormatError::malformed(
            path,
            format!(
                "the header declares {needed} bytes of voxels, but the file can hold only {capacity}; copy it again"
            ),
        ));
    }
    Ok(facts)
}

/// Reads a NIfTI file (either file of a pair may not be missing).
///
/// # Errors
/// For every header that cannot be honoured, for data that end early, and for damaged compression.
pub fn read(path: &Path, watch: Watch) -> Result<Volume> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let mut header_stream = Stream::open(path, watch)?;
    let header = read_header(path, &mut header_stream)?;
    let Facts { geometry, frame_dims, voxel_type, mut warnings, .. } = outline(path, &header)?;

    let image_path;
    let mut notes = Found::default();
    let (data_path, mut stream, header_size) = match header.storage {
        Storage::SingleFile => (path, header_stream, if header.version == 1 { SIZE_1 } else { super::header::SIZE_2 }),
        Storage::Pair => {
            let length = header_stream.length;
            match extension::read_to_end(&mut header_stream, header.big_endian, length) {
                Ok(found) => notes = found,
                Err(error) => {
                    warnings.push(format!("What follows the header cannot be read ({error}); it is not needed."));
                }
            }
            image_path = find_image(path)?;
            (image_path.as_path(), Stream::open(&image_path, watch)?, 0)
        }
    };
    let offset = data_offset(&header, header_size).map_err(bad)?;
    let count = frame_dims.iter().try_fold(geometry.voxel_count(), |n, &d| n.checked_mul(d));
    let count = count.ok_or_else(|| bad("the dimensions overflow".into()))?;
    let byte_count = (count as u64).checked_mul(voxel_type.bytes() as u64);
    let needed = byte_count.and_then(|b| b.checked_add(offset)).ok_or_else(|| bad("the dimensions overflow".into()))?;
    if needed > stream.capacity {
        let file = data_path.file_name().unwrap_or_default().to_string_lossy();
        return Err(bad(format!(
            "the header declares {needed} bytes, but {file} can hold only {}; copy it again",
            stream.capacity
        )));
    }
    stream.total = needed;
    let gap = offset.saturating_sub(header_size as u64);
    match header.storage {
        Storage::SingleFile if gap >= 4 => {
            let mut flag = [0; 4];
            let length = stream.length;
            let read = stream.read_exact(&mut flag);
            let read = read.and_then(|()| extension::read(&mut stream, flag, gap - 4, header.big_endian, length));
            notes = read.map_err(|e| explain(data_path, e, "the header"))?;
        }
        _ => stream.skip(gap).map_err(|e| explain(data_path, e, "the header"))?,
    }
    let voxels = match &stream.reader {
        Source::Compressed(_) => {
            let read = gzip::read_values(data_path, offset, (voxel_type, count), header.big_endian, watch);
            read.map_err(|e| explain(data_path, e, "the voxels"))?
        }
        Source::Plain(_) => {
            let read = plain::read_values(data_path, offset, (voxel_type, count), header.big_endian, watch);
            Some((read.map_err(|e| explain(data_path, e, "the voxels"))?, false))
        }
    };
    let (voxels, is_followed) = match voxels {
        Some(read) => read,
        None => read_on(&mut stream, voxel_type, count, header.big_endian)
            .map_err(|e| explain(data_path, e, "the voxels"))?,
    };
    if is_followed {
        warnings.push(
            "Bytes follow the compressed data (padding of a tape, an upload) and are ignored; the data themselves are whole.".into(),
        );
    }
    if notes.annotations.is_empty() && header.intent_code == INTENT_LABEL {
        notes = named_by(&header.aux_file, path).unwrap_or(notes);
    }
    warnings.extend(notes.warnings);
    warnings.extend(twin(path));
    let (slope, intercept) = header.rescale();
    let mut volume = Volume::new(geometry, voxels, frame_dims, Rescale::Uniform { slope, intercept }, stem(path));
    volume.warnings = warnings;
    volume.annotations = notes.annotations;
    volume.header = describe(&header);
    volume.time_step_s = header.time_step_s();
    let [low, high] = header.cal;
    if low.is_finite() && high.is_finite() && high > low {
        volume.display.window = Some(Window::spanning(low, high));
    }
    Ok(volume)
}

/// Reads the voxels that come next, and whether bytes follow compressed ones.
fn read_on(stream: &mut Stream, kind: VoxelType, count: usize, is_big_endian: bool) -> io::Result<(Voxels, bool)> {
    let expected = if stream.compressed { index(stream.capacity / gzip::MAX_RATIO * 2) / kind.bytes() } else { count };
    let voxels = Voxels::read(kind, count, expected, is_big_endian, stream)?;
    let is_followed = match &mut stream.reader {
        // Only the end of the stream tells whether the checksum is right.
        Source::Compressed(members) => members.finish(MAX_TRAILING)?,
        Source::Plain(_) => false,
    };
    Ok((voxels, is_followed))
}

/// Labels of the file that a header names; only a file beside the image is looked at.
fn named_by(aux_file: &str, image: &Path) -> Option<Found> {
    let plain = !aux_file.is_empty() && !aux_file.starts_with('.') && !aux_file.contains(['/', '\\', ':']);
    plain.then(|| annotations::in_file(&image.with_file_name(aux_file)))?
}

/// A sentence about the same name with and without compression in one folder.
pub fn twin(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let other = if has_extension(path, &[".nii.gz"]) {
        name.get(..name.len() - ".gz".len())?.to_string()
    } else if has_extension(path, &[".nii"]) {
        format!("{name}.gz")
    } else {
        return None;
    };
    path.with_file_name(&other).is_file().then(|| {
        format!(
            "{other} is in the same folder as {name}; some programs (those built on ITK) read the voxels of one for the other. Remove or rename \
             one of them."
        )
    })
}

fn data_offset(header: &Header, header_size: usize) -> std::result::Result<u64, String> {
    let offset = header.vox_offset;
    // Four bytes behind the header tell whether extensions follow.
    let smallest = if header_size == 0 { 0 } else { header_size as u64 + 4 };
    if header.storage == Storage::SingleFile && offset == 0.0 {
        return Ok(smallest);
    }
    let start = u64::try_from(whole(offset)).unwrap_or(0);
    if !((0.0..9e15).contains(&offset) && offset.fract() == 0.0) || start < smallest {
        return Err(format!("vox_offset, the start of the voxels, is {offset}; at least {smallest} is possible"));
    }
    Ok(start)
}

/// The `.img` of a `.hdr`, in the same case and with or without compression.
fn find_image(header: &Path) -> Result<PathBuf> {
    let name = header.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let base = stem(header);
    let ending = if name.contains(".HDR") { ".IMG" } else { ".img" };
    [format!("{base}{ending}"), format!("{base}{ending}.gz")]
        .into_iter()
        .map(|candidate| header.with_file_name(candidate))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| {
            FormatError::malformed(header, format!("the header's voxels are missing: no {base}{ending} beside it"))
        })
}

fn describe(header: &Header) -> Vec<(String, String)> {
    let byte_order = if header.big_endian { "big-endian" } else { "little-endian" };
    let name = if header.version == 0 { "Analyze 7.5".into() } else { format!("NIfTI-{}", header.version) };
    [
        ("Format", format!("{name} ({byte_order})")),
        ("dim", format!("{:?}", &header.dim[1..=natural(header.dim[0].clamp(1, 7))])),
        ("pixdim", format!("{:?}", &header.pixdim[1..4])),
        ("qform code", header.codes[0].to_string()),
        ("sform code", header.codes[1].to_string()),
        ("scl_slope", header.scl_slope.to_string()),
        ("scl_inter", header.scl_inter.to_string()),
    ]
    .map(|(name, value)| (name.to_string(), value))
    .to_vec()
}
