//! Prepared cases and how slices are drawn from them.

use super::reading::LabelledScan;
use crate::engine::Random;

/// A case on the network's grid: R, A, S order, in-plane resampled, normalised.
#[derive(Debug, Clone)]
pub struct PreparedCase {
    /// Name.
    pub name: String,
    /// Rows and columns.
    pub size: [usize; 2],
    /// `[channel][slice]` images, row-major.
    pub images: Vec<Vec<Vec<f32>>>,
    /// Labels of each slice.
    pub labels: Vec<Vec<u16>>,
    /// Whether cases may be mirrored across slices, top to bottom and left to right.
    pub may_mirror: [bool; 3],
    /// Distance of slices, in pixels.
    pub slice_step: f64,
    /// Slices that hold each label: `by_label[label - 1]`.
    pub by_label: Vec<Vec<usize>>,
    /// Slices with anything to learn from: not every pixel of them is to be ignored.
    pub known: Vec<usize>,
}

impl PreparedCase {
    /// Indexes which slices hold which labels; cases may be mirrored every way, and slices lie as close as pixels.
    pub fn new(
        name: String,
        size: [usize; 2],
        images: Vec<Vec<Vec<f32>>>,
        labels: Vec<Vec<u16>>,
        classes: usize,
        ignore: Option<u16>,
    ) -> Self {
        let holds = |label: u16| (0..labels.len()).filter(|&s| labels[s].contains(&label)).collect();
        let by_label = (1..classes as u16).map(holds).collect();
        let known = (0..labels.len()).filter(|&s| labels[s].iter().any(|&l| Some(l) != ignore)).collect();
        Self { name, size, images, labels, may_mirror: [true; 3], slice_step: 1.0, by_label, known }
    }

    /// Number of slices.
    pub fn slice_count(&self) -> usize {
        self.labels.len()
    }

    /// Row and column of a random pixel of a slice that has a label.
    pub fn place_of(&self, slice: usize, label: u16, random: &mut Random) -> Option<[usize; 2]> {
        let labels = self.labels.get(slice)?;
        let count = labels.iter().filter(|&&l| l == label).count();
        if count == 0 {
            return None;
        }
        let chosen = random.index(count);
        let at = (0..labels.len()).filter(|&at| labels[at] == label).nth(chosen)?;
        Some([at / self.size[1], at % self.size[1]])
    }
}

/// A checksum (CRC-32) of what is learned from, and of the sizes and labels of what is held back: the same cases have the same.
pub fn checksum(cases: &[PreparedCase], held_back: &[LabelledScan]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    let mut bytes = Vec::new();
    for scan in held_back {
        let statistics = scan.image.statistics();
        let facts = (scan.image.geometry.shape(), scan.labels.counts(), statistics.min, statistics.max);
        sum.update(format!("{}{facts:?}", scan.name).as_bytes());
    }
    for case in cases {
        sum.update(format!("{}{:?}", case.name, case.size).as_bytes());
        for image in case.images.iter().flatten() {
            bytes.clear();
            bytes.extend(image.iter().flat_map(|value| value.to_le_bytes()));
            sum.update(&bytes);
        }
        for labels in &case.labels {
            bytes.clear();
            bytes.extend(labels.iter().flat_map(|value| value.to_le_bytes()));
            sum.update(&bytes);
        }
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
            (1..).zip(&case.by_label).filter(|(_, slices)| !slices.is_empty()).collect();
        if !present.is_empty() {
            let (label, slices) = present[random.index(present.len())];
            return Drawn { case, slice: slices[random.index(slices.len())], label: Some(label) };
        }
    }
    Drawn { case, slice: case.known[random.index(case.known.len())], label: None }
}
