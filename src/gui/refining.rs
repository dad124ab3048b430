//! What the window does about refining: adapt the model to the finished slices of the shown scan.

use std::path::Path;
use std::sync::Arc;

use super::app::{App, SAVING};
use super::egui;
use super::notices::Kind;
use super::scan_choices::ScanChoices;
use super::teach::{model_id, model_name};
use crate::edit::is_nameless;
use crate::gui::old_jobs::{Job, REFINE_SECONDS, RefineJob, RememberedScans};
use crate::learn::checkpoint_path;
use crate::model::Model;
use crate::session::SliceState;
use crate::volume::{Label, PlaneLayout};

/// Title of the job.
pub const REFINING: &str = "Refining";
/// What an adapted model's name ends with.
const REFINED: &str = "-refined";

impl App {
    /// The finished slices of the shown scan, each with its plane's layout.
    pub(super) fn done_slices(&self) -> Vec<(PlaneLayout, usize)> {
        self.viewer.as_ref().map(|viewer| viewer.slices_in(SliceState::Done)).unwrap_or_default()
    }

    /// The scans that the Teach card learns from, so that a model keeps what it knows of them.
    fn remembered_scans(&self) -> Option<RememberedScans> {
        let folder = self.teach.dataset.clone()?;
        // Until it is known which of them those are, there are none.
        let names = Some(self.teach.scans.as_ref().map(ScanChoices::learned)?);
        let except = self.shown.and_then(|n| self.items.get(n)).map(|item| item.entry.path.clone());
        Some(RememberedScans { folder, names, except })
    }

    /// Why refining is not possible now.
    pub(super) fn refining_lacks(&self) -> Option<&'static str> {
        match () {
            () if !self.model_is_ready() => Some("The model is being read"),
            () if self.is_saving() => Some("A file is being written"),
            () if self.viewer.as_ref().is_some_and(|viewer| viewer.frame > 0) => {
                Some("Only the first frame can be refined")
            }
            () if self.done_slices().is_empty() => Some("Correct a slice and mark it done (Enter over its view) first"),
            () => None,
        }
    }

    /// A painted label without a name whose number is that of a named class: which of both it is, only the user knows.
    fn nameless_label(&self, model: &Model) -> Option<String> {
        let viewer = self.viewer.as_ref()?;
        let classes = model.spec.label_table();
        let table = &viewer.session.document().table;
        let is_painted = |label: &&Label| viewer.counted.1.get(&label.value).is_some_and(|voxels| *voxels > 0);
        let is_unclear =
            |label: &&Label| is_nameless(label) && classes.get(label.value).is_some_and(|class| !is_nameless(class));
        table.0.iter().filter(is_painted).find(is_unclear).map(|label| Label::unnamed(label.value).name)
    }

    pub(super) fn refine(&mut self, context: &egui::Context) {
        let Some((_, model)) = self.model.clone() else { return };
        // From the model as it came to this scan, to all that is finished now: nothing is learned that was taken back since.
        let model = match &self.adapted {
            Some((image, before)) if *image == self.images => before.clone(),
            _ => model,
        };
        let done = self.done_slices();
        let Some(viewer) = &self.viewer else { return };
        if let Some(nameless) = self.nameless_label(&model) {
            let classes: Vec<String> = model.spec.label_table().0.into_iter().map(|class| class.name).collect();
            let text = format!(
                "{nameless} has no name, and the model learns labels by their names. Call it {} in the list of labels if it is that, or \
                 give it a name of its own.",
                classes.join(" or ")
            );
            self.notices.push(Kind::Warning, text, "");
            return;
        }
        let options = self.segment_options(&model, viewer.frame);
        let job = RefineJob {
            volume: viewer.volume().clone(),
            labels: viewer.session.document().labels.clone(),
            table: viewer.session.document().table.clone(),
            done,
            memory: self.remembered_scans(),
            memory_is_wanted: false,
            seconds: REFINE_SECONDS,
            device: self.device_choice,
            model,
            options,
        };
        self.tasks.start(REFINING, Job::Refine(Box::new(job)), self.snapshot(), context);
    }

    /// Writes the adapted model as one of its own, under a name that is free.
    pub(super) fn keep_refinement(&mut self, context: &egui::Context) {
        let Some((id, model)) = self.model.clone() else { return };
        let Some(folder) = self.make_model_folder() else { return };
        // Adapted once more it does not get a longer name.
        let name = model_name(&id);
        let name = name.split_once(REFINED).map_or(name.as_str(), |(name, _)| name);
        let names = (1..).map(|n| if n == 1 { format!("{name}{REFINED}") } else { format!("{name}{REFINED}-{n}") });
        let is_free =
            |name: &String, path: &Path| *name != self.teach.name && !path.exists() && !checkpoint_path(path).exists();
        let mut paths = names.map(|name| (folder.join(format!("{name}.safetensors")), name));
        let free = paths.find(|(path, name)| is_free(name, path));
        if let Some((path, _)) = free {
            self.tasks.start(SAVING, Job::KeepAdapted { path, model }, self.snapshot(), context);
        }
    }

    /// An adapted model is in its file: it is chosen, if the one that was written is still in use.
    pub(super) fn refinement_kept(&mut self, path: &Path, written: &Arc<Model>) {
        let id = model_id(path);
        self.list_models_again(&id);
        if self.model.as_ref().is_some_and(|(_, model)| Arc::ptr_eq(model, written)) {
            self.settings.model = id;
            self.adapted = None;
        }
        self.tell_saved(path);
    }

    /// The model as it was before.
    pub(super) fn forget_refinement(&mut self) {
        self.adapted = None;
        self.model = None;
    }
}
