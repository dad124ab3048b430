//! The training loop.

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;

use super::augment::Cut;
use super::averaging::WeightAverage;
use super::dataset::{CaseFiles, Dataset, Split};
use super::plan::{Budget, Plan};
use super::sampling::{PreparedCase, draw};
use super::schedule::warm_poly;
use super::start;
use crate::engine::{
    Array, DeviceChoice, EngineError, KeepFreedMemory, Mode, Network, Optimiser, Random, SegmentationLoss,
};
use crate::graph::Extent;
use crate::model::{ClassSpec, IntensityNormalisation, Model, ModelSpec, Provenance, SliceAxis, Windows};
use crate::pipeline::{self, Normaliser, Preparation, SegmentError, SegmentOptions, nearest, segment};
use crate::volume::{LabelMap, Volume, default_colour};

/// Norm that gradients are clipped to, as in nnU-Net.
const CLIP_NORM: f64 = 12.0;

/// Largest ratio of spacings that slices along all axes are learned at.
const MOST_UNEVEN: f64 = 1.6;

/// Reads the files of a case.
pub type Loader<'a> = &'a (dyn Fn(&CaseFiles) -> Result<(Volume, LabelMap), String> + Sync);

/// Why training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// The user stopped before the first validation.
    #[error("stopped")]
    Stopped,
    /// A case cannot be used.
    #[error("case {name}: {problem}")]
    Case {
        /// Its name.
        name: String,
        /// Why.
        problem: String,
    },
    /// The network failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The architecture cannot be built.
    #[error(transparent)]
    Zoo(#[from] crate::zoo::ZooError),
    /// The plan does not fit the data.
    #[error("{0}")]
    Plan(String),
}

/// What happened in an epoch.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// Counted from 1.
    pub number: usize,
    /// Share of the budget used.
    pub done: f64,
    /// Mean training loss.
    pub loss: f64,
    /// Mean validation Dice per label name, where it was measured.
    pub dice: Option<BTreeMap<String, f64>>,
    /// Whether this is the best so far.
    pub best: bool,
    /// Seconds since the start.
    pub seconds: f64,
}

/// News from a running training.
#[derive(Debug)]
pub enum FitEvent {
    /// Cases are being read.
    Preparing {
        /// Cases read.
        done: usize,
        /// Cases to read.
        count: usize,
    },
    /// A step is done.
    Step {
        /// Share of the budget used.
        done: f64,
        /// Its loss.
        loss: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
    /// The best model so far, so that an interrupted training leaves something.
    Best(Box<Model>),
    /// Something the user must know.
    Notice(String),
}

/// A finished training.
pub struct TrainedModel {
    /// The best model by mean validation Dice.
    pub model: Model,
    /// Epoch it is from.
    pub epoch: usize,
    /// Its mean Dice per label name.
    pub dice: BTreeMap<String, f64>,
}

/// How a run is made, besides the plan.
pub struct FitOptions<'a> {
    /// Length.
    pub budget: Budget,
    /// Device.
    pub device: DeviceChoice,
    /// A model to start from instead of random weights.
    pub init: Option<&'a Model>,
    /// Epochs between validations.
    pub validate_every: usize,
}

