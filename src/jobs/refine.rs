//! Adapting a model to the slices that the user has finished, and segmenting the others again.

use std::path::PathBuf;
use std::sync::Arc;

use super::dataset::open_dataset;
use super::{Cancel, JobError, JobEvent, Outcome, Progress, SharedModel, load_case};
use crate::engine::DeviceChoice;
use crate::learn::{CaseFiles, LabelledScan, Refinement, read_case, refine};
use crate::pipeline::{SegmentEvent, SegmentOptions, SliceDoubt, segment_and_visit};
use crate::volume::{LabelMap, LabelTable, PlaneLayout, Volume};

/// Seconds of learning where nothing else is said.
pub const REFINE_SECONDS: f64 = 10.0;

/// Most labelled scans that are read so that the model does not forget them.
const MOST_REMEMBERED: usize = 8;

/// What to adapt, to what.
#[derive(Clone)]
pub struct RefineJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// The model.
    pub model: SharedModel,
    /// The scan's labels.
    pub labels: LabelMap,
    /// Their names, where they are known.
    pub table: LabelTable,
    /// Slices that are finished, each with its plane's layout.
    pub done: Vec<(PlaneLayout, usize)>,
    /// A data set that the model learned from, some of whose scans are mixed in.
    pub memory: Option<PathBuf>,
    /// Whether it is an error that they cannot be; else the user is told.
    pub memory_is_wanted: bool,
    /// How long to learn.
    pub seconds: f64,
    /// Where to run.
    pub device: DeviceChoice,
    /// How to segment afterwards.
    pub options: SegmentOptions,
}

/// Scans of a data set, spread evenly over it, whose labels are those of the model.
fn remembered(job: &RefineJob, progress: Progress, cancel: &Cancel) -> Result<Vec<LabelledScan>, JobError> {
    let Some(folder) = &job.memory else { return Ok(Vec::new()) };
    let mut dataset = open_dataset(folder, progress, cancel)?;
    let classes = &job.model.spec.classes;
    // The model may have learned some of the labels only.
    let own: Vec<String> = classes.iter().skip(1).map(|class| class.name.clone()).collect();
    if dataset.choose(&own).is_err() || !dataset.labels.values().eq(classes.iter().map(|class| &class.name)) {
        let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
        return Err(JobError::Other(format!(
            "the scans in {} have the labels {:?}, and {} has {names:?}; only scans with the same labels can be mixed in",
            folder.display(),
            dataset.labels.values().collect::<Vec<_>>(),
            job.model.spec.id
        )));
    }
    if dataset.channels.len().max(1) != job.model.spec.image_channels {
        return Err(JobError::Other(format!(
            "the scans in {} have {} channels, and {} takes {}",
            folder.display(),
            dataset.channels.len().max(1),
            job.model.spec.id,
            job.model.spec.image_channels
        )));
    }
    let step = dataset.cases.len().div_ceil(MOST_REMEMBERED).max(1);
    let load = |files: &CaseFiles| load_case(files, cancel);
    let names = dataset.cases.iter().step_by(step).map(|case| case.name.as_str());
    names
        .map(|name| {
            if cancel.is_cancelled() {
                return Err(JobError::Stopped);
            }
            let case = read_case(&dataset, name, &load, &mut |notice| progress(JobEvent::Warning(notice)));
            case.map_err(|error| if cancel.is_cancelled() { JobError::Stopped } else { error.into() })
        })
        .collect()
}

/// Labels that are used must mean what the model means by their values.
fn check_names(job: &RefineJob) -> Result<(), JobError> {
    let spec = &job.model.spec;
    let own = spec.label_table();
    for value in job.labels.counts().into_keys() {
        if let (Some(here), Some(there)) = (job.table.get(value), own.get(value))
            && !here.name.eq_ignore_ascii_case(&there.name)
        {
            return Err(JobError::Other(format!(
                "label {value} is called {:?} here and {:?} in {}; rename it if it is the same, or teach a model of your own",
                here.name, there.name, spec.title
            )));
        }
    }
    Ok(())
}

pub(super) fn run(job: &RefineJob, progress: Progress, cancel: &Cancel) -> Result<Outcome, JobError> {
    let spec = &job.model.spec;
    if spec.is_classifier() {
        return Err(JobError::Other(format!("{} is a classifier and gives no mask", spec.title)));
    }
    check_names(job)?;
    progress(JobEvent::Progress { fraction: 0.0, stage: "Preparing" });
    let memory = match remembered(job, progress, cancel) {
        Err(error) if !job.memory_is_wanted && !error.is_stop() => {
            progress(JobEvent::Warning(format!("No other scans are mixed in: {error}.")));
            Vec::new()
        }
        other => other?,
    };
    // What is segmented along another axis is also learned along it.
    let mut adapted = crate::model::Model::clone(&job.model);
    if let Some(axis) = job.options.axis {
        adapted.spec.slice_axis = axis;
        adapted.spec.fused_axes.clear();
    }
    let stop = || cancel.is_cancelled();
    let task = Refinement {
        model: &adapted,
        image: &job.volume,
        labels: &job.labels,
        done: &job.done,
        memory: &memory,
        seconds: job.seconds,
        device: job.device,
        seed: 1,
    };
    let mut refined = refine(&task, &stop, &mut |share| {
        progress(JobEvent::Progress { fraction: 0.9 * share as f32, stage: "Learning from the finished slices" });
    })?;
    refined.model.spec = spec.clone();
    let mut network = refined.model.network(job.device)?;
    progress(JobEvent::Device(network.device_name().to_string()));
    let mut doubt = SliceDoubt::new(&job.volume.geometry);
    let mut visit = |voxel: [usize; 3], p: &[f32]| doubt.add(voxel, p);
    let mut on_event = |event| match event {
        SegmentEvent::Slices { done, count, .. } => {
            let fraction = 0.9 + 0.1 * done.end as f32 / count as f32;
            progress(JobEvent::Progress { fraction, stage: "Segmenting" });
        }
        SegmentEvent::Notice(notice) => progress(JobEvent::Warning(notice)),
        SegmentEvent::Took(seconds) => progress(JobEvent::Took(seconds)),
    };
    let labels =
        segment_and_visit(&job.volume, spec, &mut network, &job.options, &stop, &mut on_event, Some(&mut visit))?;
    Ok(Outcome::Refined {
        labels,
        table: spec.label_table(),
        model: Arc::new(refined.model),
        steps: refined.steps,
        loss: refined.loss,
        doubt,
    })
}
