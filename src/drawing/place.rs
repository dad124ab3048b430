//! Where pixels of a picture lie in the slice, and how large the picture is.

use crate::volume::{Geometry, PlaneLayout};

/// Shorter side of a saved picture where nobody says it.
pub const PICTURE_EDGE: usize = 512;
/// Longest side of a picture.
const LONGEST_SIDE: usize = 8 * PICTURE_EDGE;

/// How large a picture is, in square pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSize {
    /// Pixels of its shorter side.
    ShorterSide(usize),
    /// Pixels across.
    Width(usize),
}

impl PictureSize {
    /// Columns and rows of a picture of a slice.
    pub fn of(self, layout: &PlaneLayout, geometry: &Geometry) -> [usize; 2] {
        let [width, height, _] = layout.pixel_mm(geometry);
        self.pixels([layout.size[0], layout.size[1]], [width, height])
    }

    fn pixels(self, slice: [usize; 2], pixel_mm: [f64; 2]) -> [usize; 2] {
        let extent = [0, 1].map(|n| slice[n] as f64 * pixel_mm[n]);
        let scale = match self {
            Self::ShorterSide(side) => side as f64 / extent[0].min(extent[1]),
            Self::Width(width) => width as f64 / extent[0],
        };
        extent.map(|side| ((side * scale).round() as usize).clamp(1, LONGEST_SIDE))
    }
}

/// Where pixels of a picture lie in the slice.
pub struct Place {
    /// Columns and rows of the slice.
    pub slice: [usize; 2],
    /// Pixels of the picture.
    pub size: [usize; 2],
    /// Position in the slice of the picture's left and upper edge, in pixels of the slice.
    pub start: [f64; 2],
    /// Pixels of the slice in a pixel of the picture.
    pub step: [f64; 2],
}

impl Place {
    /// A slice in a picture of a size, so much enlarged, moved by millimetres.
    pub fn new(slice: [usize; 2], pixel_mm: [f64; 2], size: PictureSize, (zoom, pan_mm): (f32, [f32; 2])) -> Self {
        let size = size.pixels(slice, pixel_mm);
        let zoom = f64::from(zoom).max(1.0);
        let pan = if zoom > 1.0 { pan_mm } else { [0.0; 2] };
        let shown = slice.map(|side| side as f64 / zoom);
        let start = [0, 1].map(|n| (slice[n] as f64 - shown[n]) / 2.0 - f64::from(pan[n]) / pixel_mm[n]);
        let step = [0, 1].map(|n| shown[n] / size[n] as f64);
        Self { slice, size, start, step }
    }

    /// Position in the slice of the middle of a pixel; pixel `n` of the slice spans `n..n + 1`.
    pub fn in_slice(&self, axis: usize, at: usize) -> f64 {
        self.start[axis] + (at as f64 + 0.5) * self.step[axis]
    }

    /// Whether a position along an axis is in the slice.
    pub fn is_inside(&self, axis: usize, at: f64) -> bool {
        at >= 0.0 && at < self.slice[axis] as f64
    }

    /// Position in the picture of one in the slice; it may lie beside the picture.
    pub fn on_picture(&self, axis: usize, at: f64) -> f64 {
        (at - self.start[axis]) / self.step[axis]
    }

    /// First pixel of the picture at or after a border of the slice; it may lie beside the picture.
    pub fn in_picture(&self, axis: usize, border: f64) -> f64 {
        self.on_picture(axis, border).round()
    }
}
