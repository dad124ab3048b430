//! What a model is, beside its weights.

use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::volume::{Label, LabelTable, LabelValue, Rgb};
use crate::zoo::{self, Ends, ZooError};

/// Version of the metadata's form that is understood; 2 has label values of its own.
pub const SPEC_VERSION: u32 = 2;
/// Version that is written where no class has a value of its own.
pub const PLAIN_VERSION: u32 = 1;

/// An entry of the zoo with its options.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchitectureSpec {
    /// Identifier in [`zoo::ARCHITECTURES`].
    pub id: String,
    /// Its options.
    pub options: serde_json::Value,
}

impl ArchitectureSpec {
    /// Sets one option; what is no object becomes one.
    pub fn set(&mut self, key: &str, value: serde_json::Value) {
        if !self.options.is_object() {
            self.options = serde_json::json!({});
        }
        self.options[key] = value;
    }
}

/// The axis that slices are stacked along, in patient space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SliceAxis {
    /// Slices from right to left.
    Sagittal,
    /// Slices from front to back.
    Coronal,
    /// Slices from foot to head.
    Axial,
}

impl SliceAxis {
    /// World axis of the stack (0 = R, 1 = A, 2 = S).
    pub fn world_axis(self) -> usize {
        match self {
            Self::Sagittal => 0,
            Self::Coronal => 1,
            Self::Axial => 2,
        }
    }

    /// World axes of a slice's rows and columns: rows run along the later axis.
    pub fn in_plane(self) -> [usize; 2] {
        match self {
            Self::Sagittal => [2, 1],
            Self::Coronal => [2, 0],
            Self::Axial => [1, 0],
        }
    }

    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sagittal => "sagittal",
            Self::Coronal => "coronal",
            Self::Axial => "axial",
        }
    }
}

impl std::str::FromStr for SliceAxis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Sagittal, Self::Coronal, Self::Axial]
            .into_iter()
            .find(|axis| axis.name() == text)
            .ok_or_else(|| format!("{text:?} is no slice axis; use axial, coronal or sagittal"))
    }
}

/// How intensities are brought to a common scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntensityNormalisation {
    /// Mean 0 and standard deviation 1 over the volume.
    ZScore {
        /// Whether only voxels other than 0 count, and 0 stays 0.
        nonzero: bool,
    },
    /// Clip to a range and apply the data set's mean and deviation, as for CT.
    Clip {
        /// Lowest and highest value (the training foreground's 0.5 and 99.5 percentiles).
        range: [f64; 2],
        /// Mean of the training foreground.
        mean: f64,
        /// Standard deviation of the training foreground.
        std: f64,
    },
}

/// How slices are cut into windows, and how their results are joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Windows {
    /// As large as the slice where it fits the patch; probabilities are averaged.
    #[default]
    Fitted,
    /// Exactly of the patch's size, zeros around smaller slices, for networks of one image size; probabilities are averaged.
    Whole,
    /// As nnU-Net predicts: every window has exactly the patch's size, zeros around smaller slices, and logits are averaged.
    #[serde(rename = "nnunet")]
    NnUnet,
}

/// One output class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSpec {
    /// Name shown to the user.
    pub name: String,
    /// Overlay colour.
    pub colour: Rgb,
    /// Its value in masks, as in the files that were learned from; without it its place among the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<LabelValue>,
}

/// What the scans looked like that a model learned from: medians along the world axes R, A, S.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenScans {
    /// Their modality as in DICOM, CT or MR; empty where that is not known.
    #[serde(default)]
    pub modality: String,
    /// Spacing in millimetres.
    pub spacing_mm: [f64; 3],
    /// Extent in millimetres.
    pub extent_mm: [f64; 3],
}

/// Where a model comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Training data and its source.
    pub data: String,
    /// Licence of the training data.
    pub data_licence: String,
    /// The model whose weights were the start: its identifier and checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<[String; 2]>,
    /// The command that trained it.
    pub command: String,
    /// Seed of that run.
    pub seed: u64,
    /// Number of training and validation cases.
    pub cases: [usize; 2],
    /// What they looked like, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenScans>,
    /// How it was trained: every choice of the plan and the length, as JSON; null where that is not known.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub plan: serde_json::Value,
    /// Measured accuracy by name, for example `dice/Anterior`.
    pub metrics: std::collections::BTreeMap<String, f64>,
}

/// Everything about a model but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// [`PLAIN_VERSION`] or [`SPEC_VERSION`].
    pub version: u32,
    /// Short identifier, as used on the command line.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// The network.
    pub architecture: ArchitectureSpec,
    /// Image channels (modalities).
    pub image_channels: usize,
    /// Neighbouring slices on either side that are further input channels.
    pub neighbours: usize,
    /// Axis of the slices.
    pub slice_axis: SliceAxis,
    /// Axes that the scan is cut along one after the other, their results averaged; empty for the slice axis alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fused_axes: Vec<SliceAxis>,
    /// In-plane spacing of rows and columns that the network sees, in millimetres; `None` keeps the image's own.
    pub spacing_mm: Option<[f64; 2]>,
    /// Intensity normalisation.
    pub normalisation: IntensityNormalisation,
    /// Intensity normalisation of each image channel, where they differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channel_normalisation: Vec<IntensityNormalisation>,
    /// How slices are cut into windows.
    #[serde(default)]
    pub windows: Windows,
    /// World axes R, A, S that the network saw the other way round in training.
    #[serde(default)]
    pub reversed: [bool; 3],
    /// Height and width of the training patch; larger slices are cut into overlapping tiles.
    pub patch: [usize; 2],
    /// Background first, then the labels 1, 2 ...
    pub classes: Vec<ClassSpec>,
    /// Whether mirroring is allowed in training and in test-time averaging (not where left and right are labelled).
    pub mirror: bool,
    /// World axes R, A, S along which images may be mirrored; anatomy is often symmetric from left to right only.
    #[serde(default = "every_axis")]
    pub mirror_axes: [bool; 3],
    /// Whether results are averaged over mirrored slices unless asked otherwise: four times the work.
    #[serde(default)]
    pub average_mirrored: bool,
    /// Licence of the weights.
    pub licence: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// SHA-256 of the weights, hexadecimal.
    #[serde(default)]
    pub sha256: String,
}

