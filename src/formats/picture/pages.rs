//! Pages of one kind, collected into a volume's voxels.

use std::path::Path;

use crate::formats::error::{FormatError, Result};
use crate::volume::{VoxelType, Voxels};

/// What pages must have in common to be slices of one volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Values of a pixel.
    pub samples: usize,
    /// Bits of a value.
    pub bits: usize,
    /// Pages of the file.
    pub pages: usize,
}

/// Most values that room is taken for before they are there.
const MOST_RESERVED: usize = 1 << 28;

/// Pages so far, each sample by itself.
pub struct Pages {
    first: Option<(Kind, VoxelType)>,
    samples: Vec<Voxels>,
    count: usize,
    expected: usize,
}

impl Pages {
    /// No page yet; so many files will come.
    pub fn new(files: usize) -> Self {
        Self { first: None, samples: Vec::new(), count: 0, expected: files }
    }

    /// Adds a page. `values` are row by row, the samples of a pixel together.
    ///
    /// # Errors
    /// When it is of another kind than the first, or too short.
    pub fn push(&mut self, path: &Path, kind: Kind, values: &Voxels) -> Result<()> {
        let pixels = kind.size[0].saturating_mul(kind.size[1]);
        if values.len() != pixels.saturating_mul(kind.samples) {
            let found = values.len();
            return Err(FormatError::malformed(
                path,
                format!("{found} values for {pixels} pixels; copy the file again"),
            ));
        }
        let (first, voxel_type) = *self.first.get_or_insert((kind, values.voxel_type()));
        let same = first.size == kind.size && first.samples == kind.samples && voxel_type == values.voxel_type();
        if !same {
            return Err(FormatError::unsupported(
                path,
                format!(
                    "page {} has {:?} pixels of {} {} values, the first has {:?} of {} {}; open it by itself",
                    self.count + 1,
                    kind.size,
                    kind.samples,
                    values.voxel_type().name(),
                    first.size,
                    first.samples,
                    voxel_type.name()
                ),
            ));
        }
        let expected = pixels.saturating_mul(self.expected.max(kind.pages)).min(MOST_RESERVED);
        for sample in 0..kind.samples {
            let part = values.every(sample, kind.samples);
            match self.samples.get_mut(sample) {
                Some(all) => drop(all.append(&part, expected)),
                None => self.samples.push(part),
            }
        }
        self.count += 1;
        Ok(())
    }

    /// The kind of the pages, their number, and all values: samples one after the other, where they differ.
    ///
    /// # Errors
    /// When there is no page.
    pub fn finish(self, path: &Path) -> Result<(Kind, usize, Voxels)> {
        let Some((kind, _)) = self.first else {
            return Err(FormatError::malformed(path, "there is no picture in the file"));
        };
        // What is beyond three is opacity.
        let mut samples = self.samples;
        samples.truncate(if kind.samples < 3 { 1 } else { 3 });
        let mut rest = samples.split_off(1);
        let mut all = samples.remove(0);
        if rest.iter().any(|other| !all.equals(other)) {
            let expected = 3 * all.len();
            for part in rest.drain(..) {
                all.append(&part, expected);
            }
        }
        Ok((kind, self.count, all))
    }
}

/// Values of fewer than 8 bits, rows of which begin with a byte, as bytes of 0 to 255.
pub fn unpack(bytes: &[u8], kind: Kind, bits: usize) -> Vec<u8> {
    let row = kind.size[0] * kind.samples;
    let highest = (1u16 << bits) - 1;
    bytes
        .chunks_exact((row * bits).div_ceil(8).max(1))
        .flat_map(|packed| {
            (0..row).map(move |n| {
                let shift = 8 - bits - n * bits % 8;
                let value = u16::from(packed[n * bits / 8]) >> shift & highest;
                (value * 255 / highest) as u8
            })
        })
        .collect()
}
