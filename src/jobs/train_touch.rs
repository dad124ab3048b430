//! Training a Touch network and writing it.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::{Inputs, OutputKind};
use super::title::file_name;
use super::training::unless_short_of_memory;
use crate::learn::{TouchNews, TouchTraining};
use crate::model::Model;

/// Trains a Touch network on made pictures, and on those of folders.
#[derive(Debug, Clone)]
pub struct TrainTouchJob {
    /// What is asked for.
    pub training: TouchTraining,
}

impl Job for TrainTouchJob {
    /// The model that was written.
    type Output = Model;
    type Event = TouchNews;
    const KIND: &'static JobKind = &JobKind { id: "train-touch", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Training {}", file_name(&self.training.output))
    }

    fn run(self, work: &Work<TouchNews>) -> Result<Model, JobError> {
        Inputs::new(self.training.data.clone()).allow(&self.training.output, OutputKind::Model)?;
        unless_short_of_memory(|| self.training.run(work.watch, &mut |news| work.tell(news)))
    }
}
