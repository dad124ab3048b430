//! The file of a prepared case.
//!
//! One record for each slice: the values of every channel (32-bit floats), then its labels (16-bit), row-major, all little-endian.
//! Behind them a text (JSON) says what the file was made from and has a checksum (CRC-32) of every record; the last 20 bytes are the
//! text's length (64 bits), its checksum (32 bits) and the file's mark.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::disk::{open_regular_file, replace_private_file};
use crate::learn::error::FitError;
use crate::learn::preparing::Cutting;
use crate::learn::sampling::LabelIndex;
use crate::work::memory::ensure;
use crate::work::{Stopped, Watch};

/// Last bytes of every file; another layout has another mark.
const MARK: [u8; 8] = *b"Slices-1";
/// Bytes behind the text.
const END_BYTES: u64 = 8 + 4 + 8;
/// Longest text: far more than the largest scan needs.
const MOST_TEXT_BYTES: u64 = 1 << 28;
/// After so many bytes what was written is brought to the disk, so that the end does not take long.
const BETWEEN_SYNCS: usize = 32 << 20;

/// The slices of a case in a file that this training made, or found whole.
#[derive(Debug, Clone)]
pub struct SliceFile {
    path: PathBuf,
    channels: usize,
    pixels: usize,
    /// Checksum of each record.
    records: Vec<u32>,
    /// Checksums of each channel's slices, and of all labels.
    parts: Vec<u32>,
}

/// What is behind the records.
#[derive(Serialize, Deserialize)]
struct Text {
    made_from: String,
    index: LabelIndex,
    records: Vec<u32>,
    parts: Vec<u32>,
}

/// What a file is to be.
pub struct Wanted<'a> {
    /// What it is made from, with all that decides its content.
    pub made_from: &'a str,
    /// Channels of the image.
    pub channels: usize,
    /// Pixels of a slice.
    pub pixels: usize,
    /// Number of slices.
    pub slices: usize,
}

/// What is at a place.
pub enum Found {
    /// No file.
    Nothing,
    /// A file that says it is the wanted one; its records are not looked at yet.
    File(SliceFile, LabelIndex),
    /// A file that is no whole one, or made from something else.
    Other(&'static str),
}

impl Wanted<'_> {
    /// Bytes of the records.
    pub fn bytes(&self) -> u64 {
        self.slices as u64 * record_bytes(self.channels, self.pixels) as u64
    }
}

fn record_bytes(channels: usize, pixels: usize) -> usize {
    pixels * (channels * size_of::<f32>() + size_of::<u16>())
}

/// Looks at the end of a file.
pub fn find(path: &Path, wanted: &Wanted) -> Found {
    match read_text(path, wanted.bytes()) {
        Ok(Some(text)) if text.made_from != wanted.made_from => Found::Other("it was made from something else"),
        Ok(Some(Text { index, records, parts, .. }))
            if records.len() == wanted.slices && parts.len() == wanted.channels + 1 =>
        {
            let (channels, pixels) = (wanted.channels, wanted.pixels);
            Found::File(SliceFile { path: path.into(), channels, pixels, records, parts }, index)
        }
        Ok(_) => Found::Other("it is not whole"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        Err(_) => Found::Other("it cannot be read"),
    }
}

/// The text behind so many bytes of records; `None` where the file is not as long as it says, or the text is damaged.
fn read_text(path: &Path, records: u64) -> io::Result<Option<Text>> {
    let mut file = open_regular_file(path)?;
    let length = file.metadata()?.len();
    let Some(text_bytes) = length.checked_sub(records + END_BYTES).filter(|&bytes| bytes <= MOST_TEXT_BYTES) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(records))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    let Some((text, end)) = rest.split_at_checked(text_bytes as usize) else { return Ok(None) };
    Ok(if end == ending(text) { serde_json::from_slice(text).ok() } else { None })
}

/// What is behind a text.
fn ending(text: &[u8]) -> Vec<u8> {
    let (length, sum) = ((text.len() as u64).to_le_bytes(), crc32fast::hash(text).to_le_bytes());
    [&length[..], &sum, &MARK].concat()
}

