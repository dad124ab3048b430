//! What can be done with the active label and with the list: the menu of a row, and of the button under the list.

use crate::app::act::labels::moved;
use crate::app::state::settings::BODY_OPACITIES;
use crate::app::{Outbox, Request, Studio, commands};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::{ANATOMY, Label, LabelTable, LabelValue, Structure};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Most height of a list in the menu.
const MOST_HEIGHT: f32 = 90.0 * UNIT;

/// The menu of the active label.
pub fn label_menu_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let (Some(segmentation), Some(view)) = (studio.segmentation(), studio.label_view()) else { return };
    let table = segmentation.table();
    let Some(label) = table.get(view.active) else {
        ui.label(say!("No label is active"));
        return;
    };
    ui.label(egui::RichText::new(&label.name).strong());
    merge_ui(ui, table, label, outbox);
    meaning_ui(ui, table, label, outbox);
    opacity_ui(ui, studio, label, outbox);
    ui.separator();
    for id in ["labels.up", "labels.down", "labels.shown", "labels.locked", "labels.solo", "labels.delete"] {
        command_ui(ui, studio, outbox, id);
    }
    let last = table.0.len().saturating_sub(1);
    for (text, to) in [(say!("Move to the top"), 0), (say!("Move to the bottom"), last)] {
        let is_there = table.0.get(to).is_some_and(|there| there.value == label.value);
        if ui.add_enabled(!is_there, egui::Button::new(text)).clicked() {
            reorder(table, label.value, to, outbox);
            ui.close();
        }
    }
}

/// The menu of the list.
pub fn list_menu_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.menu_button(say!("Add labels of"), |ui| {
        for preset in ANATOMY {
            let count = preset.structures.len();
            let text = format!("{} ({count})", words::text(preset.name));
            let names: Vec<&str> = preset.structures.iter().map(|structure| structure.name).collect();
            let button = ui
                .button(text)
                .on_hover_text(say!("{names}\nEach with its code of SNOMED CT", names = names.join(", ")));
            if button.clicked() {
                outbox.send(Request::AddStructures(preset));
                ui.close();
            }
        }
    });
    for id in ["labels.import-names", "labels.export-names", "labels.default-colours"] {
        command_ui(ui, studio, outbox, id);
    }
}

/// Puts a label into another place of the list.
pub fn reorder(table: &LabelTable, value: LabelValue, to: usize, outbox: &mut Outbox) {
    let table = moved(table, value, to);
    let control = (crate::app::act::labels::ORDER, value);
    outbox.send(Request::Labels { table, name: "Reorder labels".into(), control });
}

/// A command in a menu.
fn command_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox, id: &'static str) {
    let Some(entry) = commands::find(id) else { return };
    let keys = commands::keys_of(&studio.settings.keys, entry);
    let key = keys.first().map(ToString::to_string).unwrap_or_default();
    let lacks = (entry.lacks)(studio);
    let button = ui.add_enabled(lacks.is_none(), egui::Button::new(words::text(entry.name)).shortcut_text(key));
    let why = lacks.map(|lacks| say!("{lacks}.", lacks = words::text(lacks))).unwrap_or_default();
    if button.on_hover_text(words::text(entry.hint)).on_disabled_hover_text(why).clicked() {
        outbox.run(id);
        ui.close();
    }
}

/// How much the 3-D tile lets through of what lies behind it.
fn opacity_ui(ui: &mut egui::Ui, studio: &Studio, label: &Label, outbox: &mut Outbox) {
    ui.menu_button(say!("Opacity in 3-D"), |ui| {
        let mut opacity = studio.settings.opacity_in_body(&label.name);
        let slider = ui.add(egui::Slider::new(&mut opacity, BODY_OPACITIES).fixed_decimals(2));
        slider.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Slider, true, say!("Opacity in 3-D")));
        if slider.changed() {
            let mut settings = studio.settings.clone();
            settings.set_opacity_in_body(label.name.clone(), opacity);
            outbox.send(Request::Settings(Box::new(settings)));
        }
        slider.on_hover_text(say!("Of this label, and of others of its name, in the 3-D tile"));
    });
}

/// The label that gets this one's voxels.
fn merge_ui(ui: &mut egui::Ui, table: &LabelTable, label: &Label, outbox: &mut Outbox) {
    let can_merge = !label.locked && table.0.len() > 1;
    ui.add_enabled_ui(can_merge, |ui| {
        ui.menu_button(say!("Merge into"), |ui| {
            egui::ScrollArea::vertical().max_height(MOST_HEIGHT).show(ui, |ui| {
                for other in table.0.iter().filter(|other| other.value != label.value) {
                    let [r, g, b] = other.colour;
                    let text = format!("{} {}", icon::SQUARE, other.name);
                    let mut job = egui::text::LayoutJob::default();
                    let (sign, name) = text.split_at(icon::SQUARE.len());
                    let format = |colour| egui::TextFormat { color: colour, ..egui::TextFormat::default() };
                    job.append(sign, 0.0, format(egui::Color32::from_rgb(r, g, b)));
                    job.append(name, 0.0, format(theme::tokens(ui).text));
                    let button = ui.add_enabled(!other.locked, egui::Button::new(job));
                    let name = say!("Merge {label} into {other}", label = label.name, other = other.name);
                    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, !other.locked, &name));
                    if button.on_disabled_hover_text(say!("It is locked")).clicked() {
                        outbox.send(Request::MergeLabels { from: label.value, into: other.value });
                        ui.close();
                    }
                }
            });
        });
    });
}

/// Which structure it is: its name and its code.
fn meaning_ui(ui: &mut egui::Ui, table: &LabelTable, label: &Label, outbox: &mut Outbox) {
    ui.menu_button(say!("This is"), |ui| {
        if let Some(term) = &label.term {
            ui.label(egui::RichText::new(term.described()).small().color(theme::tokens(ui).dim));
            if ui.button(say!("Without a code")).on_hover_text(say!("The name stays, the code goes")).clicked() {
                change(table, label.value, outbox, |label| label.term = None);
                ui.close();
            }
            ui.separator();
        }
        for preset in ANATOMY {
            ui.menu_button(words::text(preset.name), |ui| {
                egui::ScrollArea::vertical().max_height(MOST_HEIGHT).show(ui, |ui| {
                    for structure in preset.structures {
                        if structure_ui(ui, structure) {
                            change(table, label.value, outbox, |label| {
                                label.name = structure.name.into();
                                label.term = Some(Box::new(structure.term()));
                            });
                            ui.close();
                        }
                    }
                });
            });
        }
    });
}

fn structure_ui(ui: &mut egui::Ui, structure: &Structure) -> bool {
    ui.button(structure.name).on_hover_text(structure.term().described()).clicked()
}

fn change(table: &LabelTable, value: LabelValue, outbox: &mut Outbox, change: impl FnOnce(&mut Label)) {
    let mut table = table.clone();
    if let Some(label) = table.get_mut(value) {
        change(label);
    }
    outbox.send(Request::Labels {
        table,
        name: format!("Meaning of label {value}"),
        control: ("label meaning", value),
    });
}
