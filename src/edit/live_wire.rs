//! A line that keeps to edges of the image: Mortensen, Barrett, "Intelligent scissors for image composition", SIGGRAPH 1995.
//!
//! A step from pixel to pixel costs its length in millimetres times `0.57 f_G + 0.43 f_D`: the paper's terms for the strength of the
//! gradient and its direction. The paper's third term, zero crossings of the Laplacian, is left out (noise has them everywhere); its
//! weight is with the gradient.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixels of a slice are counted; costs are sums of small whole numbers"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Weight of the gradient's strength: the paper's 0.14, and 0.43 of the term that is left out.
const STRENGTH: f64 = 0.57;
/// Weight of the gradient's direction.
const DIRECTION: f64 = 0.43;
/// Costs are whole numbers, so that the same picture gives the same line everywhere: this many for a cost of 1 over 1 mm.
const COST_STEPS: f64 = 4096.0;
/// The least cost of a step, as a share: of equal ways the shortest is taken.
const LEAST: f64 = 0.01;
/// No pixel came before.
const NONE: u32 = u32::MAX;

/// A slice that lines are drawn on.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Values, row by row.
    pub values: &'a [f32],
    /// Columns and rows.
    pub size: [usize; 2],
    /// Width and height of a pixel in millimetres.
    pub pixel_mm: [f64; 2],
}

/// The cheapest ways from a pixel to all others of a window.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Left, top, and behind right and bottom.
    window: [usize; 4],
    start: [usize; 2],
    /// For every pixel of the window, the one before it on the way.
    before: Vec<u32>,
}

impl Wire {
    /// Finds the ways from `start` within `reach` pixels around the box that holds `start` and `target`. `None` where one of them is outside
    /// the picture, or values are missing.
    pub fn between(picture: &Picture, start: [usize; 2], target: [usize; 2], reach: usize) -> Option<Self> {
        let [columns, rows] = picture.size;
        let is_inside = |at: [usize; 2]| at[0] < columns && at[1] < rows;
        if !is_inside(start) || !is_inside(target) || picture.values.len() < columns * rows {
            return None;
        }
        let low = |axis: usize| start[axis].min(target[axis]).saturating_sub(reach);
        let high = |axis: usize| (start[axis].max(target[axis]) + reach + 1).min(picture.size[axis]);
        let window = [low(0), low(1), high(0), high(1)];
        Some(Self { window, start, before: ways(picture, window, start) })
    }

    /// Whether its ways begin at a pixel and lead to another.
    pub fn leads(&self, start: [usize; 2], target: [usize; 2]) -> bool {
        self.start == start && self.index(target).is_some()
    }

    fn index(&self, at: [usize; 2]) -> Option<usize> {
        let [left, top, right, bottom] = self.window;
        let is_inside = (left..right).contains(&at[0]) && (top..bottom).contains(&at[1]);
        is_inside.then(|| (at[1] - top) * (right - left) + at[0] - left)
    }

    /// The pixels from the start to a target of the window, both with them; empty where it is outside.
    pub fn path(&self, target: [usize; 2]) -> Vec<[usize; 2]> {
        let [left, top, right, _] = self.window;
        let width = right - left;
        let mut path = Vec::new();
        let mut at = self.index(target);
        while let Some(index) = at {
            path.push([left + index % width, top + index / width]);
            at = self.before.get(index).filter(|before| **before != NONE).map(|before| *before as usize);
        }
        path.reverse();
        path
    }
}

/// Strength and direction of the gradient of every pixel of a window, by Sobel's masks; borders are repeated. The direction is that of the
/// edge: across the gradient, of length 1, or nothing where there is no gradient.
fn edges(picture: &Picture, window: [usize; 4]) -> (Vec<f64>, Vec<[f64; 2]>) {
    let [left, top, right, bottom] = window;
    let value = |x: i64, y: i64| {
        let x = x.clamp(0, picture.size[0] as i64 - 1) as usize;
        let y = y.clamp(0, picture.size[1] as i64 - 1) as usize;
        let value = f64::from(picture.values[y * picture.size[0] + x]);
        if value.is_finite() { value } else { 0.0 }
    };
    let (mut strengths, mut directions) = (Vec::new(), Vec::new());
    for y in top as i64..bottom as i64 {
        for x in left as i64..right as i64 {
            let across = |row: i64| value(x + 1, row) - value(x - 1, row);
            let down = |column: i64| value(column, y + 1) - value(column, y - 1);
            let gx = (across(y - 1) + 2.0 * across(y) + across(y + 1)) / (8.0 * picture.pixel_mm[0]);
            let gy = (down(x - 1) + 2.0 * down(x) + down(x + 1)) / (8.0 * picture.pixel_mm[1]);
            let strength = gx.hypot(gy);
            strengths.push(strength);
            directions.push(if strength > 0.0 { [-gy / strength, gx / strength] } else { [0.0; 2] });
        }
    }
    (strengths, directions)
}

