//! How often the held-back cases are measured.

use super::plan::Budget;

/// Share of a time budget that measuring may take.
const MEASURING_SHARE: f64 = 0.1;

/// How often the held-back cases are measured; they always are at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// After every so many epochs.
    Epochs(usize),
    /// After the first epoch, and then whenever measuring has taken no more than this share of the time.
    Share(f64),
}

impl Pace {
    /// What was chosen; else after every epoch of a budget in epochs, and a tenth of a budget in time.
    pub fn new(chosen: Option<usize>, budget: Budget) -> Self {
        match (chosen, budget) {
            (Some(epochs), _) => Self::Epochs(epochs.max(1)),
            (None, Budget::Epochs(_)) => Self::Epochs(1),
            (None, Budget::Time(_)) => Self::Share(MEASURING_SHARE),
        }
    }

    /// Whether to measure after an epoch, with so many seconds spent on measuring of all so far.
    pub fn is_due(self, epoch: usize, measuring: f64, seconds: f64) -> bool {
        match self {
            Self::Epochs(every) => epoch.is_multiple_of(every),
            Self::Share(share) => measuring <= share * seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn measuring_takes_its_share_of_a_time_budget_and_no_more() {
        let pace = Pace::new(None, Budget::Time(Duration::from_mins(20)));
        let (mut seconds, mut measuring, mut count) = (0.0, 0.0, 0);
        for epoch in 1.. {
            seconds += 10.0;
            if seconds >= 1200.0 {
                break;
            }
            if pace.is_due(epoch, measuring, seconds) {
                (seconds, measuring, count) = (seconds + 23.0, measuring + 23.0, count + 1);
            }
            assert!(epoch > 1 || count == 1, "the first epoch is measured");
        }
        assert!((5..=6).contains(&count), "{count}");
        assert_eq!(Pace::new(None, Budget::Epochs(3)), Pace::Epochs(1));
        assert!(Pace::new(Some(3), Budget::Epochs(9)).is_due(6, 1e9, 1.0));
        assert!(!Pace::new(Some(3), Budget::Epochs(9)).is_due(7, 0.0, 1.0));
    }
}
