//! Cursor, window, tiles, what is shown.

use super::{CommandEntry, Group, no_scan, no_view};
use crate::app::state::studio::Studio;
use crate::app::state::tiles::{Layout, TileContent};
use crate::app::state::views::{Pose, ScanView};
use crate::volume::{Plane, PlaneLayout};

/// The view under the pointer; axial beside the views.
fn plane(studio: &Studio) -> Plane {
    studio.hover.map_or(Plane::Axial, |hover| hover.plane)
}

fn step(studio: &mut Studio, change: impl FnOnce(&mut ScanView, &PlaneLayout)) {
    let Some(layout) = studio.layout(plane(studio)) else { return };
    if let Some(view) = studio.view_mut() {
        change(view, &layout);
    }
}

fn maximise(studio: &mut Studio) {
    let hovered = studio.hover.map(|hover| TileContent::Plane(hover.plane));
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
        .unless(|studio| if studio.display.maximised.is_some() { None } else { no_view(studio) })
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
    view("view.smooth", "Interpolate the image", |studio| studio.settings.smooth = !studio.settings.smooth)
        .hint("Interpolate between voxels, or show each as a block")
        .keys(&["I"]),
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
    view("view.cursor-left", "Cursor left", |studio| step(studio, |view, layout| view.move_cursor(layout, -1, 0)))
        .keys(&["Left"])
        .repeating(),
    view("view.cursor-right", "Cursor right", |studio| step(studio, |view, layout| view.move_cursor(layout, 1, 0)))
        .keys(&["Right"])
        .repeating(),
    view("view.cursor-up", "Cursor up", |studio| step(studio, |view, layout| view.move_cursor(layout, 0, -1)))
        .keys(&["Up"])
        .repeating(),
    view("view.cursor-down", "Cursor down", |studio| step(studio, |view, layout| view.move_cursor(layout, 0, 1)))
        .keys(&["Down"])
        .repeating(),
    view("view.cursor-far-left", "Cursor far left", |studio| {
        step(studio, |view, layout| view.move_cursor(layout, -5, 0));
    })
    .keys(&["Shift+Left"])
    .repeating(),
    view("view.cursor-far-right", "Cursor far right", |studio| {
        step(studio, |view, layout| view.move_cursor(layout, 5, 0));
    })
    .keys(&["Shift+Right"])
    .repeating(),
    view("view.cursor-far-up", "Cursor far up", |studio| step(studio, |view, layout| view.move_cursor(layout, 0, -5)))
        .keys(&["Shift+Up"])
        .repeating(),
    view("view.cursor-far-down", "Cursor far down", |studio| {
        step(studio, |view, layout| view.move_cursor(layout, 0, 5));
    })
    .keys(&["Shift+Down"])
    .repeating(),
];
