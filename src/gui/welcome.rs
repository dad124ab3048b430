//! The page without an image.

use super::app::{Action, App};
use super::egui;
use super::theme::{self, UNIT};
use egui_phosphor::regular as icon;

/// Shows the page.
pub fn welcome_ui(ui: &mut egui::Ui, app: &mut App) {
    let t = theme::tokens(ui);
    let mut chosen = None;
    let mut recent = None;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.22).max(4.0 * UNIT));
        ui.label(egui::RichText::new("Lamella").size(theme::TITLE).strong());
        ui.label(egui::RichText::new("Open a scan, segment it, correct it, save the mask.").color(t.dim));
        ui.add_space(5.0 * UNIT);
        for (sign, name, hint, action) in [
            (icon::FOLDER_OPEN, "Open folder", "A folder of DICOM files, or of volumes", Action::OpenFolder),
            (icon::FILE, "Open file", "DICOM, NIfTI, PNG or TIFF - Ctrl+G", Action::OpenFile),
            (icon::FLASK, "Try the sample", "A synthetic hippocampus MR volume", Action::OpenSample),
        ] {
            let text = format!("{sign}   {name}");
            let response = ui.add(
                egui::Button::new(egui::RichText::new(text).size(theme::HEADING))
                    .min_size(egui::vec2(60.0 * UNIT, 10.0 * UNIT)),
            );
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
            if response.on_hover_text(hint).clicked() {
                chosen = Some(action);
            }
        }
        ui.add_space(3.0 * UNIT);
        ui.label(egui::RichText::new("or drop files and folders anywhere").small().color(t.dim));
        ui.add_space(3.0 * UNIT);
        let hint = "Train a model on a folder of labelled scans; no image needs to be open";
        let text = if app.teach.alone { "Close the Teach card" } else { "Teach a model" };
        if ui.link(text).on_hover_text(hint).clicked() {
            app.teach.alone = !app.teach.alone;
            app.settings.panels |= app.teach.alone;
        }
        if !app.settings.recent.is_empty() {
            ui.add_space(5.0 * UNIT);
            ui.label(egui::RichText::new("Recent").color(t.dim));
            for path in &app.settings.recent {
                let name =
                    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
                if ui.link(name).on_hover_text(path.display().to_string()).clicked() {
                    recent = Some(path.clone());
                }
            }
        }
    });
    if let Some(action) = chosen {
        app.act(action, ui.ctx());
    }
    if let Some(path) = recent {
        app.open(&path, ui.ctx());
    }
}

/// Lights up the window while files hang over it.
pub fn drop_target_ui(ui: &egui::Ui) {
    if !ui.input(|i| i.raw.hovered_files.is_empty()) {
        let t = theme::tokens(ui);
        let rect = ui.ctx().content_rect();
        let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::new("drop")));
        painter.rect_filled(rect, 0.0, t.ground.gamma_multiply(0.7));
        painter.rect_stroke(rect.shrink(UNIT), 6.0, egui::Stroke::new(2.0, t.accent), egui::StrokeKind::Inside);
        painter.text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            "Drop to open",
            egui::FontId::proportional(theme::TITLE),
            t.text,
        );
    }
}
