//! The shaders of training.

use super::super::shader::{
    ACTIVATIONS, CROSS, INDEX, RESPONSE, STORE, Shader, TOTAL, crossing, kernel_constants, tiled,
};
use crate::graph::Normalisation;

const SLOPES: &str = include_str!("../shaders/slopes.wgsl");
const SETS: &str = include_str!("../shaders/norm_sets_of.wgsl");

/// Who makes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Makers {
    /// A thread.
    One,
    /// A group of 256 threads together.
    Group,
}

impl Makers {
    /// The shader for these, with what it reads of them.
    fn of(self, text: &str) -> String {
        let (own, begin, step, threads) = match self {
            Self::One => ("number(group, groups) * 64u + local", "0u", "1u", "64"),
            Self::Group => ("number(group, groups)", "local", "256u", "256"),
        };
        let named = [("OWN", own), ("BEGIN", begin), ("STEP", step), ("THREADS", threads)];
        let text = named.iter().fold(text.to_string(), |text, (name, value)| text.replace(name, value));
        let together = match self {
            Self::One => "fn together(local: u32, own: f32) -> f32 { return own; }\n".to_string(),
            Self::Group => format!("{TOTAL}fn together(local: u32, own: f32) -> f32 {{ return total(local, own); }}\n"),
        };
        format!("{INDEX}{together}{text}")
    }
}

/// What becomes of three values `u`, `v` and `w`, in WGSL, before they are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// The first.
    First,
    /// The product of the first two.
    Product,
    /// The first times the derivative of this function at the second.
    Slope(&'static str),
    /// The first, times the third where the second is not above zero.
    Rectified,
    /// The product of the first two where the second is not above zero.
    Below,
}

/// A function of three arrays, summed over some axes.
pub fn reduce(term: Term, makers: Makers) -> Shader {
    let expression = match term {
        Term::First => "u".to_string(),
        Term::Product => "u * v".to_string(),
        Term::Slope(function) => format!("u * {function}_slope(v, a, b)"),
        Term::Rectified => "select(u * w, u, v > 0.0)".to_string(),
        Term::Below => "select(u * v, 0.0, v > 0.0)".to_string(),
    };
    let functions = if matches!(term, Term::Slope(_)) { format!("{ACTIVATIONS}{SLOPES}") } else { String::new() };
    let joined =
        format!("fn joined(u: f32, v: f32, w: f32, a: f32, b: f32) -> f32 {{ return {expression}; }}\n{functions}");
    let text = makers.of(include_str!("../shaders/reduce.wgsl"));
    Shader { name: "reduce", text: format!("{joined}{STORE}{text}"), inputs: 3 }
}

/// Weights of a convolution for the product of matrices.
pub fn pack_weights() -> Shader {
    Shader { name: "pack_weights", text: format!("{INDEX}{}", include_str!("../shaders/pack_weights.wgsl")), inputs: 1 }
}

/// Gradient of a convolution's weights, value by value.
pub fn conv_weights_direct(kernel: [usize; 2]) -> Shader {
    let text = include_str!("../shaders/conv_weights_direct.wgsl");
    let text = format!("{}{INDEX}{TOTAL}{STORE}{text}", kernel_constants(kernel));
    Shader { name: "conv_weights_direct", text, inputs: 2 }
}

/// Gradient of a convolution's weights as a product of matrices.
pub fn conv_weights_tiled(kernel: [usize; 2]) -> Shader {
    let text = tiled(include_str!("../shaders/conv_weights_tiled.wgsl"));
    Shader { name: "conv_weights_tiled", text: format!("{}{text}", kernel_constants(kernel)), inputs: 2 }
}

/// Gradient of max pooling.
pub fn max_pool_gradient() -> Shader {
    let text = include_str!("../shaders/max_pool_gradient.wgsl");
    Shader { name: "max_pool_gradient", text: format!("{INDEX}{STORE}{text}"), inputs: 2 }
}

/// Where a normalisation's sets lie.
fn sets(kind: Normalisation) -> String {
    let is_batch = matches!(kind, Normalisation::Batch { .. });
    let is_layer = kind == Normalisation::Layer;
    format!("const BATCH = {is_batch};\nconst LAYER = {is_layer};\n{SETS}")
}

/// Moments of every set.
pub fn norm_moments(kind: Normalisation, makers: Makers) -> Shader {
    let text = makers.of(include_str!("../shaders/norm_moments.wgsl"));
    Shader { name: "norm_moments", text: format!("{}{text}", sets(kind)), inputs: 1 }
}

/// A step of a running statistic.
pub fn norm_running(kind: Normalisation) -> Shader {
    let text = include_str!("../shaders/norm_running.wgsl");
    Shader { name: "norm_running", text: format!("{}{INDEX}{text}", sets(kind)), inputs: 1 }
}

/// Running statistics as moments.
pub fn norm_fixed(kind: Normalisation) -> Shader {
    let text = include_str!("../shaders/norm_fixed.wgsl");
    Shader { name: "norm_fixed", text: format!("{}{INDEX}{text}", sets(kind)), inputs: 2 }
}

