//! Level sets of smooth noise: blobs within blobs, of any form.

use super::super::noise::{octaves, quantile};
use super::super::scene::{Scene, Wanted, painted_apart};
use crate::engine::Random;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let plane = octaves(size, random.between(0.1, 0.5) * large, 1 + random.index(3), random);
    let levels = 1 + random.index(3);
    let mut shares: Vec<f64> = (0..levels).map(|_| random.between(0.3, 0.95)).collect();
    shares.sort_unstable_by(f64::total_cmp);
    let thresholds: Vec<f32> = shares.iter().map(|share| quantile(&plane, *share)).collect();
    let level = |value: &f32| thresholds.iter().filter(|threshold| value > threshold).count() as u8;
    let regions: Vec<u8> = plane.iter().map(level).collect();
    let wanted = (1..=levels as u8)
        .flat_map(|level| [Wanted::new([level], 0.4), Wanted::new((level..=levels as u8).collect::<Vec<_>>(), 0.7)]);
    Scene { size, image: painted_apart(size, &regions, random), wanted: wanted.collect(), regions }
}
