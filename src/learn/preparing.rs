//! Labelled scans as slices on the network's grid.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::error::FitError;
use super::reading::LabelledScan;
use super::sampling::PreparedCase;
use crate::engine::free_memory_bytes;
use crate::model::{ModelSpec, SliceAxis};
use crate::pipeline::{Normaliser, Preparation, nearest};
use crate::volume::{Geometry, LabelValue};
use crate::work::Watch;
use crate::work::memory::Bytes;

/// Share of the free memory that prepared cases may take; training itself takes of the rest.
const PREPARED_SHARE: f64 = 0.8;

/// The grid of a case's slices along one axis.
pub struct Grid {
    preparation: Preparation,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Number of slices.
    pub slices: usize,
    /// Distance of slices, in pixels.
    pub slice_step: f64,
    /// Whether cases may be mirrored across slices, top to bottom and left to right.
    pub may_mirror: [bool; 3],
}

impl Grid {
    /// The grid of a case that lies on a scan's grid.
    ///
    /// # Errors
    /// When a slice would be too large at the model's spacing.
    pub fn new(name: &str, geometry: &Geometry, spec: &ModelSpec, axis: SliceAxis) -> Result<Self, FitError> {
        let preparation =
            Preparation::new(spec, axis, geometry).map_err(|problem| FitError::Case { name: name.into(), problem })?;
        let [top_to_bottom, left_to_right] = spec.mirrors(axis);
        let across = spec.mirror && spec.mirror_axes[axis.world_axis()];
        Ok(Self {
            size: preparation.target,
            slices: preparation.slice_count(),
            slice_step: preparation.slice_step(geometry),
            may_mirror: [across, top_to_bottom, left_to_right],
            preparation,
        })
    }

    /// Bytes of all slices: values and labels.
    fn bytes(&self, channels: usize) -> usize {
        let of_pixel = channels * size_of::<f32>() + size_of::<LabelValue>();
        self.size.iter().product::<usize>() * self.slices * of_pixel
    }
}

/// A scan that is cut into slices along one axis.
pub struct Cutting<'a> {
    scan: &'a LabelledScan,
    grid: &'a Grid,
    /// One for each channel.
    normalisers: Vec<Normaliser>,
}

impl<'a> Cutting<'a> {
    /// Looks at the values of every channel as far as that is needed to normalise them.
    ///
    /// # Errors
    /// When the work is stopped.
    pub fn new(scan: &'a LabelledScan, grid: &'a Grid, spec: &ModelSpec, watch: Watch) -> Result<Self, FitError> {
        let normaliser = |frame| Normaliser::new(spec.normalisation_of(frame), &scan.image, frame, watch);
        let normalisers = (0..spec.image_channels).map(normaliser).collect::<Result<_, _>>()?;
        Ok(Self { scan, grid, normalisers })
    }

    /// A channel of a slice, row-major.
    pub fn image(&self, channel: usize, slice: usize) -> Vec<f32> {
        self.grid.preparation.read(&self.scan.image, channel, slice, &self.normalisers[channel])
    }

    /// The labels of a slice, row-major.
    pub fn labels(&self, slice: usize) -> Vec<u16> {
        let preparation = &self.grid.preparation;
        let ([rows, columns], [h, w]) = (preparation.source, preparation.target);
        let label = |n: usize| {
            let at = [nearest(n % w, columns, w), nearest(n / w, rows, h), slice];
            self.scan.labels.get(preparation.layout.voxel(at))
        };
        (0..h * w).map(label).collect()
    }
}

/// Brings a case to the network's grid along one axis, in memory.
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
    let grid = Grid::new(&scan.name, &scan.image.geometry, spec, axis)?;
    let cutting = Cutting::new(scan, &grid, spec, watch)?;
    let slices = || (0..grid.slices).into_par_iter();
    let image = |channel, slice| watch.check().map(|()| cutting.image(channel, slice));
    let channel = |channel| slices().map(|slice| image(channel, slice)).collect::<Result<Vec<_>, _>>();
    let channels = (0..spec.image_channels).map(channel).collect::<Result<_, _>>()?;
    let labels = slices().map(|slice| watch.check().map(|()| cutting.labels(slice))).collect::<Result<_, _>>()?;
    let case = PreparedCase::new(scan.name.clone(), grid.size, channels, labels, spec.classes.len(), ignore);
    Ok(PreparedCase { may_mirror: grid.may_mirror, slice_step: grid.slice_step, ..case })
}

