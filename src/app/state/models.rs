//! The models at hand: which is chosen, what it is, where new ones go.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::{self, ListedModel, Model, Origin, SliceAxis};
use crate::session::SegmentationId;

/// Models, and where they run.
pub struct Models {
    /// Bundled ones and the user's.
    pub listed: Vec<ListedModel>,
    /// The chosen one, read once.
    pub chosen: Option<(String, Arc<Model>)>,
    /// Where it was adapted to finished slices: of which segmentation, and the model as it was when that began.
    pub adapted: Option<(SegmentationId, Arc<Model>)>,
    /// Identifier of the model being read.
    pub fetching: Option<String>,
    /// Where the last one ran.
    pub device: String,
    /// Where taught models go instead of the user's folder.
    pub folder: Option<PathBuf>,
}

impl Default for Models {
    fn default() -> Self {
        Self { listed: model::list(), chosen: None, adapted: None, fetching: None, device: String::new(), folder: None }
    }
}

impl Models {
    /// The chosen model, once it is read.
    pub fn model(&self) -> Option<&Arc<Model>> {
        self.chosen.as_ref().map(|(_, model)| model)
    }

    /// Whether the chosen model can run.
    pub fn is_ready(&self) -> bool {
        self.chosen.is_some()
    }

    /// Why the chosen model cannot run.
    pub fn lacks(&self) -> Option<&'static str> {
        match () {
            () if self.chosen.is_some() => None,
            () if self.fetching.is_some() => Some("The model is being read"),
            () => Some("Choose a model"),
        }
    }

    /// What the chosen model is called.
    pub fn title(&self) -> String {
        self.model().map_or_else(|| "the model".into(), |model| model.spec.title.clone())
    }

    /// The slice axis of the chosen model.
    pub fn axis(&self) -> SliceAxis {
        self.model().map_or(SliceAxis::Axial, |model| model.spec.slice_axis)
    }

    /// Whether the chosen model sees slices along all axes.
    pub fn is_fused(&self) -> bool {
        self.model().is_some_and(|model| model.spec.fused_axes.len() > 1)
    }

    /// Where new models go: the folder that was set, else the user's.
    pub fn output_folder(&self) -> Option<PathBuf> {
        self.folder.clone().or_else(model::user_folder)
    }

    /// Puts a model that lies elsewhere than in the user's folder on the list.
    pub fn list(&mut self, id: &str) {
        if !self.listed.iter().any(|model| model.id == id) {
            self.listed.push(ListedModel { id: id.into(), origin: Origin::User(id.into()) });
        }
    }

    /// Looks at the user's folder again, where this model has just been written; models that lie elsewhere stay on the list.
    pub fn list_again(&mut self, id: &str) {
        let before = std::mem::replace(&mut self.listed, model::list());
        for listed in before {
            let is_there = matches!(&listed.origin, Origin::User(path) if path.exists());
            if is_there && self.listed.iter().all(|model| model.id != listed.id) {
                self.listed.push(listed);
            }
        }
        self.list(id);
    }
}

/// The identifier of a model that was written: its name in the user's folder, else its path.
pub fn model_id(output: &Path) -> String {
    let stem = output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if output.parent() == model::user_folder().as_deref() { stem } else { output.display().to_string() }
}

/// A model's name for the eye: a file by its name alone.
pub fn model_name(id: &str) -> String {
    Path::new(id)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .filter(|_| id.contains(['/', '\\']))
        .unwrap_or_else(|| id.into())
}
