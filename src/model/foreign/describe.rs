//! What weights do not say about a model.

use super::Report;
use crate::engine::{Array, Weights};
use crate::graph::Graph;
use crate::model::{
    ArchitectureSpec, ClassSpec, IntensityNormalisation, ModelSpec, PLAIN_VERSION, Provenance, SliceAxis,
};
use crate::volume::{LabelValue, default_colour};

/// What the user says about a network; what is missing is assumed, and reported.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Identifier of the model.
    pub id: String,
    /// Names of the labels, without the background.
    pub labels: Vec<String>,
    /// Neighbouring slices on either side among the input channels.
    pub neighbours: usize,
    /// Axis of the slices.
    pub slice_axis: Option<SliceAxis>,
    /// Spacing of rows and columns in millimetres.
    pub spacing_mm: Option<[f64; 2]>,
    /// Intensity normalisation.
    pub normalisation: Option<IntensityNormalisation>,
    /// Height and width of a training patch.
    pub patch: Option<[usize; 2]>,
    /// World axes R, A, S that the network saw the other way round.
    pub reversed: [bool; 3],
    /// Whether left and right are labelled, so that images must not be mirrored.
    pub no_mirror: bool,
    /// Licence of the weights.
    pub licence: Option<String>,
    /// nnU-Net's `plans.json`, where it is not beside the checkpoint.
    pub plans: Option<std::path::PathBuf>,
    /// nnU-Net's `dataset.json`, where it is not beside the checkpoint.
    pub dataset: Option<std::path::PathBuf>,
    /// What is chosen where weights alone do not say it, as key and value: `upsampling`, `bilinear`.
    pub assume: Vec<(String, String)>,
    /// The beginning of the names of the network's tensors, where a file holds more than one network.
    pub part: Option<String>,
}

/// What the user chose of that which weights do not say, and what was assumed.
pub struct Assumptions<'a> {
    given: &'a [(String, String)],
    heard: Vec<&'static str>,
    /// What was assumed, for the report.
    pub assumed: Vec<String>,
}

impl<'a> Assumptions<'a> {
    /// Nothing was asked for yet.
    pub fn new(given: &'a [(String, String)]) -> Self {
        Self { given, heard: Vec::new(), assumed: Vec::new() }
    }

    /// The user's choice under a key.
    pub fn chosen(&mut self, key: &'static str) -> Option<String> {
        if !self.heard.contains(&key) {
            self.heard.push(key);
        }
        self.given.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone())
    }

    /// Whether every choice was asked for.
    ///
    /// # Errors
    /// The first that was not, and what can be chosen.
    pub fn all_heard(&self, title: &str) -> Result<(), String> {
        match self.given.iter().find(|(key, _)| !self.heard.contains(&key.as_str())) {
            Some((key, _)) if self.heard.is_empty() => {
                Err(format!("--assume {key} has no effect here: {title} leaves nothing to choose"))
            }
            Some((key, _)) => {
                Err(format!("--assume {key} has no effect here: of {title} can be chosen {}", self.heard.join(", ")))
            }
            None => Ok(()),
        }
    }
}

/// What the file itself says.
pub struct Known {
    /// Title of the model.
    pub title: String,
    /// The network.
    pub architecture: ArchitectureSpec,
    /// Input channels of the network.
    pub in_channels: usize,
    /// Classes with the background.
    pub classes: usize,
    /// Patch that the file fixes.
    pub patch: Option<[usize; 2]>,
}

/// Patch of networks that work at any size.
const USUAL_PATCH: [usize; 2] = [256, 256];

/// Background and labels with their colours.
pub fn classes_of(labels: &[String]) -> Vec<ClassSpec> {
    let label = |(n, name): (usize, &String)| ClassSpec {
        name: name.clone(),
        colour: default_colour(LabelValue::try_from(n + 1).unwrap_or(LabelValue::MAX)),
        value: None,
    };
    let background = ClassSpec { name: "background".into(), colour: [0; 3], value: None };
    std::iter::once(background).chain(labels.iter().enumerate().map(label)).collect()
}

