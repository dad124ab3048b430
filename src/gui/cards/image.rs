//! Image: window, presets, interpolation, frame.

use super::histogram::histogram_ui;
use crate::gui::app::App;
use crate::gui::egui;
use crate::volume::Window;

/// Radiology's usual windows, width and level.
const PRESETS: [(&str, f64, f64); 9] = [
    ("Brain", 80.0, 40.0),
    ("Stroke", 40.0, 40.0),
    ("Subdural", 200.0, 75.0),
    ("Abdomen", 400.0, 40.0),
    ("Liver", 150.0, 90.0),
    ("Mediastinum", 400.0, 50.0),
    ("Lung", 1500.0, -600.0),
    ("Bone", 2000.0, 400.0),
    ("CTA", 600.0, 200.0),
];

/// Shows the card.
pub fn image_ui(ui: &mut egui::Ui, app: &mut App) {
    let Some(viewer) = &mut app.viewer else { return };
    let volume = viewer.volume().clone();
    histogram_ui(ui, volume.statistics(), &mut viewer.window);
    let span = volume.statistics().max - volume.statistics().min;
    let speed = (volume.statistics().std / 50.0).max(span / 1e4).max(1e-9);
    // Three digits of the range, two at least.
    let decimals = if span > 0.0 { (3.0 - span.log10()).ceil().clamp(2.0, 9.0) as usize } else { 2 };
    egui::Grid::new("window").num_columns(4).show(ui, |ui| {
        ui.label("Width");
        ui.add(
            egui::DragValue::new(&mut viewer.window.width).speed(speed).range(1e-6..=f64::MAX).max_decimals(decimals),
        )
        .on_hover_text("Window width");
        ui.label("Level");
        ui.add(egui::DragValue::new(&mut viewer.window.level).speed(speed).max_decimals(decimals))
            .on_hover_text("Window level");
        ui.end_row();
    });
    ui.horizontal(|ui| {
        if ui.button("Auto").on_hover_text("Clip the darkest and brightest 0.1 % (Ctrl+J)").clicked() {
            viewer.window = volume.auto_window();
        }
        if ui.button("Reset").on_hover_text("The file's own window (Ctrl+Shift+J)").clicked() {
            viewer.window = volume.file_window();
        }
        egui::ComboBox::from_id_salt("presets").selected_text("CT presets").show_ui(ui, |ui| {
            for (name, width, level) in PRESETS {
                if ui.button(format!("{name}  {width:.0} / {level:.0}")).clicked() {
                    viewer.window = Window { level, width };
                    ui.close();
                }
            }
        });
    });
    ui.checkbox(&mut app.settings.smooth, "Interpolate the image").on_hover_text("Off shows every voxel as a block");
    let frames = volume.frame_count();
    if frames > 1 {
        ui.horizontal(|ui| {
            ui.label("Frame");
            ui.add(egui::Slider::new(&mut viewer.frame, 0..=frames - 1)).on_hover_text("Time point or channel");
        });
    }
}
