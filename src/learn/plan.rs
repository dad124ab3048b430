//! Everything a training run is decided by.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use crate::engine::{Activations, Recipe};
use crate::model::{ArchitectureSpec, ModelSpec, SliceAxis};

/// The longest training in seconds, ten years: clocks and schedules never run over.
const MOST_SECONDS: u64 = 10 * 366 * 24 * 3600;

/// How long to train.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Budget {
    /// A number of passes over the training slices.
    Epochs(usize),
    /// Wall-clock time; runs of the same seed then differ.
    Time(Duration),
}

impl std::str::FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no budget; write for example 50ep, 90s, 10m or 2h");
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..split].parse().map_err(|_| wrong())?;
        match &text[split..] {
            _ if number == 0 => Err(wrong()),
            "ep" => Ok(Self::Epochs(number as usize)),
            unit => {
                let unit = match unit {
                    "s" => 1,
                    "m" => 60,
                    "h" => 3600,
                    _ => return Err(wrong()),
                };
                let seconds = number.checked_mul(unit).filter(|seconds| *seconds <= MOST_SECONDS);
                let long = || format!("{text:?} is more than ten years");
                Ok(Self::Time(Duration::from_secs(seconds.ok_or_else(long)?)))
            }
        }
    }
}

/// How intensities are brought to a common scale; the numbers come from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intensities {
    /// Mean 0 and standard deviation 1 over each scan.
    ZScore,
    /// The same over voxels other than 0, which stay 0: images without the surroundings of an organ.
    Nonzero,
    /// Clipped to the labelled voxels' range, with their mean and deviation: CT, whose values mean the same in every scan.
    Ct,
}

impl Intensities {
    /// All of them, in the order of a list.
    pub const ALL: [Self; 3] = [Self::ZScore, Self::Nonzero, Self::Ct];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ZScore => "z-score",
            Self::Nonzero => "nonzero",
            Self::Ct => "ct",
        }
    }
}

impl std::str::FromStr for Intensities {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|of| of.name() == text);
        found.ok_or_else(|| format!("{text:?} is no way to bring intensities to a common scale; there are {names}"))
    }
}

/// Which choices of a plan are left to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a plan")]
pub struct FromData {
    /// Slice axis, or all axes.
    pub slices: bool,
    /// Size of the patch.
    pub patch: bool,
    /// Slices per step.
    pub batch: bool,
    /// Width and depth of the plain U-Net.
    pub network: bool,
    /// Whether nothing is mirrored where labels tell left and right apart.
    pub mirror: bool,
    /// How strongly slices are changed.
    pub augmentation: bool,
}

impl FromData {
    /// Everything.
    pub const ALL: Self =
        Self { slices: true, patch: true, batch: true, network: true, mirror: true, augmentation: true };
}

/// A training plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The network.
    pub architecture: ArchitectureSpec,
    /// Slice axis.
    pub slice_axis: SliceAxis,
    /// Whether slices along all three axes are learned, and their probabilities averaged.
    pub fuse_axes: bool,
    /// Neighbouring slices on either side.
    pub neighbours: usize,
    /// Pixel size in millimetres, along a patch's height and width, to which slices are brought; none: the scans' median, or the
    /// model's that training starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing_mm: Option<[f64; 2]>,
    /// How intensities are brought to a common scale; none: as channels and values suggest, or as the model's that training starts
    /// from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intensities: Option<Intensities>,
    /// Height and width of a training patch.
    pub patch: [usize; 2],
    /// Slices per step.
    pub batch: usize,
    /// Whether a step keeps inner results or computes them again, which it does also where they would not fit. The weights after it
    /// are the same, so a checkpoint knows nothing of it.
    #[serde(skip)]
    pub activations: Activations,
    /// Steps of an epoch; none: as many as there are slices for.
    pub epoch_steps: Option<usize>,
    /// Optimiser.
    pub recipe: Recipe,
    /// First learning rate; it falls by poly decay.
    pub rate: f64,
    /// Share of the budget over which the rate rises to it.
    pub warm_up: f64,
    /// Share of the mean of the weights that each step keeps; 0 for the last weights alone.
    pub average: f64,
    /// World axes R, A, S along which slices may be mirrored.
    pub mirror_axes: [bool; 3],
    /// Whether the model averages over mirrored slices, where mirroring is allowed.
    pub average_mirrored: bool,
    /// Share of a batch that must hold foreground.
    pub forced_foreground: f64,
    /// Scopes of the network whose parameters stay as they are.
    pub freeze: Vec<String>,
    /// Augmentation.
    pub augmentation: Augmentation,
    /// Which of these choices are left to the data; they are made before the first step.
    pub from_data: FromData,
    /// Seed of weights, sampling and augmentation.
    pub seed: u64,
}

