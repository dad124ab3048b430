//! Shapes with corners and straight edges, on each other; held back from training.

use super::super::scene::{Scene, each_alone, painted_apart};
use super::super::shapes::anywhere;
use crate::engine::Random;

pub fn draw(size: [usize; 2], random: &mut Random) -> Scene {
    let large = size[0].min(size[1]) as f64;
    let mut regions = vec![0u8; size[0] * size[1]];
    for shape in 1..=2 + random.index(8) as u8 {
        // What lies on the inner side of all its edges.
        let middle = anywhere(size, random);
        let edges: Vec<([f64; 2], f64)> = (0..3 + random.index(4))
            .map(|n| {
                let angle = f64::from(n as u32) * 1.7 + random.between(-0.5, 0.5);
                ([angle.sin(), angle.cos()], large * random.between(0.03, 0.2))
            })
            .collect();
        let most = 0.35 * large;
        for (at, region) in regions.iter_mut().enumerate() {
            let off = [(at / size[1]) as f64 - middle[0], (at % size[1]) as f64 - middle[1]];
            let is_in = edges.iter().all(|(normal, reach)| off[0] * normal[0] + off[1] * normal[1] <= *reach);
            if is_in && off[0].hypot(off[1]) < most {
                *region = shape;
            }
        }
    }
    let image = painted_apart(size, &regions, random);
    let wanted = each_alone(&regions, 0.9);
    Scene { size, image, regions, wanted }
}
