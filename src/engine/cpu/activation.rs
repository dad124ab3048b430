//! Element-wise functions. The gradient of a rectifier at exactly 0 is that of its negative side, as in PyTorch, and that of a
//! cut function at its ends is 0.

use rayon::prelude::*;

use super::kernel::{Kernel, View};
use super::lines;
use crate::graph::Activation;

/// Values per parallel piece.
const PIECE: usize = 1 << 14;

/// Input: x.
pub struct Activate(pub Activation);

/// Beyond this `ln(1 + exp(x))` is x in 32 bits.
const LINEAR_SOFTPLUS: f32 = 20.0;

fn softplus(x: f32) -> f32 {
    if x > LINEAR_SOFTPLUS { x } else { x.exp().ln_1p() }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The share of the normal distribution below x: `erfc(-x / sqrt 2) / 2`, by a Chebyshev approximation of erfc whose relative
/// error is below 1.2e-7 everywhere (Press et al., "Numerical Recipes").
fn normal_share(x: f32) -> f64 {
    const TERMS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let z = -f64::from(x) * std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z.abs());
    let exponent = TERMS.iter().rev().fold(0.0, |sum, term| sum * t + term) - z * z;
    let beyond = 0.5 * t * exponent.exp();
    if z >= 0.0 { beyond } else { 1.0 - beyond }
}

/// The inner part of the other form of Gelu, and its derivative.
fn gelu_inner(x: f32) -> (f64, f64) {
    let (x, root) = (f64::from(x), (2.0 * std::f64::consts::FRAC_1_PI).sqrt());
    (root * (x + 0.044_715 * x * x * x), root * (1.0 + 3.0 * 0.044_715 * x * x))
}

/// The function of every value.
pub fn apply(activation: Activation, x: &[f32], y: &mut [f32]) {
    let each = |y: &mut [f32], f: &dyn Fn(f32) -> f32| y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
    match activation {
        Activation::Relu => lines::rectify(x, y, 0.0),
        Activation::LeakyRelu(slope) => lines::rectify(x, y, slope),
        Activation::Sigmoid => y.iter_mut().zip(x).for_each(|(y, x)| *y = 1.0 / (1.0 + (-x).exp())),
        Activation::Tanh => y.iter_mut().zip(x).for_each(|(y, x)| *y = x.tanh()),
        Activation::Clip(low, high) => y.iter_mut().zip(x).for_each(|(y, x)| *y = x.max(low).min(high)),
        Activation::HardSigmoid { slope, shift } => {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = (x * slope + shift).clamp(0.0, 1.0));
        }
        Activation::HardSwish => y.iter_mut().zip(x).for_each(|(y, x)| *y = x * ((x + 3.0).clamp(0.0, 6.0) / 6.0)),
        Activation::Gelu => each(y, &|x| (f64::from(x) * normal_share(x)) as f32),
        Activation::GeluTanh => each(y, &|x| (0.5 * f64::from(x) * (1.0 + gelu_inner(x).0.tanh())) as f32),
        Activation::Elu(scale) => each(y, &|x| if x > 0.0 { x } else { scale * x.exp_m1() }),
        Activation::Softplus => each(y, &softplus),
        Activation::Mish => each(y, &|x| x * softplus(x).tanh()),
    }
}

