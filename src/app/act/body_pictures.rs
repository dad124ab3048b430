//! Pictures of the 3-D tile in files, drawn beside the window's work.

use std::path::PathBuf;

use super::saving;
use crate::app::state::body_pictures::{
    BodyShown, PicturesForm, PicturesKind, PicturesRequest, ShownSlice, ShownThrough,
};
use crate::app::state::camera::Camera;
use crate::app::state::paths::Purpose;
use crate::app::state::rendering::Rendering;
use crate::app::state::studio::Studio;
use crate::app::state::tiles::TileContent;
use crate::jobs::{BodyFiles, DrawPicture, Job, MeshLabelsJob, SaveBodyJob};
use crate::session::ScanId;
use crate::volume::{Plane, PlaneLayout};

/// Why no picture can be drawn now.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    if studio.volume().is_none() {
        return Some("Open a scan first");
    }
    if !studio.shows(TileContent::Body) {
        return Some("Show the 3-D tile first");
    }
    if studio.body.pictures.artist.is_none() {
        return Some("There is no graphics device to draw with");
    }
    let is_surfaces = studio.body.form.rendering == Rendering::Surfaces;
    if is_surfaces && studio.body.surfaces.failed.is_some() {
        return Some("The surfaces could not be made");
    }
    if is_surfaces && (studio.tasks.find(MeshLabelsJob::KIND).is_some() || studio.body.surfaces.labels.is_none()) {
        return Some("The surfaces are still being made");
    }
    (!is_surfaces && through(studio).is_none()).then_some("The scan is still being prepared")
}

/// Opens the window that asks what is written.
pub fn open(studio: &mut Studio) {
    studio.body.pictures.form = Some(studio.body.pictures.last);
}

/// Does what that window asks for.
pub fn answer(studio: &mut Studio, request: PicturesRequest) {
    let pictures = &mut studio.body.pictures;
    match request {
        PicturesRequest::Close => pictures.last = pictures.form.take().unwrap_or_default(),
        PicturesRequest::Form(form) => pictures.form = Some(form),
        PicturesRequest::Save => {
            let Some(form) = pictures.form.take() else { return };
            pictures.last = form;
            if let Some(scan) = studio.shown {
                saving::ask(studio, Purpose::SaveBody(scan, form.kind));
            }
        }
    }
}

/// Draws what the tile shows now, and writes it to a file or a folder.
pub fn save(studio: &mut Studio, scan: ScanId, kind: PicturesKind, path: PathBuf) {
    if studio.shown != Some(scan) {
        return;
    }
    if let Some(lack) = lacks(studio) {
        studio.notices.info(lack);
        return;
    }
    let form = studio.body.pictures.last;
    let Some((shown, camera)) = shown(studio, &form).zip(studio.body_camera()) else { return };
    let Some(artist) = studio.body.pictures.artist.clone() else { return };
    let files = match kind {
        PicturesKind::One => BodyFiles::One(path.clone()),
        PicturesKind::Turn => BodyFiles::Turn {
            folder: path.clone(),
            stem: saving::stem_of(studio, scan),
            count: form.count,
            is_animated: form.is_animated,
        },
    };
    let mut draw = artist.begin(shown, form.size);
    let count = if kind == PicturesKind::Turn { form.count } else { 1 };
    let draw: DrawPicture = Box::new(move |n, watch| draw(&turned(camera, n, count), watch));
    let job = SaveBodyJob { files, size: form.size.map(|side| side as usize), draw };
    saving::save_other(studio, job, path);
}

/// A camera after `n` of `count` steps of a full turn; what is in front goes to the right.
fn turned(camera: Camera, n: usize, count: usize) -> Camera {
    camera.orbited([std::f64::consts::TAU * n as f64 / count.max(1) as f64, 0.0])
}

fn through(studio: &Studio) -> Option<ShownThrough> {
    let (scan, view, rendering) = (studio.shown?, studio.view()?, studio.body.form.rendering);
    let values = studio.body.values.of(scan, view.frame)?.clone();
    let table = rendering.table(values.range, view.window);
    Some(ShownThrough { values, table, is_maximum: rendering == Rendering::Maximum })
}

/// What the tile shows.
fn shown(studio: &Studio, form: &PicturesForm) -> Option<BodyShown> {
    let (volume, view, look) = (studio.volume()?, studio.view()?, studio.body_look()?);
    let is_surfaces = studio.body.form.rendering == Rendering::Surfaces;
    let slice = |plane: Plane| {
        let layout = PlaneLayout::new(&volume.geometry, plane);
        let slice = layout.screen(view.cursor)[2];
        let mut grey = Vec::new();
        layout.grey_slice(volume, view.frame, slice, view.window, &mut grey);
        if view.inverted {
            grey.iter_mut().for_each(|grey| *grey = !*grey);
        }
        ShownSlice { layout, plane, slice, grey }
    };
    let has_slices = studio.body.form.slices && is_surfaces;
    Some(BodyShown {
        geometry: volume.geometry.clone(),
        blocks: if is_surfaces { studio.body.surfaces.blocks.clone() } else { std::sync::Arc::default() },
        look,
        slices: if has_slices { Plane::ALL.map(slice).into() } else { Vec::new() },
        through: if is_surfaces { None } else { Some(through(studio)?) },
        ground: form.ground.colours().0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::camera::{Bounds, Side};

    #[test]
    fn a_turn_comes_round_and_its_quarters_are_the_sides() {
        let bounds = Bounds { middle: [1.0, 2.0, 3.0], radius: 9.0 };
        let front = Camera::from(Side::Anterior, bounds);
        for (n, side) in
            [(0, Side::Anterior), (1, Side::Right), (2, Side::Posterior), (3, Side::Left), (4, Side::Anterior)]
        {
            let (turned, expected) = (turned(front, n, 4), Camera::from(side, bounds));
            let is_near = |a: [f64; 3], b: [f64; 3]| (0..3).all(|axis| (a[axis] - b[axis]).abs() < 1e-9);
            assert!(is_near(turned.right, expected.right) && is_near(turned.up, expected.up), "{n}: {turned:?}");
        }
    }
}
