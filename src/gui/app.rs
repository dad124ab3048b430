//! The application: its state, what actions do, and what comes of jobs.

use std::path::PathBuf;
use std::sync::Arc;

use super::attention::Attending;
use super::compose::{Look, picture};
use super::dialogs::{Dialogs, Purpose};
use super::egui;
use super::joining::{COUNTING, JOINING, Joining};
use super::notices::{Kind, Notices};
use super::pixels::{CLASSIFYING, CLASSIFYING_ALL, Pixels};
use super::refining::REFINING;
use super::saving::{BeingSaved, Replacing, file_name};
use super::settings::Settings;
use super::tasks::{News, Snapshot, Tasks};
use super::teach::{TEACHING, Teach};
use super::unsaved::{Leaving, unsaved_ui};
use super::viewer::{Habits, Viewer};
use super::{cards, data_panel, keys, opaque, pending, status_bar, still, theme, tiles, top_bar, welcome};
use crate::edit::join;
use crate::formats::Entry;
use crate::gui::old_jobs::{DeviceChoice, Job, SegmentJob, SegmentOptions, Skipped};
use crate::model::{self, ListedModel, Model, SliceAxis};
use crate::volume::{LabelTable, LabelValue, Plane, Volume};

/// Title of jobs that write files.
pub const SAVING: &str = "Saving";
/// Title of the job that reads a mask.
const OPENING_LABELS: &str = "Opening labels";
/// Title of the segmentation job.
pub const SEGMENTING: &str = "Segmenting";

/// What the user can ask for, by button, menu or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    OpenFile,
    OpenFolder,
    OpenSample,
    OpenLabels,
    /// Write the labels to their file again; ask for one where they have none.
    SaveLabels,
    SaveLabelsAs,
    /// Take a label and its voxels out of the document.
    DeleteLabel(LabelValue),
    SaveImage,
    SavePicture(Plane),
    CloseImage,
    Undo,
    Redo,
    AutoWindow,
    ResetWindow,
    FitViews,
    Segment,
    Refine,
    /// The adapted model becomes one of its own.
    KeepRefinement,
    ForgetRefinement,
    ChooseDataset,
    /// Add the shown scan's finished slices to a data set.
    AddToDataset,
    Teach,
    ResumeTeaching,
    PlanTeaching,
    PauseTeaching,
    StopTeaching,
    SaveReport,
    /// The pixel classifier's preview becomes labels.
    TakePreview,
    /// The pixel classifier runs over all slices.
    ClassifyAll,
}

/// A series or volume in the data panel.
pub struct Item {
    /// What was found.
    pub entry: Entry,
    /// Loaded already.
    pub volume: Option<Arc<Volume>>,
    /// A small picture.
    pub thumbnail: Option<egui::TextureHandle>,
}

/// The window's state.
pub struct App {
    pub(super) settings: Settings,
    pub(super) saved_settings: Settings,
    pub(super) keep_settings: bool,
    pub(super) items: Vec<Item>,
    pub(super) skipped: Vec<Skipped>,
    /// Which item is shown.
    pub(super) shown: Option<usize>,
    /// Which item is being loaded to be shown.
    pub(super) loading: Option<usize>,
    pub(super) viewer: Option<Viewer>,
    pub(super) tasks: Tasks,
    pub(super) notices: Notices,
    pub(super) dialogs: Dialogs,
    pub(super) models: Vec<ListedModel>,
    /// The chosen model, read once.
    pub(super) model: Option<(String, Arc<Model>)>,
    /// Where it was adapted to finished slices: of which image, and the model as it was when that began.
    pub(super) adapted: Option<(u64, Arc<Model>)>,
    pub(super) device_choice: DeviceChoice,
    pub(super) device: String,
    pub(super) axis: Option<SliceAxis>,
    pub(super) mirror: bool,
    pub(super) keep_largest: bool,
    pub(super) teach: Teach,
    pub(super) pixels: Pixels,
    pub(super) attending: Attending,
    /// Where taught models go instead of the user's folder.
    pub(super) model_folder: Option<PathBuf>,
    /// What waits until the user has said what becomes of unsaved labels.
    pub(super) leaving: Option<Leaving>,
    pub(super) closing: bool,
    /// What happens when the labels are on disk, and of which image.
    pub(super) leave_when_saved: Option<(Leaving, u64)>,
    /// What is being written of the labels.
    pub(super) being_saved: Option<BeingSaved>,
    /// A file that the user is asked about before it is written over.
    pub(super) replacing: Option<Replacing>,
    /// Labels that are being joined with the document's.
    pub(super) joining: Option<Joining>,
    /// Names of the labels that a running network shows.
    pub(super) live_table: Option<LabelTable>,
    /// The mask that is being read.
    pub(super) opened_mask: Option<PathBuf>,
    /// What the next image inherits from the last one.
    pub(super) habits: Habits,
    /// Grows with every image that is shown or closed.
    pub(super) images: u64,
    /// Identifier of the model being read.
    pub(super) fetching: Option<String>,
    pub(super) started: std::time::Instant,
    pub(super) first_frame: Option<std::time::Duration>,
}

