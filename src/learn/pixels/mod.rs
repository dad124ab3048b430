//! A pixel classifier: from a few scribbles to labels of whole slices, in a moment.

mod features;
mod filters;

use rayon::prelude::*;

use super::start;
use crate::engine::{Array, DeviceChoice, EngineError, Mode, Network, Optimiser, Random, Recipe, SegmentationLoss};
use crate::graph::Activation;
use crate::volume::LabelValue;
use crate::work::Watch;
use crate::zoo::{Ends, Perceptron};

pub use features::{FEATURES, features};

/// The label of pixels without a scribble.
pub const UNMARKED: LabelValue = LabelValue::MAX;

/// Most pixels of a class that are learned from.
const MOST_PIXELS: usize = 1500;
/// Steps over all of them.
const STEPS: usize = 80;
/// Learning rate of Adam.
const RATE: f64 = 0.02;
/// Units of the hidden layer.
const HIDDEN: usize = 24;
/// Pixels that are classified at a time.
const PIXELS_AT_ONCE: usize = 1 << 15;

/// Kind of classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelRule {
    /// A perceptron: one weight for each feature and class.
    Perceptron,
    /// A perceptron with a hidden layer.
    MultiLayer,
}

/// A slice with scribbles.
pub struct Scribbled<'a> {
    /// Values, row by row.
    pub image: &'a [f32],
    /// Rows and columns.
    pub size: [usize; 2],
    /// The label of each pixel, or [`UNMARKED`].
    pub labels: &'a [LabelValue],
}

/// A trained classifier.
pub struct PixelClassifier {
    classes: Vec<LabelValue>,
    /// Mean and deviation of every feature among the scribbles.
    spread: Vec<[f32; 2]>,
    network: Network,
}

impl PixelClassifier {
    /// Learns from scribbles. The same scribbles and seed give the same classifier.
    ///
    /// # Errors
    /// When there are not two labels, the network does not work, or the work is stopped.
    pub fn train(slices: &[Scribbled], rule: PixelRule, seed: u64, watch: Watch) -> Result<Self, EngineError> {
        let mut by_class: std::collections::BTreeMap<LabelValue, Vec<Vec<f32>>> = std::collections::BTreeMap::new();
        for slice in slices {
            let maps = features(slice.image, slice.size, watch)?;
            let pixels = slice.image.len();
            for (at, &label) in slice.labels.iter().enumerate().filter(|(_, label)| **label != UNMARKED) {
                let point = (0..FEATURES).map(|n| maps[n * pixels + at]).collect();
                by_class.entry(label).or_default().push(point);
            }
        }
        if by_class.len() < 2 {
            return Err(EngineError::Architecture("paint a little of two labels at least".into()));
        }
        let mut random = Random::new(seed, 0);
        let classes: Vec<LabelValue> = by_class.keys().copied().collect();
        let mut points: Vec<(u16, Vec<f32>)> = Vec::new();
        for (class, mut all) in (0..).zip(by_class.into_values()) {
            while all.len() > MOST_PIXELS {
                all.swap_remove(random.index(all.len()));
            }
            points.extend(all.into_iter().map(|point| (class, point)));
        }
        let spread: Vec<[f32; 2]> = (0..FEATURES).map(|n| mean_and_deviation(&points, n)).collect();
        let hidden = if rule == PixelRule::MultiLayer { vec![HIDDEN] } else { Vec::new() };
        let perceptron = Perceptron { hidden, activation: Activation::Relu, bank: false };
        let graph = perceptron.build(Ends { in_channels: FEATURES, classes: classes.len() })?;
        let first = start::random(&graph, seed);
        let mut network = Network::new(graph, &first.weights, DeviceChoice::Cpu)?;
        let recipe = Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-3 };
        let mut optimiser = Optimiser::new(recipe, None);
        let count = points.len();
        let mut values = vec![0.0; FEATURES * count];
        for (at, (_, point)) in points.iter().enumerate() {
            for n in 0..FEATURES {
                values[n * count + at] = scaled(point[n], spread[n]);
            }
        }
        let target: Vec<u16> = points.iter().map(|(class, _)| *class).collect();
        let input = Array::new([1, FEATURES, 1, count], values);
        // Every class counts alike, however much of it is painted: that is what Dice of all classes does.
        let loss = SegmentationLoss { background: true, ..SegmentationLoss::default() };
        for step in 0..STEPS {
            let pass = network.run(&input, Mode::Training, watch)?;
            let Some(logits) = pass.outputs()?.into_iter().next() else { break };
            let gradients = pass.backward(&[loss.of(&logits, &target).gradient], watch)?;
            optimiser.step(&mut network, &gradients, RATE * (1.0 - step as f64 / STEPS as f64))?;
        }
        Ok(Self { classes, spread, network })
    }

    /// The most probable label of every pixel.
    ///
    /// # Errors
    /// When the network does not work or the work is stopped.
    pub fn classify(&mut self, image: &[f32], size: [usize; 2], watch: Watch) -> Result<Vec<LabelValue>, EngineError> {
        let (maps, pixels) = (features(image, size, watch)?, image.len());
        let mut labels = Vec::with_capacity(pixels);
        for start in (0..pixels).step_by(PIXELS_AT_ONCE) {
            let count = PIXELS_AT_ONCE.min(pixels - start);
            let mut values = vec![0.0; FEATURES * count];
            values.par_chunks_exact_mut(count).enumerate().for_each(|(n, line)| {
                let from = &maps[n * pixels + start..][..count];
                line.iter_mut().zip(from).for_each(|(v, &f)| *v = scaled(f, self.spread[n]));
            });
            let input = Array::new([1, FEATURES, 1, count], values);
            let Some(logits) = self.network.infer(&input, watch)?.into_iter().next() else { break };
            labels.extend((0..count).map(|at| {
                let value = |class: usize| logits.values[class * count + at];
                let best = (1..self.classes.len())
                    .fold(0, |best, class| if value(class) > value(best) { class } else { best });
                self.classes[best]
            }));
        }
        Ok(labels)
    }
}

