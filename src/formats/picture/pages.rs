//! Pages of one kind, collected into a volume's voxels.

use std::path::Path;

use crate::formats::error::{FormatError, Result};
use crate::volume::Voxels;

/// What pictures must have in common to be slices of one volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Values of a pixel.
    pub samples: usize,
    /// Bits of a value.
    pub bits: usize,
    /// The type that values are kept in.
    pub stored: &'static str,
    /// Slices of the file.
    pub slices: usize,
    /// Frames of the file, samples not counted.
    pub frames: usize,
}

impl Kind {
    /// Whether the file is a single picture.
    pub fn is_single(&self) -> bool {
        self.slices == 1 && self.frames == 1
    }
}

/// Pages so far, each sample by itself.
#[derive(Default)]
pub struct Pages {
    first: Option<Kind>,
    samples: Vec<Voxels>,
    count: usize,
}

/// All pages.
pub struct Collected {
    /// What they have in common.
    pub kind: Kind,
    /// Number of pages.
    pub count: usize,
    /// Samples that differ from each other: 1 where all are alike.
    pub samples: usize,
    /// Slices fastest, then samples, then frames.
    pub voxels: Voxels,
}

impl Pages {
    /// Adds a page, each sample by itself, row by row.
    ///
    /// # Errors
    /// When it is of another kind than the first, or too short, or memory is short.
    pub fn push(&mut self, path: &Path, kind: Kind, samples: Vec<Voxels>) -> Result<()> {
        let pixels = kind.size[0].saturating_mul(kind.size[1]);
        if let Some(short) = samples.iter().find(|values| values.len() != pixels) {
            let found = short.len();
            return Err(FormatError::malformed(
                path,
                format!("{found} values for {pixels} pixels; copy the file again"),
            ));
        }
        let first = *self.first.get_or_insert(kind);
        let same = first.size == kind.size && first.stored == kind.stored && samples.len() == first.samples;
        if !same {
            return Err(FormatError::unsupported(
                path,
                format!(
                    "picture {} has {:?} pixels of {} {} values, the first has {:?} of {} {}; open it by itself",
                    self.count + 1,
                    kind.size,
                    kind.samples,
                    kind.stored,
                    first.size,
                    first.samples,
                    first.stored
                ),
            ));
        }
        self.count += 1;
        if self.samples.is_empty() {
            self.samples = samples;
            return Ok(());
        }
        for (all, part) in self.samples.iter_mut().zip(&samples) {
            all.append(part).map_err(|e| FormatError::memory(path, e))?;
        }
        Ok(())
    }

    /// All pages as one.
    ///
    /// # Errors
    /// When there is no page, or memory is short.
    pub fn finish(self, path: &Path) -> Result<Collected> {
        let Some(kind) = self.first else {
            return Err(FormatError::malformed(path, "there is no picture in the file"));
        };
        let mut samples = self.samples;
        let Some((one, rest)) = samples.split_first() else {
            return Err(FormatError::malformed(path, "there is no picture in the file"));
        };
        if rest.iter().all(|other| one.equals(other)) {
            samples.truncate(1);
        }
        let different = samples.len();
        let voxels = match (different, kind.frames) {
            (1, _) => samples.remove(0),
            _ => {
                let frame = samples[0].len() / kind.frames.max(1);
                let mut all: Option<Voxels> = None;
                for n in 0..kind.frames {
                    for values in &samples {
                        let part =
                            if kind.frames == 1 { values.clone() } else { part(values, n * frame, frame, path)? };
                        match &mut all {
                            Some(all) => all.append(&part).map_err(|e| FormatError::memory(path, e))?,
                            None => all = Some(part),
                        }
                    }
                }
                all.ok_or_else(|| FormatError::malformed(path, "there is no picture in the file"))?
            }
        };
        Ok(Collected { kind, count: self.count, samples: different, voxels })
    }
}

fn part(values: &Voxels, first: usize, count: usize, path: &Path) -> Result<Voxels> {
    values.range(first..first + count).ok_or_else(|| FormatError::malformed(path, "a frame is too short"))
}

/// Values of fewer than 8 bits, rows of which begin with a byte, added as bytes of 0 to 255.
pub fn unpack_row(packed: &[u8], bits: usize, count: usize, out: &mut Vec<u8>) {
    let highest = (1u16 << bits) - 1;
    let scaled = |byte: u8, n: usize| ((u16::from(byte) >> (8 - bits * (n + 1)) & highest) * 255 / highest) as u8;
    let per_byte = 8 / bits;
    let whole = count / per_byte;
    for &byte in packed.iter().take(whole) {
        out.extend((0..per_byte).map(|n| scaled(byte, n)));
    }
    if let Some(&last) = packed.get(whole) {
        out.extend((0..count % per_byte).map(|n| scaled(last, n)));
    }
}
