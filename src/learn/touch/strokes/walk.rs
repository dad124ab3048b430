//! The way of a pen through a structure: it keeps its direction, turns a little, and stays away from the border.

use std::f64::consts::TAU;

use crate::engine::Random;

/// A mask by how deep its pixels lie in it.
pub struct Ground {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Distance to the border, 0 outside.
    pub depth: Vec<f32>,
}

/// Directions that are looked at before every step, relative to that of the last.
const TURNS: [f64; 5] = [-0.6, -0.25, 0.0, 0.25, 0.6];

impl Ground {
    pub fn new(size: [usize; 2], depth: Vec<f32>) -> Self {
        Self { size, depth }
    }

    /// The depth at a point, 0 outside the picture.
    pub fn at(&self, point: [f64; 2]) -> f32 {
        let [row, column] = point.map(|at| (at + 0.5).floor());
        let is_there = row >= 0.0 && column >= 0.0 && row < self.size[0] as f64 && column < self.size[1] as f64;
        if is_there { self.depth[row as usize * self.size[1] + column as usize] } else { 0.0 }
    }

    /// Any pixel of such a depth, where one is found quickly.
    pub fn any(&self, is_wanted: impl Fn(f32) -> bool, random: &mut Random) -> Option<usize> {
        (0..200).map(|_| random.index(self.depth.len())).find(|at| is_wanted(self.depth[*at]))
    }
}

/// Points about a pixel apart, from a pixel both ways, as far as the mask reaches.
pub fn walk(ground: &Ground, start: usize, length: f64, random: &mut Random) -> Vec<[f64; 2]> {
    let columns = ground.size[1];
    let mut from = [(start / columns) as f64, (start % columns) as f64];
    // A hand begins in the middle rather than at the border.
    for _ in 0..random.index(6) {
        let near = [0, 1].map(|axis| from[axis] + random.between(-3.0, 3.0));
        if ground.at(near) > ground.at(from) {
            from = near;
        }
    }
    let keeps_away = random.between(0.3, 1.0);
    let enough = random.between(1.5, 6.0) as f32;
    let restless = random.between(0.02, 0.3);
    let heading = random.between(0.0, TAU);
    let mut way: Vec<[f64; 2]> = Vec::new();
    for back in [TAU / 2.0, 0.0] {
        let (mut at, mut angle) = (from, heading + back);
        let mut half = Vec::new();
        for _ in 0..(length * random.between(0.3, 0.7)) as usize {
            let ahead = |angle: f64, far: f64| [at[0] + far * angle.sin(), at[1] + far * angle.cos()];
            let mut best = (f64::NEG_INFINITY, angle);
            for turn in TURNS {
                let looked = angle + turn;
                let room = ground.at(ahead(looked, 2.0)).min(enough) + ground.at(ahead(looked, 1.0)).min(1.0);
                if ground.at(ahead(looked, 1.0)) > 0.0 {
                    let value = keeps_away * f64::from(room) + restless * random.normal() - 0.4 * turn.abs();
                    if value > best.0 {
                        best = (value, looked);
                    }
                }
            }
            if best.0 == f64::NEG_INFINITY {
                break;
            }
            angle = best.1;
            at = ahead(angle, 1.0);
            half.push(at);
        }
        if back > 0.0 {
            half.reverse();
            half.push(from);
        }
        way.extend(half);
    }
    way
}

#[cfg(test)]
mod tests {
    use super::super::super::distance::depth;
    use super::*;

    #[test]
    fn a_walk_follows_a_thin_structure_and_stays_in_it() {
        let size = [60, 60];
        let is_in = |n: usize| {
            let off = ((n / 60) as f64 - 30.0).hypot((n % 60) as f64 - 30.0);
            (18.0..22.0).contains(&off)
        };
        let ground = Ground::new(size, depth(size, is_in));
        let mut random = Random::new(1, 5);
        let way = walk(&ground, 30 * 60 + 50, 80.0, &mut random);
        assert!(way.len() > 30, "{}", way.len());
        assert!(way.iter().all(|point| ground.at(*point) > 0.0));
        assert!(way.windows(2).all(|pair| (pair[0][0] - pair[1][0]).hypot(pair[0][1] - pair[1][1]) < 1.01));
    }
}
