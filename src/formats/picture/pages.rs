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
    /// Whether the values are places in a table of colours.
    pub is_palette: bool,
}

impl Kind {
    /// Whether the file is a single picture.
    pub fn is_single(&self) -> bool {
        self.slices == 1 && self.frames == 1
    }
}

/// What a file says of the size of its voxels, in millimetres, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct SizeOfFile {
    /// Along columns, rows and slices.
    pub mm: [Option<f64>; 3],
    /// Where it says so.
    pub origin: &'static str,
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

/// Bytes of values of 1, 2 or 4 bits, as bytes of 0 to 255.
pub struct Unpacking {
    /// The values of each possible byte.
    table: Vec<[u8; 8]>,
    per_byte: usize,
}

impl Unpacking {
    /// For greys of so many bits, which become those of eight.
    pub fn of(bits: usize) -> Self {
        let highest = (1u16 << bits.clamp(1, 8)) - 1;
        Self::with(bits, 255 / highest)
    }

    /// For numbers of so many bits, which stay as they are.
    pub fn of_numbers(bits: usize) -> Self {
        Self::with(bits, 1)
    }

    fn with(bits: usize, factor: u16) -> Self {
        let bits = bits.clamp(1, 8);
        let highest = (1u16 << bits) - 1;
        let per_byte = 8 / bits;
        let value = |byte: u16, n: usize| {
            if n < per_byte {
                u8::try_from((byte >> (8 - bits * (n + 1)) & highest) * factor).unwrap_or(u8::MAX)
            } else {
                0
            }
        };
        let table = (0..256u16).map(|byte| std::array::from_fn(|n| value(byte, n))).collect();
        Self { table, per_byte }
    }

    /// Adds so many values of a row, which begins with a byte.
    pub fn row(&self, packed: &[u8], count: usize, out: &mut Vec<u8>) {
        let end = out.len() + count;
        for &byte in packed.iter().take(count.div_ceil(self.per_byte)) {
            out.extend_from_slice(&self.table[usize::from(byte)][..self.per_byte]);
        }
        out.truncate(end);
    }
}
