//! A held-back slice with the true labels and the model's.

use crate::app::state::picture::PreviewPicture;
use crate::gui::controls::beside;
use crate::gui::egui;
use crate::gui::paint::textures::Textures;
use crate::gui::theme::{self, UNIT};
use crate::words::say;

/// Shows both over the whole width.
pub fn preview_ui(ui: &mut egui::Ui, preview: &PreviewPicture, textures: &mut Textures) {
    let dim = theme::tokens(ui).dim;
    let width = (ui.available_width() - 2.0 * UNIT) / 2.0;
    let size = egui::vec2(width, width / preview.aspect.max(0.2));
    let shown = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0 * UNIT;
        for (picture, what) in [(&preview.truth, say!("truth")), (&preview.predicted, say!("model"))] {
            let texture = textures.of(ui.ctx(), picture, egui::TextureOptions::NEAREST);
            ui.vertical(|ui| {
                ui.image(egui::load::SizedTexture::new(texture.id(), size));
                ui.label(egui::RichText::new(what).small().color(dim));
            });
        }
    });
    beside(&shown.response, &say!("A slice of {case}, which is held back", case = preview.name));
}
