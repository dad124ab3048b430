//! Labels, slice states, segmentations, the size of the brush.

use super::{CommandEntry, Group, no_scan, no_view};
use crate::app::act::{comparing, labels, numbers, saving};
use crate::app::state::paths::Purpose;
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
    label("labels.copy-numbers", "Copy numbers of labels", numbers::copy_text)
        .hint("Put the numbers of all labels on the clipboard, for a document or a sheet")
        .unless(numbers::lacks)
        .in_menu(),
    label("labels.copy-numbers-csv", "Copy numbers of labels as CSV", numbers::copy_csv)
        .hint("Put the numbers of all labels on the clipboard as CSV, with all columns and digits")
        .unless(numbers::lacks),
    label("labels.compare-file", "Compare with a mask...", |studio| {
        if let Some(of) = studio.active() {
            saving::ask(studio, Purpose::CompareWith(of));
        }
    })
    .hint("Open a mask as a further segmentation of the scan and compare the one in hand with it")
    .in_menu(),
    label("labels.copy-comparison", "Copy comparison as CSV", comparing::copy_csv)
        .hint("Put the scores of both segmentations on the clipboard as CSV")
        .unless(comparing::lacks),
];
