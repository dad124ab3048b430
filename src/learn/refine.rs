//! Adapting a model for a few seconds to what the user has corrected in one scan.

use std::time::Instant;

use super::augment::Augmentation;
use super::error::FitError;
use super::finished::{Scribbles, drafted, only_finished};
use super::learner::Learner;
use super::plan::{FromData, Plan};
use super::preparing::prepare_all;
use super::reading::LabelledScan;
use super::sampling::draw;
use super::schedule::warm_poly;
use super::start;
use crate::engine::{DeviceChoice, KeepFreedMemory, Random};
use crate::model::{Model, ModelSpec};
use crate::volume::{LabelMap, LabelValue, PlaneLayout, Volume};
use crate::work::Watch;

/// First rate: a third of a training's, so that what the model knows is not lost.
const RATE: f64 = 3e-4;
/// Share of the time over which the rate rises.
const WARM_UP: f64 = 0.1;
/// Slices in a step.
const BATCH: usize = 16;
/// Share of the weights' mean that a step keeps: a few seconds are few steps.
const AVERAGE: f64 = 0.95;
/// Share of examples from slices that are labelled and not finished, as they are now, right or wrong.
const DRAFT_SHARE: f64 = 0.15;
/// Share of examples from scans to remember, where there are some. The others are of the finished slices.
const MEMORY_SHARE: f64 = 0.35;

/// What a model is adapted to.
pub struct Refinement<'a> {
    /// The model.
    pub model: &'a Model,
    /// The scan, with the frames the model takes.
    pub image: &'a Volume,
    /// Its labels, of which those in the slices that are done count.
    pub labels: &'a LabelMap,
    /// Slices that the user has finished, each with its plane's layout.
    pub done: &'a [(PlaneLayout, usize)],
    /// What the user marked in other slices.
    pub scribbles: Option<&'a Scribbles>,
    /// Labelled scans that the model learned from earlier, so that it does not forget them.
    pub memory: &'a [LabelledScan],
    /// How long to learn.
    pub seconds: f64,
    /// Where.
    pub device: DeviceChoice,
    /// Seed of sampling and augmentation.
    pub seed: u64,
}

/// What came of it.
pub struct Refined {
    /// The adapted model: the same specification, other weights.
    pub model: Model,
    /// Steps it learned.
    pub steps: u64,
    /// Loss of the first and of the last step.
    pub loss: [f64; 2],
}

/// As a training of the model would go, at a lower rate.
fn plan(spec: &ModelSpec, seed: u64) -> Plan {
    Plan {
        architecture: spec.architecture.clone(),
        slice_axis: spec.slice_axis,
        fuse_axes: spec.fused_axes.len() > 1,
        neighbours: spec.neighbours,
        spacing_mm: spec.spacing_mm,
        patch: spec.patch,
        batch: BATCH,
        rate: RATE,
        warm_up: WARM_UP,
        average: AVERAGE,
        mirror_axes: spec.mirror_axes,
        average_mirrored: spec.average_mirrored,
        augmentation: Augmentation { mirror: spec.mirror, ..Augmentation::default() },
        from_data: FromData::default(),
        seed,
        ..Plan::default()
    }
}

