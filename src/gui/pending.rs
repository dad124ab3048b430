//! The question which labels to keep, where the user changed some while a network or a reader was at work.

use super::egui;
use super::theme::{self, UNIT};
use super::viewer::Viewer;

/// Asks over the upper edge of the images until there is an answer; nothing else waits for it.
pub fn pending_ui(ui: &egui::Ui, area: egui::Rect, viewer: &mut Viewer) {
    let Some(pending) = &viewer.pending else { return };
    let (what, take) = if matches!(pending.name, "Segment" | "Refine") {
        ("You changed labels while the model ran.", "Use the model's labels")
    } else {
        ("You changed labels while the file was read.", "Use the file's labels")
    };
    let (mut taken, mut dropped) = (false, false);
    egui::Area::new(egui::Id::new("pending"))
        .order(egui::Order::Foreground)
        .pivot(egui::Align2::CENTER_TOP)
        .fixed_pos(area.center_top() + egui::vec2(0.0, 3.0 * UNIT))
        .show(ui.ctx(), |ui| {
            let accent = theme::tokens(ui).accent;
            theme::card_frame(ui).stroke(egui::Stroke::new(1.0, accent)).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(what);
                    taken = ui.button(take).on_hover_text("One undo step; locked and done parts stay").clicked();
                    dropped = ui.button("Keep mine").on_hover_text("The new labels are dropped").clicked();
                });
            });
        });
    if taken && let Some(pending) = viewer.pending.take() {
        viewer.take_labels(pending);
    } else if dropped {
        viewer.pending = None;
    }
}
