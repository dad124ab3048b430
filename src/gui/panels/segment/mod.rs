//! The Segment task: choose a model, run it, watch it, adapt it to what is finished.

pub mod model;
mod refine;

use crate::app::act::models::{misfits_of, slices_of};
use crate::app::{Outbox, Studio};
use crate::gui::controls::main_button;
use crate::gui::egui;
use crate::gui::panels::progress::progress_ui;
use crate::gui::panels::section::section;
use crate::gui::theme;
use crate::jobs::{Job, RefineJob, SegmentJob};
use crate::words::{self, plural, say};
use egui_phosphor::regular as icon;

/// Shows the choices.
pub fn segment_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let is_free = running_task(studio).is_none();
    section(ui, studio, outbox, "Run a model", |ui, outbox| {
        ui.add_enabled_ui(is_free, |ui| model::model_ui(ui, studio, outbox));
    });
    section(ui, studio, outbox, "Learn from finished slices", |ui, outbox| refine::refine_ui(ui, studio, outbox));
}

/// The job that the foot shows.
fn running_task(studio: &Studio) -> Option<&crate::app::state::tasks::TaskState> {
    studio.tasks.find(SegmentJob::KIND).or_else(|| studio.tasks.find(RefineJob::KIND))
}

/// Shows the main button; while a model runs, how far it is.
pub fn foot_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if let Some(task) = running_task(studio) {
        progress_ui(ui, task);
        crate::gui::controls::command_button(ui, studio, outbox, "segment.stop", Some(say!("Cancel")));
        return;
    }
    let misfits = misfits_of(studio);
    misfits_ui(ui, &misfits);
    let count = studio.volume().map_or(0, |volume| slices_of(studio, volume));
    let text = plural!(count, "Segment 1 slice", "Segment {count} slices", count);
    main_button(ui, studio, outbox, "segment.run", &text);
}

/// What of the scan the model did not learn: nobody has to find that out by waiting.
fn misfits_ui(ui: &mut egui::Ui, misfits: &[crate::pipeline::Misfit]) {
    let warn = theme::tokens(ui).warn;
    for misfit in misfits {
        ui.horizontal_top(|ui| {
            ui.label(egui::RichText::new(icon::WARNING).color(warn));
            ui.add(egui::Label::new(egui::RichText::new(words::shown(&misfit.to_string())).color(warn)).wrap());
        });
    }
}
