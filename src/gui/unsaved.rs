//! The one question that is asked in a dialog: what becomes of labels that are not saved, or still being computed.

use super::app::App;
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

/// What would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Labels,
    Training,
    Writing,
    Computing,
}

/// Asks before unsaved labels are lost.
pub fn unsaved_ui(ui: &egui::Ui, app: &mut App) {
    let Some(leaving) = app.leaving else { return };
    let is_window = leaving == Leaving::Window;
    let loss = match () {
        () if app.is_modified() => Loss::Labels,
        () if app.is_busy() => Loss::Computing,
        () if is_window && app.is_teaching() => Loss::Training,
        () if is_window && app.is_saving() => Loss::Writing,
        () => Loss::Computing,
    };
    let image = app.viewer.as_ref().map(|viewer| viewer.volume().name.clone()).unwrap_or_default();
    let when = match leaving {
        Leaving::Item(n) => {
            format!("when {} is shown", app.items.get(n).map_or("another image", |item| item.entry.name.as_str()))
        }
        Leaving::Image => "when the image is closed".to_string(),
        Leaving::Window => "when the window is closed".to_string(),
    };
    let (title, text) = match loss {
        Loss::Labels => {
            let count = app.viewer.as_ref().map_or(0, |viewer| viewer.session.document().table.0.len());
            let labels = if count == 1 { "1 label".to_string() } else { format!("{count} labels") };
            let title = format!("The labels of {image} are not saved");
            (title, format!("What you changed in {labels} since the last save is lost {when}. {}", app.where_saved()))
        }
        Loss::Training => (
            "The model is still learning".to_string(),
            "The best one so far is on disk; under the same name it can go on another time.".to_string(),
        ),
        Loss::Writing => {
            ("A file is being written".to_string(), "It is not there when the window closes now.".to_string())
        }
        Loss::Computing => {
            (format!("Labels of {image} are still computed"), format!("What has been found is lost {when}."))
        }
    };
    let (save, discard) = match loss {
        Loss::Labels if matches!(leaving, Leaving::Item(_)) => (Some("Save and go on"), "Discard labels"),
        Loss::Labels => (Some("Save and close"), "Discard labels"),
        Loss::Training => (None, "Stop learning"),
        Loss::Writing => (None, "Stop writing"),
        Loss::Computing => (None, "Stop the model"),
    };
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("unsaved")).show(ui.ctx(), |ui| {
        ui.set_width(110.0 * UNIT);
        ui.add(egui::Label::new(egui::RichText::new(title).heading()).wrap());
        ui.add(egui::Label::new(text).wrap());
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| {
            let hint = "Write the labels, and leave once they are on disk";
            if save.is_some_and(|save| ui.button(save).on_hover_text(hint).clicked()) {
                answer = Some(Answer::Save);
            }
            if ui.button(discard).on_hover_text(format!("Lost {when}")).clicked() {
                answer = Some(Answer::Discard);
            }
            if ui.button("Keep working").on_hover_text("Stay with this image (Esc)").clicked() {
                answer = Some(Answer::Stay);
            }
        });
    });
    if modal.should_close() {
        answer = answer.or(Some(Answer::Stay));
    }
    let Some(answer) = answer else { return };
    app.leaving = None;
    match answer {
        Answer::Save => app.save_and_leave(leaving, ui.ctx()),
        Answer::Stay => {}
        Answer::Discard => app.leave(leaving, ui.ctx()),
    }
}

#[derive(Clone, Copy)]
enum Answer {
    Save,
    Discard,
    Stay,
}
