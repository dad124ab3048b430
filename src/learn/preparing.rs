//! Labelled scans as slices on the network's grid.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::error::FitError;
use super::reading::LabelledScan;
use super::sampling::PreparedCase;
use crate::engine::free_memory_bytes;
use crate::model::{ModelSpec, SliceAxis};
use crate::pipeline::{Normaliser, Preparation, nearest};
use crate::volume::LabelValue;
use crate::work::Watch;

/// Share of the free memory that prepared cases may take; training itself takes of the rest.
const PREPARED_SHARE: f64 = 0.8;

/// Brings a case to the network's grid along one axis.
///
/// # Errors
/// When a slice would be too large at the model's spacing, or the work is stopped.
pub fn prepare(
    scan: &LabelledScan,
    spec: &ModelSpec,
    axis: SliceAxis,
    ignore: Option<u16>,
    watch: Watch,
) -> Result<PreparedCase, FitError> {
    let LabelledScan { name, image, labels } = scan;
    let preparation =
        Preparation::new(spec, axis, image).map_err(|problem| FitError::Case { name: name.clone(), problem })?;
    let mut channels = Vec::with_capacity(spec.image_channels);
    for frame in 0..spec.image_channels {
        let kind = spec.normalisation_of(frame);
        let normaliser = Normaliser::new(kind, image, frame, watch)?;
        let mut slices = Vec::with_capacity(preparation.slice_count());
        for slice in 0..preparation.slice_count() {
            watch.check()?;
            slices.push(preparation.read(image, frame, slice, &normaliser));
        }
        channels.push(slices);
    }
    let ([rows, columns], [h, w]) = (preparation.source, preparation.target);
    let slice_labels = (0..preparation.slice_count())
        .map(|slice| {
            watch.check()?;
            let label = |n: usize| {
                let at = [nearest(n % w, columns, w), nearest(n / w, rows, h), slice];
                labels.get(preparation.layout.voxel(at))
            };
            Ok((0..h * w).map(label).collect())
        })
        .collect::<Result<_, FitError>>()?;
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
    watch: Watch,
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
    let (count, done) = (cuts.len() as f32, AtomicUsize::new(0));
    let prepare = |(scan, axis)| {
        let case = prepare(scan, spec, axis, ignore, watch)?;
        watch.at((done.fetch_add(1, Ordering::Relaxed) + 1) as f32 / count)?;
        Ok(case)
    };
    let all: Result<Vec<PreparedCase>, FitError> = cuts.into_par_iter().map(prepare).collect();
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
    use crate::volume::{Affine, Geometry, LabelMap, Rescale, Volume, Voxels};

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
            let cases = prepare_all(std::slice::from_ref(&scan), &spec, None, Watch::unwatched()).unwrap();
            let values = cases.iter().flat_map(|case| case.images.iter().flatten()).map(Vec::len).sum::<usize>();
            let labels = cases.iter().flat_map(|case| &case.labels).map(Vec::len).sum::<usize>();
            let expected = values * size_of::<f32>() + labels * size_of::<LabelValue>();
            assert_eq!(prepared_bytes(std::slice::from_ref(&scan), &spec).unwrap(), expected);
        }
    }
}
