//! What the window does about attention: where the network looks, laid over the slice, for the cursor's position.

use std::sync::Arc;

use super::app::App;
use super::egui;
use super::viewer::Heat;
use crate::gui::old_jobs::{AttentionJob, AttentionView, Job, has_attention};
use crate::model::{Model, SliceAxis};
use crate::volume::Plane;

/// Title of the job.
pub const LOOKING: &str = "Looking at attention";

/// Colour of what is weighed most, and its opacity.
const HOT: [u8; 3] = [255, 170, 0];
const OPACITY: f32 = 180.0;
/// Longest side of a picture; larger slices are thinned.
const MOST_PIXELS: usize = 4096;

/// The card's state.
#[derive(Default)]
pub struct Attending {
    /// Whether it is shown.
    pub on: bool,
    /// Which block.
    pub block: usize,
    /// What the blocks of the shown slice weigh.
    pub view: Option<Arc<AttentionView>>,
    /// The model that was looked at last, and whether it has attention.
    known: Option<(Arc<Model>, bool)>,
    /// Image, model, axis and slice that the view was asked for.
    asked: Option<Asked>,
    /// Block and voxel that the overlay was made for.
    shown: Option<(usize, [usize; 3])>,
}

/// What a run looks at.
struct Asked {
    image: u64,
    frame: usize,
    model: Arc<Model>,
    axis: SliceAxis,
    slice: usize,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.model, &other.model)
            && (self.image, self.frame, self.axis, self.slice) == (other.image, other.frame, other.axis, other.slice)
    }
}

fn plane_of(axis: SliceAxis) -> Plane {
    match axis {
        SliceAxis::Axial => Plane::Axial,
        SliceAxis::Coronal => Plane::Coronal,
        SliceAxis::Sagittal => Plane::Sagittal,
    }
}

impl App {
    /// Whether the chosen model has blocks of attention.
    pub(super) fn model_has_attention(&mut self) -> bool {
        let Some((_, model)) = &self.model else { return false };
        if let Some((of, has)) = &self.attending.known
            && Arc::ptr_eq(of, model)
        {
            return *has;
        }
        let has = model.spec.graph().is_ok_and(|graph| has_attention(&graph));
        self.attending.known = Some((model.clone(), has));
        has
    }

    /// Keeps the overlay at the cursor: a run for every new slice, a new picture for every new position.
    pub(super) fn follow_attention(&mut self, context: &egui::Context) {
        if !self.attending.on || !self.model_has_attention() {
            if self.attending.asked.take().is_some() {
                self.tasks.cancel(LOOKING);
                self.attending.view = None;
                self.attending.shown = None;
                self.viewer.iter_mut().for_each(|viewer| viewer.heat = None);
            }
            return;
        }
        let axis = self.axis.unwrap_or(self.model_axis());
        let (Some((_, model)), Some(viewer)) = (&self.model, &self.viewer) else { return };
        let model: Arc<Model> = model.clone();
        let plane = plane_of(axis);
        let wanted =
            Asked { image: self.images, frame: viewer.frame, model: model.clone(), axis, slice: viewer.slice(plane) };
        if self.attending.asked.as_ref() != Some(&wanted) {
            // One run at a time: the next one starts when the last one has stopped.
            self.tasks.cancel(LOOKING);
            if self.tasks.find(LOOKING).is_some() {
                return;
            }
            let job = AttentionJob {
                volume: viewer.volume().clone(),
                frame: viewer.frame,
                model,
                axis,
                voxel: viewer.cursor,
                device: self.device_choice,
            };
            self.attending.asked = Some(wanted);
            self.attending.view = None;
            self.attending.shown = None;
            let snapshot = self.snapshot();
            self.viewer.iter_mut().for_each(|viewer| viewer.heat = None);
            self.tasks.start(LOOKING, Job::LookAtAttention(Box::new(job)), snapshot, context);
            return;
        }
        self.paint_attention(plane, context);
    }

    fn paint_attention(&mut self, plane: Plane, context: &egui::Context) {
        let (Some(view), Some(viewer)) = (&self.attending.view, &mut self.viewer) else { return };
        let block = self.attending.block.min(view.blocks.len().saturating_sub(1));
        if self.attending.shown == Some((block, viewer.cursor)) {
            return;
        }
        self.attending.shown = Some((block, viewer.cursor));
        let layout = viewer.layout(plane);
        let [columns, rows, _] = layout.size;
        // A device has a largest texture.
        let step = columns.max(rows).div_ceil(MOST_PIXELS).max(1);
        let size = [columns.div_ceil(step), rows.div_ceil(step)];
        let mut pixels = vec![egui::Color32::TRANSPARENT; size[0] * size[1]];
        let mut any = false;
        view.each_weight(block, viewer.cursor, |voxel, weight| {
            let [column, row, _] = layout.screen(voxel);
            let [r, g, b] = HOT;
            pixels[row / step * size[0] + column / step] =
                egui::Color32::from_rgba_unmultiplied(r, g, b, (OPACITY * weight) as u8);
            any = true;
        });
        let picture = egui::ColorImage::new(size, pixels);
        let slice = viewer.slice(plane);
        viewer.heat = any.then(|| Heat {
            plane,
            slice,
            texture: context.load_texture("attention", picture, egui::TextureOptions::NEAREST),
        });
    }

    /// Takes what a run has found, if it is still of the slice that is wanted.
    pub(super) fn attention_found(&mut self, view: Arc<AttentionView>) {
        let wanted = self.attending.asked.as_ref().is_some_and(|asked| asked.axis == view.axis);
        let here = self.viewer.as_ref().is_some_and(|viewer| view.slice_of(viewer.cursor) == view.slice);
        if wanted && here {
            self.attending.view = Some(view);
            self.attending.shown = None;
        } else {
            self.attending.asked = None;
        }
    }

    /// Whether an overlay of attention is on screen.
    pub fn shows_attention(&self) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.heat.is_some())
    }
}
