//! How far a training is: steps or seconds of its budget, without the time it was paused.

use std::time::{Duration, Instant};

use super::plan::Budget;
use crate::work::Watch;

/// The time a training has run.
pub struct Clock {
    budget: Budget,
    steps_per_epoch: usize,
    before: f64,
    since: Instant,
    paused: Duration,
}

impl Clock {
    /// Starts to run, after `before` seconds of an earlier run.
    pub fn start(budget: Budget, steps_per_epoch: usize, before: f64) -> Self {
        Self { budget, steps_per_epoch, before, since: Instant::now(), paused: Duration::ZERO }
    }

    /// Seconds so far.
    pub fn seconds(&self) -> f64 {
        self.before + (self.since.elapsed().saturating_sub(self.paused)).as_secs_f64()
    }

    /// Share of the budget used after so many steps.
    pub fn done(&self, steps: u64) -> f64 {
        match self.budget {
            Budget::Epochs(count) => steps as f64 / (count * self.steps_per_epoch) as f64,
            Budget::Time(limit) => self.seconds() / limit.as_secs_f64(),
        }
    }

    /// Waits while the work is paused; the time does not count.
    pub fn wait(&mut self, watch: Watch) {
        let started = Instant::now();
        while watch.should_pause() && !watch.should_stop() {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.paused += started.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;

    #[test]
    fn waiting_does_not_count_and_an_earlier_run_does() {
        let mut clock = Clock::start(Budget::Time(Duration::from_secs(100)), 10, 50.0);
        let signal = Signal::default();
        signal.pause(true);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(100));
                signal.pause(false);
            });
            clock.wait(Watch::new(&signal));
        });
        // What was paused does not count.
        assert!(clock.paused >= Duration::from_millis(50), "{:?}", clock.paused);
        let (share, seconds) = (clock.done(0), clock.seconds());
        let worked = clock.since.elapsed().saturating_sub(clock.paused).as_secs_f64();
        assert!((50.0..=50.0 + worked).contains(&seconds), "{seconds}");
        assert!((0.5..=seconds / 100.0).contains(&share), "{share}");
        assert_eq!(Clock::start(Budget::Epochs(4), 10, 50.0).done(30), 0.75);
    }
}
