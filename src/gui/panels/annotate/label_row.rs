//! A label in the list: move it, paint it, colour, name, volume, shown or hidden, locked or free.

use super::label_menu::{label_menu_ui, reorder};
use crate::app::act::told::grouped;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::beside;
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Label, LabelTable, LabelValue};
use crate::words::{plural, say};
use egui_phosphor::regular as icon;

/// Room for a volume beside a name.
const VOLUME: f32 = 13.0 * UNIT;
/// Width of what a label is dragged by.
const HANDLE: f32 = 3.0 * UNIT;
/// Width of a label's colour.
const COLOUR: f32 = 5.0 * UNIT;

/// How much of a label there is.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Voxels.
    pub voxels: usize,
    /// Millilitres.
    pub millilitres: f64,
}

/// A row of the list.
pub struct Row<'a> {
    /// The label.
    pub label: &'a Label,
    /// All labels.
    pub table: &'a LabelTable,
    /// The label's place among them.
    pub at: usize,
    /// Whether it is painted.
    pub is_active: bool,
    /// Whether it can be dragged to another place.
    pub is_movable: bool,
}

/// A label that is dragged to another place of the list.
#[derive(Debug, Clone, Copy)]
struct Dragged(LabelValue);

/// Shows a label.
pub fn label_ui(ui: &mut egui::Ui, row: &Row, measured: Measured, studio: &Studio, outbox: &mut Outbox) {
    let Row { label, table, is_active, .. } = *row;
    let mut after = label.clone();
    let t = theme::tokens(ui);
    let shown = ui.push_id(label.value, |ui| {
        let shown = ui.horizontal(|ui| {
            // The name has what the others leave.
            let spacing = ui.spacing_mut();
            (spacing.item_spacing.x, spacing.button_padding.x, spacing.interact_size.x) = (UNIT, UNIT, COLOUR);
            if is_active {
                ui.painter().rect_filled(ui.max_rect(), 4.0, t.accent.gamma_multiply(0.12));
            }
            if row.is_movable {
                handle_ui(ui, label);
            }
            let choose = ui.radio(is_active, "");
            let paint = say!("Paint {label}", label = label.name);
            choose.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::RadioButton, true, is_active, &paint));
            beside(&choose, &say!("{paint}: tools draw this label (, and .); right button for more", paint));
            if choose.clicked() || choose.secondary_clicked() {
                outbox.send(Request::Activate(label.value));
            }
            choose.context_menu(|ui| label_menu_ui(ui, studio, outbox));
            let colour = ui.color_edit_button_srgb(&mut after.colour);
            let name = say!("Colour of {label}", label = label.name);
            colour.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::ColorButton, true, &name));
            beside(&colour, &name);
            // From the right, so that the name takes what is left and the panel keeps its width.
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                lock_ui(ui, &mut after);
                eye_ui(ui, &mut after, outbox);
                volume_ui(ui, &label.name, measured);
                name_ui(ui, &mut after);
            });
        });
        shown.response
    });
    drop_ui(ui, &shown.inner, row, outbox);
    if let Some((name, control)) = change(label, &after) {
        let mut table = table.clone();
        if let Some(entry) = table.get_mut(label.value) {
            *entry = after;
        }
        outbox.send(Request::Labels { table, name, control: (control, label.value) });
    }
}

/// What a label is dragged by.
fn handle_ui(ui: &mut egui::Ui, label: &Label) {
    let size = egui::vec2(HANDLE, ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::drag());
    let t = theme::tokens(ui);
    let colour = if response.hovered() || response.dragged() { t.text } else { t.dim };
    let font = egui::FontId::proportional(theme::TEXT);
    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, icon::DOTS_SIX_VERTICAL, font, colour);
    let name = say!("Move {label}", label = label.name);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Other, true, &name));
    response.dnd_set_drag_payload(Dragged(label.value));
    beside(
        &response,
        &say!("Drag {label} to another place (Alt+Up, Alt+Down); the order is kept in files", label = label.name),
    );
    response.on_hover_cursor(egui::CursorIcon::Grab);
}

/// A dragged label over this row: it goes to this row's place.
fn drop_ui(ui: &egui::Ui, response: &egui::Response, row: &Row, outbox: &mut Outbox) {
    let Some(dragged) = response.dnd_hover_payload::<Dragged>() else { return };
    let from = row.table.0.iter().position(|label| label.value == dragged.0);
    let Some(from) = from.filter(|from| *from != row.at) else { return };
    let y = if from < row.at { response.rect.bottom() } else { response.rect.top() };
    ui.painter().hline(response.rect.x_range(), y, egui::Stroke::new(2.0, theme::tokens(ui).accent));
    if response.dnd_release_payload::<Dragged>().is_some() {
        reorder(row.table, dragged.0, row.at, outbox);
    }
}

