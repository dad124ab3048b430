//! Projections: shapes that let rays through lie over each other, with bright rims, as bones in a radiograph.

use super::super::distance::depth;
use super::super::noise::octaves;
use super::super::scene::{Scene, Wanted};
use super::super::shapes::{Outline, anywhere, curve, disc};
use crate::engine::Random;

/// Most shapes: each is one bit of a region.
const MOST: usize = 7;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let count = size[0] * size[1];
    let ground = octaves(size, random.between(0.2, 0.7) * large, 2, random);
    let swing = random.between(0.02, 0.15) as f32;
    let mut image: Vec<f32> = ground.iter().map(|value| 0.3 + swing * value).collect();
    let mut regions = vec![0u8; count];
    let shapes = 1 + random.index(MOST);
    let trabeculae = octaves(size, random.between(2.0, 7.0), 2, random);
    // Soft tissue that nobody wants.
    for _ in 0..random.index(4) {
        let soft = Outline::new(anywhere(size, random), large * random.between(0.15, 0.5), 0.5, random);
        let height = random.between(0.03, 0.2) as f32;
        soft.each_pixel(size, |at, reach| image[at] += height * (1.0 - reach as f32 * reach as f32).max(0.0).sqrt());
    }
    for bit in 0..shapes {
        let mut is_in = vec![false; count];
        if random.chance(0.45) {
            // A long bone, wider at its ends.
            let mut ends: Vec<[f64; 2]> = (0..2).map(|_| anywhere(size, random)).collect();
            let middle =
                [0, 1].map(|axis| f64::midpoint(ends[0][axis], ends[1][axis]) + 0.08 * large * random.normal());
            ends.insert(1, middle);
            let points = curve(&ends);
            let (slim, wide) = (large * random.between(0.02, 0.08), random.between(1.2, 2.2));
            for (n, point) in points.iter().enumerate().step_by(2) {
                let at = 2.0 * n as f64 / points.len() as f64 - 1.0;
                disc(size, *point, slim * (1.0 + (wide - 1.0) * at.powi(6)), |pixel| is_in[pixel] = true);
            }
        } else {
            let outline = Outline::new(
                anywhere(size, random),
                large * random.between(0.05, 0.25),
                random.between(0.1, 1.0),
                random,
            );
            let hole = if random.chance(0.25) { random.between(0.3, 0.7) } else { 0.0 };
            outline.each_pixel(size, |at, reach| is_in[at] = reach >= hole);
        }
        let depth = depth(size, |at| is_in[at]);
        let deepest = depth.iter().fold(1.0f32, |most, depth| most.max(*depth));
        let [body, rim, rough] =
            [random.between(0.05, 0.35), random.between(0.0, 0.25), random.between(0.0, 0.06)].map(|v| v as f32);
        let width = random.between(1.0, 4.0) as f32;
        for at in (0..count).filter(|at| is_in[*at]) {
            let share = (depth[at] / deepest).min(1.0);
            let round = (1.0 - (1.0 - share) * (1.0 - share)).max(0.0).sqrt();
            image[at] += body * round + rim * (-(depth[at] - 1.0) / width).exp() + rough * trabeculae[at];
            regions[at] |= 1 << bit;
        }
    }
    let of = |bit: usize| (1..=255u8).filter(|region| region >> bit & 1 == 1).collect::<Vec<_>>();
    let mut wanted: Vec<Wanted> = (0..shapes).map(|bit| Wanted::new(of(bit), 1.0)).collect();
    wanted.push(Wanted::new((1..=255u8).collect::<Vec<_>>(), 0.3));
    Scene { size, image, regions, wanted }
}
