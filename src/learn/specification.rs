//! The specification of the model that a plan and labelled scans ask for.

use std::collections::BTreeMap;

use super::augment::MOST_UNEVEN;
use super::dataset::{Dataset, Split, is_ct, is_unnamed};
use super::error::FitError;
use super::facts::ScanFacts;
use super::fingerprint::Fingerprint;
use super::plan::{Intensities, Plan};
use crate::model::{ClassSpec, IntensityNormalisation, ModelSpec, Provenance, SeenScans, Windows};
use crate::pipeline;
use crate::volume::{Geometry, default_colour};

/// Pixels that differ by more than this factor are too different for weights to be used on.
const MOST_REFINED: f64 = 2.0;

/// The model's specification, from the data and the plan.
///
/// # Errors
/// When the spacings do not fit the plan.
pub fn specification(
    dataset: &Dataset,
    split: &Split,
    plan: &Plan,
    train: &[ScanFacts],
    fingerprint: &Fingerprint,
) -> Result<ModelSpec, FitError> {
    let in_plane = |geometry: &Geometry| {
        let orientation = geometry.orientation();
        let spacing = geometry.spacing_mm();
        plan.slice_axis.in_plane().map(|world| spacing[orientation.voxel_axis(world)])
    };
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let spacing = if let Some([height, width]) = plan.spacing_mm {
        if !(height > 0.0 && width > 0.0 && height.is_finite() && width.is_finite()) {
            return Err(FitError::Plan(format!(
                "a pixel size of {height} x {width} mm is none; give millimetres above 0"
            )));
        }
        if plan.fuse_axes && height != width {
            return Err(FitError::Plan(format!(
                "pixels of {height} x {width} mm: slices along all axes need pixels as high as wide; give one size, or one axis"
            )));
        }
        [height, width]
    } else if plan.fuse_axes {
        let all: Vec<f64> = train.iter().flat_map(|scan| scan.geometry.spacing_mm()).collect();
        let (low, high) = all.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &s| (l.min(s), h.max(s)));
        if high > MOST_UNEVEN * low {
            return Err(FitError::Plan(format!(
                "spacings from {low:.2} to {high:.2} mm are too uneven for slices along all axes; train along one axis"
            )));
        }
        [median(all); 2]
    } else {
        [0, 1].map(|axis| median(train.iter().map(|scan| in_plane(&scan.geometry)[axis]).collect()))
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
            let is_ct = is_ct(channel) || is_ct_by_values(dataset, fingerprint);
            let suggested = if is_ct { Intensities::Ct } else { Intensities::ZScore };
            match plan.intensities.unwrap_or(suggested) {
                Intensities::Ct => foreground_range(train, frame),
                Intensities::Nonzero => IntensityNormalisation::ZScore { nonzero: true },
                Intensities::ZScore => IntensityNormalisation::ZScore { nonzero: false },
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
            start: None,
            command: String::new(),
            seed: plan.seed,
            cases: [split.train.len(), split.validation.len()],
            seen: Some(seen_scans(dataset, fingerprint)),
            plan: serde_json::Value::Null,
            metrics: BTreeMap::new(),
        },
        sha256: String::new(),
    })
}

/// What the scans look like, for those who run the model on others.
fn seen_scans(dataset: &Dataset, fingerprint: &Fingerprint) -> SeenScans {
    let is_mr = |channel: &String| {
        let name = channel.to_uppercase();
        ["MR", "T1", "T2", "FLAIR", "DWI", "ADC"].iter().any(|kind| name.starts_with(kind))
    };
    let modality = match &dataset.channels[..] {
        channels if !channels.is_empty() && channels.iter().all(|channel| is_ct(channel)) => "CT",
        _ if is_ct_by_values(dataset, fingerprint) => "CT",
        channels if !channels.is_empty() && channels.iter().all(is_mr) => "MR",
        _ => "",
    };
    SeenScans { modality: modality.into(), spacing_mm: fingerprint.spacing_mm, extent_mm: fingerprint.extent_mm }
}

