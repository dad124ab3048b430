//! Cursor, window, tiles, what is shown.

use super::{CommandEntry, Group, no_scan, no_view};
use crate::app::act::{cine, overlay, painting};
use crate::app::state::reslicing::ResliceTile;
use crate::app::state::studio::Studio;
use crate::app::state::tiles::{Layout, TileContent};
use crate::app::state::views::{Pose, ScanView};
use crate::tools::Look;
use crate::volume::{Plane, PlaneLayout};

/// How much larger one step makes the image.
const ZOOM: f32 = 1.25;
/// More slices than any scan has.
const FAR: i64 = 1 << 40;

/// Another frame; the first and the last are the ends.
fn step_frame(studio: &mut Studio, steps: isize) {
    let last = studio.volume().map_or(0, |volume| volume.frame_count().saturating_sub(1));
    if let Some(view) = studio.view_mut() {
        view.frame = view.frame.saturating_add_signed(steps).min(last);
    }
}

fn zoom(studio: &mut Studio, factor: f32) {
    let plane = plane(studio);
    painting::look(studio, plane, Look::Zoom(factor));
}

/// The view under the pointer; axial beside the views.
fn plane(studio: &Studio) -> Plane {
    studio.hover.map_or(Plane::Axial, |hover| hover.plane)
}

/// Moves the cursor as the arrows point on the screen, mirrored or not.
fn move_cursor(studio: &mut Studio, columns: i64, rows: i64) {
    let plane = plane(studio);
    let [across, down] = studio.view().map_or([false; 2], |view| view.flips(plane));
    let signed = |steps: i64, is_flipped: bool| if is_flipped { -steps } else { steps };
    step(studio, |view, layout| view.move_cursor(layout, signed(columns, across), signed(rows, down)));
}

/// Mirrors the view under the pointer along an axis of the screen.
fn flip(studio: &mut Studio, axis: usize) {
    let plane = plane(studio);
    if let Some(is_flipped) = studio.view_mut().and_then(|view| view.flips[plane as usize].get_mut(axis)) {
        *is_flipped = !*is_flipped;
    }
}

fn one_frame(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| {
        let count = studio.volume().map_or(1, |volume| volume.frame_count());
        (count < 2).then_some("The scan has one frame")
    })
}

fn step(studio: &mut Studio, change: impl FnOnce(&mut ScanView, &PlaneLayout)) {
    let Some(layout) = studio.layout(plane(studio)) else { return };
    if let Some(view) = studio.view_mut() {
        change(view, &layout);
    }
}

fn maximise(studio: &mut Studio) {
    let body = studio.body.is_hovered.then_some(TileContent::Body);
    let resliced = studio.reslicing.hovered.map(ResliceTile::content);
    let hovered = studio.hover.map(|hover| TileContent::Plane(hover.plane)).or(body).or(resliced);
    let at = studio.settings.tiles.iter().position(|tile| Some(*tile) == hovered);
    studio.display.maximised = if studio.display.maximised.is_some() { None } else { at };
}

fn set_layout(studio: &mut Studio, layout: Layout) {
    studio.settings.layout = layout;
    studio.display.maximised = None;
}

const fn view(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::View, deed).unless(no_scan)
}

