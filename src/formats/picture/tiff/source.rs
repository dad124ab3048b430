//! The bytes of a TIFF: byte order, offsets, and a bound on what its directories may make us read.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::disk::open_regular_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::picture::steps::Steps;
use crate::work::memory::make_room;

/// Bytes of directories that are read of any file, however short it is.
const LEAST_BUDGET: u64 = 1 << 16;

/// Bytes that are read between two looks at whether to stop.
const BLOCK: usize = 8 << 20;

/// An open file with a TIFF header.
pub struct Source {
    path: PathBuf,
    reader: BufReader<File>,
    /// Bytes of the file.
    pub length: u64,
    /// Byte order of everything but pixels of fewer than 8 bits.
    pub big_endian: bool,
    /// Offsets have 64 bits (`BigTIFF`).
    pub wide: bool,
    /// Bytes that directories may still have: those of an honest file do not overlap.
    budget: u64,
}

impl Source {
    /// Opens a file and reads its header; also gives the place of the first directory.
    pub fn open(path: &Path) -> Result<(Self, u64)> {
        let failed = |e| FormatError::read(path, e);
        let file = open_regular_file(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let budget = length.saturating_mul(2).max(LEAST_BUDGET);
        let reader = BufReader::new(file);
        let mut source = Self { path: path.into(), reader, length, big_endian: false, wide: false, budget };
        let head = source.bytes(0, 8.min(length))?;
        source.big_endian = match head.get(..2) {
            Some(b"II") => false,
            Some(b"MM") => true,
            _ => return Err(source.malformed("the TIFF does not begin with II or MM")),
        };
        let version = source.number(head.get(2..4).unwrap_or_default());
        source.wide = version == 43;
        let first = if source.wide {
            source.bytes(8, 8).map(|bytes| source.number(&bytes))?
        } else {
            source.number(head.get(4..8).unwrap_or_default())
        };
        if head.len() < 8 || !(version == 42 || version == 43) {
            return Err(source.malformed(format!("the TIFF has the version {version}, not 42 or 43")));
        }
        Ok((source, first))
    }

    /// Bytes at a place, all of them.
    pub fn bytes(&mut self, offset: u64, count: u64) -> Result<Vec<u8>> {
        self.read(offset, count, &|| Ok(()))
    }

    /// Bytes of pixels, which may be many.
    pub fn pixels(&mut self, offset: u64, count: u64, steps: &Steps) -> Result<Vec<u8>> {
        self.read(offset, count, &|| steps.go_on())
    }

    fn read(&mut self, offset: u64, count: u64, go_on: &dyn Fn() -> Result<()>) -> Result<Vec<u8>> {
        let end = offset.checked_add(count).filter(|&end| end <= self.length);
        let size = end.and_then(|_| usize::try_from(count).ok()).ok_or_else(|| {
            let length = self.length;
            self.malformed(format!(
                "{count} bytes are said to lie at byte {offset}, but the file has {length}; copy it again"
            ))
        })?;
        let mut bytes = Vec::new();
        make_room(&mut bytes, size).map_err(|e| FormatError::memory(&self.path, e))?;
        self.reader.seek(SeekFrom::Start(offset)).map_err(|e| FormatError::read(&self.path, e))?;
        while bytes.len() < size {
            go_on()?;
            let (from, block) = (bytes.len(), BLOCK.min(size - bytes.len()));
            bytes.resize(from + block, 0);
            self.reader.read_exact(&mut bytes[from..]).map_err(|e| FormatError::read(&self.path, e))?;
        }
        Ok(bytes)
    }

    /// Bytes of a directory, which count against what an honest file can have of them.
    pub fn directory_bytes(&mut self, offset: u64, count: u64) -> Result<Vec<u8>> {
        self.budget = self
            .budget
            .checked_sub(count)
            .ok_or_else(|| self.malformed("the TIFF's directories lie over each other; save it again"))?;
        self.bytes(offset, count)
    }

    /// An unsigned number of up to 8 bytes in the file's byte order.
    pub fn number(&self, bytes: &[u8]) -> u64 {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }

    /// The file breaks its format.
    pub fn malformed(&self, problem: impl Into<String>) -> FormatError {
        FormatError::malformed(&self.path, problem)
    }

    /// The file is of a kind that cannot be shown rightly.
    pub fn unsupported(&self, reason: impl Into<String>) -> FormatError {
        FormatError::unsupported(&self.path, reason)
    }

    /// The file's name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
