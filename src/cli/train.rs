//! `lamella train`

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, activations, print_json, use_threads};
use crate::jobs::{
    self, CHECKPOINT_SECONDS, Cancel, DeviceChoice, Inputs, Job, JobError, JobEvent, Outcome, Recipe, SplitChoice,
    TrainJob, TrainSource, TrainSummary, best_path, check_training_outputs, checkpoint_path, default_plan,
};
use crate::learn::{Augmentation, Budget, CaseDice, Fold, Intensities, mean_dice, worst_first};
use crate::model::{self, ArchitectureSpec, SliceAxis};
use crate::work::numbers::real;

/// Train a model on a labelled data set (nnU-Net v2, v1 or MSD folder, or folders `images` and `labels`).
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "switches of the command line")]
pub struct Train {
    /// The data set's folder
    dataset: PathBuf,
    /// The model file to write
    #[arg(short, long, required_unless_present = "plan_only")]
    output: Option<PathBuf>,
    /// Read the scans and print the plan as JSON; nothing is trained or written
    #[arg(long, conflicts_with_all = ["resume", "folds", "report"])]
    plan_only: bool,
    /// Learn these labels alone, by their names separated by commas; the others count as background
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    classes: Vec<String>,
    /// Architecture (see `lamella models list`)
    #[arg(long)]
    arch: Option<String>,
    /// The architecture's options as JSON
    #[arg(long)]
    options: Option<String>,
    /// Encoder of the U-Net (see `lamella models list`); `plain` for its own
    #[arg(long)]
    encoder: Option<String>,
    /// Attention wherever it fits, or one for each stage from the finest, separated by commas
    #[arg(long, value_delimiter = ',')]
    attention: Vec<String>,
    /// Squeeze-and-excitation has so many times fewer units inside than channels (16)
    #[arg(long)]
    attention_ratio: Option<NonZeroUsize>,
    /// Non-local blocks pool their keys and values 2x2
    #[arg(long)]
    attention_subsample: bool,
    /// The encoder's auxiliary classifiers help training as further heads (googlenet, inception-v1, inception-v3)
    #[arg(long)]
    auxiliary: bool,
    /// Start from this model's weights (same architecture), or from an imported classifier's as the U-Net's encoder
    #[arg(long)]
    init: Option<String>,
    /// JSON file with the lists `train` and `validation`, or with such a pair for every fold (nnU-Net's `splits_final.json`), of
    /// which --fold chooses one
    #[arg(long)]
    split: Option<PathBuf>,
    /// Hold back a fold of a cross-validation: 0/5 to 4/5 for five
    #[arg(long, value_name = "K/N")]
    fold: Option<Fold>,
    /// Cross-validate: a model for each of N folds, each with the whole budget, and their mean as one model
    #[arg(long, value_name = "N", conflicts_with_all = ["split", "fold", "report"],
          value_parser = clap::value_parser!(u8).range(2..=20))]
    folds: Option<u8>,
    /// Length: 50ep, 90s, 10m, 2h
    #[arg(long, default_value = "50ep")]
    budget: Budget,
    /// Number of processor threads; all by default
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// auto, cpu, gpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Seed of weights, sampling and augmentation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Slice axis: axial, coronal or sagittal; without it (and without --fuse-axes) the one across the largest spacing, or all
    /// three where spacings are nearly equal
    #[arg(long)]
    axis: Option<SliceAxis>,
    /// Learn slices along all three axes and average their probabilities (scans of nearly equal spacings)
    #[arg(long, conflicts_with = "axis")]
    fuse_axes: bool,
    /// Neighbouring slices on either side as further channels
    #[arg(long)]
    neighbours: Option<usize>,
    /// Height and width of a training patch; without it as large as the scans' slices, up to 192
    #[arg(long, value_delimiter = 'x', value_names = ["HxW"])]
    patch: Option<Vec<usize>>,
    /// Pixel size in millimetres that slices are brought to, 1.5 or 1.5x0.8 (height and width of a patch); without it the scans'
    /// median, or that of the model of --init
    #[arg(long, value_delimiter = 'x', value_name = "MM")]
    spacing: Option<Vec<f64>>,
    /// How intensities are brought to a common scale: z-score, nonzero (of voxels other than 0), or ct (the labelled voxels' range);
    /// without it as names and values of the channels suggest, or as the model of --init does
    #[arg(long, value_name = "NAME")]
    intensities: Option<Intensities>,
    /// Slices per step; without it as many as make 110,592 pixels, or half of that for ten scans or fewer
    #[arg(long)]
    batch: Option<usize>,
    /// Compute inner results again on the way back instead of keeping them: less memory, a quarter more time, the same weights after
    /// the same steps; chosen by itself where training would not fit into the memory otherwise
    #[arg(long)]
    recompute: bool,
    /// First learning rate; without it 0.001, with --optimiser sgd 0.01, and half of that where --init is a model of masks
    #[arg(long)]
    rate: Option<f64>,
    /// adamw, or sgd (Nesterov momentum 0.99 and weight decay 3e-5, as nnU-Net)
    #[arg(long, default_value = "adamw")]
    optimiser: OptimiserName,
    /// Scopes of the network whose parameters stay as they are, for example `down` or `encoder` (with --init)
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', requires = "init")]
    freeze: Vec<String>,
    /// Share of the budget over which the rate rises
    #[arg(long)]
    warm_up: Option<f64>,
    /// Share of the weights' mean that each step keeps; 0 keeps the last weights alone
    #[arg(long)]
    average: Option<f64>,
    /// The model averages over mirrored slices: more exact, twice the work for each direction; that is so without it too, unless
    /// nothing is mirrored or the model of --init does not
    #[arg(long, conflicts_with_all = ["no_average_mirrored", "no_mirror"])]
    average_mirrored: bool,
    /// The model does not average over mirrored slices
    #[arg(long)]
    no_average_mirrored: bool,
    /// Mirror along these axes, of the letters R (right), A (front), S (up); without it R alone, because bodies are roughly
    /// symmetric from left to right and never upside down
    #[arg(long, value_name = "AXES")]
    mirror: Option<String>,
    /// Do not mirror (where left and right are labelled)
    #[arg(long)]
    no_mirror: bool,
    /// Changes to training slices besides mirroring: none, light (rotation, size, noise, contrast, gamma), in-plane (also blur
    /// and resolution), full (also elastic, and tilted out of the plane where slices lie as close as pixels), strong (larger and
    /// more frequent, for a handful of scans), or JSON with what differs from full; without it strong for ten scans or fewer,
    /// light for a hundred or more, else full
    #[arg(long)]
    augment: Option<Augmentation>,
    /// Steps of an epoch; without it as many as it takes to see every slice once
    #[arg(long, value_name = "STEPS")]
    epoch_steps: Option<NonZeroUsize>,
    /// Epochs between validations; without it after every epoch, or as often as takes a tenth of a budget in time
    #[arg(long, value_name = "EPOCHS")]
    validate_every: Option<NonZeroUsize>,
    /// End after so many validations without a better one
    #[arg(long)]
    patience: Option<NonZeroUsize>,
    /// Seconds between two savings of the state that --resume goes on from
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS as u64)]
    checkpoint_every: u64,
    /// Go on with the interrupted training of this output; the other options must be the same
    #[arg(long)]
    resume: bool,
    /// Write the curve (CSV, SVG) and the held-back cases (CSV) into this folder
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// Print lines of JSON: one about the plan, one for each epoch, and one about the result; with --folds one for each fold too
    #[arg(long)]
    json: bool,
}

