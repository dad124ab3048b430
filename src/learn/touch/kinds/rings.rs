//! Rings with a cavity, alone or several, thick or thin, with neighbours that touch them: ventricles, vessels, bowels.

use super::super::noise::{octaves, quantile};
use super::super::scene::{Scene, Wanted, painted};
use super::super::shapes::Outline;
use crate::engine::Random;

/// Region of the first ring; its cavity has the next number.
const FIRST: u8 = 10;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let ground = octaves(size, random.between(0.1, 0.4) * large, 2, random);
    let threshold = quantile(&ground, random.between(0.2, 0.9));
    let mut regions: Vec<u8> = ground.iter().map(|value| u8::from(*value > threshold)).collect();
    for neighbour in 0..random.index(5) as u8 {
        let middle = size.map(|count| count as f64 * random.between(0.1, 0.9));
        let outline = Outline::new(middle, large * random.between(0.04, 0.22), random.between(0.0, 0.8), random);
        outline.each_pixel(size, |at, _| regions[at] = 2 + neighbour);
    }
    let count = if random.chance(0.6) { 1 } else { 2 + random.index(4) } as u8;
    let share = random.between(0.35, 0.9);
    for n in 0..count {
        let middle = size.map(|count| count as f64 * random.between(0.2, 0.8));
        let most = if count == 1 { 0.32 } else { 0.16 };
        let outer = Outline::new(middle, large * random.between(0.05, most), random.between(0.0, 0.4), random);
        let mut inner = outer.scaled(share * random.between(0.9, 1.05));
        let slack = outer.radii[1] * (1.0 - share) * 0.6;
        inner.middle = inner.middle.map(|at| at + slack * random.between(-1.0, 1.0));
        outer.each_pixel(size, |at, _| regions[at] = FIRST + 2 * n);
        inner.each_pixel(size, |at, _| regions[at] = FIRST + 2 * n + 1);
        // Knobs at the inner wall.
        for _ in 0..random.index(3) {
            let angle = random.between(0.0, std::f64::consts::TAU);
            let reach = inner.radii[1] * 0.8;
            let place = [inner.middle[0] + reach * angle.sin(), inner.middle[1] + reach * angle.cos()];
            let knob = Outline::new(place, inner.radii[1] * random.between(0.1, 0.25), 0.3, random);
            knob.each_pixel(size, |at, _| {
                if regions[at] == FIRST + 2 * n + 1 {
                    regions[at] = FIRST + 2 * n;
                }
            });
        }
    }
    // All rings look alike, and so do all cavities.
    let kind = |region: u8| if region >= FIRST { FIRST + (region - FIRST) % 2 } else { region };
    let image = painted(size, &regions, kind, random);
    let all = |offset: u8| (0..count).map(|n| FIRST + 2 * n + offset).collect::<Vec<_>>();
    let both: Vec<u8> = (FIRST..FIRST + 2 * count).collect();
    let mut wanted = vec![Wanted::new(all(0), 0.4), Wanted::new(all(1), 0.4), Wanted::new(both, 0.6)];
    wanted.extend((0..count).flat_map(|n| {
        let ring = FIRST + 2 * n;
        [Wanted::new([ring], 0.8), Wanted::new([ring + 1], 0.8), Wanted::new([ring, ring + 1], 1.0)]
    }));
    Scene { size, image, regions, wanted }
}