impl App {
    /// The application with the user's settings and paths to open; `started` is when the program began.
    pub fn new(context: &eframe::CreationContext, paths: Vec<PathBuf>, started: std::time::Instant) -> Self {
        Self::with_settings(context, paths, Settings::load(), true, started)
    }

    /// The application with default settings that are not kept, and with file dialogs of its own.
    pub fn ephemeral(context: &eframe::CreationContext, paths: Vec<PathBuf>) -> Self {
        Self::with_settings(context, paths, Settings::default(), false, std::time::Instant::now())
    }

    fn with_settings(
        context: &eframe::CreationContext,
        paths: Vec<PathBuf>,
        settings: Settings,
        keep_settings: bool,
        started: std::time::Instant,
    ) -> Self {
        theme::install(&context.egui_ctx);
        if let Some(state) = &context.wgpu_render_state {
            opaque::install(state);
            still::install(&context.egui_ctx, state);
        }
        let models = model::list();
        let mut app = Self {
            saved_settings: settings.clone(),
            keep_settings,
            settings,
            items: Vec::new(),
            skipped: Vec::new(),
            shown: None,
            loading: None,
            viewer: None,
            tasks: Tasks::default(),
            notices: Notices::default(),
            dialogs: if keep_settings { Dialogs::new() } else { Dialogs::own() },
            models,
            model: None,
            adapted: None,
            device_choice: DeviceChoice::Auto,
            device: String::new(),
            axis: None,
            mirror: false,
            keep_largest: false,
            teach: Teach::default(),
            pixels: Pixels::default(),
            attending: Attending::default(),
            model_folder: None,
            leaving: None,
            closing: false,
            leave_when_saved: None,
            being_saved: None,
            replacing: None,
            joining: None,
            live_table: None,
            opened_mask: None,
            habits: Habits::default(),
            images: 0,
            fetching: None,
            started,
            first_frame: None,
        };
        if !app.models.iter().any(|m| m.id == app.settings.model)
            && let Some(first) = app.models.first()
        {
            app.settings.model.clone_from(&first.id);
        }
        app.open_together(paths, &context.egui_ctx);
        app
    }

    /// Whether no job runs.
    pub fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The current segmentation, if an image is open.
    pub fn labels(&self) -> Option<&crate::volume::LabelMap> {
        self.viewer.as_ref().map(|v| &v.session.document().labels)
    }

    /// Names and colours of the labels, if an image is open.
    pub fn label_table(&self) -> Option<&LabelTable> {
        self.viewer.as_ref().map(|v| &v.session.document().table)
    }

    /// The label that the brush paints, if an image is open.
    pub fn active_label(&self) -> Option<LabelValue> {
        self.viewer.as_ref().map(|v| v.active_label)
    }

    /// Whether the window was told to close.
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Turns the keeping of parts that do not change (`gui/still.rs`) on or off.
    pub fn set_keeping(&self, context: &egui::Context, on: bool) {
        still::set_on(context, on);
    }

    /// How many parts of the last frame were kept.
    pub fn kept_parts(&self, context: &egui::Context) -> usize {
        still::kept(context)
    }

    /// The display window, if an image is open.
    pub fn window(&self) -> Option<crate::volume::Window> {
        self.viewer.as_ref().map(|v| v.window)
    }

    /// Messages on screen.
    pub fn messages(&self) -> Vec<String> {
        self.notices.all().iter().map(|n| n.text.clone()).collect()
    }

    /// Time from the program's start to the end of the first frame.
    pub fn first_frame(&self) -> Option<std::time::Duration> {
        self.first_frame
    }

    /// What is edited, if an image is open.
    pub fn document(&self) -> Option<&crate::session::Document> {
        self.viewer.as_ref().map(|viewer| viewer.session.document())
    }

