//! What of a training's plan is chosen by hand, on the command line or in the window; the rest is left to the scans.

use serde_json::{Value, json};

use super::augment::Augmentation;
use super::plan::{Intensities, Plan};
use crate::engine::{Activations, Recipe};
use crate::model::{ArchitectureSpec, ModelSpec, SliceAxis};
use crate::zoo::{Attention, Stages};

/// Which slices a network learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slices {
    /// Along one axis.
    Along(SliceAxis),
    /// Along all three, probabilities averaged.
    AllAxes,
}

impl Slices {
    /// In the order of a list.
    pub const ALL: [Self; 4] = [
        Self::Along(SliceAxis::Axial),
        Self::Along(SliceAxis::Coronal),
        Self::Along(SliceAxis::Sagittal),
        Self::AllAxes,
    ];

    /// For a list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Along(axis) => axis.name(),
            Self::AllAxes => "all three axes",
        }
    }
}

/// Optimisers with the settings that they are used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptimiserChoice {
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    #[default]
    AdamW,
    /// Nesterov momentum, as nnU-Net, at ten times the rate.
    Sgd,
}

impl OptimiserChoice {
    /// In the order of a list.
    pub const ALL: [Self; 2] = [Self::AdamW, Self::Sgd];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdamW => "adamw",
            Self::Sgd => "sgd",
        }
    }

    /// Its settings.
    pub fn recipe(self) -> Recipe {
        match self {
            Self::AdamW => Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2 },
            Self::Sgd => Recipe::Sgd { momentum: 0.99, nesterov: true, weight_decay: 3e-5 },
        }
    }

    /// Its usual rate as a multiple of `AdamW`'s.
    fn rate_factor(self) -> f64 {
        match self {
            Self::AdamW => 1.0,
            Self::Sgd => 10.0,
        }
    }
}

impl std::str::FromStr for OptimiserChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|of| of.name() == text);
        found.ok_or_else(|| format!("{text:?} is no optimiser; there are {}", Self::ALL.map(Self::name).join(" and ")))
    }
}

/// Why choices make no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChoiceError {
    /// A patch without pixels.
    #[error("a patch of {0} x {1} pixels is none; give height and width above 0")]
    Patch(usize, usize),
    /// A rate at which nothing can be learned.
    #[error("the rate must be a finite number above 0, not {0}")]
    Rate(f64),
    /// A share that is none.
    #[error("{name} must be from 0 to below 1, not {value}")]
    Share {
        /// Of what.
        name: &'static str,
        /// As chosen.
        value: f64,
    },
    /// Two choices that exclude each other.
    #[error("a model averages over mirrored slices only where they may be mirrored: choose one of the two")]
    MirroredAverage,
    /// A setting of blocks that the network does not have.
    #[error(
        "{setting} is a setting of {blocks}, of which the network has none; choose one as attention, or leave the setting out"
    )]
    NoSuchBlock {
        /// What was chosen.
        setting: &'static str,
        /// Blocks that have it.
        blocks: &'static str,
    },
    /// Scopes stay as they are, and there is nothing to stay as.
    #[error(
        "parameters can stay frozen only where training starts from a model: choose a model too, or freeze nothing"
    )]
    FrozenAtRandom,
}

/// Choices; `None` leaves one to the scans, or to the model that training starts from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanChoices {
    /// Identifier of the architecture.
    pub architecture: Option<String>,
    /// The architecture's options.
    pub options: Option<Value>,
    /// Encoder of the U-Net; `plain` for its own.
    pub encoder: Option<String>,
    /// One attention wherever it fits, or one for each stage from the finest; empty: none is chosen.
    pub attention: Vec<String>,
    /// How many times fewer units than channels squeeze-and-excitation has inside.
    pub attention_ratio: Option<usize>,
    /// Whether non-local blocks pool their keys and values.
    pub attention_subsample: bool,
    /// Whether the encoder's auxiliary classifiers help training.
    pub auxiliary: bool,
    /// Which slices.
    pub slices: Option<Slices>,
    /// Neighbouring slices on either side.
    pub neighbours: Option<usize>,
    /// Height and width of a patch in pixels.
    pub patch: Option<[usize; 2]>,
    /// Height and width of a pixel in millimetres.
    pub spacing_mm: Option<[f64; 2]>,
    /// How intensities are brought to a common scale.
    pub intensities: Option<Intensities>,
    /// Slices in a step.
    pub batch: Option<usize>,
    /// Whether inner results are kept or computed again.
    pub activations: Activations,
    /// Optimiser.
    pub optimiser: OptimiserChoice,
    /// First learning rate.
    pub rate: Option<f64>,
    /// Share of the budget over which it rises.
    pub warm_up: Option<f64>,
    /// Share of the weights' mean that each step keeps.
    pub average: Option<f64>,
    /// Scopes of the network whose parameters stay as they are.
    pub freeze: Vec<String>,
    /// Whether left and right are labelled, so that nothing is mirrored.
    pub is_sided: bool,
    /// World axes R, A, S along which slices are mirrored.
    pub mirror_axes: Option<[bool; 3]>,
    /// Whether the model averages over mirrored slices.
    pub average_mirrored: Option<bool>,
    /// How slices are changed.
    pub augmentation: Option<Augmentation>,
    /// Steps of an epoch.
    pub epoch_steps: Option<usize>,
    /// Seed of weights, sampling and augmentation.
    pub seed: Option<u64>,
}