fn every_axis() -> [bool; 3] {
    [true; 3]
}

impl ModelSpec {
    /// Whether slices along an axis may be mirrored: top to bottom, left to right.
    pub fn mirrors(&self, axis: SliceAxis) -> [bool; 2] {
        axis.in_plane().map(|world| self.mirror && self.mirror_axes[world])
    }

    /// Input channels of the network: every image channel with its neighbouring slices.
    pub fn input_channels(&self) -> usize {
        self.image_channels * (2 * self.neighbours + 1)
    }

    /// Intensity normalisation of an image channel.
    pub fn normalisation_of(&self, channel: usize) -> IntensityNormalisation {
        self.channel_normalisation.get(channel).copied().unwrap_or(self.normalisation)
    }

    /// Whether it is a classifier, which has no mask to give but whose layers can become an encoder.
    pub fn is_classifier(&self) -> bool {
        self.architecture.id == zoo::foreign::CLASSIFIER
    }

    /// Whether it answers strokes, and so has no mask to give of an image alone.
    pub fn is_touch(&self) -> bool {
        self.architecture.id == zoo::TOUCH
    }

    /// Checks what would otherwise be believed without bounds.
    ///
    /// # Errors
    /// Names the field and its value.
    pub fn check(&self) -> Result<(), String> {
        if let Some(spacing) = self.spacing_mm
            && !spacing.iter().all(|s| s.is_finite() && *s > 1e-9)
        {
            return Err(format!("the model's spacing_mm is {spacing:?}"));
        }
        if !self.patch.iter().all(|n| (1..=1 << 13).contains(n)) {
            return Err(format!("the model's patch is {:?}", self.patch));
        }
        let clips_backwards = |n: &IntensityNormalisation| match n {
            IntensityNormalisation::Clip { range, mean, std } => {
                range[0].partial_cmp(&range[1]) != Some(std::cmp::Ordering::Less)
                    || !mean.is_finite()
                    || !std.is_finite()
            }
            IntensityNormalisation::ZScore { .. } => false,
        };
        if let Some(wrong) = self.channel_normalisation.iter().chain([&self.normalisation]).find(|n| clips_backwards(n))
        {
            return Err(format!("the model's normalisation is {wrong:?}"));
        }
        if self.average_mirrored && !self.mirror {
            return Err("the model averages over mirrored slices and must not be mirrored".into());
        }
        let twice = (1..self.fused_axes.len()).any(|n| self.fused_axes[..n].contains(&self.fused_axes[n]));
        if self.fused_axes.len() == 1 || twice {
            return Err(format!("the model's axes are {:?}", self.fused_axes));
        }
        if self.fused_axes.len() > 3 || self.channel_normalisation.len() > self.image_channels {
            return Err("the model's axes or normalisations are more than its images have".into());
        }
        if !(1..=1024).contains(&self.image_channels)
            || self.neighbours > 64
            || !(2..=4096).contains(&self.classes.len())
        {
            return Err("the model's channels, neighbours or classes are out of range".into());
        }
        if let Some(seen) = &self.provenance.seen
            && !seen.spacing_mm.iter().chain(&seen.extent_mm).all(|mm| mm.is_finite() && *mm > 0.0)
        {
            return Err(format!(
                "the model's scans have spacings of {:?} and extents of {:?} mm",
                seen.spacing_mm, seen.extent_mm
            ));
        }
        let values = self.values();
        let mut distinct = values.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() != values.len() || values[0] != 0 {
            return Err(format!(
                "the model's label values are {values:?}; they must differ, and the background's be 0"
            ));
        }
        Ok(())
    }

    /// The value of every class in masks.
    pub fn values(&self) -> Vec<LabelValue> {
        (0..).zip(&self.classes).map(|(place, class)| class.value.unwrap_or(place)).collect()
    }

    /// Builds the network.
    ///
    /// # Errors
    /// When the architecture is unknown or its options do not fit.
    pub fn graph(&self) -> Result<Graph, ZooError> {
        let ends = Ends { in_channels: self.input_channels(), classes: self.classes.len() };
        zoo::build(&self.architecture.id, ends, &self.architecture.options)
    }

    /// Labels of a segmentation by this model.
    pub fn label_table(&self) -> LabelTable {
        let label = |(class, value): (&ClassSpec, LabelValue)| Label {
            colour: class.colour,
            ..Label::new(value, class.name.clone())
        };
        LabelTable(self.classes.iter().zip(self.values()).skip(1).map(label).collect())
    }
}
