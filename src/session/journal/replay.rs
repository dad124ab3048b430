//! Reading a journal: the document as it was, without the voxels of its scans.

use std::collections::{BTreeMap, BTreeSet};

use super::note::{BEGIN, BRICKS, COMMIT, Commit, Head, NOTE, Note};
use crate::session::document::{Document, ScanId, Segmentation, SegmentationId};
use crate::session::entry::How;
use crate::session::kept::{KeptScan, KeptSegmentation};
use crate::session::kept_overlay::KeptOverlay;
use crate::session::measurements::{MeasurementId, Measurements};
use crate::session::reference::ScanReference;
use crate::volume::{BrickPatch, LabelMap};

/// Most changes since the last save that are remembered by name.
const MOST_STEPS: usize = 10_000;

/// A document that is made again from a journal.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    scans: BTreeMap<ScanId, Scan>,
    segmentations: BTreeMap<SegmentationId, Segmentation>,
    waiting: Vec<(u8, Vec<u8>)>,
    entries: usize,
    problem: Option<String>,
}

#[derive(Debug, Clone)]
struct Scan {
    reference: ScanReference,
    overlay: Option<KeptOverlay>,
    /// Names of the steps since it was saved.
    steps: Vec<String>,
    measurements: Measurements,
}

impl Replay {
    /// Takes a record; what belongs together counts once its commit is there. Behind something that cannot be understood nothing counts.
    pub(super) fn take(&mut self, kind: u8, payload: Vec<u8>) {
        if self.problem.is_some() {
            return;
        }
        match kind {
            COMMIT => {}
            BEGIN => return self.waiting.clear(),
            _ => return self.waiting.push((kind, payload)),
        }
        let before = (self.scans.clone(), self.segmentations.clone());
        let waiting = std::mem::take(&mut self.waiting);
        match self.apply(&waiting, &payload) {
            Ok(()) => self.entries += 1,
            Err(problem) => {
                (self.scans, self.segmentations) = before;
                self.problem = Some(problem);
            }
        }
    }

    fn apply(&mut self, parts: &[(u8, Vec<u8>)], commit: &[u8]) -> Result<(), String> {
        let Commit { name, how, revisions, measured } = serde_json::from_slice(commit).map_err(|e| e.to_string())?;
        let mut touched = BTreeSet::new();
        for (kind, payload) in parts {
            match *kind {
                NOTE => self.note(serde_json::from_slice(payload).map_err(|e| e.to_string())?, &mut touched)?,
                BRICKS => self.bricks(payload, &mut touched)?,
                other => return Err(format!("there are no records of kind {other}")),
            }
        }
        for (id, revision) in revisions {
            // One that was removed in this step has none any more.
            self.segmentations.get_mut(&SegmentationId(id)).into_iter().for_each(|own| own.revision = revision);
        }
        for (scan, revision) in measured {
            self.measured(scan)?.revision = revision;
        }
        self.count(&touched, &name, how);
        Ok(())
    }

    /// Remembers what was done with the scans that a step touched.
    fn count(&mut self, touched: &BTreeSet<ScanId>, name: &str, how: How) {
        for scan in touched {
            let is_saved = self.of(*scan).all(|own| !own.is_modified());
            let Some(Scan { steps, measurements, .. }) = self.scans.get_mut(scan) else { continue };
            let is_saved = is_saved && !measurements.is_modified();
            match how {
                How::Done | How::Redone if steps.len() < MOST_STEPS => steps.push(name.into()),
                How::Merged if steps.is_empty() => steps.push(name.into()),
                How::Undone => {
                    if steps.pop().is_none() {
                        // What was saved was taken back: that is a change too.
                        steps.push(format!("Undo {name}"));
                    }
                }
                How::Done | How::Redone | How::Merged | How::Aside => {}
            }
            if is_saved {
                steps.clear();
            }
        }
    }

    fn of(&self, scan: ScanId) -> impl Iterator<Item = &Segmentation> {
        self.segmentations.values().filter(move |own| own.scan == scan)
    }

    fn own(&mut self, id: u32, touched: &mut BTreeSet<ScanId>) -> Result<&mut Segmentation, String> {
        let own = self.segmentations.get_mut(&SegmentationId(id));
        let own = own.ok_or_else(|| format!("there is no segmentation {id}"))?;
        touched.insert(own.scan);
        Ok(own)
    }

    /// The measurements of a scan.
    fn measured(&mut self, scan: u32) -> Result<&mut Measurements, String> {
        let own = self.scans.get_mut(&ScanId(scan)).map(|scan| &mut scan.measurements);
        own.ok_or_else(|| format!("measurements have no scan {scan}"))
    }

