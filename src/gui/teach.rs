//! What the Teach card knows: the choices, the running curve, the result.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::preview::PreviewPicture;
use super::scan_choices::{ScanChoices, ScanUse};
use crate::gui::old_jobs::{DeviceChoice, MarkedScan, TrainJob, TrainSource, TrainSummary, ZooRow, check_architecture};
use crate::learn::{Budget, CHECKPOINT_SECONDS, Epoch, Plan, PlanChoices, Slices, SplitChoice};
use crate::model::{ArchitectureSpec, Model};

/// Title of the training job.
pub const TEACHING: &str = "Teaching";
/// Title of the job that makes its plan alone.
pub const PLANNING: &str = "Planning";

/// Longest and shortest training in minutes.
pub const MINUTES: std::ops::RangeInclusive<u32> = 1..=24 * 60;
/// Most points of the loss that are kept; beyond, every other one goes.
const MOST_POINTS: usize = 2000;

/// How a training goes, by share of the budget.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    /// Training loss.
    pub loss: Vec<[f64; 2]>,
    /// Learning rate.
    pub rate: Vec<[f64; 2]>,
    /// Validation Dice of each label.
    pub dice: BTreeMap<String, Vec<[f64; 2]>>,
    /// Steps left out between two points of the loss.
    stride: usize,
    seen: usize,
}

impl Curve {
    /// A step's loss and rate.
    pub fn step(&mut self, done: f64, loss: f64, rate: f64) {
        self.stride = self.stride.max(1);
        if self.seen.is_multiple_of(self.stride) {
            self.loss.push([done, loss]);
            self.rate.push([done, rate]);
        }
        self.seen += 1;
        if self.loss.len() > MOST_POINTS {
            for points in [&mut self.loss, &mut self.rate] {
                let mut keep = true;
                points.retain(|_| {
                    keep = !keep;
                    !keep
                });
            }
            self.stride *= 2;
        }
    }

    /// A validation.
    pub fn epoch(&mut self, epoch: &Epoch) {
        for (name, &dice) in epoch.dice.iter().flatten() {
            self.dice.entry(name.clone()).or_default().push([epoch.done, dice]);
        }
    }
}

/// What is on disk under a model's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnDisk {
    /// A model.
    pub model: bool,
    /// The state of a training that was interrupted.
    pub training: bool,
}

/// The card's state.
pub struct Teach {
    /// Folder of labelled scans.
    pub dataset: Option<PathBuf>,
    /// The folder that was looked at last.
    pub looked_at: Option<PathBuf>,
    /// What it holds and what of it is wanted, once it is known.
    pub scans: Option<ScanChoices>,
    /// What was chosen before the folder was looked at again.
    pub before: Option<ScanChoices>,
    /// Whether the card is shown without an image.
    pub alone: bool,
    /// Whether the finished slices of the shown scan are learned from instead.
    pub from_scan: bool,
    /// What can be built; `None` until it is known.
    pub zoo: Option<[Vec<ZooRow>; 3]>,
    /// Whether the zoo was asked for.
    pub asked: bool,
    /// Architecture.
    pub architecture: String,
    /// Encoder of the U-Net; `plain` for its own.
    pub encoder: String,
    /// Attention wherever it fits.
    pub attention: String,
    /// Whether the chosen model is the start.
    pub from_model: bool,
    /// Which slices; none: as the scans suggest.
    pub slices: Option<Slices>,
    /// What of the plan is chosen by hand.
    pub plan: PlanChoices,
    /// Length in minutes.
    pub minutes: u32,
    /// Whether left and right are labelled, so that nothing is mirrored.
    pub sided: bool,
    /// Whether the model averages over mirrored slices.
    pub average_mirrored: bool,
    /// Identifier of the new model.
    pub name: String,
    /// The choices of the running or last training, in a few words.
    pub running: String,
    /// How the running training is carried out, where its scans decided it.
    pub planned: String,
    /// The choices that a plan was asked for, and the plan.
    pub suggested: Option<(String, String)>,
    /// The running or last training.
    pub curve: Curve,
    /// A held-back slice as the model sees it.
    pub preview: Option<PreviewPicture>,
    /// What came of it.
    pub result: Option<TrainSummary>,
    /// A held-back case beside what the model makes of it.
    pub compared: Option<PreviewPicture>,
    /// The name that was looked up last, and what is on disk under it.
    pub looked_up: Option<(String, OnDisk)>,
    /// The choices that were checked last, and what does not fit about them.
    checked: Option<(ArchitectureSpec, Option<String>)>,
}

