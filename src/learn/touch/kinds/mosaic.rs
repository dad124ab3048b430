//! Fields that fill the picture and touch each other, with walls between them or without.

use super::super::noise::field;
use super::super::scene::{Scene, Wanted, painted};
use super::super::shapes::anywhere;
use crate::engine::Random;

/// The region of walls.
const WALL: u8 = 1;
/// The first field.
const FIRST: u8 = 2;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let count = 4 + random.index(40);
    let points: Vec<[f64; 2]> = (0..count).map(|_| anywhere(size, random)).collect();
    let bend = random.between(0.0, 10.0) as f32;
    let cell = random.between(12.0, 40.0);
    let [down, right] = [field(size, cell, random), field(size, cell, random)];
    let wall = if random.chance(0.6) { random.between(1.0, 4.0) } else { 0.0 };
    let region = |at: usize| {
        let row = (at / size[1]) as f64 + f64::from(bend * down[at]);
        let column = (at % size[1]) as f64 + f64::from(bend * right[at]);
        let mut nearest = [(f64::INFINITY, 0); 2];
        for (n, point) in points.iter().enumerate() {
            let off = (row - point[0]).hypot(column - point[1]);
            if off < nearest[0].0 {
                nearest = [(off, n), nearest[0]];
            } else if off < nearest[1].0 {
                nearest[1] = (off, n);
            }
        }
        if nearest[1].0 - nearest[0].0 < wall { WALL } else { FIRST + nearest[0].1 as u8 }
    };
    let regions: Vec<u8> = (0..size[0] * size[1]).map(region).collect();
    // Without walls the fields differ; with walls they may look alike.
    let kinds = if wall > 0.0 && random.chance(0.6) { 1 + random.index(3) as u8 } else { 200 };
    let image = painted(size, &regions, |region| if region <= WALL { region } else { FIRST + region % kinds }, random);
    let mut wanted: Vec<Wanted> = (0..4).map(|_| Wanted::new([FIRST + random.index(count) as u8], 0.9)).collect();
    if wall > 0.0 {
        wanted.push(Wanted::new([WALL], 0.0));
        wanted.push(Wanted::new((FIRST..FIRST + count as u8).collect::<Vec<_>>(), 0.0));
    }
    Scene { size, image, regions, wanted }
}
