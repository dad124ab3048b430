//! The panel on the left: patients, studies, series, and their segmentations. Patients are numbered, never named.

mod grouping;
mod item;
mod segmentations;
mod skipped;

use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::paint::still;
use crate::gui::paint::textures::Textures;
use crate::gui::theme::UNIT;
use grouping::{Heading, grouped};

/// Shows the panel.
pub fn data_tree_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, textures: &mut Textures) {
    let panel = egui::Panel::left("data").default_size(studio.settings.widths[0]).size_range(160.0..=420.0);
    let shown = panel.show(ui, |ui| {
        ui.add_space(2.0 * UNIT);
        ui.label(egui::RichText::new("Data").heading());
        if studio.items.is_empty() {
            crate::gui::controls::note(ui, "Series and volumes appear here. Drop files or folders on the window.");
        }
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
            let Some(item) = studio.items.get(*n) else { continue };
            item::item_ui(ui, *n, item, studio, outbox, textures);
            if let Some(scan) = item.scan {
                segmentations::segmentations_ui(ui, scan, studio, outbox);
            }
        }
    };
    match &heading.title {
        Some(title) => {
            let text = egui::RichText::new(title).small();
            egui::CollapsingHeader::new(text).default_open(true).show_unindented(ui, items_ui);
        }
        None => items_ui(ui),
    }
}
