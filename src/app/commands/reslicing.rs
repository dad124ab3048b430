//! The oblique and the curved tile.

use super::{CommandEntry, Group, no_scan};
use crate::app::act::{reslicing, tiles};
use crate::app::state::paths::Purpose;
use crate::app::state::reslicing::{Angles, ResliceTile};
use crate::app::state::studio::Studio;
use crate::volume::Plane;

/// Degrees that a key tilts.
const TILT: f64 = 5.0;

fn no_oblique(studio: &Studio) -> Option<&'static str> {
    let is_shown = studio.shows(ResliceTile::Oblique.content());
    no_scan(studio).or_else(|| (!is_shown).then_some("Show the oblique tile first"))
}

fn no_curved(studio: &Studio) -> Option<&'static str> {
    let is_shown = studio.shows(ResliceTile::Curved.content());
    no_scan(studio).or_else(|| (!is_shown).then_some("Show the curved tile first"))
}

fn no_straightened(studio: &Studio) -> Option<&'static str> {
    let points = studio.path().points.len();
    no_curved(studio).or_else(|| (points < 2).then_some("Place two points of the path first"))
}

fn tilt(studio: &mut Studio, forward: f64, sideways: f64, within: f64) {
    reslicing::tilt(studio, Angles { forward, sideways, within });
}

fn save(studio: &mut Studio, tile: ResliceTile) {
    if let Some(scan) = studio.shown {
        crate::app::act::saving::ask(studio, Purpose::SaveReslice(scan, tile));
    }
}

const fn oblique(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::View, deed).unless(no_oblique)
}

const fn curved(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::View, deed).unless(no_curved)
}

/// In the order of the palette.
pub const RESLICING: &[CommandEntry] = &[
    CommandEntry::new("view.oblique", "Oblique tile", Group::View, |studio| {
        tiles::show(studio, ResliceTile::Oblique.content());
    })
    .hint("Show the scan along a plane in any direction beside the slices, then alone, then beside them again")
    .keys(&["Ctrl+6"])
    .unless(no_scan)
    .in_menu(),
    oblique("view.oblique-axial", "Oblique: as axial", |studio| reslicing::lay(studio, Plane::Axial)),
    oblique("view.oblique-coronal", "Oblique: as coronal", |studio| reslicing::lay(studio, Plane::Coronal)),
    oblique("view.oblique-sagittal", "Oblique: as sagittal", |studio| reslicing::lay(studio, Plane::Sagittal)),
    oblique("view.oblique-tilt-up", "Oblique: tilt up", |studio| tilt(studio, TILT, 0.0, 0.0))
        .hint("Tilt the plane by 5 degrees: its upper edge comes nearer")
        .keys(&["Alt+Shift+Up"])
        .repeating(),
    oblique("view.oblique-tilt-down", "Oblique: tilt down", |studio| tilt(studio, -TILT, 0.0, 0.0))
        .hint("Tilt the plane by 5 degrees: its lower edge comes nearer")
        .keys(&["Alt+Shift+Down"])
        .repeating(),
    oblique("view.oblique-tilt-left", "Oblique: tilt left", |studio| tilt(studio, 0.0, TILT, 0.0))
        .hint("Tilt the plane by 5 degrees: its right edge comes nearer")
        .keys(&["Alt+Shift+Left"])
        .repeating(),
    oblique("view.oblique-tilt-right", "Oblique: tilt right", |studio| tilt(studio, 0.0, -TILT, 0.0))
        .hint("Tilt the plane by 5 degrees: its left edge comes nearer")
        .keys(&["Alt+Shift+Right"])
        .repeating(),
    oblique("view.oblique-turn-left", "Oblique: turn left", |studio| tilt(studio, 0.0, 0.0, TILT))
        .hint("Turn the picture within its plane by 5 degrees, against the clock")
        .repeating(),
    oblique("view.oblique-turn-right", "Oblique: turn right", |studio| tilt(studio, 0.0, 0.0, -TILT))
        .hint("Turn the picture within its plane by 5 degrees, with the clock")
        .repeating(),
    oblique("view.oblique-next", "Oblique: forward", |studio| reslicing::step(studio, 1))
        .hint("Move the plane along its normal")
        .repeating(),
    oblique("view.oblique-previous", "Oblique: back", |studio| reslicing::step(studio, -1))
        .hint("Move the plane back along its normal")
        .repeating(),
    oblique("file.picture-oblique", "Oblique: save the picture...", |studio| save(studio, ResliceTile::Oblique))
        .hint("Write the oblique tile's picture with its labels as PNG"),
    CommandEntry::new("view.curved", "Curved tile", Group::View, reslicing::show_curved)
        .hint("Straighten the scan along a path that you place in the views: shown beside the slices, then alone, then beside them again")
        .keys(&["Ctrl+7"])
        .unless(no_scan)
        .in_menu(),
    curved("view.path-place", "Curved: place points", |studio| {
        studio.reslicing.is_placing = !studio.reslicing.is_placing;
    })
    .hint("Clicks in the views add points to the path, until Esc"),
    curved("view.path-clear", "Curved: new path", |studio| {
        reslicing::clear_path(studio);
        studio.reslicing.is_placing = true;
    })
    .hint("Take all points of the path away and begin anew"),
    curved("file.picture-curved", "Curved: save the picture...", |studio| save(studio, ResliceTile::Curved))
        .hint("Write the curved tile's picture with its labels as PNG")
        .unless(no_straightened),
];
