//! The bytes of the values, one file after the other, decoded.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::encoding::{Digits, Encoding, Numbers};
use super::parts::Parts;
use super::zlib::Zlib;
use crate::disk::open_regular_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::{gzip, plain};
use crate::volume::{VoxelType, Voxels};
use crate::work::{Stopped, Watch};

/// Bytes behind compressed values that are read to reach the checksum.
const MOST_TRAILING: u64 = 64 << 20;

const LONGER: &str = "The data are longer than the header says; what follows the last voxel is not used.";

/// How each file is read.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// How values are written.
    pub encoding: Encoding,
    /// Their type.
    pub kind: VoxelType,
    /// Lines before the data.
    pub line_skip: u64,
    /// Bytes before the data, after decompression; none where the data end the file.
    pub byte_skip: Option<u64>,
}

impl Layout {
    /// Values that begin where the file, or its header, says.
    pub fn plain(encoding: Encoding, kind: VoxelType) -> Self {
        Self { encoding, kind, line_skip: 0, byte_skip: Some(0) }
    }
}

/// All values as a stream of bytes.
pub struct Data<'a> {
    parts: &'a Parts,
    layout: Layout,
    part_bytes: u64,
    /// The file that is read, and how many bytes of values are still to come from it.
    current: Option<(PathBuf, Decoder)>,
    left: u64,
    next: usize,
    done: u64,
    total: u64,
    watch: Watch<'a>,
    /// Whether bytes follow compressed data.
    pub is_followed: bool,
    /// Whether a file holds more data than the header says.
    pub is_longer: bool,
}

/// The decoder of one file.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Decoder {
    Raw(BufReader<File>),
    Gzip(gzip::Members<BufReader<File>>),
    Zlib(Zlib<BufReader<File>>),
    Text(Numbers<BufReader<File>>),
    Hex(Digits<BufReader<File>>),
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Raw(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
            Self::Zlib(reader) => reader.read(buffer),
            Self::Text(reader) => reader.read(buffer),
            Self::Hex(reader) => reader.read(buffer),
        }
    }
}

impl<'a> Data<'a> {
    /// Makes sure that every file can hold its part of the values.
    ///
    /// # Errors
    /// Names the file that is missing or too short.
    pub fn new(parts: &'a Parts, layout: Layout, header: &Path, watch: Watch<'a>) -> Result<Self> {
        parts.check(header, watch)?;
        let bytes = |values: usize| bytes_of(values, layout.kind);
        let part_bytes = bytes(parts.values);
        for n in 0..parts.count() {
            watch.check()?;
            let (path, offset) = parts.file(n);
            let file = open_regular_file(&path).map_err(|e| FormatError::read(&path, e))?;
            let length = file.metadata().map_err(|e| FormatError::read(&path, e))?.len();
            // Bytes that are skipped hold no values, those of compressed data when they are decompressed.
            let skipped = layout.byte_skip.unwrap_or(0);
            let (in_file, decoded) = if layout.encoding.is_packed() { (0, skipped) } else { (skipped, 0) };
            let in_file = length.saturating_sub(offset).saturating_sub(in_file);
            let most = layout.encoding.most_bytes(in_file, bytes(1)).saturating_sub(decoded);
            if most < part_bytes {
                return Err(too_short(&path, part_bytes, most));
            }
        }
        let count = u64::try_from(parts.count()).unwrap_or(u64::MAX);
        let total = part_bytes.saturating_mul(count);
        let (current, left, next, done) = (None, 0, 0, 0);
        Ok(Self {
            parts,
            layout,
            part_bytes,
            current,
            left,
            next,
            done,
            total,
            watch,
            is_followed: false,
            is_longer: false,
        })
    }

    /// Values that are worth reserving memory for at once: those whose bytes are there.
    pub fn expected(&self) -> usize {
        let size = self.layout.kind.bytes();
        let (path, _) = self.parts.file(0);
        let length = std::fs::metadata(path).map_or(0, |file| file.len());
        let bytes = match self.layout.encoding {
            Encoding::Raw => self.total,
            Encoding::Gzip | Encoding::Zlib => length.saturating_mul(2),
            Encoding::Text | Encoding::Hex => length / 2,
        };
        usize::try_from(bytes.min(self.total)).unwrap_or(usize::MAX) / size
    }

