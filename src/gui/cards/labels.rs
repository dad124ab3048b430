//! Labels: colour, name, visibility, and how they are laid over the image.

use crate::gui::app::{Action, App};
use crate::gui::egui;
use crate::gui::joining::grouped;
use crate::gui::theme::{self, UNIT};
use crate::gui::top_bar::named_button;
use crate::session::{Change, Command};
use crate::volume::Label;
use egui_phosphor::regular as icon;

/// Room for a volume beside a name.
const VOLUME: f32 = 13.0 * UNIT;
/// Width of a label's colour.
const COLOUR: f32 = 5.0 * UNIT;
/// Cubic millimetres in a millilitre.
const MM3_PER_ML: f64 = 1000.0;

/// Shows the card.
pub fn labels_ui(ui: &mut egui::Ui, app: &mut App) {
    let Some(viewer) = &mut app.viewer else { return };
    let mut table = viewer.session.document().table.clone();
    if table.0.is_empty() {
        ui.label(egui::RichText::new("No label yet. Run a model, or take the brush (4).").color(theme::tokens(ui).dim));
    }
    let mut edited = None;
    let voxel_ml = viewer.volume().geometry.voxel_volume_mm3() / MM3_PER_ML;
    for label in &mut table.0 {
        let voxels = viewer.counted.1.get(&label.value).copied().unwrap_or(0);
        let edit = ui.horizontal(|ui| label_ui(ui, label, &mut viewer.active_label, (voxels, voxel_ml))).inner;
        edited = edited.or(edit);
    }
    let mut deleted = None;
    ui.horizontal(|ui| {
        if ui.button(format!("{} Add label", icon::PLUS)).on_hover_text("A new label for the brush").clicked()
            && let Some(value) = table.next_value()
        {
            table.0.push(Label::unnamed(value));
            viewer.active_label = value;
            edited = Some(format!("Add label {value}"));
        }
        let active = table.get(viewer.active_label);
        let is_free = active.is_some_and(|label| !label.locked);
        let delete = ui.add_enabled(is_free, egui::Button::new(format!("{} Delete label", icon::TRASH)));
        let delete = delete
            .on_hover_text("Take the active label and its voxels away; finished slices keep theirs. One undo step");
        let why = if active.is_some() { "The active label is locked" } else { "No label is active" };
        if delete.on_disabled_hover_text(why).clicked() {
            deleted = active.map(|label| label.value);
        }
    });
    if let Some(name) = edited {
        app.pixels.follow(&viewer.session.document().table, &table);
        viewer.session.apply(Command { name, change: Change::Table(table) });
    }
    if let Some(value) = deleted {
        app.act(Action::DeleteLabel(value), ui.ctx());
    }
    let Some(viewer) = &mut app.viewer else { return };
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
fn label_ui(
    ui: &mut egui::Ui,
    label: &mut Label,
    active: &mut u16,
    (voxels, voxel_ml): (usize, f64),
) -> Option<String> {
    let before = label.clone();
    // The name has what the others leave.
    let spacing = ui.spacing_mut();
    (spacing.item_spacing.x, spacing.button_padding.x, spacing.interact_size.x) = (UNIT, UNIT, COLOUR);
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
        volume_ui(ui, &label.name, voxels, voxel_ml);
        let width = ui.available_width();
        let hint = format!("Name of label {}", label.value);
        let whole = format!("{}\n{hint}", label.name);
        ui.add(egui::TextEdit::singleline(&mut label.name).hint_text(hint).desired_width(width)).on_hover_text(whole);
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

/// The volume of a label, in a column as wide for every one.
fn volume_ui(ui: &mut egui::Ui, name: &str, voxels: usize, voxel_ml: f64) {
    let text = millilitres(voxels as f64 * voxel_ml);
    let size = egui::vec2(VOLUME, ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    let font = egui::FontId::proportional(theme::SMALL);
    let colour = theme::tokens(ui).dim;
    ui.painter().text(rect.right_center(), egui::Align2::RIGHT_CENTER, &text, font, colour);
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Label, true, format!("Volume of {name}: {text}")));
    let count = if voxels == 1 { "1 voxel".to_string() } else { format!("{} voxels", grouped(voxels)) };
    response.on_hover_text(format!("{text}, {count}"));
}

/// A volume with three digits, and no more than three decimals.
fn millilitres(ml: f64) -> String {
    match ml {
        0.0 => "0 mL".into(),
        ml if ml < 0.0005 => "<0.001 mL".into(),
        ml if ml < 0.9995 => format!("{ml:.3} mL"),
        ml if ml < 9.995 => format!("{ml:.2} mL"),
        ml if ml < 99.95 => format!("{ml:.1} mL"),
        ml => format!("{} mL", grouped(ml.round() as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_have_three_digits() {
        let shown = [0.0, 0.0001, 0.0123, 0.9996, 1.0, 9.996, 42.04, 99.96, 1530.4].map(millilitres);
        assert_eq!(
            shown,
            ["0 mL", "<0.001 mL", "0.012 mL", "1.00 mL", "1.00 mL", "10.0 mL", "42.0 mL", "100 mL", "1,530 mL"]
        );
    }
}
