//! Running a model over a volume.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::engine::DeviceChoice;
use crate::model::Model;
use crate::pipeline::{ProbabilityMaps, SegmentEvent, SegmentOptions, SegmentSeconds, VoxelVisitor, segment_and_visit};
use crate::volume::{LabelMap, LabelTable, LabelValue, Volume, Voxels};

/// What to segment, with what.
#[derive(Clone)]
pub struct SegmentJob {
    /// The scan.
    pub volume: Arc<Volume>,
    /// The model.
    pub model: Arc<Model>,
    /// Where to run.
    pub device: DeviceChoice,
    /// Further choices.
    pub options: SegmentOptions,
    /// Whether probabilities are wanted too.
    pub probabilities: bool,
    /// Values that labels have in [`SegmentNews::Slices`], by the model's; the others, and the output's, are the model's.
    pub shown_as: BTreeMap<LabelValue, LabelValue>,
}

/// A model's labels on the volume's grid.
#[derive(Debug, Clone)]
pub struct Segmented {
    /// The labels.
    pub labels: LabelMap,
    /// Their names and colours.
    pub table: LabelTable,
    /// The device that computed them.
    pub device: String,
    /// The probability of every class but background, where they were wanted.
    pub probabilities: Vec<Volume>,
}

/// What a segmentation tells.
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
#[derive(Debug, Clone)]
pub enum SegmentNews {
    /// The network runs here.
    Device(String),
    /// Slices are segmented.
    Slices {
        /// Slices done so far.
        done: usize,
        /// All slices.
        count: usize,
        /// Labels so far.
        labels: LabelMap,
    },
    /// How long its parts took.
    Took(SegmentSeconds),
}

impl Job for SegmentJob {
    type Output = Segmented;
    type Event = SegmentNews;
    const KIND: &'static JobKind = &JobKind { id: "segment", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Segmenting".into()
    }

    fn run(self, work: &Work<SegmentNews>) -> Result<Segmented, JobError> {
        let spec = &self.model.spec;
        if spec.is_classifier() {
            return Err(JobError::Other(format!(
                "{} is a classifier and gives no mask; start a training from it (`lamella train ... --init {}`)",
                spec.title, spec.id
            )));
        }
        if spec.is_touch() {
            return Err(JobError::Other(format!("{} answers strokes; use `lamella touch --model`", spec.title)));
        }
        tell_of_values(&self.volume, work)?;
        work.watch.stage("Preparing the network").at(0.0)?;
        let mut network = self.model.network(self.device)?;
        network.take_notices().into_iter().for_each(|notice| work.warn(notice));
        work.tell(SegmentNews::Device(network.device_name().to_string()));
        let maps = self.probabilities.then(|| ProbabilityMaps::new(spec, &self.volume.geometry)).transpose();
        let mut maps = maps.map_err(JobError::Other)?;
        let mut visit = |voxel: [usize; 3], p: &[f32]| {
            if let Some(maps) = &mut maps {
                maps.set(voxel, p);
            }
        };
        let visit: Option<VoxelVisitor> = if self.probabilities { Some(&mut visit) } else { None };
        let watch = work.watch.stage("Segmenting");
        let mut on_event = |event| match event {
            SegmentEvent::Slices { done, count, labels } => {
                let shown = |value| Some(self.shown_as.get(&value).copied().unwrap_or(value));
                // Every value has its place.
                let labels = if self.shown_as.is_empty() { labels } else { labels.mapped(shown).unwrap_or(labels) };
                work.tell(SegmentNews::Slices { done, count, labels });
            }
            SegmentEvent::Notice(notice) => work.warn(notice),
            SegmentEvent::Took(seconds) => work.tell(SegmentNews::Took(seconds)),
        };
        let labels = segment_and_visit(&self.volume, spec, &mut network, &self.options, watch, &mut on_event, visit)?;
        Ok(Segmented {
            labels,
            table: spec.label_table(),
            device: network.device_name().to_string(),
            probabilities: maps.map(ProbabilityMaps::into_volumes).unwrap_or_default(),
        })
    }
}

/// Tells of voxels without a number.
///
/// # Errors
/// When no voxel has one: there is nothing to see.
fn tell_of_values(volume: &Volume, work: &Work<SegmentNews>) -> Result<(), JobError> {
    if !matches!(volume.voxels, Voxels::F32(_) | Voxels::F64(_)) {
        return Ok(());
    }
    let statistics = volume.statistics();
    let count = statistics.nan_count + statistics.infinite_count;
    let all = volume.geometry.voxel_count() * volume.frame_count();
    if count >= all {
        return Err(JobError::Other("no voxel of the scan has a number (all are NaN or infinite)".into()));
    }
    if count > 0 {
        work.warn(format!(
            "{count} of {all} voxels have no number (NaN or infinite); the network sees the mean there."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Told;
    use crate::volume::{Affine, Geometry, Rescale};
    use crate::work::Watch;

    #[test]
    fn voxels_without_a_number_are_told_of_and_a_scan_of_them_is_refused() {
        let run = |values: Vec<f32>| {
            let geometry = Geometry::new([8, 8, 8], Affine::IDENTITY).unwrap();
            let voxels = Voxels::F32(Arc::new(values));
            let job = SegmentJob {
                volume: Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new())),
                model: Arc::new(crate::model::find("hippocampus").unwrap()),
                device: DeviceChoice::Cpu,
                options: SegmentOptions::default(),
                probabilities: false,
                shown_as: BTreeMap::new(),
            };
            let told = std::sync::Mutex::new(Vec::new());
            let tell = |news| {
                if let Told::Warning(text) = news {
                    told.lock().unwrap().push(text);
                }
            };
            let result = job.run(&Work::new(Watch::unwatched(), &tell));
            (result.map(drop), told.into_inner().unwrap().join(" "))
        };
        let mut values: Vec<f32> = (0..512).map(|n| n as f32).collect();
        (values[3], values[70]) = (f32::NAN, f32::INFINITY);
        let (result, told) = run(values);
        assert!(result.is_ok() && told.contains("2 of 512 voxels have no number"), "{told}");
        assert!(run(vec![f32::NAN; 512]).0.unwrap_err().to_string().contains("all are NaN or infinite"));
    }
}
