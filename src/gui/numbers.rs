//! Numbers of the labels of the segmentation in hand, in the Export task and in a tile.

use super::controls::note;
use super::egui;
use super::table::{Head, TableRow, table_ui};
use crate::app::{Outbox, Request, Studio};
use crate::measure::{COLUMNS, Column};
use crate::words::{self, say};

/// Shows the numbers, at most so high.
pub fn numbers_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, height: f32) {
    let (Some(of), Some(segmentation), Some(view)) = (studio.active(), studio.segmentation(), studio.label_view())
    else {
        return;
    };
    let labels = &segmentation.table().0;
    if labels.is_empty() {
        note(ui, say!("No label yet. What is painted or segmented is measured here."));
        return;
    }
    let Some(measured) = studio.numbers.of(of) else {
        note(ui, say!("Measuring..."));
        return;
    };
    let has_any = |column: &&Column| measured.numbers.values().any(|numbers| (column.of)(numbers).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_main).filter(has_any).collect();
    let heads: Vec<Head> =
        columns.iter().map(|column| (words::text(column.title), words::text(column.about))).collect();
    let row = |at: usize| {
        let Some(label) = labels.get(at) else { return TableRow::default() };
        let numbers = measured.numbers.get(&label.value);
        TableRow {
            name: label.name.clone(),
            colour: Some(label.colour),
            is_chosen: view.active == label.value,
            numbers: columns.iter().map(|column| column.shown(numbers)).collect(),
            hint: say!("click to paint this label").into(),
        }
    };
    let clicked = table_ui(ui, "numbers", &heads, (labels.len(), height), row);
    if let Some(label) = clicked.and_then(|at| labels.get(at)) {
        outbox.send(Request::Activate(label.value));
    }
}
