//! Work that a window which is gone has left in its journal.

use std::time::SystemTime;

use crate::jobs::{LeftJournal, LeftScan};
use crate::session::ScanId;
use crate::words::{self, plural, say};

/// A scan with unsaved work, which is offered.
#[derive(Debug)]
pub struct Offer {
    /// Place of its journal in [`Recovery::journals`].
    pub journal: usize,
    /// What was left of it.
    pub left: LeftScan,
    /// When something was done last.
    pub when: Option<SystemTime>,
    /// Whether it is being brought back.
    pub is_coming: bool,
}

/// What is offered.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Scans with unsaved work.
    pub offers: Vec<Offer>,
    /// Journals of these scans, which this process has taken up; none where all of one was restored or discarded.
    pub journals: Vec<Option<LeftJournal>>,
    /// Whether the user is asked now.
    pub is_open: bool,
    /// An offer that is discarded if the user says so once more.
    pub doubted: Option<(usize, ScanId)>,
    /// What is in this window's journal as soon as that is written, and then is not needed in the old one.
    pub restored: Vec<(usize, ScanId)>,
}

/// The user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryAnswer {
    /// Bring one back.
    Restore(usize),
    /// Bring all back.
    RestoreAll,
    /// Ask once more before one is discarded.
    Doubt(usize),
    /// Keep it after all.
    Keep,
    /// Throw one away.
    Discard(usize),
    /// Ask again another time.
    Later,
}

impl Offer {
    /// What tells it from others, wherever it is in the list.
    pub fn key(&self) -> (usize, ScanId) {
        (self.journal, self.left.scan)
    }

    /// What was done: "12 changes after the last save: Brush (10), Fill (2)".
    pub fn summary(&self) -> String {
        let steps = &self.left.kept.steps;
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for step in steps {
            match counts.iter_mut().find(|(name, _)| name == step) {
                Some((_, count)) => *count += 1,
                None => counts.push((step, 1)),
            }
        }
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let named = |(name, count): &(&str, usize)| {
            if *count == 1 { words::shown(name).into_owned() } else { format!("{} ({count})", words::shown(name)) }
        };
        let few: Vec<String> = counts.iter().take(MOST_NAMES).map(named).collect();
        let more = if counts.len() > MOST_NAMES { ", ..." } else { "" };
        match steps.len() {
            0 => say!("Labels that were restored before and are still not saved").into(),
            many => {
                let steps = format!("{}{more}", few.join(", "));
                plural!(
                    many,
                    "1 change after the last save: {steps}",
                    "{count} changes after the last save: {steps}",
                    count = many,
                    steps
                )
            }
        }
    }

    /// What comes back: "3 labels, 12345 voxels".
    pub fn content(&self) -> String {
        let [labels, voxels] = self.left.content;
        let several = match self.left.kept.segmentations.len() {
            0 | 1 => String::new(),
            many => say!(" in {count} segmentations", count = many),
        };
        let measured = match self.left.kept.measurements.len() {
            0 => String::new(),
            many => plural!(many, ", 1 measurement", ", {count} measurements", count = many),
        };
        let labels = plural!(labels, "1 label", "{count} labels", count = labels);
        say!("{labels}{several}, {voxels} voxels{measured}", labels, several, voxels, measured)
    }
}

/// Most kinds of changes that are named.
const MOST_NAMES: usize = 4;