/// Whether the only channel has no name and the values of CT.
pub fn is_ct_by_values(dataset: &Dataset, fingerprint: &Fingerprint) -> bool {
    matches!(&dataset.channels[..], [channel] if is_unnamed(channel)) && fingerprint.looks_like_ct()
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
/// kind is quite another, or the plan says how. Gives also what the user must be told.
pub fn prepared_for(spec: ModelSpec, weights_of: &ModelSpec, plan: &Plan) -> (ModelSpec, Vec<String>) {
    let mut notices = Vec::new();
    let mut kept = prepared_like(spec.clone(), weights_of);
    if plan.spacing_mm.is_some() {
        kept.spacing_mm = spec.spacing_mm;
    }
    if plan.intensities.is_some() {
        (kept.normalisation, kept.channel_normalisation) = (spec.normalisation, spec.channel_normalisation.clone());
    }
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
        notices.push(
            "Intensities are normalised for these scans: either they or those that the model was trained on are CT, as far as \
             names of channels and values tell. A dataset.json with the channel name CT tells it."
                .into(),
        );
        (kept.normalisation, kept.channel_normalisation) = (spec.normalisation, spec.channel_normalisation);
    }
    (kept, notices)
}

/// A specification that says whose weights were the start, and keeps their licence beside that of the data.
pub fn started_from(mut spec: ModelSpec, start: &ModelSpec) -> ModelSpec {
    spec.provenance.start = Some([start.id.clone(), start.sha256.clone()]);
    spec.licence = match (spec.licence, &start.licence) {
        (own, other) if other.is_empty() || own == *other => own,
        (own, other) if own.is_empty() => other.clone(),
        (own, other) => format!("{own}; of the weights that were the start: {other}"),
    };
    spec
}

/// The frames whose labelled values a specification may ask for.
pub fn asked_frames(dataset: &Dataset, plan: &Plan) -> Vec<bool> {
    let is_alone = dataset.channels.len() == 1;
    // Whether a channel without a name is CT is known when all scans are read.
    let may_be_ct = |channel: &String| is_ct(channel) || (is_alone && is_unnamed(channel));
    let asked = |channel| plan.intensities.map_or_else(|| may_be_ct(channel), |of| of == Intensities::Ct);
    dataset.channels.iter().map(asked).collect()
}

/// nnU-Net's CT rule: 0.5 and 99.5 percentiles, mean and deviation of the foreground of one channel.
fn foreground_range(train: &[ScanFacts], frame: usize) -> IntensityNormalisation {
    let mut values: Vec<(f32, usize)> =
        train.iter().filter_map(|scan| scan.foreground.get(frame)).flatten().copied().collect();
    values.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let total: usize = values.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return IntensityNormalisation::ZScore { nonzero: false };
    }
    let at = |share: f64| {
        let place = ((total - 1) as f64 * share) as usize;
        let mut before = 0;
        let holds = |(_, count): &&(f32, usize)| {
            before += count;
            before > place
        };
        values.iter().find(holds).map_or(0.0, |(value, _)| f64::from(*value))
    };
    // One voxel after the other, so that sums do not depend on how many are counted together.
    let each = || values.iter().flat_map(|&(value, count)| std::iter::repeat_n(f64::from(value), count));
    let mean = each().sum::<f64>() / total as f64;
    let variance = each().map(|v| (v - mean).powi(2)).sum::<f64>() / total as f64;
    // A foreground of one value says nothing about the others.
    if at(0.005) >= at(0.995) {
        return IntensityNormalisation::ZScore { nonzero: false };
    }
    IntensityNormalisation::Clip { range: [at(0.005), at(0.995)], mean, std: variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Random;
    use crate::volume::Affine;

    fn facts(values: &[f32]) -> ScanFacts {
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        let foreground = sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
        ScanFacts {
            name: "scan".into(),
            geometry: Geometry::new([2; 3], Affine::IDENTITY).unwrap(),
            values: [0.0; 2],
            counts: BTreeMap::new(),
            foreground: vec![foreground],
            bytes: 0,
        }
    }

    #[test]
    fn counted_values_give_the_range_of_all_values() {
        let mut random = Random::new(3, 0);
        let scans: Vec<Vec<f32>> = (0..3)
            .map(|n| (0..701 + n * 97).map(|_| (random.normal() * 40.0).round() as f32 + 0.5).collect())
            .collect();
        let mut all: Vec<f32> = scans.concat();
        all.sort_by(f32::total_cmp);
        let at = |share: f64| f64::from(all[((all.len() - 1) as f64 * share) as usize]);
        let mean = all.iter().map(|&v| f64::from(v)).sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / all.len() as f64;
        let expected = IntensityNormalisation::Clip { range: [at(0.005), at(0.995)], mean, std: variance.sqrt() };
        let facts: Vec<ScanFacts> = scans.iter().map(|values| facts(values)).collect();
        assert_eq!(foreground_range(&facts, 0), expected);
        let none = IntensityNormalisation::ZScore { nonzero: false };
        assert_eq!(foreground_range(&facts, 1), none, "a frame that was not asked for");
        assert_eq!(foreground_range(&[self::facts(&[7.0; 9])], 0), none);
    }
}
