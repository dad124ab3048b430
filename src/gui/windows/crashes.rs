//! Reports of faults of the program: they are shown or deleted here, and never sent.

use crate::app::state::crashes::CrashAnswer;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::note;
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::words::{plural, say};

/// Most height of a report.
const TEXT: f32 = 80.0 * UNIT;

/// Tells of them, while there is something to be told.
pub fn crashes_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    // Unsaved work comes first.
    let Some(newest) = studio.crashes.reports.first().filter(|_| studio.crashes.is_open && !studio.recovery.is_open)
    else {
        return;
    };
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("crashes")).show(ui.ctx(), |ui| {
        ui.set_width(130.0 * UNIT);
        ui.label(egui::RichText::new(say!("A fault of Lamella was recorded")).heading());
        let count = studio.crashes.reports.len();
        let text = plural!(
            count,
            "A report of it is on this machine. It names no file and no patient, and it was not sent to anybody. You may \
             attach it when you report the fault.",
            "{count} reports of faults are on this machine. They name no file and no patient, and they were not sent to \
             anybody. You may attach them when you report a fault.",
            count
        );
        ui.add(egui::Label::new(text).wrap());
        ui.add_space(UNIT);
        if studio.crashes.is_shown {
            egui::ScrollArea::both().max_height(TEXT).auto_shrink([false, true]).show(ui, |ui| {
                let text = egui::RichText::new(&newest.text).monospace();
                ui.add(egui::Label::new(text).wrap_mode(egui::TextWrapMode::Extend).selectable(true));
            });
            ui.add_space(UNIT);
        }
        note(ui, newest.path.display().to_string());
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            let show = say!("Show what the newest report says");
            if !studio.crashes.is_shown && ui.button(say!("Show")).on_hover_text(show).clicked() {
                answer = Some(CrashAnswer::Show);
            }
            if ui.button(say!("Delete")).on_hover_text(say!("Delete all of these reports")).clicked() {
                answer = Some(CrashAnswer::Delete);
            }
            let keep = say!("Keep the reports, and do not ask about them again (Esc)");
            if ui.button(say!("Keep")).on_hover_text(keep).clicked() {
                answer = Some(CrashAnswer::Keep);
            }
        });
    });
    if modal.should_close() {
        answer = answer.or(Some(CrashAnswer::Keep));
    }
    if let Some(answer) = answer {
        outbox.send(Request::Crash(answer));
    }
}
