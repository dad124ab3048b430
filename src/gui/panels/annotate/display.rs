//! How labels are laid over the image.

use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, row};
use crate::gui::egui;
use crate::words::say;

/// Fill, outline, opacity, and whether labels are shown at all.
pub fn display_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (mut settings, mut display) = (studio.settings.clone(), studio.display);
    ui.horizontal(|ui| {
        beside(&ui.checkbox(&mut settings.fill, say!("Fill")), say!("Fill the labels"));
        beside(&ui.checkbox(&mut settings.outline, say!("Outline")), say!("Draw the labels' borders"));
        beside(&ui.checkbox(&mut display.labels, say!("Show")), say!("All labels on and off (S)"));
    });
    row(ui, say!("Opacity"), |ui| {
        let slider = ui.add(egui::Slider::new(&mut settings.opacity, 0.0..=1.0).fixed_decimals(2));
        beside(&slider, say!("Opacity of the fill (A, D)"));
    });
    if settings != studio.settings {
        outbox.send(Request::Settings(Box::new(settings)));
    }
    if display != studio.display {
        outbox.send(Request::Display(display));
    }
}
