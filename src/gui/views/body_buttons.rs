//! The buttons of the 3-D tile: sides to look from, what is shown, what is cut away.

use super::body_box::box_menu_ui;
use crate::app::state::body::{BodyForm, BodyRequest, Cut};
use crate::app::state::rendering::Rendering;
use crate::app::{Outbox, Request, Studio, commands};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::Plane;
use crate::words::{self, say};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Rect, vec2};
use egui_phosphor::regular as icon;

/// Sides to look from, and what is cut away, in the upper right corner.
pub fn buttons_ui(ui: &mut egui::Ui, rect: Rect, studio: &Studio, outbox: &mut Outbox) {
    let place =
        Rect::from_min_max(rect.right_top() + vec2(-64.0 * UNIT, UNIT), rect.right_top() + vec2(-UNIT, 7.0 * UNIT));
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(place).layout(layout).id_salt("body buttons"));
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    inside.spacing_mut().item_spacing.x = 0.0;
    let ui = &mut inside;
    let size = vec2(5.0 * UNIT, 5.0 * UNIT);
    let button =
        |text: &str| egui::Button::new(egui::RichText::new(text).color(theme::VIEW_TEXT)).frame(false).min_size(size);
    let keys = &studio.settings.keys;
    let mut command = |ui: &mut egui::Ui, text: &str, id: &'static str| {
        let Some(entry) = commands::find(id) else { return };
        let response = ui.add(button(text));
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, words::text(entry.name)));
        if response.on_hover_text(commands::tooltip(keys, entry)).clicked() {
            outbox.run(id);
        }
    };
    command(ui, icon::ARROWS_OUT, "view.body-fit");
    for (letter, id) in [
        ("I", "view.body-inferior"),
        ("S", "view.body-superior"),
        ("P", "view.body-posterior"),
        ("A", "view.body-anterior"),
        ("L", "view.body-left"),
        ("R", "view.body-right"),
    ] {
        command(ui, letter, id);
    }
    command(ui, icon::STACK, "view.body-slices");
    let text = egui::RichText::new(icon::CUBE).color(theme::VIEW_TEXT);
    let menu = MenuButton::from_button(egui::Button::new(text).frame(false).min_size(size)).ui(ui, |ui| {
        renderings_ui(ui, studio, outbox);
    });
    menu.0.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("What the 3-D tile shows")));
    menu.0.on_hover_text(say!("Labels as surfaces, or the values of the scan all through"));
    let is_boxed = studio.clip_box().is_some_and(|clip| clip.is_on);
    let is_cut = is_boxed || studio.body.form.cuts.iter().any(Option::is_some);
    let text = egui::RichText::new(icon::SCISSORS).color(if is_cut { theme::SAGITTAL } else { theme::VIEW_TEXT });
    // Its sliders are used one after the other.
    let stays = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let button = MenuButton::from_button(egui::Button::new(text).frame(false).min_size(size)).config(stays);
    let menu = button.ui(ui, |ui| {
        cuts_ui(ui, studio, outbox);
        ui.separator();
        box_menu_ui(ui, studio, outbox);
    });
    menu.0.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, say!("Cut the body")));
    menu.0.on_hover_text(say!("Take away what lies on one side of a slice, or outside of a box"));
}

fn renderings_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    let is_ct = studio.volume().is_some_and(|volume| volume.is_ct());
    for rendering in Rendering::ALL.into_iter().filter(|rendering| is_ct || !rendering.is_for_ct()) {
        if ui.selectable_label(studio.body.form.rendering == rendering, words::text(rendering.name())).clicked() {
            let form = BodyForm { rendering, ..studio.body.form };
            outbox.send(Request::Body(BodyRequest::Form(form)));
            ui.close();
        }
    }
}

fn cuts_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    for (plane, names) in [
        (Plane::Axial, [say!("Hide what is above the axial slice"), say!("Hide what is below the axial slice")]),
        (
            Plane::Coronal,
            [say!("Hide what is in front of the coronal slice"), say!("Hide what is behind the coronal slice")],
        ),
        (
            Plane::Sagittal,
            [say!("Hide what is right of the sagittal slice"), say!("Hide what is left of the sagittal slice")],
        ),
    ] {
        for (cut, name) in [Cut::Positive, Cut::Negative].into_iter().zip(names) {
            let mut form: BodyForm = studio.body.form;
            let slot = &mut form.cuts[plane as usize];
            let is_on = *slot == Some(cut);
            if ui.selectable_label(is_on, name).clicked() {
                *slot = (!is_on).then_some(cut);
                outbox.send(Request::Body(BodyRequest::Form(form)));
                ui.close();
            }
        }
    }
}
