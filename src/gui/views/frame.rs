//! Where a slice lies on the screen.

use crate::app::state::views::Pose;
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::volume::PlaneLayout;
use egui::{Pos2, Rect, vec2};

/// A slice on the screen.
pub struct Frame {
    /// The tile.
    pub rect: Rect,
    /// The whole image; parts of it may lie outside the tile.
    pub image: Rect,
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Points per millimetre.
    pub scale: f32,
}

fn extent(layout: &PlaneLayout, pixel_mm: [f64; 3]) -> egui::Vec2 {
    vec2((layout.size[0] as f64 * pixel_mm[0]) as f32, (layout.size[1] as f64 * pixel_mm[1]) as f32)
}

/// Points per millimetre with which a slice just fits a tile.
pub fn fitting_scale(rect: Rect, layout: &PlaneLayout, pixel_mm: [f64; 3]) -> f32 {
    let (room, extent) = (rect.shrink(2.0 * UNIT).size(), extent(layout, pixel_mm));
    (room.x / extent.x).min(room.y / extent.y).max(1e-3)
}

impl Frame {
    /// A slice in a tile; `fit` is the scale at a zoom of 1.
    pub fn new(rect: Rect, layout: &PlaneLayout, pixel_mm: [f64; 3], fit: f32, pose: Pose) -> Self {
        let scale = fit * pose.zoom;
        let shift = vec2(pose.pan_mm[0], pose.pan_mm[1]) * scale;
        let image = Rect::from_center_size(rect.center() + shift, extent(layout, pixel_mm) * scale);
        Self { rect, image, size: layout.size, scale }
    }

    /// Screen point of a position in slice pixels.
    pub fn to_screen(&self, at: [f32; 2]) -> Pos2 {
        let share = vec2(at[0] / self.size[0] as f32, at[1] / self.size[1] as f32);
        self.image.min + share * self.image.size()
    }

    /// Position in slice pixels of a screen point.
    pub fn to_slice(&self, at: Pos2) -> [f64; 2] {
        let share = (at - self.image.min) / self.image.size();
        [f64::from(share.x) * self.size[0] as f64, f64::from(share.y) * self.size[1] as f64]
    }

    /// Column and row under a screen point, where it is over the image.
    pub fn pixel_under(&self, at: Pos2) -> Option<[usize; 2]> {
        let [x, y] = self.to_slice(at);
        let inside = x >= 0.0 && y >= 0.0 && x < self.size[0] as f64 && y < self.size[1] as f64;
        inside.then_some([x as usize, y as usize])
    }
}
