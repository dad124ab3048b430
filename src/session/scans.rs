//! Scans come and go, with segmentations and measurements that were kept elsewhere; these are saved. None of it is a step of the history.

use std::sync::Arc;

use super::change::Change;
use super::document::{Revision, ScanId, Segmentation, SegmentationId};
use super::entry::{How, Step as Told, What};
use super::history::{Session, Step};
use super::kept::KeptSegmentation;
use super::kept_overlay::KeptOverlay;
use super::reference::{ScanPlace, ScanReference};
use crate::volume::{Measurement, Volume};

/// Labels do not fit a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scan has {now:?} voxels, and the labels were made on one of {kept:?}")]
pub struct OtherGrid {
    /// Voxels of the scan along i, j, k.
    pub now: [usize; 3],
    /// Those of the labels.
    pub kept: [usize; 3],
}

impl Session {
    /// Opens a scan with an empty segmentation.
    #[allow(clippy::needless_pass_by_value, reason = "the session has the scan from now on")]
    pub fn add_scan(&mut self, volume: Arc<Volume>) -> (ScanId, SegmentationId) {
        let segmentation = |scan| Segmentation::empty(scan, "Segmentation".into(), &volume);
        let scan = self.add_scan_alone(&volume);
        let id = self.add_aside(segmentation(scan));
        (scan, id)
    }

    /// Opens a scan without a segmentation: those that were kept of it follow.
    ///
    /// # Errors
    /// Where they do not fit; nothing is opened then.
    pub fn add_scan_with(
        &mut self,
        volume: &Arc<Volume>,
        kept: Vec<KeptSegmentation>,
    ) -> Result<(ScanId, Vec<SegmentationId>), OtherGrid> {
        kept.iter().try_for_each(|kept| fits(kept, volume))?;
        let scan = self.add_scan_alone(volume);
        let mut ids: Vec<SegmentationId> = kept.into_iter().map(|kept| self.take_in_one(scan, volume, kept)).collect();
        if ids.is_empty() {
            ids.push(self.add_aside(Segmentation::empty(scan, "Segmentation".into(), volume)));
        }
        Ok((scan, ids))
    }

    /// Adds segmentations that were kept of a scan that is open. One of the scan that is empty and that nothing was done with goes,
    /// unless something is on its way into it.
    ///
    /// # Errors
    /// Where they do not fit; nothing changes then. A scan that is not open has no room for any.
    pub fn take_in(
        &mut self,
        scan: ScanId,
        kept: Vec<KeptSegmentation>,
        is_in_hand: impl Fn(SegmentationId) -> bool,
    ) -> Result<Vec<SegmentationId>, OtherGrid> {
        let Some(volume) = self.document.scan(scan).cloned() else { return Ok(Vec::new()) };
        kept.iter().try_for_each(|kept| fits(kept, &volume))?;
        let untouched: Vec<SegmentationId> = self
            .document
            .segmentations_of(scan)
            .filter(|(id, own)| own.is_empty() && !self.is_known(*id) && !is_in_hand(*id))
            .map(|(id, _)| id)
            .collect();
        let ids: Vec<SegmentationId> = kept.into_iter().map(|kept| self.take_in_one(scan, &volume, kept)).collect();
        for id in untouched.into_iter().filter(|_| !ids.is_empty()) {
            self.document.segmentations.remove(&id);
            self.tell_aside(Change::Remove(id));
        }
        Ok(ids)
    }

    /// Whether a step of the history, past or future, is about a segmentation.
    fn is_known(&self, id: SegmentationId) -> bool {
        self.undo.iter().chain(&self.redo).flat_map(|step| &step.inverse).any(|change| change.target() == Some(id))
    }

    fn take_in_one(&mut self, scan: ScanId, volume: &Volume, kept: KeptSegmentation) -> SegmentationId {
        self.next_revision += 1;
        let number = self.next_revision;
        let revision = Revision { labels: number, names: number, locks: number };
        let KeptSegmentation { name, labels, table, states, makers, is_saved } = kept;
        let saved = if is_saved { revision } else { Revision::default() };
        let labels = labels.on(&volume.geometry);
        self.add_aside(Segmentation { scan, name, labels, table, states, makers, revision, saved })
    }

    fn add_scan_alone(&mut self, volume: &Arc<Volume>) -> ScanId {
        let scan = ScanId(self.take_id());
        self.document.scans.insert(scan, volume.clone());
        let reference = ScanReference::of(volume);
        self.document.references.insert(scan, reference.clone());
        self.tell(|| What::Scan(scan, Box::new(reference), None));
        scan
    }

    fn add_aside(&mut self, segmentation: Segmentation) -> SegmentationId {
        let id = SegmentationId(self.take_id());
        self.document.segmentations.insert(id, segmentation.clone());
        self.tell_aside(Change::Add(id, Box::new(segmentation)));
        id
    }

    fn tell_aside(&mut self, change: Change) {
        let (name, changes, revisions) = (String::new(), vec![change], Vec::new());
        self.tell(|| What::Changed(Told { name, how: How::Aside, changes, revisions, measured: Vec::new() }));
    }

    /// Remembers where a scan was read from.
    pub fn set_place(&mut self, scan: ScanId, place: ScanPlace) {
        self.refer(scan, |reference| reference.place = Some(place));
    }

    /// Remembers the checksum of a scan's voxels.
    pub fn set_checksum(&mut self, scan: ScanId, checksum: u64) {
        self.refer(scan, |reference| reference.checksum = Some(checksum));
    }

