//! What a training has done so far, and the best that came of it.

use std::collections::BTreeMap;

use super::checkpoint::{BestSoFar, TrainingProgress};
use super::epoch::Epoch;
use super::validation::{CaseDice, mean_dice};
use crate::engine::Weights;

/// Where nothing is held back every epoch gives a better model; it is given away no more often than this.
const UNMEASURED_SECONDS: f64 = 10.0;

/// The course of a training.
#[derive(Default)]
pub struct Record {
    /// The best validation and its weights.
    pub best: Option<(BestSoFar, Weights)>,
    /// Steps at the last validation.
    pub validated: Option<u64>,
    /// Every epoch that has ended.
    pub epochs: Vec<Epoch>,
    /// Dice of the model that training started from.
    pub before: Option<Vec<CaseDice>>,
    /// Sum and count of the losses of the epoch that is not over.
    pub losses: (f64, usize),
    /// Rate of the last step.
    pub rate: f64,
    /// Seconds that validations took.
    pub measuring: f64,
    /// Seconds when the best model was given away last.
    given: f64,
}

/// What a validation came to.
pub struct Judged {
    /// Mean Dice per label name.
    pub dice: BTreeMap<String, f64>,
    /// Whether it is the best so far.
    pub is_better: bool,
    /// Whether the best model is to be given away now.
    pub is_due: bool,
}

impl Record {
    /// A step's loss.
    pub fn add(&mut self, loss: f64, rate: f64) {
        self.losses = (self.losses.0 + loss, self.losses.1 + 1);
        self.rate = rate;
    }

    /// Whether the last step of an epoch is made and the epoch has not ended, because a validation was broken off.
    pub fn owes_an_epoch(&self, steps: u64, steps_per_epoch: usize) -> bool {
        let each = steps_per_epoch as u64;
        let ended = self.epochs.last().map_or(0, |epoch| epoch.number as u64);
        steps.is_multiple_of(each) && ended < steps / each
    }

    /// Takes a validation, and keeps the weights where it is the best so far. Without validation cases (or labels in them) there is
    /// nothing to choose by: the latest weights are kept, unless they are no numbers.
    pub fn judge(
        &mut self,
        epoch: usize,
        cases: Vec<CaseDice>,
        weights: Weights,
        seconds: f64,
        is_last: bool,
    ) -> Judged {
        let dice = mean_dice(&cases);
        let mean = dice.values().sum::<f64>() / dice.len().max(1) as f64;
        let is_better = if dice.is_empty() {
            weights.values().all(|array| array.values.iter().all(|value| value.is_finite()))
        } else {
            self.best.as_ref().is_none_or(|(best, _)| mean > best.mean)
        };
        let is_due = is_better && (!dice.is_empty() || is_last || seconds - self.given >= UNMEASURED_SECONDS);
        if is_due {
            self.given = seconds;
        }
        if is_better {
            self.best = Some((BestSoFar { mean, epoch, cases }, weights));
        }
        Judged { dice, is_better, is_due }
    }

    /// Whether there is patience left after the epoch of this number.
    pub fn has_patience(&self, number: usize, patience: Option<usize>) -> bool {
        let best = self.best.as_ref().map_or(number, |(best, _)| best.epoch);
        let since = self.epochs.iter().filter(|epoch| epoch.number > best && epoch.dice.is_some()).count();
        patience.is_none_or(|patience| since < patience)
    }

    /// The record of an interrupted training.
    pub fn restored(progress: TrainingProgress, best: Option<Weights>) -> Self {
        Self {
            best: progress.best.zip(best),
            epochs: progress.epochs,
            before: progress.before,
            losses: progress.losses,
            measuring: progress.measuring,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Array;

    fn weights(value: f32) -> Weights {
        Weights::from([("w".to_string(), Array::new([1], vec![value]))])
    }

    fn cases(dice: f64) -> Vec<CaseDice> {
        vec![CaseDice { name: "a".into(), dice: BTreeMap::from([("ball".into(), dice)]) }]
    }

    #[test]
    fn the_best_is_kept_and_patience_counts_from_it() {
        let mut record = Record::default();
        for (number, dice) in [(1, 0.5), (2, 0.7), (3, 0.6), (4, 0.7)] {
            let judged = record.judge(number, cases(dice), weights(number as f32), 1.0, false);
            assert_eq!((judged.is_better, judged.is_due), (number < 3, number < 3), "{number}");
            let dice = Some(judged.dice);
            let epoch = Epoch { number, done: 0.0, loss: 0.0, dice, best: false, seconds: 0.0, rate: 0.0 };
            record.epochs.push(epoch);
        }
        let (best, kept) = record.best.as_ref().unwrap();
        assert_eq!((best.epoch, best.mean, kept["w"].values[0]), (2, 0.7, 2.0));
        assert!(record.has_patience(4, Some(3)) && !record.has_patience(4, Some(2)));
    }

    #[test]
    fn where_nothing_is_measured_the_latest_is_kept_and_given_away_seldom() {
        let mut record = Record::default();
        let mut judge = |epoch, value, seconds| {
            let judged = record.judge(epoch, Vec::new(), weights(value), seconds, false);
            (judged.is_better, judged.is_due)
        };
        assert_eq!(judge(1, 1.0, 10.0), (true, true));
        assert_eq!(judge(2, 2.0, 19.0), (true, false));
        assert_eq!(judge(3, f32::NAN, 30.0), (false, false));
        assert_eq!(record.best.unwrap().1["w"].values, [2.0]);
    }
}
