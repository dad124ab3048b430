//! Cells under a microscope: some large ones with lobed nuclei and grains, among many small ones with pale middles.

use super::super::noise::field;
use super::super::scene::{Scene, Wanted, painted};
use super::super::shapes::{Outline, anywhere};
use crate::engine::Random;

/// Region of small cells, and of their middles.
const SMALL: [u8; 2] = [1, 2];
/// Region of the first large cell; its nucleus has the next number.
const FIRST: u8 = 10;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let mut regions = vec![0u8; size[0] * size[1]];
    let radius = large * random.between(0.04, 0.14);
    for _ in 0..random.index(40) {
        let cell = Outline::new(anywhere(size, random), radius * random.between(0.8, 1.2), 0.25, random);
        let pale = random.between(0.3, 0.6);
        cell.each_pixel(size, |at, reach| regions[at] = SMALL[usize::from(reach < pale)]);
    }
    let most = if random.chance(0.5) { 2 } else { 9 };
    let count = 1 + random.index(most) as u8;
    let mean = large * if count < 3 { random.between(0.12, 0.36) } else { random.between(0.06, 0.16) };
    let fill = random.between(0.4, 0.85);
    for n in 0..count {
        let middle =
            if count == 1 { size.map(|n| n as f64 * random.between(0.35, 0.65)) } else { anywhere(size, random) };
        let cell = Outline::new(middle, mean * random.between(0.8, 1.25), random.between(0.0, 0.35), random);
        cell.each_pixel(size, |at, _| regions[at] = FIRST + 2 * n);
        // One round nucleus, or lobes that hang together.
        let lobes = if random.chance(0.5) { 1 } else { 2 + random.index(3) };
        for _ in 0..lobes {
            let share = fill / (lobes as f64).sqrt();
            let off = if lobes == 1 { 0.3 * (1.0 - share) } else { 0.4 };
            let place = [0, 1].map(|axis| cell.middle[axis] + off * cell.radii[axis] * random.between(-1.0, 1.0));
            let lobe = Outline::new(place, share * cell.radii[1], random.between(0.0, 0.6), random);
            lobe.each_pixel(size, |at, _| {
                if regions[at] == FIRST + 2 * n {
                    regions[at] = FIRST + 2 * n + 1;
                }
            });
        }
    }
    let kind = |region: u8| if region >= FIRST { FIRST + (region - FIRST) % 2 } else { region };
    let mut image = painted(size, &regions, kind, random);
    if random.chance(0.4) {
        // Grains in the large cells.
        let grains = field(size, random.between(2.0, 5.0), random);
        let height = random.between(-0.25, 0.25) as f32;
        for ((value, region), grain) in image.iter_mut().zip(&regions).zip(grains) {
            if *region >= FIRST && (*region - FIRST).is_multiple_of(2) && grain > 0.5 {
                *value += height;
            }
        }
    }
    let all = |offset: u8| (0..count).map(|n| FIRST + 2 * n + offset).collect::<Vec<_>>();
    let both: Vec<u8> = (FIRST..FIRST + 2 * count).collect();
    let mut wanted =
        vec![Wanted::new(all(1), 0.3), Wanted::new(both, 0.3), Wanted::new(all(0), 0.3), Wanted::new(SMALL, 0.5)];
    wanted.extend((0..count.min(3)).flat_map(|n| {
        let cell = FIRST + 2 * n;
        [Wanted::new([cell + 1], 0.5), Wanted::new([cell, cell + 1], 0.5)]
    }));
    Scene { size, image, regions, wanted }
}
