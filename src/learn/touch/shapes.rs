//! Shapes that pictures are made of: closed outlines, discs, thick curves.

use std::f64::consts::TAU;

use crate::engine::Random;

/// Most waves around a closed outline.
const WAVES: usize = 6;

/// A closed outline around a middle: an ellipse whose radius goes up and down along it.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Row and column of the middle.
    pub middle: [f64; 2],
    /// Half the extent along the two axes, in pixels.
    pub radii: [f64; 2],
    turn: f64,
    waves: Vec<(f64, f64)>,
}

impl Outline {
    /// An outline with this mean radius; `rough` from 0 (an ellipse) to 1 (star-shaped and ragged).
    pub fn new(middle: [f64; 2], radius: f64, rough: f64, random: &mut Random) -> Self {
        let stretch = random.between(0.6, 1.0);
        let waves = (2..2 + WAVES).map(|n| {
            let height = rough * 0.6 * random.between(0.0, 1.0) / n as f64;
            (height, random.between(0.0, TAU))
        });
        Self {
            middle,
            radii: [radius / stretch.sqrt(), radius * stretch.sqrt()],
            waves: waves.collect(),
            turn: random.between(0.0, TAU),
        }
    }

    /// The same form around the same middle, so many times as large.
    pub fn scaled(&self, factor: f64) -> Self {
        Self { radii: self.radii.map(|radius| radius * factor), ..self.clone() }
    }

    /// How far out a point lies: 0 in the middle, 1 on the outline.
    pub fn reach(&self, [row, column]: [f64; 2]) -> f64 {
        let [y, x] = [row - self.middle[0], column - self.middle[1]];
        let (sin, cos) = self.turn.sin_cos();
        let (u, v) = ((x * cos + y * sin) / self.radii[0], (y * cos - x * sin) / self.radii[1]);
        let angle = v.atan2(u);
        let wave = |(n, (height, phase)): (usize, &(f64, f64))| height * ((n + 2) as f64 * angle + phase).cos();
        let radius = 1.0 + self.waves.iter().enumerate().map(wave).sum::<f64>();
        u.hypot(v) / radius.max(0.15)
    }

    /// Calls `visit(pixel, reach)` for every pixel within the outline of a picture of `[rows, columns]`.
    pub fn each_pixel(&self, [rows, columns]: [usize; 2], mut visit: impl FnMut(usize, f64)) {
        // Waves can go beyond the ellipse.
        let most = self.radii[0].max(self.radii[1]) * (1.0 + self.waves.iter().map(|(height, _)| height).sum::<f64>());
        let range = |middle: f64, count: usize| {
            let first = (middle - most).floor().max(0.0) as usize;
            let last = ((middle + most).ceil().max(-1.0) + 1.0) as usize;
            first.min(count)..last.min(count)
        };
        for row in range(self.middle[0], rows) {
            for column in range(self.middle[1], columns) {
                let reach = self.reach([row as f64, column as f64]);
                if reach <= 1.0 {
                    visit(row * columns + column, reach);
                }
            }
        }
    }
}

/// A point anywhere in a picture.
pub fn anywhere(size: [usize; 2], random: &mut Random) -> [f64; 2] {
    size.map(|count| random.between(0.0, count as f64))
}

/// Calls `visit(pixel)` for every pixel within `radius` of a point.
pub fn disc([rows, columns]: [usize; 2], middle: [f64; 2], radius: f64, mut visit: impl FnMut(usize)) {
    let range = |middle: f64, count: usize| {
        let first = (middle - radius).ceil().max(0.0) as usize;
        let last = (middle + radius).floor() + 1.0;
        first.min(count)..(last.max(0.0) as usize).min(count)
    };
    for row in range(middle[0], rows) {
        for column in range(middle[1], columns) {
            if (row as f64 - middle[0]).hypot(column as f64 - middle[1]) <= radius {
                visit(row * columns + column);
            }
        }
    }
}

/// The points of a smooth curve through some, about a pixel apart (Catmull and Rom 1974).
pub fn curve(through: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let at = |n: i64| through[n.clamp(0, through.len() as i64 - 1) as usize];
    let mut points = Vec::new();
    for n in 0..through.len().saturating_sub(1) as i64 {
        let [a, b, c, d] = [-1, 0, 1, 2].map(|offset| at(n + offset));
        let length = (c[0] - b[0]).hypot(c[1] - b[1]).ceil().max(1.0) as usize;
        points.extend((0..length).map(|step| {
            let t = step as f64 / length as f64;
            [0, 1].map(|axis| {
                let (a, b, c, d) = (a[axis], b[axis], c[axis], d[axis]);
                0.5 * (2.0 * b
                    + (c - a) * t
                    + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
                    + (3.0 * b - a - 3.0 * c + d) * t * t * t)
            })
        }));
    }
    points.extend(through.last());
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_has_its_area_and_holes_keep_its_form() {
        let mut random = Random::new(5, 1);
        let outline = Outline::new([50.0, 60.0], 20.0, 0.0, &mut random);
        let area = |outline: &Outline| {
            let mut count = 0;
            outline.each_pixel([100, 120], |_, _| count += 1);
            f64::from(count)
        };
        assert!((area(&outline) / (TAU / 2.0 * 400.0) - 1.0).abs() < 0.03, "{}", area(&outline));
        assert!((area(&outline.scaled(0.5)) / area(&outline) - 0.25).abs() < 0.02);
        let mut rough = Outline::new([50.0, 60.0], 20.0, 1.0, &mut random);
        rough.middle = [0.0, 0.0];
        rough.each_pixel([100, 120], |at, reach| assert!(at < 12_000 && reach <= 1.0));
    }

    #[test]
    fn a_curve_goes_through_its_points_without_gaps() {
        let points = curve(&[[0.0, 0.0], [10.0, 5.0], [3.0, 20.0]]);
        assert!(points.contains(&[10.0, 5.0]) && points.last() == Some(&[3.0, 20.0]));
        assert!(points.windows(2).all(|p| (p[1][0] - p[0][0]).hypot(p[1][1] - p[0][1]) < 1.7));
        let mut count = 0;
        disc([10, 10], [4.0, 4.0], 1.0, |_| count += 1);
        assert_eq!(count, 5);
    }
}
