//! Adapting a model to the slices that the user has finished, and segmenting the others again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::labelled::{open_dataset, read_scan};
use crate::edit::{NoNumberLeft, values_of_model};
use crate::engine::DeviceChoice;
use crate::learn::{CaseFiles, Dataset, LabelledScan, Refinement, Scribbles, is_same_scan, refine};
use crate::model::Model;
use crate::pipeline::{SegmentEvent, SegmentOptions, SegmentSeconds, SliceDoubt, segment_and_visit};
use crate::volume::{LabelMap, LabelTable, LabelValue, PlaneLayout, Volume};

/// Seconds of learning where nothing else is said.
pub const REFINE_SECONDS: f64 = 10.0;

/// Stages.
const LEARNING: &str = "learning";
/// See [`LEARNING`].
const SEGMENTING: &str = "segmenting";

/// Most labelled scans that are read so that the model does not forget them.
const MOST_REMEMBERED: usize = 8;

/// Scans that a model learned from.
#[derive(Clone)]
pub struct RememberedScans {
    /// Their folder.
    pub folder: PathBuf,
    /// Their names, so that what is held back or left out stays unseen; none: all of the folder.
    pub names: Option<Vec<String>>,
    /// The file of the scan that is refined, which is not among them: what is right in it only the user says.
    pub except: Option<PathBuf>,
}

/// What to adapt, to what.
#[derive(Clone)]
pub struct RefineJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// The model.
    pub model: Arc<Model>,
    /// The scan's labels.
    pub labels: LabelMap,
    /// Their names, where they are known.
    pub table: LabelTable,
    /// Slices that are finished, each with its plane's layout.
    pub done: Vec<(PlaneLayout, usize)>,
    /// What the user marked in other slices.
    pub scribbles: Option<ScribbledLabels>,
    /// Labelled scans that the model learned from, some of which are mixed in.
    pub memory: Option<RememberedScans>,
    /// Whether it is an error that they cannot be; else the user is told.
    pub memory_is_wanted: bool,
    /// How long to learn.
    pub seconds: f64,
    /// Where to run.
    pub device: DeviceChoice,
    /// How to segment afterwards.
    pub options: SegmentOptions,
}

/// The name of the label that scribbles have where none of the model's labels is.
pub const OUTSIDE: &str = "Outside";

/// Scribbles: labels on the scan's grid of which each marked voxel is known, and nothing else.
#[derive(Clone)]
pub struct ScribbledLabels {
    /// The marks.
    pub labels: LabelMap,
    /// Their names.
    pub table: LabelTable,
    /// The label that says: none of the model's labels is here.
    pub outside: Option<LabelValue>,
}

impl ScribbledLabels {
    /// Marks whose label named [`OUTSIDE`], in whatever case, says that none of the model's labels is there.
    pub fn new(labels: LabelMap, table: LabelTable) -> Self {
        let outside = table.0.iter().find(|label| label.name.trim().eq_ignore_ascii_case(OUTSIDE));
        Self { outside: outside.map(|label| label.value), labels, table }
    }

    /// With the values of the model's classes of the same names.
    fn of_model(&self, model: &Model) -> Result<Scribbles, JobError> {
        let of_classes = as_the_models(&self.labels, &self.table, model)?;
        let outside = self.outside.and_then(|value| of_classes.1.get(&value).copied());
        Ok(Scribbles { labels: of_classes.0, outside })
    }
}

/// Scans of a data set, spread evenly over it, whose labels are those of the model.
fn remembered(job: &RefineJob, work: &Work<RefineNews>) -> Result<Vec<LabelledScan>, JobError> {
    let Some(memory @ RememberedScans { folder, .. }) = &job.memory else { return Ok(Vec::new()) };
    let mut dataset = open_dataset(folder, work.watch, &|text| work.warn(text))?;
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
    let names = chosen(&dataset, memory);
    let no_other = || JobError::Other(format!("{} has no other scan that was learned from", folder.display()));
    if names.is_empty() {
        return Err(no_other());
    }
    let mut scans = Vec::new();
    for name in names {
        let case = read_scan(&dataset, name, work.watch, &|text| work.warn(text))?;
        // A copy of the scan itself has labels of another time.
        if !is_same_scan(&case.image, &job.volume, work.watch)? {
            scans.push(case);
        }
    }
    if scans.is_empty() { Err(no_other()) } else { Ok(scans) }
}

/// The names of some of the scans, spread evenly over them.
fn chosen<'a>(dataset: &'a Dataset, memory: &RememberedScans) -> Vec<&'a str> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let except = memory.except.as_deref().map(real);
    let is_except = |case: &CaseFiles| except.is_some() && case.images.iter().any(|file| Some(real(file)) == except);
    let is_wanted = |case: &&CaseFiles| memory.names.as_ref().is_none_or(|names| names.contains(&case.name));
    let wanted: Vec<&str> =
        dataset.cases.iter().filter(is_wanted).filter(|case| !is_except(case)).map(|case| case.name.as_str()).collect();
    let step = wanted.len().div_ceil(MOST_REMEMBERED).max(1);
    wanted.into_iter().step_by(step).collect()
}

/// The labels with the values of the model's classes of the same names; what the model does not know has values that it does not have.
/// And what became of each value.
fn as_the_models(
    labels: &LabelMap,
    table: &LabelTable,
    model: &Model,
) -> Result<(LabelMap, BTreeMap<LabelValue, LabelValue>), JobError> {
    let used = labels.voxel_counts().into_keys().collect();
    let other = |error: NoNumberLeft| JobError::Other(error.to_string());
    let values = values_of_model(table, &used, &model.spec.label_table()).map_err(other)?;
    let unknown = |value: LabelValue| JobError::Other(format!("label {value} has no place among the model's classes"));
    let mapped = labels.mapped(|value| values.get(&value).copied()).map_err(unknown)?;
    Ok((mapped, values))
}

