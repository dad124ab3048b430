//! From files to what is learned: reading and checking cases, the model's specification, slices on the network's grid.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rayon::prelude::*;

use super::dataset::{Dataset, Split};
use super::fingerprint::MOST_UNEVEN;
use super::fit::{FitError, Loader};
use super::plan::Plan;
use super::sampling::PreparedCase;
use crate::engine::free_memory_bytes;
use crate::model::{ClassSpec, IntensityNormalisation, ModelSpec, Provenance, SliceAxis, Windows};
use crate::pipeline::{self, Normaliser, Preparation, nearest};
use crate::volume::{LabelMap, LabelValue, Volume, default_colour};

/// A case as it is in its files.
pub struct LabelledScan {
    /// Name.
    pub name: String,
    /// Image.
    pub image: Volume,
    /// Labels on its grid.
    pub labels: LabelMap,
}

/// Labels so near to their image lie on it.
const SAME_MM: f64 = 1e-2;

/// Labels beside their image by less than this share of the finest spacing are moved onto it.
const REPAIRED_SHARE: f64 = 0.1;

/// Share of the free memory that prepared cases may take; training itself takes of the rest.
const PREPARED_SHARE: f64 = 0.8;

/// Pixels that differ by more than this factor are too different for weights to be used on.
const MOST_REFINED: f64 = 2.0;

/// Reads a case and checks it against the data set's description; says what was repaired.
///
/// # Errors
/// Names the case and what is wrong with it.
pub fn read_case(
    dataset: &Dataset,
    name: &str,
    load: Loader,
    notice: &mut dyn FnMut(String),
) -> Result<LabelledScan, FitError> {
    let error = |problem: String| FitError::Case { name: name.into(), problem };
    let files = dataset.case(name).ok_or_else(|| error("is not in the data set".into()))?;
    let (image, mut labels) = load(files).map_err(error)?;
    let (of_image, of_labels) = (image.geometry.shape(), labels.geometry().shape());
    if of_image != of_labels {
        return Err(error(format!("the image has {of_image:?} voxels, its labels have {of_labels:?}")));
    }
    if !image.geometry.matches(labels.geometry(), SAME_MM) {
        let finest = image.geometry.spacing_mm().into_iter().fold(f64::INFINITY, f64::min);
        if !image.geometry.matches(labels.geometry(), REPAIRED_SHARE * finest) {
            return Err(error("image and labels lie in different places; resample the labels to the image".into()));
        }
        labels = labels.on(&image.geometry);
        notice(format!("case {name}: the labels lay beside the image by less than a tenth of a voxel; moved onto it"));
    }
    let statistics = image.statistics();
    if statistics.nan_count + statistics.infinite_count > 0 {
        let count = statistics.nan_count + statistics.infinite_count;
        return Err(error(format!("{count} voxels of the image are no numbers; replace them before training")));
    }
    if let Some(stored) = &dataset.stored {
        let unchosen = dataset.unchosen.iter().map(|&value| (value, 0));
        let of_value: BTreeMap<u16, u16> = stored.iter().copied().zip(0..).chain(unchosen).collect();
        labels = labels
            .mapped(|value| of_value.get(&value).copied())
            .map_err(|value| error(format!("label {value} is not among those of the data set, {stored:?}")))?;
    }
    let channels = dataset.channels.len().max(1);
    if image.frame_count() != channels {
        return Err(error(format!("the image has {} channels, the data set has {channels}", image.frame_count())));
    }
    let known = |label: u16| usize::from(label) < dataset.labels.len() || dataset.ignore == Some(label);
    if let Some(other) = labels.counts().into_keys().find(|&label| !known(label)) {
        return Err(error(format!("label {other} is not among the data set's")));
    }
    Ok(LabelledScan { name: name.into(), image, labels })
}