/// Normalised values.
pub fn norm_apply(kind: Normalisation, affine: bool) -> Shader {
    let text = include_str!("../shaders/norm_apply.wgsl");
    let text = format!("const AFFINE = {affine};\n{}{INDEX}{text}", sets(kind));
    Shader { name: "norm_apply", text, inputs: 4 }
}

/// Sums of every map for a normalisation's gradients.
pub fn norm_map_sums(kind: Normalisation) -> Shader {
    let text = include_str!("../shaders/norm_map_sums.wgsl");
    Shader { name: "norm_map_sums", text: format!("{}{INDEX}{TOTAL}{text}", sets(kind)), inputs: 3 }
}

/// Means of every set for a normalisation's gradients.
pub fn norm_set_means(kind: Normalisation, affine: bool) -> Shader {
    let text = include_str!("../shaders/norm_set_means.wgsl");
    let text = format!("const AFFINE = {affine};\n{}{INDEX}{text}", sets(kind));
    Shader { name: "norm_set_means", text, inputs: 5 }
}

/// Gradient of what a normalisation is given; `is_fixed`: by moments that are not its own.
pub fn norm_gradient(kind: Normalisation, affine: bool, is_fixed: bool) -> Shader {
    let text = include_str!("../shaders/norm_gradient.wgsl");
    let constants = format!("const AFFINE = {affine};\nconst FIXED = {is_fixed};\n");
    Shader { name: "norm_gradient", text: format!("{constants}{}{INDEX}{STORE}{text}", sets(kind)), inputs: 5 }
}

/// Gradient of a normalisation's scales or shifts.
pub fn norm_parameter(kind: Normalisation) -> Shader {
    let text = include_str!("../shaders/norm_parameter.wgsl");
    Shader { name: "norm_parameter", text: format!("{}{INDEX}{STORE}{text}", sets(kind)), inputs: 1 }
}

/// Gradient of a softmax over channels, or of its logarithm.
pub fn softmax_channels_gradient(log: bool) -> Shader {
    let text = include_str!("../shaders/softmax_channels_gradient.wgsl");
    let text = format!("const LOG = {log};\n{INDEX}{STORE}{text}");
    Shader { name: "softmax_channels_gradient", text, inputs: 2 }
}

/// Gradient of a softmax over values that lie one after the other.
pub fn softmax_lines_gradient() -> Shader {
    let text = include_str!("../shaders/softmax_lines_gradient.wgsl");
    Shader { name: "softmax_lines_gradient", text: format!("{INDEX}{TOTAL}{STORE}{text}"), inputs: 2 }
}

/// Gradient of local response normalisation.
pub fn local_response_gradient() -> Shader {
    let text = include_str!("../shaders/local_response_gradient.wgsl");
    Shader { name: "local_response_gradient", text: format!("{INDEX}{STORE}{RESPONSE}{text}"), inputs: 2 }
}

/// Gradient of the scores of pairs.
pub fn pair_scores_gradient() -> Shader {
    let text = include_str!("../shaders/pair_scores_gradient.wgsl");
    Shader { name: "pair_scores_gradient", text: format!("{INDEX}{text}"), inputs: 2 }
}

/// Shares of the positions of every cross, whose height and width add up to at most so many.
pub fn cross_shares(most: usize) -> Shader {
    let text = crossing(most, true, include_str!("../shaders/cross_shares.wgsl"));
    Shader { name: "cross_shares", text, inputs: 2 }
}

/// Gradients of the scores behind them.
pub fn cross_scores_gradient(most: usize) -> Shader {
    let text = crossing(most, false, include_str!("../shaders/cross_scores_gradient.wgsl"));
    Shader { name: "cross_scores_gradient", text, inputs: 3 }
}

/// Sums over crosses; `back`: from those whose cross a position lies in.
pub fn cross_sum(back: bool) -> Shader {
    let text = include_str!("../shaders/cross_sum.wgsl");
    let text = format!("const BACK = {back};\n{INDEX}{STORE}{CROSS}{text}");
    Shader { name: "cross_sum", text, inputs: 2 }
}

/// A step of what an optimiser remembers of gradients, or of their squares.
pub fn moment(square: bool) -> Shader {
    let text = include_str!("../shaders/moment.wgsl");
    Shader { name: "moment", text: format!("const SQUARE = {square};\n{INDEX}{text}"), inputs: 2 }
}

/// Adam's step of a parameter.
pub fn adam() -> Shader {
    Shader { name: "adam", text: format!("{INDEX}{}", include_str!("../shaders/adam.wgsl")), inputs: 2 }
}

/// Gradient descent's step of a parameter.
pub fn descent() -> Shader {
    Shader { name: "descent", text: format!("{INDEX}{}", include_str!("../shaders/descent.wgsl")), inputs: 2 }
}

/// Sums of squares.
pub fn square_sums() -> Shader {
    let text = include_str!("../shaders/square_sums.wgsl");
    Shader { name: "square_sums", text: format!("{INDEX}{TOTAL}{text}"), inputs: 1 }
}
