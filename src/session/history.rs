//! Commands, and undo and redo over all segmentations of a document.

use std::collections::{BTreeSet, VecDeque};

use super::change::Change;
use super::document::{Document, ScanId, Segmentation, SegmentationId};
use super::entry::{Entry, How, Step as Told, What};
use super::measurements::MeasurementId;
use super::painter::{Painted, restore};
use super::protection::Protection;
use super::subjects::{Now, Revisions, Subjects, unique};
use crate::volume::{LabelTable, Maker, Measurement, PackedPatch, Region, SliceKey, SliceState};

/// Bytes of label bricks that undo may keep where nobody says otherwise.
const UNDO_BYTES: usize = 256 << 20;

/// One change of a segmentation or of a scan's measurements.
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
    /// A measurement of a scan comes or is another from now on, or goes where there is none.
    Measurement(ScanId, MeasurementId, Option<Measurement>),
}

impl From<Edit> for Change {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Labels(painted) => Self::Labels(painted.of, painted.patch),
            Edit::Table(of, table) => Self::Table(of, table),
            Edit::States(of, states) => Self::States(of, states),
            Edit::Makers(of, makers) => Self::Makers(of, makers),
            Edit::Rename(of, name) => Self::Rename(of, name),
            Edit::Add(of, segmentation) => Self::Add(of, segmentation),
            Edit::Remove(of) => Self::Remove(of),
            Edit::Measurement(scan, id, measurement) => Self::Measurement(scan, id, measurement),
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
    /// Measurements, with their scans, each once.
    pub measurements: Vec<(ScanId, MeasurementId)>,
    /// The box around the bricks of the first one that changed; `None` where only its table or states did.
    pub region: Option<Region>,
}

impl Applied {
    fn of(Subjects { segmentations, measurements }: Subjects, name: String, region: Option<Region>) -> Self {
        Self { name, segmentations, measurements, region }
    }
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
pub(super) struct Step {
    pub(super) name: String,
    merge: Option<MergeKey>,
    pub(super) inverse: Vec<Change>,
    pub(super) revisions: Revisions,
    /// Patches of labels of some of the changes, packed; the changes themselves have none then.
    packed: Vec<(usize, PackedPatch)>,
    bytes: usize,
}

/// The last steps stay as they are, so that taking them back is quick.
const LOOSE_STEPS: usize = 4;
/// Packing more bricks at once would hold the window up.
const MOST_PACKED_BRICKS: usize = 512;

impl Step {
    fn new(name: String, merge: Option<MergeKey>, inverse: Vec<Change>, revisions: Revisions) -> Self {
        let bytes = inverse.iter().map(Change::byte_count).sum();
        Self { name, merge, inverse, revisions, packed: Vec::new(), bytes }
    }

    /// Keeps its labels in less room.
    fn pack(&mut self) {
        for (n, change) in self.inverse.iter_mut().enumerate() {
            if let Change::Labels(_, patch) = change
                && (1..=MOST_PACKED_BRICKS).contains(&patch.brick_count())
            {
                self.packed.push((n, PackedPatch::of(&std::mem::take(patch))));
            }
        }
        let packed: usize = self.packed.iter().map(|(_, packed)| packed.byte_count()).sum();
        self.bytes = packed + self.inverse.iter().map(Change::byte_count).sum::<usize>();
    }

    /// Whether its labels are there again; there may be no room for them.
    fn unpack(&mut self) -> bool {
        let unpacked: Result<Vec<_>, _> =
            self.packed.iter().map(|(n, packed)| packed.unpack().map(|patch| (*n, patch))).collect();
        let Ok(unpacked) = unpacked else { return false };
        self.packed.clear();
        for (n, patch) in unpacked {
            if let Some(Change::Labels(_, place)) = self.inverse.get_mut(n) {
                *place = patch;
            }
        }
        true
    }

