//! The foot of the task: length, name, the main button, and trainings that were interrupted.

use crate::app::act::teach::{on_disk, problem};
use crate::app::state::teach::{MINUTES, TeachForm};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, command_button, main_button, note};
use crate::gui::egui;
use crate::gui::theme;
use crate::words::{self, plural, say};

/// Most interrupted trainings that are offered.
const FEW: usize = 3;

/// Shows it.
pub fn start_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if let Some(problem) = problem(&studio.teach) {
        let bad = theme::tokens(ui).bad;
        ui.add(egui::Label::new(egui::RichText::new(problem).small().color(bad)).wrap());
    }
    interrupted_ui(ui, studio, outbox);
    let mut form = studio.teach.form.clone();
    length_and_name_ui(ui, &mut form);
    let minutes = form.minutes;
    if form != studio.teach.form {
        outbox.send(Request::Teach(Box::new(form)));
    }
    let text = plural!(minutes, "Teach for 1 minute", "Teach for {minutes} minutes", minutes);
    main_button(ui, studio, outbox, "teach.start", &text);
    if let Some(lacks) = crate::app::act::teach::lacks_start(studio) {
        note(ui, say!("{lacks}.", lacks = words::text(lacks)));
    }
}

fn length_and_name_ui(ui: &mut egui::Ui, form: &mut TeachForm) {
    ui.horizontal(|ui| {
        let minutes = ui.add(egui::DragValue::new(&mut form.minutes).range(MINUTES).suffix(" min"));
        beside(&minutes, say!("Length of the training; the rate falls to zero by its end"));
        let caption = ui.label(say!("Name"));
        let name = egui::TextEdit::singleline(&mut form.name).desired_width(f32::INFINITY);
        let name = ui.add(name).labelled_by(caption.id);
        beside(&name, say!("Name of the new model"));
    });
}

/// Trainings that lie on disk unfinished: the one of the chosen name can be continued or deleted, others can be chosen.
fn interrupted_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let form = &studio.teach.form;
    let others = studio.teach.interrupted.iter().filter(|name| **name != form.name);
    for name in others.take(FEW) {
        ui.horizontal_wrapped(|ui| {
            note(ui, say!("The training of {name} was interrupted.", name));
            let choose = ui.small_button(say!("Choose {name}", name));
            beside(&choose, say!("Take its name, to continue or discard it"));
            if choose.clicked() {
                outbox.send(Request::Teach(Box::new(TeachForm { name: name.clone(), ..form.clone() })));
            }
        });
    }
    if on_disk(&studio.teach).training {
        note(ui, say!("The training of {name} was interrupted.", name = form.name));
        ui.horizontal_wrapped(|ui| {
            command_button(ui, studio, outbox, "teach.resume", Some(say!("Continue the training")));
            command_button(ui, studio, outbox, "teach.discard", Some(say!("Discard it")));
        });
    }
}
