//! The closed line of one value around a pixel of a slice: level tracing.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels of a slice and the corners between them are counted"
)]

use super::flood::flooded;
use crate::volume::Region;

/// On which side of the line the structure lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Pixels at least as bright as the one that is pointed at.
    Brighter,
    /// Pixels at most as bright.
    Darker,
}

/// The outer border of the region of pixels that are at least (or at most) as bright as the seed and joined with it by edges: corners in
/// pixels (pixel `n` spans `n..n + 1`), clockwise on the screen, closed from the last to the first. Holes are inside. Empty where the seed
/// is outside the slice or no number.
///
/// `values` are those of a slice, row by row; `size` is columns and rows.
pub fn level_outline(values: &[f32], size: [usize; 2], seed: [usize; 2], side: Side) -> Vec<[f64; 2]> {
    let [columns, rows] = size;
    let value = |column: usize, row: usize| values.get(row * columns + column).copied().unwrap_or(f32::NAN);
    if seed[0] >= columns || seed[1] >= rows || value(seed[0], seed[1]).is_nan() {
        return Vec::new();
    }
    let level = value(seed[0], seed[1]);
    let is_in = |[column, row, _]: [usize; 3]| match side {
        Side::Brighter => value(column, row) >= level,
        Side::Darker => value(column, row) <= level,
    };
    let region = Region { start: [0; 3], end: [columns, rows, 1] };
    let found = flooded(region, [seed[0], seed[1], 0], is_in);
    let mut is_inside = vec![false; columns * rows];
    for row in &found {
        let start = row.start[1] * columns + row.start[0];
        is_inside[start..start + row.count].fill(true);
    }
    let first = found.iter().map(|row| [row.start[1], row.start[0]]).min();
    let holds = |x: i64, y: i64| {
        (0..columns as i64).contains(&x)
            && (0..rows as i64).contains(&y)
            && is_inside[y as usize * columns + x as usize]
    };
    first.map_or_else(Vec::new, |[row, column]| border([column as i64, row as i64], holds))
}

/// Walks around a region with the region on the right hand, from the upper left corner of its first pixel in reading order.
fn border(first: [i64; 2], holds: impl Fn(i64, i64) -> bool) -> Vec<[f64; 2]> {
    let start = (first, [1i64, 0i64]);
    let (mut at, mut way) = start;
    let mut corners = Vec::new();
    loop {
        at = [at[0] + way[0], at[1] + way[1]];
        // The pixels ahead, to the right and to the left of the line, by the corner between them.
        let ahead = |to_right: bool| {
            let side = if to_right { [-way[1], way[0]] } else { [way[1], -way[0]] };
            let pixel = [0, 1].map(|axis| (2 * at[axis] + way[axis] + side[axis] - 1).div_euclid(2));
            holds(pixel[0], pixel[1])
        };
        let next = match (ahead(true), ahead(false)) {
            // Pixels that touch at a corner only are not joined.
            (false, _) => [-way[1], way[0]],
            (true, false) => way,
            (true, true) => [way[1], -way[0]],
        };
        if next != way {
            corners.push([at[0] as f64, at[1] as f64]);
        }
        way = next;
        if (at, way) == start {
            return corners;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::pixels_inside;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_pixel_alone_and_a_region_with_a_hole() {
        let values = [0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0];
        let outline = level_outline(&values, [3, 3], [1, 1], Side::Brighter);
        assert_eq!(outline, [[2.0, 1.0], [2.0, 2.0], [1.0, 2.0], [1.0, 1.0]]);
        let ring = level_outline(&values, [3, 3], [0, 0], Side::Darker);
        assert_eq!(pixels_inside(&ring, [3, 3]).len(), 9, "holes are inside");
        assert!(level_outline(&values, [3, 3], [3, 0], Side::Darker).is_empty());
        assert!(level_outline(&[f32::NAN; 9], [3, 3], [1, 0], Side::Darker).is_empty());
    }

    proptest! {
        #[test]
        fn inside_the_line_is_the_region_and_what_it_encloses(
            values in prop::collection::vec(0u8..4, 8 * 6), seed in (0usize..8, 0usize..6), darker in any::<bool>(),
        ) {
            let values: Vec<f32> = values.into_iter().map(f32::from).collect();
            let (size, seed) = ([8usize, 6usize], [seed.0, seed.1]);
            let side = if darker { Side::Darker } else { Side::Brighter };
            let outline = level_outline(&values, size, seed, side);
            let found: BTreeSet<[usize; 2]> = pixels_inside(&outline, size).into_iter().collect();
            // Another way: the region spreads by edges; what the outside cannot reach by edges or corners is inside.
            let level = values[seed[1] * 8 + seed[0]];
            let is_in = |x: i64, y: i64| (0..8).contains(&x) && (0..6).contains(&y) && {
                let value = values[(y * 8 + x) as usize];
                if darker { value <= level } else { value >= level }
            };
            let spread = |from: [i64; 2], steps: &[[i64; 2]], may: &dyn Fn(i64, i64) -> bool| {
                let (mut seen, mut waiting) = (BTreeSet::from([from]), vec![from]);
                while let Some([x, y]) = waiting.pop() {
                    for [dx, dy] in steps {
                        let next = [x + dx, y + dy];
                        if may(next[0], next[1]) && seen.insert(next) {
                            waiting.push(next);
                        }
                    }
                }
                seen
            };
            let edges = [[1, 0], [-1, 0], [0, 1], [0, -1]];
            let corners = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]];
            let region = spread([seed[0] as i64, seed[1] as i64], &edges, &is_in);
            let outside = spread([-1, -1], &corners, &|x, y| {
                (-1..=8).contains(&x) && (-1..=6).contains(&y) && !region.contains(&[x, y])
            });
            let expected: BTreeSet<[usize; 2]> = (0..8i64).flat_map(|x| (0..6i64).map(move |y| [x, y]))
                .filter(|at| !outside.contains(at)).map(|at| at.map(|n| n as usize)).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