    /// Reads a mask for the image on screen.
    pub fn open_labels(&mut self, path: PathBuf, context: &egui::Context) {
        let Some(viewer) = &self.viewer else { return };
        let volume = viewer.volume().clone();
        self.tasks.cancel(OPENING_LABELS);
        self.opened_mask = Some(path.clone());
        self.tasks.start(OPENING_LABELS, Job::OpenLabels { path, volume }, self.snapshot(), context);
    }

    pub(super) fn show_item(&mut self, n: usize, context: &egui::Context) {
        if self.shown == Some(n) {
            return;
        }
        if self.is_busy() {
            self.leaving = Some(Leaving::Item(n));
            return;
        }
        let Some(item) = self.items.get(n) else { return };
        // Whatever was on its way is not wanted any more.
        self.loading = None;
        self.tasks.cancel("Reading");
        match &item.volume {
            Some(volume) => self.show_volume(n, volume.clone()),
            None => {
                self.loading = Some(n);
                let title = format!("Reading {}", item.entry.name);
                self.tasks.start(title, Job::Load(Box::new(item.entry.clone())), Snapshot::default(), context);
            }
        }
    }

    /// Whether showing another image would lose something: labels that are not saved, or a running network's.
    pub(super) fn is_busy(&self) -> bool {
        self.is_modified()
            || self.viewer.as_ref().is_some_and(|v| v.pending.is_some() || v.stroke.is_some())
            || (self.viewer.is_some() && self.is_computing_labels())
    }

    /// Whether closing the window would lose something: what [`Self::is_busy`] says, a training, or a file that is being written.
    fn may_not_close(&self) -> bool {
        self.is_busy() || self.is_teaching() || self.is_saving()
    }

    /// Whether a file is being written.
    pub(super) fn is_saving(&self) -> bool {
        self.tasks.is_running(SAVING)
    }

    /// Whether a training runs.
    pub(super) fn is_teaching(&self) -> bool {
        self.tasks.is_running(TEACHING)
    }

    /// Whether there are labels that are not on disk.
    pub(super) fn is_modified(&self) -> bool {
        self.viewer.as_ref().is_some_and(|v| v.session.is_modified())
    }

