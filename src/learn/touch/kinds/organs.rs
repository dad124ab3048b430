//! Sections through a body: a trunk with organs of many sizes that lie in it and touch, some of them hardly different from what surrounds them.

use super::super::noise::octaves;
use super::super::scene::{Scene, each_alone, painted};
use super::super::shapes::{Outline, anywhere};
use crate::engine::Random;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let mut regions = vec![0u8; size[0] * size[1]];
    let middle = size.map(|count| count as f64 * random.between(0.4, 0.6));
    if random.chance(0.6) {
        let trunk = Outline::new(middle, random.between(0.36, 0.6) * large, random.between(0.0, 0.3), random);
        trunk.each_pixel(size, |at, _| regions[at] = 1);
        let wall = trunk.scaled(random.between(0.82, 0.97));
        wall.each_pixel(size, |at, _| regions[at] = 2);
    } else if random.chance(0.7) {
        // Fields that have no outline of their own: fat and muscle around organs.
        let plane = octaves(size, random.between(0.15, 0.5) * large, 2, random);
        regions.iter_mut().zip(plane).filter(|(_, value)| *value > 0.1).for_each(|(region, _)| *region = 1);
    }
    let count = 2 + random.index(14);
    for organ in 0..count as u8 {
        let radius = large * 0.015 * (random.between(0.0, 3.0)).exp();
        let place = if random.chance(0.75) {
            middle.map(|at| at + 0.2 * large * random.normal())
        } else {
            anywhere(size, random)
        };
        let outline = Outline::new(place, radius.max(2.0), random.between(0.0, 0.9), random);
        // Organs may end where others begin.
        let gives_way = random.chance(0.4);
        outline.each_pixel(size, |at, _| {
            if !gives_way || regions[at] < 3 {
                regions[at] = organ + 3;
            }
        });
    }
    // Some organs look like each other.
    let alike: Vec<u8> = (0..=255u8).map(|region| if random.chance(0.25) { 3 } else { region }).collect();
    let image = painted(size, &regions, |region| if region < 4 { region } else { alike[usize::from(region)] }, random);
    let wanted = each_alone(&regions, 0.9);
    Scene { size, image, regions, wanted }
}
