//! Scans that are being opened with segmentations that were kept of them.

use crate::session::{KeptOverlay, KeptScan, ScanId};

/// Where segmentations come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BroughtFrom {
    /// A journal: its place among those that were taken up, and the scan's number in it.
    Journal(usize, ScanId),
    /// The document that is open.
    Document,
}

/// A scan that is on its way.
#[derive(Debug)]
pub struct Bringing {
    /// Tells it from others.
    pub id: u64,
    /// What was kept.
    pub kept: KeptScan,
    /// Where.
    pub from: BroughtFrom,
    /// Whether the user chose meanwhile what to look at: then it comes without being shown.
    pub is_overtaken: bool,
}

/// All that are on their way.
#[derive(Debug, Default)]
pub struct BringingAll {
    /// Oldest first.
    pub all: Vec<Bringing>,
    /// What is to lie over scans that have come, once the scan above has come too.
    pub overlays: Vec<(ScanId, KeptOverlay)>,
    /// The next number.
    pub next: u64,
}