/// The plain U-Net whose width and depth the data decides.
fn open_network() -> ArchitectureSpec {
    let options = serde_json::json!({"norm": "instance", "activation": {"leaky_relu": 0.01}, "width": 16, "depth": 3});
    ArchitectureSpec { id: "unet".into(), options }
}

impl Default for Plan {
    /// The plan without choices: a U-Net with instance norm and two neighbouring slices on either side; the rest is left to the
    /// data.
    fn default() -> Self {
        Self {
            architecture: open_network(),
            slice_axis: SliceAxis::Axial,
            fuse_axes: false,
            neighbours: 2,
            spacing_mm: None,
            intensities: None,
            patch: [64, 64],
            batch: 16,
            activations: Activations::Kept,
            epoch_steps: None,
            recipe: Recipe::AdamW { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 1e-2 },
            rate: 1e-3,
            warm_up: 0.02,
            average: 0.998,
            // Bodies are roughly symmetric from left to right, and never upside down or back to front.
            mirror_axes: [true, false, false],
            average_mirrored: true,
            forced_foreground: 1.0 / 3.0,
            freeze: Vec::new(),
            augmentation: Augmentation::default(),
            from_data: FromData::ALL,
            seed: 1,
        }
    }
}

/// First rate where training starts from a model: all layers learn, none forgets at once.
const FINE_TUNING_RATE: f64 = 5e-4;
/// Share of the budget over which it rises.
const FINE_TUNING_WARM_UP: f64 = 0.1;

impl Plan {
    /// Takes over from a model that training starts from what [`Plan::take_over`] does, and a lower rate where its weights fit.
    pub fn start_from(&mut self, spec: &ModelSpec) {
        self.take_over(spec);
        if !spec.is_classifier() {
            self.rate = FINE_TUNING_RATE;
            self.warm_up = FINE_TUNING_WARM_UP;
        }
    }

    /// Takes over a model's network and slices, and what it may mirror. A classifier becomes the encoder of a U-Net and says
    /// nothing else.
    pub fn take_over(&mut self, spec: &ModelSpec) {
        self.from_data.network = false;
        if spec.is_classifier() {
            let options = serde_json::json!({"encoder": spec.architecture.options["network"]});
            self.architecture = ArchitectureSpec { id: "unet".into(), options };
            return;
        }
        let FromData { batch, mirror, augmentation, .. } = self.from_data;
        self.from_data = FromData { batch, mirror, augmentation, ..FromData::default() };
        self.architecture = spec.architecture.clone();
        self.slice_axis = spec.slice_axis;
        self.fuse_axes = spec.fused_axes.len() > 1;
        self.neighbours = spec.neighbours;
        self.patch = spec.patch;
        self.augmentation.mirror = spec.mirror;
        self.mirror_axes = spec.mirror_axes;
        self.average_mirrored = spec.average_mirrored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        assert_eq!("50ep".parse(), Ok(Budget::Epochs(50)));
        assert_eq!("10m".parse(), Ok(Budget::Time(Duration::from_mins(10))));
        for wrong in ["", "m", "10", "0ep", "5x", "-3m", "99999999999999999h", "5124095576030431h", "87841h"] {
            assert!(wrong.parse::<Budget>().is_err(), "{wrong}");
        }
    }
}
