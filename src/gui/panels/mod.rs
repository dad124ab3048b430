//! The panel on the right: one task at a time, chosen by tabs in the order of work. What a task needs scrolls; its main button stands at
//! the foot and is always in sight.

pub mod annotate;
pub mod data_tree;
pub mod export;
pub mod look;
pub mod progress;
pub mod section;
pub mod segment;
pub mod teach;

use super::egui;
use super::paint::still;
use super::paint::textures::Textures;
use super::theme::UNIT;
use crate::app::act::teach::is_alone;
use crate::app::{Outbox, Request, Studio, Task};
use crate::words::{self, say};
pub use section::section;

/// Shows the panel.
pub fn tasks_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, textures: &mut Textures) {
    let panel = egui::Panel::right("tasks").default_size(studio.settings.widths[1]).size_range(260.0..=460.0);
    let shown = panel.show(ui, |outer| {
        // What does not fit is cut: a panel never resizes itself.
        let room = outer.available_rect_before_wrap();
        let mut inside = outer.new_child(egui::UiBuilder::new().max_rect(room));
        outer.allocate_rect(room, egui::Sense::hover());
        let ui = &mut inside;
        ui.set_clip_rect(room.expand(UNIT));
        ui.add_space(UNIT);
        let task = tabs_ui(ui, studio, outbox);
        ui.add_space(UNIT);
        egui::Panel::bottom("task foot").show_separator_line(false).show(ui, |ui| {
            ui.add_space(UNIT);
            foot_ui(ui, task, studio, outbox);
            ui.add_space(UNIT);
        });
        egui::ScrollArea::vertical().id_salt(task.name()).auto_shrink([false, false]).show(ui, |ui| match task {
            Task::Look => look::look_ui(ui, studio, outbox),
            Task::Annotate => annotate::annotate_ui(ui, studio, outbox),
            Task::Segment => segment::segment_ui(ui, studio, outbox),
            Task::Teach => teach::teach_ui(ui, studio, outbox, textures),
            Task::Export => export::export_ui(ui, studio, outbox),
        });
    });
    still::keep(ui.ctx(), shown.response.rect);
    let width = shown.response.rect.width().round();
    if (width - studio.settings.widths[1]).abs() >= 1.0 && ui.input(|i| i.pointer.primary_down()) {
        let mut settings = studio.settings.clone();
        settings.widths[1] = width;
        outbox.send(Request::Settings(Box::new(settings)));
    }
}

/// The tabs; the task that is open. Without a scan there is only Teach.
fn tabs_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) -> Task {
    let open = if is_alone(studio) { Task::Teach } else { studio.settings.task };
    ui.horizontal(|ui| {
        (ui.spacing_mut().item_spacing.x, ui.spacing_mut().button_padding.x) = (0.5 * UNIT, 1.75 * UNIT);
        for task in Task::ALL {
            let is_there = studio.shown.is_some() || task == Task::Teach;
            let tab = egui::Button::selectable(open == task, words::text(task.name()));
            let tab = ui.add_enabled(is_there, tab).on_disabled_hover_text(say!("Open a scan first"));
            if tab.clicked() && open != task {
                let mut settings = studio.settings.clone();
                settings.task = task;
                outbox.send(Request::Settings(Box::new(settings)));
            }
        }
    });
    open
}

fn foot_ui(ui: &mut egui::Ui, task: Task, studio: &Studio, outbox: &mut Outbox) {
    match task {
        Task::Segment => segment::foot_ui(ui, studio, outbox),
        Task::Teach => teach::foot_ui(ui, studio, outbox),
        Task::Export => export::foot_ui(ui, studio, outbox),
        Task::Look | Task::Annotate => {}
    }
}

#[cfg(test)]
mod tests;