/// The model's specification, from the data and the plan.
///
/// # Errors
/// When the spacings do not fit the plan.
pub fn specification(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    train: &[LabelledScan],
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
        let all: Vec<f64> = train.iter().flat_map(|scan| scan.image.geometry.spacing_mm()).collect();
        let (low, high) = all.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &s| (l.min(s), h.max(s)));
        if high > MOST_UNEVEN * low {
            return Err(FitError::Plan(format!(
                "spacings from {low:.2} to {high:.2} mm are too uneven for slices along all axes; train along one axis"
            )));
        }
        [median(all); 2]
    } else {
        [0, 1].map(|axis| median(train.iter().map(|scan| in_plane(&scan.image)[axis]).collect()))
    };
    let classes = dataset
        .labels
        .iter()
        .map(|(&value, name)| ClassSpec {
            name: name.clone(),
            colour: if value == 0 { [0; 3] } else { default_colour(value) },
            // In learning, labels are places among the classes.
            value: None,
        })
        .collect();
    let ranges: Vec<IntensityNormalisation> = dataset
        .channels
        .iter()
        .enumerate()
        .map(|(frame, channel)| {
            if channel.eq_ignore_ascii_case("ct") {
                foreground_range(train, frame, dataset.ignore)
            } else {
                IntensityNormalisation::ZScore { nonzero: false }
            }
        })
        .collect();
    Ok(ModelSpec {
        version: crate::model::PLAIN_VERSION,
        id: dataset.name.to_lowercase().replace(' ', "-"),
        title: dataset.name.clone(),
        architecture: plan.architecture.clone(),
        image_channels: dataset.channels.len().max(1),
        neighbours: plan.neighbours,
        slice_axis: plan.slice_axis,
        fused_axes: if plan.fuse_axes { pipeline::all_axes(plan.slice_axis) } else { Vec::new() },
        spacing_mm: Some(spacing),
        normalisation: ranges.first().copied().unwrap_or(IntensityNormalisation::ZScore { nonzero: false }),
        channel_normalisation: if ranges.iter().any(|range| *range != ranges[0]) { ranges } else { Vec::new() },
        // As large as in training, so that what norms and attention see of a slice is the same.
        windows: Windows::Whole,
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
    })
}

/// A specification that prepares scans as another model does; classifiers, and models of other channels, say nothing about that.
pub fn prepared_like(spec: ModelSpec, of: &ModelSpec) -> ModelSpec {
    if of.is_classifier() || of.image_channels != spec.image_channels {
        return spec;
    }
    ModelSpec {
        // Fused axes need one spacing for all of them.
        spacing_mm: if of.fused_axes.len() < spec.fused_axes.len() { spec.spacing_mm } else { of.spacing_mm },
        windows: if of.patch == spec.patch { of.windows } else { spec.windows },
        normalisation: of.normalisation,
        channel_normalisation: of.channel_normalisation.clone(),
        reversed: of.reversed,
        ..spec
    }
}

/// A specification for fine-tuning: scans are prepared as the weights know it ([`prepared_like`]), unless their resolution or their
/// kind is quite another. Gives also what the user must be told.
pub fn prepared_for(spec: ModelSpec, weights_of: &ModelSpec) -> (ModelSpec, Vec<String>) {
    let mut notices = Vec::new();
    let mut kept = prepared_like(spec.clone(), weights_of);
    if let (Some(own), Some(other)) = (spec.spacing_mm, kept.spacing_mm) {
        let far = |axis: usize| own[axis] > MOST_REFINED * other[axis] || other[axis] > MOST_REFINED * own[axis];
        if far(0) || far(1) {
            notices.push(format!(
                "The scans keep their pixels of {:.3} x {:.3} mm; the model's of {:.3} x {:.3} mm are too different.",
                own[0], own[1], other[0], other[1]
            ));
            kept.spacing_mm = spec.spacing_mm;
        }
    }
    let kind = |of: &ModelSpec, frame: usize| std::mem::discriminant(&of.normalisation_of(frame));
    if (0..spec.image_channels).any(|frame| kind(&spec, frame) != kind(&kept, frame)) {
        notices
            .push("Intensities are normalised for these scans; the model was trained on scans of another kind.".into());
        (kept.normalisation, kept.channel_normalisation) = (spec.normalisation, spec.channel_normalisation);
    }
    (kept, notices)
}

/// nnU-Net's CT rule: 0.5 and 99.5 percentiles, mean and deviation of the foreground of one channel.
fn foreground_range(train: &[LabelledScan], frame: usize, ignore: Option<u16>) -> IntensityNormalisation {
    let mut values: Vec<f32> = Vec::new();
    for scan in train {
        scan.labels.for_each_labelled(|voxel, label| {
            if Some(label) != ignore {
                values.push(scan.image.value(voxel, frame) as f32);
            }
        });
    }
    values.retain(|v| v.is_finite());
    values.sort_by(f32::total_cmp);
    if values.is_empty() {
        return IntensityNormalisation::ZScore { nonzero: false };
    }
    let at = |share: f64| f64::from(values[((values.len() - 1) as f64 * share) as usize]);
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / values.len() as f64;
    // A foreground of one value says nothing about the others.
    if at(0.005) >= at(0.995) {
        return IntensityNormalisation::ZScore { nonzero: false };
    }
    IntensityNormalisation::Clip { range: [at(0.005), at(0.995)], mean, std: variance.sqrt() }
}