/// What lists offer; other values are as good.
impl PlanChoices {
    /// Heights and widths of patches.
    pub const PATCHES: [[usize; 2]; 8] =
        [[32, 32], [48, 48], [64, 64], [96, 96], [128, 128], [192, 192], [256, 256], [384, 384]];
    /// Slices in a step.
    pub const BATCHES: [usize; 8] = [2, 4, 8, 12, 16, 24, 32, 48];
    /// Neighbours on either side.
    pub const NEIGHBOURS: [usize; 4] = [0, 1, 2, 3];
    /// Sizes of pixels in millimetres.
    pub const SPACINGS_MM: [[f64; 2]; 8] =
        [[0.25, 0.25], [0.5, 0.5], [0.75, 0.75], [1.0, 1.0], [1.5, 1.5], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]];
    /// First rates.
    pub const RATES: [f64; 6] = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3];
    /// Shares of the budget over which the rate rises.
    pub const WARM_UPS: [f64; 4] = [0.0, 0.02, 0.05, 0.1];
    /// Shares of the weights' mean that each step keeps.
    pub const AVERAGES: [f64; 5] = [0.0, 0.9, 0.99, 0.998, 0.999];
}

impl PlanChoices {
    /// Whether something was chosen.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// The plan of the choices for a training from random weights, or from a model.
    ///
    /// # Errors
    /// Names the choice that makes no sense, or the two that exclude each other.
    pub fn plan(&self, start: Option<&ModelSpec>) -> Result<Plan, ChoiceError> {
        self.check(start.is_some())?;
        let mut plan = Plan::default();
        if let Some(spec) = start {
            plan.start_from(spec);
        }
        plan.from_data.network &= self.architecture.is_none() && self.options.is_none() && self.encoder.is_none();
        plan.architecture = self.network(plan.architecture, start.is_some());
        self.check_blocks(&plan.architecture)?;
        self.put_slices(&mut plan);
        self.put_steps(&mut plan);
        self.put_changes(&mut plan);
        plan.seed = self.seed.unwrap_or(plan.seed);
        Ok(plan)
    }

    /// What can be said without a plan.
    fn check(&self, has_start: bool) -> Result<(), ChoiceError> {
        if let Some([height, width]) = self.patch.filter(|patch| patch.contains(&0)) {
            return Err(ChoiceError::Patch(height, width));
        }
        if let Some(rate) = self.rate.filter(|rate| !(*rate > 0.0 && rate.is_finite())) {
            return Err(ChoiceError::Rate(rate));
        }
        for (name, value) in [("warm-up", self.warm_up), ("average", self.average)] {
            if let Some(value) = value.filter(|value| !(0.0..1.0).contains(value)) {
                return Err(ChoiceError::Share { name, value });
            }
        }
        if self.average_mirrored == Some(true) && self.is_sided {
            return Err(ChoiceError::MirroredAverage);
        }
        if !self.freeze.is_empty() && !has_start {
            return Err(ChoiceError::FrozenAtRandom);
        }
        Ok(())
    }

    /// Settings of attention are those of blocks that are there. Attention that cannot be read is said when the network is built.
    fn check_blocks(&self, network: &ArchitectureSpec) -> Result<(), ChoiceError> {
        let named = network.options.get("attention").cloned().unwrap_or_else(|| json!([]));
        let Ok(stages) = Stages::try_from(named) else { return Ok(()) };
        let has = |is_one: fn(Attention) -> bool| stages.blocks().iter().any(|block| is_one(*block));
        let refused = |setting, blocks| Err(ChoiceError::NoSuchBlock { setting, blocks });
        if self.attention_ratio.is_some() && !has(Attention::squeezes) {
            return refused("the ratio of attention", "se and scse");
        }
        if self.attention_subsample && !has(Attention::has_keys) {
            return refused("the pooling of keys", "non-local blocks");
        }
        Ok(())
    }

