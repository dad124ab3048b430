//! Labels that come from a network, a file or the classifier of pixels: they are joined with the document's in the background,
//! by name, and what that did is said.

use std::path::{Path, PathBuf};

use super::app::{App, SEGMENTING};
use super::egui;
use super::notices::Kind;
use super::pending::Word;
use super::refining::REFINING;
use super::tasks::Snapshot;
use super::viewer::SavedFile;
use crate::edit::{Fate, JoinedLabel, KeptOutBy};
use crate::gui::old_jobs::{Job, JoinJob, Joined, Names, writer_for};
use crate::session::{Change, Command, SliceKey, SliceState};
use crate::volume::{LabelMap, LabelTable, LabelValue, Plane};

/// Title of the job.
pub const JOINING: &str = "Joining labels";
/// Title of the job that counts voxels.
pub const COUNTING: &str = "Counting voxels";
/// Title of the job that deletes a label.
pub const ERASING: &str = "Deleting a label";
/// Most bricks that are counted within a frame.
const FEW_BRICKS: usize = 64;
/// Most labels that are named in a notice; the others are in its details.
const FEW_LABELS: usize = 3;

/// Where labels come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A model, by its title.
    Model(String),
    /// A model that was adapted to finished slices, by its title.
    Refined(String),
    /// A file.
    File(PathBuf),
    /// The classifier of pixels.
    Pixels,
}

impl Source {
    /// What the undo step is called.
    fn step(&self) -> &'static str {
        match self {
            Self::Model(_) => "Segment",
            Self::Refined(_) => "Refine",
            Self::File(_) => "Open segmentation",
            Self::Pixels => "Classify pixels",
        }
    }

    /// What it is called in a sentence.
    fn name(&self) -> String {
        match self {
            Self::Model(title) | Self::Refined(title) => title.clone(),
            Self::File(path) => path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            Self::Pixels => "the classifier".into(),
        }
    }
}

/// Labels that came in.
#[derive(Clone)]
pub struct Incoming {
    /// Where from.
    pub source: Source,
    /// The labels, on the image's grid.
    pub labels: LabelMap,
    /// What their values mean.
    pub names: Names,
    /// State of the slices that change.
    pub state: SliceState,
    /// States of slices that a file keeps; they are the document's where that was empty.
    pub states: Vec<(SliceKey, SliceState)>,
    /// The only slice that changes, where it is one.
    pub of: Option<(Plane, usize)>,
}

/// What becomes of slices that were corrected by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectedSlices {
    /// The user is asked if they would change.
    Ask,
    /// They stay.
    Keep,
    /// They change like others.
    Change,
}

/// Why a result waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The labels changed while it was computed.
    LabelsChanged,
    /// So many slices that were corrected by hand would change.
    Corrected(usize),
}

/// A result that waits for the user's word.
pub struct Pending {
    /// The result.
    pub incoming: Incoming,
    /// Why it waits.
    pub why: Why,
}

/// What is being joined.
pub struct Joining {
    incoming: Incoming,
    corrected: CorrectedSlices,
    table: LabelTable,
}

impl App {
    /// Takes labels that a job brought, which saw the document as it was at `snapshot`.
    pub(super) fn take_incoming(&mut self, incoming: Incoming, snapshot: Snapshot, context: &egui::Context) {
        let is_joining = self.joining.is_some();
        let Some(viewer) = self.viewer.as_mut().filter(|_| snapshot.image == self.images) else { return };
        if viewer.session.revision() == snapshot.revision && viewer.stroke.is_none() && !is_joining {
            self.join(incoming, CorrectedSlices::Ask, context);
        } else {
            viewer.pending = Some(Pending { incoming, why: Why::LabelsChanged });
        }
    }

    /// Joins labels with the document's in the background.
    pub(super) fn join(&mut self, incoming: Incoming, corrected: CorrectedSlices, context: &egui::Context) {
        let Some(viewer) = &self.viewer else { return };
        let document = viewer.session.document();
        let mut by_hand = viewer.slices_in(SliceState::Corrected);
        if incoming.source == Source::Pixels
            && let Some((plane, slice)) = viewer.painted
        {
            // Its scribbles are what was classified from.
            let scribbled = (viewer.layout(plane), slice);
            by_hand.retain(|corrected| *corrected != scribbled);
        }
        let mut done = viewer.slices_in(SliceState::Done);
        if corrected == CorrectedSlices::Keep {
            done.append(&mut by_hand);
        }
        let job = JoinJob {
            current: document.labels.clone(),
            table: document.table.clone(),
            incoming: incoming.labels.clone(),
            names: incoming.names.clone(),
            done,
            corrected: if corrected == CorrectedSlices::Ask { by_hand } else { Vec::new() },
        };
        self.joining = Some(Joining { incoming, corrected, table: document.table.clone() });
        self.tasks.start(JOINING, Job::Join(Box::new(job)), self.snapshot(), context);
    }

