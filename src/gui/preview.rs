//! A held-back slice with the true labels and the model's, side by side.

use super::egui;
use super::theme::{self, UNIT};
use crate::learn::Preview;
use crate::volume::default_colour;

/// Share of a label's colour over the grey value.
const OPACITY: f32 = 0.5;
/// Longest side of a picture; larger slices are thinned.
const MOST_PIXELS: usize = 1024;

/// The two pictures.
pub struct PreviewPicture {
    /// The case.
    pub name: String,
    /// Width over height of a picture in millimetres.
    aspect: f32,
    truth: egui::TextureHandle,
    predicted: egui::TextureHandle,
}

impl PreviewPicture {
    /// Paints the slice twice.
    pub fn new(preview: Preview, context: &egui::Context) -> Self {
        let [rows, columns] = preview.size;
        let [row_mm, column_mm] = preview.pixel_mm;
        let aspect = (columns as f64 * column_mm / (rows as f64 * row_mm)) as f32;
        let step = rows.max(columns).div_ceil(MOST_PIXELS).max(1);
        let size = [columns.div_ceil(step), rows.div_ceil(step)];
        let load = |name: &str, labels: &[u16]| {
            let place = |n: usize| n / size[0] * step * columns + n % size[0] * step;
            let pixel = |n: usize| coloured(preview.grey[place(n)], labels[place(n)]);
            let pixels = (0..size[0] * size[1]).map(pixel).collect();
            context.load_texture(name, egui::ColorImage::new(size, pixels), egui::TextureOptions::NEAREST)
        };
        let (truth, predicted) = (load("preview truth", &preview.truth), load("preview", &preview.predicted));
        Self { name: preview.name, aspect, truth, predicted }
    }

    /// Shows them over the whole width.
    pub fn ui(&self, ui: &mut egui::Ui) {
        let t = theme::tokens(ui);
        let width = (ui.available_width() - 2.0 * UNIT) / 2.0;
        let size = egui::vec2(width, width / self.aspect.max(0.2));
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0 * UNIT;
            for (texture, what) in [(&self.truth, "truth"), (&self.predicted, "model")] {
                ui.vertical(|ui| {
                    ui.image(egui::load::SizedTexture::new(texture.id(), size));
                    ui.label(egui::RichText::new(what).small().color(t.dim));
                });
            }
        })
        .response
        .on_hover_text(format!("A slice of {}, which is held back", self.name));
    }
}

fn coloured(grey: u8, label: u16) -> egui::Color32 {
    if label == 0 {
        return egui::Color32::from_gray(grey);
    }
    let [r, g, b] = default_colour(label).map(|c| (f32::from(c) * OPACITY + f32::from(grey) * (1.0 - OPACITY)) as u8);
    egui::Color32::from_rgb(r, g, b)
}
