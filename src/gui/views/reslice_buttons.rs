//! The buttons of the oblique and the curved tile: planes to lie as, points of the path, angles, thickness.

use crate::app::state::reslicing::{Angles, Directions, ResliceRequest, ResliceTile, THICKEST_MM, WIDTHS_MM};
use crate::app::{Outbox, Request, Studio, commands};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Slab, SlabKind};
use crate::words::{self, say};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{DragValue, Rect, vec2};
use egui_phosphor::regular as icon;

/// Width of the menu.
const MENU_WIDTH: f32 = 70.0 * UNIT;

/// Buttons in the upper right corner.
pub fn buttons_ui(ui: &mut egui::Ui, rect: Rect, tile: ResliceTile, studio: &Studio, outbox: &mut Outbox) {
    let corner = rect.right_top();
    let place = Rect::from_min_max(corner + vec2(-40.0 * UNIT, UNIT), corner + vec2(-UNIT, 7.0 * UNIT));
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let builder = egui::UiBuilder::new().max_rect(place).layout(layout);
    let mut inside = ui.new_child(builder.id_salt(("reslice buttons", tile as usize)));
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    inside.spacing_mut().item_spacing.x = 0.0;
    let ui = &mut inside;
    let text = egui::RichText::new(icon::SLIDERS_HORIZONTAL).color(theme::VIEW_TEXT);
    // Its controls are used one after the other.
    let stays = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let size = vec2(5.0 * UNIT, 5.0 * UNIT);
    let button = MenuButton::from_button(egui::Button::new(text).frame(false).min_size(size)).config(stays);
    let (name, hint) = match tile {
        ResliceTile::Oblique => (say!("The oblique plane"), say!("Angles and thickness of the plane")),
        ResliceTile::Curved => (say!("The straightened picture"), say!("Angle, width and thickness")),
    };
    let menu = button.ui(ui, |ui| match tile {
        ResliceTile::Oblique => plane_menu_ui(ui, studio, outbox),
        ResliceTile::Curved => path_menu_ui(ui, studio, outbox),
    });
    menu.0.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, name));
    menu.0.on_hover_text(hint);
    let shown: &[(&str, &'static str)] = match tile {
        ResliceTile::Oblique => &[
            (icon::DOWNLOAD_SIMPLE, "file.picture-oblique"),
            ("S", "view.oblique-sagittal"),
            ("C", "view.oblique-coronal"),
            ("A", "view.oblique-axial"),
        ],
        ResliceTile::Curved => &[
            (icon::DOWNLOAD_SIMPLE, "file.picture-curved"),
            (icon::TRASH, "view.path-clear"),
            (icon::PEN_NIB, "view.path-place"),
        ],
    };
    for (text, id) in shown {
        let Some(entry) = commands::find(id) else { continue };
        let is_on = *id == "view.path-place" && studio.reslicing.is_placing;
        let colour = if is_on { theme::PATH } else { theme::VIEW_TEXT };
        let button = egui::Button::new(egui::RichText::new(*text).color(colour)).frame(false).min_size(size);
        let response = ui.add_enabled((entry.lacks)(studio).is_none(), button);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, words::text(entry.name)));
        if response.on_hover_text(commands::tooltip(&studio.settings.keys, entry)).clicked() {
            outbox.run(id);
        }
    }
}

/// A control at the right edge behind its name at the left one; whether it was changed.
fn named_ui(ui: &mut egui::Ui, name: &str, control: impl egui::Widget) -> bool {
    ui.horizontal(|ui| {
        let label = ui.label(name);
        let right = egui::Layout::right_to_left(egui::Align::Center);
        ui.with_layout(right, |ui| ui.add(control).labelled_by(label.id).changed()).inner
    })
    .inner
}

fn degrees(value: &mut f64) -> DragValue<'_> {
    DragValue::new(value).speed(0.5).range(-180.0..=180.0).max_decimals(1).suffix("°")
}

/// Thickness and what becomes of the values through it.
fn slab_ui(ui: &mut egui::Ui, slab: &mut Slab) -> bool {
    ui.separator();
    let thickness = DragValue::new(&mut slab.thickness_mm).speed(0.2).range(0.0..=THICKEST_MM).max_decimals(1);
    let mut is_changed = named_ui(ui, say!("Thickness"), thickness.suffix(" mm"));
    ui.horizontal(|ui| {
        for kind in SlabKind::ALL {
            is_changed |= ui.selectable_value(&mut slab.kind, kind, words::text(kind.name())).changed();
        }
    });
    is_changed
}

fn plane_menu_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.set_width(MENU_WIDTH);
    let mut form = studio.oblique();
    let mut angles: Angles = form.directions.angles();
    let mut is_turned = named_ui(ui, say!("Forward"), degrees(&mut angles.forward));
    is_turned |= named_ui(ui, say!("Sideways"), degrees(&mut angles.sideways));
    is_turned |= named_ui(ui, say!("In the picture"), degrees(&mut angles.within));
    if is_turned {
        form.directions = Directions::from(angles);
    }
    if slab_ui(ui, &mut form.slab) || is_turned {
        outbox.send(Request::Reslice(ResliceRequest::Plane(form)));
    }
}

fn path_menu_ui(ui: &mut egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    ui.set_width(MENU_WIDTH);
    let mut form = studio.path();
    let angle = egui::Slider::new(&mut form.angle, -180.0..=180.0).max_decimals(0).suffix("°");
    let mut is_changed = named_ui(ui, say!("Angle"), angle);
    let width = egui::Slider::new(&mut form.width_mm, WIDTHS_MM).max_decimals(0).suffix(" mm");
    is_changed |= named_ui(ui, say!("Picture width"), width);
    if slab_ui(ui, &mut form.slab) || is_changed {
        outbox.send(Request::Reslice(ResliceRequest::Path(form)));
    }
}
