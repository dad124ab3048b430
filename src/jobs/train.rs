//! Training a model on a data set folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Cancel, JobError, JobEvent, Progress, read_labels};
use crate::engine::{DeviceChoice, Recipe};
use crate::formats;
use crate::learn::{Augmentation, Budget, CaseFiles, Dataset, FitEvent, FitOptions, Plan, fit};
use crate::model::{ArchitectureSpec, Model, SliceAxis};
use crate::volume::{LabelMap, Volume, stack_frames};

/// What to train on and how.
#[derive(Clone)]
pub struct TrainJob {
    /// An nnU-Net v2 or MSD folder.
    pub dataset: PathBuf,
    /// A JSON file with `train` and `validation`; every fifth case is held back without.
    pub split: Option<PathBuf>,
    /// The model file to write.
    pub output: PathBuf,
    /// Identifier of the model.
    pub id: String,
    /// A model whose weights are the start.
    pub init: Option<Model>,
    /// The plan.
    pub plan: Plan,
    /// Length.
    pub budget: Budget,
    /// Device.
    pub device: DeviceChoice,
    /// Epochs between validations.
    pub validate_every: usize,
    /// Recorded in the model: how to make it again.
    pub command: String,
}

/// What came of it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct TrainSummary {
    /// The file written.
    pub output: PathBuf,
    /// Epoch of the best validation.
    pub epoch: usize,
    /// Mean validation Dice per label.
    pub dice: BTreeMap<String, f64>,
}

/// The plan without choices: a U-Net of width 16 and depth 3 with instance norm, on axial slices with one neighbour on
/// either side.
pub fn default_plan() -> Plan {
    Plan {
        architecture: ArchitectureSpec {
            id: "unet".into(),
            options: serde_json::json!({"width": 16, "depth": 3, "norm": "instance", "activation": {"leaky_relu": 0.01}}),
        },
        slice_axis: SliceAxis::Axial,
        fuse_axes: false,
        neighbours: 1,
        patch: [64, 64],
        batch: 16,
        recipe: Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2 },
        rate: 1e-3,
        warm_up: 0.02,
        average: 0.998,
        mirror_axes: [true; 3],
        average_mirrored: false,
        forced_foreground: 1.0 / 3.0,
        augmentation: Augmentation::default(),
        seed: 1,
    }
}

/// Reads a case; several image files become the frames of one volume.
///
/// # Errors
/// With a sentence for the user.
pub fn load_case(files: &CaseFiles) -> Result<(Volume, LabelMap), String> {
    let go_on = |_| std::ops::ControlFlow::Continue(());
    let open = |image: &PathBuf| formats::open_one(image, None, &go_on).map_err(|e| e.to_string());
    let mut volumes = files.images.iter().map(open).collect::<Result<Vec<Volume>, String>>()?;
    let volume = if volumes.len() == 1 { volumes.remove(0) } else { stack_frames(&volumes)? };
    let labels = read_labels(&files.label, &Cancel::default(), &|_| {}).map_err(|e| e.to_string())?;
    Ok((volume, labels))
}

pub(super) fn run(job: &TrainJob, progress: Progress, cancel: &Cancel) -> Result<TrainSummary, JobError> {
    let folder = job.output.parent().filter(|p| !p.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) || job.output.is_dir() {
        return Err(JobError::Other(format!(
            "the model cannot be written to {}: no such folder",
            job.output.display()
        )));
    }
    let dataset = Dataset::open(&job.dataset)?;
    let split = match &job.split {
        Some(path) => dataset.read_split(path)?,
        None => dataset.default_split(),
    };
    let options = FitOptions {
        budget: job.budget,
        device: job.device,
        init: job.init.as_ref(),
        validate_every: job.validate_every,
    };
    let stop = || cancel.is_cancelled();
    let save = |mut model: Model| -> Result<(), JobError> {
        model.spec.id.clone_from(&job.id);
        model.spec.provenance.command.clone_from(&job.command);
        Ok(model.save(&job.output)?)
    };
    let trained = fit(&dataset, &split, &job.plan, &options, &load_case, &stop, &mut |event| {
        progress(match event {
            FitEvent::Preparing { done, count } => {
                JobEvent::Progress { fraction: done as f32 / count as f32, stage: "Reading the data set" }
            }
            FitEvent::Step { done, loss } => {
                progress(JobEvent::Loss { done, loss });
                JobEvent::Progress { fraction: done as f32, stage: "Training" }
            }
            FitEvent::Epoch(epoch) => JobEvent::Epoch(epoch),
            FitEvent::Best(model) => match save(*model) {
                Ok(()) => return,
                Err(error) => JobEvent::Warning(format!("the best model so far could not be saved: {error}")),
            },
            FitEvent::Notice(notice) => JobEvent::Warning(notice),
        });
    })?;
    save(trained.model)?;
    Ok(TrainSummary { output: job.output.clone(), epoch: trained.epoch, dice: trained.dice })
}