/// The undo step of a change, and the control that made it.
fn change(before: &Label, after: &Label) -> Option<(String, &'static str)> {
    let value = before.value;
    match () {
        () if after.name != before.name => Some((format!("Rename label {value}"), "label name")),
        () if after.colour != before.colour => Some((format!("Colour of label {value}"), "label colour")),
        () if after.visible != before.visible => {
            let step = if after.visible { format!("Show label {value}") } else { format!("Hide label {value}") };
            Some((step, "label shown"))
        }
        () if after.locked != before.locked => {
            let step = if after.locked { format!("Lock label {value}") } else { format!("Unlock label {value}") };
            Some((step, "label locked"))
        }
        () => None,
    }
}

/// A lock that is closed stands on a ground of its own; an open one is faint.
fn lock_ui(ui: &mut egui::Ui, label: &mut Label) {
    let t = theme::tokens(ui);
    let (sign, verb, colour) = if label.locked {
        (icon::LOCK_KEY, say!("Unlock"), t.on_accent)
    } else {
        (icon::LOCK_SIMPLE_OPEN, say!("Lock"), t.dim)
    };
    let text = egui::RichText::new(sign).size(theme::HEADING).color(colour);
    let button = egui::Button::new(text);
    let button = ui.add(if label.locked { button.fill(t.accent_fill) } else { button.frame(false) });
    let name = format!("{verb} {}", label.name);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
    let hint = if label.locked {
        say!("Locked: tools and models leave it alone. Click to unlock")
    } else {
        say!("Lock it: tools and models leave locked labels alone")
    };
    beside(&button, hint);
    if button.clicked() {
        label.locked = !label.locked;
    }
}

/// Shows or hides a label; with Alt, shows it alone, or all as before.
fn eye_ui(ui: &mut egui::Ui, label: &mut Label, outbox: &mut Outbox) {
    let t = theme::tokens(ui);
    let (sign, verb, colour) =
        if label.visible { (icon::EYE, say!("Hide"), t.text) } else { (icon::EYE_SLASH, say!("Show"), t.dim) };
    let text = egui::RichText::new(sign).size(theme::HEADING).color(colour);
    let button = ui.add(egui::Button::new(text).frame(false));
    let name = format!("{verb} {}", label.name);
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
    beside(&button, &say!("{name}\nAlt+click: show it alone, or all as before", name));
    if button.clicked() {
        if ui.input(|i| i.modifiers.alt) {
            outbox.send(Request::Solo(label.value));
        } else {
            label.visible = !label.visible;
        }
    }
}

/// The name: edited in place; where it is too long it ends in an ellipsis until it is edited.
fn name_ui(ui: &mut egui::Ui, label: &mut Label) {
    let id = ui.id().with("name");
    let is_edited = ui.memory(|memory| memory.has_focus(id));
    let width = ui.available_width();
    let whole = label.name.clone();
    let hint = say!("Name of label {value}", value = label.value);
    let colour = if label.locked { theme::tokens(ui).dim } else { theme::tokens(ui).text };
    let mut cut = |ui: &egui::Ui, text: &dyn egui::TextBuffer, room: f32| {
        let font = egui::TextStyle::Body.resolve(ui.style());
        let mut job = egui::text::LayoutJob::simple_singleline(text.as_str().into(), font, colour);
        if !is_edited {
            job.wrap = egui::text::TextWrapping::truncate_at_width(room.min(width));
        }
        ui.fonts_mut(|fonts| fonts.layout_job(job))
    };
    let field = egui::TextEdit::singleline(&mut label.name).id(id).hint_text(hint.clone()).desired_width(width);
    let field = ui.add(field.layouter(&mut cut));
    let term = label.term.as_ref().map(|term| format!("\n{}", term.described())).unwrap_or_default();
    beside(&field, &format!("{whole}\n{hint}{term}"));
}

/// The volume of a label, in a column as wide for every one.
fn volume_ui(ui: &mut egui::Ui, name: &str, measured: Measured) {
    let text = millilitres(measured.millilitres);
    let size = egui::vec2(VOLUME, ui.spacing().interact_size.y);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    let font = egui::FontId::proportional(theme::SMALL);
    let colour = theme::tokens(ui).dim;
    ui.painter().text(rect.right_center(), egui::Align2::RIGHT_CENTER, &text, font, colour);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::WidgetType::Label, true, say!("Volume of {name}: {text}", name, text))
    });
    let voxels = measured.voxels;
    let count = plural!(voxels, "1 voxel", "{count} voxels", count = grouped(voxels));
    beside(&response, &format!("{name}: {text}, {count}"));
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

    #[test]
    fn each_control_makes_a_step_of_its_own() {
        let label = Label::new(3, "Liver");
        let step = |after: Label| change(&label, &after).map(|(name, _)| name);
        assert_eq!(step(label.clone()), None);
        assert_eq!(step(Label { name: "Spleen".into(), ..label.clone() }).unwrap(), "Rename label 3");
        assert_eq!(step(Label { visible: false, ..label.clone() }).unwrap(), "Hide label 3");
        assert_eq!(step(Label { locked: true, ..label.clone() }).unwrap(), "Lock label 3");
    }
}
