//! The mean of the weights of the last steps (Polyak and Juditsky 1992; exponential, as in Tarvainen and Valpola 2017).

use rayon::prelude::*;

use crate::engine::Weights;

/// An exponential mean of weights and running statistics.
#[derive(Debug, Clone)]
pub struct WeightAverage {
    decay: f64,
    steps: u64,
    mean: Weights,
}

impl WeightAverage {
    /// Starts at these weights. `decay` is the share of the old mean that each step keeps, less in the first steps.
    pub fn new(decay: f64, start: Weights) -> Self {
        Self { decay, steps: 0, mean: start }
    }

    /// Goes on with the mean of so many steps.
    pub fn resume(decay: f64, mean: Weights, steps: u64) -> Self {
        Self { decay, steps, mean }
    }

    /// Steps taken in.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes in the weights after a step; names and shapes are those of the start.
    pub fn add(&mut self, weights: &Weights) {
        self.steps += 1;
        // So that what came first does not weigh for long (as in TensorFlow's ExponentialMovingAverage).
        let decay = self.decay.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64)) as f32;
        let pairs: Vec<_> = self.mean.values_mut().zip(weights.values()).collect();
        pairs.into_par_iter().for_each(|(mean, new)| {
            mean.values.iter_mut().zip(&new.values).for_each(|(m, w)| *m = decay * *m + (1.0 - decay) * w);
        });
    }

    /// The mean.
    pub fn mean(&self) -> &Weights {
        &self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Array;

    #[test]
    fn the_mean_follows_slowly_and_starts_fast() {
        let at = |v: f32| Weights::from([("w".to_string(), Array::new([1], vec![v]))]);
        let mut average = WeightAverage::new(0.9, at(0.0));
        average.add(&at(1.0));
        assert!((average.mean()["w"].values[0] - 9.0 / 11.0).abs() < 1e-6);
        for _ in 0..200 {
            average.add(&at(1.0));
        }
        average.add(&at(0.0));
        assert!((average.mean()["w"].values[0] - 0.9).abs() < 1e-5);
    }
}
