//! The bar at the top: menu, undo and redo, tools, theme.

use super::app::{Action, App};
use super::egui;
use super::still;
use super::theme;
use super::viewer::Tool;
use crate::volume::Plane;
use egui_phosphor::regular as icon;

/// Tools with their icon, name and key.
const TOOLS: [(Tool, &str, &str, &str); 4] = [
    (Tool::Crosshair, icon::CROSSHAIR, "Crosshair", "left button moves the cursor (1)"),
    (Tool::ZoomPan, icon::HAND, "Move", "left button moves, right button or Ctrl+wheel zooms (2)"),
    (Tool::Brush, icon::PAINT_BRUSH, "Brush", "left button paints, right button erases, + and - change the size (4)"),
    (Tool::Eraser, icon::ERASER, "Eraser", "erases in a slice (E)"),
];

/// Shows the bar.
pub fn top_bar_ui(ui: &mut egui::Ui, app: &mut App) {
    let bar = egui::Panel::top("top bar").exact_size(theme::BAR_HEIGHT).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            menu_ui(ui, app);
            ui.separator();
            history_ui(ui, app);
            ui.separator();
            tools_ui(ui, app);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let (sign, name) =
                    if app.settings.dark { (icon::SUN, "Light theme") } else { (icon::MOON, "Dark theme") };
                if named_button(ui, sign, name).on_hover_text(name).clicked() {
                    app.settings.dark = !app.settings.dark;
                }
                ui.label(
                    egui::RichText::new("For research use; not for diagnosis").small().color(theme::tokens(ui).dim),
                );
            });
        });
    });
    still::keep(ui.ctx(), bar.response.rect);
}

/// A button that shows an icon and is called by its name.
pub fn named_button(ui: &mut egui::Ui, sign: &str, name: &str) -> egui::Response {
    let response = ui.button(egui::RichText::new(sign).size(theme::HEADING));
    let enabled = ui.is_enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, enabled, name));
    response
}

fn menu_ui(ui: &mut egui::Ui, app: &mut App) {
    let loaded = app.viewer.is_some();
    let mut chosen = None;
    ui.menu_button("File", |ui| {
        let mut item = |ui: &mut egui::Ui, enabled: bool, name: &str, keys: &str, action: Action| {
            if ui.add_enabled(enabled, egui::Button::new(name).shortcut_text(keys)).clicked() {
                chosen = Some(action);
                ui.close();
            }
        };
        item(ui, true, "Open file...", "Ctrl+G", Action::OpenFile);
        item(ui, true, "Open folder...", "", Action::OpenFolder);
        item(ui, true, "Open the sample", "", Action::OpenSample);
        ui.separator();
        item(ui, loaded, "Open segmentation...", "Ctrl+O", Action::OpenLabels);
        item(ui, loaded, "Save segmentation", "Ctrl+S", Action::SaveLabels);
        item(ui, loaded, "Save segmentation as...", "Ctrl+Shift+S", Action::SaveLabelsAs);
        item(ui, loaded, "Save image...", "", Action::SaveImage);
        for plane in Plane::ALL {
            let name = format!("Save picture of the {} view...", plane.name().to_lowercase());
            item(ui, loaded, &name, "", Action::SavePicture(plane));
        }
        ui.separator();
        item(ui, loaded, "Close image", "Ctrl+W", Action::CloseImage);
    });
    ui.menu_button("Help", |ui| {
        ui.set_max_width(theme::RIGHT_WIDTH);
        ui.label(egui::RichText::new(format!("Lamella {}", env!("CARGO_PKG_VERSION"))).heading());
        ui.label("Segments medical images slice by slice.");
        ui.label("For research use; not for diagnosis.");
        ui.separator();
        ui.label("Wheel: slices. Right drag: zoom. Middle drag: move.");
        ui.label("1 crosshair, 2 move, 4 brush, E eraser, + - brush size.");
        ui.label(", . label, S labels on and off, A D opacity, X text, Shift+X crosshair.");
        ui.label("F or double click: one view alone. Enter: slice done. Tab over a view: panels.");
        ui.label("Shift+Enter: all slices with labels done.");
    });
    if let Some(action) = chosen {
        app.act(action, ui.ctx());
    }
}

fn history_ui(ui: &mut egui::Ui, app: &mut App) {
    let (undo, redo) = match &app.viewer {
        Some(viewer) => {
            (viewer.session.undo_name().map(str::to_string), viewer.session.redo_name().map(str::to_string))
        }
        None => (None, None),
    };
    for (sign, name, keys, step, action) in [
        (icon::ARROW_COUNTER_CLOCKWISE, "Undo", "Ctrl+Z", undo, Action::Undo),
        (icon::ARROW_CLOCKWISE, "Redo", "Ctrl+Shift+Z", redo, Action::Redo),
    ] {
        let clicked = ui.add_enabled_ui(step.is_some(), |ui| named_button(ui, sign, name)).inner;
        let text =
            step.map_or(format!("Nothing to {} ({keys})", name.to_lowercase()), |s| format!("{name}: {s} ({keys})"));
        if clicked.on_hover_text(&text).on_disabled_hover_text(text).clicked() {
            app.act(action, ui.ctx());
        }
    }
}

fn tools_ui(ui: &mut egui::Ui, app: &mut App) {
    let Some(viewer) = &mut app.viewer else { return };
    for (tool, sign, name, what) in TOOLS {
        let chosen = viewer.tool == tool;
        let response = ui.selectable_label(chosen, egui::RichText::new(sign).size(theme::HEADING));
        response.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::Button, true, chosen, name));
        if response.on_hover_text(format!("{name}: {what}")).clicked() {
            viewer.tool = tool;
        }
    }
    if viewer.tool.is_brush() {
        ui.separator();
        ui.add(egui::DragValue::new(&mut app.settings.brush_mm).range(0.5..=100.0).speed(0.1).suffix(" mm"))
            .on_hover_text("Brush diameter (+ and -, or Shift+wheel)");
        let table = &viewer.session.document().table;
        let name = table.get(viewer.active_label).map_or(format!("Label {}", viewer.active_label), |l| l.name.clone());
        ui.label(name);
    }
}
