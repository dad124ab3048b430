//! The 3-D tile: making surfaces while it is on screen, turning the body, picking voxels of it.

use crate::app::act::tiles;
use crate::app::state::body::{BodyLook, BodyRequest, Cut, MOST_BYTES, Surfaces};
use crate::app::state::camera::{Bounds, Camera, Side};
use crate::app::state::clip_box::ClipBox;
use crate::app::state::rendering::Rendering;
use crate::app::state::studio::Studio;
use crate::app::state::tiles::TileContent;
use crate::jobs::{Job, MeshLabelsJob, MeshedBlock, ShrinkVolumeJob};
use crate::shape::first_along;
use crate::volume::{Label, Plane, PlaneLayout, Region, Vec3};

impl Studio {
    /// From where the body of the scan on screen is looked at.
    pub fn body_camera(&self) -> Option<Camera> {
        let (scan, volume) = (self.shown?, self.volume()?);
        let known = self.body.cameras.get(&scan).copied();
        known.or_else(|| Some(Camera::from(Side::Anterior, Bounds::whole(&volume.geometry))))
    }

    /// The clipping box of the scan on screen, where it has had one.
    pub fn clip_box(&self) -> Option<ClipBox> {
        self.body.boxes.get(&self.shown?).copied()
    }

    /// What is seen of the labels, besides their surfaces.
    pub fn body_look(&self) -> Option<BodyLook> {
        let table = self.shown_table()?;
        let mut colours: Vec<_> = table.0.iter().filter(|label| label.visible && self.display.labels).collect();
        colours.sort_by_key(|label| label.value);
        let look = |label: &Label| {
            let [r, g, b] = label.colour;
            [r, g, b, (self.settings.opacity_in_body(&label.name) * 255.0).round() as u8]
        };
        let colours = colours.into_iter().map(|label| (label.value, look(label))).collect();
        Some(BodyLook { colours, kept: kept(self)? })
    }
}

/// The voxels that the slices through the cursor and the clipping box leave.
fn kept(studio: &Studio) -> Option<Region> {
    let (volume, view) = (studio.volume()?, studio.view()?);
    let mut kept = Region::whole(volume.geometry.shape());
    for plane in Plane::ALL {
        let Some(cut) = studio.body.form.cuts[plane as usize] else { continue };
        let layout = PlaneLayout::new(&volume.geometry, plane);
        let axis = layout.axes[2];
        let is_positive = volume.geometry.orientation().positive[axis];
        // What lies towards the cut's end of the patient goes, the slice itself stays.
        if (cut == Cut::Positive) == is_positive {
            kept.end[axis] = view.cursor[axis] + 1;
        } else {
            kept.start[axis] = view.cursor[axis];
        }
    }
    Some(studio.clip_box().map_or(kept, |clip| clip.part_of(kept)))
}

/// How many times as large as at first what is painted has to be until the picture is fitted to it again.
const GROWN: f64 = 1.25;
/// The opacity of a label that is made translucent by a command.
const TRANSLUCENT: f32 = 0.35;

/// Does what was asked for.
pub fn answer(studio: &mut Studio, request: BodyRequest) {
    match request {
        BodyRequest::Camera(camera) => set_camera(studio, camera),
        BodyRequest::Hover(is_hovered) => studio.body.is_hovered = is_hovered,
        BodyRequest::Pick { from, direction } => pick(studio, from, direction),
        BodyRequest::Form(form) => studio.body.form = form,
        BodyRequest::Clip(clip) => set_box(studio, |_| clip),
        BodyRequest::Lasso(step) => super::body_scissors::lasso(studio, step),
        BodyRequest::Pictures(request) => super::body_pictures::answer(studio, request),
    }
}

fn set_camera(studio: &mut Studio, camera: Camera) {
    if let Some(scan) = studio.shown {
        studio.body.cameras.insert(scan, camera);
    }
}

/// Around what is seen: the labels, or the scan where there are none.
fn bounds(studio: &Studio) -> Option<Bounds> {
    Some(studio.body.surfaces.bounds(&studio.volume()?.geometry))
}

/// Looks from a side at all of the body.
pub fn look_from(studio: &mut Studio, side: Side) {
    if let Some(bounds) = bounds(studio) {
        set_camera(studio, Camera::from(side, bounds));
    }
}

/// Shows all of the body from where it is looked at.
pub fn fit(studio: &mut Studio) {
    if let (Some(camera), Some(bounds)) = (studio.body_camera(), bounds(studio)) {
        set_camera(studio, camera.fitted(bounds));
    }
}

