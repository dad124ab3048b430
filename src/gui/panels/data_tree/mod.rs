//! The panel on the left: patients, studies, series, and their segmentations. Patients are numbered, never named.

mod cases;
mod first_task;
mod item;
mod segmentations;
mod skipped;

use crate::app::state::cases::Role;
use crate::app::state::grouping::{Heading, grouped};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::paint::still;
use crate::gui::paint::textures::Textures;
use crate::gui::theme::UNIT;
use crate::session::ScanId;
use crate::words::{self, say};

/// Shows the panel.
pub fn data_tree_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, textures: &mut Textures) {
    let panel = egui::Panel::left("data").default_size(studio.settings.widths[0]).size_range(160.0..=420.0);
    let shown = panel.show(ui, |ui| {
        first_task::first_task_ui(ui, studio, outbox);
        ui.add_space(2.0 * UNIT);
        ui.label(egui::RichText::new(say!("Data")).heading());
        if studio.items.is_empty() {
            crate::gui::controls::note(
                ui,
                say!("Series and volumes appear here. Drop files or folders on the window."),
            );
        }
        cases::cases_ui(ui, studio, outbox);
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            for heading in grouped(&studio.items) {
                heading_ui(ui, &heading, studio, outbox, textures);
            }
            skipped::skipped_ui(ui, &studio.skipped);
        });
    });
    still::keep(ui.ctx(), shown.response.rect);
    let width = shown.response.rect.width().round();
    if (width - studio.settings.widths[0]).abs() >= 1.0 && ui.input(|i| i.pointer.primary_down()) {
        let mut settings = studio.settings.clone();
        settings.widths[0] = width;
        outbox.send(Request::Settings(Box::new(settings)));
    }
}

fn heading_ui(ui: &mut egui::Ui, heading: &Heading, studio: &Studio, outbox: &mut Outbox, textures: &mut Textures) {
    let mut items_ui = |ui: &mut egui::Ui| {
        for n in &heading.items {
            // A mask that is read with its scan is seen below that.
            let item = studio.items.get(*n);
            let Some(item) = item.filter(|item| item.case.role != Role::Mask || item.scan.is_some()) else { continue };
            let response = item::item_ui(ui, *n, item, studio, outbox, textures);
            if item.scan.is_some() && item.scan == studio.shown {
                come_into_sight(&response, studio.shown);
            }
            if let Some(scan) = item.scan {
                segmentations::segmentations_ui(ui, scan, studio, outbox);
            }
        }
    };
    match &heading.title {
        Some(title) => {
            let text = egui::RichText::new(words::shown(title)).small();
            egui::CollapsingHeader::new(text).id_salt(title).default_open(true).show_unindented(ui, items_ui);
        }
        None => items_ui(ui),
    }
}

/// Scrolls to the scan that has come on screen; later the user scrolls as he likes.
fn come_into_sight(response: &egui::Response, shown: Option<ScanId>) {
    let memory = egui::Id::new("scan in sight of the data tree");
    let last = response.ctx.data(|data| data.get_temp::<Option<ScanId>>(memory)).flatten();
    if last != shown {
        response.ctx.data_mut(|data| data.insert_temp(memory, shown));
        response.scroll_to_me(None);
    }
}
