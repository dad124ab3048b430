//! The main job: a volume and a model give a label map.

use std::time::Instant;

use super::blend::flips;
use super::fused::segment_fused;
use super::news::{SegmentError, SegmentEvent, SegmentSeconds, VoxelVisitor};
use super::prepare::{Normaliser, Preparation};
use super::runner::Runner;
use super::suitability::cut_axes;
use crate::engine::Network;
use crate::model::{ModelSpec, SliceAxis};
use crate::shape::keep_largest;
use crate::volume::{LabelMap, Volume};
use crate::work::Watch;

/// Choices of the user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SegmentOptions {
    /// Slice axis instead of the model's own.
    pub axis: Option<SliceAxis>,
    /// Average over mirrored images, where the model allows it; some models always do.
    pub mirror: bool,
    /// Keep only the largest connected part of every label.
    pub keep_largest: bool,
    /// Frame of a 4-D volume (single-channel models).
    pub frame: usize,
    /// The voxel in view: slices, or blocks where axes are fused, are segmented from it outwards. The labels are the same.
    pub from_voxel: Option<[usize; 3]>,
    /// Keep maps in 32 bits on a GPU too ([`Network::set_half_precision`]).
    pub full_precision: bool,
}

/// Runs a model over all slices of a volume. Labels lie on the volume's own grid.
///
/// # Errors
/// When the image does not suit the model, the network fails, or the work is stopped.
pub fn segment(
    volume: &Volume,
    spec: &ModelSpec,
    network: &mut Network,
    options: &SegmentOptions,
    watch: Watch,
    on_event: &mut dyn FnMut(SegmentEvent),
) -> Result<LabelMap, SegmentError> {
    segment_and_visit(volume, spec, network, options, watch, on_event, None)
}

/// The same, and `visit` sees the probabilities, which are not kept.
///
/// # Errors
/// As of [`segment`].
pub fn segment_and_visit(
    volume: &Volume,
    spec: &ModelSpec,
    network: &mut Network,
    options: &SegmentOptions,
    watch: Watch,
    on_event: &mut dyn FnMut(SegmentEvent),
    mut visit: Option<VoxelVisitor>,
) -> Result<LabelMap, SegmentError> {
    let frames = frames_of(volume, spec, options)?;
    let mirror = options.mirror || spec.average_mirrored;
    if mirror && !spec.mirror {
        return Err(SegmentError::Image(format!(
            "the model {} tells left from right and must not be mirrored",
            spec.id
        )));
    }
    network.forget_started();
    if options.full_precision {
        network.set_half_precision(false);
    }
    watch.at(0.0)?;
    let started = Instant::now();
    let mut normalisers = Vec::new();
    for (channel, &frame) in frames.iter().enumerate() {
        let kind = spec.normalisation_of(channel);
        normalisers.push(Normaliser::new(kind, volume, frame, watch)?);
    }
    let normalising = started.elapsed().as_secs_f64();
    let axes = cut_axes(spec, options.axis, &volume.geometry);
    if axes.len() > 1 {
        let inputs = (&frames[..], &normalisers[..]);
        let (mut labels, mut seconds) =
            segment_fused(volume, spec, network, inputs, mirror, options.from_voxel, watch, on_event, visit)?;
        seconds.prepare += normalising;
        finish(&mut labels, options, watch, &mut seconds)?;
        on_event(SegmentEvent::Took(seconds));
        return Ok(labels);
    }
    let axis = axes.first().copied().unwrap_or(spec.slice_axis);
    let preparation = Preparation::new(spec, axis, &volume.geometry).map_err(SegmentError::Image)?;
    let mut runner =
        Runner::new(volume, spec, preparation, frames, normalisers, network.graph(), flips(spec, axis, mirror))?;
    runner.seconds.prepare += normalising;
    let (mut done, count) = (0, runner.slice_count());
    let mut labels = LabelMap::empty(volume.geometry.clone());
    let groups = runner.groups(options.from_voxel);
    for (n, group) in groups.iter().enumerate() {
        done += group.len();
        let next = groups.get(n + 1).cloned().unwrap_or_default();
        runner.each_slice(network, [group.clone(), next], watch, |runner, slice, maps| {
            let restorer = runner.restorer();
            restorer.write_labels(slice, maps, &mut labels);
            if let Some(visit) = &mut visit {
                restorer.visit_voxels(slice, maps, *visit);
            }
        })?;
        network.take_notices().into_iter().for_each(|notice| on_event(SegmentEvent::Notice(notice)));
        on_event(SegmentEvent::Slices { done, count, labels: labels.clone() });
    }
    finish(&mut labels, options, watch, &mut runner.seconds)?;
    on_event(SegmentEvent::Took(runner.seconds));
    Ok(labels)
}

