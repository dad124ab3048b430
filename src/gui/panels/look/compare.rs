//! Comparing the segmentation in hand with another one of the scan: scores of labels and slices, and where they differ.

use crate::app::state::comparing::CompareForm;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, list_row, note};
use crate::gui::egui;
use crate::gui::table::{Head, TableRow, table_ui};
use crate::gui::theme::{self, UNIT};
use crate::jobs::LabelComparison;
use crate::measure::{SCORE_COLUMNS, ScoreColumn};
use crate::session::SegmentationId;
use crate::volume::Plane;
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Height of each of the two tables.
const TABLE: f32 = 36.0 * UNIT;

/// Shows the section.
pub fn compare_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (Some(first), Some(scan)) = (studio.active(), studio.shown) else { return };
    let mut form = studio.comparing.form.clone();
    let all = studio.session.document().segmentations_of(scan).filter(|(id, _)| *id != first);
    let others: Vec<(SegmentationId, &str)> = all.map(|(id, other)| (id, other.name())).collect();
    let chosen = others.iter().find(|(id, _)| Some(*id) == form.with);
    let list = list_row(ui, say!("With"), chosen.map_or(say!("none"), |(_, name)| *name), |ui| {
        ui.selectable_value(&mut form.with, None, say!("none"));
        for (id, name) in &others {
            ui.selectable_value(&mut form.with, Some(*id), *name);
        }
    });
    beside(&list, say!("The segmentation that the one in hand is compared with; labels are joined by name"));
    let open = format!("{} {}", icon::FOLDER_OPEN, say!("Open a mask..."));
    command_button(ui, studio, outbox, "labels.compare-file", Some(&open));
    match studio.comparing.of(first) {
        Some(found) => found_ui(ui, studio, found, &mut form, outbox),
        None => {
            let next = say!("Choose a second segmentation of this scan, or open a mask file as one.");
            note(ui, if chosen.is_some() { say!("Comparing...") } else { next });
        }
    }
    if form != studio.comparing.form {
        outbox.send(Request::Compare(form));
    }
}

fn found_ui(ui: &mut egui::Ui, studio: &Studio, found: &LabelComparison, form: &mut CompareForm, outbox: &mut Outbox) {
    let shown = ui.checkbox(&mut form.is_on, say!("Show differences"));
    beside(&shown, say!("Lays over the images what only one of the two has, instead of the labels"));
    if form.is_on {
        legend_ui(ui, found);
    }
    for notice in &found.notices {
        note(ui, notice);
    }
    let columns: Vec<&ScoreColumn> = SCORE_COLUMNS.iter().filter(|column| column.is_main).collect();
    let heads: Vec<Head> =
        columns.iter().map(|column| (words::text(column.title), words::text(column.about))).collect();
    let is_chosen = |name: &str| form.label.as_deref() == Some(name);
    let label_row = |at: usize| {
        let Some(compared) = found.labels.get(at) else { return TableRow::default() };
        TableRow {
            name: compared.label.name.clone(),
            colour: Some(compared.label.colour),
            is_chosen: is_chosen(&compared.label.name),
            numbers: columns.iter().map(|column| column.shown(&compared.scores)).collect(),
            hint: say!("click for its slices and its differences alone, again for those of all").into(),
        }
    };
    let clicked = table_ui(ui, "compared labels", &heads, (found.labels.len(), TABLE), label_row);
    if let Some(name) = clicked.and_then(|at| found.labels.get(at)).map(|compared| &compared.label.name) {
        form.label = if is_chosen(name) { None } else { Some(name.clone()) };
    }
    slices_ui(ui, studio, found, (form, &heads, &columns), outbox);
    let copy = format!("{} {}", icon::COPY, say!("Copy CSV"));
    command_button(ui, studio, outbox, "labels.copy-comparison", Some(&copy));
}

/// What the colours of the differences mean.
fn legend_ui(ui: &mut egui::Ui, found: &LabelComparison) {
    for label in &found.table.0 {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(3.0 * UNIT), egui::Sense::hover());
            let [r, g, b] = label.colour;
            ui.painter().rect_filled(rect, UNIT / 2.0, egui::Color32::from_rgb(r, g, b));
            let dim = theme::tokens(ui).dim;
            ui.add(egui::Label::new(egui::RichText::new(&label.name).small().color(dim)).truncate());
        });
    }
}

/// Slices of the chosen label; a click goes to one.
fn slices_ui(
    ui: &mut egui::Ui,
    studio: &Studio,
    found: &LabelComparison,
    (form, heads, columns): (&mut CompareForm, &[Head], &[&ScoreColumn]),
    outbox: &mut Outbox,
) {
    if form.label.is_none() {
        note(ui, say!("Click a label to see its slices."));
        return;
    }
    let list = list_row(ui, say!("Slices"), words::text(form.plane.name()), |ui| {
        for plane in Plane::ALL {
            ui.selectable_value(&mut form.plane, plane, words::text(plane.name()));
        }
    });
    beside(&list, say!("The plane whose slices are compared"));
    let at_cursor = studio.slice(form.plane);
    let slice_row = |at: usize| {
        let Some(slice) = found.slices.get(at) else { return TableRow::default() };
        TableRow {
            name: say!("Slice {slice}", slice = slice.slice + 1),
            colour: None,
            is_chosen: at_cursor == Some(slice.slice),
            numbers: columns.iter().map(|column| column.shown(&slice.scores)).collect(),
            hint: say!("click to go there").into(),
        }
    };
    let clicked = table_ui(ui, "compared slices", heads, (found.slices.len(), TABLE), slice_row);
    if let (Some(slice), Some(now)) = (clicked.and_then(|at| found.slices.get(at)), at_cursor) {
        outbox.send(Request::Step(form.plane, slice.slice as i64 - now as i64));
    }
}
