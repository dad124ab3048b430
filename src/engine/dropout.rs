//! Dropout's masks, the same on every device and over an interruption.

use super::random::Random;

/// Masks of one pass: the same seed, pass and place among the masks give the same one.
#[derive(Debug, Default)]
pub struct Masks {
    seed: u64,
    pass: u64,
    drawn: u64,
}

/// Keeps streams apart from those that others draw from the same seed.
const MASK_STREAMS: u64 = 0x6d61_736b;

/// More masks than a pass has.
const MASKS_PER_PASS: u64 = 1 << 16;

impl Masks {
    /// The masks of a pass.
    pub fn new(seed: u64, pass: u64) -> Self {
        Self { seed: seed ^ MASK_STREAMS, pass, drawn: 0 }
    }

    /// The next mask of so many values: zeros for this share, and what makes up for them elsewhere.
    pub fn next(&mut self, count: usize, share: f64) -> Vec<f32> {
        let mut random = Random::new(self.seed, self.pass.wrapping_mul(MASKS_PER_PASS).wrapping_add(self.drawn));
        self.drawn += 1;
        let kept = (1.0 / (1.0 - share)) as f32;
        (0..count).map(|_| if random.chance(share) { 0.0 } else { kept }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_depend_on_seed_pass_and_place_alone_and_keep_the_mean() {
        let draw = |seed, pass| {
            let mut masks = Masks::new(seed, pass);
            [0, 1].map(|_| masks.next(4 * 8 * 16 * 16, 0.25))
        };
        assert_eq!(draw(1, 5), draw(1, 5));
        let [a, b] = draw(1, 5);
        assert!(a != b && a != draw(1, 6)[0] && a != draw(2, 5)[0]);
        let mean = a.iter().sum::<f32>() / a.len() as f32;
        assert!((mean - 1.0).abs() < 0.03 && a.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6), "{mean}");
    }
}
