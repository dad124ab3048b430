//! Slices of real pictures, with their labels where there are some, as scenes: seen as they are, painted anew, or cut into superpixels.

mod reading;
mod superpixels;

use std::f64::consts::TAU;

use super::scene::{Scene, Wanted, each_alone, painted_apart};
use crate::engine::Random;
use superpixels::superpixels;

pub use reading::RealSlices;

/// A slice of a real picture.
#[derive(Debug, Clone)]
struct RealSlice {
    /// Rows and columns.
    size: [usize; 2],
    /// How far rows and columns lie apart.
    spacing: [f64; 2],
    /// Values of 0 to 1.
    image: Vec<f32>,
    /// The label of every pixel.
    labels: Option<Vec<u8>>,
}

/// What a labelled slice becomes: shares of those that keep their picture, and of those that are painted anew.
const AS_LABELLED: f64 = 0.55;
const PAINTED: f64 = 0.25;

impl RealSlices {
    /// How many slices there are.
    pub fn count(&self) -> usize {
        self.slices.len()
    }

    /// A scene of `[rows, columns]` from any of the slices: a part of it, turned, mirrored, nearer or farther.
    pub fn scene(&self, size: [usize; 2], random: &mut Random) -> Scene {
        let slice = &self.slices[random.index(self.slices.len())];
        let view = View::new(slice, size, random);
        let image = view.image();
        let choice = random.unit();
        match view.labels() {
            Some(regions) if choice < AS_LABELLED => {
                Scene { size, image, wanted: each_alone(&regions, 0.7), regions }.or_nothing()
            }
            Some(regions) if choice < AS_LABELLED + PAINTED => {
                let image = painted_apart(size, &regions, random);
                Scene { size, image, wanted: each_alone(&regions, 0.7), regions }.or_nothing()
            }
            _ => {
                let regions = superpixels(&image, size, random);
                let some = |random: &mut Random| regions[random.index(regions.len())];
                let mut wanted: Vec<Wanted> = (0..4).map(|_| Wanted::new([some(random)], 1.0)).collect();
                wanted.push(Wanted::new([some(random), some(random)], 0.5));
                Scene { size, image, regions, wanted }
            }
        }
    }
}

impl Scene {
    /// A scene in which nothing is labelled has its ground to want, which is refused for its size.
    fn or_nothing(mut self) -> Self {
        if self.wanted.is_empty() {
            self.wanted.push(Wanted::new([0], 0.0));
        }
        self
    }
}

/// How a picture lies over a slice.
struct View<'a> {
    slice: &'a RealSlice,
    size: [usize; 2],
    /// The slice's row and column of the first pixel, and for a step down and one to the right.
    start: [f64; 2],
    down: [f64; 2],
    right: [f64; 2],
}

impl<'a> View<'a> {
    fn new(slice: &'a RealSlice, size: [usize; 2], random: &mut Random) -> Self {
        let finest = slice.spacing[0].min(slice.spacing[1]);
        let extent = [0, 1].map(|axis| slice.size[axis] as f64 * slice.spacing[axis]);
        let whole = extent[0].max(extent[1]) / size[0].max(size[1]) as f64;
        // From the whole slice to a part of it, but pixels are hardly enlarged beyond twice.
        let step = (whole * random.between(0.35, 1.15)).max(0.45 * finest);
        let quarter = random.index(4) as f64 * TAU / 4.0;
        let turn = if random.chance(0.5) { quarter } else { quarter + random.between(-0.35, 0.35) };
        let (sin, cos) = turn.sin_cos();
        let mirror = if random.chance(0.5) { -1.0 } else { 1.0 };
        let per = slice.spacing.map(|spacing| step / spacing);
        let down = [cos * per[0], -sin * per[1]];
        let right = [mirror * sin * per[0], mirror * cos * per[1]];
        let middle = match &slice.labels {
            Some(labels) if random.chance(0.6) => labelled_pixel(labels, slice.size, random),
            _ => slice.size.map(|count| count as f64 * random.between(0.3, 0.7)),
        };
        let half = size.map(|count| count as f64 / 2.0);
        let start = [0, 1].map(|axis| middle[axis] - half[0] * down[axis] - half[1] * right[axis]);
        Self { slice, size, start, down, right }
    }

    /// Calls `value(row, column)` with the slice's place for every pixel.
    fn map<T>(&self, value: impl Fn(f64, f64) -> T) -> Vec<T> {
        let [rows, columns] = self.size;
        let at = |n: usize| {
            let (row, column) = ((n / columns) as f64, (n % columns) as f64);
            let place = |axis: usize| self.start[axis] + row * self.down[axis] + column * self.right[axis];
            value(place(0), place(1))
        };
        (0..rows * columns).map(at).collect()
    }

    fn image(&self) -> Vec<f32> {
        let [rows, columns] = self.slice.size;
        let image = &self.slice.image;
        self.map(|row, column| {
            let is_outside = row < -0.5 || column < -0.5 || row > rows as f64 - 0.5 || column > columns as f64 - 0.5;
            if is_outside {
                return 0.0;
            }
            let (row, column) = (row.clamp(0.0, rows as f64 - 1.0), column.clamp(0.0, columns as f64 - 1.0));
            let (r, c) = (row as usize, column as usize);
            let (below, beside) = ((r + 1).min(rows - 1), (c + 1).min(columns - 1));
            let (down, right) = (row.fract() as f32, column.fract() as f32);
            let line = |r: usize| image[r * columns + c] * (1.0 - right) + image[r * columns + beside] * right;
            line(r) * (1.0 - down) + line(below) * down
        })
    }

    fn labels(&self) -> Option<Vec<u8>> {
        let labels = self.slice.labels.as_ref()?;
        let [rows, columns] = self.slice.size;
        Some(self.map(|row, column| {
            let (row, column) = (row.round(), column.round());
            let is_there = row >= 0.0 && column >= 0.0 && row < rows as f64 && column < columns as f64;
            if is_there { labels[row as usize * columns + column as usize] } else { 0 }
        }))
    }
}

/// A pixel of any label that is there, so that small structures are seen too.
fn labelled_pixel(labels: &[u8], size: [usize; 2], random: &mut Random) -> [f64; 2] {
    let mut counts = [0usize; 256];
    labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
    let there: Vec<u8> = (1..=255u8).filter(|label| counts[usize::from(*label)] > 0).collect();
    let Some(label) = there.get(random.index(there.len())) else { return size.map(|count| count as f64 / 2.0) };
    let nth = random.index(counts[usize::from(*label)]);
    let at = labels.iter().enumerate().filter(|(_, own)| *own == label).nth(nth).map_or(0, |(at, _)| at);
    [(at / size[1]) as f64, (at % size[1]) as f64]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_shows_the_picture_and_its_labels_at_the_same_place() {
        let size = [50, 70];
        let labels: Vec<u8> =
            (0..3500).map(|n| u8::from((10..40).contains(&(n / 70)) && (20..60).contains(&(n % 70)))).collect();
        let image = labels.iter().map(|label| f32::from(*label)).collect();
        let slice = RealSlice { size, spacing: [2.0, 1.0], image, labels: Some(labels) };
        for seed in 0..20 {
            let view = View::new(&slice, [64, 64], &mut Random::new(seed, 8));
            let (image, labels) = (view.image(), view.labels().unwrap());
            let apart = image.iter().zip(&labels).filter(|(value, label)| (**value > 0.5) != (**label == 1)).count();
            assert!(apart < 120, "{seed}: {apart}");
        }
    }
}
