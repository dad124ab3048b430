//! A picture before it is photographed: which pixel is what, how that looks, and what somebody may want of it.

use super::noise::{field, white};
use crate::engine::Random;

/// What may be wanted of a scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The regions that belong to it.
    pub regions: Vec<u8>,
    /// The chance that only one connected part of it is wanted.
    pub single: f64,
}

impl Wanted {
    /// Regions of which one part alone is wanted with a chance of `single`.
    pub fn new(regions: impl Into<Vec<u8>>, single: f64) -> Self {
        Self { regions: regions.into(), single }
    }
}

/// A scene of `[rows, columns]`, all planes row-major.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Values of about 0 to 1.
    pub image: Vec<f32>,
    /// The region of each pixel.
    pub regions: Vec<u8>,
    /// What may be wanted; one of them is drawn.
    pub wanted: Vec<Wanted>,
}

/// How regions of one kind look.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    mean: f32,
    coarse: f32,
    fine: f32,
    grain: f32,
}

/// A grey with textures for every region. Regions of the same kind by `kind_of` look the same; those that follow each other differ.
pub fn painted(size: [usize; 2], regions: &[u8], kind_of: impl Fn(u8) -> u8, random: &mut Random) -> Vec<f32> {
    let mut looks = [Look::default(); 256];
    let mut is_there = [false; 256];
    regions.iter().for_each(|region| is_there[usize::from(kind_of(*region))] = true);
    // Some pictures have flat regions, some rough ones.
    let rough = random.between(0.0, 1.0).powi(2) as f32;
    let contrast = random.between(0.06, 0.3) as f32;
    let mut before = [-1.0f32; 2];
    for (kind, look) in looks.iter_mut().enumerate().filter(|(kind, _)| is_there[*kind]) {
        let mut mean = random.unit() as f32;
        for _ in 0..6 {
            if before.iter().all(|before| (mean - before).abs() >= contrast) {
                break;
            }
            mean = random.unit() as f32;
        }
        before = if kind == 0 { [mean, -1.0] } else { [before[0], mean] };
        let mut strength = || if random.chance(0.5) { rough * 0.15 * random.unit() as f32 } else { 0.0 };
        *look = Look { mean, coarse: strength(), fine: strength(), grain: strength() };
    }
    let coarse = field(size, random.between(8.0, 30.0), random);
    let fine = field(size, random.between(2.0, 6.0), random);
    let grain = white(regions.len(), random);
    let value = |(at, region): (usize, &u8)| {
        let look = looks[usize::from(kind_of(*region))];
        look.mean + look.coarse * coarse[at] + look.fine * fine[at] + look.grain * grain[at]
    };
    regions.iter().enumerate().map(value).collect()
}

/// As [`painted`] with a kind for every region.
pub fn painted_apart(size: [usize; 2], regions: &[u8], random: &mut Random) -> Vec<f32> {
    painted(size, regions, |region| region, random)
}

/// Every region that is there but the ground, each wanted alone.
pub fn each_alone(regions: &[u8], single: f64) -> Vec<Wanted> {
    let mut is_there = [false; 256];
    regions.iter().for_each(|region| is_there[usize::from(*region)] = true);
    (1..=255u8).filter(|region| is_there[usize::from(*region)]).map(|region| Wanted::new([region], single)).collect()
}
