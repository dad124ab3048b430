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
    let before = viewer.session.document().table.clone();
    let mut table = before.clone();
    if table.0.is_empty() {
        ui.label(egui::RichText::new("No label yet. Run a model, or take the brush (4).").color(theme::tokens(ui).dim));
    }
    for label in &mut table.0 {
        ui.horizontal(|ui| label_ui(ui, label, &mut viewer.active_label));
    }
    if ui.button(format!("{} Add label", icon::PLUS)).on_hover_text("A new label for the brush").clicked()
        && let Some(value) = table.next_value()
    {
        table.0.push(Label::new(value, format!("Label {value}")));
        viewer.active_label = value;
    }
    // Typing a name is one undo step: the change is taken when the field loses focus.
    let typing = ui.ctx().memory(|m| m.focused().is_some())
        && table.0.len() == before.0.len()
        && differs_in_names_only(&table.0, &before.0);
    if table != before {
        if typing {
            let names: Vec<String> = table.0.iter().map(|l| l.name.clone()).collect();
            ui.data_mut(|d| d.insert_temp(egui::Id::new("label names"), names));
        }
        viewer.session.apply(Command { name: "Labels".into(), change: Change::Table(table) });
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

fn differs_in_names_only(a: &[Label], b: &[Label]) -> bool {
    a.iter()
        .zip(b)
        .all(|(a, b)| Label { name: String::new(), ..a.clone() } == Label { name: String::new(), ..b.clone() })
}

fn label_ui(ui: &mut egui::Ui, label: &mut Label, active: &mut u16) {
    if ui.radio(*active == label.value, "").on_hover_text("The brush paints this label (, and .)").clicked() {
        *active = label.value;
    }
    ui.color_edit_button_srgb(&mut label.colour).on_hover_text("Colour");
    ui.add(egui::TextEdit::singleline(&mut label.name).desired_width(ui.available_width() - 72.0))
        .on_hover_text("Name");
    let (sign, name) = if label.visible { (icon::EYE, "Hide") } else { (icon::EYE_SLASH, "Show") };
    if named_button(ui, sign, &format!("{name} {}", label.name)).on_hover_text(name).clicked() {
        label.visible = !label.visible;
    }
    let (sign, name) = if label.locked { (icon::LOCK, "Unlock") } else { (icon::LOCK_OPEN, "Lock") };
    if named_button(ui, sign, &format!("{name} {}", label.name))
        .on_hover_text(format!("{name}: tools leave locked labels alone"))
        .clicked()
    {
        label.locked = !label.locked;
    }
}
