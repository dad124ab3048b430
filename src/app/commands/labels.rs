//! Labels, slice states, segmentations, the size of the brush.

use super::{CommandEntry, Group, no_scan, no_view};
use crate::app::act::labels;
use crate::app::state::studio::Studio;
use crate::tools::{BRUSH_SIZE, OptionValue};
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
    let size = studio.settings.tools.number(&BRUSH_SIZE) + by;
    studio.settings.tools.set(&BRUSH_SIZE, OptionValue::Number(size));
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
    label("labels.new-segmentation", "New segmentation", labels::new_segmentation)
        .hint("Add an empty segmentation to the scan on screen, for a second reader or another question")
        .keys(&["Ctrl+Shift+N"])
        .in_menu(),
    label("labels.delete-segmentation", "Delete segmentation", labels::delete_segmentation)
        .hint("Take the segmentation in hand away; undo brings it back")
        .unless(one_segmentation)
        .in_menu(),
];
