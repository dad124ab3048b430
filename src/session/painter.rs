//! The one law: whoever changes labels does so through a [`Painter`], which leaves alone what is protected.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::document::{Document, Revision, Segmentation, SegmentationId};
use super::protection::{KeptBy, Protection, positions};
use crate::volume::{BrickPatch, LabelMap, LabelTable, LabelValue, PlaneLayout, Region, Volume, VoxelRow};
use crate::work::{Stopped, Watch};

/// Over which labels may be painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DrawOver {
    /// All that are not locked.
    #[default]
    Everything,
    /// Voxels without a label.
    Background,
    /// One label.
    Label(LabelValue),
    /// Labels that are shown, and the background.
    Visible,
}

/// Where may be painted, besides what is protected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PaintRules {
    /// Over which labels.
    pub over: DrawOver,
    /// Over which values of the image, both ends included, and in which frame.
    pub range: Option<([f64; 2], usize)>,
    /// In which part of the grid.
    pub region: Option<Region>,
}

/// Changes labels, but nothing that is protected.
///
/// It works on snapshots, so it can be sent to another thread; the session refuses its patch where the segmentation has changed since.
#[derive(Debug, Clone)]
pub struct Painter {
    of: SegmentationId,
    volume: Arc<Volume>,
    before: LabelMap,
    labels: LabelMap,
    table: LabelTable,
    revision: Revision,
    protection: Protection,
    rules: PaintRules,
    /// Voxels of each label that were kept out, by what.
    kept: BTreeMap<KeptBy, usize>,
}

/// How labels come in that were made elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// Labels that the new segmentation knows; voxels of all others stay. `None`: it knows them all.
    pub known: Option<BTreeSet<LabelValue>>,
    /// Slices that were corrected by hand: they are counted where they would change.
    pub corrected: Vec<(PlaneLayout, usize)>,
}

/// What became of labels that came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Voxels of the new labels that were kept out, and by what. Finished slices are left out: they are expected to stay.
    pub kept_out: BTreeMap<(LabelValue, KeptBy), usize>,
    /// Slices corrected by hand that change, each counted once.
    pub corrected: usize,
}

/// What a painter did.
#[derive(Debug, Clone)]
pub struct Painted {
    pub(super) of: SegmentationId,
    pub(super) patch: BrickPatch,
    /// What the segmentation was when the painter began.
    pub(super) made_on: Revision,
    /// The labels afterwards.
    pub labels: LabelMap,
    /// Voxels that were kept as they are, and by what.
    pub kept: BTreeMap<KeptBy, usize>,
}

impl Painted {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.patch.is_empty()
    }
}

impl Painter {
    /// A painter over a segmentation as it is now; `None` where the segmentation or its scan is not in the document.
    pub fn new(document: &Document, of: SegmentationId, rules: &PaintRules) -> Option<Self> {
        let segmentation = document.segmentation(of)?;
        let volume = document.scan(segmentation.scan)?.clone();
        Some(Self {
            of,
            volume,
            before: segmentation.labels.clone(),
            labels: segmentation.labels.clone(),
            table: segmentation.table.clone(),
            revision: segmentation.revision,
            protection: segmentation.protection(),
            rules: rules.clone(),
            kept: BTreeMap::new(),
        })
    }

    /// Keeps more slices as they are than those that are finished.
    #[must_use]
    pub fn keeping(mut self, slices: &[(PlaneLayout, usize)]) -> Self {
        self.protection.add_slices(&self.before, slices);
        self
    }

    /// The labels as they are now.
    pub fn labels(&self) -> &LabelMap {
        &self.labels
    }

    /// The labels as they were.
    pub fn before(&self) -> &LabelMap {
        &self.before
    }

    /// What the segmentation was.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The scan.
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Names and locks as they were.
    pub fn table(&self) -> &LabelTable {
        &self.table
    }