    /// The network of the choices, where `of_plan` is what they leave open; `has_start`: it is that of a model.
    pub fn network(&self, of_plan: ArchitectureSpec, has_start: bool) -> ArchitectureSpec {
        let mut network = match &self.architecture {
            Some(id) => ArchitectureSpec { id: id.clone(), options: Value::Null },
            None => of_plan,
        };
        if let Some(options) = &self.options {
            network.options = options.clone();
        }
        if let Some(encoder) = &self.encoder {
            if self.options.is_none() && !has_start {
                // The default plan's options are those of the plain U-Net.
                network.options = json!({});
            }
            network.set("encoder", json!(encoder));
        }
        match &self.attention[..] {
            [] => {}
            [one] => network.set("attention", json!(one)),
            each => network.set("attention", json!(each)),
        }
        if let Some(ratio) = self.attention_ratio {
            network.set("attention_ratio", json!(ratio));
        }
        for (is_wanted, key) in [(self.attention_subsample, "attention_subsample"), (self.auxiliary, "auxiliary")] {
            if is_wanted {
                network.set(key, json!(true));
            }
        }
        network
    }

    /// What the network sees of a scan.
    fn put_slices(&self, plan: &mut Plan) {
        match self.slices {
            Some(Slices::Along(axis)) => (plan.slice_axis, plan.fuse_axes) = (axis, false),
            Some(Slices::AllAxes) => plan.fuse_axes = true,
            None => {}
        }
        plan.from_data.slices &= self.slices.is_none();
        plan.neighbours = self.neighbours.unwrap_or(plan.neighbours);
        plan.patch = self.patch.unwrap_or(plan.patch);
        plan.from_data.patch &= self.patch.is_none();
        plan.spacing_mm = self.spacing_mm.or(plan.spacing_mm);
        plan.intensities = self.intensities.or(plan.intensities);
    }

    /// How it learns.
    fn put_steps(&self, plan: &mut Plan) {
        plan.batch = self.batch.unwrap_or(plan.batch).max(1);
        plan.from_data.batch &= self.batch.is_none();
        plan.activations = self.activations;
        plan.recipe = self.optimiser.recipe();
        plan.rate = self.rate.unwrap_or(plan.rate * self.optimiser.rate_factor());
        plan.warm_up = self.warm_up.unwrap_or(plan.warm_up);
        plan.average = self.average.unwrap_or(plan.average);
        plan.freeze.clone_from(&self.freeze);
        plan.epoch_steps = self.epoch_steps.or(plan.epoch_steps);
    }

