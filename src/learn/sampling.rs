//! Prepared cases and how slices are drawn from them.

use serde::{Deserialize, Serialize};

use super::error::FitError;
use super::facts::ScanFacts;
use super::slices::Slices;
use crate::engine::Random;

/// A case on the network's grid: R, A, S order, in-plane resampled, normalised.
#[derive(Debug, Clone)]
pub struct PreparedCase {
    /// Name.
    pub name: String,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Images and labels of its slices.
    pub slices: Slices,
    /// Whether cases may be mirrored across slices, top to bottom and left to right.
    pub may_mirror: [bool; 3],
    /// Distance of slices, in pixels.
    pub slice_step: f64,
    /// Which slices hold what.
    pub index: LabelIndex,
}

/// Which slices of a case hold what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabelIndex {
    /// Slices that hold each label: `by_label[label - 1]`.
    pub by_label: Vec<Vec<usize>>,
    /// Slices with anything to learn from: not every pixel of them is to be ignored.
    pub known: Vec<usize>,
    /// The label of pixels to be ignored.
    ignore: Option<u16>,
}

impl LabelIndex {
    /// An index of no slices yet, for so many classes with the background.
    pub fn new(classes: usize, ignore: Option<u16>) -> Self {
        Self { by_label: vec![Vec::new(); classes.saturating_sub(1)], known: Vec::new(), ignore }
    }

    /// Adds a slice; they come in their order.
    pub fn add(&mut self, slice: usize, labels: &[u16]) {
        for (label, slices) in (1..).zip(&mut self.by_label) {
            if labels.contains(&label) {
                slices.push(slice);
            }
        }
        if labels.iter().any(|&label| Some(label) != self.ignore) {
            self.known.push(slice);
        }
    }
}

impl PreparedCase {
    /// A case in memory, with an index of its slices; it may be mirrored every way, and slices lie as close as pixels.
    pub fn new(
        name: String,
        size: [usize; 2],
        images: Vec<Vec<Vec<f32>>>,
        labels: Vec<Vec<u16>>,
        classes: usize,
        ignore: Option<u16>,
    ) -> Self {
        let mut index = LabelIndex::new(classes, ignore);
        labels.iter().enumerate().for_each(|(slice, labels)| index.add(slice, labels));
        let slices = Slices::Memory { images, labels };
        Self { name, size, slices, may_mirror: [true; 3], slice_step: 1.0, index }
    }

    /// Row and column of a random pixel of a slice that has a label.
    ///
    /// # Errors
    /// When the slice cannot be read.
    pub fn place_of(&self, slice: usize, label: u16, random: &mut Random) -> Result<Option<[usize; 2]>, FitError> {
        if slice >= self.slices.count() {
            return Ok(None);
        }
        let read = self.slices.read(slice..=slice)?;
        let labels: &[u16] = read.labels.slices.first().map_or(&[], Vec::as_slice);
        let count = labels.iter().filter(|&&l| l == label).count();
        if count == 0 {
            return Ok(None);
        }
        let chosen = random.index(count);
        let at = (0..labels.len()).filter(|&at| labels[at] == label).nth(chosen);
        Ok(at.map(|at| [at / self.size[1], at % self.size[1]]))
    }
}

/// A checksum (CRC-32) of what is learned from, and of the sizes and labels of what is held back: the same cases have the same, in
/// memory and on disk.
pub fn checksum(cases: &[PreparedCase], held_back: &[ScanFacts]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for scan in held_back {
        let facts = (scan.geometry.shape(), &scan.counts, scan.values[0], scan.values[1]);
        sum.update(format!("{}{facts:?}", scan.name).as_bytes());
    }
    for case in cases {
        sum.update(format!("{}{:?}", case.name, case.size).as_bytes());
        case.slices.add_to(&mut sum);
    }
    sum.finalize()
}

/// A slice that was drawn.
pub struct Drawn<'a> {
    /// Of this case.
    pub case: &'a PreparedCase,
    /// Its number.
    pub slice: usize,
    /// A label that it holds and that must be seen.
    pub label: Option<u16>,
}

/// Draws a case with anything to learn from and such a slice of it: any, or one that holds a label drawn first, so that rare
/// labels are seen.
pub fn draw<'a>(cases: &'a [PreparedCase], forced: bool, random: &mut Random) -> Drawn<'a> {
    let case = &cases[random.index(cases.len())];
    if forced {
        let present: Vec<(u16, &Vec<usize>)> =
            (1..).zip(&case.index.by_label).filter(|(_, slices)| !slices.is_empty()).collect();
        if !present.is_empty() {
            let (label, slices) = present[random.index(present.len())];
            return Drawn { case, slice: slices[random.index(slices.len())], label: Some(label) };
        }
    }
    Drawn { case, slice: case.index.known[random.index(case.index.known.len())], label: None }
}