/// Optimisers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OptimiserName {
    Adamw,
    Sgd,
}

impl Train {
    pub(super) fn run(&self) -> Result {
        use_threads(self.threads)?;
        let init = self.init.as_deref().map(model::find).transpose()?;
        let mut plan = default_plan();
        if let Some(model) = &init {
            plan.start_from(&model.spec);
        }
        let given = self.arch.is_some() || self.options.is_some() || self.encoder.is_some();
        plan.from_data.network &= !given;
        plan.from_data.patch &= self.patch.is_none();
        plan.from_data.batch &= self.batch.is_none();
        plan.from_data.mirror &= self.mirror.is_none();
        plan.from_data.augmentation &= self.augment.is_none();
        plan.from_data.slices &= self.axis.is_none() && !self.fuse_axes;
        if let Some(id) = &self.arch {
            plan.architecture = ArchitectureSpec { id: id.clone(), options: serde_json::Value::Null };
        }
        if let Some(options) = &self.options {
            plan.architecture.options =
                serde_json::from_str(options).map_err(|e| JobError::Other(format!("--options is not JSON: {e}")))?;
        }
        if let Some(encoder) = &self.encoder {
            if self.options.is_none() && self.init.is_none() {
                // The default plan's options are those of the plain U-Net.
                let id = self.arch.clone().unwrap_or_else(|| "unet".into());
                plan.architecture = ArchitectureSpec { id, options: json!({}) };
            }
            plan.architecture.set("encoder", json!(encoder));
        }
        match &self.attention[..] {
            [] => {}
            [one] => plan.architecture.set("attention", json!(one)),
            each => plan.architecture.set("attention", json!(each)),
        }
        if let Some(ratio) = self.attention_ratio {
            plan.architecture.set("attention_ratio", json!(ratio));
        }
        for (wanted, key) in [(self.attention_subsample, "attention_subsample"), (self.auxiliary, "auxiliary")] {
            if wanted {
                plan.architecture.set(key, json!(true));
            }
        }
        match self.patch.as_deref() {
            None => {}
            Some(&[h, w]) if h > 0 && w > 0 => plan.patch = [h, w],
            Some(other) => {
                return Err(JobError::Other(format!(
                    "--patch needs height and width, for example 64x64, not {other:?}"
                )));
            }
        }
        plan.spacing_mm = match self.spacing.as_deref() {
            None => plan.spacing_mm,
            Some(&[side]) => Some([side; 2]),
            Some(&[height, width]) => Some([height, width]),
            Some(other) => {
                return Err(JobError::Other(format!(
                    "--spacing needs one or two sizes, for example 1.5x0.8, not {other:?}"
                )));
            }
        };
        plan.intensities = self.intensities.or(plan.intensities);
        plan.slice_axis = self.axis.unwrap_or(plan.slice_axis);
        plan.fuse_axes = self.fuse_axes || (plan.fuse_axes && self.axis.is_none());
        plan.neighbours = self.neighbours.unwrap_or(plan.neighbours);
        plan.batch = self.batch.unwrap_or(plan.batch).max(1);
        plan.activations = activations(self.recompute);
        if self.optimiser == OptimiserName::Sgd {
            plan.recipe = Recipe::Sgd { momentum: 0.99, nesterov: true, weight_decay: 3e-5 };
            plan.rate *= 10.0;
        }
        plan.rate = match self.rate {
            None => plan.rate,
            Some(rate) if rate > 0.0 && rate.is_finite() => rate,
            Some(rate) => return Err(JobError::Other(format!("--rate must be a finite number above 0, not {rate}"))),
        };
        plan.freeze.clone_from(&self.freeze);
        plan.warm_up = share("warm-up", self.warm_up.unwrap_or(plan.warm_up))?;
        plan.average = share("average", self.average.unwrap_or(plan.average))?;
        plan.average_mirrored =
            (self.average_mirrored || plan.average_mirrored) && !self.no_mirror && !self.no_average_mirrored;
        let augmentation = self.augment.clone().unwrap_or_default();
        plan.augmentation =
            Augmentation { mirror: plan.augmentation.mirror && augmentation.mirror && !self.no_mirror, ..augmentation };
        if let Some(letters) = &self.mirror {
            plan.mirror_axes = mirror_axes(letters)?;
        }
        plan.seed = self.seed;
        plan.epoch_steps = self.epoch_steps.map(NonZeroUsize::get);
        let id = self.output().file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        if !self.plan_only {
            let read = self.init.as_deref().and_then(model::file_of).into_iter().chain(self.split.clone());
            check_training_outputs(self.output(), self.report.as_deref(), &Inputs::new(read))?;
        }
        let job = TrainJob {
            source: TrainSource::Folder(self.dataset.clone()),
            labels: self.classes.clone(),
            split: match (&self.split, &self.fold) {
                (Some(path), fold) => SplitChoice::File { path: path.clone(), fold: *fold },
                (None, Some(fold)) => SplitChoice::Fold(*fold),
                (None, None) => SplitChoice::Default,
            },
            output: self.output().to_path_buf(),
            id,
            init,
            like: None,
            plan,
            budget: self.budget,
            device: self.device,
            validate_every: self.validate_every.map(NonZeroUsize::get),
            patience: self.patience.map(NonZeroUsize::get),
            checkpoint_seconds: real(self.checkpoint_every),
            resume: self.resume,
            command: recorded_command(),
        };
        let (terminal, cancel) = (Terminal::new("Training"), Cancel::default());
        let show = |event: JobEvent| match event {
            JobEvent::Planned { plan, why } if self.json => terminal.print(&json!({"plan": plan, "why": why})),
            JobEvent::Fold { fold, count } if self.json => terminal.print(&json!({"fold": fold, "of": count})),
            JobEvent::Epoch(epoch) if self.json => terminal.print(&json!({
                "epoch": epoch.number, "done": epoch.done, "loss": epoch.loss, "dice": epoch.dice, "best": epoch.best,
                "seconds": epoch.seconds, "rate": epoch.rate
            })),
            other => terminal.show(other),
        };
        if self.plan_only {
            let outcome = jobs::run(Job::Plan(Box::new(job)), &show, &cancel)?;
            terminal.finish();
            let Outcome::Planned { plan, why } = outcome else {
                return Err(JobError::Other("the job gave no plan".into()));
            };
            return print_json(&json!({"plan": plan, "why": why}));
        }
        if let Some(count) = self.folds {
            let summaries = jobs::cross_validate(&job, usize::from(count), &show, &cancel)
                .inspect_err(|error| self.tell_of_state(error))?;
            terminal.finish();
            self.print_folds(&summaries);
            return Ok(());
        }
        let outcome = jobs::run(Job::Train(Box::new(job)), &show, &cancel);
        terminal.finish();
        let outcome =
            outcome.and_then(|outcome| if cancel.is_abandoned() { Err(JobError::Stopped) } else { Ok(outcome) });
        let outcome = outcome.inspect_err(|error| self.tell_of_state(error))?;
        let Outcome::Trained(summary) = outcome else { return Err(JobError::Other("the job gave no model".into())) };
        if let Some(folder) = &self.report {
            summary.write_report(folder)?;
        }
        if self.json {
            say!(
                "{}",
                json!({
                    "output": summary.output, "epoch": summary.epoch, "dice": summary.dice, "cases": summary.cases,
                    "before": summary.before
                })
            );
            return Ok(());
        }
        print_cases(&summary.cases);
        if let Some(before) = &summary.before {
            say!("before: Dice {}", listed(&mean_dice(before)));
        }
        say!("{}: Dice {} ({})", summary.output.display(), listed(&summary.dice), chosen(&summary));
        Ok(())
    }
}

