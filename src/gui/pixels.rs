//! What the window does about classifying pixels: scribbles in, a preview that follows every stroke, labels out.

use super::app::App;
use super::egui;
use super::joining::{Incoming, Source};
use super::notices::Kind;
use super::tasks::Snapshot;
use super::viewer::Live;
use crate::gui::old_jobs::{Job, Names, PixelJob, PixelRule};
use crate::session::SliceState;
use crate::volume::{LabelMap, LabelTable, LabelValue};

/// Title of the job.
pub const CLASSIFYING: &str = "Classifying pixels";
/// Title of the job over all slices.
pub const CLASSIFYING_ALL: &str = "Classifying all slices";

/// The card's state.
pub struct Pixels {
    /// Whether a preview follows every stroke.
    pub live: bool,
    /// Kind of classifier.
    pub rule: PixelRule,
    /// The label whose scribbles stand for the background, by value and name: its value may come to mean something else.
    pub background: Option<(LabelValue, String)>,
    /// What the preview was made of last; the number is that of the frame.
    asked: Option<(Snapshot, PixelRule, Option<LabelValue>, usize)>,
    /// The scribbles of a preview that became labels in their place, and what the session was then.
    taken: Option<(Snapshot, LabelMap)>,
    /// The scribbles of a preview that is being taken.
    taking: Option<LabelMap>,
    /// The labels that the preview tells apart, the background's among them.
    known: Vec<LabelValue>,
    /// What is missing for a preview.
    pub lacks: Option<&'static str>,
}

impl Default for Pixels {
    fn default() -> Self {
        Self {
            live: false,
            rule: PixelRule::MultiLayer,
            background: None,
            asked: None,
            taken: None,
            taking: None,
            known: Vec::new(),
            lacks: None,
        }
    }
}

impl Pixels {
    /// Follows the label that stands for the background when the table is edited.
    pub fn follow(&mut self, before: &LabelTable, after: &LabelTable) {
        if let Some((value, name)) = &mut self.background
            && before.get(*value).is_some_and(|label| label.name == *name)
            && let Some(label) = after.get(*value)
        {
            name.clone_from(&label.name);
        }
    }
}

impl App {
    /// The label whose scribbles stand for the background, while there is one of that value and name.
    pub fn background(&self) -> Option<LabelValue> {
        let (value, name) = self.pixels.background.as_ref()?;
        let label = self.viewer.as_ref()?.session.document().table.get(*value)?;
        (label.name == *name).then_some(*value)
    }

    /// Starts a preview where something has changed since the last one.
    pub(super) fn follow_scribbles(&mut self, context: &egui::Context) {
        if !self.pixels.live || self.viewer.as_ref().is_none_or(|viewer| viewer.stroke.is_some()) {
            return;
        }
        // All slices are being classified: that is not broken off for a preview.
        if self.tasks.find(CLASSIFYING_ALL).is_some() {
            return;
        }
        let frame = self.viewer.as_ref().map_or(0, |viewer| viewer.frame);
        let wanted = (self.snapshot(), self.pixels.rule, self.background(), frame);
        if self.pixels.asked == Some(wanted) {
            return;
        }
        if let Some(viewer) = self.viewer.as_mut().filter(|_| self.pixels.asked.is_some_and(|asked| asked.3 != frame)) {
            // What was found in another frame is not shown over this one.
            viewer.preview = None;
        }
        self.pixels.asked = Some(wanted);
        self.classify_pixels(false, context);
    }

    /// Classifies the slice that was painted last, or all slices of its plane.
    pub(super) fn classify_pixels(&mut self, all_slices: bool, context: &egui::Context) {
        let Some(viewer) = &self.viewer else { return };
        let Some((plane, slice)) = viewer.painted else {
            self.pixels.lacks = Some("Paint a little of two labels in one slice");
            return;
        };
        let job = PixelJob {
            volume: viewer.volume().clone(),
            frame: viewer.frame,
            layout: viewer.layout(plane),
            slice,
            scribbles: self.taken_scribbles().unwrap_or(&viewer.session.document().labels).clone(),
            labels: viewer.session.document().labels.clone(),
            background: self.background(),
            rule: self.pixels.rule,
            all_slices,
        };
        self.tasks.cancel(CLASSIFYING);
        self.tasks.cancel(CLASSIFYING_ALL);
        let title = if all_slices { CLASSIFYING_ALL } else { CLASSIFYING };
        self.tasks.start(title, Job::ClassifyPixels(Box::new(job)), self.snapshot(), context);
    }

