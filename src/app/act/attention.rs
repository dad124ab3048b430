//! Where the network looks, laid over the slice, for the cursor's position.

use std::sync::Arc;

use crate::app::state::attention::{Asked, AttentionForm, Heat};
use crate::app::state::picture::Picture;
use crate::app::state::studio::Studio;
use crate::jobs::{AttentionJob, Job};
use crate::model::{Model, SliceAxis};
use crate::pipeline::{AttentionView, has_attention};
use crate::volume::Plane;

/// Colour of what is weighed most, and its opacity.
const HOT: [u8; 3] = [255, 170, 0];
const OPACITY: f32 = 180.0;
/// Longest side of a picture; larger slices are thinned.
const MOST_PIXELS: usize = 4096;

fn plane_of(axis: SliceAxis) -> Plane {
    match axis {
        SliceAxis::Axial => Plane::Axial,
        SliceAxis::Coronal => Plane::Coronal,
        SliceAxis::Sagittal => Plane::Sagittal,
    }
}

/// Takes over changed choices.
pub fn set_form(studio: &mut Studio, form: AttentionForm) {
    studio.attending.form = form;
}

/// Whether the chosen model has blocks of attention; its graph is built once for that.
fn look_at_model(studio: &mut Studio) -> Option<(Arc<Model>, bool)> {
    let model = studio.models.model()?.clone();
    if let Some((of, has)) = &studio.attending.known
        && Arc::ptr_eq(of, &model)
    {
        return Some((model, *has));
    }
    let has = model.spec.graph().is_ok_and(|graph| has_attention(&graph));
    studio.attending.known = Some((model.clone(), has));
    Some((model, has))
}

/// Keeps the overlay at the cursor: a run for every new slice, a new picture for every new position.
pub fn follow(studio: &mut Studio) {
    let model = look_at_model(studio).filter(|(_, has)| *has && studio.attending.form.is_on).map(|(model, _)| model);
    let Some(model) = model else {
        if studio.attending.asked.take().is_some() {
            studio.tasks.stop(AttentionJob::KIND);
            forget(studio);
        }
        return;
    };
    let axis = studio.segment.axis.unwrap_or(studio.models.axis());
    let plane = plane_of(axis);
    let (Some(scan), Some(view), Some(slice)) = (studio.shown, studio.view(), studio.slice(plane)) else { return };
    let (frame, cursor) = (view.frame, view.cursor);
    let wanted = Asked { scan, frame, model: model.clone(), axis, slice };
    if studio.attending.asked.as_ref() == Some(&wanted) {
        paint(studio, plane);
        return;
    }
    // One run at a time: the next one starts when the last one has stopped.
    studio.tasks.stop(AttentionJob::KIND);
    if studio.tasks.find(AttentionJob::KIND).is_some() {
        return;
    }
    let Some(volume) = studio.volume().cloned() else { return };
    let job = AttentionJob { volume, frame, model, axis, voxel: cursor, device: studio.segment.device };
    studio.attending.asked = Some(wanted);
    forget(studio);
    studio.start(
        job,
        |_, ()| {},
        |studio, result| {
            if let Some(view) = studio.told(result) {
                found(studio, view);
            }
        },
    );
}

fn forget(studio: &mut Studio) {
    (studio.attending.view, studio.attending.shown, studio.attending.heat) = (None, None, None);
}

fn paint(studio: &mut Studio, plane: Plane) {
    let (Some(scan), Some(cursor), Some(layout)) =
        (studio.shown, studio.view().map(|view| view.cursor), studio.layout(plane))
    else {
        return;
    };
    let Some(view) = &studio.attending.view else { return };
    let block = studio.attending.form.block.min(view.blocks.len().saturating_sub(1));
    if studio.attending.shown == Some((block, cursor)) {
        return;
    }
    let [columns, rows, _] = layout.size;
    // A device has a largest texture.
    let step = columns.max(rows).div_ceil(MOST_PIXELS).max(1);
    let size = [columns.div_ceil(step), rows.div_ceil(step)];
    let mut rgba = vec![0; size[0] * size[1] * 4];
    let mut any = false;
    view.each_weight(block, cursor, |voxel, weight| {
        let [column, row, _] = layout.screen(voxel);
        let at = (row / step * size[0] + column / step) * 4;
        rgba[at..at + 4].copy_from_slice(&[HOT[0], HOT[1], HOT[2], (OPACITY * weight) as u8]);
        any = true;
    });
    let slice = layout.screen(cursor)[2];
    let picture = Picture { size, rgba: Arc::new(rgba) };
    studio.attending.shown = Some((block, cursor));
    studio.attending.heat = any.then_some(Heat { scan, plane, slice, picture });
}

/// Takes what a run has found, if it is still of the slice that is wanted.
fn found(studio: &mut Studio, view: Arc<AttentionView>) {
    let is_wanted = studio.attending.asked.as_ref().is_some_and(|asked| asked.axis == view.axis);
    let is_here = studio.view().is_some_and(|shown| view.slice_of(shown.cursor) == view.slice);
    if is_wanted && is_here {
        studio.attending.view = Some(view);
        studio.attending.shown = None;
    } else {
        studio.attending.asked = None;
    }
}
