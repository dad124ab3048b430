//! Commands, and undo and redo over all segmentations of a document.

use std::collections::VecDeque;
use std::sync::Arc;

use super::document::{Document, Revision, ScanId, Segmentation, SegmentationId};
use super::painter::{Painted, restore};
use super::protection::Protection;
use crate::volume::{BrickPatch, LabelTable, Maker, Region, SliceKey, SliceState, Volume};

/// Bytes of label bricks that undo may keep.
const UNDO_BYTES: usize = 256 << 20;

/// One change of a segmentation.
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
#[derive(Debug, Clone)]
pub enum Edit {
    /// What a painter did.
    Labels(Painted),
    /// A new table.
    Table(SegmentationId, LabelTable),
    /// New slice states.
    States(SegmentationId, Vec<(SliceKey, SliceState)>),
    /// Who made what is in slices. Changes of labels by hand bring it by themselves.
    Makers(SegmentationId, Vec<(SliceKey, Option<Maker>)>),
    /// Another name in the data tree.
    Rename(SegmentationId, String),
    /// A segmentation comes: one that a removal gave back, or a copy.
    Add(SegmentationId, Box<Segmentation>),
    /// A segmentation goes.
    Remove(SegmentationId),
}

/// A way back, or forward again.
#[derive(Debug)]
enum Inverse {
    Labels(SegmentationId, BrickPatch),
    Table(SegmentationId, LabelTable),
    States(SegmentationId, Vec<(SliceKey, SliceState)>),
    Makers(SegmentationId, Vec<(SliceKey, Option<Maker>)>),
    Rename(SegmentationId, String),
    Add(SegmentationId, Box<Segmentation>),
    Remove(SegmentationId),
}

impl Inverse {
    /// The segmentation that it changes.
    fn target(&self) -> SegmentationId {
        match self {
            Self::Labels(of, _)
            | Self::Table(of, _)
            | Self::States(of, _)
            | Self::Makers(of, _)
            | Self::Rename(of, _)
            | Self::Add(of, _)
            | Self::Remove(of) => *of,
        }
    }
}

impl From<Edit> for Inverse {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Labels(painted) => Self::Labels(painted.of, painted.patch),
            Edit::Table(of, table) => Self::Table(of, table),
            Edit::States(of, states) => Self::States(of, states),
            Edit::Makers(of, makers) => Self::Makers(of, makers),
            Edit::Rename(of, name) => Self::Rename(of, name),
            Edit::Add(of, segmentation) => Self::Add(of, segmentation),
            Edit::Remove(of) => Self::Remove(of),
        }
    }
}

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The user's hand: a tool, a list, a menu.
    Hand,
    /// A network.
    Network,
    /// A file.
    File,
    /// The classifier of pixels.
    Classifier,
}

/// Changes of one control that follow each other under one key are one undo step: a name being typed, a colour being dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeKey {
    /// The control.
    pub control: &'static str,
    /// What it belongs to, a label's value for example.
    pub of: u64,
}

/// A named change: one undo step.
#[derive(Debug, Clone)]
pub struct Command {
    /// What the user did, for example "Brush". Only shown.
    pub name: String,
    /// Who.
    pub origin: Origin,
    /// With which earlier step it is one.
    pub merge: Option<MergeKey>,
    /// What changes, in this order.
    pub edits: Vec<Edit>,
}

impl Command {
    /// A change by hand that is a step of its own.
    pub fn by_hand(name: impl Into<String>, edits: Vec<Edit>) -> Self {
        Self { name: name.into(), origin: Origin::Hand, merge: None, edits }
    }
}

/// What a command, an undo or a redo touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The step's name.
    pub name: String,
    /// The segmentations, each once.
    pub segmentations: Vec<SegmentationId>,
    /// The box around the bricks of the first one that changed; `None` where only its table or states did.
    pub region: Option<Region>,
}

/// Why a command was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was made for labels that have changed since.
    #[error("the labels changed while this was computed")]
    Stale,
    /// Its segmentation is not in the document any more.
    #[error("the segmentation is not open any more")]
    Gone,
}

#[derive(Debug)]
struct Step {
    name: String,
    merge: Option<MergeKey>,
    inverse: Vec<Inverse>,
    /// Revisions before and after, of what was there at both times.
    revisions: Vec<(SegmentationId, Revision, Revision)>,
    bytes: usize,
}

