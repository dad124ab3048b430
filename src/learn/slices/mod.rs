//! The slices of a prepared case: in memory, or in a file where all cases together are larger than the memory.
//!
//! **Invariant:** both give the same values, so that the weights learned from them are the same, bit for bit.
//!
//! Files are read by position and not mapped: a limit of the address space (`ulimit -v`) counts maps, a disk that fails ends a
//! process that has mapped it, and every slice that is read is held against its checksum.

mod caching;
mod file;
mod folder;

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::error::FitError;
use file::SliceFile;

pub use caching::{Cache, cache_all};
pub use folder::remove_slices;

/// Where the slices of a prepared case are.
#[derive(Debug, Clone)]
pub enum Slices {
    /// In memory.
    Memory {
        /// `[channel][slice]` images, row-major.
        images: Vec<Vec<Vec<f32>>>,
        /// Labels of each slice.
        labels: Vec<Vec<u16>>,
    },
    /// In a file.
    File(SliceFile),
}

/// Consecutive slices of all channels, with their labels.
pub struct Block<'a> {
    /// One for each channel.
    pub images: Vec<Run<'a, f32>>,
    /// Labels.
    pub labels: Run<'a, u16>,
}

/// Consecutive slices of one kind.
pub struct Run<'a, T: Clone> {
    /// The first one's number in its case.
    pub first: usize,
    /// Number of slices in the case.
    pub count: usize,
    /// The slices, row-major.
    pub slices: Cow<'a, [Vec<T>]>,
}

impl Slices {
    /// Number of slices.
    pub fn count(&self) -> usize {
        match self {
            Self::Memory { labels, .. } => labels.len(),
            Self::File(file) => file.count(),
        }
    }

    /// Whether they are in a file.
    pub fn are_on_disk(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Consecutive slices, as far as there are such.
    ///
    /// # Errors
    /// When their file cannot be read, or is damaged.
    pub fn read(&self, range: RangeInclusive<usize>) -> Result<Block<'_>, FitError> {
        let count = self.count();
        let last = (*range.end()).min(count.saturating_sub(1));
        let range = (*range.start()).min(last)..=last;
        let first = *range.start();
        match self {
            Self::Memory { images, labels } => {
                let images = images.iter().map(|channel| Run::within(channel, range.clone())).collect();
                Ok(Block { images, labels: Run::within(labels, range.clone()) })
            }
            Self::File(file) => {
                let (images, labels) = file.read(range)?;
                let run = |slices| Run { first, count, slices: Cow::Owned(slices) };
                Ok(Block {
                    images: images.into_iter().map(run).collect(),
                    labels: Run { first, count, slices: Cow::Owned(labels) },
                })
            }
        }
    }

    /// Adds all images and labels to a checksum: every channel's slices, then the labels.
    pub fn add_to(&self, sum: &mut crc32fast::Hasher) {
        match self {
            Self::Memory { images, labels } => {
                let mut bytes = Vec::new();
                for image in images.iter().flatten() {
                    bytes.clear();
                    bytes.extend(image.iter().flat_map(|value| value.to_le_bytes()));
                    sum.update(&bytes);
                }
                for labels in labels {
                    bytes.clear();
                    bytes.extend(labels.iter().flat_map(|value| value.to_le_bytes()));
                    sum.update(&bytes);
                }
            }
            Self::File(file) => file.add_to(sum),
        }
    }
}

impl Block<'_> {
    /// The same with slices of its own.
    pub fn into_owned(self) -> Block<'static> {
        Block { images: self.images.into_iter().map(Run::into_owned).collect(), labels: self.labels.into_owned() }
    }
}

impl<'a, T: Clone> Run<'a, T> {
    /// Some slices of all that a case has.
    fn within(all: &'a [Vec<T>], range: RangeInclusive<usize>) -> Self {
        let (first, count) = (*range.start(), all.len());
        Self { first, count, slices: Cow::Borrowed(all.get(range).unwrap_or(&[])) }
    }

    /// The place of a slice of the case among these; the nearest one where it is none of them.
    pub fn place(&self, slice: usize) -> usize {
        slice.saturating_sub(self.first).min(self.slices.len().saturating_sub(1))
    }

    fn into_owned(self) -> Run<'static, T> {
        Run { first: self.first, count: self.count, slices: Cow::Owned(self.slices.into_owned()) }
    }
}