/// Trains on a split of a data set.
///
/// When stopped after a validation, the best model so far is returned.
///
/// # Errors
/// When data, plan or device do not work.
pub fn fit(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    options: &FitOptions,
    load: Loader,
    stop: &(dyn Fn() -> bool + Sync),
    on_event: &mut dyn FnMut(FitEvent),
) -> Result<TrainedModel, FitError> {
    let _memory = KeepFreedMemory::start();
    let total = split.train.len() + split.validation.len();
    let mut read = |names: &[String], before: usize| -> Result<Vec<(String, Volume, LabelMap)>, FitError> {
        let mut cases = Vec::new();
        for name in names {
            if stop() {
                return Err(FitError::Stopped);
            }
            cases.push(read_case(dataset, name, load)?);
            on_event(FitEvent::Preparing { done: before + cases.len(), count: total });
        }
        Ok(cases)
    };
    let train = read(&split.train, 0)?;
    let validation = read(&split.validation, train.len())?;
    if train.is_empty() {
        return Err(FitError::Plan("there is no training case".into()));
    }
    let spec = specification(dataset, split, plan, options.init, &train)?;
    let axes = if spec.fused_axes.is_empty() { vec![spec.slice_axis] } else { spec.fused_axes.clone() };
    let cuts: Vec<_> = train.iter().flat_map(|case| axes.iter().map(move |&axis| (case, axis))).collect();
    let prepared = cuts
        .into_par_iter()
        .map(|((name, image, labels), axis)| prepare(name, image, labels, &spec, axis))
        .collect::<Result<Vec<PreparedCase>, FitError>>()?;
    drop(train);

    let graph = spec.graph()?;
    let fit = pipeline::fit(&graph, plan.patch)
        .ok_or_else(|| FitError::Plan(format!("no input covers the patch {:?}", plan.patch)))?;
    let padded = graph.nodes[graph.outputs[0]].size.extent.iter().all(|e| *e == Extent::INPUT);
    let cut = Cut { patch: fit.input, neighbours: plan.neighbours, mirrored_border: !padded };
    let first = match options.init {
        Some(model) => start::from_model(model, &graph, plan.seed).map_err(FitError::Plan)?,
        None => start::random(&graph, plan.seed),
    };
    first.notices.into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
    let mut run = Run {
        plan,
        spec,
        cases: prepared,
        validation,
        average: (plan.average > 0.0).then(|| WeightAverage::new(plan.average, first.weights.clone())),
        device: options.device,
        network: Network::new(graph, &first.weights, options.device)?,
        optimiser: Optimiser::new(plan.recipe, Some(CLIP_NORM)),
        loss: SegmentationLoss::default(),
        cut,
        output: fit.output,
        best: None,
        steps: 0,
    };
    run.train(options, stop, on_event)
}

fn read_case(dataset: &Dataset, name: &str, load: Loader) -> Result<(String, Volume, LabelMap), FitError> {
    let error = |problem: String| FitError::Case { name: name.into(), problem };
    let files = dataset.case(name).ok_or_else(|| error("is not in the data set".into()))?;
    let (image, labels) = load(files).map_err(error)?;
    if !image.geometry.matches(labels.geometry(), 1e-2) {
        return Err(error("image and labels lie on different grids".into()));
    }
    let channels = dataset.channels.len().max(1);
    if image.frame_count() != channels {
        return Err(error(format!("the image has {} channels, dataset.json names {channels}", image.frame_count())));
    }
    let largest = labels.counts().keys().last().copied().unwrap_or(0);
    if usize::from(largest) >= dataset.labels.len() {
        return Err(error(format!("label {largest} is not in dataset.json")));
    }
    Ok((name.into(), image, labels))
}

