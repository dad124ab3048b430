//! Trees and nets of vessels from several pixels wide to less than one, over grounds that are flat, rough, or full of capillaries.

use std::f64::consts::TAU;

use super::super::noise::octaves;
use super::super::scene::{Scene, Wanted};
use super::super::shapes::{Outline, anywhere, disc};
use crate::engine::Random;

/// Branches that a tree has at most.
const MOST_BRANCHES: usize = 60;

/// A piece of a vessel that is still to grow.
struct Tip {
    at: [f64; 2],
    angle: f64,
    radius: f64,
    left: f64,
}

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let count = size[0] * size[1];
    let mut cover = vec![0.0f32; count];
    let mut regions = vec![0u8; count];
    let thick = random.between(0.8, 4.0) * large / 200.0 + 0.5;
    let bend = random.between(0.01, 0.08);
    for _ in 0..=random.index(5) {
        grow(size, thick * random.between(0.6, 1.2), bend, &mut cover, &mut regions, random);
    }
    let ground = octaves(size, random.between(10.0, 60.0), 3, random);
    let [dark, bright, swing] = [random.between(0.05, 0.4), random.between(0.1, 0.5), random.between(0.0, 0.08)];
    let mut image: Vec<f32> = ground.iter().map(|value| dark as f32 + swing as f32 * value).collect();
    if random.chance(0.5) {
        // Capillaries: bright lines along the levels of fine noise, no part of what is wanted.
        let fine = octaves(size, random.between(5.0, 14.0), 2, random);
        let [width, height] = [random.between(0.08, 0.25) as f32, random.between(0.2, 0.8) as f32 * bright as f32];
        let patchy = octaves(size, 40.0, 2, random);
        for ((value, fine), patchy) in image.iter_mut().zip(fine).zip(patchy) {
            *value += height * (1.0 - (fine / width).abs()).max(0.0) * (0.6 + 0.4 * patchy).clamp(0.0, 1.0);
        }
    }
    // Vessels fade along their way.
    let along = octaves(size, 30.0, 2, random);
    let fading = random.between(0.0, 0.35) as f32;
    for ((value, cover), along) in image.iter_mut().zip(&cover).zip(along) {
        *value += cover * bright as f32 * (1.0 - fading * (0.5 + 0.5 * along).clamp(0.0, 1.0));
    }
    let mut wanted = vec![Wanted::new([1, 2], 0.1), Wanted::new([1, 2], 0.1), Wanted::new([1], 0.3)];
    if random.chance(0.3) {
        // A disc or a gap where vessels meet.
        let spot = Outline::new(anywhere(size, random), large * random.between(0.05, 0.14), 0.3, random);
        let height = random.between(-0.3, 0.5) as f32;
        spot.each_pixel(size, |at, _| {
            image[at] += height;
            if regions[at] == 0 {
                regions[at] = 3;
            }
        });
        wanted.push(Wanted::new([1, 2, 3], 0.1));
    }
    Scene { size, image, regions, wanted }
}

/// Grows a tree: its cover of pixels, and region 1 for thick vessels, 2 for thin ones.
fn grow(size: [usize; 2], thick: f64, bend: f64, cover: &mut [f32], regions: &mut [u8], random: &mut Random) {
    let large = size[0].max(size[1]) as f64;
    let start = if random.chance(0.7) {
        let mut at = anywhere(size, random);
        let axis = random.index(2);
        at[axis] = if random.chance(0.5) { 0.0 } else { size[axis] as f64 - 1.0 };
        at
    } else {
        anywhere(size, random)
    };
    let towards = [size[0] as f64 / 2.0 - start[0], size[1] as f64 / 2.0 - start[1]];
    let angle = towards[0].atan2(towards[1]) + random.between(-0.7, 0.7);
    let mut tips = vec![Tip { at: start, angle, radius: thick, left: large * random.between(0.5, 1.3) }];
    let mut branches = 0;
    while let Some(mut tip) = tips.pop() {
        let mut drift = 0.0;
        let mut since = 0.0;
        while tip.left > 0.0 && tip.radius > 0.35 {
            drift = 0.8 * drift + bend * random.normal();
            tip.angle += drift * 0.5;
            tip.at = [tip.at[0] + tip.angle.sin(), tip.at[1] + tip.angle.cos()];
            tip.left -= 1.0;
            since += 1.0;
            if !(0..2).all(|axis| (-4.0..size[axis] as f64 + 4.0).contains(&tip.at[axis])) {
                break;
            }
            disc(size, tip.at, tip.radius + 0.7, |at| {
                let off = ((at / size[1]) as f64 - tip.at[0]).hypot((at % size[1]) as f64 - tip.at[1]);
                let share = (tip.radius + 0.5 - off).clamp(0.0, 1.0) as f32;
                cover[at] = cover[at].max(share);
                if share > 0.5 {
                    regions[at] = if regions[at] == 1 || tip.radius > 0.6 * thick { 1 } else { 2 };
                }
            });
            tip.radius *= 0.9985;
            if since > 8.0 && branches < MOST_BRANCHES && random.chance(0.035) {
                branches += 1;
                since = 0.0;
                let side = if random.chance(0.5) { 1.0 } else { -1.0 };
                let share = random.between(0.5, 0.95);
                tips.push(Tip {
                    at: tip.at,
                    angle: tip.angle + side * random.between(0.4, TAU / 5.0),
                    radius: tip.radius * share,
                    left: tip.left * random.between(0.4, 0.9),
                });
                tip.angle -= side * random.between(0.0, 0.35);
                tip.radius *= random.between(0.8, 1.0);
            }
        }
    }
}
