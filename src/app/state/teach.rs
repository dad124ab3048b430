//! The Teach task: choices, the running curve, the result.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::picture::PreviewPicture;
use super::scan_choices::{ScanChoices, ScanUse};
use crate::jobs::{TrainSummary, ZooRow};
use crate::learn::{Epoch, PlanChoices};
use crate::model::ArchitectureSpec;
use crate::words::{plural, say};

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnDisk {
    /// A model.
    pub model: bool,
    /// The state of a training that was interrupted.
    pub training: bool,
}

/// Choices.
#[derive(Debug, Clone, PartialEq)]
pub struct TeachForm {
    /// What of the folder's scans is wanted, once it is known what it holds.
    pub scans: Option<ScanChoices>,
    /// Whether the finished slices of the shown scan are learned from instead.
    pub is_from_scan: bool,
    /// Whether the chosen model is the start.
    pub is_from_model: bool,
    /// What of the plan is chosen by hand.
    pub plan: PlanChoices,
    /// Length in minutes.
    pub minutes: u32,
    /// Identifier of the new model.
    pub name: String,
}

/// State of the task.
#[derive(Debug, Default)]
pub struct Teach {
    /// Choices.
    pub form: TeachForm,
    /// Folder of labelled scans.
    pub dataset: Option<PathBuf>,
    /// The folder that was looked at last.
    pub looked_at: Option<PathBuf>,
    /// What was chosen before the folder was looked at again.
    pub before: Option<ScanChoices>,
    /// Whether the panel is shown without an image.
    pub is_alone: bool,
    /// What can be built; `None` until it is known.
    pub zoo: Option<[Vec<ZooRow>; 3]>,
    /// Whether the zoo was asked for.
    pub is_zoo_asked: bool,
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
    /// The network that was checked last, and what does not fit about it.
    pub checked: Option<(ArchitectureSpec, Option<String>)>,
    /// Trainings that were interrupted, by the names of their models.
    pub interrupted: Vec<String>,
    /// The folder where they were looked for last.
    pub searched: Option<PathBuf>,
}

impl Default for TeachForm {
    fn default() -> Self {
        Self {
            scans: None,
            is_from_scan: false,
            is_from_model: false,
            plan: PlanChoices::default(),
            minutes: 10,
            name: "my-model".into(),
        }
    }
}

impl TeachForm {
    /// The folder's scans, where those are learned from.
    pub fn folder_scans(&self) -> Option<&ScanChoices> {
        self.scans.as_ref().filter(|_| !self.is_from_scan)
    }

    /// The choices in a few words; `model` is the start where one was chosen.
    pub fn summary(&self, model: &str) -> String {
        let network = if self.is_from_model {
            say!("from {model}", model)
        } else {
            let architecture = self.plan.architecture.clone().unwrap_or_else(|| "unet".into());
            let encoder = self.plan.encoder.iter().filter(|encoder| *encoder != "plain").cloned();
            std::iter::once(architecture)
                .chain(encoder)
                .chain(self.plan.attention.iter().cloned())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let scans = match self.folder_scans().map(|scans| scans.count(ScanUse::Learn)) {
            _ if self.is_from_scan => say!("the finished slices of this scan").into(),
            Some(count) => plural!(count, "1 scan", "{count} scans", count),
            None => say!("a folder").into(),
        };
        say!("{name} ({network}) learns from {scans}", name = self.name, network, scans)
    }

    /// Everything that a plan depends on but the folder, the scan and the model.
    pub fn choices(&self) -> String {
        let scans = self.folder_scans().map(|scans| (scans.labels(), scans.split()));
        format!("{} {} {scans:?} {:?}", self.is_from_scan, self.is_from_model, self.plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_is_thinned_evenly() {
        let mut curve = Curve::default();
        (0..10_000).for_each(|n| curve.step(f64::from(n) / 1e4, 0.0, 1e-3));
        assert!(curve.loss.len() <= MOST_POINTS && curve.loss.len() > MOST_POINTS / 4);
        let gaps: Vec<f64> = curve.loss.windows(2).map(|w| w[1][0] - w[0][0]).collect();
        assert!(gaps.iter().all(|g| (g - gaps[0]).abs() < 2e-3), "{gaps:?}");
    }

    #[test]
    fn choices_are_told_in_a_few_words() {
        let plan =
            PlanChoices { encoder: Some("resnet19".into()), attention: vec!["gc".into()], ..PlanChoices::default() };
        let form = TeachForm { plan, ..TeachForm::default() };
        assert_eq!(form.summary("model"), "my-model (unet, resnet19, gc) learns from a folder");
        let form = TeachForm { is_from_model: true, is_from_scan: true, ..form };
        assert_eq!(form.summary("liver"), "my-model (from liver) learns from the finished slices of this scan");
    }
}
