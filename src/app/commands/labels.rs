//! Labels, slice states, segmentations, the size of the brush.

use super::{CommandEntry, Group, no_scan, no_view};
use crate::app::act::labels::{self, Sought};
use crate::app::act::{comparing, measuring, numbers, saving, slices};
use crate::app::state::paths::Purpose;
use crate::app::state::studio::Studio;
use crate::session::SegmentationId;
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

fn seek(studio: &mut Studio, sought: Sought, is_up: bool) {
    if let Some(hover) = studio.hover {
        labels::seek_slice(studio, hover.plane, sought, is_up);
    }
}

fn names(studio: &mut Studio, purpose: fn(SegmentationId) -> Purpose) {
    if let Some(of) = studio.active() {
        saving::ask(studio, purpose(of));
    }
}

fn no_labels(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| {
        let is_empty = studio.segmentation().is_none_or(|segmentation| segmentation.table().0.is_empty());
        is_empty.then_some("There is no label")
    })
}

fn no_entry(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| {
        let active = studio.label_view()?.active;
        studio.segmentation()?.table().get(active).is_none().then_some("No label is active")
    })
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

/// A measurement under the pointer goes first.
fn nothing_to_delete(studio: &Studio) -> Option<&'static str> {
    no_label(studio).filter(|_| measuring::under_pointer(studio).is_none())
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
        if let Some(measurement) = measuring::under_pointer(studio) {
            measuring::delete(studio, measurement);
        } else if let Some(value) = studio.label_view().map(|view| view.active) {
            labels::delete(studio, value);
        }
    })
    .hint(
        "Take the active label and its voxels away (finished slices keep theirs), or the measurement under the pointer",
    )
    .keys(&["Delete"])
    .unless(nothing_to_delete)
    .in_menu(),
    label("labels.next", "Next label", |studio| labels::cycle(studio, 1))
        .hint("Paint the next label of the list")
        .keys(&["."])
        .repeating(),
    label("labels.previous", "Previous label", |studio| labels::cycle(studio, -1))
        .hint("Paint the label before it in the list")
        .keys(&[","])
        .repeating(),
    label("labels.up", "Move label up", |studio| labels::move_active(studio, -1))
        .hint("Move the active label one place up the list; the order is kept in files")
        .keys(&["Alt+Up"])
        .unless(no_entry)
        .repeating(),
    label("labels.down", "Move label down", |studio| labels::move_active(studio, 1))
        .hint("Move the active label one place down the list; the order is kept in files")
        .keys(&["Alt+Down"])
        .unless(no_entry)
        .repeating(),
    label("labels.shown", "Show or hide label", labels::toggle_shown)
        .hint("Show the active label, or hide it")
        .keys(&["Ctrl+H"])
        .unless(no_entry),
    label("labels.locked", "Lock or unlock label", labels::toggle_locked)
        .hint("Lock the active label, so that nothing changes it; or unlock it")
        .keys(&["Ctrl+L"])
        .unless(no_entry),
    label("labels.default-colours", "Default colours", labels::default_colours)
        .hint("Give all labels the colours of their places; the first eight are told apart with colour blindness, too")
        .in_menu(),
    label("labels.solo", "Show the active label alone", |studio| {
        if let Some(value) = studio.label_view().map(|view| view.active) {
            labels::solo(studio, value);
        }
    })
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
    .keys(&["Ctrl+Shift+PageUp"])
    .unless(no_view),
    label("labels.copy-to-previous", "Copy labels to the previous slice", |studio| {
        over_view(studio, |studio, plane| slices::carry(studio, plane, -1));
    })
    .hint("Put the labels of the slice under the pointer into the one before it, and go there")
    .keys(&["Ctrl+Shift+PageDown"])
    .unless(no_view),
    label("labels.next-todo", "Next slice to do", |studio| seek(studio, Sought::ToDo, true))
        .hint("Go on to the next slice of the view that is neither corrected nor done")
        .keys(&["Ctrl+PageUp"])
        .unless(no_view),
    label("labels.previous-todo", "Previous slice to do", |studio| seek(studio, Sought::ToDo, false))
        .hint("Go back to the last slice of the view that is neither corrected nor done")
        .keys(&["Ctrl+PageDown"])
        .unless(no_view),
    label("labels.next-done", "Next slice that is done", |studio| seek(studio, Sought::Done, true))
        .keys(&["Alt+PageUp"])
        .unless(no_view),
    label("labels.previous-done", "Previous slice that is done", |studio| seek(studio, Sought::Done, false))
        .keys(&["Alt+PageDown"])
        .unless(no_view),
    label("labels.import-names", "Import label names...", |studio| names(studio, Purpose::OpenNames))
        .hint("Read names and colours from a label description of ITK-SNAP or a table of BIDS")
        .in_menu(),
    label("labels.export-names", "Export label names...", |studio| names(studio, Purpose::SaveNames))
        .hint("Write names and colours as a label description of ITK-SNAP, or as a table of BIDS (.tsv)")
        .unless(no_labels)
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
