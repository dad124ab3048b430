//! Lines that are drawn on and off a structure.

use super::touch_answer::{NOTHING, OFF, ON};
use crate::edit::{Brush, BrushShape};
use crate::volume::{Geometry, Plane, PlaneLayout};

/// Width of a line, in pixels of the slice, and the longest side of a slice over which it is that wide; it grows with larger ones.
const WIDTH: f64 = 2.0;
const SIDE: f64 = 256.0;

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub struct Scribble {
    /// Whether it lies on the structure, or off it.
    pub is_on: bool,
    /// In pixels of the slice.
    pub points: Vec<[f64; 2]>,
}

/// Lines on a slice: what the user says of it, never labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Scribbles {
    /// The plane of their slice.
    pub plane: Plane,
    /// The slice.
    pub slice: usize,
    /// In the order of drawing.
    pub lines: Vec<Scribble>,
}

impl Scribbles {
    /// The pixels under the lines, row by row of the slice; where lines cross the later one counts.
    pub(super) fn drawn(&self, geometry: &Geometry, layout: &PlaneLayout) -> Vec<u8> {
        let [columns, rows, _] = layout.size;
        let spacing = geometry.spacing_mm();
        let pixel = spacing[layout.axes[0]].max(spacing[layout.axes[1]]);
        let wide = WIDTH * (columns.max(rows) as f64 / SIDE).max(1.0);
        let brush = Brush { diameter_mm: wide * pixel, shape: BrushShape::Disc };
        let mut drawn = vec![NOTHING; columns * rows];
        for line in &self.lines {
            let mark = if line.is_on { ON } else { OFF };
            let from = line.points.iter().take(1).chain(&line.points);
            for (from, to) in from.zip(&line.points) {
                for row in brush.sweep(geometry, layout, self.slice, *from, *to) {
                    for n in 0..row.count {
                        let [column, row, _] = layout.screen([row.start[0] + n, row.start[1], row.start[2]]);
                        drawn[row * columns + column] = mark;
                    }
                }
            }
        }
        drawn
    }
}
