//! Dropout's masks, the same on every device and over an interruption.

use std::cell::Cell;

use candle_core::{Result, Tensor};

use crate::engine::Random;

/// Masks of one pass: the same seed, pass and place among the masks give the same one.
#[derive(Debug, Default)]
pub struct Masks {
    seed: u64,
    pass: u64,
    drawn: Cell<u64>,
}

/// Keeps streams apart from those that others draw from the same seed.
const MASK_STREAMS: u64 = 0x6d61_736b;

/// More masks than a pass has.
const MASKS_PER_PASS: u64 = 1 << 16;

impl Masks {
    /// The masks of a pass.
    pub fn new(seed: u64, pass: u64) -> Self {
        Self { seed: seed ^ MASK_STREAMS, pass, drawn: Cell::new(0) }
    }

    /// The next mask, shaped like `x`: zeros for this share, and what makes up for them elsewhere.
    pub fn next(&self, x: &Tensor, share: f64) -> Result<Tensor> {
        let number = self.drawn.replace(self.drawn.get() + 1);
        let mut random = Random::new(self.seed, self.pass.wrapping_mul(MASKS_PER_PASS).wrapping_add(number));
        let kept = (1.0 / (1.0 - share)) as f32;
        let values: Vec<f32> = (0..x.elem_count()).map(|_| if random.chance(share) { 0.0 } else { kept }).collect();
        Tensor::from_vec(values, x.shape(), x.device())?.to_dtype(x.dtype())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn masks_depend_on_seed_pass_and_place_alone_and_keep_the_mean() {
        let x = Tensor::zeros((4, 8, 16, 16), DType::F32, &Device::Cpu).unwrap();
        let draw = |seed, pass| {
            let masks = Masks::new(seed, pass);
            [0, 1].map(|_| masks.next(&x, 0.25).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap())
        };
        assert_eq!(draw(1, 5), draw(1, 5));
        let [a, b] = draw(1, 5);
        assert!(a != b && a != draw(1, 6)[0] && a != draw(2, 5)[0]);
        let mean = a.iter().sum::<f32>() / a.len() as f32;
        assert!((mean - 1.0).abs() < 0.03 && a.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6), "{mean}");
    }
}
