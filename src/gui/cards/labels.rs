//! Labels: colour, name, visibility, and how they are laid over the image.

use crate::gui::app::App;
use crate::gui::egui;
use crate::gui::theme;
use crate::gui::top_bar::named_button;
use crate::session::{Change, Command};
use crate::volume::Label;
use egui_phosphor::regular as icon;

/// Shows the card.
pub fn labels_ui(ui: &mut egui::Ui, app: &mut App) {
    let Some(viewer) = &mut app.viewer else { return };
    let mut table = viewer.session.document().table.clone();
    if table.0.is_empty() {
        ui.label(egui::RichText::new("No label yet. Run a model, or take the brush (4).").color(theme::tokens(ui).dim));
    }
    let mut edited = None;
    for label in &mut table.0 {
        let edit = ui.horizontal(|ui| label_ui(ui, label, &mut viewer.active_label)).inner;
        edited = edited.or(edit);
    }
    if ui.button(format!("{} Add label", icon::PLUS)).on_hover_text("A new label for the brush").clicked()
        && let Some(value) = table.next_value()
    {
        table.0.push(Label::unnamed(value));
        viewer.active_label = value;
        edited = Some(format!("Add label {value}"));
    }
    if let Some(name) = edited {
        app.pixels.follow(&viewer.session.document().table, &table);
        viewer.session.apply(Command { name, change: Change::Table(table) });
    }
    ui.separator();
    ui.horizontal(|ui| {
        ui.checkbox(&mut app.settings.fill, "Fill").on_hover_text("Fill the labels");
        ui.checkbox(&mut app.settings.outline, "Outline").on_hover_text("Draw the labels' borders");
        ui.checkbox(&mut viewer.show_labels, "Show").on_hover_text("All labels on and off (S)");
    });
    ui.horizontal(|ui| {
        ui.label("Opacity");
        ui.add(egui::Slider::new(&mut app.settings.opacity, 0.0..=1.0).fixed_decimals(2))
            .on_hover_text("Opacity of the fill (A, D)");
    });
}

/// Shows a label; the name of the undo step if it was changed.
fn label_ui(ui: &mut egui::Ui, label: &mut Label, active: &mut u16) -> Option<String> {
    let before = label.clone();
    let is_active = *active == label.value;
    let choose = ui.radio(is_active, "");
    let paint = format!("Paint {}", label.name);
    choose.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::RadioButton, true, is_active, &paint));
    if choose.on_hover_text("The brush paints this label (, and .)").clicked() {
        *active = label.value;
    }
    let colour = ui.color_edit_button_srgb(&mut label.colour);
    let name = format!("Colour of {}", label.name);
    colour.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::ColorButton, true, &name));
    colour.on_hover_text("Colour");
    // From the right, so that the name takes what is left and the panel keeps its width.
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        let (sign, name) = if label.locked { (icon::LOCK, "Unlock") } else { (icon::LOCK_OPEN, "Lock") };
        let button = named_button(ui, sign, &format!("{name} {}", label.name));
        if button.on_hover_text(format!("{name}: tools and models leave locked labels alone")).clicked() {
            label.locked = !label.locked;
        }
        let (sign, name) = if label.visible { (icon::EYE, "Hide") } else { (icon::EYE_SLASH, "Show") };
        if named_button(ui, sign, &format!("{name} {}", label.name)).on_hover_text(name).clicked() {
            label.visible = !label.visible;
        }
        let width = ui.available_width();
        let hint = format!("Name of label {}", label.value);
        ui.add(egui::TextEdit::singleline(&mut label.name).hint_text(&hint).desired_width(width)).on_hover_text(hint);
    });
    let value = label.value;
    if label.name != before.name {
        Some(format!("Rename label {value}"))
    } else if label.colour != before.colour {
        Some(format!("Colour of label {value}"))
    } else if label.visible != before.visible {
        Some(format!("{} label {value}", if label.visible { "Show" } else { "Hide" }))
    } else if label.locked != before.locked {
        Some(format!("{} label {value}", if label.locked { "Lock" } else { "Unlock" }))
    } else {
        None
    }
}