/// Bytes that cases take on the network's grid along all axes that the model cuts: values and labels.
///
/// # Errors
/// When a slice would be too large at the model's spacing.
pub fn prepared_bytes<'a>(
    scans: impl IntoIterator<Item = (&'a str, &'a Geometry)>,
    spec: &ModelSpec,
) -> Result<usize, FitError> {
    let mut bytes = 0;
    for (name, geometry) in scans {
        for axis in cut_axes(spec) {
            bytes += Grid::new(name, geometry, spec, axis)?.bytes(spec.image_channels);
        }
    }
    Ok(bytes)
}

/// Axes that a model cuts slices along.
pub fn cut_axes(spec: &ModelSpec) -> Vec<SliceAxis> {
    if spec.fused_axes.is_empty() { vec![spec.slice_axis] } else { spec.fused_axes.clone() }
}

/// Whether prepared cases fit into the memory that is free, where that is known.
pub fn fits(needed_bytes: usize, free_bytes: Option<u64>) -> bool {
    free_bytes.is_none_or(|free| needed_bytes as f64 <= PREPARED_SHARE * free as f64)
}

/// Cases that do not fit into the memory that is free.
pub fn too_large(count: usize, needed_bytes: usize, free_bytes: Option<u64>) -> FitError {
    FitError::Plan(format!(
        "{count} scans take {} on the network's grid, and {} are free; choose fewer or smaller scans, or slices along one axis",
        Bytes(needed_bytes as u64),
        Bytes(free_bytes.unwrap_or(0))
    ))
}

/// All cases along all axes that the model cuts, in memory, without those that nothing can be learned from.
///
/// # Errors
/// As [`prepare`], when nothing is labelled, and when the cases do not fit into the memory that is free.
pub fn prepare_all(
    train: &[LabelledScan],
    spec: &ModelSpec,
    ignore: Option<u16>,
    watch: Watch,
) -> Result<Vec<PreparedCase>, FitError> {
    let scans: Vec<&LabelledScan> = train.iter().collect();
    let needed = prepared_bytes(scans.iter().map(|scan| (&*scan.name, &scan.image.geometry)), spec)?;
    let free = free_memory_bytes();
    if !fits(needed, free) {
        return Err(too_large(train.len(), needed, free));
    }
    to_learn_from(prepare_in_memory(&scans, spec, ignore, watch)?)
}

/// All cases along all axes that the model cuts, in memory.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_in_memory(
    scans: &[&LabelledScan],
    spec: &ModelSpec,
    ignore: Option<u16>,
    watch: Watch,
) -> Result<Vec<PreparedCase>, FitError> {
    let axes = cut_axes(spec);
    let cuts: Vec<_> = scans.iter().flat_map(|&scan| axes.iter().map(move |&axis| (scan, axis))).collect();
    let (count, done) = (cuts.len() as f32, AtomicUsize::new(0));
    let prepare = |(scan, axis)| {
        let case = prepare(scan, spec, axis, ignore, watch)?;
        watch.at((done.fetch_add(1, Ordering::Relaxed) + 1) as f32 / count)?;
        Ok(case)
    };
    cuts.into_par_iter().map(prepare).collect()
}

/// The cases that something can be learned from.
///
/// # Errors
/// When there are none.
pub fn to_learn_from(mut cases: Vec<PreparedCase>) -> Result<Vec<PreparedCase>, FitError> {
    cases.retain(|case| !case.index.known.is_empty());
    if cases.is_empty() {
        return Err(FitError::Plan("no training case has a labelled slice; everything is to be ignored".into()));
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::slices::Slices;
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
            let mut expected = 0;
            for case in &cases {
                let Slices::Memory { images, labels } = &case.slices else { panic!("it fits into the memory") };
                expected += images.iter().flatten().map(Vec::len).sum::<usize>() * size_of::<f32>();
                expected += labels.iter().map(Vec::len).sum::<usize>() * size_of::<LabelValue>();
            }
            assert_eq!(prepared_bytes([("scan", &scan.image.geometry)], &spec).unwrap(), expected);
        }
    }
}