impl Step {
    /// Whether it leads back the same things of the same segmentations.
    fn is_of_what(&self, inverse: &[Inverse]) -> bool {
        let same = |(a, b): (&Inverse, &Inverse)| {
            std::mem::discriminant(a) == std::mem::discriminant(b) && a.target() == b.target()
        };
        self.inverse.len() == inverse.len() && self.inverse.iter().zip(inverse).all(same)
    }
}

/// Scans and segmentations with their history. It outlives every view.
#[derive(Debug, Default)]
pub struct Session {
    document: Document,
    undo: VecDeque<Step>,
    redo: Vec<Step>,
    next_id: u32,
    next_revision: u64,
}

impl Session {
    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Opens a scan with an empty segmentation. This is no step of the history.
    pub fn add_scan(&mut self, volume: Arc<Volume>) -> (ScanId, SegmentationId) {
        let scan = ScanId(self.take_id());
        let segmentation = Segmentation::empty(scan, "Segmentation".into(), &volume);
        self.document.scans.insert(scan, volume);
        let id = SegmentationId(self.take_id());
        self.document.segmentations.insert(id, segmentation);
        (scan, id)
    }

    /// Closes a scan: it goes with its segmentations and their steps of the history.
    pub fn remove_scan(&mut self, scan: ScanId) {
        self.document.scans.remove(&scan);
        let gone: Vec<SegmentationId> = self.document.segmentations_of(scan).map(|(id, _)| id).collect();
        self.document.segmentations.retain(|_, segmentation| segmentation.scan != scan);
        let belongs = |inverse: &Inverse| match inverse {
            Inverse::Add(_, segmentation) => segmentation.scan == scan,
            other => gone.contains(&other.target()),
        };
        // Segmentations that undo could bring back went with the scan too, and so did the steps before their removal.
        let removed: Vec<SegmentationId> = (self.undo.iter().chain(&self.redo).flat_map(|step| &step.inverse))
            .filter_map(|inverse| match inverse {
                Inverse::Add(id, segmentation) if segmentation.scan == scan => Some(*id),
                _ => None,
            })
            .collect();
        let is_gone = |step: &Step| {
            step.inverse.iter().any(belongs)
                || step.revisions.iter().any(|(id, ..)| gone.contains(id) || removed.contains(id))
        };
        self.undo.retain(|step| !is_gone(step));
        self.redo.retain(|step| !is_gone(step));
    }

    /// The command that adds an empty segmentation to a scan, and its id; `None` where the scan is not open.
    pub fn new_segmentation(&mut self, scan: ScanId, name: impl Into<String>) -> Option<(SegmentationId, Command)> {
        let volume = self.document.scan(scan)?.clone();
        let id = SegmentationId(self.take_id());
        let segmentation = Box::new(Segmentation::empty(scan, name.into(), &volume));
        Some((id, Command::by_hand("New segmentation", vec![Edit::Add(id, segmentation)])))
    }

    /// Remembers that a segmentation is on disk as it was at a revision.
    pub fn mark_saved(&mut self, of: SegmentationId, revision: Revision) {
        if let Some(segmentation) = self.document.segmentations.get_mut(&of) {
            segmentation.saved = revision;
        }
    }

    fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Makes a change that can be undone: the only way to change a segmentation.
    ///
    /// # Errors
    /// Nothing changes where a segmentation is gone, or where labels were painted on others than are there now.
    pub fn apply(&mut self, command: Command) -> Result<Applied, Refused> {
        self.check(&command.edits)?;
        let Command { name, merge, mut edits, origin } = command;
        if origin == Origin::Hand {
            edits.extend(made_by_hand(&self.document, &edits));
        }
        self.next_revision += 1;
        let next = self.next_revision;
        let edits: Vec<Inverse> = edits.into_iter().map(Inverse::from).collect();
        let segmentations = unique(edits.iter().map(Inverse::target));
        let before = self.revisions(&segmentations);
        let mut region = None;
        let mut inverse = Vec::with_capacity(edits.len());
        for edit in edits {
            region = region.or_else(|| self.region(&edit));
            inverse.extend(self.exchange(edit, next, None));
        }
        inverse.reverse();
        let applied = Applied { name: name.clone(), segmentations: segmentations.clone(), region };
        let after = self.revisions(&segmentations);
        // Only whole values can be skipped on the way back; patches and states build on each other.
        let is_whole = inverse.iter().all(|edit| matches!(edit, Inverse::Table(..) | Inverse::Rename(..)));
        if merge.is_some()
            && is_whole
            && self.redo.is_empty()
            && let Some(last) = self.undo.back_mut().filter(|last| last.merge == merge && last.is_of_what(&inverse))
        {
            // The way back from the first of them is the way back from all.
            for (id, revision) in after {
                last.revisions.iter_mut().filter(|(of, ..)| *of == id).for_each(|(_, _, after)| *after = revision);
            }
            return Ok(applied);
        }
        let revisions = pair(&before, &after);
        let bytes = inverse.iter().map(bytes_of).sum();
        self.undo.push_back(Step { name, merge, inverse, revisions, bytes });
        self.redo.clear();
        let mut bytes: usize = self.undo.iter().map(|step| step.bytes).sum();
        while bytes > UNDO_BYTES && self.undo.len() > 1 {
            bytes -= self.undo.pop_front().map_or(0, |step| step.bytes);
        }
        Ok(applied)
    }

