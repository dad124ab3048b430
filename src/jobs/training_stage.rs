//! Which of its stages a training is in.

use super::job::Work;
use crate::learn::{FitEvent, Measurement};

/// Tells what a training is doing, and the share of that which is done.
#[derive(Default)]
pub(super) struct TrainingStage {
    now: Option<&'static str>,
    /// Share of the budget that is used.
    learned: f32,
}

impl TrainingStage {
    pub(super) const READING: &'static str = "reading scans";
    const PREPARING: &'static str = "preparing scans";
    const MEASURING_START: &'static str = "measuring the start";
    const LEARNING: &'static str = "learning";
    const MEASURING: &'static str = "measuring";

    /// Takes over what an event says of it.
    pub(super) fn follow<E>(&mut self, event: &FitEvent, work: &Work<E>) {
        let share = |done: usize, count: usize| done as f32 / count.max(1) as f32;
        let (name, then, fraction) = match event {
            // What follows the last scan has no share of its own.
            FitEvent::Preparing { done, count } if done == count => (Self::PREPARING, Some(Self::LEARNING), 0.0),
            FitEvent::Preparing { done, count } => (Self::READING, Some(Self::LEARNING), share(*done, *count)),
            FitEvent::Measuring { done, count, when: Measurement::Start } => {
                (Self::MEASURING_START, Some(Self::LEARNING), share(*done, *count))
            }
            FitEvent::Measuring { done, count, when: Measurement::Last } => {
                (Self::MEASURING, None, share(*done, *count))
            }
            // Between two steps the share is that of the whole.
            FitEvent::Measuring { .. } => (Self::LEARNING, Some(Self::MEASURING), self.learned),
            FitEvent::Step { done, .. } => {
                self.learned = *done as f32;
                (Self::LEARNING, Some(Self::MEASURING), self.learned)
            }
            _ => return,
        };
        if self.now != Some(name) {
            self.now = Some(name);
            work.begin(name, then);
        }
        // The training itself looks for a stop.
        let _ = work.watch.stage(name).at(fraction);
    }
}
