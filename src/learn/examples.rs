//! The examples of a step: which slices they are cut from, and reading those ahead where cases are on disk.

use rayon::prelude::*;

use super::augment::{Augmentation, Cut, Example, Sight};
use super::error::FitError;
use super::learner::Draw;
use crate::engine::Random;
use crate::work::Watch;

/// How examples are made.
pub struct Examples {
    /// How they are changed.
    pub augmentation: Augmentation,
    /// Their shape.
    pub cut: Cut,
    /// Share of the examples of a step that must hold foreground.
    pub forced_share: f64,
    /// Seed of sampling and augmentation.
    pub seed: u64,
}

/// A step, which decides what its examples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Steps before it.
    pub number: u64,
    /// Its examples.
    pub batch: usize,
}

/// What the examples of a step are cut from, with what is left of their random numbers.
pub type Sights<'a> = Vec<(Sight<'a>, Random)>;

/// What was read ahead for a step.
pub struct Ahead {
    /// The step.
    pub step: Step,
    /// Its examples' slices.
    pub sights: Sights<'static>,
}

impl Examples {
    /// Draws where the examples of a step lie, and reads their slices.
    ///
    /// # Errors
    /// When slices cannot be read from the disk.
    pub fn look<'a>(&self, step: Step, draw: Draw<'a>) -> Result<Sights<'a>, FitError> {
        (0..step.batch).into_par_iter().map(|n| self.look_at(step, n, draw)).collect()
    }

    /// The same for a step to come, one example after the other; `None` where that fails or the work is to stop: whoever makes the step
    /// finds out why.
    pub fn look_ahead(&self, step: Step, draw: Draw, watch: Watch) -> Option<Ahead> {
        let look = |n| {
            watch.check().ok()?;
            self.look_at(step, n, draw).ok().map(|(sight, random)| (sight.into_owned(), random))
        };
        let sights: Option<Sights<'static>> = (0..step.batch).map(look).collect();
        sights.map(|sights| Ahead { step, sights })
    }

    /// Cuts the examples of a step.
    pub fn cut(&self, sights: Sights) -> Vec<Example> {
        let cut = |(sight, mut random): (Sight, Random)| self.augmentation.cut(&sight, self.cut, &mut random);
        sights.into_par_iter().map(cut).collect()
    }

    fn look_at<'a>(&self, step: Step, n: usize, draw: Draw<'a>) -> Result<(Sight<'a>, Random), FitError> {
        let forced = (self.forced_share * step.batch as f64).round() as usize;
        // Every example has its own stream, so that threads do not matter.
        let mut random = Random::new(self.seed, 1 + step.number * step.batch as u64 + n as u64);
        let drawn = draw(n >= step.batch - forced, &mut random);
        Ok((self.augmentation.look(&drawn, self.cut, &mut random)?, random))
    }
}
