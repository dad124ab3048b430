//! What is to be learned from a folder of labelled scans: which of its scans, and which labels.

use std::collections::{BTreeMap, BTreeSet};

use crate::jobs::DatasetFacts;
use crate::learn::{Split, SplitChoice};

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
#[derive(Debug, Clone, PartialEq)]
pub struct ScanChoices {
    /// The folder as it is.
    pub facts: DatasetFacts,
    /// What becomes of every scan, by name.
    pub uses: Vec<(String, ScanUse)>,
    /// Labels that are not to be learned.
    pub left_out: BTreeSet<String>,
}

impl ScanChoices {
    /// As it was chosen before for this folder; else all labels, and the scans as they are split where nobody chooses.
    pub fn new(facts: DatasetFacts, before: Option<Self>) -> Self {
        let learned = facts.split.train.iter().map(|name| (name.clone(), ScanUse::Learn));
        let held_back = facts.split.validation.iter().map(|name| (name.clone(), ScanUse::HoldBack));
        let mut uses: Vec<_> = learned.chain(held_back).collect();
        uses.sort_by(|a, b| a.0.cmp(&b.0));
        let mut left_out = BTreeSet::new();
        if let Some(before) = before.filter(|before| before.facts.folder == facts.folder) {
            let before_of: BTreeMap<String, ScanUse> = before.uses.into_iter().collect();
            for (name, of) in &mut uses {
                *of = before_of.get(name).copied().unwrap_or(*of);
            }
            left_out = before.left_out;
        }
        Self { facts, uses, left_out }
    }

    /// The names of scans of one use.
    fn of(&self, wanted: ScanUse) -> Vec<String> {
        self.uses.iter().filter(|(_, of)| *of == wanted).map(|(name, _)| name.clone()).collect()
    }

    /// The scans that are learned from.
    pub fn learned(&self) -> Vec<String> {
        self.of(ScanUse::Learn)
    }

    /// How many scans have a use.
    pub fn count(&self, wanted: ScanUse) -> usize {
        self.uses.iter().filter(|(_, of)| *of == wanted).count()
    }

    /// The choice of scans for a training.
    pub fn split(&self) -> SplitChoice {
        SplitChoice::Lists(Split { train: self.learned(), validation: self.of(ScanUse::HoldBack) })
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
    fn choices_outlive_another_look_at_the_folder() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let facts = |train: &[&str], folder: &str| {
            let split = Split { train: names(train), validation: names(&["b"]) };
            DatasetFacts { folder: folder.into(), split, labels: names(&["x", "y"]) }
        };
        let lists = |train: &[&str], validation: &[&str]| {
            SplitChoice::Lists(Split { train: names(train), validation: names(validation) })
        };
        let mut scans = ScanChoices::new(facts(&["a", "c"], "scans"), None);
        assert_eq!((scans.split(), scans.labels(), scans.problem()), (lists(&["a", "c"], &["b"]), vec![], None));
        scans.uses[0].1 = ScanUse::LeaveOut;
        scans.left_out.insert("y".into());
        let mut again = ScanChoices::new(facts(&["a", "c", "d"], "scans"), Some(scans.clone()));
        assert_eq!((again.split(), again.labels()), (lists(&["c", "d"], &["b"]), names(&["x"])));
        let other = ScanChoices::new(facts(&["a", "c"], "others"), Some(scans));
        assert_eq!((other.split(), other.labels()), (lists(&["a", "c"], &["b"]), vec![]));
        again.uses.iter_mut().for_each(|(_, of)| *of = ScanUse::LeaveOut);
        assert_eq!(again.problem(), Some("Choose a scan to learn from"));
        again.left_out.insert("x".into());
        assert_eq!(again.problem(), Some("Choose a label to learn"));
    }
}
