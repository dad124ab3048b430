//! Tiles with draggable splits, or one of them alone.

use super::body::body_view_ui;
use super::facts::facts_ui;
use super::frame::{fitting_scale, room};
use super::numbers::numbers_tile_ui;
use super::resliced::resliced_ui;
use super::slice_view::{Views, slice_view_ui};
use crate::app::state::reslicing::ResliceTile;
use crate::app::state::tiles::{Layout, TileContent};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::paint::opaque::ground;
use crate::gui::paint::textures::Textures;
use crate::gui::theme::{self, UNIT};
use crate::volume::{Plane, PlaneLayout, Volume};
use crate::words::{self, say};
use egui::{Rect, pos2};
use egui_phosphor::regular as icon;

/// Smallest share of a tile.
const MIN_SHARE: f32 = 0.15;

/// Shows the tiles in `area`.
pub fn views_ui(
    ui: &mut egui::Ui,
    area: Rect,
    studio: &Studio,
    outbox: &mut Outbox,
    views: &mut Views,
    textures: &mut Textures,
) {
    let (Some(volume), Some(view)) = (studio.volume(), studio.view()) else { return };
    let alone = studio.display.maximised.or_else(|| only_plane(volume, studio));
    let middle = middle(area, studio.settings.splits);
    let tiles: Vec<(usize, Rect)> = match alone {
        Some(tile) => vec![(tile, area)],
        None => rects(area, middle, studio.settings.layout).into_iter().enumerate().collect(),
    };
    let fit = linked_fit(&tiles, volume, studio);
    let rooms = rooms(&tiles, studio);
    if rooms != studio.rooms {
        outbox.send(Request::Rooms(rooms));
    }
    let mut hover = None;
    for (n, rect) in &tiles {
        let content = studio.settings.tiles[*n];
        let is_double_clicked = match content {
            TileContent::Plane(plane) => {
                let layout = PlaneLayout::new(&volume.geometry, plane);
                let own = fitting_scale(*rect, &layout, layout.pixel_mm(&volume.geometry));
                let fit = fit.unwrap_or(own);
                slice_view_ui(ui, *rect, plane, fit, (studio, volume, view), outbox, (views, textures), &mut hover)
            }
            TileContent::Body => body_view_ui(ui, *rect, (studio, volume, view), outbox, &mut views.body),
            TileContent::Oblique | TileContent::Curved => {
                let tile = if content == TileContent::Oblique { ResliceTile::Oblique } else { ResliceTile::Curved };
                resliced_ui(ui, *rect, (tile, fit), (studio, volume, view), outbox, &mut views.resliced)
            }
            TileContent::Facts => facts_ui(ui, *rect, volume),
            TileContent::Numbers => numbers_tile_ui(ui, *rect, studio, outbox),
            TileContent::Nothing => {
                ui.painter().add(ground(vec![*rect], theme::VIEW_GROUND));
                false
            }
        };
        tile_menu_ui(ui, *n, *rect, studio, outbox);
        if is_double_clicked {
            let maximised = if studio.display.maximised.is_some() { None } else { Some(*n) };
            outbox.send(Request::Display(crate::app::state::studio::Display { maximised, ..studio.display }));
        }
    }
    if hover != studio.hover {
        outbox.send(Request::Hover(hover));
    }
    if alone.is_none() {
        splits_ui(ui, area, middle, studio, outbox);
    }
}

/// A picture has one plane to look at: the tile that shows it fills the centre by itself.
fn only_plane(volume: &Volume, studio: &Studio) -> Option<usize> {
    let flat = |plane: &Plane| PlaneLayout::new(&volume.geometry, *plane).size[2] == 1;
    let mut planes = Plane::ALL.into_iter().filter(flat);
    let plane = planes.next().filter(|_| planes.next().is_none())?;
    studio.settings.tiles.iter().position(|tile| *tile == TileContent::Plane(plane))
}

/// The smallest scale with which every view on screen shows its slice whole, where all have one scale.
fn linked_fit(tiles: &[(usize, Rect)], volume: &Volume, studio: &Studio) -> Option<f32> {
    if !studio.settings.linked_scale {
        return None;
    }
    let fits = tiles.iter().filter_map(|(n, rect)| match studio.settings.tiles[*n] {
        TileContent::Plane(plane) => {
            let layout = PlaneLayout::new(&volume.geometry, plane);
            Some(fitting_scale(*rect, &layout, layout.pixel_mm(&volume.geometry)))
        }
        TileContent::Body
        | TileContent::Oblique
        | TileContent::Curved
        | TileContent::Facts
        | TileContent::Numbers
        | TileContent::Nothing => None,
    });
    fits.reduce(f32::min)
}