    fn check(&self, edits: &[Edit]) -> Result<(), Refused> {
        let mut coming: Vec<SegmentationId> = Vec::new();
        for edit in edits {
            match edit {
                Edit::Add(of, segmentation) => {
                    self.document.scan(segmentation.scan).ok_or(Refused::Gone)?;
                    coming.push(*of);
                }
                Edit::Labels(painted) => {
                    let now = self.document.segmentation(painted.of).ok_or(Refused::Gone)?.revision;
                    if (now.labels, now.locks) != (painted.made_on.labels, painted.made_on.locks) {
                        return Err(Refused::Stale);
                    }
                }
                Edit::Table(of, _)
                | Edit::States(of, _)
                | Edit::Makers(of, _)
                | Edit::Rename(of, _)
                | Edit::Remove(of) => {
                    if self.document.segmentation(*of).is_none() && !coming.contains(of) {
                        return Err(Refused::Gone);
                    }
                }
            }
        }
        Ok(())
    }

    /// Where an edit of labels changes something.
    fn region(&self, edit: &Inverse) -> Option<Region> {
        let Inverse::Labels(of, patch) = edit else { return None };
        patch.region(&self.document.segmentations.get(of)?.labels)
    }

    fn revisions(&self, of: &[SegmentationId]) -> Vec<(SegmentationId, Revision)> {
        of.iter().filter_map(|id| Some((*id, self.document.segmentation(*id)?.revision))).collect()
    }

    /// Makes one change and gives the way back. `after` is what is protected when the whole step is undone; none where it is made.
    fn exchange(&mut self, edit: Inverse, next: u64, after: Option<&Protection>) -> Option<Inverse> {
        let segmentations = &mut self.document.segmentations;
        Some(match edit {
            Inverse::Labels(of, patch) => {
                let segmentation = segmentations.get_mut(&of)?;
                segmentation.revision.labels = next;
                let inverse = match after {
                    Some(after) => restore(segmentation, patch, after),
                    None => patch.exchange(&mut segmentation.labels),
                };
                Inverse::Labels(of, inverse)
            }
            Inverse::Table(of, table) => Inverse::Table(of, segmentations.get_mut(&of)?.set_table(table, next)),
            Inverse::States(of, states) => {
                let segmentation = segmentations.get_mut(&of)?;
                segmentation.revision.labels = next;
                Inverse::States(of, segmentation.set_states(states))
            }
            Inverse::Makers(of, makers) => {
                let segmentation = segmentations.get_mut(&of)?;
                segmentation.revision.labels = next;
                Inverse::Makers(of, segmentation.set_makers(makers))
            }
            Inverse::Rename(of, name) => {
                Inverse::Rename(of, std::mem::replace(&mut segmentations.get_mut(&of)?.name, name))
            }
            Inverse::Add(of, segmentation) => {
                segmentations.insert(of, *segmentation);
                Inverse::Remove(of)
            }
            Inverse::Remove(of) => Inverse::Add(of, Box::new(segmentations.remove(&of)?)),
        })
    }

    /// What will be protected of a segmentation once its states and table are those of a step.
    fn protection_after(&self, of: SegmentationId, step: &[Inverse]) -> Option<Protection> {
        let mut segmentation = self.document.segmentation(of)?.clone();
        for edit in step {
            match edit {
                Inverse::Table(id, table) if *id == of => segmentation.table = table.clone(),
                Inverse::States(id, states) if *id == of => {
                    segmentation.set_states(states.clone());
                }
                _ => {}
            }
        }
        Some(segmentation.protection())
    }