/// The model's specification, from the data and the plan.
fn specification(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    init: Option<&Model>,
    train: &[(String, Volume, LabelMap)],
) -> Result<ModelSpec, FitError> {
    let in_plane = |volume: &Volume| {
        let orientation = volume.geometry.orientation();
        let spacing = volume.geometry.spacing_mm();
        plan.slice_axis.in_plane().map(|world| spacing[orientation.voxel_axis(world)])
    };
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let spacing = if plan.fuse_axes {
        let all: Vec<f64> = train.iter().flat_map(|(_, image, _)| image.geometry.spacing_mm()).collect();
        let (low, high) = all.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &s| (l.min(s), h.max(s)));
        if high > MOST_UNEVEN * low {
            return Err(FitError::Plan(format!(
                "spacings from {low:.2} to {high:.2} mm are too uneven for slices along all axes; train along one axis"
            )));
        }
        [median(all); 2]
    } else {
        [0, 1].map(|axis| median(train.iter().map(|(_, image, _)| in_plane(image)[axis]).collect()))
    };
    let classes = dataset
        .labels
        .iter()
        .map(|(&value, name)| ClassSpec {
            name: name.clone(),
            colour: if value == 0 { [0; 3] } else { default_colour(value) },
        })
        .collect();
    let is_ct = dataset.channels.iter().any(|c| c.eq_ignore_ascii_case("ct"));
    let spec = ModelSpec {
        version: crate::model::SPEC_VERSION,
        id: dataset.name.to_lowercase().replace(' ', "-"),
        title: dataset.name.clone(),
        architecture: plan.architecture.clone(),
        image_channels: dataset.channels.len().max(1),
        neighbours: plan.neighbours,
        slice_axis: plan.slice_axis,
        fused_axes: if plan.fuse_axes { pipeline::all_axes(plan.slice_axis) } else { Vec::new() },
        spacing_mm: Some(spacing),
        normalisation: if is_ct { foreground_range(train) } else { IntensityNormalisation::ZScore { nonzero: false } },
        channel_normalisation: Vec::new(),
        windows: Windows::default(),
        reversed: [false; 3],
        patch: plan.patch,
        classes,
        mirror: plan.augmentation.mirror,
        mirror_axes: plan.mirror_axes,
        average_mirrored: plan.augmentation.mirror && plan.average_mirrored,
        licence: dataset.licence.clone(),
        provenance: Provenance {
            data: dataset.name.clone(),
            data_licence: dataset.licence.clone(),
            command: String::new(),
            seed: plan.seed,
            cases: [split.train.len(), split.validation.len()],
            metrics: BTreeMap::new(),
        },
        sha256: String::new(),
    };
    // Fine-tuning keeps what the weights were trained with.
    Ok(
        match init.map(|model| &model.spec).filter(|of| !of.is_classifier() && of.image_channels == spec.image_channels)
        {
            Some(of) => ModelSpec {
                // Fused axes need one spacing for all of them.
                spacing_mm: if plan.fuse_axes && of.fused_axes.is_empty() { spec.spacing_mm } else { of.spacing_mm },
                windows: if of.patch == plan.patch { of.windows } else { spec.windows },
                normalisation: of.normalisation,
                channel_normalisation: of.channel_normalisation.clone(),
                reversed: of.reversed,
                ..spec
            },
            None => spec,
        },
    )
}

/// nnU-Net's CT rule: 0.5 and 99.5 percentiles, mean and deviation of the foreground.
fn foreground_range(train: &[(String, Volume, LabelMap)]) -> IntensityNormalisation {
    let mut values: Vec<f32> = Vec::new();
    for (_, image, labels) in train {
        labels.for_each_labelled(|voxel, _| values.push(image.value(voxel, 0) as f32));
    }
    values.retain(|v| v.is_finite());
    values.sort_by(f32::total_cmp);
    if values.is_empty() {
        return IntensityNormalisation::ZScore { nonzero: false };
    }
    let at = |share: f64| f64::from(values[((values.len() - 1) as f64 * share) as usize]);
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / values.len() as f64;
    IntensityNormalisation::Clip { range: [at(0.005), at(0.995)], mean, std: variance.sqrt() }
}

fn prepare(
    name: &str,
    image: &Volume,
    labels: &LabelMap,
    spec: &ModelSpec,
    axis: SliceAxis,
) -> Result<PreparedCase, FitError> {
    let preparation =
        Preparation::new(spec, axis, image).map_err(|problem| FitError::Case { name: name.into(), problem })?;
    let go_on = |_| std::ops::ControlFlow::Continue(());
    let channels = (0..spec.image_channels)
        .filter_map(|frame| {
            let normaliser = Normaliser::new(spec.normalisation_of(frame), image, frame, &go_on)?;
            let slices = 0..preparation.slice_count();
            Some(slices.map(|slice| preparation.read(image, frame, slice, &normaliser)).collect())
        })
        .collect();
    let ([rows, columns], [h, w]) = (preparation.source, preparation.target);
    let slice_labels = (0..preparation.slice_count())
        .map(|slice| {
            (0..h * w)
                .map(|n| {
                    let at = [nearest(n % w, columns, w), nearest(n / w, rows, h), slice];
                    labels.get(preparation.layout.voxel(at))
                })
                .collect()
        })
        .collect();
    let case = PreparedCase::new(name.into(), [h, w], channels, slice_labels, spec.classes.len());
    let [top_to_bottom, left_to_right] = spec.mirrors(axis);
    let across = spec.mirror && spec.mirror_axes[axis.world_axis()];
    let may_mirror = [across, top_to_bottom, left_to_right];
    Ok(PreparedCase { may_mirror, slice_step: preparation.slice_step(image), ..case })
}

