//! The list of rulers, angles and regions of the scan on screen: a click goes to one, a double click renames it.

use super::controls::{beside, command_button, icon_button, note};
use super::egui;
use super::theme;
use crate::app::act::measuring;
use crate::app::{Outbox, Request, Studio};
use crate::session::MeasurementId;
use crate::volume::Measurement;
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// What a rename is in the middle of.
type Renaming = Option<(MeasurementId, String)>;

/// Shows the list, at most so high, and the buttons that copy and save it. Nothing where nothing is measured.
pub fn measurements_list_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, height: f32) {
    let Some(scan) = studio.shown else { return };
    let own = studio.session.document().measurements(scan);
    if own.is_empty() {
        return;
    }
    ui.separator();
    let memory = egui::Id::new("renamed measurement");
    let mut renaming = ui.data(|data| data.get_temp::<Renaming>(memory)).flatten();
    let list = egui::ScrollArea::vertical().id_salt("measurements").max_height(height).auto_shrink([false, true]);
    list.show(ui, |ui| {
        for (id, own) in own.iter() {
            row_ui(ui, id, own, studio, outbox, &mut renaming);
        }
    });
    ui.data_mut(|data| data.insert_temp(memory, renaming));
    ui.horizontal_wrapped(|ui| {
        let copy = format!("{} {}", icon::COPY, say!("Copy"));
        let csv = format!("{} {}", icon::COPY, say!("Copy CSV"));
        let save = format!("{} {}", icon::FLOPPY_DISK_BACK, say!("Save CSV..."));
        for (id, text, name) in [
            ("measurements.copy", &copy, say!("Copy measurements")),
            ("measurements.copy-csv", &csv, say!("Copy measurements CSV")),
            ("measurements.save-csv", &save, say!("Save measurements CSV")),
        ] {
            let button = command_button(ui, studio, outbox, id, Some(text));
            button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
        }
    });
}

fn row_ui(
    ui: &mut egui::Ui,
    id: MeasurementId,
    own: &Measurement,
    studio: &Studio,
    outbox: &mut Outbox,
    renaming: &mut Renaming,
) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        match renaming {
            Some((of, name)) if *of == id => {
                let typed = field_ui(ui, name);
                let name = name.trim();
                if matches!(typed, Typed::Named) && !name.is_empty() && name != own.name {
                    outbox.send(Request::RenameMeasurement(id, name.to_string()));
                }
                if !matches!(typed, Typed::Typing) {
                    *renaming = None;
                }
            }
            _ => {
                if name_ui(ui, id, own, studio, outbox) {
                    *renaming = Some((id, own.name.clone()));
                }
            }
        }
        let place = match studio.volume().and_then(|volume| own.slice(&volume.geometry)) {
            Some(slice) => format!("{} {}", words::text(own.plane.name()), slice + 1),
            None => say!("{plane}, beside the scan", plane = words::text(own.plane.name())),
        };
        note(ui, format!("{place}: {}", measuring::lines(studio, id, own).join("; ")));
    });
}

/// What came of a field.
enum Typed {
    /// It is still typed in.
    Typing,
    /// It was left, and holds the name.
    Named,
    /// It was left by Esc.
    GivenUp,
}

/// The field of a name.
fn field_ui(ui: &mut egui::Ui, name: &mut String) -> Typed {
    let field = ui.add(egui::TextEdit::singleline(name).desired_width(ui.available_width()));
    field.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, say!("Name of the measurement")));
    if field.lost_focus() {
        let is_given_up = ui.input(|i| i.key_pressed(egui::Key::Escape));
        return if is_given_up { Typed::GivenUp } else { Typed::Named };
    }
    if !field.has_focus() {
        field.request_focus();
    }
    Typed::Typing
}

/// The name and the button that deletes; whether the name is to be changed.
fn name_ui(ui: &mut egui::Ui, id: MeasurementId, own: &Measurement, studio: &Studio, outbox: &mut Outbox) -> bool {
    let t = theme::tokens(ui);
    let is_lit = measuring::under_pointer(studio) == Some(id);
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        let delete = icon_button(ui, icon::TRASH, &say!("Delete {name}", name = own.name));
        beside(&delete, say!("Take it away (Delete over it); undo brings it back"));
        if delete.clicked() {
            outbox.send(Request::DeleteMeasurement(id));
        }
        ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
            let colour = if is_lit { t.accent } else { t.text };
            let text = egui::RichText::new(&own.name).color(colour);
            let response = ui.add(egui::Label::new(text).truncate().sense(egui::Sense::click()));
            response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &own.name));
            beside(&response, &say!("{name}\nClick to go to its slice, double-click to rename it", name = own.name));
            if response.clicked() {
                outbox.send(Request::GoToMeasurement(id));
            }
            let mut is_renamed = response.double_clicked();
            response.context_menu(|ui| {
                if ui.button(say!("Rename")).clicked() {
                    is_renamed = true;
                    ui.close();
                }
            });
            is_renamed
        })
        .inner
    })
    .inner
}