    /// Gives up unsaved labels and does what waited for that.
    pub(super) fn leave(&mut self, leaving: Leaving, context: &egui::Context) {
        self.close_image();
        self.leaving = None;
        match leaving {
            Leaving::Item(n) => self.show_item(n, context),
            Leaving::Image => {}
            Leaving::Window => {
                self.closing = true;
                context.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }

    pub(super) fn show_volume(&mut self, n: usize, volume: Arc<Volume>) {
        self.shown = Some(n);
        self.images += 1;
        // Labels of another image have other meanings.
        self.pixels.background = None;
        self.keep_habits();
        self.viewer = Some(Viewer::new(volume, self.habits));
    }

    fn keep_habits(&mut self) {
        if let Some(viewer) = &self.viewer {
            self.habits = viewer.habits();
        }
    }

    /// Takes the image off the screen; it stays in the data panel.
    fn close_image(&mut self) {
        self.tasks.cancel(SEGMENTING);
        self.tasks.cancel(REFINING);
        self.tasks.cancel(CLASSIFYING);
        self.tasks.cancel(CLASSIFYING_ALL);
        self.tasks.cancel(JOINING);
        self.tasks.cancel(COUNTING);
        self.joining = None;
        self.leave_when_saved = None;
        self.keep_habits();
        self.viewer = None;
        self.shown = None;
        self.images += 1;
    }

    /// What a job that starts now looks at.
    pub(super) fn snapshot(&self) -> Snapshot {
        let revision = self.viewer.as_ref().map_or(0, |v| v.session.revision());
        Snapshot { image: self.images, revision }
    }

    /// Does what was asked for.
    pub(super) fn act(&mut self, action: Action, context: &egui::Context) {
        match action {
            Action::OpenFile => self.ask(Purpose::OpenFile, context),
            Action::OpenFolder => self.ask(Purpose::OpenFolder, context),
            Action::OpenSample => self.tasks.start("Opening the sample", Job::Sample, Snapshot::default(), context),
            Action::OpenLabels if self.viewer.is_some() => self.ask(Purpose::OpenLabels, context),
            Action::SaveLabels => self.save(context),
            Action::SaveLabelsAs if self.viewer.is_some() => self.ask(Purpose::SaveLabels, context),
            Action::DeleteLabel(value) => self.delete_label(value, context),
            Action::SaveImage if self.viewer.is_some() => self.ask(Purpose::SaveImage, context),
            Action::SavePicture(plane) if self.viewer.is_some() => self.ask(Purpose::SavePicture(plane), context),
            Action::CloseImage if self.is_busy() => self.leaving = Some(Leaving::Image),
            Action::CloseImage => self.close_image(),
            Action::Segment => self.segment(context),
            Action::Refine => self.refine(context),
            Action::KeepRefinement => self.keep_refinement(context),
            Action::ForgetRefinement => self.forget_refinement(),
            Action::ChooseDataset => self.ask(Purpose::Dataset, context),
            Action::Teach => self.start_teaching(false, context),
            Action::ResumeTeaching => self.start_teaching(true, context),
            Action::PlanTeaching => self.plan_teaching(context),
            Action::PauseTeaching => self.tasks.pause(TEACHING),
            Action::StopTeaching => self.tasks.cancel(TEACHING),
            Action::TakePreview => self.take_preview(false, context),
            Action::ClassifyAll => self.classify_pixels(true, context),
            Action::AddToDataset => self.ask(Purpose::AddToDataset, context),
            Action::SaveReport => self.ask(Purpose::Report, context),
            _ => self.act_on_viewer(action),
        }
    }

    fn act_on_viewer(&mut self, action: Action) {
        let Some(viewer) = &mut self.viewer else { return };
        if viewer.stroke.is_some() {
            // A stroke ends before anything else happens to the labels.
            return;
        }
        match action {
            Action::Undo => viewer.travel(false),
            Action::Redo => viewer.travel(true),
            Action::AutoWindow => viewer.window = viewer.volume().auto_window(),
            Action::ResetWindow => viewer.window = viewer.volume().file_window(),
            Action::FitViews => viewer.views.iter_mut().for_each(super::viewer::ViewState::fit),
            _ => {}
        }
    }

    /// How the Segment card says that the shown frame is segmented.
    pub(super) fn segment_options(&self, model: &Model, frame: usize) -> SegmentOptions {
        SegmentOptions {
            axis: self.axis,
            mirror: self.mirror && model.spec.mirror,
            keep_largest: self.keep_largest,
            frame,
            from_voxel: None,
            full_precision: false,
        }
    }

    fn segment(&mut self, context: &egui::Context) {
        let Some((_, model)) = self.model.clone() else { return };
        let Some(viewer) = &self.viewer else { return };
        let from_voxel = Some(viewer.cursor);
        let options = SegmentOptions { from_voxel, ..self.segment_options(&model, viewer.frame) };
        // What is seen while it runs has the names and colours that it will have.
        let used = viewer.counted.1.keys().copied().collect();
        let joined = join(&viewer.session.document().table, &used, &model.spec.label_table()).ok();
        let shown_as = joined.as_ref().map(|join| join.labels.iter().map(|l| (l.incoming.value, l.value)).collect());
        let shown_as = shown_as.unwrap_or_default();
        self.live_table = joined.map(|join| join.table);
        let job = SegmentJob {
            volume: viewer.volume().clone(),
            model,
            device: self.device_choice,
            options,
            probabilities: false,
            shown_as,
        };
        self.tasks.start(SEGMENTING, Job::Segment(job), self.snapshot(), context);
    }

    /// The folder of labelled scans to learn from.
    pub fn set_dataset(&mut self, path: PathBuf) {
        self.teach.dataset = Some(path);
        // The same folder may have other scans by now.
        self.teach.looked_at = None;
    }

    /// Does what a path was chosen for.
    pub(super) fn use_path(&mut self, purpose: Purpose, image: u64, path: PathBuf, context: &egui::Context) {
        if matches!(purpose, Purpose::OpenFile | Purpose::OpenFolder) {
            self.open(&path, context);
            return;
        }
        match purpose {
            Purpose::Dataset => return self.set_dataset(path),
            Purpose::Report => return self.save_report(path, context),
            _ => {}
        }
        let Some(viewer) = self.viewer.as_ref().filter(|_| image == self.images) else {
            // The dialog was for an image that is not on screen any more.
            let name = file_name(&path);
            let what = if purpose == Purpose::OpenLabels { "opened" } else { "saved" };
            let text = format!("{name} was not {what}: another image is shown now. Show that image and try again.");
            self.notices.push(Kind::Warning, text, path.display().to_string());
            return;
        };
        let volume = viewer.volume().clone();
        let snapshot = self.snapshot();
        match purpose {
            Purpose::OpenFile | Purpose::OpenFolder | Purpose::Dataset | Purpose::Report => {}
            Purpose::AddToDataset => self.add_to_dataset(path, context),
            Purpose::OpenLabels => self.open_labels(path, context),
            Purpose::SaveLabels => self.save_labels(path, context),
            Purpose::SaveImage => self.tasks.start(SAVING, Job::SaveVolume { path, volume }, snapshot, context),
            Purpose::SavePicture(plane) => {
                let document = viewer.session.document();
                let look = Look {
                    window: viewer.window,
                    opacity: if self.settings.fill { self.settings.opacity } else { 0.0 },
                    outline: self.settings.outline,
                    labels: viewer.show_labels,
                };
                let place = (viewer.frame, viewer.slice(plane));
                let picture = picture(&volume, &document.labels, &document.table, &viewer.layout(plane), place, &look);
                self.tasks.start(SAVING, Job::SavePicture { path, picture }, snapshot, context);
            }
        }
    }
}

impl eframe::App for App {
    fn raw_input_hook(&mut self, context: &egui::Context, input: &mut egui::RawInput) {
        keys::take_tab(context, input, self);
    }

    /// Takes what jobs, dialogs and drops brought; paints nothing.
    fn logic(&mut self, context: &egui::Context, _: &mut eframe::Frame) {
        for news in self.tasks.drain() {
            match news {
                News::Event(event, snapshot) => self.event(event, snapshot, context),
                News::Done(outcome, snapshot) => self.done(*outcome, snapshot, context),
            }
        }
        while let Some(answer) = self.dialogs.poll(context) {
            self.take_answer(answer, context);
        }
        let dropped: Vec<PathBuf> =
            context.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_path_buf()).collect());
        self.open_together(dropped, context);
        if context.input(|i| i.viewport().close_requested()) && self.may_not_close() && !self.closing {
            context.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.leaving = Some(Leaving::Window);
        }
        context.set_theme(if self.settings.dark { egui::Theme::Dark } else { egui::Theme::Light });
        self.fetch_model(context);
        self.follow_scribbles(context);
        self.follow_counts(context);
        self.follow_attention(context);
        self.look_at_dataset(context);
        if (self.viewer.is_some() || self.teaches_alone()) && !self.teach.asked {
            self.teach.asked = true;
            self.tasks.start("Listing networks", Job::ListZoo, Snapshot::default(), context);
        }
        if self.keep_settings && self.settings != self.saved_settings && !context.input(|i| i.pointer.any_down()) {
            self.settings.save();
            self.saved_settings = self.settings.clone();
        }
    }

