//! The panel on the right: inspectors in the order of work.

mod attention;
mod export;
mod histogram;
mod image;
mod labels;
mod pixels;
mod plan_choices;
mod scan_choices;
mod segment;
mod teach;

use super::app::App;
use super::egui;
use super::still;
use super::theme::{self, UNIT};

/// Shows the panel: all cards for an image, the Teach card without one.
pub fn cards_ui(ui: &mut egui::Ui, app: &mut App) {
    let panel =
        egui::Panel::right("cards").default_size(app.settings.widths[1]).size_range(260.0..=460.0).show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                ui.add_space(2.0 * UNIT);
                if app.viewer.is_none() {
                    card_ui(ui, app, "Teach", teach::teach_ui);
                    return;
                }
                card_ui(ui, app, "Image", image::image_ui);
                card_ui(ui, app, "Labels", labels::labels_ui);
                card_ui(ui, app, "Segment", segment::segment_ui);
                card_ui(ui, app, "Pixels", pixels::pixels_ui);
                card_ui(ui, app, "Teach", teach::teach_ui);
                card_ui(ui, app, "Attention", attention::attention_ui);
                card_ui(ui, app, "Export", export::export_ui);
            });
        });
    still::keep(ui.ctx(), panel.response.rect);
    app.settings.widths[1] = panel.response.rect.width().round();
}

fn card_ui(ui: &mut egui::Ui, app: &mut App, title: &str, content: fn(&mut egui::Ui, &mut App)) {
    theme::card_frame(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let open = !app.settings.folded.iter().any(|t| t == title);
        let header = egui::CollapsingHeader::new(egui::RichText::new(title).heading()).default_open(open);
        let response = header.show(ui, |ui| content(ui, app));
        if response.header_response.clicked() {
            if open {
                app.settings.folded.push(title.to_string());
            } else {
                app.settings.folded.retain(|t| t != title);
            }
        }
    });
    ui.add_space(UNIT);
}
