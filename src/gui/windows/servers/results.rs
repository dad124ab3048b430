//! Studies that were found; each unfolds to its series.

use crate::app::state::servers::{Found, SeriesOfStudy, ServersRequest, StudyRow};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::remote::{Match, Wanted};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Titles of the columns, and their shares of the width.
const COLUMNS: [(&str, f32); 6] = [
    ("Patient", 0.24),
    ("Patient ID", 0.14),
    ("Date", 0.12),
    ("Modality", 0.12),
    ("Description", 0.27),
    ("Images", 0.11),
];
/// How far series are moved to the right.
const INDENT: f32 = 5.0 * UNIT;

/// Shows what was found, within a height.
pub fn results_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, height: f32) {
    let t = theme::tokens(ui);
    match &studio.servers.found {
        Found::Nothing => {
            note(
                ui,
                say!("Fill in what you know, then press Search. Empty fields stand for anything, * for any letters."),
            );
        }
        Found::Waiting => {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(say!("Searching..."));
            });
        }
        Found::Failed(why) => {
            ui.add(egui::Label::new(egui::RichText::new(words::shown(why)).color(t.bad)).wrap());
        }
        Found::Studies { rows, is_cut, warnings } => {
            for warning in warnings {
                ui.add(egui::Label::new(egui::RichText::new(words::shown(warning)).small().color(t.warn)).wrap());
            }
            if *is_cut {
                note(
                    ui,
                    say!(
                        "The first {rows} are listed; say more about what you look for to see the others.",
                        rows = rows.len()
                    ),
                );
            }
            if rows.is_empty() {
                note(ui, say!("No study matches. Leave fields empty, or put * where letters may be missing."));
                return;
            }
            let top = ui.cursor().top();
            head_ui(ui);
            let left = height - (ui.cursor().top() - top) - warnings.len() as f32 * 6.0 * UNIT;
            egui::ScrollArea::vertical().id_salt("studies").max_height(left).auto_shrink([false, true]).show(
                ui,
                |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (n, row) in rows.iter().enumerate() {
                        study_ui(ui, studio, n, row, outbox);
                    }
                },
            );
        }
    }
}

fn head_ui(ui: &mut egui::Ui) {
    let (rect, _) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), ui.spacing().interact_size.y), egui::Sense::hover());
    let dim = theme::tokens(ui).dim;
    columns_ui(
        ui,
        rect,
        &COLUMNS.map(|(title, _)| words::text(title).to_string()),
        INDENT,
        (egui::TextStyle::Small, dim),
    );
}

fn study_ui(ui: &mut egui::Ui, studio: &Studio, n: usize, row: &StudyRow, outbox: &mut Outbox) {
    let study = &row.study;
    let wanted = Wanted { study_uid: study.study_uid.clone(), series_uid: None };
    let is_picked = studio.servers.picked.as_ref() == Some(&wanted);
    let images = match (study.instances, study.series) {
        (Some(images), _) => images.to_string(),
        (None, Some(series)) => say!("{series} series", series),
        (None, None) => String::new(),
    };
    let texts = [
        study.patient_name.replace('^', " "),
        study.patient_id.clone(),
        day(&study.study_date),
        study.modality.replace('\\', ", "),
        study.description.clone(),
        images,
    ];
    let told = say!(
        "Study {study}: {texts}",
        study = or_uid(&study.description, study.study_uid.as_str()),
        texts = texts.join(", ")
    );
    let sign = if row.is_open { icon::CARET_DOWN } else { icon::CARET_RIGHT };
    if row_ui(ui, &texts, is_picked, &told, Some(sign)).clicked() {
        outbox.send(Request::Servers(ServersRequest::Unfold(n)));
    }
    if !row.is_open {
        return;
    }
    match &row.series {
        SeriesOfStudy::Unknown => {}
        SeriesOfStudy::Waiting => line_ui(ui, say!("Listing series..."), theme::tokens(ui).dim),
        SeriesOfStudy::Failed(why) => line_ui(ui, &words::shown(why), theme::tokens(ui).bad),
        SeriesOfStudy::Known(all) if all.is_empty() => line_ui(ui, say!("No series."), theme::tokens(ui).dim),
        SeriesOfStudy::Known(all) => all.iter().for_each(|series| series_ui(ui, studio, series, outbox)),
    }
}