    /// Whether it leads back the same things of the same segmentations.
    fn is_of_what(&self, inverse: &[Change]) -> bool {
        let same = |(a, b): (&Change, &Change)| {
            std::mem::discriminant(a) == std::mem::discriminant(b) && a.subject() == b.subject()
        };
        self.inverse.len() == inverse.len() && self.inverse.iter().zip(inverse).all(same)
    }
}

/// Scans and segmentations with their history. It outlives every view.
#[derive(Debug)]
pub struct Session {
    pub(super) document: Document,
    pub(super) undo: VecDeque<Step>,
    pub(super) redo: Vec<Step>,
    next_id: u32,
    pub(super) next_revision: u64,
    undo_bytes: usize,
    /// Steps that undo had no room for.
    dropped_steps: usize,
    /// What happened, for a journal; `None` where nobody keeps one.
    entries: Option<Vec<Entry>>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            document: Document::default(),
            undo: VecDeque::new(),
            redo: Vec::new(),
            next_id: 0,
            next_revision: 0,
            undo_bytes: UNDO_BYTES,
            dropped_steps: 0,
            entries: None,
        }
    }
}

impl Session {
    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// From now on what happens is kept for a journal, until [`Self::take_entries`] takes it.
    pub fn keep_entries(&mut self) {
        self.entries.get_or_insert_default();
    }

    /// What happened since the last call, in order.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        self.entries.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps something for a journal, if there is one.
    pub(super) fn tell(&mut self, what: impl FnOnce() -> What) {
        if let Some(entries) = &mut self.entries {
            entries.push(Entry(what()));
        }
    }

    /// The change whose way back this is, for a journal; `None` where there is none.
    fn told(&self, back: Option<&Change>) -> Option<Change> {
        self.entries.as_ref().and(back)?.counterpart(&self.document)
    }

    /// Bounds the bytes that undo keeps; the oldest steps go first, and the last one always stays.
    pub fn set_undo_bytes(&mut self, bytes: usize) {
        self.undo_bytes = bytes;
        self.drop_oldest();
    }

    /// Bytes that undo keeps.
    pub fn undo_byte_count(&self) -> usize {
        self.undo.iter().map(|step| step.bytes).sum()
    }

    /// How many steps fell off so far because undo had no room for them.
    pub fn dropped_steps(&self) -> usize {
        self.dropped_steps
    }

    fn drop_oldest(&mut self) {
        let mut bytes = self.undo_byte_count();
        while bytes > self.undo_bytes && self.undo.len() > 1 {
            bytes -= self.undo.pop_front().map_or(0, |step| step.bytes);
            self.dropped_steps += 1;
        }
    }

    /// The command that adds an empty segmentation to a scan, and its id; `None` where the scan is not open.
    pub fn new_segmentation(&mut self, scan: ScanId, name: impl Into<String>) -> Option<(SegmentationId, Command)> {
        let volume = self.document.scan(scan)?.clone();
        let id = SegmentationId(self.take_id());
        let segmentation = Box::new(Segmentation::empty(scan, name.into(), &volume));
        Some((id, Command::by_hand("New segmentation", vec![Edit::Add(id, segmentation)])))
    }

