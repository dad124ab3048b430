//! Writing a model that was adapted to a scan as one of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::{Inputs, OutputKind};
use super::title::file_name;
use crate::model::Model;

/// What the title of an adapted model ends with.
pub const ADAPTED: &str = ", adapted to finished slices";

/// Writes a model that was adapted to a scan as one of its own.
#[derive(Clone)]
pub struct KeepAdaptedJob {
    /// Where to; the file's name is the model's.
    pub path: PathBuf,
    /// The adapted model, named as before.
    pub model: Arc<Model>,
}

impl Job for KeepAdaptedJob {
    /// The file.
    type Output = PathBuf;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "keep-adapted", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving {}", file_name(&self.path))
    }

    fn run(self, _: &Work<()>) -> Result<PathBuf, JobError> {
        keep(&self.model, &self.path)?;
        Ok(self.path)
    }
}

/// Writes an adapted model as one of its own, named like its file; what was planned and measured was another model.
fn keep(model: &Model, path: &Path) -> Result<(), JobError> {
    Inputs::default().allow(path, OutputKind::Model)?;
    let mut kept = model.clone();
    let spec = &mut kept.spec;
    let start = [std::mem::take(&mut spec.id), std::mem::take(&mut spec.sha256)];
    spec.id = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if !spec.title.ends_with(ADAPTED) {
        spec.title += ADAPTED;
    }
    spec.provenance.command = format!("lamella refine -m {}", start[0]);
    spec.provenance.start = Some(start);
    spec.provenance.plan = serde_json::Value::Null;
    spec.provenance.metrics.clear();
    Ok(kept.save(path)?)
}