fn line_ui(ui: &mut egui::Ui, text: &str, colour: egui::Color32) {
    ui.horizontal(|ui| {
        ui.add_space(2.0 * INDENT);
        ui.add(egui::Label::new(egui::RichText::new(text).small().color(colour)).wrap());
    });
}

fn series_ui(ui: &mut egui::Ui, studio: &Studio, series: &Match, outbox: &mut Outbox) {
    let wanted = Wanted { study_uid: series.study_uid.clone(), series_uid: series.series_uid.clone() };
    let uid = series.series_uid.as_ref().map(ToString::to_string).unwrap_or_default();
    let number = if series.number.is_empty() { String::new() } else { say!("Series {number}", number = series.number) };
    let texts = [
        number,
        String::new(),
        String::new(),
        series.modality.clone(),
        or_uid(&series.description, &uid).to_string(),
        series.instances.map(|count| count.to_string()).unwrap_or_default(),
    ];
    let said: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let told = say!("Series {series}: {said}", series = or_uid(&series.description, &uid), said = said.join(", "));
    let is_picked = studio.servers.picked.as_ref() == Some(&wanted);
    if row_ui(ui, &texts, is_picked, &told, None).clicked() {
        outbox.send(Request::Servers(ServersRequest::Pick(wanted)));
    }
}

fn or_uid<'a>(description: &'a str, uid: &'a str) -> &'a str {
    if description.is_empty() { uid } else { description }
}

/// A row of the table; studies have a sign before their texts, series stand further to the right.
fn row_ui(ui: &mut egui::Ui, texts: &[String; 6], is_picked: bool, told: &str, sign: Option<&str>) -> egui::Response {
    let t = theme::tokens(ui);
    let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
    if is_picked {
        ui.painter().rect_filled(rect, UNIT, t.accent.gamma_multiply(0.16));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, UNIT, t.line);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, UNIT, egui::Stroke::new(1.0, t.accent), egui::StrokeKind::Inside);
    }
    if let Some(sign) = sign {
        let font = egui::FontId::proportional(theme::SMALL);
        ui.painter().text(rect.left_center() + egui::vec2(UNIT, 0.0), egui::Align2::LEFT_CENTER, sign, font, t.dim);
    }
    let indent = if sign.is_some() { INDENT } else { 2.0 * INDENT };
    columns_ui(ui, rect, texts, indent, (egui::TextStyle::Body, t.text));
    response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::SelectableLabel, true, is_picked, told));
    response
}

/// Texts in their columns, each cut where its column ends; the first one is moved to the right.
fn columns_ui(
    ui: &egui::Ui,
    rect: egui::Rect,
    texts: &[String; 6],
    indent: f32,
    (style, colour): (egui::TextStyle, egui::Color32),
) {
    let font = style.resolve(ui.style());
    let mut left = rect.left();
    for (n, ((_, share), text)) in COLUMNS.iter().zip(texts).enumerate() {
        let width = rect.width() * share;
        let indent = if n == 0 { indent } else { 0.0 };
        let mut job = egui::text::LayoutJob::simple_singleline(text.clone(), font.clone(), colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width((width - indent - 2.0 * UNIT).max(UNIT));
        let galley = ui.painter().layout_job(job);
        let at = egui::pos2(left + indent, rect.center().y - galley.size().y / 2.0);
        ui.painter().galley(at, galley, colour);
        left += width;
    }
}

/// A day as people read it: `20260102` is 2026-01-02.
fn day(text: &str) -> String {
    match (text.get(..4), text.get(4..6), text.get(6..8)) {
        (Some(year), Some(month), Some(day)) if text.len() == 8 => format!("{year}-{month}-{day}"),
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_what_is_none_stays() {
        assert_eq!([day("20260102"), day("2026"), day("äöüäöüä"), day("")], ["2026-01-02", "2026", "äöüäöüä", ""]);
    }
}