/// Why a file was not written.
enum Unwritten {
    Stopped(Stopped),
    Disk(io::Error),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Prepares a scan's slices and writes them; the file has its name only when it is whole.
///
/// # Errors
/// When the disk fails or is full, or the work is stopped.
pub fn write(
    path: &Path,
    wanted: &Wanted,
    cutting: &Cutting,
    mut index: LabelIndex,
    watch: Watch,
) -> Result<(SliceFile, LabelIndex), FitError> {
    let mut records = Vec::with_capacity(wanted.slices);
    let mut sums = vec![Hasher::new(); wanted.channels + 1];
    let mut parts = Vec::new();
    // As many at a time as there are threads for, so that little of a scan is in memory twice.
    let at_a_time = 2 * rayon::current_num_threads();
    let written: Result<(), Unwritten> = replace_private_file(path, |writer: &mut BufWriter<File>| {
        let mut unsynced = 0;
        let numbers: Vec<usize> = (0..wanted.slices).collect();
        for numbers in numbers.chunks(at_a_time) {
            watch.at(records.len() as f32 / wanted.slices.max(1) as f32).map_err(Unwritten::Stopped)?;
            let made: Vec<Record> = numbers.par_iter().map(|&slice| Record::of(cutting, wanted, slice)).collect();
            for (record, &slice) in made.iter().zip(numbers) {
                index.add(slice, &record.labels);
                records.push(crc32fast::hash(&record.bytes));
                for (sum, part) in sums.iter_mut().zip(record.bytes.chunks(4 * wanted.pixels)) {
                    sum.update(part);
                }
                writer.write_all(&record.bytes)?;
                unsynced += record.bytes.len();
            }
            if unsynced >= BETWEEN_SYNCS {
                writer.flush()?;
                writer.get_ref().sync_data()?;
                unsynced = 0;
            }
        }
        parts = sums.iter().map(|sum| sum.clone().finalize()).collect();
        let (made_from, index) = (wanted.made_from.into(), index.clone());
        let text = Text { made_from, index, records: records.clone(), parts: parts.clone() };
        let bytes = serde_json::to_vec(&text).map_err(io::Error::other)?;
        writer.write_all(&bytes)?;
        writer.write_all(&ending(&bytes))?;
        Ok(())
    });
    match written {
        Ok(()) => {
            let (channels, pixels) = (wanted.channels, wanted.pixels);
            Ok((SliceFile { path: path.into(), channels, pixels, records, parts }, index))
        }
        Err(Unwritten::Stopped(stopped)) => Err(stopped.into()),
        Err(Unwritten::Disk(error)) => {
            Err(FitError::Slices { path: path.into(), problem: format!("cannot be written: {error}") })
        }
    }
}

impl SliceFile {
    /// Number of slices.
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// Looks at every record; gives whether all are as they were written.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn is_whole(&self, watch: Watch) -> Result<bool, Stopped> {
        for slice in 0..self.count() {
            watch.at(slice as f32 / self.count() as f32)?;
            if self.bytes(slice..=slice).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The images of each channel and the labels of consecutive slices, all of which there are.
    ///
    /// # Errors
    /// When the file cannot be read, or is damaged.
    #[allow(clippy::type_complexity, reason = "taken apart at once")]
    pub fn read(&self, slices: RangeInclusive<usize>) -> Result<(Vec<Vec<Vec<f32>>>, Vec<Vec<u16>>), FitError> {
        let size = slices.clone().count() * self.record_bytes();
        ensure::<u8>(size).map_err(|refused| FitError::Slices {
            path: self.path.clone(),
            problem: format!("cannot be read: {refused}"),
        })?;
        let mut images = vec![Vec::new(); self.channels];
        let mut labels = Vec::new();
        // One record at a time, so that slices are in memory once.
        for slice in slices {
            let record = self.bytes(slice..=slice)?;
            let (values, own_labels) = record.split_at(record.len() - 2 * self.pixels);
            for (channel, values) in images.iter_mut().zip(values.chunks_exact(4 * self.pixels)) {
                channel.push(values.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect());
            }
            labels.push(own_labels.as_chunks().0.iter().map(|&label| u16::from_le_bytes(label)).collect());
        }
        Ok((images, labels))
    }

    /// Adds what the file holds to a checksum, as if it were read.
    pub fn add_to(&self, sum: &mut Hasher) {
        let pixels = (self.pixels * self.count()) as u64;
        let sizes = std::iter::repeat_n(4 * pixels, self.channels).chain([2 * pixels]);
        for (&part, bytes) in self.parts.iter().zip(sizes) {
            sum.combine(&Hasher::new_with_initial_len(part, bytes));
        }
    }

    fn record_bytes(&self) -> usize {
        record_bytes(self.channels, self.pixels)
    }

    /// The records of consecutive slices, each held against its checksum.
    fn bytes(&self, slices: RangeInclusive<usize>) -> Result<Vec<u8>, FitError> {
        let first = *slices.start();
        let problem = |what: String| FitError::Slices { path: self.path.clone(), problem: what };
        let unreadable = |error: io::Error| problem(format!("cannot be read any more: {error}"));
        let mut file = open_regular_file(&self.path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(first as u64 * self.record_bytes() as u64)).map_err(unreadable)?;
        let mut bytes = vec![0; slices.count() * self.record_bytes()];
        file.read_exact(&mut bytes).map_err(unreadable)?;
        let records = bytes.chunks_exact(self.record_bytes().max(1));
        for ((slice, record), sum) in (first..).zip(records).zip(self.records.iter().skip(first)) {
            if crc32fast::hash(record) != *sum {
                return Err(problem(format!("is damaged at slice {slice}")));
            }
        }
        Ok(bytes)
    }
}

/// A slice as it is written.
struct Record {
    bytes: Vec<u8>,
    labels: Vec<u16>,
}

impl Record {
    fn of(cutting: &Cutting, wanted: &Wanted, slice: usize) -> Self {
        let mut bytes = Vec::with_capacity(record_bytes(wanted.channels, wanted.pixels));
        for channel in 0..wanted.channels {
            bytes.extend(cutting.image(channel, slice).iter().flat_map(|value| value.to_le_bytes()));
        }
        let labels = cutting.labels(slice);
        bytes.extend(labels.iter().flat_map(|value| value.to_le_bytes()));
        Self { bytes, labels }
    }
}
