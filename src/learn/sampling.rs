//! Prepared cases and how slices are drawn from them.

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
}

/// Draws a case with anything to learn from and such a slice of it: any, or one that holds a label drawn first, so that rare
/// labels are seen.
pub fn draw<'a>(cases: &'a [PreparedCase], forced: bool, random: &mut Random) -> (&'a PreparedCase, usize) {
    let case = &cases[random.index(cases.len())];
    if forced {
        let present: Vec<&Vec<usize>> = case.by_label.iter().filter(|slices| !slices.is_empty()).collect();
        if !present.is_empty() {
            let slices = present[random.index(present.len())];
            return (case, slices[random.index(slices.len())]);
        }
    }
    (case, case.known[random.index(case.known.len())])
}
