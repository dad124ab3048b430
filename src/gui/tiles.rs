//! The centre: four tiles with draggable splits, or one of them alone.

use super::egui;
use super::info_tile::info_tile_ui;
use super::settings::Settings;
use super::slice_view::slice_view_ui;
use super::theme;
use super::viewer::{Tile, Viewer};
use crate::volume::Plane;
use egui::{Rect, pos2};

/// Smallest share of a tile.
const MIN_SHARE: f32 = 0.15;

/// The tiles in reading order.
const ORDER: [Tile; 4] =
    [Tile::Slice(Plane::Axial), Tile::Slice(Plane::Sagittal), Tile::Slice(Plane::Coronal), Tile::Info];

/// Shows the tiles in `area`.
pub fn tiles_ui(ui: &mut egui::Ui, area: Rect, viewer: &mut Viewer, settings: &mut Settings) {
    viewer.hovered = None;
    viewer.hovered_label = 0;
    viewer.hovered_view = None;
    let mut toggled = None;
    if let Some(tile) = viewer.maximised {
        if tile_ui(ui, area, tile, viewer, settings) {
            toggled = Some(tile);
        }
    } else {
        let [x, y] = settings.splits;
        let middle = pos2((area.left() + area.width() * x).round(), (area.top() + area.height() * y).round());
        let half = theme::GAP / 2.0;
        let rects = [
            Rect::from_min_max(area.min, middle - egui::vec2(half, half)),
            Rect::from_min_max(pos2(middle.x + half, area.top()), pos2(area.right(), middle.y - half)),
            Rect::from_min_max(pos2(area.left(), middle.y + half), pos2(middle.x - half, area.bottom())),
            Rect::from_min_max(middle + egui::vec2(half, half), area.max),
        ];
        for (tile, rect) in ORDER.into_iter().zip(rects) {
            if tile_ui(ui, rect, tile, viewer, settings) {
                toggled = Some(tile);
            }
        }
        splits_ui(ui, area, middle, settings);
    }
    if let Some(tile) = toggled {
        viewer.maximised = if viewer.maximised.is_some() { None } else { Some(tile) };
    }
}

fn tile_ui(ui: &mut egui::Ui, rect: Rect, tile: Tile, viewer: &mut Viewer, settings: &mut Settings) -> bool {
    match tile {
        Tile::Slice(plane) => slice_view_ui(ui, rect, plane, viewer, settings),
        Tile::Info => info_tile_ui(ui, rect, viewer),
    }
}

fn splits_ui(ui: &mut egui::Ui, area: Rect, middle: egui::Pos2, settings: &mut Settings) {
    let grip = theme::GRIP;
    let grips = [
        (
            Rect::from_center_size(pos2(middle.x, area.center().y), egui::vec2(grip, area.height())),
            egui::CursorIcon::ResizeHorizontal,
        ),
        (
            Rect::from_center_size(pos2(area.center().x, middle.y), egui::vec2(area.width(), grip)),
            egui::CursorIcon::ResizeVertical,
        ),
    ];
    for (axis, (rect, cursor)) in grips.into_iter().enumerate() {
        let response = ui.interact(rect, ui.id().with(("split", axis)), egui::Sense::drag()).on_hover_cursor(cursor);
        if response.dragged() {
            let share = response.drag_delta()[axis] / area.size()[axis];
            settings.splits[axis] = (settings.splits[axis] + share).clamp(MIN_SHARE, 1.0 - MIN_SHARE);
        }
    }
}
