//! From one shape to another by signed distances.
//!
//! The distance to a shape minus the distance to what is not the shape is 0 between voxels (Raya and Udupa, "Shape-based interpolation of
//! multidimensional objects", 1990, with exact distances). Both shapes are moved to a common centre first, so that those which do not
//! overlap are not lost; and what is taken of the blend is as large as an area between both, since a blend of distances alone is
//! too small where a shape is round along the slices.

use super::picture::{Deep, Pixels, Window};
use crate::work::{Stopped, Watch};

/// Distances in mm that count as equal.
const SAME_MM: f64 = 1e-9;

/// Two shapes that become each other.
pub(super) struct Carry {
    window: Window,
    /// Signed distances in mm, negative inside; empty where there is no shape.
    fields: [Vec<f64>; 2],
    /// From the first centre to the second, in pixels.
    way: [f64; 2],
}

impl Carry {
    pub(super) fn new(
        shapes: &[Pixels; 2],
        is_moved: bool,
        spacing_mm: [f64; 2],
        watch: Watch,
    ) -> Result<Self, Stopped> {
        let [a, b] = [0, 1].map(|end| shapes[end].centre());
        let is_moved = is_moved && shapes.iter().all(|shape| !shape.is_empty());
        let way = if is_moved { [b[0] - a[0], b[1] - a[1]] } else { [0.0; 2] };
        let margin = way[0].abs().max(way[1].abs()).ceil() as i64 + 2;
        let window = Window::around(shapes.iter().flat_map(|shape| &shape.0), margin);
        let field = |shape: &Pixels| -> Result<Vec<f64>, Stopped> {
            if shape.is_empty() {
                return Ok(Vec::new());
            }
            let mask = window.mask(shape);
            let outside = window.distances(spacing_mm, |at| mask[at], watch)?;
            let inside = window.distances(spacing_mm, |at| !mask[at], watch)?;
            Ok(outside.into_iter().zip(inside).map(|(out, within)| out.sqrt() - within.sqrt()).collect())
        };
        Ok(Self { window, fields: [field(&shapes[0])?, field(&shapes[1])?], way })
    }

    /// The shape at a share of the way from the first slice to the second, of about `area` pixels; each with its depth in mm.
    pub(super) fn at(&self, share: f64, area: f64) -> Deep {
        let offset = |from_end: f64| self.way.map(|way| way * from_end);
        let (first, second) = (offset(-share), offset(1.0 - share));
        let blend: Vec<f64> = (0..self.window.count())
            .map(|at| match &self.fields {
                [a, b] if b.is_empty() => a[at],
                [a, b] if a.is_empty() => b[at],
                [a, b] => (1.0 - share) * self.sample(a, at, first) + share * self.sample(b, at, second),
            })
            .collect();
        let level = level(&blend, area);
        let taken = blend.iter().enumerate().filter(|(_, value)| **value <= level + SAME_MM);
        taken.map(|(at, value)| (self.window.pixel(at), (level - value) as f32)).collect()
    }

    /// A field between its places, linearly; at the window's border its last value goes on.
    fn sample(&self, field: &[f64], at: usize, offset: [f64; 2]) -> f64 {
        let size = self.window.size;
        if offset == [0.0; 2] {
            return field[at];
        }
        let place = [(at % size[0]) as f64 + offset[0], (at / size[0]) as f64 + offset[1]];
        let axis = |n: usize| {
            let inside = place[n].clamp(0.0, (size[n] - 1) as f64);
            let low = (inside.floor() as usize).min(size[n] - 1);
            (low, (low + 1).min(size[n] - 1), inside - low as f64)
        };
        let ((x0, x1, u), (y0, y1, v)) = (axis(0), axis(1));
        let row = |y: usize| (1.0 - u) * field[y * size[0] + x0] + u * field[y * size[0] + x1];
        (1.0 - v) * row(y0) + v * row(y1)
    }
}

/// Below which value about `area` places of a field lie, at least one. Places of equal value are taken all or none.
fn level(field: &[f64], area: f64) -> f64 {
    let count = (area.round().max(1.0) as usize).clamp(1, field.len().max(1));
    let mut values = field.to_vec();
    let Some(rank) = count.checked_sub(1).filter(|rank| *rank < values.len()) else { return f64::NEG_INFINITY };
    let (below, value, _) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let value = *value;
    let lower = below.iter().filter(|other| **other < value - SAME_MM).copied();
    let (under, highest) = lower.fold((0, f64::NEG_INFINITY), |(n, high), v| (n + 1, high.max(v)));
    let with = field.iter().filter(|other| **other <= value + SAME_MM).count();
    let is_nearer_without = under > 0 && (area - f64::from(under)).abs() < (with as f64 - area).abs();
    if is_nearer_without { highest } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_equal_value_are_taken_all_or_none() {
        let field = [3.0, 1.0, 2.0, 2.0, 2.0, 5.0];
        assert_eq!(level(&field, 1.0), 1.0);
        assert_eq!(level(&field, 2.0), 1.0, "4 would be further off");
        assert_eq!(level(&field, 3.0), 2.0);
        assert_eq!(level(&field, 0.0), 1.0, "never nothing");
        assert_eq!(level(&[2.0, 2.0], 1.0), 2.0);
        assert_eq!(level(&field, 99.0), 5.0);
    }

    #[test]
    fn a_shape_that_is_the_same_in_both_slices_stays() {
        let shape = Pixels(vec![[3, 3], [4, 3], [5, 3], [3, 4], [9, 9]]);
        let carry = Carry::new(&[shape.clone(), shape.clone()], true, [0.7, 1.3], Watch::unwatched()).unwrap();
        for share in [0.25, 0.5, 2.0 / 3.0] {
            let pixels: Vec<[i64; 2]> = carry.at(share, 5.0).into_iter().map(|(pixel, _)| pixel).collect();
            assert_eq!(pixels, shape.0);
        }
    }

    #[test]
    fn a_shape_moves_from_centre_to_centre() {
        let square = |x: i64, y: i64| Pixels((0..9).map(|n| [x + n % 3, y + n / 3]).collect());
        let carry = Carry::new(&[square(0, 0), square(12, 6)], true, [1.0; 2], Watch::unwatched()).unwrap();
        for (share, wanted) in [(1.0 / 3.0, square(4, 2)), (2.0 / 3.0, square(8, 4))] {
            let pixels: Vec<[i64; 2]> = carry.at(share, 9.0).into_iter().map(|(pixel, _)| pixel).collect();
            assert_eq!(pixels, wanted.0);
        }
    }
}
