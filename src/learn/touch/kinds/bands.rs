//! Folded bands of even thickness, as the cortex around white matter: with fluid outside, cavities and nuclei within, in a skull or not.

use super::super::distance::depth;
use super::super::noise::{field, octaves};
use super::super::scene::{Scene, Wanted, painted};
use super::super::shapes::Outline;
use crate::engine::Random;

const FLUID: u8 = 1;
const BAND: u8 = 2;
const CORE: u8 = 3;
const CAVITY: u8 = 4;
const NUCLEUS: u8 = 5;
const SKULL: u8 = 6;
const SCALP: u8 = 7;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let count = size[0] * size[1];
    let mut regions = vec![0u8; count];
    let has_skull = random.chance(0.6);
    let folds = octaves(size, random.between(0.05, 0.13) * large, 2, random);
    let strength = random.between(0.05, 0.3);
    let mut height = vec![-1.0f32; count];
    let middle = size.map(|n| n as f64 * random.between(0.42, 0.58));
    if has_skull || random.chance(0.5) {
        let head = Outline::new(middle, large * random.between(0.3, 0.46), 0.12, random);
        if has_skull {
            head.scaled(random.between(1.1, 1.25)).each_pixel(size, |at, _| regions[at] = SCALP);
            head.scaled(random.between(1.04, 1.1)).each_pixel(size, |at, _| regions[at] = SKULL);
        }
        head.each_pixel(size, |at, reach| {
            regions[at] = FLUID;
            height[at] = (0.8 - reach) as f32 + (strength * f64::from(folds[at])) as f32 * (reach.sqrt() as f32);
        });
        if random.chance(0.5) {
            // A gap between two halves.
            let lean = random.between(-0.15, 0.15);
            let gap = random.between(1.0, 4.0);
            let is_upright = random.chance(0.5);
            for (at, height) in height.iter_mut().enumerate().filter(|(_, height)| **height > -1.0) {
                let [row, column] = [(at / size[1]) as f64 - middle[0], (at % size[1]) as f64 - middle[1]];
                let off = if is_upright { column - lean * row } else { row - lean * column };
                let end = if is_upright { row } else { column };
                if off.abs() < gap && end.abs() > 0.15 * large {
                    *height = -0.5;
                }
            }
        }
    } else {
        let coarse = field(size, random.between(0.2, 0.6) * large, random);
        let offset = random.between(-0.3, 0.3) as f32;
        for ((height, coarse), folds) in height.iter_mut().zip(coarse).zip(&folds) {
            *height = offset + coarse + 1.5 * strength as f32 * folds;
        }
        regions.fill(FLUID);
    }
    // The band lies around the core: within it where there is room, so that folds stay open.
    let thickness = random.between(1.2, 4.5) * large / 160.0 + 0.6;
    let outer = depth(size, |at| height[at] > 0.0);
    for at in (0..count).filter(|at| height[*at] > 0.0) {
        regions[at] = if f64::from(outer[at]) <= thickness { BAND } else { CORE };
    }
    let inside = |regions: &[u8], at: usize| matches!(regions[at], CORE);
    for (region, most) in [(CAVITY, 3), (NUCLEUS, 4)] {
        for _ in 0..random.index(most + 1) {
            let place = middle.map(|at| at + 0.1 * large * random.normal());
            let outline = Outline::new(place, large * random.between(0.02, 0.09), 0.7, random);
            outline.each_pixel(size, |at, _| {
                if inside(&regions, at) {
                    regions[at] = region;
                }
            });
        }
    }
    let looks = random.index(3);
    let kind = move |region: u8| match region {
        CAVITY if looks > 0 => FLUID,
        NUCLEUS if looks > 1 => BAND,
        SCALP if looks == 1 => CORE,
        other => other,
    };
    let image = painted(size, &regions, kind, random);
    let wanted = vec![
        Wanted::new([BAND], 0.15),
        Wanted::new([BAND], 0.15),
        Wanted::new([BAND, NUCLEUS], 0.15),
        Wanted::new([CORE], 0.15),
        Wanted::new([CORE, NUCLEUS, CAVITY], 0.3),
        Wanted::new([BAND, CORE, NUCLEUS, CAVITY], 0.5),
        Wanted::new([FLUID], 0.2),
        Wanted::new([CAVITY], 0.4),
        Wanted::new([NUCLEUS], 0.4),
        Wanted::new([FLUID, CAVITY], 0.0),
        Wanted::new([SKULL], 0.2),
    ];
    Scene { size, image, regions, wanted }
}