impl Train {
    /// The model file; a plan alone writes none.
    fn output(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new("plan.safetensors"))
    }

    /// Says how a training that was stopped can be gone on with.
    fn tell_of_state(&self, error: &JobError) {
        if !error.is_stop() {
            return;
        }
        let (state, best) = (checkpoint_path(self.output()), best_path(self.output()));
        if state.exists() || self.folds.is_some() {
            tell!("note: the state of the training is saved; the same command with --resume goes on with it");
        } else {
            tell!("note: nothing was learned yet, so there is nothing to go on with");
        }
        if best.exists() {
            tell!("note: the best model so far is {}; {} is the earlier one", best.display(), self.output().display());
        }
    }

    /// Dice of every fold's held-back cases, and their mean: each case counts once.
    fn print_folds(&self, summaries: &[TrainSummary]) {
        let cases: Vec<_> = summaries.iter().flat_map(|summary| summary.cases.clone()).collect();
        let mean = mean_dice(&cases);
        if self.json {
            let folds: Vec<_> = summaries
                .iter()
                .map(|s| json!({"output": s.output, "epoch": s.epoch, "dice": s.dice, "cases": s.cases}))
                .collect();
            say!("{}", json!({"output": self.output(), "dice": mean, "folds": folds}));
            return;
        }
        print_cases(&cases);
        for summary in summaries {
            say!("{}: Dice {} ({})", summary.output.display(), listed(&summary.dice), chosen(summary));
        }
        say!(
            "{}: the mean of {} models; each on what it held back: Dice {}",
            self.output().display(),
            summaries.len(),
            listed(&mean)
        );
    }
}