    /// How slices are mirrored and changed.
    fn put_changes(&self, plan: &mut Plan) {
        if let Some(augmentation) = &self.augmentation {
            let mirror = plan.augmentation.mirror && augmentation.mirror;
            plan.augmentation = Augmentation { mirror, ..augmentation.clone() };
            plan.from_data.augmentation = false;
        }
        if let Some(axes) = self.mirror_axes {
            plan.mirror_axes = axes;
            plan.from_data.mirror = false;
        }
        plan.augmentation.mirror &= !self.is_sided;
        plan.average_mirrored = self.average_mirrored.unwrap_or(plan.average_mirrored) && !self.is_sided;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::FromData;

    #[test]
    fn what_is_chosen_is_not_left_to_the_scans_and_the_rest_is() {
        assert_eq!(PlanChoices::default().plan(None), Ok(Plan::default()));
        let chosen = PlanChoices {
            patch: Some([96, 64]),
            spacing_mm: Some([1.5; 2]),
            intensities: Some(Intensities::Ct),
            rate: Some(2e-3),
            augmentation: Some(Augmentation::light()),
            slices: Some(Slices::Along(SliceAxis::Coronal)),
            ..Default::default()
        };
        assert!(chosen.any());
        let plan = chosen.plan(None).unwrap();
        assert_eq!((plan.patch, plan.rate, plan.neighbours), ([96, 64], 2e-3, Plan::default().neighbours));
        assert_eq!((plan.spacing_mm, plan.intensities), (Some([1.5; 2]), Some(Intensities::Ct)));
        assert_eq!((plan.slice_axis, plan.fuse_axes), (SliceAxis::Coronal, false));
        assert_eq!(plan.from_data, FromData { patch: false, augmentation: false, slices: false, ..FromData::ALL });
    }

    #[test]
    fn sgd_learns_at_ten_times_the_rate_unless_one_is_chosen() {
        let sgd = PlanChoices { optimiser: OptimiserChoice::Sgd, ..Default::default() };
        let plan = sgd.plan(None).unwrap();
        assert_eq!((plan.rate, plan.recipe), (1e-2, OptimiserChoice::Sgd.recipe()));
        assert_eq!(PlanChoices { rate: Some(3e-3), ..sgd }.plan(None).unwrap().rate, 3e-3);
        assert_eq!("sgd".parse(), Ok(OptimiserChoice::Sgd));
        assert!("adam".parse::<OptimiserChoice>().unwrap_err().contains("adamw and sgd"));
    }

    #[test]
    fn a_network_is_that_of_its_options_alone() {
        let of =
            |choices: PlanChoices| choices.plan(None).map(|plan| (plan.from_data.network, plan.architecture)).unwrap();
        let attention = vec!["gc".to_string()];
        let (is_open, network) = of(PlanChoices { attention: attention.clone(), ..Default::default() });
        assert!(is_open, "width and depth are the scans' still");
        assert_eq!(
            (network.options["attention"].as_str(), network.options["norm"].as_str()),
            (Some("gc"), Some("instance"))
        );
        let encoder = PlanChoices { encoder: Some("resnet18".into()), attention, ..Default::default() };
        let (is_open, network) = of(encoder.clone());
        assert_eq!((is_open, network.options), (false, json!({"encoder": "resnet18", "attention": "gc"})));
        // What a model has beside its encoder stays.
        let start = crate::model::find("hippocampus").unwrap().spec;
        let plan = encoder.plan(Some(&start)).unwrap();
        assert_eq!(plan.architecture.options["width"], start.architecture.options["width"]);
        assert_eq!(plan.architecture.options["encoder"], "resnet18");
        let other = PlanChoices { architecture: Some("nnunet-plain".into()), ..Default::default() };
        assert_eq!(of(other).1, ArchitectureSpec { id: "nnunet-plain".into(), options: Value::Null });
        let stages = PlanChoices { attention: vec!["gc".into(), "none".into()], ..Default::default() };
        assert_eq!(of(stages).1.options["attention"], json!(["gc", "none"]));
    }

    #[test]
    fn what_makes_no_sense_or_excludes_each_other_is_refused() {
        let none = PlanChoices::default;
        let refused = |choices: PlanChoices| choices.plan(None).unwrap_err();
        assert_eq!(refused(PlanChoices { patch: Some([64, 0]), ..none() }), ChoiceError::Patch(64, 0));
        assert_eq!(refused(PlanChoices { rate: Some(-1.0), ..none() }), ChoiceError::Rate(-1.0));
        assert!(matches!(refused(PlanChoices { rate: Some(f64::NAN), ..none() }), ChoiceError::Rate(_)));
        let share = ChoiceError::Share { name: "average", value: 1.0 };
        assert_eq!(refused(PlanChoices { average: Some(1.0), ..none() }), share);
        let mirrored = PlanChoices { average_mirrored: Some(true), is_sided: true, ..none() };
        assert_eq!(refused(mirrored.clone()), ChoiceError::MirroredAverage);
        let sided = PlanChoices { average_mirrored: None, ..mirrored }.plan(None).unwrap();
        assert!(!sided.augmentation.mirror && !sided.average_mirrored);
        let ratio = |attention: &[&str]| PlanChoices {
            attention: attention.iter().map(ToString::to_string).collect(),
            attention_ratio: Some(4),
            ..none()
        };
        for without in [&[][..], &["gc"], &["none", "non-local"]] {
            assert!(matches!(refused(ratio(without)), ChoiceError::NoSuchBlock { .. }), "{without:?}");
        }
        assert!(ratio(&["none", "se"]).plan(None).is_ok() && ratio(&["scse"]).plan(None).is_ok());
        let pooled =
            |attention: &str| PlanChoices { attention_subsample: true, attention_ratio: None, ..ratio(&[attention]) };
        assert!(pooled("non-local-dot").plan(None).is_ok());
        assert!(matches!(refused(pooled("se")), ChoiceError::NoSuchBlock { .. }));
        let frozen = PlanChoices { freeze: vec!["down".into()], ..none() };
        assert_eq!(refused(frozen.clone()), ChoiceError::FrozenAtRandom);
        let start = crate::model::find("hippocampus").unwrap().spec;
        assert_eq!(frozen.plan(Some(&start)).unwrap().freeze, ["down"]);
    }
}
