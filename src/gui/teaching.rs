//! What the window does about teaching: start, go on, the report.

use std::path::PathBuf;

use super::app::{App, SAVING};
use super::egui;
use super::notices::Kind;
use super::scan_choices::ScanChoices;
use super::tasks::Snapshot;
use super::teach::{Curve, OnDisk, PLANNING, TEACHING, model_name};
use crate::gui::old_jobs::{CompareJob, DatasetFacts, Job, MarkedScan};
use crate::learn::checkpoint_path;
use crate::model;

/// Title of the job that shows where a model errs.
const COMPARING: &str = "Comparing";
/// Title of the job that looks at a folder of labelled scans.
const LOOKING: &str = "Looking at scans";

impl App {
    /// Trains in the background, from the beginning or where it was interrupted; the model comes into the user's model folder.
    pub(super) fn start_teaching(&mut self, resume: bool, context: &egui::Context) {
        let Some(folder) = self.make_model_folder() else { return };
        let model = self.model.as_ref().map(|(_, model)| model.as_ref());
        if let Some(job) = self.teach.job(&folder, self.marked_scan(), model, self.device_choice, resume) {
            self.teach.curve = Curve::default();
            self.teach.result = None;
            self.teach.compared = None;
            self.teach.preview = None;
            self.teach.planned.clear();
            self.teach.running = self.teach.summary(model_name(&self.settings.model));
            self.tasks.cancel(PLANNING);
            let title = format!("{TEACHING} {}", self.teach.name);
            self.tasks.start(title, Job::Train(Box::new(job)), Snapshot::default(), context);
        }
    }

    /// What a plan is made for: the choices, the finished slices where those are learned from, the model where that is the start.
    fn planned_for(&self) -> String {
        let revision = self.viewer.as_ref().map(|viewer| viewer.session.revision());
        let scan = self.teach.from_scan.then_some((self.images, revision, self.background()));
        let spec = self.model.as_ref().map(|(_, model)| &model.spec);
        let model = spec.filter(|_| self.teach.from_model).map(|of| (&of.sha256, of.slice_axis, &of.fused_axes));
        self.teach.choices(&format!("{scan:?} {model:?}"))
    }

    /// The plan of the choices as they are now, if it was asked for; empty until it is made.
    pub(super) fn suggested_plan(&self) -> Option<&str> {
        let (wanted, plan) = self.teach.suggested.as_ref()?;
        (*wanted == self.planned_for()).then_some(plan)
    }

    /// Makes the plan of the choices in the background; nothing is trained or written.
    pub(super) fn plan_teaching(&mut self, context: &egui::Context) {
        let model = self.model.as_ref().map(|(_, model)| model.as_ref());
        let nowhere = std::path::Path::new("");
        if let Some(job) = self.teach.job(nowhere, self.marked_scan(), model, self.device_choice, false) {
            self.teach.suggested = Some((self.planned_for(), String::new()));
            self.tasks.cancel(PLANNING);
            self.tasks.start(PLANNING, Job::Plan(Box::new(job)), Snapshot::default(), context);
        }
    }

    /// Looks once at every folder of labelled scans that is chosen.
    pub(super) fn look_at_dataset(&mut self, context: &egui::Context) {
        if self.teach.dataset == self.teach.looked_at {
            return;
        }
        self.teach.looked_at = self.teach.dataset.clone();
        self.teach.before = self.teach.scans.take().or(self.teach.before.take());
        if let Some(folder) = self.teach.dataset.clone() {
            self.tasks.cancel(LOOKING);
            self.tasks.start(LOOKING, Job::LookAtDataset(folder), Snapshot::default(), context);
        }
    }

    /// Whether it is not known yet what the chosen folder holds.
    pub(super) fn looks_at_dataset(&self) -> bool {
        self.tasks.find(LOOKING).is_some()
    }

    /// Takes what a folder holds, if it still is the chosen one.
    pub(super) fn dataset_found(&mut self, facts: DatasetFacts) {
        if self.teach.dataset.as_ref() == Some(&facts.folder) {
            // Its files may have changed under their names.
            self.teach.suggested = None;
            self.teach.scans = Some(ScanChoices::new(facts, self.teach.before.take()));
        }
    }

