//! `lamella train`

pub(super) mod values;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, activations, print_json, use_threads};
use crate::engine::DeviceChoice;
use crate::jobs::{
    CrossValidateJob, FoldNews, Inputs, JobError, PlanJob, SaveReportJob, TrainJob, TrainNews, TrainSource,
    TrainSummary, attention_stages, begun_fold, check_architecture, check_training_outputs,
};
use crate::learn::{
    Augmentation, Budget, CHECKPOINT_SECONDS, CaseDice, Fold, Intensities, OptimiserChoice, Plan, PlanChoices, Slices,
    SplitChoice, best_path, checkpoint_path, mean_dice, slices_path, worst_first,
};
use crate::model::{self, SliceAxis};
use crate::work::numbers::real;
use crate::work::{Stopped, Watch};

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
    #[arg(long, value_name = "JSON", value_parser = values::options)]
    options: Option<serde_json::Value>,
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
    /// auto, cpu, gpu, gpu:N, cuda, cuda:N or metal
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
    #[arg(long, value_name = "HxW", value_parser = values::patch)]
    patch: Option<[usize; 2]>,
    /// Pixel size in millimetres that slices are brought to, 1.5 or 1.5x0.8 (height and width of a patch); without it the scans'
    /// median, or that of the model of --init
    #[arg(long, value_name = "MM", value_parser = values::spacing)]
    spacing: Option<[f64; 2]>,
    /// How intensities are brought to a common scale: z-score, nonzero (of voxels other than 0), or ct (the labelled voxels' range);
    /// without it as names and values of the channels suggest, or as the model of --init does
    #[arg(long, value_name = "NAME")]
    intensities: Option<Intensities>,
    /// Slices per step; without it as many as make 110,592 pixels, or half of that for ten scans or fewer
    #[arg(long)]
    batch: Option<NonZeroUsize>,
    /// Compute inner results again on the way back instead of keeping them: less memory, a quarter more time, the same weights after
    /// the same steps; chosen by itself where training would not fit into the memory otherwise
    #[arg(long)]
    recompute: bool,
    /// First learning rate; without it 0.001, with --optimiser sgd 0.01, and half of that where --init is a model of masks
    #[arg(long, value_parser = values::rate)]
    rate: Option<f64>,
    /// adamw, or sgd (Nesterov momentum 0.99 and weight decay 3e-5, as nnU-Net)
    #[arg(long, default_value = "adamw")]
    optimiser: OptimiserChoice,
    /// Scopes of the network whose parameters stay as they are, for example `down` or `encoder` (with --init)
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    freeze: Vec<String>,
    /// Share of the budget over which the rate rises
    #[arg(long, value_parser = values::share)]
    warm_up: Option<f64>,
    /// Share of the weights' mean that each step keeps; 0 keeps the last weights alone
    #[arg(long, value_parser = values::share)]
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
    #[arg(long, value_name = "AXES", value_parser = values::mirror_axes, conflicts_with = "no_mirror")]
    mirror: Option<[bool; 3]>,
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

impl Train {
    pub(super) fn run(&self) -> Result {
        use_threads(self.threads)?;
        let init = self.init.as_deref().map(model::find).transpose()?;
        let plan = self.choices().plan(init.as_ref().map(|model| &model.spec));
        let plan = plan.map_err(|error| JobError::Other(error.to_string()))?;
        if init.is_none() {
            // Options that the network does not have are said before any scan is read.
            check_architecture(&plan.architecture).map_err(JobError::Other)?;
        }
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
        let terminal = Terminal::new("Training");
        if self.plan_only {
            let planned = terminal.run(PlanJob { training: job }, &|()| {})?;
            self.tell_of_dropped(&terminal, &planned.plan);
            terminal.finish();
            return print_json(&json!({"plan": planned.plan, "why": planned.why}));
        }
        if let Some(count) = self.folds {
            let job = CrossValidateJob { training: job, folds: usize::from(count) };
            let tell = |news| match news {
                FoldNews::Began { fold, count } if self.json => terminal.print(&json!({"fold": fold, "of": count})),
                FoldNews::Began { fold, count } => terminal.line(&format!("fold {fold}/{count}")),
                FoldNews::Training(news) => self.tell(&terminal, news),
            };
            let summaries = terminal.run(job, &tell);
            terminal.finish();
            self.print_folds(&summaries.inspect_err(|error| self.tell_of_state(error))?);
            return Ok(());
        }
        let outcome = terminal.run(job, &|news| self.tell(&terminal, news));
        terminal.finish();
        // A training that a signal ended leaves its state, and no result.
        let is_ending = Watch::unwatched().is_abandoned();
        let outcome = outcome.and_then(|summary| if is_ending { Err(Stopped.into()) } else { Ok(summary) });
        let summary = outcome.inspect_err(|error| self.tell_of_state(error))?;
        // Results first: a full disk must not hide them.
        self.print(&summary);
        if let Some(folder) = &self.report {
            let report = SaveReportJob { folder: folder.clone(), summary };
            terminal.run(report, &|()| {})?;
            terminal.finish();
        }
        Ok(())
    }
}