/// The derivative at x, whose value is y, of a function that has no gradient of its own in [`lines`].
fn slope_at(activation: Activation, x: f32, y: f32) -> f32 {
    match activation {
        Activation::Relu => f32::from(u8::from(x > 0.0)),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                1.0
            } else {
                slope
            }
        }
        Activation::Sigmoid => y * (1.0 - y),
        Activation::Tanh => 1.0 - y * y,
        Activation::Clip(low, high) => f32::from(u8::from(x > low && x < high)),
        Activation::HardSigmoid { slope, shift } => {
            let line = x * slope + shift;
            if line > 0.0 && line < 1.0 { slope } else { 0.0 }
        }
        Activation::HardSwish if x <= -3.0 => 0.0,
        Activation::HardSwish if x >= 3.0 => 1.0,
        Activation::HardSwish => x / 3.0 + 0.5,
        Activation::Gelu => {
            let density = (-0.5 * f64::from(x) * f64::from(x)).exp() / std::f64::consts::TAU.sqrt();
            (normal_share(x) + f64::from(x) * density) as f32
        }
        Activation::GeluTanh => {
            let (inner, slope) = gelu_inner(x);
            let tanh = inner.tanh();
            (0.5 * (1.0 + tanh) + 0.5 * f64::from(x) * (1.0 - tanh * tanh) * slope) as f32
        }
        Activation::Elu(scale) => {
            if x > 0.0 {
                1.0
            } else {
                scale * x.exp()
            }
        }
        Activation::Softplus => sigmoid(x),
        Activation::Mish => {
            let tanh = softplus(x).tanh();
            tanh + x * (1.0 - tanh * tanh) * sigmoid(x)
        }
    }
}

impl Kernel for Activate {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let x = inputs[0].data;
        let mut y = vec![0.0; x.len()];
        y.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(y, x)| apply(self.0, x, y));
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], output: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut dx = vec![0.0; dy.len()];
        let pieces = dx.par_chunks_mut(PIECE).zip(dy.par_chunks(PIECE));
        let pieces = pieces.zip(inputs[0].data.par_chunks(PIECE)).zip(output.data.par_chunks(PIECE));
        pieces.for_each(|(((dx, g), x), y)| match self.0 {
            Activation::Relu => lines::rectify_gradient(g, x, dx, 0.0),
            Activation::LeakyRelu(slope) => lines::rectify_gradient(g, x, dx, slope),
            other => {
                let values = g.iter().zip(x).zip(y);
                dx.iter_mut().zip(values).for_each(|(dx, ((g, &x), &y))| *dx = g * slope_at(other, x, y));
            }
        });
        vec![Some(dx)]
    }
}

/// Inputs: x, slopes below zero: one of all channels, or one for each.
pub struct ParametricRelu;

