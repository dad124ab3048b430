//! The question what becomes of a result, where the user changed labels meanwhile or corrected slices earlier.

use super::egui;
use super::joining::{CorrectedSlices, Pending, Source, Why};
use super::theme::{self, UNIT};
use super::viewer::Viewer;

/// What the user wants with a result that waited.
pub enum Word {
    /// It is taken.
    Take(CorrectedSlices),
    /// It is dropped.
    Drop,
}

/// Asks over the upper edge of the images until there is an answer; nothing else waits for it.
pub fn pending_ui(ui: &egui::Ui, area: egui::Rect, viewer: &Viewer) -> Option<Word> {
    let Some(Pending { incoming, why }) = &viewer.pending else { return None };
    let of_model = matches!(incoming.source, Source::Model(_) | Source::Refined(_));
    let take = match incoming.source {
        Source::File(_) => "Use the file's labels",
        Source::Pixels => "Use the classified labels",
        Source::Model(_) | Source::Refined(_) => "Use the model's labels",
    };
    let what = match why {
        Why::LabelsChanged if of_model => "You changed labels while the model ran.".to_string(),
        Why::LabelsChanged => "You changed labels while the others were read.".to_string(),
        Why::Corrected(1) => "A slice that you corrected would change.".to_string(),
        Why::Corrected(count) => format!("{count} slices that you corrected would change."),
    };
    let mut word = None;
    egui::Area::new(egui::Id::new("pending"))
        .order(egui::Order::Foreground)
        .pivot(egui::Align2::CENTER_TOP)
        .fixed_pos(area.center_top() + egui::vec2(0.0, 3.0 * UNIT))
        .show(ui.ctx(), |ui| {
            let accent = theme::tokens(ui).accent;
            theme::card_frame(ui).stroke(egui::Stroke::new(1.0, accent)).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(what);
                    if matches!(why, Why::Corrected(_)) {
                        let keep = ui.button("Keep corrected slices");
                        if keep.on_hover_text("The result comes into all other slices; one undo step").clicked() {
                            word = Some(Word::Take(CorrectedSlices::Keep));
                        }
                    }
                    let hint =
                        "One undo step; locked labels and finished slices stay, and labels that are not among these";
                    if ui.button(take).on_hover_text(hint).clicked() {
                        word = Some(Word::Take(CorrectedSlices::Change));
                    }
                    if ui.button("Keep mine").on_hover_text("The new labels are dropped").clicked() {
                        word = Some(Word::Drop);
                    }
                });
            });
        });
    word
}