    fn travel(&mut self, step: Step, is_back: bool) -> (Step, Applied) {
        let Step { name, merge, inverse, revisions, .. } = step;
        self.next_revision += 1;
        let next = self.next_revision;
        let segmentations = unique(inverse.iter().map(Inverse::target));
        let protections: Vec<_> =
            segmentations.iter().filter_map(|of| Some((*of, self.protection_after(*of, &inverse)?))).collect();
        let mut region = None;
        let mut back = Vec::with_capacity(inverse.len());
        for edit in inverse {
            let after = protections.iter().find(|(of, _)| *of == edit.target()).map(|(_, after)| after);
            region = region.or_else(|| self.region(&edit));
            back.extend(self.exchange(edit, next, after));
        }
        back.reverse();
        // Where the way leads back to content that was there before, its number is that of then.
        for (id, before, after) in &revisions {
            if let Some(segmentation) = self.document.segmentations.get_mut(id) {
                segmentation.revision = if is_back { *before } else { *after };
            }
        }
        let bytes = back.iter().map(bytes_of).sum();
        let applied = Applied { name: name.clone(), segmentations, region };
        (Step { name, merge, inverse: back, revisions, bytes }, applied)
    }

    /// Takes the last change back; `None` where there is none.
    pub fn undo(&mut self) -> Option<Applied> {
        let step = self.undo.pop_back()?;
        let (step, applied) = self.travel(step, true);
        self.redo.push(step);
        Some(applied)
    }

    /// Makes the last undone change again.
    pub fn redo(&mut self) -> Option<Applied> {
        let step = self.redo.pop()?;
        let (step, applied) = self.travel(step, false);
        self.undo.push_back(step);
        Some(applied)
    }

    /// Bytes of the label bricks that undo keeps.
    pub fn undo_bytes(&self) -> usize {
        self.undo.iter().map(|step| step.bytes).sum()
    }

    /// Name of the change that undo would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.undo.back().map(|step| step.name.as_str())
    }

    /// Name of the change that redo would make again.
    pub fn redo_name(&self) -> Option<&str> {
        self.redo.last().map(|step| step.name.as_str())
    }
}

fn bytes_of(inverse: &Inverse) -> usize {
    const SMALL: usize = 1024;
    match inverse {
        Inverse::Labels(_, patch) => patch.byte_count(),
        Inverse::Add(_, segmentation) => segmentation.labels.byte_count(),
        Inverse::Table(..) | Inverse::States(..) | Inverse::Makers(..) | Inverse::Rename(..) | Inverse::Remove(_) => {
            SMALL
        }
    }
}

/// Who made the slices that a change of labels by hand marks as corrected; a mark alone changes no maker.
fn made_by_hand(document: &Document, edits: &[Edit]) -> Vec<Edit> {
    let painted = |of: SegmentationId| {
        edits.iter().any(|edit| matches!(edit, Edit::Labels(painted) if painted.of == of && !painted.is_empty()))
    };
    let said = |of: SegmentationId| edits.iter().any(|edit| matches!(edit, Edit::Makers(id, _) if *id == of));
    let of_states = |edit: &Edit| {
        let Edit::States(of, states) = edit else { return None };
        let segmentation = document.segmentation(*of).filter(|_| painted(*of) && !said(*of))?;
        let corrected = states.iter().filter(|(_, state)| *state == SliceState::Corrected);
        let makers: Vec<(SliceKey, Option<Maker>)> = corrected
            .filter_map(|(key, _)| {
                let before = segmentation.makers.get(key);
                let after = Maker::corrected(before);
                (before != Some(&after)).then_some((*key, Some(after)))
            })
            .collect();
        (!makers.is_empty()).then_some(Edit::Makers(*of, makers))
    };
    edits.iter().filter_map(of_states).collect()
}

fn unique(ids: impl Iterator<Item = SegmentationId>) -> Vec<SegmentationId> {
    let mut found = Vec::new();
    ids.for_each(|id| {
        if !found.contains(&id) {
            found.push(id);
        }
    });
    found
}

fn pair(
    before: &[(SegmentationId, Revision)],
    after: &[(SegmentationId, Revision)],
) -> Vec<(SegmentationId, Revision, Revision)> {
    let with_after = |(id, before): &(SegmentationId, Revision)| {
        let (_, after) = after.iter().find(|(of, _)| of == id)?;
        Some((*id, *before, *after))
    };
    before.iter().filter_map(with_after).collect()
}

#[cfg(test)]
mod tests;