/// Brings a case to the network's grid along one axis.
///
/// # Errors
/// When a slice would be too large at the model's spacing, or `stop` says so.
pub fn prepare(
    scan: &LabelledScan,
    spec: &ModelSpec,
    axis: SliceAxis,
    ignore: Option<u16>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<PreparedCase, FitError> {
    let LabelledScan { name, image, labels } = scan;
    let preparation =
        Preparation::new(spec, axis, image).map_err(|problem| FitError::Case { name: name.clone(), problem })?;
    let watch = |_| if stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let mut channels = Vec::with_capacity(spec.image_channels);
    for frame in 0..spec.image_channels {
        let kind = spec.normalisation_of(frame);
        let normaliser = Normaliser::new(kind, image, frame, &watch).ok_or(FitError::Stopped)?;
        let mut slices = Vec::with_capacity(preparation.slice_count());
        for slice in 0..preparation.slice_count() {
            if stop() {
                return Err(FitError::Stopped);
            }
            slices.push(preparation.read(image, frame, slice, &normaliser));
        }
        channels.push(slices);
    }
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
    let case = PreparedCase::new(name.clone(), [h, w], channels, slice_labels, spec.classes.len(), ignore);
    let [top_to_bottom, left_to_right] = spec.mirrors(axis);
    let across = spec.mirror && spec.mirror_axes[axis.world_axis()];
    let may_mirror = [across, top_to_bottom, left_to_right];
    Ok(PreparedCase { may_mirror, slice_step: preparation.slice_step(image), ..case })
}

/// Bytes that cases take on the network's grid along all axes that the model cuts: values and labels.
///
/// # Errors
/// When a slice would be too large at the model's spacing.
pub fn prepared_bytes(train: &[LabelledScan], spec: &ModelSpec) -> Result<usize, FitError> {
    let of_pixel = spec.image_channels * size_of::<f32>() + size_of::<LabelValue>();
    let mut bytes = 0;
    for scan in train {
        for axis in cut_axes(spec) {
            let preparation = Preparation::new(spec, axis, &scan.image)
                .map_err(|problem| FitError::Case { name: scan.name.clone(), problem })?;
            bytes += preparation.target.iter().product::<usize>() * preparation.slice_count() * of_pixel;
        }
    }
    Ok(bytes)
}

/// Axes that a model cuts slices along.
fn cut_axes(spec: &ModelSpec) -> Vec<SliceAxis> {
    if spec.fused_axes.is_empty() { vec![spec.slice_axis] } else { spec.fused_axes.clone() }
}

/// All cases along all axes that the model cuts, without those that nothing can be learned from.
///
/// # Errors
/// As [`prepare`], when nothing is labelled, and when the cases do not fit into the memory that is free.
pub fn prepare_all(
    train: &[LabelledScan],
    spec: &ModelSpec,
    ignore: Option<u16>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<PreparedCase>, FitError> {
    let needed = prepared_bytes(train, spec)?;
    if let Some(free) = free_memory_bytes().filter(|&free| needed as f64 > PREPARED_SHARE * free as f64) {
        return Err(FitError::Plan(format!(
            "{} scans take {} MB on the network's grid, and {} MB are free; choose fewer or smaller scans, or slices along one axis",
            train.len(),
            needed >> 20,
            free >> 20
        )));
    }
    let axes = cut_axes(spec);
    let cuts: Vec<_> = train.iter().flat_map(|scan| axes.iter().map(move |&axis| (scan, axis))).collect();
    let all: Result<Vec<PreparedCase>, FitError> =
        cuts.into_par_iter().map(|(scan, axis)| prepare(scan, spec, axis, ignore, stop)).collect();
    let mut cases = all?;
    cases.retain(|case| !case.known.is_empty());
    if cases.is_empty() {
        return Err(FitError::Plan("no training case has a labelled slice; everything is to be ignored".into()));
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};

    #[test]
    fn the_memory_of_cases_is_known_before_they_are_prepared() {
        let columns = [[1.0, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 1.3]];
        let geometry = Geometry::new([20, 25, 9], Affine::from_columns(columns, [0.0; 3])).unwrap();
        let values: Vec<f32> = (0..20 * 25 * 9).map(|n| (n % 7) as f32).collect();
        let mut labels = LabelMap::empty(geometry.clone());
        labels.set([3, 4, 5], 1);
        let image = Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, "scan".into());
        let scan = LabelledScan { name: "scan".into(), image, labels };
        let fused = crate::model::find("hippocampus").unwrap().spec;
        let single = ModelSpec { fused_axes: Vec::new(), spacing_mm: Some([2.0, 0.5]), ..fused.clone() };
        for spec in [fused, single] {
            let cases = prepare_all(std::slice::from_ref(&scan), &spec, None, &|| false).unwrap();
            let values = cases.iter().flat_map(|case| case.images.iter().flatten()).map(Vec::len).sum::<usize>();
            let labels = cases.iter().flat_map(|case| &case.labels).map(Vec::len).sum::<usize>();
            let expected = values * size_of::<f32>() + labels * size_of::<LabelValue>();
            assert_eq!(prepared_bytes(std::slice::from_ref(&scan), &spec).unwrap(), expected);
        }
    }
}