/// Takes away what the slices of a plane cut off: the positive side, then the negative one, then nothing.
pub fn turn_cut(studio: &mut Studio, plane: Plane) {
    let cut = &mut studio.body.form.cuts[plane as usize];
    *cut = match cut {
        None => Some(Cut::Positive),
        Some(Cut::Positive) => Some(Cut::Negative),
        Some(Cut::Negative) => None,
    };
}

fn set_box(studio: &mut Studio, change: impl FnOnce(ClipBox) -> ClipBox) {
    let Some((scan, volume)) = studio.shown.zip(studio.volume()) else { return };
    let whole = ClipBox::whole(volume.geometry.shape());
    let before = studio.clip_box().unwrap_or(ClipBox { is_on: false, ..whole });
    studio.body.boxes.insert(scan, change(before));
}

/// Turns the clipping box on, as it was last, or off.
pub fn toggle_box(studio: &mut Studio) {
    set_box(studio, |clip| ClipBox { is_on: !clip.is_on, ..clip });
}

/// Makes the active label translucent in the 3-D tile, or opaque again.
pub fn see_through(studio: &mut Studio) {
    let label =
        studio.label_view().map(|view| view.active).and_then(|active| studio.segmentation()?.table().get(active));
    let Some(name) = label.map(|label| label.name.clone()) else { return };
    let is_opaque = studio.settings.opacity_in_body(&name) >= 1.0;
    studio.settings.set_opacity_in_body(name, if is_opaque { TRANSLUCENT } else { 1.0 });
}

/// Makes the clipping box as large as the scan.
pub fn reset_box(studio: &mut Studio) {
    let Some(shape) = studio.volume().map(|volume| volume.geometry.shape()) else { return };
    set_box(studio, |clip| ClipBox { is_on: clip.is_on, ..ClipBox::whole(shape) });
}

/// Shows what is known about the scan in the last tile; the body there again.
pub fn show_facts(studio: &mut Studio) {
    let was_shown = studio.shows(TileContent::Facts);
    studio.display.maximised = None;
    if was_shown {
        let tiles = &mut studio.settings.tiles;
        let place = tiles.iter().position(|tile| *tile == TileContent::Facts);
        if let Some(place) = place.filter(|_| !tiles.contains(&TileContent::Body)) {
            tiles[place] = TileContent::Body;
        }
        return;
    }
    tiles::bring(studio, TileContent::Facts);
}

/// Moves the cursor to the first voxel along a ray that is seen, and chooses its label.
fn pick(studio: &mut Studio, from: Vec3, direction: Vec3) {
    if studio.body.form.rendering != Rendering::Surfaces {
        pick_value(studio, from, direction);
        return;
    }
    let Some((look, (labels, _))) = studio.body_look().zip(studio.shown_labels()) else { return };
    let voxel_from_world = labels.geometry().voxel_from_world();
    let (from, direction) = (voxel_from_world.point(from), voxel_from_world.direction(direction));
    let is_seen = |label| look.colours.binary_search_by_key(&label, |(value, _)| *value).is_ok();
    let found = first_along(look.kept, from, direction, |voxel| is_seen(labels.get(voxel)));
    let Some((voxel, label)) = found.map(|voxel| (voxel, labels.get(voxel))) else { return };
    let is_listed = studio.segmentation().is_some_and(|own| own.table().get(label).is_some());
    if let Some(view) = studio.view_mut() {
        (view.cursor, view.came) = (voxel, None);
    }
    if let Some(view) = studio.label_view_mut().filter(|_| is_listed) {
        view.active = label;
    }
}

/// An opacity along a millimetre, of 255, from which on a value is taken for a surface.
const SOLID: u8 = 40;

/// Moves the cursor to what is seen of the values along a ray: the largest one, or the first that is nearly solid.
fn pick_value(studio: &mut Studio, from: Vec3, direction: Vec3) {
    let (Some(volume), Some(view), Some(kept)) = (studio.volume().cloned(), studio.view(), kept(studio)) else {
        return;
    };
    let rendering = studio.body.form.rendering;
    let Some(values) = studio.shown.and_then(|scan| studio.body.values.of(scan, view.frame)) else { return };
    let (range, table) = (values.range, rendering.table(values.range, view.window));
    let voxel_from_world = volume.geometry.voxel_from_world();
    let (from, direction) = (voxel_from_world.point(from), voxel_from_world.direction(direction));
    let mut most: Option<(f64, [usize; 3])> = None;
    let found = first_along(kept, from, direction, |voxel| {
        let value = volume.value(voxel, view.frame);
        if rendering == Rendering::Maximum {
            if most.is_none_or(|(largest, _)| value > largest) {
                most = Some((value, voxel));
            }
            return false;
        }
        let share = ((value - range[0]) / (range[1] - range[0])).clamp(0.0, 1.0);
        table.get((share * 255.0) as usize).is_some_and(|look| look[3] >= SOLID)
    });
    if let (Some(voxel), Some(view)) = (found.or(most.map(|(_, voxel)| voxel)), studio.view_mut()) {
        (view.cursor, view.came) = (voxel, None);
    }
}