    /// The shown scan with its finished slices.
    pub(super) fn marked_scan(&self) -> Option<MarkedScan> {
        let viewer = self.viewer.as_ref()?;
        let document = viewer.session.document();
        Some(MarkedScan {
            volume: viewer.volume().clone(),
            labels: document.labels.clone(),
            table: document.table.clone(),
            background: self.background(),
            done: self.done_slices(),
        })
    }

    /// Adds the shown scan's finished slices to a data set.
    pub(super) fn add_to_dataset(&mut self, folder: PathBuf, context: &egui::Context) {
        if let Some(scan) = self.marked_scan() {
            let job = Job::AddToDataset { folder, scan: Box::new(scan) };
            self.tasks.start(SAVING, job, Snapshot::default(), context);
        }
    }

    /// Shows where the taught model errs in a held-back case.
    pub(super) fn compare_case(&mut self, case: &str, context: &egui::Context) {
        let Some(result) = &self.teach.result else { return };
        let job = CompareJob {
            model: result.output.clone(),
            dataset: result.dataset.clone(),
            case: case.into(),
            device: self.device_choice,
        };
        self.tasks.cancel(COMPARING);
        self.tasks.start(format!("{COMPARING} {case}"), Job::CompareCase(Box::new(job)), Snapshot::default(), context);
    }

    pub(super) fn save_report(&mut self, folder: PathBuf, context: &egui::Context) {
        if let Some(result) = &self.teach.result {
            let summary = Box::new(result.clone());
            self.tasks.start(SAVING, Job::SaveReport { folder, summary }, Snapshot::default(), context);
        }
    }

    /// What there is under the chosen name; looked up once for each name.
    pub(super) fn taught_before(&mut self) -> OnDisk {
        if let Some((name, found)) = &self.teach.looked_up
            && *name == self.teach.name
        {
            return *found;
        }
        let folder = self.model_folder.clone().or_else(model::user_folder);
        let output = folder.map(|folder| self.teach.output(&folder));
        let listed = self.models.iter().any(|model| model_name(&model.id) == self.teach.name);
        let found = OnDisk {
            model: listed || output.as_ref().is_some_and(|output| output.exists()),
            training: output.is_some_and(|output| checkpoint_path(&output).is_file()),
        };
        self.teach.looked_up = Some((self.teach.name.clone(), found));
        found
    }

    /// Deletes the state of the interrupted training of the chosen name.
    pub(super) fn discard_training(&mut self) {
        let folder = self.model_folder.clone().or_else(model::user_folder);
        let state = folder.map(|folder| checkpoint_path(&self.teach.output(&folder)));
        if let Some(Err(error)) = state.map(std::fs::remove_file) {
            self.notices.push(Kind::Error, format!("The interrupted training cannot be deleted: {error}."), "");
        }
        self.look_up_models_again();
    }

    /// Whether the Teach card is shown though there is no image.
    pub(super) fn teaches_alone(&self) -> bool {
        self.viewer.is_none() && (self.teach.alone || self.tasks.find(TEACHING).is_some())
    }

    /// Forgets what was found on disk under a model's name.
    pub fn look_up_models_again(&mut self) {
        self.teach.looked_up = None;
    }

    /// Names of the scans in the chosen folder.
    pub fn labelled_scans(&self) -> Vec<String> {
        self.teach.scans.iter().flat_map(|scans| scans.uses.iter().map(|(name, _)| name.clone())).collect()
    }

    /// Points of the loss in the curve.
    pub fn curve_points(&self) -> usize {
        self.teach.curve.loss.len()
    }

    /// The share of the running training that is done, and the validations so far.
    pub fn teaching(&self) -> Option<(f32, usize)> {
        let validations = self.teach.curve.dice.values().map(Vec::len).max().unwrap_or(0);
        self.tasks.find(TEACHING).map(|done| (done, validations))
    }
}
