//! The question what becomes of a result, where the user changed labels meanwhile or corrected slices earlier. It stands over the images
//! and covers none; nothing else waits for the answer.

use crate::app::state::joining::{CorrectedSlices, Pending, Source, Why, Word};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::say;

/// Shows a bar at the top of the room that is left, while a result waits.
pub fn pending_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(pending) = studio.label_view().and_then(|view| view.pending.first()) else { return };
    egui::Panel::top("pending").show(ui, |ui| {
        let accent = theme::tokens(ui).accent;
        let frame = theme::card_frame(ui).stroke(egui::Stroke::new(1.0, accent));
        ui.add_space(UNIT);
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                if let Some(word) = question_ui(ui, pending) {
                    outbox.send(Request::Pending(word));
                }
            });
        });
        ui.add_space(UNIT);
    });
}

fn question_ui(ui: &mut egui::Ui, Pending { arrival, why }: &Pending) -> Option<Word> {
    let is_of_model = matches!(arrival.source, Source::Model(_) | Source::Refined(_));
    let take = match arrival.source {
        Source::File(_) => say!("Use the file's labels"),
        Source::Pixels => say!("Use the classified labels"),
        Source::Model(_) | Source::Refined(_) => say!("Use the model's labels"),
    };
    let name = arrival.source.name();
    ui.label(match why {
        Why::LabelsChanged if is_of_model => say!("You changed labels while {name} ran.", name),
        Why::LabelsChanged => say!("You changed labels while those of {name} were read.", name),
        Why::Corrected(1) => say!("A slice that you corrected would change with the labels of {name}.", name),
        Why::Corrected(count) => {
            say!("{count} slices that you corrected would change with the labels of {name}.", count, name)
        }
    });
    let mut word = None;
    if matches!(why, Why::Corrected(_)) {
        let keep = ui.button(say!("Keep corrected slices"));
        if keep.on_hover_text(say!("The result goes into all other slices; one undo step")).clicked() {
            word = Some(Word::Take(CorrectedSlices::Keep));
        }
    }
    let hint = say!("One undo step; locked labels and finished slices stay, and labels that are not among these");
    if ui.button(take).on_hover_text(hint).clicked() {
        word = Some(Word::Take(CorrectedSlices::Change));
    }
    if ui.button(say!("Keep mine")).on_hover_text(say!("The new labels are dropped")).clicked() {
        word = Some(Word::Drop);
    }
    word
}