/// Makes the values of the scan on screen ready, one job at a time.
fn follow_values(studio: &mut Studio) {
    if studio.tasks.find(ShrinkVolumeJob::KIND).is_some() {
        return;
    }
    let (Some(scan), Some(volume)) = (studio.shown, studio.volume().cloned()) else { return };
    let Some(frame) = studio.view().map(|view| view.frame) else { return };
    if studio.body.values.of(scan, frame).is_some() || studio.body.values.failed == Some((scan, frame)) {
        return;
    }
    studio.start(
        ShrinkVolumeJob { volume, frame },
        |_, ()| {},
        move |studio, result| match studio.told(result) {
            Some(values) => studio.body.values.ready = Some(((scan, frame), values)),
            None => studio.body.values.failed = Some((scan, frame)),
        },
    );
}

/// Makes surfaces of what has changed while the tile is on screen, one job at a time.
pub fn follow(studio: &mut Studio) {
    if !studio.shows(TileContent::Body) {
        studio.body.is_hovered = false;
        studio.body.lasso.clear();
        return;
    }
    if !super::body_scissors::are_in_hand(studio) {
        studio.body.lasso.clear();
    }
    if studio.body.form.rendering != Rendering::Surfaces {
        follow_values(studio);
        return;
    }
    let Some(labels) = studio.shown_labels().map(|(labels, _)| labels.clone()) else { return };
    let surfaces = &mut studio.body.surfaces;
    let is_other = |other: &crate::volume::LabelMap| other.geometry() != labels.geometry();
    if surfaces.labels.as_ref().is_some_and(is_other) {
        surfaces.begin_anew(1);
        studio.tasks.stop(MeshLabelsJob::KIND);
    }
    let is_painting = studio.hand.tool.labels().is_some();
    if studio.tasks.find(MeshLabelsJob::KIND).is_some() || (is_painting && studio.body.waits_for_strokes) {
        return;
    }
    let Surfaces { labels: before, failed, step, beginning, .. } = &mut studio.body.surfaces;
    let is_same = |other: &crate::volume::LabelMap| labels.is_same_snapshot(other);
    if before.as_ref().is_some_and(is_same) || failed.as_ref().is_some_and(is_same) {
        return;
    }
    if before.is_none() && labels.voxel_counts().is_empty() {
        // Of nothing there is nothing to make; what is drawn later changes single blocks.
        *before = Some(labels);
        return;
    }
    let job = MeshLabelsJob { labels: labels.clone(), before: before.replace(labels.clone()), step: *step };
    let beginning = *beginning;
    studio.start(
        job,
        move |studio, made| take(studio, made, beginning),
        move |studio, result| {
            let is_made = studio.told(result).is_some();
            if studio.body.surfaces.beginning != beginning {
                return;
            }
            if is_made {
                first_look(studio);
            } else {
                studio.body.surfaces.begin_anew(1);
                studio.body.surfaces.failed = Some(labels);
            }
        },
    );
}

fn take(studio: &mut Studio, made: Vec<MeshedBlock>, beginning: u64) {
    let surfaces = &mut studio.body.surfaces;
    if surfaces.beginning == beginning && !surfaces.take(made, MOST_BYTES) {
        let coarser = 2 * surfaces.step;
        surfaces.begin_anew(coarser);
        studio.tasks.stop(MeshLabelsJob::KIND);
    }
}

/// The surfaces of a scan are shown whole, also when they grow far out of the picture, until the user looks from somewhere.
fn first_look(studio: &mut Studio) {
    let (Some(scan), Some(bounds)) = (studio.shown, bounds(studio)) else { return };
    let camera = studio.body.cameras.get(&scan).copied();
    let is_seen = match studio.body.shown_whole.get(&scan) {
        None => camera.is_some(),
        Some((own, seen)) => camera.is_some_and(|camera| camera != *own) || seen.times_to_hold(&bounds) < GROWN,
    };
    if !is_seen && !studio.body.surfaces.blocks.is_empty() {
        fit(studio);
        if let Some(camera) = studio.body_camera() {
            studio.body.shown_whole.insert(scan, (camera, bounds));
        }
    }
}
