//! Every change, what the user must look at, and files that are left out.

use crate::app::act::deidentifying::is_busy;
use crate::app::state::deidentifying::{DeidentifyRequest, ListOfChanges};
use crate::app::state::saving::file_name;
use crate::app::{Outbox, Request, Studio};
use crate::formats::Skipped;
use crate::formats::deidentify::Change;
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, plural, say};

/// Titles of the columns, and their shares of the width.
const COLUMNS: [(&str, f32); 4] = [("Files", 0.09), ("What", 0.19), ("Name", 0.4), ("Element", 0.32)];
/// Width of the field to search in.
const SEARCH: f32 = 50.0 * UNIT;

/// Shows them within a height.
pub fn changes_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, height: f32) {
    let Some(list) = studio.deidentifying.current() else {
        note(
            ui,
            match () {
                () if is_busy(studio) => say!("Looking through the files..."),
                () if studio.deidentifying.list.is_some() => say!("The choices have changed: list the changes again."),
                () => {
                    say!(
                        "Choose files and what stays, then list the changes. Nothing is written before you have seen them."
                    )
                }
            },
        );
        return;
    };
    let bottom = ui.cursor().top() + height;
    warnings_ui(ui, list);
    let mut search = studio.deidentifying.search.clone();
    let found = list.found(&search);
    ui.horizontal(|ui| {
        let field =
            ui.add(egui::TextEdit::singleline(&mut search).desired_width(SEARCH).hint_text(say!("Find a change")));
        let told = say!("Find a change");
        field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, told));
        let (files, patients) = (list.report.files, list.report.patients.len());
        let patients = plural!(patients, "one patient", "{patients} patients", patients);
        note(
            ui,
            say!("{changes} changes in {files} files of {patients}", changes = list.changes.len(), files, patients),
        );
    });
    if search != studio.deidentifying.search {
        outbox.send(Request::Deidentify(DeidentifyRequest::Search(search)));
    }
    row_ui(ui, &COLUMNS.map(|(title, _)| title.to_string()), true);
    let row_height = ui.spacing().interact_size.y;
    let area = egui::ScrollArea::vertical().id_salt("changes").max_height(bottom - ui.cursor().top());
    area.auto_shrink([false, false]).show_rows(ui, row_height, found.len(), |ui, rows| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (change, files) in rows.filter_map(|at| found.get(at)) {
            row_ui(ui, &texts(change, *files), false);
        }
    });
}

/// What the user must look at, and what is not taken over; in an area of its own, so that the changes stay in sight.
fn warnings_ui(ui: &mut egui::Ui, list: &ListOfChanges) {
    let report = &list.report;
    if report.warnings.is_empty() && report.left_out.is_empty() && report.failed.is_empty() {
        return;
    }
    let t = theme::tokens(ui);
    let line = |ui: &mut egui::Ui, text: String, colour| {
        ui.add(egui::Label::new(egui::RichText::new(text).small().color(colour)).wrap());
    };
    egui::ScrollArea::vertical().id_salt("warnings").max_height(22.0 * UNIT).show(ui, |ui| {
        for (warning, files) in &report.warnings {
            let text = crate::app::state::notices::in_sentence_case(warning);
            line(
                ui,
                say!("{text} ({files} of {all} files).", text = words::shown(&text), files, all = report.files),
                t.warn,
            );
        }
        let skipped =
            |file: &Skipped, what: &str| format!("{what}: {}: {}", file_name(&file.path), words::shown(&file.reason));
        report.failed.iter().for_each(|file| line(ui, skipped(file, say!("Cannot be taken over")), t.bad));
        report.left_out.iter().for_each(|file| line(ui, skipped(file, say!("Left out")), t.dim));
    });
    ui.add_space(UNIT);
}

fn texts(change: &Change, files: usize) -> [String; 4] {
    [files.to_string(), words::text(change.what.word()).to_string(), change.name.clone(), change.place.clone()]
}

/// Texts in their columns, each cut where its column ends.
fn row_ui(ui: &mut egui::Ui, texts: &[String; 4], is_head: bool) {
    let t = theme::tokens(ui);
    let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    if response.hovered() && !is_head {
        ui.painter().rect_filled(rect, UNIT, t.line);
    }
    let (style, colour) = if is_head { (egui::TextStyle::Small, t.dim) } else { (egui::TextStyle::Body, t.text) };
    let font = style.resolve(ui.style());
    let mut left = rect.left();
    for ((_, share), text) in COLUMNS.iter().zip(texts) {
        let width = rect.width() * share;
        let mut job = egui::text::LayoutJob::simple_singleline(text.clone(), font.clone(), colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width((width - 2.0 * UNIT).max(UNIT));
        let galley = ui.painter().layout_job(job);
        ui.painter().galley(egui::pos2(left, rect.center().y - galley.size().y / 2.0), galley, colour);
        left += width;
    }
    let [files, what, name, place] = texts;
    let told = say!("{name} {place}: {what} in {files} files", name, place, what, files);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, &told));
    if !is_head {
        response.on_hover_text(told);
    }
}