/// What is done to labels as a whole.
fn finish(
    labels: &mut LabelMap,
    options: &SegmentOptions,
    watch: Watch,
    seconds: &mut SegmentSeconds,
) -> Result<(), SegmentError> {
    let started = Instant::now();
    if options.keep_largest {
        keep_largest(labels, watch)?;
    }
    labels.compact();
    seconds.labels += started.elapsed().as_secs_f64();
    Ok(())
}

/// Frames that are the model's image channels.
fn frames_of(volume: &Volume, spec: &ModelSpec, options: &SegmentOptions) -> Result<Vec<usize>, SegmentError> {
    let present = volume.frame_count();
    if spec.image_channels == 1 {
        if options.frame < present {
            return Ok(vec![options.frame]);
        }
        return Err(SegmentError::Image(format!(
            "there is no frame {}; the image {} has {present}",
            options.frame, volume.name
        )));
    }
    if present != spec.image_channels {
        return Err(SegmentError::Image(format!(
            "the model {} needs {} channels, the image {} has {present}",
            spec.id, spec.image_channels, volume.name
        )));
    }
    Ok((0..present).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DeviceChoice;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use crate::work::{Share, Signal};
    use std::sync::Mutex;

    const SHAPE: [usize; 3] = [24, 28, 90];

    fn volume() -> Volume {
        let count: usize = SHAPE.iter().product();
        let values: Vec<f32> = (0..count).map(|n| ((n * 7919) % 1013) as f32 + (n / 5000) as f32 * 90.0).collect();
        let geometry = Geometry::new(SHAPE, Affine::IDENTITY).unwrap();
        Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, "noise".into())
    }

    /// Probabilities of every voxel as bits, the voxel that came first, and the shares that were told.
    fn segmented(options: &SegmentOptions) -> (Vec<u32>, [usize; 3], Vec<f32>) {
        let (model, volume) = (crate::model::find("hippocampus").unwrap(), volume());
        let mut network = model.network(DeviceChoice::Cpu).unwrap();
        let classes = model.spec.classes.len();
        let mut bits = vec![0; classes * SHAPE.iter().product::<usize>()];
        let mut first = None;
        let mut visit = |voxel: [usize; 3], p: &[f32]| {
            first.get_or_insert(voxel);
            let at = (voxel[2] * SHAPE[1] + voxel[1]) * SHAPE[0] + voxel[0];
            bits[at * classes..][..classes].iter_mut().zip(p).for_each(|(bits, p)| *bits = p.to_bits());
        };
        let (signal, told) = (Signal::default(), Mutex::new(Vec::new()));
        let report = |share: Share| told.lock().unwrap().push(share.fraction);
        let watch = Watch::new(&signal).reporting(&report);
        let events: &mut dyn FnMut(SegmentEvent) = &mut |_| {};
        segment_and_visit(&volume, &model.spec, &mut network, options, watch, events, Some(&mut visit)).unwrap();
        (bits, first.unwrap(), told.into_inner().unwrap())
    }

    #[test]
    fn slices_come_from_the_voxel_in_view_outwards_and_are_the_same() {
        let axial = SegmentOptions { axis: Some(SliceAxis::Axial), ..SegmentOptions::default() };
        let (bits, first, _) = segmented(&axial);
        assert_eq!(first[2], 0);
        let in_view = SegmentOptions { from_voxel: Some([3, 4, 50]), ..axial };
        let (same, first, _) = segmented(&in_view);
        assert!(first[2].abs_diff(50) <= 16, "{first:?}");
        assert!(bits == same);
    }

    #[test]
    fn progress_grows_with_every_batch_of_every_axis() {
        for axis in [Some(SliceAxis::Coronal), None] {
            let (_, _, shares) = segmented(&SegmentOptions { axis, ..SegmentOptions::default() });
            let steps = shares.windows(2).map(|pair| pair[1] - pair[0]);
            let largest = steps.clone().fold(0.0, f32::max);
            assert!(steps.clone().all(|step| step >= 0.0), "{axis:?} {shares:?}");
            assert!(largest < if axis.is_some() { 0.6 } else { 0.25 }, "{axis:?} {shares:?}");
            assert_eq!(shares[0], 0.0);
            assert!((shares[shares.len() - 1] - 1.0).abs() < 1e-4, "{axis:?} {shares:?}");
        }
    }
}