/// In the order of the menu.
pub const VIEW: &[CommandEntry] = &[
    view("view.auto-window", "Window from the values", |studio| {
        let window = studio.volume().map(|volume| volume.auto_window());
        studio.view_mut().into_iter().zip(window).for_each(|(view, window)| view.window = window);
    })
    .hint("Set the window so that the darkest and brightest 0.1 % are clipped")
    .keys(&["Ctrl+J"])
    .in_menu(),
    view("view.file-window", "Window of the file", |studio| {
        let window = studio.volume().map(|volume| volume.file_window());
        studio.view_mut().into_iter().zip(window).for_each(|(view, window)| view.window = window);
    })
    .hint("Set the window that the file suggests")
    .keys(&["Ctrl+Shift+J"])
    .in_menu(),
    view("view.fit", "Fit images", |studio| {
        studio.view_mut().into_iter().for_each(|view| view.poses = [Pose::FIT; 3]);
    })
    .hint("Show every image whole")
    .keys(&["Ctrl+F"])
    .in_menu(),
    view("view.centre", "Centre images", |studio| {
        studio.view_mut().into_iter().flat_map(|view| &mut view.poses).for_each(|pose| pose.pan_mm = [0.0; 2]);
    })
    .hint("Move every image to the middle of its tile")
    .keys(&["C"]),
    view("view.maximise", "Enlarge the tile", maximise)
        .hint("Fill the centre with the tile under the pointer, or show all tiles again")
        .keys(&["F"])
        .unless(
            |studio| if studio.display.maximised.is_some() || studio.body.is_hovered { None } else { no_view(studio) },
        )
        .in_menu(),
    view("view.single", "One tile", |studio| set_layout(studio, Layout::Single)).keys(&["Ctrl+1"]).in_menu(),
    view("view.one-and-two", "One and two tiles", |studio| set_layout(studio, Layout::OneAndTwo))
        .keys(&["Ctrl+2"])
        .in_menu(),
    view("view.grid", "Two by two tiles", |studio| set_layout(studio, Layout::Grid)).keys(&["Ctrl+3"]).in_menu(),
    view("view.row", "Three tiles in a row", |studio| set_layout(studio, Layout::Row)).keys(&["Ctrl+4"]).in_menu(),
    view("view.linked", "One scale for all views", |studio| {
        studio.settings.linked_scale = !studio.settings.linked_scale;
    })
    .hint("Show a millimetre equally long in all views, or let each fill its tile")
    .keys(&["L"])
    .in_menu(),
    view("view.labels", "Show labels", |studio| studio.display.labels = !studio.display.labels)
        .hint("Show all labels, or none")
        .keys(&["S"])
        .in_menu(),
    view("view.annotations", "Show text", |studio| studio.display.annotations = !studio.display.annotations)
        .hint("Show text over the images, or none")
        .keys(&["X"])
        .in_menu(),
    view("view.crosshair", "Show the crosshair", |studio| studio.display.crosshair = !studio.display.crosshair)
        .keys(&["Shift+X"])
        .in_menu(),
    view("view.fainter", "Fainter labels", |studio| {
        studio.settings.opacity = (studio.settings.opacity - 0.05).max(0.0);
    })
    .keys(&["A"])
    .repeating(),
    view("view.stronger", "Stronger labels", |studio| {
        studio.settings.opacity = (studio.settings.opacity + 0.05).min(1.0);
    })
    .keys(&["D"])
    .repeating(),
    CommandEntry::new("view.overlay", "Show the overlay", Group::View, overlay::toggle)
        .hint("Lay a second scan over this one, or hide it")
        .keys(&["O"])
        .unless(overlay::lacks)
        .in_menu(),
    CommandEntry::new("view.overlay-fainter", "Fainter overlay", Group::View, |studio| {
        studio.settings.overlay_opacity = (studio.settings.overlay_opacity - 0.05).max(0.0);
    })
    .keys(&["Shift+A"])
    .unless(overlay::lacks_overlay)
    .repeating(),
    CommandEntry::new("view.overlay-stronger", "Stronger overlay", Group::View, |studio| {
        studio.settings.overlay_opacity = (studio.settings.overlay_opacity + 0.05).min(1.0);
    })
    .keys(&["Shift+D"])
    .unless(overlay::lacks_overlay)
    .repeating(),
    CommandEntry::new("view.overlay-window", "Overlay window from its values", Group::View, overlay::auto_window)
        .hint("Set the overlay's window so that its darkest and brightest 0.1 % are clipped")
        .unless(overlay::lacks_overlay),
    view("view.smooth", "Interpolate the image", |studio| studio.settings.smooth = !studio.settings.smooth)
        .hint("Interpolate between voxels, or show each as a block")
        .keys(&["I"]),
    view("view.invert", "Invert the display", |studio| {
        studio.view_mut().into_iter().for_each(|view| view.inverted = !view.inverted);
    })
    .hint("Show dark as bright and bright as dark")
    .keys(&["Shift+I"])
    .in_menu(),
    view("view.flip-horizontal", "Flip left and right", |studio| flip(studio, 0))
        .hint("Mirror the view under the pointer; letters at the edges follow, no voxel moves")
        .keys(&["Shift+H"])
        .unless(no_view)
        .in_menu(),
    view("view.flip-vertical", "Flip top and bottom", |studio| flip(studio, 1))
        .hint("Mirror the view under the pointer; letters at the edges follow, no voxel moves")
        .keys(&["Shift+V"])
        .unless(no_view)
        .in_menu(),
    view("view.unflip", "Unflip all views", |studio| {
        studio.view_mut().into_iter().for_each(|view| view.flips = [[false; 2]; 3]);
    })
    .hint("Show every view as radiology does: the patient's right on the left")
    .unless(|studio| {
        no_scan(studio).or_else(|| {
            let is_flipped = studio.view().is_some_and(|view| view.flips.iter().flatten().any(|is_on| *is_on));
            (!is_flipped).then_some("No view is flipped")
        })
    })
    .in_menu(),
    view("view.cine", "Play slices", |studio| {
        let plane = plane(studio);
        cine::toggle_slices(studio, plane);
    })
    .hint("Show the slices of the view under the pointer one after the other; any key stops")
    .keys(&["Ctrl+Shift+C"])
    .in_menu(),
    view("view.cine-frames", "Play frames", cine::toggle_frames)
        .hint("Show the frames of the scan one after the other; any key stops")
        .unless(one_frame)
        .in_menu(),
    view("view.next-frame", "Next frame", |studio| step_frame(studio, 1))
        .hint("One time point, b-value, phase or channel further")
        .keys(&["Alt+Right"])
        .unless(one_frame)
        .repeating(),
    view("view.previous-frame", "Previous frame", |studio| step_frame(studio, -1))
        .keys(&["Alt+Left"])
        .unless(one_frame)
        .repeating(),
    view("view.zoom-in", "Larger image", |studio| zoom(studio, ZOOM))
        .hint("Enlarge the view under the pointer")
        .repeating(),
    view("view.zoom-out", "Smaller image", |studio| zoom(studio, 1.0 / ZOOM))
        .hint("Show more of the view under the pointer")
        .repeating(),
    view("view.first-slice", "First slice", |studio| step(studio, |view, layout| view.step_slice(layout, -FAR)))
        .hint("Go to the slice furthest to the left, back or feet")
        .keys(&["Home"]),
    view("view.last-slice", "Last slice", |studio| step(studio, |view, layout| view.step_slice(layout, FAR)))
        .hint("Go to the slice furthest to the right, front or head")
        .keys(&["End"]),
    view("view.next-slice", "Next slice", |studio| step(studio, |view, layout| view.step_slice(layout, 1)))
        .hint("One slice further in the view under the pointer")
        .keys(&["PageUp"])
        .repeating(),
    view("view.previous-slice", "Previous slice", |studio| step(studio, |view, layout| view.step_slice(layout, -1)))
        .keys(&["PageDown"])
        .repeating(),
    view("view.next-slices", "Five slices on", |studio| step(studio, |view, layout| view.step_slice(layout, 5)))
        .keys(&["Shift+PageUp"])
        .repeating(),
    view("view.previous-slices", "Five slices back", |studio| step(studio, |view, layout| view.step_slice(layout, -5)))
        .keys(&["Shift+PageDown"])
        .repeating(),
    view("view.cursor-left", "Cursor left", |studio| move_cursor(studio, -1, 0)).keys(&["Left"]).repeating(),
    view("view.cursor-right", "Cursor right", |studio| move_cursor(studio, 1, 0)).keys(&["Right"]).repeating(),
    view("view.cursor-up", "Cursor up", |studio| move_cursor(studio, 0, -1)).keys(&["Up"]).repeating(),
    view("view.cursor-down", "Cursor down", |studio| move_cursor(studio, 0, 1)).keys(&["Down"]).repeating(),
    view("view.cursor-far-left", "Cursor far left", |studio| move_cursor(studio, -5, 0))
        .keys(&["Shift+Left"])
        .repeating(),
    view("view.cursor-far-right", "Cursor far right", |studio| move_cursor(studio, 5, 0))
        .keys(&["Shift+Right"])
        .repeating(),
    view("view.cursor-far-up", "Cursor far up", |studio| move_cursor(studio, 0, -5)).keys(&["Shift+Up"]).repeating(),
    view("view.cursor-far-down", "Cursor far down", |studio| move_cursor(studio, 0, 5))
        .keys(&["Shift+Down"])
        .repeating(),
];