/// Room for the slices of each plane that is on screen.
fn rooms(tiles: &[(usize, Rect)], studio: &Studio) -> [Option<[f32; 2]>; 3] {
    let mut rooms = [None; 3];
    for (n, rect) in tiles {
        if let TileContent::Plane(plane) = studio.settings.tiles[*n] {
            rooms[plane as usize] = Some(room(*rect));
        }
    }
    rooms
}

fn middle(area: Rect, [x, y]: [f32; 2]) -> egui::Pos2 {
    pos2((area.left() + area.width() * x).round(), (area.top() + area.height() * y).round())
}

fn rects(area: Rect, middle: egui::Pos2, layout: Layout) -> Vec<Rect> {
    let half = theme::GAP / 2.0;
    let rect = |left: f32, top: f32, right: f32, bottom: f32| Rect::from_min_max(pos2(left, top), pos2(right, bottom));
    let (l, t, r, b) = (area.left(), area.top(), area.right(), area.bottom());
    let (ml, mr, mt, mb) = (middle.x - half, middle.x + half, middle.y - half, middle.y + half);
    match layout {
        Layout::Single => vec![area],
        Layout::OneAndTwo => vec![rect(l, t, ml, b), rect(mr, t, r, mt), rect(mr, mb, r, b)],
        Layout::Grid => vec![rect(l, t, ml, mt), rect(mr, t, r, mt), rect(l, mb, ml, b), rect(mr, mb, r, b)],
        Layout::Row => {
            let at = |n: usize| (l + area.width() * n as f32 / 3.0).round();
            (0..3).map(|n| rect(at(n) + if n > 0 { half } else { 0.0 }, t, at(n + 1) - half, b)).collect()
        }
    }
}

fn splits_ui(ui: &mut egui::Ui, area: Rect, middle: egui::Pos2, studio: &Studio, outbox: &mut Outbox) {
    let grip = theme::GRIP;
    let down = Rect::from_center_size(pos2(middle.x, area.center().y), egui::vec2(grip, area.height()));
    let across = match studio.settings.layout {
        Layout::OneAndTwo => {
            Rect::from_min_max(pos2(middle.x, middle.y - grip / 2.0), pos2(area.right(), middle.y + grip / 2.0))
        }
        _ => Rect::from_center_size(pos2(area.center().x, middle.y), egui::vec2(area.width(), grip)),
    };
    let grips = match studio.settings.layout {
        Layout::Single | Layout::Row => vec![],
        Layout::OneAndTwo | Layout::Grid => {
            vec![(0, down, egui::CursorIcon::ResizeHorizontal), (1, across, egui::CursorIcon::ResizeVertical)]
        }
    };
    for (axis, rect, cursor) in grips {
        let response = ui.interact(rect, ui.id().with(("split", axis)), egui::Sense::drag()).on_hover_cursor(cursor);
        if response.dragged() {
            let share = response.drag_delta()[axis] / area.size()[axis];
            let mut settings = studio.settings.clone();
            settings.splits[axis] = (settings.splits[axis] + share).clamp(MIN_SHARE, 1.0 - MIN_SHARE);
            outbox.send(Request::Settings(Box::new(settings)));
        }
    }
}

/// The small menu in a tile's corner that says what it holds.
fn tile_menu_ui(ui: &mut egui::Ui, n: usize, rect: Rect, studio: &Studio, outbox: &mut Outbox) {
    let size = egui::Vec2::splat(5.0 * UNIT);
    let place = Rect::from_min_size(rect.right_bottom() - size - egui::Vec2::splat(UNIT), size);
    let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(place).id_salt(("tile menu", n)));
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    let text = egui::RichText::new(icon::DOTS_THREE_VERTICAL).color(theme::VIEW_TEXT);
    let button = egui::Button::new(text).frame(false);
    let menu = egui::containers::menu::MenuButton::from_button(button).ui(&mut inside, |ui| {
        for content in TileContent::ALL {
            if ui.selectable_label(studio.settings.tiles[n] == content, words::text(content.name())).clicked() {
                let mut settings = studio.settings.clone();
                // What was there goes where the other one was.
                if let Some(other) =
                    settings.tiles.iter().position(|tile| *tile == content && content != TileContent::Nothing)
                {
                    settings.tiles[other] = settings.tiles[n];
                }
                settings.tiles[n] = content;
                outbox.send(Request::Settings(Box::new(settings)));
                ui.close();
            }
        }
    });
    let name = say!("What tile {n} holds", n = n + 1);
    menu.0.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &name));
    menu.0.on_hover_text(name);
}
