//! The Teach task: labelled scans, a network, a length; then a curve and a model.

mod cases;
mod curve;
mod lists;
mod network;
mod preview;
mod result;
mod source;
mod start;

use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{command_button, note};
use crate::gui::egui;
use crate::gui::paint::textures::Textures;
use crate::gui::panels::progress::progress_ui;
use crate::gui::panels::section::section;
use crate::jobs::{Job, TrainJob};
use crate::words::{self, say};

/// Shows the choices; while a training runs, how it goes.
pub fn teach_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, textures: &mut Textures) {
    let is_running = studio.tasks.find(TrainJob::KIND).is_some();
    if !is_running {
        choices_ui(ui, studio, outbox);
    }
    let teach = &studio.teach;
    let has_curve = !teach.curve.loss.is_empty();
    if is_running || has_curve || teach.preview.is_some() {
        section(ui, studio, outbox, if is_running { "Training" } else { "Last training" }, |ui, _| {
            for text in [&teach.running, &teach.planned].into_iter().filter(|text| !text.is_empty()) {
                note(ui, words::shown(text));
            }
            if has_curve {
                curve::curve_ui(ui, &teach.curve);
            }
            if let Some(preview) = &teach.preview {
                preview::preview_ui(ui, preview, textures);
            }
        });
    }
    if let Some(result) = &teach.result {
        section(ui, studio, outbox, "Result", |ui, outbox| result::result_ui(ui, studio, outbox, textures, result));
    }
}

fn choices_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let mut form = studio.teach.form.clone();
    section(ui, studio, outbox, "Learn from", |ui, outbox| source::source_ui(ui, studio, outbox, &mut form));
    section(ui, studio, outbox, "Network and plan", |ui, outbox| {
        network::network_ui(ui, studio, outbox, &mut form);
        lists::plan_ui(ui, &mut form.plan, form.is_from_model);
        lists::suggestion_ui(ui, studio, outbox);
    });
    if form != studio.teach.form {
        outbox.send(Request::Teach(Box::new(form)));
    }
}

/// Shows length, name and the main button; while a training runs, how far it is.
pub fn foot_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let Some(task) = studio.tasks.find(TrainJob::KIND) else {
        start::start_ui(ui, studio, outbox);
        return;
    };
    progress_ui(ui, task);
    ui.horizontal_wrapped(|ui| {
        let pause = if task.is_paused() { say!("Resume") } else { say!("Pause") };
        command_button(ui, studio, outbox, "teach.pause", Some(pause));
        command_button(ui, studio, outbox, "teach.stop", Some(say!("Stop and keep the best")));
    });
}
