//! The files of a training: the model, the state that it can be continued from, the best model so far while an earlier one has the
//! name, and the slices of scans that do not fit into the memory.

use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;
use super::error::FitError;
use super::events::FitEvent;
use super::slices::remove_slices;
use super::trained::TrainedModel;
use crate::disk::follow_links;
use crate::model::{Model, ModelError};

/// Where the state of a training lies while it runs, and after it was killed: beside the file that is written, also where `output` is
/// a link to it.
pub fn checkpoint_path(output: &Path) -> PathBuf {
    beside(output, ".training")
}

/// Where the best model so far lies while an earlier one has its name.
pub fn best_path(output: &Path) -> PathBuf {
    beside(output, ".best")
}

/// The folder for prepared slices that do not fit into the memory while a model is trained.
pub fn slices_path(output: &Path) -> PathBuf {
    beside(output, ".slices")
}

fn beside(output: &Path, ending: &str) -> PathBuf {
    let mut name = follow_links(output).unwrap_or_else(|_| output.to_path_buf()).into_os_string();
    name.push(ending);
    name.into()
}

/// The interrupted training of an output, where it is to be continued.
///
/// # Errors
/// When there is none, it cannot be read, or one is in the way of a new training.
pub fn interrupted(output: &Path, resume: bool) -> Result<Option<Checkpoint>, FitError> {
    let state = checkpoint_path(output);
    let shown = state.display();
    match (resume, state.exists()) {
        (true, true) => Checkpoint::load(&state).map(Some).map_err(FitError::Plan),
        (true, false) => Err(FitError::Plan(format!(
            "there is no interrupted training of {}: {shown} does not exist; start without --resume",
            output.display()
        ))),
        (false, true) => Err(FitError::Plan(format!(
            "{shown} holds an interrupted training; continue it with --resume, or delete the file to start anew"
        ))),
        (false, false) => Ok(None),
    }
}

/// The files of one training.
pub struct TrainingFiles {
    output: PathBuf,
    state: PathBuf,
    /// Where the best model so far goes: to the output, or beside an earlier model, which keeps the name until the training is done.
    best: PathBuf,
    /// Identifier of the model.
    id: String,
    /// Recorded in the model: how to make it again.
    command: String,
    is_resumed: bool,
    has_learned: bool,
    is_stored: bool,
}

impl TrainingFiles {
    /// The files of a training of this output, id and command, that begins or continues an interrupted one.
    pub fn new(output: &Path, id: &str, command: &str, begun: Option<&Checkpoint>) -> Self {
        let is_own = || Model::load(output).is_ok_and(|model| model.spec.provenance.command == command);
        let keeps_earlier = match begun {
            Some(begun) if !begun.progress.keeps_earlier => output.exists() && !is_own(),
            Some(_) => true,
            None => output.exists(),
        };
        Self {
            output: output.into(),
            state: checkpoint_path(output),
            best: if keeps_earlier { best_path(output) } else { output.into() },
            id: id.into(),
            command: command.into(),
            is_resumed: begun.is_some(),
            has_learned: false,
            is_stored: false,
        }
    }

    /// Where the state lies.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Writes what an event holds for a file; gives back the others, and a notice where a file could not be written.
    pub fn keep(&mut self, event: FitEvent) -> Option<FitEvent> {
        let written = match event {
            FitEvent::Best(model) => {
                let saved = self.named(*model).save(&self.best);
                saved.map_err(|error| format!("the best model so far could not be saved: {error}"))
            }
            FitEvent::Checkpoint(mut checkpoint) => {
                checkpoint.progress.keeps_earlier = self.best != self.output;
                let saved = checkpoint.save(&self.state);
                self.is_stored |= saved.is_ok();
                let shown = self.state.display();
                saved.map_err(|error| format!("the state of the training could not be saved to {shown}: {error}"))
            }
            other => {
                self.has_learned |= matches!(other, FitEvent::Step { .. });
                return Some(other);
            }
        };
        written.err().map(FitEvent::Notice)
    }

    /// Removes the state of a training that failed, where there is nothing to continue or it would end in the same way.
    /// Prepared slices stay where the training can be continued, and where the process ends: then it is begun again.
    pub fn failed(&self, error: Option<&FitError>, is_ending: bool) {
        let is_useless = matches!(error, Some(FitError::Plan(_))) || !self.has_learned;
        if is_useless && self.is_stored && !self.is_resumed {
            let _ = std::fs::remove_file(&self.state);
        }
        if !is_ending && !self.state.exists() {
            remove_slices(&slices_path(&self.output));
        }
    }

    /// Writes the model of a training that is done, and removes what is left of its making.
    ///
    /// # Errors
    /// When it cannot be written; the state is still there then.
    pub fn finish(&self, mut trained: TrainedModel) -> Result<TrainedModel, ModelError> {
        trained.model = self.named(trained.model);
        trained.model.save(&self.output)?;
        let _ = (std::fs::remove_file(&self.state), std::fs::remove_file(best_path(&self.output)));
        remove_slices(&slices_path(&self.output));
        Ok(trained)
    }

    fn named(&self, mut model: Model) -> Model {
        model.spec.id.clone_from(&self.id);
        model.spec.provenance.command.clone_from(&self.command);
        model
    }
}