fn scaled(value: f32, [mean, deviation]: [f32; 2]) -> f32 {
    // Far outside of what was painted nothing is known: no feature may drown the others.
    ((value - mean) / deviation).clamp(-5.0, 5.0)
}

fn mean_and_deviation(points: &[(u16, Vec<f32>)], feature: usize) -> [f32; 2] {
    let values = || points.iter().map(|(_, point)| f64::from(point[feature]));
    let mean = values().sum::<f64>() / points.len() as f64;
    let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / points.len() as f64;
    [mean as f32, (variance.sqrt() as f32).max(1e-6)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Discs of a texture on a ground of the same brightness, and where they are.
    fn picture(size: usize) -> (Vec<f32>, Vec<bool>) {
        let mut random = Random::new(3, 0);
        let inside: Vec<bool> = (0..size * size)
            .map(|n| {
                let (y, x) = ((n / size) as f32, (n % size) as f32);
                [(0.3, 0.3), (0.7, 0.65)]
                    .iter()
                    .any(|(a, b)| (y - a * size as f32).hypot(x - b * size as f32) < 0.17 * size as f32)
            })
            .collect();
        let image = inside
            .iter()
            .enumerate()
            .map(|(n, inside)| {
                let stripes = if (n % size / 2).is_multiple_of(2) { 1.0 } else { -1.0 };
                (if *inside { stripes } else { 0.0 }) + 0.3 * random.normal() as f32
            })
            .collect();
        (image, inside)
    }

    #[test]
    fn a_few_scribbles_tell_a_texture_from_its_ground() {
        let size = 96;
        let (image, inside) = picture(size);
        let mut labels = vec![UNMARKED; size * size];
        for n in 0..14 {
            labels[29 * size + 22 + n] = 7;
            labels[80 * size + 20 + n] = 2;
        }
        for rule in [PixelRule::Perceptron, PixelRule::MultiLayer] {
            let slice = Scribbled { image: &image, size: [size, size], labels: &labels };
            let mut classifier = PixelClassifier::train(&[slice], rule, 1, Watch::unwatched()).unwrap();
            let found = classifier.classify(&image, [size, size], Watch::unwatched()).unwrap();
            let both = found.iter().zip(&inside).filter(|(label, inside)| **label == 7 && **inside).count() as f64;
            let all = found.iter().filter(|label| **label == 7).count() + inside.iter().filter(|i| **i).count();
            let dice = 2.0 * both / all as f64;
            println!("{rule:?}: Dice {dice:.3}");
            assert!(dice > 0.8, "{rule:?}: {dice}");
        }
        let one = Scribbled { image: &image, size: [size, size], labels: &vec![7; size * size] };
        assert!(PixelClassifier::train(&[one], PixelRule::Perceptron, 1, Watch::unwatched()).is_err());
    }
}