    /// Panels paint no ground of their own: what is cleared is not painted twice, which costs time without a graphics card.
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::clear_colour(visuals).to_normalized_gamma_f32()
    }

    /// Paints; waits for nothing.
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        tracing::trace!("frame after {:.2} ms", ui.input(|i| i.unstable_dt) * 1000.0);
        top_bar::top_bar_ui(ui, self);
        status_bar::status_bar_ui(ui, self);
        if self.settings.panels {
            data_panel::data_panel_ui(ui, self);
            if self.viewer.is_some() || self.teaches_alone() {
                cards::cards_ui(ui, self);
            }
        }
        let mut word = None;
        egui::CentralPanel::no_frame().show(ui, |ui| {
            let area = ui.max_rect();
            match &mut self.viewer {
                Some(viewer) => {
                    tiles::tiles_ui(ui, area, viewer, &mut self.settings);
                    word = pending::pending_ui(ui, area, viewer);
                    if let Some(refusal) = viewer.refusal.take() {
                        self.notices.push(Kind::Info, refusal, "");
                    }
                }
                None => {
                    ui.painter().rect_filled(area, 0.0, theme::tokens(ui).ground);
                    welcome::welcome_ui(ui, self);
                }
            }
            self.notices.ui(ui, area);
        });
        self.take_word(word, ui.ctx());
        welcome::drop_target_ui(ui);
        unsaved_ui(ui, self);
        self.replacing_ui(ui);
        self.dialogs.ui(ui.ctx());
        if self.leaving.is_none() && self.replacing.is_none() && !self.dialogs.is_open() {
            keys::handle_keys(ui, self);
        }
        if self.first_frame.is_none() {
            let elapsed = self.started.elapsed();
            self.first_frame = Some(elapsed);
            tracing::info!("first frame after {:.0} ms", elapsed.as_secs_f64() * 1000.0);
        }
    }
}