struct Run<'a> {
    plan: &'a Plan,
    spec: ModelSpec,
    cases: Vec<PreparedCase>,
    validation: Vec<(String, Volume, LabelMap)>,
    network: Network,
    average: Option<WeightAverage>,
    device: DeviceChoice,
    optimiser: Optimiser,
    loss: SegmentationLoss,
    cut: Cut,
    /// Height and width of the network's output.
    output: [usize; 2],
    best: Option<(f64, TrainedModel)>,
    steps: u64,
}

impl Run<'_> {
    fn train(
        &mut self,
        options: &FitOptions,
        stop: &(dyn Fn() -> bool + Sync),
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<TrainedModel, FitError> {
        let start = Instant::now();
        let slices: usize = self.cases.iter().map(PreparedCase::slice_count).sum();
        let steps_per_epoch = slices.div_ceil(self.plan.batch).max(1);
        let done = |steps: u64| match options.budget {
            Budget::Epochs(count) => steps as f64 / (count * steps_per_epoch) as f64,
            Budget::Time(limit) => start.elapsed().as_secs_f64() / limit.as_secs_f64(),
        };
        let mut number = 0;
        while done(self.steps) < 1.0 {
            number += 1;
            let mut losses = Vec::with_capacity(steps_per_epoch);
            for _ in 0..steps_per_epoch {
                if stop() {
                    return self.finish();
                }
                let share = done(self.steps);
                if share >= 1.0 {
                    break;
                }
                let loss = match self.step(warm_poly(self.plan.rate, self.plan.warm_up, share), stop) {
                    Err(FitError::Engine(EngineError::Stopped)) => return self.finish(),
                    other => other?,
                };
                losses.push(loss);
                on_event(FitEvent::Step { done: share, loss });
            }
            self.network.take_notices().into_iter().for_each(|notice| on_event(FitEvent::Notice(notice)));
            let last = done(self.steps) >= 1.0;
            let mut epoch = Epoch {
                number,
                done: done(self.steps).min(1.0),
                loss: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
                dice: None,
                best: false,
                seconds: 0.0,
            };
            if last || number % options.validate_every.max(1) == 0 {
                match self.validate(number, stop)? {
                    Some((dice, best)) => (epoch.dice, epoch.best) = (Some(dice), best),
                    None => return self.finish(),
                }
            }
            epoch.seconds = start.elapsed().as_secs_f64();
            if let (true, Some((_, trained))) = (epoch.best, &self.best) {
                on_event(FitEvent::Best(Box::new(trained.model.clone())));
            }
            on_event(FitEvent::Epoch(epoch));
        }
        self.finish()
    }

    fn finish(&mut self) -> Result<TrainedModel, FitError> {
        self.best.take().map(|(_, model)| model).ok_or(FitError::Stopped)
    }

    fn step(&mut self, rate: f64, stop: &dyn Fn() -> bool) -> Result<f64, FitError> {
        let batch = self.plan.batch;
        let forced = (self.plan.forced_foreground * batch as f64).round() as usize;
        let first = self.steps * batch as u64;
        let examples: Vec<_> = (0..batch)
            .into_par_iter()
            .map(|n| {
                // Every example has its own stream, so that threads do not matter.
                let mut random = Random::new(self.plan.seed, 1 + first + n as u64);
                let (case, slice) = draw(&self.cases, n >= batch - forced, &mut random);
                self.plan.augmentation.example(&self.cases[case], slice, self.cut, &mut random)
            })
            .collect();
        self.steps += 1;
        let [h, w] = self.cut.patch;
        let channels = self.spec.input_channels();
        let images = examples.iter().flat_map(|e| e.image.iter().copied()).collect();
        let image = Array::new([batch, channels, h, w], images);
        let pass = self.network.run_unless(&image, Mode::Training, stop)?;
        let outputs = pass.outputs()?;
        let weights = self.network.graph().output_weights();
        let mut value = 0.0;
        let mut gradients = Vec::with_capacity(outputs.len());
        for (logits, weight) in outputs.iter().zip(weights) {
            let [_, _, oh, ow] = logits.dims4();
            let target: Vec<u16> = examples.iter().flat_map(|e| self.target(&e.labels, [oh, ow])).collect();
            let mut loss = self.loss.of(logits, &target);
            value += weight * loss.value;
            loss.gradient.values.iter_mut().for_each(|g| *g *= weight as f32);
            gradients.push(loss.gradient);
        }
        let gradients = pass.backward_unless(&gradients, stop)?;
        self.optimiser.step(&mut self.network, &gradients, rate)?;
        if let Some(average) = &mut self.average {
            average.add(&self.network.weights()?);
        }
        Ok(value)
    }

    /// The middle of a patch's labels, at the resolution of an output.
    fn target(&self, labels: &[u16], size: [usize; 2]) -> Vec<u16> {
        let patch = self.cut.patch;
        let offset = [0, 1].map(|axis| (patch[axis] - self.output[axis]) / 2);
        (0..size[0] * size[1])
            .map(|n| {
                let row = offset[0] + nearest(n / size[1], self.output[0], size[0]);
                let column = offset[1] + nearest(n % size[1], self.output[1], size[1]);
                labels[row * patch[1] + column]
            })
            .collect()
    }

    /// Mean Dice per label over the validation cases (those where either map has it), and whether it is the best yet.
    fn validate(&mut self, epoch: usize, stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<Validation>, FitError> {
        let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
        let weights = match &self.average {
            Some(average) => average.mean().clone(),
            None => self.network.weights()?,
        };
        let model = Model { spec: self.spec.clone(), weights };
        let mut network = model.network(self.device)?;
        for (name, image, truth) in &self.validation {
            let options = SegmentOptions::default();
            let predicted = match segment(image, &self.spec, &mut network, &options, stop, &mut |_| {}) {
                Ok(labels) => labels,
                Err(SegmentError::Stopped) => return Ok(None),
                Err(error) => return Err(FitError::Case { name: name.clone(), problem: error.to_string() }),
            };
            for (value, class) in self.spec.classes.iter().enumerate().skip(1) {
                let (overlap, total) = overlap(&predicted, truth, value as u16);
                if total > 0 {
                    let sum = sums.entry(class.name.clone()).or_default();
                    *sum = (sum.0 + 2.0 * overlap as f64 / total as f64, sum.1 + 1);
                }
            }
        }
        let dice: BTreeMap<String, f64> =
            sums.into_iter().map(|(name, (sum, count))| (name, sum / count as f64)).collect();
        let mean = dice.values().sum::<f64>() / dice.len().max(1) as f64;
        // Without validation cases (or labels in them) there is nothing to choose by: the latest is kept.
        let best = dice.is_empty() || self.best.as_ref().is_none_or(|(so_far, _)| mean > *so_far);
        if best {
            let mut model = model;
            model.spec.provenance.metrics = dice.iter().map(|(name, d)| (format!("dice/{name}"), *d)).collect();
            self.best = Some((mean, TrainedModel { model, epoch, dice: dice.clone() }));
        }
        Ok(Some((dice, best)))
    }
}

/// Mean Dice per label name, and whether it is the best yet.
type Validation = (BTreeMap<String, f64>, bool);

/// Voxels of a label in both maps, and the sum of its voxels in each.
fn overlap(predicted: &LabelMap, truth: &LabelMap, label: u16) -> (usize, usize) {
    let (mut both, mut total) = (0, 0);
    predicted.for_each_labelled(|voxel, at| {
        if at == label {
            total += 1;
            both += usize::from(truth.get(voxel) == label);
        }
    });
    truth.for_each_labelled(|_, at| total += usize::from(at == label));
    (both, total)
}