/// The paper's `f_D`: 0 where the step follows the edge at both of its ends, 2/3 where it crosses it, up to 1 where the edge also turns.
fn across_edge(from: [f64; 2], to: [f64; 2], step: [f64; 2]) -> f64 {
    if from == [0.0; 2] || to == [0.0; 2] {
        return 1.0;
    }
    let dot = |edge: [f64; 2], way: [f64; 2]| edge[0] * way[0] + edge[1] * way[1];
    let sign = if dot(from, step) >= 0.0 { 1.0 } else { -1.0 };
    let way = step.map(|d| d * sign);
    let angle = |edge: [f64; 2]| dot(edge, way).clamp(-1.0, 1.0).acos();
    2.0 / (3.0 * std::f64::consts::PI) * (angle(from) + angle(to))
}

/// The pixel before each one on the cheapest way from the start (Dijkstra 1959).
fn ways(picture: &Picture, window: [usize; 4], start: [usize; 2]) -> Vec<u32> {
    let [left, top, right, bottom] = window;
    let (width, height) = (right - left, bottom - top);
    let (strengths, directions) = edges(picture, window);
    let strongest = strengths.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let steps = [[1i64, 0i64], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]];
    let in_mm = |step: [i64; 2]| [step[0] as f64 * picture.pixel_mm[0], step[1] as f64 * picture.pixel_mm[1]];
    let mut before = vec![NONE; width * height];
    let mut costs = vec![u64::MAX; width * height];
    let first = (start[1] - top) * width + start[0] - left;
    costs[first] = 0;
    let mut waiting = BinaryHeap::from([Reverse((0u64, first))]);
    while let Some(Reverse((cost, at))) = waiting.pop() {
        if cost > costs[at] {
            continue;
        }
        let (x, y) = ((at % width) as i64, (at / width) as i64);
        for step in steps {
            let (nx, ny) = (x + step[0], y + step[1]);
            if !(0..width as i64).contains(&nx) || !(0..height as i64).contains(&ny) {
                continue;
            }
            let next = ny as usize * width + nx as usize;
            let [dx, dy] = in_mm(step);
            let length = dx.hypot(dy);
            let direction = across_edge(directions[at], directions[next], [dx / length, dy / length]);
            let share = STRENGTH * (1.0 - strengths[next] / strongest) + DIRECTION * direction;
            let total = cost + ((share + LEAST) * length * COST_STEPS).round().max(1.0) as u64;
            if total < costs[next] {
                costs[next] = total;
                before[next] = at as u32;
                waiting.push(Reverse((total, next)));
            }
        }
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bright ellipse on dark ground, with a little noise: pixels of 1 x 2 mm, the ellipse is round in millimetres.
    fn ellipse() -> Vec<f32> {
        let value = |n: usize| {
            let (x, y) = ((n % 64) as f64 + 0.5 - 32.0, (n / 64) as f64 + 0.5 - 16.0);
            let inside = x.hypot(2.0 * y) <= 20.0;
            let noise = (n.wrapping_mul(2_654_435_761) >> 7) % 20;
            if inside { 200.0 + noise as f32 } else { 50.0 + noise as f32 }
        };
        (0..64 * 32).map(value).collect()
    }

    #[test]
    fn the_line_follows_the_edge_between_two_pixels_on_it() {
        let values = ellipse();
        let picture = Picture { values: &values, size: [64, 32], pixel_mm: [1.0, 2.0] };
        let (start, target) = ([12, 16], [32, 6]);
        let wire = Wire::between(&picture, start, target, 16).unwrap();
        let path = wire.path(target);
        assert_eq!((path.first(), path.last()), (Some(&start), Some(&target)));
        assert!(path.windows(2).all(|p| (0..2).all(|axis| p[0][axis].abs_diff(p[1][axis]) <= 1)), "no gap");
        for [x, y] in &path {
            let away = (*x as f64 + 0.5 - 32.0).hypot(2.0 * (*y as f64 + 0.5 - 16.0)) - 20.0;
            assert!(away.abs() <= 2.5, "{x} {y} is {away} mm off the edge");
        }
        assert!(wire.leads(start, target) && !wire.leads(target, start) && !wire.leads(start, [63, 31]));
        assert!(wire.path([63, 31]).is_empty());
    }

    #[test]
    fn where_there_is_no_edge_the_line_is_straight() {
        let values = vec![7.0; 20 * 10];
        let picture = Picture { values: &values, size: [20, 10], pixel_mm: [1.0, 1.0] };
        let path = Wire::between(&picture, [2, 5], [15, 5], 4).unwrap().path([15, 5]);
        assert_eq!(path, (2..=15).map(|x| [x, 5]).collect::<Vec<_>>());
        assert_eq!(Wire::between(&picture, [3, 3], [3, 3], 0).unwrap().path([3, 3]), [[3, 3]]);
        assert!(Wire::between(&picture, [20, 5], [1, 1], 4).is_none());
        assert!(Wire::between(&Picture { values: &values[..9], ..picture }, [2, 5], [1, 1], 4).is_none());
    }

    #[test]
    fn a_step_along_an_edge_costs_nothing_and_one_across_it_the_most() {
        let along = [0.0, 1.0];
        assert!(across_edge(along, along, [0.0, 1.0]) < 1e-9 && across_edge(along, along, [0.0, -1.0]) < 1e-9);
        assert!((across_edge(along, along, [1.0, 0.0]) - 2.0 / 3.0).abs() < 1e-9);
        assert!((across_edge(along, [0.0, -1.0], [0.0, 1.0]) - 2.0 / 3.0).abs() < 1e-9, "the edge turns around");
    }
}