impl Description {
    /// What only nnU-Net's checkpoints need.
    pub(super) const PLANS: [&'static str; 2] = ["--plans", "--dataset"];
    /// What nnU-Net's plans say.
    pub(super) const PLANNED: [&'static str; 5] = ["--axis", "--neighbours", "--spacing", "--normalise", "--patch"];
    /// Everything that can be said.
    pub(super) const ALL: [&'static str; 13] = [
        "--plans",
        "--dataset",
        "--axis",
        "--neighbours",
        "--spacing",
        "--normalise",
        "--patch",
        "--labels",
        "--orientation",
        "--no-mirror",
        "--licence",
        "--assume",
        "--part",
    ];
    /// What files that bring their network along do not need.
    pub(super) const OF_WEIGHTS: [&'static str; 2] = ["--assume", "--part"];

    /// Refuses what was said and would not be heard.
    ///
    /// # Errors
    /// Names it, and why.
    pub(super) fn refuse(&self, unheard: &[&str], why: &str) -> Result<(), String> {
        let given = [
            ("--plans", self.plans.is_some()),
            ("--dataset", self.dataset.is_some()),
            ("--axis", self.slice_axis.is_some()),
            ("--neighbours", self.neighbours != 0),
            ("--spacing", self.spacing_mm.is_some()),
            ("--normalise", self.normalisation.is_some()),
            ("--patch", self.patch.is_some()),
            ("--labels", !self.labels.is_empty()),
            ("--orientation", self.reversed != [false; 3]),
            ("--no-mirror", self.no_mirror),
            ("--licence", self.licence.is_some()),
            ("--assume", !self.assume.is_empty()),
            ("--part", self.part.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && unheard.contains(name)) {
            Some((name, _)) => Err(format!("{name} has no effect here: {why}")),
            None => Ok(()),
        }
    }

    /// The specification; what is assumed is added to the report.
    ///
    /// # Errors
    /// When the description contradicts the network.
    pub fn spec(&self, known: Known, report: &mut Report) -> Result<ModelSpec, String> {
        let stack = 2 * self.neighbours + 1;
        if !known.in_channels.is_multiple_of(stack) {
            return Err(format!(
                "the network has {} input channels, which {} neighbouring slices on either side do not divide",
                known.in_channels, self.neighbours
            ));
        }
        let labels = if self.labels.is_empty() {
            (1..known.classes).map(|n| format!("label {n}")).collect()
        } else {
            self.labels.clone()
        };
        if labels.len() + 1 != known.classes {
            return Err(format!(
                "the network has {} classes with the background, but {} labels are named",
                known.classes,
                labels.len()
            ));
        }
        let mut assume = |missing: bool, what: String| {
            if missing {
                report.assumed.push(what);
            }
        };
        assume(self.labels.is_empty(), format!("labels {}", labels.join(", ").chars().take(120).collect::<String>()));
        let slice_axis = self.slice_axis.unwrap_or(SliceAxis::Axial);
        assume(self.slice_axis.is_none(), format!("{} slices", slice_axis.name()));
        assume(self.spacing_mm.is_none(), "the image's own spacing".into());
        let normalisation = self.normalisation.unwrap_or(IntensityNormalisation::ZScore { nonzero: false });
        assume(self.normalisation.is_none(), "intensities of mean 0 and deviation 1 over the volume".into());
        let patch = self.patch.or(known.patch).unwrap_or(USUAL_PATCH);
        assume(self.patch.or(known.patch).is_none(), format!("patches of {} x {}", patch[0], patch[1]));
        assume(self.licence.is_none(), "an unknown licence".into());
        let spec = ModelSpec {
            version: PLAIN_VERSION,
            id: self.id.clone(),
            title: known.title,
            architecture: known.architecture,
            image_channels: known.in_channels / stack,
            neighbours: self.neighbours,
            slice_axis,
            fused_axes: Vec::new(),
            spacing_mm: self.spacing_mm,
            normalisation,
            channel_normalisation: Vec::new(),
            patch,
            windows: crate::model::Windows::default(),
            reversed: self.reversed,
            classes: classes_of(&labels),
            mirror: !self.no_mirror,
            mirror_axes: [true; 3],
            average_mirrored: false,
            licence: self.licence.clone().unwrap_or_else(|| "unknown".into()),
            provenance: Provenance::default(),
            sha256: String::new(),
        };
        spec.check()?;
        Ok(spec)
    }
}

/// A shape without ones at its end.
fn without_ones(shape: &[usize]) -> &[usize] {
    let kept = shape.iter().rposition(|&n| n != 1).map_or(0, |last| last + 1);
    &shape[..kept]
}

/// Whether shapes are the same but for ones at their ends: 1x1 convolutions and fully connected layers of single positions are
/// the same.
pub fn same_shape(a: &[usize], b: &[usize]) -> bool {
    without_ones(a) == without_ones(b)
}

/// The tensors of a graph among those of a file.
///
/// # Errors
/// The number of tensors found and the first that is missing or has another shape.
pub fn fit(graph: &Graph, tensors: &Weights) -> Result<Weights, (usize, String)> {
    let mut weights = Weights::new();
    let mut problem = None;
    for parameter in &graph.parameters {
        match tensors.get(&parameter.name) {
            Some(array) if same_shape(&array.shape, &parameter.shape) => {
                weights.insert(parameter.name.clone(), Array::new(parameter.shape.clone(), array.values.clone()));
            }
            Some(array) => {
                problem.get_or_insert_with(|| {
                    format!("{:?} is {:?}, needed is {:?}", parameter.name, array.shape, parameter.shape)
                });
            }
            None => {
                problem.get_or_insert_with(|| format!("{:?} {:?} is missing", parameter.name, parameter.shape));
            }
        }
    }
    match problem {
        None => Ok(weights),
        Some(problem) => Err((weights.len(), problem)),
    }
}