/// The identifier of a model that was written: its name in the user's folder, else its path.
pub fn model_id(output: &Path) -> String {
    let stem = output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if output.parent() == crate::model::user_folder().as_deref() { stem } else { output.display().to_string() }
}

/// A model's name for the eye: a file by its name alone.
pub fn model_name(id: &str) -> String {
    Path::new(id)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .filter(|_| id.contains(['/', '\\']))
        .unwrap_or_else(|| id.into())
}

impl Default for Teach {
    fn default() -> Self {
        Self {
            dataset: None,
            looked_at: None,
            scans: None,
            before: None,
            alone: false,
            from_scan: false,
            zoo: None,
            asked: false,
            architecture: "unet".into(),
            encoder: "plain".into(),
            attention: "none".into(),
            from_model: false,
            slices: None,
            plan: PlanChoices::default(),
            minutes: 10,
            sided: false,
            average_mirrored: true,
            name: "my-model".into(),
            running: String::new(),
            planned: String::new(),
            suggested: None,
            curve: Curve::default(),
            preview: None,
            result: None,
            compared: None,
            looked_up: None,
            checked: None,
        }
    }
}

impl Teach {
    /// All that is chosen of the plan.
    fn plan_choices(&self) -> PlanChoices {
        let is_unet = self.architecture == "unet";
        let part = |chosen: &String, nothing: &str| Some(chosen.clone()).filter(|chosen| is_unet && chosen != nothing);
        let own = PlanChoices {
            slices: self.slices,
            is_sided: self.sided,
            average_mirrored: Some(self.average_mirrored && !self.sided),
            ..self.plan.clone()
        };
        if self.from_model {
            return own;
        }
        PlanChoices {
            architecture: Some(self.architecture.clone()).filter(|_| !is_unet),
            encoder: part(&self.encoder, "plain"),
            attention: part(&self.attention, "none").into_iter().collect(),
            ..own
        }
    }

    /// The network of the choices.
    pub fn chosen(&self) -> ArchitectureSpec {
        self.plan_choices().network(Plan::default().architecture, false)
    }

    /// The choices in a few words; `model` is the start where one was chosen.
    pub fn summary(&self, model: String) -> String {
        let network = if self.from_model { format!("from {model}") } else { self.architecture.clone() };
        let of_unet = !self.from_model && self.architecture == "unet";
        let parts = [(&self.encoder, "plain"), (&self.attention, "none")];
        let parts = parts.into_iter().filter(|(chosen, nothing)| of_unet && chosen != nothing);
        let network = std::iter::once(&network).chain(parts.map(|(chosen, _)| chosen));
        let network = network.map(String::as_str).collect::<Vec<_>>().join(", ");
        let scans = match self.folder_scans().map(|scans| scans.count(ScanUse::Learn)) {
            _ if self.from_scan => "the finished slices of this scan".into(),
            Some(1) => "1 scan".into(),
            Some(count) => format!("{count} scans"),
            None => "a folder".into(),
        };
        format!("{} ({network}) learns from {scans}", self.name)
    }

    /// Everything that a plan depends on but the scan and the model; those are told by `start`.
    pub fn choices(&self, start: &str) -> String {
        let scans = (self.from_scan, &self.dataset, self.folder_scans().map(|scans| (scans.labels(), scans.split())));
        let slices = (self.slices, self.sided, self.average_mirrored);
        let network = (!self.from_model).then(|| self.chosen());
        format!("{start} {scans:?} {network:?} {slices:?} {:?}", self.plan)
    }

