//! How the tiles lie, and whether they have one scale.

use crate::app::state::tiles::Layout;
use crate::app::{Outbox, Request, Studio, commands};
use crate::gui::controls::beside;
use crate::gui::egui;
use crate::gui::theme;
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// The layouts with their commands and icons.
const LAYOUTS: [(Layout, &str, &str); 4] = [
    (Layout::Single, "view.single", icon::SQUARE),
    (Layout::OneAndTwo, "view.one-and-two", icon::LAYOUT),
    (Layout::Grid, "view.grid", icon::GRID_FOUR),
    (Layout::Row, "view.row", icon::COLUMNS),
];

/// Shows the section.
pub fn tiles_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.horizontal(|ui| {
        for (layout, id, sign) in LAYOUTS {
            let is_chosen = studio.settings.layout == layout;
            let button = ui.selectable_label(is_chosen, egui::RichText::new(sign).size(theme::HEADING));
            let name = words::text(layout.name());
            button.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, true, is_chosen, name));
            if let Some(entry) = commands::find(id) {
                beside(&button, &commands::tooltip(&studio.settings.keys, entry));
            }
            if button.clicked() {
                outbox.run(id);
            }
        }
    });
    let mut settings = studio.settings.clone();
    let linked = ui.checkbox(&mut settings.linked_scale, say!("One scale for all views"));
    beside(&linked, say!("A millimetre is equally long in all views; off lets each image fill its tile (L)"));
    if linked.changed() {
        outbox.send(Request::Settings(Box::new(settings)));
    }
    let mut display = studio.display;
    ui.horizontal_wrapped(|ui| {
        beside(&ui.checkbox(&mut display.annotations, say!("Text")), say!("Text over the images (X)"));
        beside(&ui.checkbox(&mut display.crosshair, say!("Crosshair")), say!("The crosshair (Shift+X)"));
    });
    if display != studio.display {
        outbox.send(Request::Display(display));
    }
}
