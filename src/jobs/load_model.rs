//! Reading a model.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::model::{self, Model};

/// Reads a model by its identifier or file.
#[derive(Debug, Clone)]
pub struct LoadModelJob {
    /// The identifier or file.
    pub name: String,
}

impl Job for LoadModelJob {
    type Output = Arc<Model>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "load-model", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Loading model {}", self.name)
    }

    fn run(self, _: &Work<()>) -> Result<Arc<Model>, JobError> {
        Ok(Arc::new(model::find(&self.name)?))
    }
}