    /// What keeps a voxel of the segmentation from getting a label. `old` is the voxel's label when the painter began.
    fn keeps(&self, voxel: [usize; 3], old: LabelValue, new: LabelValue) -> Option<KeptBy> {
        self.protection.keeps(voxel, old, new).or_else(|| {
            let is_over = match self.rules.over {
                DrawOver::Everything => true,
                DrawOver::Background => old == 0,
                DrawOver::Label(label) => old == label,
                DrawOver::Visible => old == 0 || self.table.get(old).is_none_or(|label| label.visible),
            };
            let is_in_range = || {
                self.rules.range.is_none_or(|([low, high], frame)| {
                    (low..=high).contains(&self.volume.value(voxel, frame.min(self.volume.frame_count() - 1)))
                })
            };
            match () {
                () if !is_over => Some(KeptBy::DrawOver),
                () if self.rules.region.is_some_and(|region| !region.contains(voxel)) => Some(KeptBy::Region),
                () if !is_in_range() => Some(KeptBy::Range),
                () => None,
            }
        })
    }

    /// Gives voxels inside the grid a label. What is protected stays, and is counted. Whether anything changed.
    ///
    /// A voxel is judged by the label that it had when the painter began, so that one stroke may pass twice over a place.
    pub fn fill(&mut self, voxels: &[[usize; 3]], label: LabelValue) -> bool {
        let mut changed = false;
        for &voxel in voxels {
            let now = self.labels.get(voxel);
            if now == label {
                continue;
            }
            match self.keeps(voxel, self.before.get(voxel), label) {
                None => {
                    self.labels.set(voxel, label);
                    changed = true;
                }
                Some(by) => *self.kept.entry(by).or_insert(0) += 1,
            }
        }
        changed
    }

    /// Gives rows of voxels a label, as [`fill`](Self::fill) does; what of them lies outside the grid is passed over. Only bricks where
    /// something changes are copied.
    pub fn fill_rows(&mut self, rows: &[VoxelRow], label: LabelValue) -> bool {
        // Where nothing is kept, no voxel is asked about.
        let is_free = self.protection.is_empty() && self.rules == PaintRules::default();
        let mut labels = std::mem::replace(&mut self.labels, self.before.clone());
        let mut kept = std::mem::take(&mut self.kept);
        let mut is_changed = false;
        for row in rows {
            is_changed |= labels.set_row(*row, label, |voxel, _| {
                let by = if is_free { None } else { self.keeps(voxel, self.before.get(voxel), label) };
                by.into_iter().for_each(|by| *kept.entry(by).or_insert(0) += 1);
                by.is_none()
            });
        }
        (self.labels, self.kept) = (labels, kept);
        is_changed
    }

    /// Takes over a whole segmentation on the same grid: from a network, a file, or a classifier. What is protected stays as it is in the
    /// document; what the new labels lost by that is told.
    pub fn take(&mut self, incoming: LabelMap, rule: &Incoming) -> Withheld {
        // Nothing stops it.
        self.take_watched(incoming, rule, Watch::unwatched().finishing()).unwrap_or_default()
    }

    /// The same, as long work.
    ///
    /// # Errors
    /// Where it is stopped; the labels are as before then.
    pub fn take_watched(&mut self, mut incoming: LabelMap, rule: &Incoming, watch: Watch) -> Result<Withheld, Stopped> {
        let corrected = positions(&self.before, &rule.corrected);
        let is_known = |value: LabelValue| value == 0 || rule.known.as_ref().is_none_or(|known| known.contains(&value));
        let known: Vec<bool> = (0..=LabelValue::MAX).map(is_known).collect();
        // Where a label of this segmentation is there already, what was erased by hand counts as corrected too.
        let is_again = self.before.voxel_counts().keys().any(|value| known[usize::from(*value)]);
        let kept_out = Runs::default();
        let changed = RefCell::new(corrected.clone().map(|flags| vec![false; flags.len()]));
        let is_kept = |voxel: [usize; 3], new: LabelValue, old: LabelValue| {
            let unknown = (!known[usize::from(old)]).then_some(KeptBy::Unknown(old));
            match self.keeps(voxel, old, new).or(unknown) {
                Some(KeptBy::FinishedSlice) => true,
                Some(by) => {
                    if new != 0 {
                        kept_out.count((new, by));
                    }
                    true
                }
                None => {
                    if old != 0 || is_again {
                        for axis in 0..3 {
                            if corrected[axis][voxel[axis]] {
                                changed.borrow_mut()[axis][voxel[axis]] = true;
                            }
                        }
                    }
                    false
                }
            }
        };
        incoming.take_from_watched(&self.before, is_kept, watch)?;
        incoming.compact();
        incoming.share_with(&self.before);
        self.labels = incoming;
        let corrected = changed.into_inner().iter().flatten().filter(|is| **is).count();
        Ok(Withheld { kept_out: kept_out.into_counts(), corrected })
    }

