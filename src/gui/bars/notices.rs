//! Messages at the left end of the line above the status: the newest one, and a list of all where there are more. They lie over no image.

use crate::app::state::notices::{Kind, Notice};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui_phosphor::regular as icon;

/// Width of the list, and of a message's details.
const WIDTH: f32 = 140.0 * UNIT;
/// Most height of the list, and of details.
const HEIGHT: f32 = 80.0 * UNIT;

/// Shows the newest message.
pub fn notices_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let all = studio.notices.all();
    let Some((newest, notice)) = all.iter().enumerate().next_back() else { return };
    ui.spacing_mut().item_spacing.x = UNIT;
    if all.len() > 1 {
        let errors = all.iter().filter(|notice| notice.kind == Kind::Error).count();
        let t = theme::tokens(ui);
        let colour = if errors > 0 { t.bad } else { t.text };
        let text = egui::RichText::new(say!("{count} messages", count = all.len())).color(colour);
        let button = ui.button(text).on_hover_text(say!("All messages, the newest last"));
        egui::Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).width(WIDTH).show(
            |ui| {
                let list = egui::ScrollArea::vertical().max_height(HEIGHT);
                list.show(ui, |ui| {
                    for (n, notice) in all.iter().enumerate() {
                        ui.horizontal(|ui| line_ui(ui, n, notice, outbox));
                    }
                });
            },
        );
    }
    line_ui(ui, newest, notice, outbox);
}

fn sign(ui: &egui::Ui, kind: Kind) -> (egui::Color32, &'static str) {
    let t = theme::tokens(ui);
    match kind {
        Kind::Info => (t.accent, icon::INFO),
        Kind::Warning => (t.warn, icon::WARNING),
        Kind::Error => (t.bad, icon::WARNING_OCTAGON),
    }
}

/// A message in one line; what does not fit is in its tooltip.
fn line_ui(ui: &mut egui::Ui, n: usize, notice: &Notice, outbox: &mut Outbox) {
    let (colour, sign) = sign(ui, notice.kind);
    ui.label(egui::RichText::new(sign).color(colour).size(theme::HEADING));
    let has_details = !notice.details.is_empty();
    let buttons = if has_details { 28.0 * UNIT } else { 10.0 * UNIT };
    let room = (ui.available_width() - buttons).max(10.0 * UNIT);
    ui.scope(|ui| {
        ui.set_max_width(room);
        let text = words::shown(&notice.text);
        ui.add(egui::Label::new(&*text).truncate()).on_hover_text(&*text);
    });
    if has_details {
        let button = ui.button(say!("Details"));
        egui::Popup::menu(&button)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .width(WIDTH)
            .show(|ui| details_ui(ui, notice));
    }
    let button = ui.add(egui::Button::new(icon::X).small());
    button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Dismiss this message")));
    if button.on_hover_text(say!("Dismiss this message")).clicked() {
        outbox.send(Request::Dismiss(n));
    }
}

fn details_ui(ui: &mut egui::Ui, notice: &Notice) {
    ui.add(egui::Label::new(&*words::shown(&notice.text)).wrap());
    let details: Vec<_> = notice.details.lines().map(words::shown).collect();
    egui::ScrollArea::vertical().max_height(HEIGHT).show(ui, |ui| {
        ui.add(egui::Label::new(egui::RichText::new(details.join("\n")).small()).wrap());
    });
    if ui.button(say!("Copy")).on_hover_text(say!("Copy message and details")).clicked() {
        ui.ctx().copy_text(format!("{}\n{}", notice.text, notice.details));
    }
}