/// What came of it.
#[derive(Clone)]
pub struct RefinedLabels {
    /// The adapted model's labels, on the volume's grid; finished slices are not yet put back.
    pub labels: LabelMap,
    /// Their names and colours.
    pub table: LabelTable,
    /// The adapted model.
    pub model: Arc<Model>,
    /// Steps it learned.
    pub steps: u64,
    /// Loss of the first and of the last step.
    pub loss: [f64; 2],
    /// How unsure the adapted model is of each slice.
    pub doubt: SliceDoubt,
}

/// What refining tells.
#[derive(Debug, Clone)]
pub enum RefineNews {
    /// The network runs here.
    Device(String),
    /// How long the parts of the segmentation took.
    Took(SegmentSeconds),
}

impl Job for RefineJob {
    type Output = RefinedLabels;
    type Event = RefineNews;
    const KIND: &'static JobKind = &JobKind { id: "refine", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Refining".into()
    }

    fn run(self, work: &Work<RefineNews>) -> Result<RefinedLabels, JobError> {
        adapt(&self, work)
    }
}

fn adapt(job: &RefineJob, work: &Work<RefineNews>) -> Result<RefinedLabels, JobError> {
    let spec = &job.model.spec;
    if spec.is_classifier() {
        return Err(JobError::Other(format!("{} is a classifier and gives no mask", spec.title)));
    }
    if spec.is_touch() {
        return Err(JobError::Other(format!("{} answers strokes and cannot be adapted to a scan", spec.title)));
    }
    let (own, _) = as_the_models(&job.labels, &job.table, &job.model)?;
    let scribbles = job.scribbles.as_ref().map(|scribbles| scribbles.of_model(&job.model)).transpose()?;
    work.begin("preparing", Some(LEARNING));
    let memory = match remembered(job, work) {
        Err(error) if !job.memory_is_wanted && !error.is_stop() => {
            work.warn(format!("No other scans are mixed in: {error}."));
            Vec::new()
        }
        other => other?,
    };
    // What is segmented along another axis is also learned along it, and the model is one of that axis from then on.
    let mut adapted = Model::clone(&job.model);
    if let Some(axis) = job.options.axis {
        adapted.spec.slice_axis = axis;
        adapted.spec.fused_axes.clear();
    }
    let task = Refinement {
        model: &adapted,
        image: &job.volume,
        labels: &own,
        done: &job.done,
        scribbles: scribbles.as_ref(),
        memory: &memory,
        seconds: job.seconds,
        device: job.device,
        seed: 1,
    };
    work.begin(LEARNING, Some(SEGMENTING));
    let learning = work.watch.stage(LEARNING);
    let mut on_step = |share| {
        // The learning itself looks for a stop.
        let _ = learning.at(share as f32);
    };
    let refined = refine(&task, learning, &mut on_step, &mut |notice| work.warn(notice))?;
    work.begin(SEGMENTING, None);
    let segmenting = work.watch.stage(SEGMENTING);
    let mut network = refined.model.network(job.device)?;
    work.tell(RefineNews::Device(network.device_name().to_string()));
    let mut doubt = SliceDoubt::new(&job.volume.geometry);
    let mut visit = |voxel: [usize; 3], p: &[f32]| doubt.add(voxel, p);
    let mut on_event = |event| match event {
        SegmentEvent::Slices { .. } => {}
        SegmentEvent::Notice(notice) => work.warn(notice),
        SegmentEvent::Took(seconds) => work.tell(RefineNews::Took(seconds)),
    };
    let mut labels =
        segment_and_visit(&job.volume, spec, &mut network, &job.options, segmenting, &mut on_event, Some(&mut visit))?;
    if let Some(scribbles) = &scribbles {
        // What the user said is so, whatever the network makes of it.
        let values = spec.values();
        let own = |value| values.contains(&value).then_some(value);
        scribbles.for_each_known(own, |voxel, value| labels.set(voxel, value));
    }
    Ok(RefinedLabels {
        labels,
        table: spec.label_table(),
        model: Arc::new(refined.model),
        steps: refined.steps,
        loss: refined.loss,
        doubt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_back_and_the_scan_itself_are_not_mixed_in() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["images", "labels"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
            for n in 0..20 {
                std::fs::write(folder.path().join(part).join(format!("s{n:02}.nii.gz")), []).unwrap();
            }
        }
        let dataset = Dataset::open(folder.path(), crate::learn::Endings::of_formats()).unwrap();
        let of = |names: Option<&[&str]>, except: Option<&str>| {
            let memory = RememberedScans {
                folder: folder.path().into(),
                names: names.map(|names| names.iter().map(ToString::to_string).collect()),
                except: except.map(|name| folder.path().join("labels/../images").join(name)),
            };
            chosen(&dataset, &memory).into_iter().map(str::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of(None, None), ["s00", "s03", "s06", "s09", "s12", "s15", "s18"]);
        assert_eq!(of(None, Some("s00.nii.gz"))[0], "s01");
        assert_eq!(of(Some(&["s05", "s07", "s11"]), Some("s07.nii.gz")), ["s05", "s11"]);
        assert!(of(Some(&["s05"]), Some("s05.nii.gz")).is_empty());
    }
}