    /// Takes a label's voxels away wherever nothing protects them. Whether some of it is left.
    ///
    /// # Errors
    /// Where it is stopped; the labels are as before then.
    pub fn erase(&mut self, label: LabelValue, watch: Watch) -> Result<bool, Stopped> {
        self.relabel(label, 0, watch)
    }

    /// Gives a label's voxels to another one wherever nothing protects them. Whether some of it is left.
    ///
    /// # Errors
    /// Where it is stopped; the labels are as before then.
    pub fn relabel(&mut self, label: LabelValue, to: LabelValue, watch: Watch) -> Result<bool, Stopped> {
        // Every value has its place.
        let without = self.labels.mapped(|other| Some(if other == label { to } else { other }));
        self.take_watched(without.unwrap_or_else(|_| self.labels.clone()), &Incoming::default(), watch)?;
        Ok(self.labels.voxel_counts().contains_key(&label))
    }

    /// Ends the work: the patch for the session.
    pub fn finish(mut self) -> Painted {
        // What was filled or emptied whole takes no memory, here and in the history.
        self.labels.compact_unshared(&self.before);
        Painted {
            of: self.of,
            patch: BrickPatch::between(&self.before, &self.labels),
            made_on: self.revision,
            labels: self.labels,
            kept: self.kept,
        }
    }
}

/// Puts bricks of the history back. What is protected both before and after stays, whatever the history says.
pub(super) fn restore(segmentation: &mut Segmentation, patch: BrickPatch, after: &Protection) -> BrickPatch {
    let before = segmentation.protection();
    if before.is_empty() || after.is_empty() {
        return patch.exchange(&mut segmentation.labels);
    }
    let current = segmentation.labels.clone();
    let mut restored = current.clone();
    let _ = patch.exchange(&mut restored);
    restored.take_from(&current, |voxel, new, old| {
        before.keeps(voxel, old, new).is_some() && after.keeps(voxel, old, new).is_some()
    });
    let inverse = BrickPatch::between(&restored, &current);
    segmentation.labels = restored;
    inverse
}

/// Counts voxels by kind; those of one kind follow each other, so that the table is looked up once for a run.
#[derive(Default)]
struct Runs {
    counts: RefCell<BTreeMap<(LabelValue, KeptBy), usize>>,
    last: Cell<Option<((LabelValue, KeptBy), usize)>>,
}

impl Runs {
    fn count(&self, key: (LabelValue, KeptBy)) {
        match self.last.get() {
            Some((same, voxels)) if same == key => self.last.set(Some((key, voxels + 1))),
            other => {
                self.add(other);
                self.last.set(Some((key, 1)));
            }
        }
    }

    fn add(&self, run: Option<((LabelValue, KeptBy), usize)>) {
        if let Some((key, voxels)) = run {
            *self.counts.borrow_mut().entry(key).or_insert(0) += voxels;
        }
    }

    fn into_counts(self) -> BTreeMap<(LabelValue, KeptBy), usize> {
        self.add(self.last.get());
        self.counts.into_inner()
    }
}

#[cfg(test)]
mod tests;