    /// Makes what was joined the document's labels: one undo step.
    pub(super) fn joined(&mut self, joined: Joined, snapshot: Snapshot, context: &egui::Context) {
        let Some(Joining { incoming, corrected, table }) = self.joining.take() else { return };
        let Some(viewer) = self.viewer.as_mut().filter(|_| snapshot.image == self.images) else { return };
        if viewer.session.revision() != snapshot.revision || viewer.stroke.is_some() {
            viewer.pending = Some(Pending { incoming, why: Why::LabelsChanged });
            return;
        }
        if viewer.session.document().table != table {
            // A label was renamed or locked meanwhile.
            self.join(incoming, corrected, context);
            return;
        }
        if corrected == CorrectedSlices::Ask && joined.corrected > 0 {
            viewer.pending = Some(Pending { incoming, why: Why::Corrected(joined.corrected) });
            return;
        }
        let document = viewer.session.document();
        let mut states = Vec::new();
        for plane in Plane::ALL {
            let layout = viewer.layout(plane);
            let changed = &joined.changed[layout.axes[2]];
            for slice in 0..layout.size[2] {
                let is_changed = changed[layout.voxel([0, 0, slice])[layout.axes[2]]];
                let touched = incoming.of.is_none_or(|of| of == (plane, slice));
                if is_changed && touched && document.state(plane, slice) != SliceState::Done {
                    states.push(((plane.world_axis() as u8, slice), incoming.state));
                }
            }
        }
        if joined.was_empty && table.0.is_empty() && !incoming.states.is_empty() {
            // The document as it was when it was saved.
            states.clone_from(&incoming.states);
        }
        let told = told(&joined, &table, &incoming.source);
        let Joined { labels, counts, join, was_empty, kept_out, .. } = joined;
        viewer.counted = (labels.clone(), counts);
        let is_whole = was_empty && kept_out.is_empty() && join.moved().next().is_none();
        let table = join.table;
        let change = Change::Segmentation { labels, table: table.clone(), states };
        viewer.session.apply(Command { name: incoming.source.step().into(), change });
        let is_there = table.get(viewer.active_label).is_some();
        if incoming.source != Source::Pixels && (was_empty || !is_there) {
            let first = join.labels.first().map(|label| label.value).or(table.0.first().map(|label| label.value));
            viewer.active_label = first.unwrap_or(viewer.active_label);
        }
        if let Source::File(path) = &incoming.source
            && is_whole
        {
            // The document is what the file holds.
            viewer.session.mark_saved(viewer.session.revision(), &table);
            viewer.saved_as = writer_for(path).is_ok().then(|| SavedFile::new(path));
        }
        if let Some((kind, text, details)) = told {
            self.notices.push(kind, text, details);
        }
        if incoming.source == Source::Pixels {
            self.pixels_are_taken(incoming.of.is_none());
        }
    }

    /// Does what the user wants with a result that waited.
    pub(super) fn take_word(&mut self, word: Option<Word>, context: &egui::Context) {
        let Some(viewer) = self.viewer.as_mut().filter(|viewer| viewer.stroke.is_none()) else { return };
        match word {
            None => {}
            Some(Word::Drop) => viewer.pending = None,
            Some(Word::Take(corrected)) => {
                if let Some(Pending { incoming, .. }) = viewer.pending.take() {
                    self.join(incoming, corrected, context);
                }
            }
        }
    }

    /// Forgets what was being joined when the job ended without a result.
    pub(super) fn forget_failed_join(&mut self) {
        if self.tasks.find(JOINING).is_none() {
            self.joining = None;
        }
    }

    /// Keeps the volumes beside the labels right: a few bricks at once, many in the background.
    pub(super) fn follow_counts(&mut self, context: &egui::Context) {
        let is_counting = self.tasks.find(COUNTING).is_some();
        let snapshot = self.snapshot();
        let Some(viewer) = &mut self.viewer else { return };
        let labels = viewer.stroke.as_ref().map_or(&viewer.session.document().labels, |stroke| &stroke.labels);
        let (counted, counts) = &viewer.counted;
        if labels.is_same_snapshot(counted) {
            return;
        }
        if labels.changed_bricks(counted) <= FEW_BRICKS {
            viewer.counted = (labels.clone(), labels.recounted(counted, counts));
        } else if !is_counting {
            let labels = labels.clone();
            self.tasks.start(COUNTING, Job::CountLabels(labels), snapshot, context);
        }
    }

    /// Takes a label and its voxels out of the document; finished slices stay as they are.
    pub(super) fn delete_label(&mut self, value: LabelValue, context: &egui::Context) {
        let Some(viewer) = self.viewer.as_ref().filter(|viewer| viewer.stroke.is_none()) else { return };
        if viewer.session.document().table.is_locked(value) || self.tasks.is_running(ERASING) {
            return;
        }
        let labels = viewer.session.document().labels.clone();
        let job = Job::EraseLabel { labels, value, done: viewer.slices_in(SliceState::Done) };
        self.tasks.start(ERASING, job, self.snapshot(), context);
    }

