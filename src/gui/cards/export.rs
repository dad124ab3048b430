//! Export: masks, images, pictures.

use crate::gui::app::{Action, App};
use crate::gui::egui;
use crate::volume::Plane;
use egui_phosphor::regular as icon;

/// Shows the card.
pub fn export_ui(ui: &mut egui::Ui, app: &mut App) {
    let mut chosen = None;
    let picture = Action::SavePicture;
    for (sign, name, hint, action) in [
        (icon::FLOPPY_DISK, "Save segmentation", "NIfTI on the image's own grid (Ctrl+S)", Action::SaveLabels),
        (icon::IMAGE, "Save image", "The scan as NIfTI", Action::SaveImage),
        (
            icon::CAMERA,
            "Save axial picture",
            "The view's slice and labels as they are shown, as PNG",
            picture(Plane::Axial),
        ),
        (icon::CAMERA, "Save coronal picture", "The same for the coronal view", picture(Plane::Coronal)),
        (icon::CAMERA, "Save sagittal picture", "The same for the sagittal view", picture(Plane::Sagittal)),
    ] {
        let response =
            ui.add(egui::Button::new(format!("{sign}  {name}")).min_size(egui::vec2(ui.available_width(), 0.0)));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
        if response.on_hover_text(hint).clicked() {
            chosen = Some(action);
        }
    }
    if let Some(action) = chosen {
        app.act(action, ui.ctx());
    }
}