    pub(super) fn take_id(&mut self) -> u32 {
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
        let edits: Vec<Change> = edits.into_iter().map(Change::from).collect();
        let subjects = Subjects::of(&edits);
        let before = self.revisions(&subjects);
        let mut region = None;
        let mut inverse = Vec::with_capacity(edits.len());
        let mut changes = Vec::new();
        for edit in edits {
            region = region.or_else(|| self.region(&edit));
            let back = self.exchange(edit, next, None);
            changes.extend(self.told(back.as_ref()));
            inverse.extend(back);
        }
        inverse.reverse();
        let after = self.revisions(&subjects);
        let applied = Applied::of(subjects, name.clone(), region);
        // Only whole values can be skipped on the way back; patches and states build on each other.
        let is_whole =
            inverse.iter().all(|edit| matches!(edit, Change::Table(..) | Change::Rename(..) | Change::Measurement(..)));
        if merge.is_some()
            && is_whole
            && self.redo.is_empty()
            && let Some(last) = self.undo.back_mut().filter(|last| last.merge == merge && last.is_of_what(&inverse))
        {
            // The way back from the first of them is the way back from all.
            last.revisions.go_on(&after);
            let Now { segmentations: revisions, measured } = after;
            self.tell(|| What::Changed(Told { name, how: How::Merged, changes, revisions, measured }));
            return Ok(applied);
        }
        let pairs = Revisions::between(&before, &after);
        let Now { segmentations: revisions, measured } = after;
        self.tell(|| What::Changed(Told { name: name.clone(), how: How::Done, changes, revisions, measured }));
        self.undo.push_back(Step::new(name, merge, inverse, pairs));
        self.redo.clear();
        pack_older(self.undo.iter_mut());
        self.drop_oldest();
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
                Edit::Measurement(scan, ..) => drop(self.document.scan(*scan).ok_or(Refused::Gone)?),
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
    fn region(&self, edit: &Change) -> Option<Region> {
        let Change::Labels(of, patch) = edit else { return None };
        patch.region(&self.document.segmentations.get(of)?.labels)
    }

    fn revisions(&self, of: &Subjects) -> Now {
        let revision = |id: &SegmentationId| Some((*id, self.document.segmentation(*id)?.revision));
        let segmentations = of.segmentations.iter().filter_map(revision).collect();
        let measured = unique(of.measurements.iter().map(|(scan, _)| *scan));
        let measured = measured.into_iter().map(|scan| (scan, self.document.measurements(scan).revision)).collect();
        Now { segmentations, measured }
    }

    /// Makes one change and gives the way back. `after` is what is protected when the whole step is undone; none where it is made.
    fn exchange(&mut self, edit: Change, next: u64, after: Option<&Protection>) -> Option<Change> {
        let segmentations = &mut self.document.segmentations;
        Some(match edit {
            Change::Labels(of, patch) => {
                let segmentation = segmentations.get_mut(&of)?;
                segmentation.revision.labels = next;
                let inverse = match after {
                    Some(after) => restore(segmentation, patch, after),
                    None => patch.exchange(&mut segmentation.labels),
                };
                Change::Labels(of, inverse)
            }
            Change::Table(of, table) => Change::Table(of, segmentations.get_mut(&of)?.set_table(table, next)),
            Change::States(of, states) => {
                let segmentation = segmentations.get_mut(&of)?;
                segmentation.revision.labels = next;
                Change::States(of, segmentation.set_states(states))
            }
            Change::Makers(of, makers) => {
                let segmentation = segmentations.get_mut(&of)?;
                segmentation.revision.labels = next;
                Change::Makers(of, segmentation.set_makers(makers))
            }
            Change::Rename(of, name) => {
                Change::Rename(of, std::mem::replace(&mut segmentations.get_mut(&of)?.name, name))
            }
            Change::Add(of, segmentation) => {
                segmentations.insert(of, *segmentation);
                Change::Remove(of)
            }
            Change::Remove(of) => Change::Add(of, Box::new(segmentations.remove(&of)?)),
            Change::Measurement(scan, id, measurement) => {
                let own = self.document.measurements.entry(scan).or_default();
                own.revision = next;
                Change::Measurement(scan, id, own.exchange(id, measurement))
            }
        })
    }

    /// What will be protected of a segmentation once its states and table are those of a step.
    fn protection_after(&self, of: SegmentationId, step: &[Change]) -> Option<Protection> {
        let mut segmentation = self.document.segmentation(of)?.clone();
        for edit in step {
            match edit {
                Change::Table(id, table) if *id == of => segmentation.table = table.clone(),
                Change::States(id, states) if *id == of => {
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
        let subjects = Subjects::of(&inverse);
        let protections: Vec<_> =
            subjects.segmentations.iter().filter_map(|of| Some((*of, self.protection_after(*of, &inverse)?))).collect();
        let mut region = None;
        let mut back = Vec::with_capacity(inverse.len());
        let mut changes = Vec::new();
        for edit in inverse {
            let after = protections.iter().find(|(of, _)| Some(*of) == edit.target()).map(|(_, after)| after);
            region = region.or_else(|| self.region(&edit));
            let inverse = self.exchange(edit, next, after);
            changes.extend(self.told(inverse.as_ref()));
            back.extend(inverse);
        }
        back.reverse();
        // Where the way leads back to content that was there before, its number is that of then.
        for (id, before, after) in &revisions.segmentations {
            if let Some(segmentation) = self.document.segmentations.get_mut(id) {
                segmentation.revision = if is_back { *before } else { *after };
            }
        }
        for (scan, before, after) in &revisions.measured {
            if let Some(own) = self.document.measurements.get_mut(scan) {
                own.revision = if is_back { *before } else { *after };
            }
        }
        let how = if is_back { How::Undone } else { How::Redone };
        let Now { segmentations: now, measured } = self.revisions(&subjects);
        self.tell(|| What::Changed(Told { name: name.clone(), how, changes, revisions: now, measured }));
        let applied = Applied::of(subjects, name.clone(), region);
        (Step::new(name, merge, back, revisions), applied)
    }

    /// Takes the last change back; `None` where there is none.
    pub fn undo(&mut self) -> Option<Applied> {
        if !self.undo.back_mut()?.unpack() {
            return None;
        }
        let step = self.undo.pop_back()?;
        let (step, applied) = self.travel(step, true);
        self.redo.push(step);
        pack_older(self.redo.iter_mut());
        Some(applied)
    }

    /// Makes the last undone change again.
    pub fn redo(&mut self) -> Option<Applied> {
        if !self.redo.last_mut()?.unpack() {
            return None;
        }
        let step = self.redo.pop()?;
        let (step, applied) = self.travel(step, false);
        self.undo.push_back(step);
        pack_older(self.undo.iter_mut());
        Some(applied)
    }

    /// Bytes of the label bricks that undo keeps.
    pub fn undo_bytes(&self) -> usize {
        self.undo.iter().map(|step| step.bytes).sum()
    }

    /// Names of the steps that undo would take back, the last one first.
    pub fn undo_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.undo.iter().rev().map(|step| step.name.as_str())
    }

    /// Names of the steps that redo would make again, the next one first.
    pub fn redo_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.redo.iter().rev().map(|step| step.name.as_str())
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

/// Packs the newest step that is not one of the last.
fn pack_older<'a>(steps: impl DoubleEndedIterator<Item = &'a mut Step>) {
    steps.rev().nth(LOOSE_STEPS).into_iter().for_each(Step::pack);
}

/// Who made the slices that a change of labels by hand touches: those that it marks as corrected, and those that a model made
/// and in which it changes labels, marked or not. A mark alone changes no maker.
fn made_by_hand(document: &Document, edits: &[Edit]) -> Vec<Edit> {
    let said = |of: SegmentationId| edits.iter().any(|edit| matches!(edit, Edit::Makers(id, _) if *id == of));
    let of_labels = |edit: &Edit| {
        let Edit::Labels(painted) = edit else { return None };
        let segmentation = document.segmentation(painted.of).filter(|_| !painted.is_empty() && !said(painted.of))?;
        let is_marked = |(_, state): &&(SliceKey, SliceState)| *state == SliceState::Corrected;
        let marked = edits.iter().filter_map(|edit| match edit {
            Edit::States(of, states) if *of == painted.of => Some(states.iter().filter(is_marked).map(|(key, _)| *key)),
            _ => None,
        });
        let touched: BTreeSet<SliceKey> =
            marked.flatten().chain(segmentation.of_models_where(&painted.labels)).collect();
        let corrected = |key: SliceKey| {
            let before = segmentation.makers.get(&key);
            let after = Maker::corrected(before);
            (before != Some(&after)).then_some((key, Some(after)))
        };
        let makers: Vec<(SliceKey, Option<Maker>)> = touched.into_iter().filter_map(corrected).collect();
        (!makers.is_empty()).then_some(Edit::Makers(painted.of, makers))
    };
    edits.iter().filter_map(of_labels).collect()
}

#[cfg(test)]
mod tests;
