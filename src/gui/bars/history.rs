//! Undo and redo in the bar, and the list of steps that leads back to any of them.

use crate::app::commands;
use crate::app::state::settings::UNDO_MB;
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::{beside, icon_button, note};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Width of the list.
const WIDTH: f32 = 64.0 * UNIT;
/// Most height of the list.
const HEIGHT: f32 = 90.0 * UNIT;

/// Undo and redo, with the name of the step, and the list of all steps.
pub fn history_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let session = &studio.session;
    for (id, sign, step) in [
        ("edit.undo", icon::ARROW_COUNTER_CLOCKWISE, session.undo_name()),
        ("edit.redo", icon::ARROW_CLOCKWISE, session.redo_name()),
    ] {
        let Some(entry) = commands::find(id) else { continue };
        let lacks = (entry.lacks)(studio);
        let button = egui::Button::new(egui::RichText::new(sign).size(theme::HEADING));
        let button = ui.add_enabled(lacks.is_none(), button);
        button.widget_info(|| {
            egui::WidgetInfo::labeled(egui::WidgetType::Button, lacks.is_none(), words::text(entry.name))
        });
        let keys: Vec<String> =
            commands::keys_of(&studio.settings.keys, entry).iter().map(ToString::to_string).collect();
        let keys = if keys.is_empty() { String::new() } else { format!(" ({})", keys.join(", ")) };
        let hint = match (lacks, step) {
            (Some(lacks), _) => format!("{}{keys}", words::text(lacks)),
            (None, Some(step)) => format!("{}: {}{keys}", words::text(entry.name), words::shown(step)),
            (None, None) => format!("{}{keys}", words::text(entry.name)),
        };
        beside(&button, &hint);
        if button.clicked() {
            outbox.run(entry.id);
        }
    }
    let list = icon_button(ui, icon::CARET_DOWN, say!("Steps"));
    beside(&list, say!("All steps that can be taken back or made again"));
    egui::Popup::menu(&list)
        .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
        .width(WIDTH)
        .show(|ui| steps_ui(ui, studio, outbox));
}

/// A row of the list: a step and how many it takes to get there, or what is now.
enum Row<'a> {
    Undone(&'a str, isize),
    Now,
    Done(&'a str, isize),
}

/// The steps: what can be made again above, then what is now, then what can be taken back, the last one first.
fn steps_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let session = &studio.session;
    let mut rows: Vec<Row> = (1..).zip(session.redo_names()).map(|(n, name)| Row::Undone(name, -n)).collect();
    rows.reverse();
    rows.push(Row::Now);
    rows.extend((1..).zip(session.undo_names()).map(|(n, name)| Row::Done(name, n)));
    let height = ui.spacing().interact_size.y;
    let list = egui::ScrollArea::vertical().max_height(HEIGHT).auto_shrink([false, true]);
    list.show_rows(ui, height, rows.len(), |ui, range| {
        let dim = theme::tokens(ui).dim;
        for row in rows.get(range).unwrap_or_default() {
            match *row {
                Row::Undone(name, steps) => {
                    let name = words::shown(name);
                    let text = egui::RichText::new(&*name).color(dim).italics();
                    step_ui(ui, text, &say!("Make again up to here: {name}", name), steps, outbox);
                }
                Row::Now => {
                    ui.add(egui::Label::new(egui::RichText::new(say!("Now")).strong()).truncate());
                }
                Row::Done(name, steps) => {
                    let name = words::shown(name);
                    let hint = say!("Take back to before: {name}", name);
                    step_ui(ui, egui::RichText::new(&*name), &hint, steps, outbox);
                }
            }
        }
    });
    ui.separator();
    let mut room = studio.settings.undo_mb;
    ui.horizontal(|ui| {
        ui.label(say!("Room for steps"));
        let drag = ui.add(egui::DragValue::new(&mut room).range(UNDO_MB).speed(8).suffix(" MB"));
        drag.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::DragValue, true, say!("Room for steps")));
    });
    if room != studio.settings.undo_mb {
        let mut settings = studio.settings.clone();
        settings.undo_mb = room;
        outbox.send(Request::Settings(Box::new(settings)));
    }
    if session.dropped_steps() > 0 {
        note(ui, say!("{count} older steps had no room.", count = session.dropped_steps()));
    }
}

fn step_ui(ui: &mut egui::Ui, text: egui::RichText, name: &str, steps: isize, outbox: &mut Outbox) {
    let button = ui.add(egui::Button::new(text).frame(false).truncate());
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
    if button.on_hover_text(name).clicked() {
        outbox.send(Request::Travel(steps));
    }
}