/// Adapts a model for a few seconds; `on_notice` is told what the user must know, for example that memory is short.
///
/// # Errors
/// When nothing is known (no slice is done and nothing is scribbled), the scan does not fit the model, the device does not work, or the work
/// is stopped.
pub fn refine(
    task: &Refinement,
    watch: Watch,
    on_step: &mut dyn FnMut(f64),
    on_notice: &mut dyn FnMut(String),
) -> Result<Refined, FitError> {
    let _memory = KeepFreedMemory::start();
    let spec = &task.model.spec;
    if task.image.frame_count() < spec.image_channels {
        return Err(FitError::Plan(format!(
            "the model {} takes {} channels, the scan {} has {}",
            spec.id,
            spec.image_channels,
            task.image.name,
            task.image.frame_count()
        )));
    }
    if task.done.is_empty() && task.scribbles.is_none() {
        return Err(FitError::Plan(
            "no slice is marked done and nothing is scribbled; correct a slice and mark it, or scribble, then refine"
                .into(),
        ));
    }
    let classes = spec.classes.len() as u16;
    let ignore = classes;
    let values = spec.values();
    let class = |value: u16| values.iter().position(|&own| own == value).map(|class| class as u16);
    // Every value has a place or is ignored.
    let place = |value: u16| Some(class(value).unwrap_or(ignore));
    let mut labels = task.labels.mapped(place).map_err(|value| FitError::Plan(value.to_string()))?;
    let mut known = only_finished(&labels, task.done, classes, ignore);
    let mut marked = 0_usize;
    if let Some(scribbles) = task.scribbles {
        scribbles.for_each_known(class, |voxel, class| {
            marked += 1;
            // Finished slices have the last word.
            if known.get(voxel) == ignore {
                known.set(voxel, class);
                labels.set(voxel, class);
            }
        });
    }
    let own = LabelledScan { name: "this scan".into(), image: task.image.clone(), labels: known };
    // Labels of the user's own are left out; but what has nothing else would only teach what is not there.
    let painted = only_finished(task.labels, task.done, LabelValue::MAX, 0).counts();
    let is_unknown = |what: &str| {
        let names: Vec<String> =
            spec.label_table().0.iter().map(|class| format!("{} {}", class.value, class.name)).collect();
        FitError::Plan(format!(
            "{what} none of the labels that {} knows ({}); give theirs those names, or teach a model of your own",
            spec.id,
            names.join(", ")
        ))
    };
    if marked == 0 && !painted.is_empty() && !painted.keys().any(|value| values.contains(value)) {
        return Err(is_unknown("the finished slices hold"));
    }
    if marked == 0 && task.done.is_empty() {
        return Err(is_unknown("the scribbles hold"));
    }
    // The bar is that of learning alone.
    let quiet = watch.quiet();
    let own = prepare_all(std::slice::from_ref(&own), spec, Some(ignore), quiet)?;
    // What the other slices look like now holds the model where nothing was corrected: one slice alone, perhaps without some
    // of the labels, would let it forget the others.
    let [row_axis, column_axis] = spec.slice_axis.in_plane();
    let world_axes = [column_axis, row_axis, spec.slice_axis.world_axis()];
    let usual = PlaneLayout::along(&task.image.geometry, world_axes, [true; 3]);
    let drafted = drafted(&labels, task.done, usual, classes);
    let draft = if drafted.is_empty() {
        Vec::new()
    } else {
        let draft = LabelledScan {
            name: "this scan".into(),
            image: task.image.clone(),
            labels: only_finished(&labels, &drafted, classes, ignore),
        };
        prepare_all(std::slice::from_ref(&draft), spec, Some(ignore), quiet)?
    };
    let memory = if task.memory.is_empty() { Vec::new() } else { prepare_all(task.memory, spec, Some(ignore), quiet)? };
    let plan = plan(spec, task.seed);
    let graph = spec.graph()?;
    let first =
        start::from_model(task.model, &graph, start::Target::of(spec, spec), task.seed).map_err(FitError::Plan)?;
    let (mut learner, notices) = Learner::new(spec, graph, &first.weights, &plan, Some(ignore), task.device)?;
    first.notices.into_iter().chain(notices).for_each(&mut *on_notice);
    let mut loss = [f64::NAN; 2];
    let started = Instant::now();
    loop {
        let share = started.elapsed().as_secs_f64() / task.seconds.max(1e-3);
        if share >= 1.0 && learner.steps > 0 {
            break;
        }
        let rate = warm_poly(plan.rate, plan.warm_up, share);
        let from = |forced: bool, random: &mut Random| {
            let chosen = random.unit();
            let from = match () {
                () if chosen < DRAFT_SHARE && !draft.is_empty() => &draft,
                () if chosen < DRAFT_SHARE + MEMORY_SHARE && !memory.is_empty() => &memory,
                () => &own,
            };
            draw(from, forced, random)
        };
        let value = learner.step(&from, rate, watch)?;
        if !value.is_finite() {
            return Err(FitError::Plan(format!(
                "the loss is {value}: refining this model diverged; it stays as it was"
            )));
        }
        if loss[0].is_nan() {
            loss[0] = value;
        }
        loss[1] = value;
        on_step(share);
    }
    learner.take_notices().into_iter().for_each(&mut *on_notice);
    let model = Model { spec: spec.clone(), weights: learner.current_weights()? };
    Ok(Refined { model, steps: learner.steps, loss })
}
