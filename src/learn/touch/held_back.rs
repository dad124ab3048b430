//! How well examples are answered that no training sees.

use std::collections::BTreeMap;

use super::example::{Drawn, Sources};
use super::kinds::{HELD_BACK, KINDS};
use crate::engine::{Array, Network, Random};
use crate::learn::FitError;
use crate::pipeline::CHANNELS;
use crate::work::Watch;

/// Stream of random numbers of the examples, apart from those of all steps.
const STREAM: u64 = u64::MAX;
/// The plane that says how much nearer strokes on the structure are over likely pixels: what there is without a network.
const NEARER: usize = 5;

/// Mean Dice by kind, and over all examples.
#[derive(Debug, Clone, PartialEq)]
pub struct TouchDice {
    /// Over the kinds that are learned from, each with examples of its own.
    pub seen: f64,
    /// Over the kinds that are not.
    pub unseen: f64,
    /// By kind.
    pub kinds: BTreeMap<&'static str, f64>,
}

/// Examples to measure by.
pub struct HeldBack {
    examples: Vec<(&'static str, Drawn)>,
}

impl HeldBack {
    /// So many examples of every kind, always the same, of as many rows as columns; none of them has a mask so far.
    pub fn new(each: usize, side: usize) -> Self {
        let kinds = KINDS.chunks(1).chain(HELD_BACK.chunks(1));
        let draw = |(place, kinds): (usize, &'static [super::kinds::Kind])| {
            let sources = Sources { kinds, real: None, has_earlier: 0.0 };
            (0..each).map(move |n| {
                let mut random = Random::new((place * each + n) as u64, STREAM);
                (kinds[0].name, sources.draw([side; 2], &mut random))
            })
        };
        Self { examples: kinds.enumerate().flat_map(draw).collect() }
    }

    /// What a network makes of them.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    pub fn measure(&self, network: &mut Network, watch: Watch) -> Result<TouchDice, FitError> {
        self.measured(|drawn| {
            let [rows, columns] = drawn.size;
            let input = Array::new([1, CHANNELS, rows, columns], drawn.planes());
            let outputs = network.infer(&input, watch)?;
            let logits = outputs.first().map_or(&[][..], |array| &array.values);
            let (off, on) = logits.split_at(logits.len() / 2);
            Ok(on.iter().zip(off).map(|(on, off)| on > off).collect())
        })
    }

    /// What nearness alone makes of them.
    ///
    /// # Errors
    /// None; as of [`HeldBack::measure`].
    pub fn measure_without(&self) -> Result<TouchDice, FitError> {
        self.measured(|drawn| {
            let count = drawn.mask.len();
            Ok(drawn.planes()[NEARER * count..][..count].iter().map(|nearer| *nearer > 0.0).collect())
        })
    }

    fn measured(&self, mut answer: impl FnMut(&Drawn) -> Result<Vec<bool>, FitError>) -> Result<TouchDice, FitError> {
        let mut sums: BTreeMap<&'static str, (f64, usize)> = BTreeMap::new();
        for (name, drawn) in &self.examples {
            let found = answer(drawn)?;
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + dice(&found, &drawn.mask), sum.1 + 1);
        }
        let kinds: BTreeMap<&'static str, f64> =
            sums.into_iter().map(|(name, (sum, count))| (name, sum / count as f64)).collect();
        let mean = |of: &[super::kinds::Kind]| {
            of.iter().filter_map(|kind| kinds.get(kind.name)).sum::<f64>() / of.len() as f64
        };
        Ok(TouchDice { seen: mean(KINDS), unseen: mean(HELD_BACK), kinds })
    }
}

/// Dice of two masks.
fn dice(a: &[bool], b: &[bool]) -> f64 {
    let count = |mask: &[bool]| mask.iter().filter(|is_in| **is_in).count();
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count();
    let sum = count(a) + count(b);
    if sum == 0 { 1.0 } else { 2.0 * both as f64 / sum as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_alone_finds_something_of_every_kind_and_not_all() {
        let found = HeldBack::new(1, 96).measure_without().unwrap();
        assert_eq!(found.kinds.len(), KINDS.len() + HELD_BACK.len());
        assert!((0.2..0.95).contains(&found.seen), "{found:?}");
        assert_eq!(dice(&[true, true, false], &[true, false, false]), 2.0 / 3.0);
    }
}