impl Train {
    /// Prints what came of a training.
    fn print(&self, summary: &TrainSummary) {
        if self.json {
            say!(
                "{}",
                json!({
                    "output": summary.output, "epoch": summary.epoch, "dice": summary.dice, "cases": summary.cases,
                    "before": summary.before
                })
            );
            return;
        }
        print_cases(&summary.cases);
        if let Some(before) = &summary.before {
            say!("before: Dice {}", listed(&mean_dice(before)));
        }
        say!("{}: Dice {} ({})", summary.output.display(), listed(&summary.dice), chosen(summary));
    }

    /// What of the plan is chosen.
    fn choices(&self) -> PlanChoices {
        PlanChoices {
            architecture: self.arch.clone(),
            options: self.options.clone(),
            encoder: self.encoder.clone(),
            attention: self.attention.clone(),
            attention_ratio: self.attention_ratio.map(NonZeroUsize::get),
            attention_subsample: self.attention_subsample,
            auxiliary: self.auxiliary,
            slices: if self.fuse_axes { Some(Slices::AllAxes) } else { self.axis.map(Slices::Along) },
            neighbours: self.neighbours,
            patch: self.patch,
            spacing_mm: self.spacing,
            intensities: self.intensities,
            batch: self.batch.map(NonZeroUsize::get),
            activations: activations(self.recompute),
            optimiser: self.optimiser,
            rate: self.rate,
            warm_up: self.warm_up,
            average: self.average,
            freeze: self.freeze.clone(),
            is_sided: self.no_mirror,
            mirror_axes: self.mirror,
            average_mirrored: match (self.average_mirrored, self.no_average_mirrored) {
                (false, false) => None,
                (is_averaged, _) => Some(is_averaged),
            },
            augmentation: self.augment.clone(),
            epoch_steps: self.epoch_steps.map(NonZeroUsize::get),
            seed: Some(self.seed),
        }
    }

    /// Tells of a choice that the data does not allow.
    fn tell_of_dropped(&self, terminal: &Terminal, plan: &Plan) {
        if self.average_mirrored && !plan.average_mirrored {
            terminal
                .warn("--average-mirrored has no effect: labels tell left and right apart, so nothing may be mirrored");
        }
        let count = self.attention.len();
        if let Some(stages) = attention_stages(&plan.architecture).filter(|stages| count > *stages) {
            terminal.warn(&format!(
                "--attention names {count} stages, and this network has {stages}; the last ones have no effect"
            ));
        }
    }

    /// The model file; a plan alone writes none.
    fn output(&self) -> &Path {
        self.output.as_deref().unwrap_or(Path::new("plan.safetensors"))
    }

    /// Shows what a training tells.
    fn tell(&self, terminal: &Terminal, news: TrainNews) {
        if let TrainNews::Planned(planned) = &news {
            self.tell_of_dropped(terminal, &planned.plan);
        }
        match news {
            TrainNews::Planned(planned) if self.json => {
                terminal.print(&json!({"plan": planned.plan, "why": planned.why}));
            }
            TrainNews::Planned(planned) if !planned.why.is_empty() => {
                terminal.warn(&format!("Chosen for these scans: {}", planned.why.join(" ")));
            }
            TrainNews::Epoch(epoch) if self.json => terminal.print(&json!({
                "epoch": epoch.number, "done": epoch.done, "loss": epoch.loss, "dice": epoch.dice, "best": epoch.best,
                "seconds": epoch.seconds, "rate": epoch.rate
            })),
            TrainNews::Epoch(epoch) => {
                let dice = epoch.dice.as_ref().map_or(String::new(), |dice| {
                    format!("  Dice {}{}", listed(dice), if epoch.best { "  best" } else { "" })
                });
                let minutes = epoch.seconds / 60.0;
                terminal.line(&format!("epoch {:3}  {minutes:6.1} min  loss {:.4}{dice}", epoch.number, epoch.loss));
            }
            TrainNews::Planned(_) | TrainNews::Step { .. } | TrainNews::Preview(_) => {}
        }
    }

    /// Says how a training that was stopped can be continued.
    fn tell_of_state(&self, error: &JobError) {
        if !error.is_stop() {
            return;
        }
        let (state, best) = (checkpoint_path(self.output()), best_path(self.output()));
        let is_begun =
            self.folds.map_or(state.exists(), |count| begun_fold(self.output(), usize::from(count)).is_some());
        if is_begun {
            tell!("note: the state of the training is saved; the same command with --resume continues it");
        } else {
            tell!("note: nothing was learned yet, so there is nothing to continue");
        }
        let slices = slices_path(self.output());
        if slices.exists() {
            tell!(
                "note: prepared slices are kept in {}; the training takes them over, or delete the folder",
                slices.display()
            );
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
