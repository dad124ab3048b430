//! Winding tubes of one width with or without a wall; held back from training.

use super::super::noise::octaves;
use super::super::scene::{Scene, Wanted, painted};
use super::super::shapes::{anywhere, curve, disc};
use crate::engine::Random;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let ground = octaves(size, random.between(0.1, 0.4) * large, 2, random);
    let mut regions: Vec<u8> = ground.iter().map(|value| u8::from(*value > 0.3)).collect();
    let count = 1 + random.index(4) as u8;
    for tube in 0..count {
        let through: Vec<[f64; 2]> = (0..3 + random.index(4)).map(|_| anywhere(size, random)).collect();
        let points = curve(&through);
        let radius = large * random.between(0.01, 0.05) + 1.0;
        let wall = if random.chance(0.5) { radius * random.between(0.2, 0.5) } else { 0.0 };
        points.iter().for_each(|point| disc(size, *point, radius, |at| regions[at] = 10 + 2 * tube));
        if wall > 0.0 {
            points.iter().for_each(|point| disc(size, *point, radius - wall, |at| regions[at] = 11 + 2 * tube));
        }
    }
    let kind = |region: u8| if region >= 10 { 10 + region % 2 } else { region };
    let image = painted(size, &regions, kind, random);
    let wanted = (0..count).map(|tube| Wanted::new([10 + 2 * tube, 11 + 2 * tube], 0.5));
    let wanted = wanted.chain([Wanted::new((10..10 + 2 * count).collect::<Vec<_>>(), 0.2)]).collect();
    Scene { size, image, regions, wanted }
}
