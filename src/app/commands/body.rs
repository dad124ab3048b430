//! The 3-D tile.

use super::{CommandEntry, Group, no_scan};
use crate::app::act::{body, tiles};
use crate::app::state::camera::Side;
use crate::app::state::rendering::Rendering;
use crate::app::state::studio::Studio;
use crate::app::state::tiles::TileContent;
use crate::volume::Plane;

fn no_body(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| (!studio.shows(TileContent::Body)).then_some("Show the 3-D tile first"))
}

fn no_ct(studio: &Studio) -> Option<&'static str> {
    no_body(studio).or_else(|| (!studio.volume().is_some_and(|volume| volume.is_ct())).then_some("The scan is no CT"))
}

fn show(studio: &mut Studio, rendering: Rendering) {
    studio.body.form.rendering = rendering;
}

const fn view(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::View, deed).unless(no_body)
}

/// In the order of the palette.
pub const BODY: &[CommandEntry] = &[
    CommandEntry::new("view.body", "3-D tile", Group::View, |studio| tiles::show(studio, TileContent::Body))
        .hint("Show the labels as surfaces beside the slices, then alone, then beside them again")
        .keys(&["Ctrl+5"])
        .unless(no_scan)
        .in_menu(),
    CommandEntry::new("view.facts", "Facts tile", Group::View, body::show_facts)
        .hint("Show what is known about the scan in the last tile, or the 3-D there again")
        .keys(&["Ctrl+8"])
        .unless(no_scan)
        .in_menu(),
    view("view.body-fit", "3-D: fit", body::fit).hint("Show all labels in the 3-D tile"),
    view("view.body-anterior", "3-D: from the front", |studio| body::look_from(studio, Side::Anterior)),
    view("view.body-posterior", "3-D: from the back", |studio| body::look_from(studio, Side::Posterior)),
    view("view.body-right", "3-D: from the right", |studio| body::look_from(studio, Side::Right))
        .hint("Look from the patient's right"),
    view("view.body-left", "3-D: from the left", |studio| body::look_from(studio, Side::Left))
        .hint("Look from the patient's left"),
    view("view.body-superior", "3-D: from the head", |studio| body::look_from(studio, Side::Superior)),
    view("view.body-inferior", "3-D: from the feet", |studio| body::look_from(studio, Side::Inferior)),
    view("view.body-labels", "3-D: labels as surfaces", |studio| show(studio, Rendering::Surfaces)),
    view("view.body-maximum", "3-D: maximum intensity", |studio| show(studio, Rendering::Maximum))
        .hint("Show the largest value along each ray, through the display window"),
    view("view.body-bone", "3-D: bone in CT", |studio| show(studio, Rendering::Bone)).unless(no_ct),
    view("view.body-vessels", "3-D: vessels in CT", |studio| show(studio, Rendering::Vessels))
        .hint("Show vessels with contrast medium, and bones")
        .unless(no_ct),
    view("view.body-lung", "3-D: lung in CT", |studio| show(studio, Rendering::Lung)).unless(no_ct),
    view("view.body-bright", "3-D: bright tissue", |studio| show(studio, Rendering::Bright))
        .hint("Show tissue by its brightness within the display window: MR and others"),
    view("view.body-slices", "3-D: show slices", |studio| studio.body.form.slices = !studio.body.form.slices)
        .hint("Show the slices through the cursor in the 3-D tile"),
    view("view.body-see-through", "3-D: see through the active label", body::see_through)
        .hint("Make the active label translucent in the 3-D tile, or opaque again"),
    view("view.body-box", "3-D: clipping box", body::toggle_box)
        .hint("Show only what lies in a box, whose faces are pulled by their handles"),
    view("view.body-box-reset", "3-D: whole clipping box", body::reset_box)
        .hint("The clipping box hides nothing again"),
    view("view.body-cut-axial", "3-D: cut at the axial slice", |studio| body::turn_cut(studio, Plane::Axial))
        .hint("Take away what is above the slice, then what is below, then nothing"),
    view("view.body-cut-coronal", "3-D: cut at the coronal slice", |studio| body::turn_cut(studio, Plane::Coronal))
        .hint("Take away what is in front of the slice, then what is behind, then nothing"),
    view("view.body-cut-sagittal", "3-D: cut at the sagittal slice", |studio| body::turn_cut(studio, Plane::Sagittal))
        .hint("Take away what is right of the slice, then what is left, then nothing"),
];