    /// Takes the plan that was asked for last.
    pub fn plan_is_made(&mut self, why: &[String]) {
        if let Some((_, plan)) = &mut self.suggested {
            *plan = if why.is_empty() { "Nothing is left to the scans.".into() } else { why.join(" ") };
        }
    }

    /// Why the choices cannot be built, looked up once for each of them.
    pub fn problem(&mut self) -> Option<String> {
        let chosen = self.chosen();
        match &self.checked {
            Some((spec, problem)) if *spec == chosen => problem.clone(),
            _ => {
                let problem = check_architecture(&chosen).err();
                self.checked = Some((chosen, problem.clone()));
                problem
            }
        }
    }

    /// The folder's scans, where those are learned from.
    pub fn folder_scans(&self) -> Option<&ScanChoices> {
        self.scans.as_ref().filter(|_| !self.from_scan)
    }

    /// The file of the new model.
    pub fn output(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.safetensors", self.name))
    }

    /// The job of the choices; the model is written into `folder`. It begins anew, or goes on where it was interrupted.
    pub fn job(
        &self,
        folder: &Path,
        scan: Option<MarkedScan>,
        model: Option<&Model>,
        device: DeviceChoice,
        resume: bool,
    ) -> Option<TrainJob> {
        let source = match scan.filter(|_| self.from_scan) {
            Some(scan) => TrainSource::Scan(Box::new(scan)),
            None => TrainSource::Folder(self.dataset.clone().filter(|_| !self.from_scan)?),
        };
        let init = model.filter(|_| self.from_model).cloned();
        let from = init.as_ref().map_or(String::new(), |model| format!(" from {}", model.spec.id));
        let plan = self.plan_choices().plan(init.as_ref().map(|model| &model.spec)).ok()?;
        Some(TrainJob {
            source,
            labels: self.folder_scans().map(ScanChoices::labels).unwrap_or_default(),
            split: match self.folder_scans() {
                _ if resume => SplitChoice::AsBegun,
                Some(scans) => scans.split(),
                None => SplitChoice::Default,
            },
            output: self.output(folder),
            id: self.name.clone(),
            init,
            like: None,
            plan,
            budget: Budget::Time(Duration::from_secs(60 * u64::from(self.minutes))),
            device,
            validate_every: None,
            patience: None,
            checkpoint_seconds: CHECKPOINT_SECONDS,
            resume,
            // The length of an interrupted training is its own, which its plan tells.
            command: if resume {
                "taught in the window, gone on with after an interruption".into()
            } else {
                format!("taught{from} in the window, {} minutes", self.minutes)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn choices_become_a_network_and_what_does_not_fit_is_said() {
        let mut teach = Teach { encoder: "resnet18".into(), attention: "gc".into(), ..Teach::default() };
        assert_eq!(teach.chosen().options, json!({"encoder": "resnet18", "attention": "gc"}));
        assert_eq!(teach.problem(), None);
        teach.encoder = "resnet19".into();
        assert!(teach.problem().is_some_and(|p| p.contains("resnet19")));
        assert_eq!(teach.summary("model".into()), "my-model (unet, resnet19, gc) learns from a folder");
        teach.architecture = "nnunet-plain".into();
        assert_eq!(teach.problem(), None);
        assert!(teach.job(Path::new("models"), None, None, DeviceChoice::Cpu, false).is_none());
    }

    #[test]
    fn a_long_curve_is_thinned_evenly() {
        let mut curve = Curve::default();
        (0..10_000).for_each(|n| curve.step(f64::from(n) / 1e4, 0.0, 1e-3));
        assert!(curve.loss.len() <= MOST_POINTS && curve.loss.len() > MOST_POINTS / 4);
        let gaps: Vec<f64> = curve.loss.windows(2).map(|w| w[1][0] - w[0][0]).collect();
        assert!(gaps.iter().all(|g| (g - gaps[0]).abs() < 2e-3), "{gaps:?}");
    }
}
