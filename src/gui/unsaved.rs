//! The one question that is asked in a dialog: what becomes of labels that are not saved, or still being computed.

use super::app::{Action, App};
use super::egui;
use super::theme::UNIT;

/// What waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Showing another item of the data panel.
    Item(usize),
    /// Closing the image.
    Image,
    /// Closing the window.
    Window,
}

/// Asks before unsaved labels are lost.
pub fn unsaved_ui(ui: &egui::Ui, app: &mut App) {
    let Some(leaving) = app.leaving else { return };
    let modified = app.is_modified();
    let teaching = leaving == Leaving::Window && app.is_teaching() && !app.is_busy();
    let saving = leaving == Leaving::Window && app.is_saving() && !app.is_teaching() && !app.is_busy();
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("unsaved")).show(ui.ctx(), |ui| {
        ui.set_width(100.0 * UNIT);
        let (title, text) = if modified {
            ("The labels are not saved", "They are lost when this image is closed.")
        } else if teaching {
            (
                "The model is still learning",
                "The best one so far is on disk; under the same name it can go on another time.",
            )
        } else if saving {
            ("A file is being written", "It is not there when the window closes now.")
        } else {
            ("The model is still at work", "What it has found is lost when this image is closed.")
        };
        ui.label(egui::RichText::new(title).heading());
        ui.label(text);
        ui.add_space(2.0 * UNIT);
        let discard = match () {
            () if modified => "Discard labels",
            () if teaching => "Stop learning",
            () if saving => "Stop writing",
            () => "Stop the model",
        };
        ui.horizontal(|ui| {
            for (name, hint, choice) in [
                ("Save segmentation", "Choose a file; the image stays open", Answer::Save),
                (discard, "Close without saving", Answer::Discard),
                ("Keep working", "Stay with this image (Esc)", Answer::Stay),
            ] {
                if matches!(choice, Answer::Save) && !modified {
                    continue;
                }
                if ui.button(name).on_hover_text(hint).clicked() {
                    answer = Some(choice);
                }
            }
        });
    });
    if modal.should_close() {
        answer = answer.or(Some(Answer::Stay));
    }
    match answer {
        None => return,
        Some(Answer::Save) => app.act(Action::SaveLabels, ui.ctx()),
        Some(Answer::Stay) => {}
        Some(Answer::Discard) => app.leave(leaving, ui.ctx()),
    }
    app.leaving = None;
}

#[derive(Clone, Copy)]
enum Answer {
    Save,
    Discard,
    Stay,
}