    /// Opens the next file up to its first value.
    fn open(&mut self) -> Result<()> {
        let (path, offset) = self.parts.file(self.next);
        self.left = self.part_bytes;
        let skip = self.layout.byte_skip;
        let failed = |e| self.explain(&path, e);
        let mut decoder = self.decoder(&path, offset).map_err(failed)?;
        let before = match skip {
            Some(bytes) => bytes,
            None => self.before_the_last(&path, offset).map_err(failed)?,
        };
        if let Decoder::Raw(reader) = &mut decoder {
            let before = i64::try_from(before).unwrap_or(i64::MAX);
            reader.seek_relative(before).map_err(failed)?;
        } else if before > 0 && self.layout.encoding.is_packed() {
            // Text and digits have skipped theirs before they were decoded.
            let skipped = io::copy(&mut decoder.by_ref().take(before), &mut io::sink()).map_err(failed)?;
            if skipped < before {
                return Err(too_short(&path, self.part_bytes.saturating_add(before), skipped));
            }
        }
        self.next += 1;
        self.current = Some((path, decoder));
        Ok(())
    }

    /// A file from the line on that the data begin with.
    fn decoder(&self, path: &Path, offset: u64) -> io::Result<Decoder> {
        let mut file = open_regular_file(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        // Data at the end of a file are found from there.
        if self.layout.byte_skip.is_some() || self.layout.encoding.is_packed() {
            for _ in 0..self.layout.line_skip {
                if io::BufRead::skip_until(&mut reader, b'\n')? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        let is_text = matches!(self.layout.encoding, Encoding::Text | Encoding::Hex);
        if let Some(before) = self.layout.byte_skip.filter(|_| is_text) {
            io::copy(&mut reader.by_ref().take(before), &mut io::sink())?;
        }
        Ok(match self.layout.encoding {
            Encoding::Raw => Decoder::Raw(reader),
            Encoding::Gzip => Decoder::Gzip(gzip::Members::new(reader)),
            Encoding::Zlib if gzip::is_gzip(io::BufRead::fill_buf(&mut reader)?) => {
                Decoder::Gzip(gzip::Members::new(reader))
            }
            Encoding::Zlib => Decoder::Zlib(Zlib::new(reader)),
            Encoding::Text => Decoder::Text(Numbers::new(reader, self.layout.kind)),
            Encoding::Hex => Decoder::Hex(Digits::new(reader)),
        })
    }

    /// Bytes before data that end a file.
    fn before_the_last(&self, path: &Path, offset: u64) -> io::Result<u64> {
        let all = match self.layout.encoding {
            Encoding::Gzip | Encoding::Zlib => {
                // Only reading to its end tells how long it is.
                let mut decoder = self.decoder(path, offset)?;
                let mut all = 0u64;
                let mut chunk = vec![0; 1 << 16];
                loop {
                    self.watch.check().map_err(io::Error::other)?;
                    match decoder.read(&mut chunk)? {
                        0 => break all,
                        count => all = all.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)),
                    }
                }
            }
            Encoding::Raw | Encoding::Text | Encoding::Hex => std::fs::metadata(path)?.len().saturating_sub(offset),
        };
        all.checked_sub(self.part_bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// A failure while a file is read, said for the user.
    fn explain(&self, path: &Path, error: io::Error) -> FormatError {
        if let Some(&stopped) = error.get_ref().and_then(|inner| inner.downcast_ref::<Stopped>()) {
            return FormatError::Stopped(stopped);
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                too_short(path, self.part_bytes, self.part_bytes - self.left.min(self.part_bytes))
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if self.layout.encoding.is_packed() => {
                FormatError::malformed(
                    path,
                    format!("the compressed voxels are damaged ({error}); copy the file again"),
                )
            }
            io::ErrorKind::InvalidData => FormatError::malformed(path, format!("the voxels cannot be read: {error}")),
            _ => FormatError::read(path, error),
        }
    }

    fn advance(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.watch.at(share(self.done, self.total))?;
        if self.left == 0 {
            if self.next == self.parts.count() {
                return Ok(0);
            }
            self.open()?;
        }
        let Some((path, decoder)) = &mut self.current else { return Ok(0) };
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = decoder.read(buffer.get_mut(..most).unwrap_or_default());
        let path = path.clone();
        let count = match read {
            Ok(0) if most > 0 => return Err(self.explain(&path, io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => count,
            Err(error) => return Err(self.explain(&path, error)),
        };
        let count_64 = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count_64);
        self.done = self.done.saturating_add(count_64);
        if self.left == 0 {
            self.finish(&path)?;
        }
        Ok(count)
    }

    /// Looks whether more follows the values, and reads a compressed file to its end, where its checksum is.
    fn finish(&mut self, path: &Path) -> Result<()> {
        let Some((_, mut decoder)) = self.current.take() else { return Ok(()) };
        let next = decoder.read(&mut [0]);
        if let Decoder::Gzip(members) = &mut decoder {
            let finished = next.and_then(|count| Ok((count, members.finish(MOST_TRAILING)?)));
            let (count, is_followed) = finished.map_err(|error| self.explain(path, error))?;
            self.is_longer |= count > 0;
            self.is_followed |= is_followed;
        } else if let Decoder::Zlib(_) = &decoder {
            // The checksum follows the values.
            self.is_longer |= next.map_err(|error| self.explain(path, error))? > 0;
        } else {
            // What follows need be no number.
            self.is_longer |= !matches!(next, Ok(0));
        }
        Ok(())
    }
}

impl Read for Data<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.advance(buffer).map_err(io::Error::other)
    }
}

/// Bytes of so many values.
pub fn bytes_of(values: usize, kind: VoxelType) -> u64 {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    count(values).saturating_mul(count(kind.bytes()))
}

fn too_short(path: &Path, needed: u64, there: u64) -> FormatError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    FormatError::malformed(
        path,
        format!("the header declares {needed} bytes of voxels, but {name} holds only {there} of them; copy it again"),
    )
}

#[allow(clippy::cast_precision_loss, reason = "a share for a progress bar")]
fn share(done: u64, total: u64) -> f32 {
    crate::work::numbers::share(done, total.max(1))
}

/// Reads all values; what is doubtful about their files is a warning.
///
/// # Errors
/// For files that are missing or end early, for damaged compression, and when the work was stopped.
pub fn read_values(
    parts: &Parts,
    layout: Layout,
    is_big_endian: bool,
    path: &Path,
    warnings: &mut Vec<String>,
    watch: Watch,
) -> Result<Voxels> {
    let count =
        parts.values.checked_mul(parts.count()).ok_or_else(|| FormatError::malformed(path, "the sizes overflow"))?;
    let mut data = Data::new(parts, layout, path, watch)?;
    if let (Encoding::Raw, 0, Some(skipped), 1) = (layout.encoding, layout.line_skip, layout.byte_skip, parts.count()) {
        let (file, offset) = parts.file(0);
        let start = offset.saturating_add(skipped);
        let length = std::fs::metadata(&file).map_err(|error| FormatError::read(&file, error))?.len();
        if length.saturating_sub(start) > data.part_bytes {
            warnings.push(LONGER.into());
        }
        let read = plain::read_values(&file, start, (layout.kind, count), is_big_endian, watch);
        return read.map_err(|error| data.explain(&file, error));
    }
    let expected = data.expected();
    let read = Voxels::read(layout.kind, count, expected, is_big_endian, &mut data);
    let voxels = read.map_err(|error| match error.downcast::<FormatError>() {
        Ok(ours) => ours,
        Err(error) => FormatError::read(path, error),
    })?;
    if data.is_longer {
        warnings.push(LONGER.into());
    }
    if data.is_followed {
        warnings.push(
            "Bytes follow the compressed data (padding of a tape, an upload) and are ignored; the data themselves are whole.".into(),
        );
    }
    Ok(voxels)
}
