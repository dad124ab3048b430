//! The one question that is asked in a dialog: what becomes of labels that are not saved, or of work that still runs.

use crate::app::act::leaving::{loss, unsaved, unsaved_measurements};
use crate::app::state::leaving::{Leaving, LeavingAnswer, Loss};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::session::SegmentationId;
use crate::words::{plural, say};

/// Most height of the list of what would be lost.
const LIST: f32 = 50.0 * UNIT;

/// What the dialog says.
struct Question {
    title: String,
    text: String,
    /// What is not saved: its name, and where it would go.
    lost: Vec<(String, String)>,
    save: Option<&'static str>,
    discard: &'static str,
}

/// Asks, while leaving waits for the answer.
pub fn leaving_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(leaving) = studio.leaving else { return };
    let Some(loss) = loss(studio, leaving) else {
        // What ran is done by now. How it ended is to be seen before anything is closed.
        outbox.send(Request::Leaving(LeavingAnswer::Stay));
        return;
    };
    let question = question(studio, leaving, loss);
    let mut answer = None;
    let modal = egui::Modal::new(egui::Id::new("leaving")).show(ui.ctx(), |ui| {
        ui.set_width(120.0 * UNIT);
        ui.add(egui::Label::new(egui::RichText::new(&question.title).heading()).wrap());
        ui.add(egui::Label::new(&question.text).wrap());
        lost_ui(ui, &question.lost);
        ui.add_space(2.0 * UNIT);
        ui.horizontal(|ui| answer = answers_ui(ui, &question));
    });
    if modal.should_close() {
        answer = answer.or(Some(LeavingAnswer::Stay));
    }
    if let Some(answer) = answer {
        outbox.send(Request::Leaving(answer));
    }
}

fn lost_ui(ui: &mut egui::Ui, lost: &[(String, String)]) {
    let dim = theme::tokens(ui).dim;
    egui::ScrollArea::vertical().max_height(LIST).auto_shrink([false, true]).show(ui, |ui| {
        for (name, place) in lost {
            ui.add_space(UNIT);
            if lost.len() > 1 {
                ui.add(egui::Label::new(egui::RichText::new(name).strong()).truncate());
            }
            ui.add(egui::Label::new(egui::RichText::new(place).small().color(dim)).wrap());
        }
    });
}

fn answers_ui(ui: &mut egui::Ui, question: &Question) -> Option<LeavingAnswer> {
    let mut answer = None;
    let hint = say!("Write it, and leave once it is on disk");
    if question.save.is_some_and(|save| ui.button(save).on_hover_text(hint).clicked()) {
        answer = Some(LeavingAnswer::Save);
    }
    if ui.button(question.discard).on_hover_text(say!("Leave without it")).clicked() {
        answer = Some(LeavingAnswer::Discard);
    }
    if ui.button(say!("Keep working")).on_hover_text(say!("Close nothing (Esc)")).clicked() {
        answer = Some(LeavingAnswer::Stay);
    }
    answer
}

fn question(studio: &Studio, leaving: Leaving, loss: Loss) -> Question {
    let when = match leaving {
        Leaving::Scan(_) => say!("when the scan is closed"),
        Leaving::Window => say!("when the window is closed"),
    };
    let (title, text, discard) = match loss {
        Loss::Labels => return about_labels(studio, leaving, when),
        Loss::Measurements => return about_measurements(studio, leaving, when),
        Loss::Training => (
            say!("A training is running"),
            say!("The best model so far is on disk, and the training can be continued another time.").to_string(),
            say!("Stop the training"),
        ),
        Loss::Writing => (
            say!("A file is being written"),
            say!("It is not complete when the window closes now.").to_string(),
            say!("Stop writing"),
        ),
        Loss::Sending => (
            say!("Files are being sent"),
            say!("The server gets what is on its way, and no more.").to_string(),
            say!("Stop sending"),
        ),
        Loss::Fetching => (
            say!("Files are being fetched"),
            say!("What has come stays; the rest comes when the same is fetched again.").to_string(),
            say!("Stop fetching"),
        ),
        Loss::Model => (
            say!("The refined model is not kept"),
            say!("What it learned is lost {when}.", when),
            say!("Forget the model"),
        ),
        Loss::Computing => (
            say!("Labels are still being computed"),
            say!("What was found so far is lost {when}.", when),
            say!("Stop the model"),
        ),
    };
    Question { title: title.into(), text, lost: Vec::new(), save: None, discard }
}

fn about_labels(studio: &Studio, leaving: Leaving, when: &str) -> Question {
    let unsaved = unsaved(studio, leaving);
    let title = match &unsaved[..] {
        [] => say!("You are in the middle of something").to_string(),
        [(_, name)] => say!("The labels of {name} are not saved", name),
        many => say!("{count} segmentations are not saved", count = many.len()),
    };
    let text = match &unsaved[..] {
        [] => say!("What the tool has not finished is lost {when}.", when),
        _ => say!("What you changed since the last save is lost {when}.", when),
    };
    // What is not finished cannot be saved: the user stays and ends it, or drops it.
    let save = (!unsaved.is_empty()).then_some(say!("Save and close"));
    let discard = if unsaved.is_empty() { say!("Discard it") } else { say!("Discard labels") };
    let mut lost: Vec<(String, String)> =
        unsaved.into_iter().map(|(id, name)| (name, where_saved(studio, id))).collect();
    lost.extend(lost_measurements(studio, leaving));
    Question { title, text, lost, save, discard }
}

/// Rulers, angles and regions are in no mask.
fn about_measurements(studio: &Studio, leaving: Leaving, when: &str) -> Question {
    let lost = lost_measurements(studio, leaving);
    let title = match &lost[..] {
        [(name, _)] => say!("The measurements of {name} are not saved", name),
        many => say!("Measurements of {count} scans are not saved", count = many.len()),
    };
    let text = say!("What you changed since the last save is lost {when}.", when);
    let (save, discard) = (Some(say!("Save document and close")), say!("Discard measurements"));
    Question { title, text, lost, save, discard }
}

fn lost_measurements(studio: &Studio, leaving: Leaving) -> Vec<(String, String)> {
    let told = |(scan, name)| {
        let count = studio.session.document().measurements(scan).iter().len();
        (
            name,
            plural!(
                count,
                "1 measurement: rulers, angles and regions are kept in a Lamella document.",
                "{count} measurements: rulers, angles and regions are kept in a Lamella document.",
                count
            ),
        )
    };
    unsaved_measurements(studio, leaving).into_iter().map(told).collect()
}

/// Where the labels go when they are saved.
fn where_saved(studio: &Studio, of: SegmentationId) -> String {
    match studio.label_views.get(&of).and_then(|view| view.file.as_ref()) {
        Some(file) => say!("Saved to {file}.", file = file.path.display()),
        None => say!("In no file yet: you choose one when you save.").into(),
    }
}
