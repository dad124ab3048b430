//! Where a slice lies on the screen.

use crate::app::state::views::{self, Pose};
use crate::gui::egui;
use crate::gui::theme::UNIT;
use crate::volume::PlaneLayout;
use egui::{Pos2, Rect, Vec2, vec2};

/// A slice on the screen.
pub struct Frame {
    /// The tile.
    pub rect: Rect,
    /// The whole image; parts of it may lie outside the tile.
    pub image: Rect,
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// Whether the image is mirrored left to right, and top to bottom.
    pub flips: [bool; 2],
    /// Points per millimetre.
    pub scale: f32,
}

fn extent(layout: &PlaneLayout, pixel_mm: [f64; 3]) -> egui::Vec2 {
    vec2((layout.size[0] as f64 * pixel_mm[0]) as f32, (layout.size[1] as f64 * pixel_mm[1]) as f32)
}

/// Room for a slice in a tile, in points.
pub fn room(tile: Rect) -> [f32; 2] {
    tile.shrink(2.0 * UNIT).size().into()
}

/// Points per millimetre with which a slice just fits a tile.
pub fn fitting_scale(rect: Rect, layout: &PlaneLayout, pixel_mm: [f64; 3]) -> f32 {
    views::fitting_scale(room(rect), extent(layout, pixel_mm).into())
}

impl Frame {
    /// A slice in a tile; `fit` is the scale at a zoom of 1.
    pub fn new(rect: Rect, layout: &PlaneLayout, pixel_mm: [f64; 3], fit: f32, pose: Pose, flips: [bool; 2]) -> Self {
        let scale = fit * pose.zoom;
        let shift = vec2(pose.pan_mm[0], pose.pan_mm[1]) * scale;
        let image = Rect::from_center_size(rect.center() + shift, extent(layout, pixel_mm) * scale);
        Self { rect, image, size: layout.size, flips, scale }
    }

    /// A picture of so many pixels of a size in millimetres; as [`Self::new`].
    pub fn of_picture(rect: Rect, [columns, rows]: [usize; 2], pixel_mm: f64, fit: f32, pose: Pose) -> Self {
        let scale = fit * pose.zoom;
        let shift = vec2(pose.pan_mm[0], pose.pan_mm[1]) * scale;
        let extent = vec2((columns as f64 * pixel_mm) as f32, (rows as f64 * pixel_mm) as f32);
        let image = Rect::from_center_size(rect.center() + shift, extent * scale);
        Self { rect, image, size: [columns, rows, 1], flips: [false; 2], scale }
    }

    /// A share of the image's width and height, counted from the other side where it is mirrored.
    fn mirrored(&self, share: Vec2) -> Vec2 {
        let along = |share: f32, is_flipped: bool| if is_flipped { 1.0 - share } else { share };
        vec2(along(share.x, self.flips[0]), along(share.y, self.flips[1]))
    }

    /// Screen point of a position in slice pixels.
    pub fn to_screen(&self, at: [f32; 2]) -> Pos2 {
        let share = vec2(at[0] / self.size[0] as f32, at[1] / self.size[1] as f32);
        self.image.min + self.mirrored(share) * self.image.size()
    }

    /// Position in slice pixels of a screen point.
    pub fn to_slice(&self, at: Pos2) -> [f64; 2] {
        let share = self.mirrored((at - self.image.min) / self.image.size());
        [f64::from(share.x) * self.size[0] as f64, f64::from(share.y) * self.size[1] as f64]
    }

    /// Column and row under a screen point, where it is over the image.
    pub fn pixel_under(&self, at: Pos2) -> Option<[usize; 2]> {
        let [x, y] = self.to_slice(at);
        let inside = x >= 0.0 && y >= 0.0 && x < self.size[0] as f64 && y < self.size[1] as f64;
        inside.then_some([x as usize, y as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Plane};

    #[test]
    fn a_mirrored_image_is_pointed_at_where_it_is_seen() {
        let geometry = Geometry::new([8, 4, 2], Affine::IDENTITY).unwrap();
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let tile = Rect::from_min_size(Pos2::ZERO, vec2(80.0, 40.0));
        let frame = |flips| Frame::new(tile, &layout, [1.0; 3], 10.0, Pose::FIT, flips);
        let at = egui::pos2(15.0, 12.0);
        assert_eq!(frame([false; 2]).pixel_under(at), Some([1, 1]));
        assert_eq!(frame([true, false]).pixel_under(at), Some([6, 1]));
        assert_eq!(frame([false, true]).pixel_under(at), Some([1, 2]));
        for flips in [[false; 2], [true, false], [true; 2]] {
            let frame = frame(flips);
            let [x, y] = frame.to_slice(frame.to_screen([2.25, 3.5]));
            assert!((x - 2.25).abs() < 1e-4 && (y - 3.5).abs() < 1e-4, "{flips:?}: {x} {y}");
            // The voxel that is seen there is that of the mirrored layout.
            let [column, row] = frame.pixel_under(at).unwrap();
            assert_eq!(layout.voxel([column, row, 0]), layout.mirrored(flips).voxel([1, 1, 0]));
        }
        assert_eq!(layout.letters, ['R', 'L', 'A', 'P']);
        assert_eq!(layout.mirrored([true, false]).letters, ['L', 'R', 'A', 'P']);
        assert_eq!(layout.mirrored([true; 2]).letters, ['L', 'R', 'P', 'A']);
    }
}