    /// Shows a preview, or takes the labels of all slices into the document.
    pub(super) fn classified(
        &mut self,
        labels: Option<LabelMap>,
        known: Vec<LabelValue>,
        all_slices: bool,
        snapshot: Snapshot,
        context: &egui::Context,
    ) {
        // A stroke under way was begun on other labels.
        if snapshot != self.snapshot() || self.viewer.as_ref().is_some_and(|viewer| viewer.stroke.is_some()) {
            self.pixels.asked = None;
            if all_slices {
                let text =
                    "The labels were changed while all slices were classified; press \"Use in all slices\" again.";
                self.notices.push(Kind::Warning, text, "");
            }
            return;
        }
        self.pixels.lacks = labels.is_none().then_some("Paint a little of two labels in one slice");
        let Some(viewer) = &mut self.viewer else { return };
        viewer.preview = labels.map(|labels| Live { labels, revision: snapshot.revision, table: None });
        self.pixels.known = known;
        if all_slices {
            self.take_preview(true, context);
        }
    }

    /// The scribbles of the preview that was taken last, while nothing has changed since.
    fn taken_scribbles(&self) -> Option<&LabelMap> {
        self.pixels.taken.as_ref().filter(|(after, _)| *after == self.snapshot()).map(|(_, labels)| labels)
    }

    /// Whether all slices can be classified as the one with the scribbles was.
    pub(super) fn can_classify_all(&self) -> bool {
        let is_working = self.tasks.is_running(CLASSIFYING_ALL);
        self.has_preview() || (self.taken_scribbles().is_some() && !self.pixels.live && !is_working)
    }

    /// Whether there is a preview to be taken.
    pub(super) fn has_preview(&self) -> bool {
        let Some(viewer) = &self.viewer else { return false };
        let shown = viewer.preview.as_ref().is_some_and(|live| live.revision == viewer.session.revision());
        let is_working = self.tasks.is_running(CLASSIFYING) || self.tasks.is_running(CLASSIFYING_ALL);
        self.pixels.live && shown && !is_working
    }

    /// Makes the preview the document's labels: one undo step. Finished slices, locked labels, and labels that the scribbles do not have
    /// stay.
    pub(super) fn take_preview(&mut self, all_slices: bool, context: &egui::Context) {
        let snapshot = self.snapshot();
        let Some(viewer) = &mut self.viewer else { return };
        let Some(live) = viewer.preview.take() else { return };
        let of = viewer.painted.filter(|_| !all_slices);
        self.pixels.taking = Some(viewer.session.document().labels.clone());
        let names = Names::Documents(self.pixels.known.clone());
        let incoming = Incoming {
            source: Source::Pixels,
            labels: live.labels,
            names,
            state: SliceState::Draft,
            states: Vec::new(),
            of,
        };
        self.end_preview();
        self.take_incoming(incoming, snapshot, context);
    }

    /// A preview has become labels in place of its scribbles, which are kept for the other slices.
    pub(super) fn pixels_are_taken(&mut self, all_slices: bool) {
        let scribbles = self.pixels.taking.take();
        self.pixels.taken = scribbles.filter(|_| !all_slices).map(|scribbles| (self.snapshot(), scribbles));
    }

    /// Takes the preview off the screen.
    pub(super) fn end_preview(&mut self) {
        self.tasks.cancel(CLASSIFYING);
        self.pixels.live = false;
        self.pixels.asked = None;
        self.pixels.lacks = None;
        if let Some(viewer) = &mut self.viewer {
            viewer.preview = None;
        }
    }

    /// Labels of the preview, while there is one.
    pub fn preview(&self) -> Option<&LabelMap> {
        let live = self.viewer.as_ref()?.preview.as_ref()?;
        self.has_preview().then_some(&live.labels)
    }
}
