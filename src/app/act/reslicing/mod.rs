//! The oblique and the curved tile: turning, moving, placing points, and keeping their pictures where the cursor and the path are.

mod pictures;

use std::sync::Arc;

use crate::app::act::tiles;
use crate::app::state::reslicing::{Angles, Directions, ObliqueForm, PathForm, ResliceRequest, ResliceTile};
use crate::app::state::studio::Studio;
use crate::volume::{MOST_PATH_POINTS, Plane, Vec3};
pub use pictures::{follow, picture_of};

impl Studio {
    /// How the oblique plane of the scan on screen lies.
    pub fn oblique(&self) -> ObliqueForm {
        self.shown.and_then(|scan| self.reslicing.planes.get(&scan)).copied().unwrap_or_default()
    }

    /// The path through the scan on screen.
    pub fn path(&self) -> PathForm {
        self.shown.and_then(|scan| self.reslicing.paths.get(&scan)).cloned().unwrap_or_default()
    }
}

/// Does what was asked for.
pub fn answer(studio: &mut Studio, request: ResliceRequest) {
    match request {
        ResliceRequest::Hover(tile) => studio.reslicing.hovered = tile,
        ResliceRequest::Plane(form) => set_plane(studio, |_| form),
        ResliceRequest::Lay(plane) => lay(studio, plane),
        ResliceRequest::Step(steps) => step(studio, steps),
        ResliceRequest::Cursor(place) => put_cursor(studio, place),
        ResliceRequest::Path(form) => set_path(studio, |_| form),
        ResliceRequest::Placing(is_on) => studio.reslicing.is_placing = is_on,
        ResliceRequest::Add(place) => {
            if studio.path().points.len() < MOST_PATH_POINTS {
                change_points(studio, |points| points.push(place));
            }
        }
        ResliceRequest::Move(n, place) => {
            change_points(studio, |points| points.get_mut(n).into_iter().for_each(|point| *point = place));
        }
        ResliceRequest::TakeBack => take_back(studio),
    }
}

fn set_plane(studio: &mut Studio, change: impl FnOnce(ObliqueForm) -> ObliqueForm) {
    let before = studio.oblique();
    if let Some(scan) = studio.shown {
        studio.reslicing.planes.insert(scan, change(before));
    }
}

fn set_path(studio: &mut Studio, change: impl FnOnce(PathForm) -> PathForm) {
    let before = studio.path();
    if let Some(scan) = studio.shown {
        studio.reslicing.paths.insert(scan, change(before));
    }
}

fn change_points(studio: &mut Studio, change: impl FnOnce(&mut Vec<Vec3>)) {
    set_path(studio, |mut form| {
        change(Arc::make_mut(&mut form.points));
        form
    });
}

/// Takes the last point of the path back.
pub fn take_back(studio: &mut Studio) {
    change_points(studio, |points| points.truncate(points.len().saturating_sub(1)));
}

/// Takes all points of the path away.
pub fn clear_path(studio: &mut Studio) {
    change_points(studio, Vec::clear);
}

/// Lays the oblique plane as slices lie.
pub fn lay(studio: &mut Studio, plane: Plane) {
    set_plane(studio, |form| ObliqueForm { directions: Directions::of(plane), ..form });
}

/// Tilts the oblique plane by degrees: forward or back, sideways, within the picture.
pub fn tilt(studio: &mut Studio, by: Angles) {
    set_plane(studio, |form| {
        // About what is seen: the picture's own axes.
        let now = form.directions;
        let tilted = now.turned(now.right, by.forward.to_radians());
        let tilted = tilted.turned(tilted.down, by.sideways.to_radians());
        let directions = tilted.turned(tilted.normal(), by.within.to_radians());
        ObliqueForm { directions, ..form }
    });
}

/// Moves the oblique plane along its normal, by the scan's finest spacing a step; the cursor goes with it and stays in the scan.
pub fn step(studio: &mut Studio, steps: i64) {
    let Some((volume, view)) = studio.volume().zip(studio.view()) else { return };
    let form = studio.oblique();
    let mm = steps as f64 * volume.geometry.finest_mm();
    let (from, along) = (form.through(&volume.geometry, view.cursor), form.directions.forward());
    let to = [0, 1, 2].map(|n| from[n] + along[n] * mm);
    let at = volume.geometry.voxel_from_world().point(to);
    let shape = volume.geometry.shape();
    if (0..3).all(|axis| at[axis] >= -0.5 && at[axis] < shape[axis] as f64 - 0.5) {
        put_cursor(studio, to);
    }
}

/// Moves the cursor to the voxel of a place, and the oblique plane to the place itself; nothing where it lies outside of the scan.
pub fn put_cursor(studio: &mut Studio, place: Vec3) {
    let Some(voxel) = studio.volume().and_then(|volume| volume.geometry.voxel_at(place)) else { return };
    if let Some(view) = studio.view_mut() {
        (view.cursor, view.came) = (voxel, None);
    }
    set_plane(studio, |form| ObliqueForm { place: Some((voxel, place)), ..form });
}

/// Shows the curved tile, and lets clicks in the views add points to the path.
pub fn show_curved(studio: &mut Studio) {
    tiles::show(studio, ResliceTile::Curved.content());
    studio.reslicing.is_placing = studio.shows(ResliceTile::Curved.content()) && studio.path().points.is_empty();
}