    /// Remembers the document that a scan's voxels lie in too, or that there is none.
    pub fn set_copy(&mut self, scan: ScanId, copy: Option<ScanPlace>) {
        if self.document.reference(scan).is_some_and(|own| own.copy != copy) {
            self.refer(scan, |reference| reference.copy = copy);
        }
    }

    /// Chooses whether a `.lamella` file of the document holds the scans too. It is how the document is saved, and no step of the history.
    pub fn set_keeps_scans(&mut self, keeps: bool) {
        self.document.keeps_scans = keeps;
    }

    /// Remembers what is laid over a scan, which is how it is looked at and no step of the history.
    pub fn set_overlay(&mut self, scan: ScanId, overlay: Option<KeptOverlay>) {
        if self.document.scan(scan).is_none() || self.document.overlay(scan) == overlay.as_ref() {
            return;
        }
        match overlay {
            Some(overlay) => self.document.overlays.insert(scan, overlay),
            None => self.document.overlays.remove(&scan),
        };
        self.refer(scan, |_| {});
    }

    fn refer(&mut self, scan: ScanId, change: impl FnOnce(&mut ScanReference)) {
        if let Some(reference) = self.document.references.get_mut(&scan) {
            change(reference);
            let reference = reference.clone();
            let overlay = self.document.overlay(scan).cloned().map(Box::new);
            self.tell(|| What::Scan(scan, Box::new(reference), overlay));
        }
    }

    /// Closes a scan: it goes with its segmentations and their steps of the history.
    pub fn remove_scan(&mut self, scan: ScanId) {
        self.document.scans.remove(&scan);
        self.document.references.remove(&scan);
        self.document.measurements.remove(&scan);
        self.document.overlays.remove(&scan);
        let gone: Vec<SegmentationId> = self.document.segmentations_of(scan).map(|(id, _)| id).collect();
        self.document.segmentations.retain(|_, segmentation| segmentation.scan != scan);
        let belongs = |inverse: &Change| match inverse {
            Change::Add(_, segmentation) => segmentation.scan == scan,
            Change::Measurement(of, ..) => *of == scan,
            other => other.target().is_some_and(|of| gone.contains(&of)),
        };
        // Segmentations that undo could bring back went with the scan too, and so did the steps before their removal.
        let removed: Vec<SegmentationId> = (self.undo.iter().chain(&self.redo).flat_map(|step| &step.inverse))
            .filter_map(|inverse| match inverse {
                Change::Add(id, segmentation) if segmentation.scan == scan => Some(*id),
                _ => None,
            })
            .collect();
        let is_gone = |step: &Step| {
            step.inverse.iter().any(belongs)
                || step.revisions.segmentations.iter().any(|(id, ..)| gone.contains(id) || removed.contains(id))
        };
        self.undo.retain(|step| !is_gone(step));
        self.redo.retain(|step| !is_gone(step));
        self.tell(|| What::Closed(scan));
    }

    /// Adds measurements that were kept of a scan that is open; they stay at the voxels of the scan that they were made on. Not a step of the
    /// history.
    pub fn take_in_measurements(
        &mut self,
        scan: ScanId,
        made_on: &ScanReference,
        kept: Vec<Measurement>,
        is_saved: bool,
    ) {
        let (Some(volume), Some(from)) = (self.document.scan(scan).cloned(), made_on.geometry()) else { return };
        if kept.is_empty() {
            return;
        }
        self.next_revision += 1;
        let revision = self.next_revision;
        let own = self.document.measurements.entry(scan).or_default();
        let is_alone = own.is_empty() && !own.is_modified();
        own.revision = revision;
        // A step back from here leads to what no earlier number stands for.
        for step in self.undo.iter_mut().chain(&mut self.redo) {
            step.revisions.measured.retain(|(of, ..)| *of != scan);
        }
        let mut changes = Vec::new();
        for measurement in kept {
            let (id, measurement) = (own.next_id(), measurement.carried(&from, &volume.geometry));
            own.exchange(id, Some(measurement.clone()));
            changes.push(Change::Measurement(scan, id, Some(measurement)));
        }
        self.tell(|| {
            let measured = vec![(scan, revision)];
            What::Changed(Told { name: String::new(), how: How::Aside, changes, revisions: Vec::new(), measured })
        });
        if is_saved && is_alone {
            self.mark_measurements_saved(scan, revision);
        }
    }

    /// Remembers that a document holds the measurements of a scan as they were at a revision.
    pub fn mark_measurements_saved(&mut self, scan: ScanId, revision: u64) {
        if let Some(own) = self.document.measurements.get_mut(&scan) {
            own.saved = revision;
            self.tell(|| What::MeasurementsSaved(scan, revision));
        }
    }

    /// Remembers that a segmentation is on disk as it was at a revision.
    pub fn mark_saved(&mut self, of: SegmentationId, revision: Revision) {
        if let Some(segmentation) = self.document.segmentations.get_mut(&of) {
            segmentation.saved = revision;
            self.tell(|| What::Saved(of, revision));
        }
    }
}

fn fits(kept: &KeptSegmentation, volume: &Volume) -> Result<(), OtherGrid> {
    let (now, kept) = (volume.geometry.shape(), kept.labels.geometry().shape());
    if now == kept { Ok(()) } else { Err(OtherGrid { now, kept }) }
}