    fn note(&mut self, note: Note, touched: &mut BTreeSet<ScanId>) -> Result<(), String> {
        match note {
            Note::Scan { id, reference, overlay } => {
                let before = self.scans.remove(&ScanId(id));
                let (steps, measurements) = before.map(|scan| (scan.steps, scan.measurements)).unwrap_or_default();
                self.scans.insert(
                    ScanId(id),
                    Scan { reference: *reference, overlay: overlay.map(|own| *own), steps, measurements },
                );
            }
            Note::Closed { id } => {
                self.scans.remove(&ScanId(id));
                self.segmentations.retain(|_, own| own.scan != ScanId(id));
            }
            Note::Add { id, head } => {
                let Head { scan, name, table, states, makers, revision, saved } = head;
                let scan = ScanId(scan);
                let geometry = self.scans.get(&scan).and_then(|scan| scan.reference.geometry());
                let geometry = geometry.ok_or("a segmentation has no scan")?;
                touched.insert(scan);
                let (states, makers) = (states.into_iter().collect(), makers.into_iter().collect());
                let labels = LabelMap::empty(geometry);
                let own = Segmentation { scan, name, labels, table, states, makers, revision, saved };
                self.segmentations.insert(SegmentationId(id), own);
            }
            Note::Remove { id } => {
                self.own(id, touched)?;
                self.segmentations.remove(&SegmentationId(id));
            }
            Note::Table { id, table } => self.own(id, touched)?.table = table,
            Note::States { id, states } => self.own(id, touched)?.states.extend(states),
            Note::Makers { id, makers } => drop(self.own(id, touched)?.set_makers(makers)),
            Note::Rename { id, name } => self.own(id, touched)?.name = name,
            Note::Saved { id, revision } => self.own(id, touched)?.saved = revision,
            Note::Measurement { scan, id, measurement } => {
                self.measured(scan)?.exchange(MeasurementId(id), measurement);
                touched.insert(ScanId(scan));
            }
            Note::MeasurementsSaved { scan, revision } => {
                self.measured(scan)?.saved = revision;
                touched.insert(ScanId(scan));
            }
        }
        Ok(())
    }

    fn bricks(&mut self, payload: &[u8], touched: &mut BTreeSet<ScanId>) -> Result<(), String> {
        let (id, chunk) = payload.split_first_chunk::<4>().ok_or("bricks of no segmentation")?;
        let own = self.own(u32::from_le_bytes(*id), touched)?;
        let patch = BrickPatch::from_chunk(chunk, &own.labels).map_err(|e| e.to_string())?;
        let _ = patch.exchange(&mut own.labels);
        Ok(())
    }

    /// Number of entries that count.
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Why what follows was not understood; `None` where all was.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Scans with something in them that no file holds, and the number of each in this journal.
    pub fn unsaved(&self) -> Vec<(ScanId, KeptScan)> {
        let is_unsaved =
            |id: &ScanId, scan: &Scan| self.of(*id).any(Segmentation::is_modified) || scan.measurements.is_modified();
        let kept = |(id, scan): (&ScanId, &Scan)| {
            let segmentations = self.of(*id).map(KeptSegmentation::of).collect();
            let steps = scan.steps.clone();
            let measurements = scan.measurements.all.values().cloned().collect();
            let measurements_saved = !scan.measurements.is_modified();
            let reference = scan.reference.clone();
            let (beside, overlay) = (None, scan.overlay.clone());
            (*id, KeptScan { reference, beside, segmentations, measurements, measurements_saved, overlay, steps })
        };
        self.scans.iter().filter(|(id, scan)| is_unsaved(id, scan)).map(kept).collect()
    }

    /// What a journal and a session have that are not the same; `None` where the journal gives the session's document.
    pub fn difference(&self, document: &Document) -> Option<String> {
        let references = self.scans.iter().map(|(id, scan)| (*id, &scan.reference));
        if !references.eq(document.references.iter().map(|(id, reference)| (*id, reference))) {
            return Some("the scans".into());
        }
        if let Some((id, _)) = self.scans.iter().find(|(id, scan)| scan.overlay.as_ref() != document.overlay(**id)) {
            return Some(format!("what is laid over {id:?}"));
        }
        if let Some((id, _)) =
            self.scans.iter().find(|(id, scan)| !scan.measurements.is_same(document.measurements(**id)))
        {
            return Some(format!("the measurements of {id:?}"));
        }
        if !self.segmentations.keys().eq(document.segmentations.keys()) {
            return Some("the segmentations".into());
        }
        self.segmentations.iter().find_map(|(id, own)| {
            let Segmentation { scan, name, labels, table, states, makers, revision, saved } =
                document.segmentation(*id)?;
            let is_same: [(bool, &str); 8] = [
                (own.scan == *scan, "scan"),
                (own.name == *name, "name"),
                (own.labels.same_labels(labels), "labels"),
                (own.table == *table, "table"),
                (own.states == *states, "states"),
                (own.makers == *makers, "makers"),
                (own.revision == *revision, "revision"),
                (own.saved == *saved, "saved revision"),
            ];
            is_same.iter().find(|(same, _)| !same).map(|(_, what)| format!("the {what} of {id:?}"))
        })
    }
}
