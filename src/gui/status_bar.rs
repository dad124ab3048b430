//! The line at the bottom: what is under the pointer, and the tray of jobs.

use super::app::App;
use super::egui;
use super::info_tile::number;
use super::theme::{self, UNIT};

/// Shows the line.
pub fn status_bar_ui(ui: &mut egui::Ui, app: &mut App) {
    egui::Panel::bottom("status").exact_size(theme::STATUS_HEIGHT).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            let t = theme::tokens(ui);
            pointer_ui(ui, app);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if let Some(viewer) = &app.viewer {
                    let volume = viewer.volume();
                    let megabytes = (volume.byte_count() + viewer.session.document().labels.byte_count()) as f64 / 1e6;
                    let decimals = usize::from(megabytes < 10.0);
                    ui.label(egui::RichText::new(format!("{megabytes:.decimals$} MB")).small().color(t.dim))
                        .on_hover_text("Voxels and labels in memory");
                }
                if !app.device.is_empty() {
                    ui.label(egui::RichText::new(&app.device).small().color(t.dim))
                        .on_hover_text("Device of the last network run");
                }
                app.tasks.ui(ui);
            });
        });
    });
}

fn pointer_ui(ui: &mut egui::Ui, app: &App) {
    let t = theme::tokens(ui);
    let Some(viewer) = &app.viewer else {
        ui.label(egui::RichText::new("No image").small().color(t.dim));
        return;
    };
    let voxel = viewer.hovered.map_or(viewer.cursor, |(_, voxel)| voxel);
    let volume = viewer.volume();
    let world = volume.geometry.world_at(voxel);
    let label = viewer.shown_labels().get(voxel);
    let table = viewer.shown_table();
    let name = if label == 0 {
        "-".to_string()
    } else {
        table.get(label).map_or(format!("Label {label}"), |l| l.name.clone())
    };
    let cells = [
        (22.0, format!("{} {} {}", voxel[0], voxel[1], voxel[2]), "Voxel"),
        (44.0, format!("{:.1} {:.1} {:.1} mm", world[0], world[1], world[2]), "Position: right, anterior, superior"),
        (24.0, number(volume.value(voxel, viewer.frame)), "Value"),
        (30.0, name, "Label"),
    ];
    for (width, text, what) in cells {
        let (rect, response) = ui.allocate_exact_size(egui::vec2(width * UNIT, 4.0 * UNIT), egui::Sense::hover());
        let font = egui::FontId::proportional(theme::SMALL);
        ui.painter().with_clip_rect(rect).text(rect.left_center(), egui::Align2::LEFT_CENTER, &text, font, t.text);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, format!("{what}: {text}")));
        response.on_hover_text(what);
    }
}
