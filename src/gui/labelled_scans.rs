//! What is to be learned from a folder of labelled scans: which of its scans, and which labels.

use std::collections::BTreeSet;

use crate::jobs::{DatasetFacts, SplitChoice};
use crate::learn::Split;

/// What becomes of a labelled scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanUse {
    /// The model learns from it.
    Learn,
    /// The model is measured on it.
    HoldBack,
    /// Nothing.
    LeaveOut,
}

impl ScanUse {
    /// In the order of the list.
    pub const ALL: [Self; 3] = [Self::Learn, Self::HoldBack, Self::LeaveOut];

    /// For the list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Learn => "learn",
            Self::HoldBack => "hold back",
            Self::LeaveOut => "leave out",
        }
    }
}

/// A folder's scans and labels, and what the user wants of them.
#[derive(Debug, Clone)]
pub struct LabelledScans {
    /// The folder as it is.
    pub facts: DatasetFacts,
    /// What becomes of every scan, by name.
    pub uses: Vec<(String, ScanUse)>,
    /// Labels that are not to be learned.
    pub left_out: BTreeSet<String>,
}

impl LabelledScans {
    /// All labels, and the scans as they are split where nobody chooses.
    pub fn new(facts: DatasetFacts) -> Self {
        let learned = facts.split.train.iter().map(|name| (name.clone(), ScanUse::Learn));
        let held_back = facts.split.validation.iter().map(|name| (name.clone(), ScanUse::HoldBack));
        let mut uses: Vec<_> = learned.chain(held_back).collect();
        uses.sort_by(|a, b| a.0.cmp(&b.0));
        Self { facts, uses, left_out: BTreeSet::new() }
    }

    /// The names of scans of one use.
    fn of(&self, wanted: ScanUse) -> Vec<String> {
        self.uses.iter().filter(|(_, of)| *of == wanted).map(|(name, _)| name.clone()).collect()
    }

    /// How many scans have a use.
    pub fn count(&self, wanted: ScanUse) -> usize {
        self.uses.iter().filter(|(_, of)| *of == wanted).count()
    }

    /// The choice of scans for a training.
    pub fn split(&self) -> SplitChoice {
        let chosen = Split { train: self.of(ScanUse::Learn), validation: self.of(ScanUse::HoldBack) };
        if chosen == self.facts.split { SplitChoice::Default } else { SplitChoice::Lists(chosen) }
    }

    /// The chosen labels; none where all of them are.
    pub fn labels(&self) -> Vec<String> {
        if self.left_out.is_empty() {
            return Vec::new();
        }
        self.facts.labels.iter().filter(|label| !self.left_out.contains(*label)).cloned().collect()
    }

    /// What keeps a training from these choices.
    pub fn problem(&self) -> Option<&'static str> {
        if self.facts.labels.iter().all(|label| self.left_out.contains(label)) {
            return Some("Choose a label to learn");
        }
        (self.count(ScanUse::Learn) == 0).then_some("Choose a scan to learn from")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_are_split_as_always_until_somebody_chooses() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let split = Split { train: names(&["a", "c"]), validation: names(&["b"]) };
        let facts = DatasetFacts { folder: "scans".into(), split, labels: names(&["x", "y"]) };
        let mut scans = LabelledScans::new(facts);
        assert_eq!((scans.split(), scans.labels(), scans.problem()), (SplitChoice::Default, vec![], None));
        scans.uses[0].1 = ScanUse::LeaveOut;
        let chosen = Split { train: names(&["c"]), validation: names(&["b"]) };
        assert_eq!(scans.split(), SplitChoice::Lists(chosen));
        scans.uses[2].1 = ScanUse::LeaveOut;
        assert_eq!(scans.problem(), Some("Choose a scan to learn from"));
        scans.left_out = names(&["x", "y"]).into_iter().collect();
        assert_eq!(scans.problem(), Some("Choose a label to learn"));
    }
}