impl Kernel for ParametricRelu {
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>) {
        let [_, _, h, w] = inputs[0].dims4();
        let (x, slopes) = (inputs[0].data, inputs[1].data);
        let mut y = vec![0.0; x.len()];
        let positions = (h * w).max(1);
        // Slopes go round with the channels; one counts for all of them.
        y.par_chunks_mut(positions)
            .zip(x.par_chunks(positions))
            .enumerate()
            .for_each(|(map, (y, x))| lines::rectify(x, y, slopes[map % slopes.len()]));
        (y, inputs[0].shape.to_vec())
    }

    fn backward(&self, inputs: &[View], _: View, dy: &[f32]) -> Vec<Option<Vec<f32>>> {
        let [_, _, h, w] = inputs[0].dims4();
        let (x, slopes) = (inputs[0].data, inputs[1].data);
        let positions = (h * w).max(1);
        let mut dx = vec![0.0; x.len()];
        let maps = dx.par_chunks_mut(positions).zip(dy.par_chunks(positions)).zip(x.par_chunks(positions));
        let sums: Vec<f64> = maps
            .enumerate()
            .map(|(map, ((dx, g), x))| {
                lines::rectify_gradient(g, x, dx, slopes[map % slopes.len()]);
                g.iter().zip(x).map(|(&g, &x)| if x > 0.0 { 0.0 } else { f64::from(g) * f64::from(x) }).sum()
            })
            .collect();
        let mut of_slopes = vec![0.0f64; slopes.len()];
        sums.iter().enumerate().for_each(|(map, sum)| of_slopes[map % slopes.len()] += sum);
        vec![Some(dx), Some(of_slopes.into_iter().map(|v| v as f32).collect())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_the_values_of_pytorch() {
        // torch.nn.functional of PyTorch 2.15 at these points, in float64.
        let x = [-6.0, -3.0, -1.0, -0.1, 0.0, 0.5, 2.0, 7.0];
        let gelu =
            [-5.919_525_869e-9, -0.004_049_694, -0.158_655_254, -0.046_017_217, 0.0, 0.345_731_231, 1.954_499_736, 7.0];
        let gelu_tanh =
            [-8.439_649e-11, -0.003_637_392, -0.158_808_009, -0.046_017_25, 0.0, 0.345_714_01, 1.954_597_694, 7.0];
        let mish = [
            -0.014_854_08,
            -0.145_647_461,
            -0.303_401_461,
            -0.056_788_576,
            0.0,
            0.375_245_211,
            1.943_958_96,
            6.999_988_38,
        ];
        let elu = [-0.698_264_873, -0.665_149_052, -0.442_484_391, -0.066_613_808, 0.0, 0.5, 2.0, 7.0];
        let softplus = [
            0.002_475_685,
            0.048_587_352,
            0.313_261_688,
            0.644_396_659,
            std::f64::consts::LN_2,
            0.974_076_984,
            2.126_928_011,
            7.000_911_466,
        ];
        let hard_swish = [0.0, 0.0, -0.333_333_333, -0.048_333_334, 0.0, 0.291_666_667, 1.666_666_667, 7.0];
        let hard_sigmoid = [0.0, 0.0, 0.333_333_333, 0.483_333_333, 0.5, 0.583_333_333, 0.833_333_333, 1.0];
        let cases: [(Activation, [f64; 8]); 8] = [
            (Activation::Gelu, gelu),
            (Activation::GeluTanh, gelu_tanh),
            (Activation::HardSwish, hard_swish),
            (Activation::HardSigmoid { slope: 1.0 / 6.0, shift: 0.5 }, hard_sigmoid),
            (Activation::Mish, mish),
            (Activation::Elu(0.7), elu),
            (Activation::Softplus, softplus),
            (Activation::Clip(-1.0, 6.0), [-1.0, -1.0, -1.0, -0.1, 0.0, 0.5, 2.0, 6.0]),
        ];
        for (activation, wanted) in cases {
            let mut y = [0.0; 8];
            apply(activation, &x, &mut y);
            for (n, wanted) in wanted.into_iter().enumerate() {
                let off = (f64::from(y[n]) - wanted).abs();
                assert!(off <= 3e-7 * wanted.abs().max(1e-3), "{activation:?} at {}: {} for {wanted}", x[n], y[n]);
            }
        }
    }

    #[test]
    fn one_slope_counts_for_all_channels_and_sums_their_gradients() {
        let shape = [2, 2, 1, 2];
        let x = [1.0, -2.0, -3.0, 4.0, -5.0, 6.0, 0.0, -8.0];
        let g = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0];
        let run = |slopes: &[f32]| {
            let len = [slopes.len()];
            let inputs = [View { data: &x, shape: &shape }, View { data: slopes, shape: &len }];
            let (y, _) = ParametricRelu.forward(&inputs);
            let found = ParametricRelu.backward(&inputs, View { data: &y, shape: &shape }, &g);
            (y, found.into_iter().flatten().collect::<Vec<_>>())
        };
        let (y, gradients) = run(&[0.5]);
        assert_eq!(y, [1.0, -1.0, -1.5, 4.0, -2.5, 6.0, 0.0, -4.0]);
        assert_eq!(gradients[0], [1.0, 0.5, 1.0, 2.0, 1.5, 3.0, 2.0, 2.0]);
        assert_eq!(gradients[1], [-2.0 - 6.0 - 15.0 - 32.0]);
        let (y, gradients) = run(&[0.5, 0.25]);
        assert_eq!(y, [1.0, -1.0, -0.75, 4.0, -2.5, 6.0, 0.0, -2.0]);
        assert_eq!(gradients[1], [-2.0 - 15.0, -6.0 - 32.0]);
    }
}
