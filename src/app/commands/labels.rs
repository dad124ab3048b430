//! Labels, slice states, segmentations, the size of the brush.

use super::{CommandEntry, Group, no_scan, no_view};
use crate::app::act::{labels, slices};
use crate::app::state::settings::BRUSH_MM;
use crate::app::state::studio::Studio;
use crate::volume::Plane;

const fn label(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::Labels, deed).unless(no_scan)
}

fn over_view(studio: &mut Studio, deed: fn(&mut Studio, Plane)) {
    if let Some(hover) = studio.hover {
        deed(studio, hover.plane);
    }
}

fn grow_brush(studio: &mut Studio, by: f64) {
    studio.settings.brush_mm = (studio.settings.brush_mm + by).clamp(*BRUSH_MM.start(), *BRUSH_MM.end());
}

fn no_label(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| {
        let segmentation = studio.segmentation()?;
        let active = studio.label_view()?.active;
        match segmentation.table().get(active) {
            None => Some("No label is active"),
            Some(label) if label.locked => Some("The active label is locked"),
            Some(_) => None,
        }
    })
}

fn no_copy(studio: &Studio) -> Option<&'static str> {
    no_view(studio).or_else(|| slices::lacks_copy(studio, studio.hover?.plane))
}

fn one_segmentation(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| {
        let count = studio.session.document().segmentations_of(studio.shown?).count();
        (count < 2).then_some("A scan keeps at least one segmentation")
    })
}

/// In the order of the menu.
pub const LABELS: &[CommandEntry] = &[
    label("labels.add", "Add label", labels::add).hint("A new label to paint").keys(&["N"]).in_menu(),
    label("labels.delete", "Delete label", |studio| {
        if let Some(value) = studio.label_view().map(|view| view.active) {
            labels::delete(studio, value);
        }
    })
    .hint("Take the active label and its voxels away; finished slices keep theirs")
    .keys(&["Delete"])
    .unless(no_label)
    .in_menu(),
    label("labels.next", "Next label", |studio| labels::cycle(studio, 1))
        .hint("Paint the next label of the list")
        .keys(&["."])
        .repeating(),
    label("labels.previous", "Previous label", |studio| labels::cycle(studio, -1))
        .hint("Paint the label before it in the list")
        .keys(&[","])
        .repeating(),
    label("labels.solo", "Show the active label alone", labels::solo)
        .hint("Hide all other labels, or show all again")
        .keys(&["Shift+S"])
        .in_menu(),
    label("labels.larger-brush", "Larger brush", |studio| grow_brush(studio, 0.5))
        .keys(&["+", "=", "Shift++"])
        .repeating(),
    label("labels.smaller-brush", "Smaller brush", |studio| grow_brush(studio, -0.5)).keys(&["-"]).repeating(),
    label("labels.done", "Mark slice done", |studio| over_view(studio, labels::toggle_done))
        .hint("Declare the slice under the pointer finished, so that nothing changes it; or take that back")
        .keys(&["Enter"])
        .unless(no_view)
        .in_menu(),
    label("labels.all-done", "Mark all slices done", |studio| over_view(studio, labels::toggle_all_done))
        .hint("Declare all slices of the plane under the pointer that hold labels finished; or take that back")
        .keys(&["Shift+Enter"])
        .unless(no_view)
        .in_menu(),
    label("labels.copy-slice", "Copy slice", |studio| over_view(studio, slices::copy))
        .hint("Remember the labels of the slice under the pointer, to paste them into others of its plane")
        .unless(no_view)
        .in_menu(),
    label("labels.paste-slice", "Paste slice", |studio| over_view(studio, slices::paste))
        .hint("Put the copied labels into the slice under the pointer; what has no label in the copy stays")
        .unless(no_copy)
        .in_menu(),
    label("labels.copy-to-next", "Copy labels to the next slice", |studio| {
        over_view(studio, |studio, plane| slices::carry(studio, plane, 1));
    })
    .hint("Put the labels of the slice under the pointer into the next one, and go there")
    .keys(&["Ctrl+PageUp"])
    .unless(no_view),
    label("labels.copy-to-previous", "Copy labels to the previous slice", |studio| {
        over_view(studio, |studio, plane| slices::carry(studio, plane, -1));
    })
    .hint("Put the labels of the slice under the pointer into the one before it, and go there")
    .keys(&["Ctrl+PageDown"])
    .unless(no_view),
    label("labels.new-segmentation", "New segmentation", labels::new_segmentation)
        .hint("Add an empty segmentation to the scan on screen, for a second reader or another question")
        .keys(&["Ctrl+Shift+N"])
        .in_menu(),
    label("labels.delete-segmentation", "Delete segmentation", labels::delete_segmentation)
        .hint("Take the segmentation in hand away; undo brings it back")
        .unless(one_segmentation)
        .in_menu(),
];
