//! The models at hand: which is chosen, what it is, where new ones go.

use std::path::PathBuf;

use super::app::App;
use super::egui;
use super::notices::Kind;
use super::tasks::Snapshot;
use crate::gui::old_jobs::{ADAPTED, Job, Misfit, misfits, slices_to_segment};
use crate::model::{self, ListedModel, Origin, SliceAxis};
use crate::volume::Volume;

impl App {
    /// Reads the chosen model in the background if it is not the one in memory.
    pub(super) fn fetch_model(&mut self, context: &egui::Context) {
        let id = &self.settings.model;
        let known = self.models.iter().any(|m| m.id == *id);
        if known && self.fetching.as_ref() != Some(id) && self.model.as_ref().is_none_or(|(loaded, _)| loaded != id) {
            self.fetching = Some(id.clone());
            self.model = None;
            self.adapted = None;
            self.tasks.start(format!("Loading model {id}"), Job::LoadModel(id.clone()), Snapshot::default(), context);
        }
    }

    /// Whether the chosen model can run.
    pub(super) fn model_is_ready(&self) -> bool {
        self.model.is_some()
    }

    /// What of the shown scan the chosen model did not learn.
    pub(super) fn misfits(&self) -> Vec<Misfit> {
        let model = self.model.as_ref().map(|(_, model)| &model.spec);
        let volume = self.viewer.as_ref().map(super::viewer::Viewer::volume);
        model.zip(volume).map(|(spec, volume)| misfits(spec, volume)).unwrap_or_default()
    }

    /// The number of slices that the chosen model would see of a scan.
    pub(super) fn slices_to_segment(&self, volume: &Volume) -> usize {
        match &self.model {
            Some((_, model)) => slices_to_segment(&model.spec, self.axis, &volume.geometry),
            None => volume.geometry.to_ras().shape()[self.axis.unwrap_or(SliceAxis::Axial).world_axis()],
        }
    }

    /// What the chosen model is called.
    pub(super) fn model_title(&self) -> String {
        self.model.as_ref().map_or_else(|| "the model".into(), |(_, model)| model.spec.title.clone())
    }

    /// Whether the chosen model sees slices along all axes.
    pub(super) fn model_is_fused(&self) -> bool {
        self.model.as_ref().is_some_and(|(_, m)| m.spec.fused_axes.len() > 1)
    }

    /// The slice axis of the chosen model.
    pub(super) fn model_axis(&self) -> SliceAxis {
        self.model.as_ref().map_or(SliceAxis::Axial, |(_, m)| m.spec.slice_axis)
    }

    /// Whether the chosen model averages over mirrored images by itself.
    pub(super) fn model_averages_mirrored(&self) -> bool {
        self.model.as_ref().is_some_and(|(_, m)| m.spec.average_mirrored)
    }

    /// Whether the chosen model may see mirrored images.
    pub(super) fn model_allows_mirror(&self) -> bool {
        self.model.as_ref().is_some_and(|(_, m)| m.spec.mirror)
    }

    /// Labels, data and measured accuracy of the chosen model.
    pub(super) fn model_facts(&self) -> Option<String> {
        let spec = &self.model.as_ref()?.1.spec;
        let dice: Vec<String> = spec
            .provenance
            .metrics
            .iter()
            .filter_map(|(name, value)| Some(format!("{} {value:.2}", name.strip_prefix("dice/")?)))
            .collect();
        // The measured Dice is that of the model as it was; one that was kept says itself what it is.
        let adapted = if self.adapted.is_some() && !spec.title.ends_with(ADAPTED) { ADAPTED } else { "" };
        let before = if self.adapted.is_some() { " before" } else { "" };
        Some(format!(
            "{}{adapted}. Held-back Dice{before}: {}.",
            spec.title,
            if dice.is_empty() { "not measured".into() } else { dice.join(", ") }
        ))
    }

    /// Puts a model that lies elsewhere than in the user's folder on the list.
    pub(super) fn list_model(&mut self, id: &str) {
        if !self.models.iter().any(|model| model.id == id) {
            self.models.push(ListedModel { id: id.into(), origin: Origin::User(id.into()) });
        }
    }

    /// Looks at the user's folder again, where this model has just been written; models that lie elsewhere stay on the list.
    pub(super) fn list_models_again(&mut self, id: &str) {
        let before = std::mem::replace(&mut self.models, model::list());
        for listed in before {
            let is_there = matches!(&listed.origin, Origin::User(path) if path.exists());
            if is_there && self.models.iter().all(|model| model.id != listed.id) {
                self.models.push(listed);
            }
        }
        self.list_model(id);
    }

    /// Chooses a model by its id or file.
    pub fn set_model(&mut self, id: String) {
        self.list_model(&id);
        self.settings.model = id;
    }

    /// Taught models go here instead of the user's folder.
    pub fn set_model_folder(&mut self, folder: PathBuf) {
        self.model_folder = Some(folder);
    }

    /// The folder for new models, made where it was missing; the user is told where it cannot be.
    pub(super) fn make_model_folder(&mut self) -> Option<PathBuf> {
        let folder = self.model_folder.clone().or_else(model::user_folder);
        match folder.map(|folder| std::fs::create_dir_all(&folder).map(|()| folder)) {
            Some(Ok(folder)) => return Some(folder),
            Some(Err(error)) => {
                self.notices.push(Kind::Error, format!("The folder for models cannot be made: {error}."), "");
            }
            None => self.notices.push(Kind::Error, "This account has no folder for models.".to_string(), ""),
        }
        None
    }
}