/// Dice of every label, in a line.
fn listed(dice: &BTreeMap<String, f64>) -> String {
    dice.iter().map(|(name, d)| format!("{name} {d:.4}")).collect::<Vec<_>>().join(", ")
}

/// Dice of every held-back case, the worst first.
fn print_cases(cases: &[CaseDice]) {
    for case in worst_first(cases) {
        say!("  {}: Dice {}", case.name, listed(&case.dice));
    }
}

/// Which epoch was kept, and that it was chosen on the very cases that are told of.
fn chosen(summary: &TrainSummary) -> String {
    match (summary.measurements(), summary.epoch) {
        (_, 0) => "finished before".into(),
        (0 | 1, epoch) => format!("epoch {epoch}"),
        (count, epoch) => format!("epoch {epoch}, the best of {count} measurements on these cases"),
    }
}

/// Which of R, A and S are named.
fn mirror_axes(letters: &str) -> Result<[bool; 3]> {
    let wrong = letters.is_empty() || letters.chars().any(|c| !"RASras".contains(c));
    if wrong {
        return Err(JobError::Other(format!(
            "--mirror {letters:?}; use some of the letters R, A and S, or --no-mirror"
        )));
    }
    Ok(['R', 'A', 'S'].map(|axis| letters.to_uppercase().contains(axis)))
}

/// A number from 0 to below 1.
fn share(name: &str, value: f64) -> Result<f64> {
    let fits = (0.0..1.0).contains(&value);
    fits.then_some(value).ok_or_else(|| JobError::Other(format!("--{name} must be from 0 to below 1, not {value}")))
}

/// The command as typed, with folders cut down to their last name: a model must not carry a user's paths.
fn recorded_command() -> String {
    let shorten = |argument: String| match PathBuf::from(&argument).file_name() {
        Some(name) if argument.contains(['/', '\\']) => name.to_string_lossy().into_owned(),
        _ => argument,
    };
    let quoted = |argument: String| if argument.contains(['"', ' ', '{']) { format!("'{argument}'") } else { argument };
    // Whether it was interrupted changes nothing about what is made.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--resume").map(shorten).map(quoted).collect();
    format!("lamella {}", words.join(" "))
}