    /// A label is off the labels.
    pub(super) fn erased(&mut self, labels: LabelMap, value: LabelValue, is_left: bool, snapshot: Snapshot) {
        if snapshot != self.snapshot() {
            let text = "The labels were changed while one was deleted; delete it again.";
            self.notices.push(Kind::Warning, text, "");
            return;
        }
        let Some(viewer) = &mut self.viewer else { return };
        let before = viewer.session.document().table.clone();
        let name = before.get(value).map(|label| label.name.clone()).unwrap_or_default();
        let mut table = before.clone();
        table.0.retain(|label| label.value != value || is_left);
        let change = Change::Segmentation { labels, table, states: Vec::new() };
        viewer.session.apply(Command { name: format!("Delete {name}"), change });
        let values: Vec<LabelValue> = before.0.iter().map(|label| label.value).collect();
        viewer.choose_neighbour(&values);
        if is_left {
            let text = format!(
                "\"{name}\" stays in finished slices and was deleted in all others. Take their mark back (Enter over the view) to \
                 delete it there too."
            );
            self.notices.push(Kind::Warning, text, "");
        }
    }

    /// Whether labels are computed that would be lost with the image.
    pub(super) fn is_computing_labels(&self) -> bool {
        use super::pixels::CLASSIFYING_ALL;
        [SEGMENTING, REFINING, CLASSIFYING_ALL, JOINING, ERASING].iter().any(|title| self.tasks.is_running(title))
    }
}

impl SavedFile {
    /// A file as it is now.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf(), stamp: stamp(path) }
    }

    /// Whether another program has written it since.
    pub fn is_changed(&self) -> bool {
        self.stamp.is_some() && stamp(&self.path).is_some_and(|now| Some(now) != self.stamp)
    }
}

fn stamp(path: &Path) -> Option<(std::time::SystemTime, u64)> {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

/// A number with commas between its thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn voxels(count: usize) -> String {
    format!("{} {}", grouped(count), if count == 1 { "voxel" } else { "voxels" })
}

fn name_in(table: &LabelTable, value: LabelValue) -> String {
    table.get(value).map_or_else(|| format!("Label {value}"), |label| label.name.trim().to_string())
}

/// What the user must know of labels that were joined: a notice and its details. `before` is the table as it was.
fn told(joined: &Joined, before: &LabelTable, source: &Source) -> Option<(Kind, String, String)> {
    let table = &joined.join.table;
    let mut sentences: Vec<String> = Vec::new();
    let moved: Vec<&JoinedLabel> = joined.join.labels.iter().filter(|label| label.fate == Fate::Renumbered).collect();
    for label in moved.iter().take(FEW_LABELS) {
        let (number, name) = (label.incoming.value, name_in(table, label.value));
        let own = match before.get(number) {
            Some(own) => format!("number {number} is your \"{}\"", own.name.trim()),
            None => format!("number {number} is taken"),
        };
        sentences.push(format!("{name} is label {} here: {own}.", label.value));
    }
    if moved.len() > FEW_LABELS {
        sentences.push(format!("{} more labels have other numbers too.", moved.len() - FEW_LABELS));
    }
    let mut kind = if moved.is_empty() { Kind::Info } else { Kind::Warning };
    if *source != Source::Pixels {
        let kept: Vec<String> =
            joined.kept.iter().map(|(value, _)| format!("\"{}\"", name_in(table, *value))).collect();
        let from = source.name();
        match &kept[..] {
            [] => {}
            [one] => sentences.push(format!("{one} is not a label of {from} and stays as it was.")),
            few if few.len() <= FEW_LABELS => {
                sentences.push(format!("{} are not labels of {from} and stay as they were.", few.join(", ")));
            }
            many => sentences.push(format!("{} labels that {from} does not have stay as they were.", many.len())),
        }
    }
    for (label, by, count) in &joined.kept_out {
        let name = name_in(table, *label);
        let were = if *count == 1 { "was" } else { "were" };
        sentences.push(match by {
            KeptOutBy::OwnLock => format!("{} of {name} {were} left out: {name} is locked.", voxels(*count)),
            KeptOutBy::Lock(own) => {
                format!("{} of {name} {were} kept out by the locked label {}.", voxels(*count), name_in(table, *own))
            }
            KeptOutBy::Unknown(own) => {
                format!("{} of {name} {were} kept out by {}.", voxels(*count), name_in(table, *own))
            }
        });
        kind = Kind::Warning;
    }
    if sentences.is_empty() {
        return None;
    }
    let mut details: Vec<String> = Vec::new();
    if !moved.is_empty() {
        details.push(format!("Label of {}: your label", source.name()));
        details.extend(joined.join.labels.iter().map(|label| {
            format!("{} {}: {} {}", label.incoming.value, label.incoming.name, label.value, name_in(table, label.value))
        }));
    }
    details.extend(
        joined
            .kept
            .iter()
            .map(|(value, count)| format!("{value} {} stays, {}", name_in(table, *value), voxels(*count))),
    );
    // A few sentences are read; the rest is in the details.
    let mut text = sentences;
    if text.len() > 2 * FEW_LABELS {
        details.splice(0..0, text.split_off(2 * FEW_LABELS));
        text.push("More is in the details.".into());
    }
    Some((kind, text.join(" "), details.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [0, 12, 123, 1234, 12345, 1_234_567].map(grouped),
            ["0", "12", "123", "1,234", "12,345", "1,234,567"]
        );
    }
}
