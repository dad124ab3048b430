//! Shaders, put together from their files and what is known when compiling.

use super::finish::Finish;
use super::walk::Walk;

/// A shader.
#[derive(Clone)]
pub struct Shader {
    /// How it is called.
    pub name: &'static str,
    /// In WGSL.
    pub text: String,
    /// Maps and weights that it reads.
    pub inputs: usize,
}

/// Element-wise functions.
pub const ACTIVATIONS: &str = include_str!("shaders/activations.wgsl");
/// Which of many values a thread makes.
pub const INDEX: &str = include_str!("shaders/index.wgsl");
/// Sums over a group of threads.
pub const TOTAL: &str = include_str!("shaders/total.wgsl");
/// Putting a value to its place, or adding it to what is there.
pub const STORE: &str = include_str!("shaders/store.wgsl");
/// What a channel is divided by a power of.
pub const RESPONSE: &str = include_str!("shaders/local_response_base.wgsl");
/// Rows and columns of positions.
pub const CROSS: &str = include_str!("shaders/cross.wgsl");

/// A shader that makes a product of matrices tile by tile.
pub fn tiled(text: &str) -> String {
    let sums = text.replace("TILE_SUMS", include_str!("shaders/tile_sums.wgsl"));
    format!(
        "{}{}",
        include_str!("shaders/tile.wgsl"),
        sums.replace("TILE_PRODUCT", include_str!("shaders/tile_product.wgsl"))
    )
}

/// A shader that looks at crosses whose height and width add up to at most so many; `weigh` is what their positions count.
pub fn crossing(most: usize, weigh: bool, text: &str) -> String {
    let weigh = if weigh { include_str!("shaders/cross_weigh.wgsl") } else { "" };
    format!("const MOST = {most}u;\n{INDEX}{TOTAL}{CROSS}{weigh}{text}")
}

/// The function that a shader applies to what it writes.
fn finishing(finish: Finish) -> String {
    let name = finish.function;
    format!("{ACTIVATIONS}\nfn finish(x: f32) -> f32 {{ return {name}(x, p.finish_a, p.finish_b); }}\n")
}

/// Height and width of a kernel.
pub fn kernel_constants([height, width]: [usize; 2]) -> String {
    format!("const KERNEL_H = {height}u;\nconst KERNEL_W = {width}u;\n")
}

/// Kernel, spread and bias of a convolution.
fn walk_constants(walk: &Walk, is_biased: bool) -> String {
    let [height, width] = walk.spread;
    let constant = if is_biased { "bias[channel]" } else { "0.0" };
    let kernel = kernel_constants(walk.kernel);
    let spread = format!("const SPREAD_H = {height}i;\nconst SPREAD_W = {width}i;\n");
    format!("{kernel}{spread}fn constant(channel: u32) -> f32 {{ return {constant}; }}\n")
}

/// Convolution as a product of matrices; `scatter`: rows are output channels times taps that lie side by side.
pub fn conv_tiled(walk: &Walk, scatter: bool, is_biased: bool, finish: Finish) -> Shader {
    let text = tiled(include_str!("shaders/conv_tiled.wgsl"));
    let constants = walk_constants(walk, is_biased);
    let text = format!("{constants}const SCATTER = {scatter};\n{STORE}{}{text}", finishing(finish));
    Shader { name: "conv_tiled", text, inputs: 3 }
}

/// Convolution value by value.
pub fn conv_direct(walk: &Walk, is_biased: bool, finish: Finish) -> Shader {
    let text = include_str!("shaders/conv_direct.wgsl");
    let constants = walk_constants(walk, is_biased);
    Shader { name: "conv_direct", text: format!("{constants}{INDEX}{STORE}{}{text}", finishing(finish)), inputs: 3 }
}

/// Fully connected layer.
pub fn linear(finish: Finish) -> Shader {
    let text = include_str!("shaders/linear.wgsl");
    Shader { name: "linear", text: format!("{INDEX}{TOTAL}{}{text}", finishing(finish)), inputs: 3 }
}

/// What two values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Their sum.
    Sum,
    /// Their product.
    Product,
    /// The first.
    First,
    /// The first, times the second where it is not above zero.
    Rectified,
}

/// Two maps value by value.
pub fn pair(joined: Joined, finish: Finish) -> Shader {
    let expression = match joined {
        Joined::Sum => "a + b",
        Joined::Product => "a * b",
        Joined::First => "a",
        Joined::Rectified => "select(b * a, a, a > 0.0)",
    };
    let joined = format!("fn joined(a: f32, b: f32) -> f32 {{ return {expression}; }}\n");
    let text = include_str!("shaders/pair.wgsl");
    Shader { name: "pair", text: format!("{INDEX}{joined}{}{text}", finishing(finish)), inputs: 2 }
}

/// Every channel times a factor, and a constant added.
pub fn scale_shift(finish: Finish) -> Shader {
    let text = include_str!("shaders/scale_shift.wgsl");
    Shader { name: "scale_shift", text: format!("{INDEX}{}{text}", finishing(finish)), inputs: 3 }
}

/// Instance and group norm.
pub fn norm_sets(finish: Finish) -> Shader {
    let text = include_str!("shaders/norm_sets.wgsl");
    Shader { name: "norm_sets", text: format!("{INDEX}{TOTAL}{}{text}", finishing(finish)), inputs: 3 }
}

/// Layer norm.
pub fn norm_layer(finish: Finish) -> Shader {
    let text = include_str!("shaders/norm_layer.wgsl");
    Shader { name: "norm_layer", text: format!("{INDEX}{}{text}", finishing(finish)), inputs: 3 }
}

/// Largest value of each window.
pub fn max_pool() -> Shader {
    Shader { name: "max_pool", text: format!("{INDEX}{}", include_str!("shaders/max_pool.wgsl")), inputs: 1 }
}

/// A separable linear map of each channel.
pub fn resample() -> Shader {
    Shader { name: "resample", text: format!("{INDEX}{STORE}{}", include_str!("shaders/resample.wgsl")), inputs: 2 }
}

/// Sum over the positions of every map weighted by another, or the mean.
pub fn plane_sum(weighted: bool) -> Shader {
    let text = include_str!("shaders/plane_sum.wgsl");
    let text = format!("const WEIGHTED = {weighted};\n{INDEX}{TOTAL}{text}");
    Shader { name: "plane_sum", text, inputs: 2 }
}

/// Softmax over channels, or its logarithm.
pub fn softmax_channels(log: bool) -> Shader {
    let text = include_str!("shaders/softmax_channels.wgsl");
    Shader { name: "softmax_channels", text: format!("const LOG = {log};\n{INDEX}{text}"), inputs: 1 }
}

/// Softmax over values that lie one after the other.
pub fn softmax_lines() -> Shader {
    let text = include_str!("shaders/softmax_lines.wgsl");
    Shader { name: "softmax_lines", text: format!("{INDEX}{TOTAL}{text}"), inputs: 1 }
}

/// A part of a map, or a map with a border.
pub fn window() -> Shader {
    Shader { name: "window", text: format!("{INDEX}{STORE}{}", include_str!("shaders/window.wgsl")), inputs: 1 }
}

/// One part of a concatenation.
pub fn concat() -> Shader {
    Shader { name: "concat", text: format!("{INDEX}{}", include_str!("shaders/concat.wgsl")), inputs: 1 }
}

/// Local response normalisation.
pub fn local_response() -> Shader {
    let text = include_str!("shaders/local_response.wgsl");
    Shader { name: "local_response", text: format!("{INDEX}{RESPONSE}{text}"), inputs: 1 }
}

/// Products of matrices with any strides.
pub fn matmul() -> Shader {
    Shader { name: "matmul", text: format!("{STORE}{}", tiled(include_str!("shaders/matmul.wgsl"))), inputs: 2 }
}

/// Scores of pairs.
pub fn pair_scores() -> Shader {
    Shader { name: "pair_scores", text: format!("{INDEX}{}", include_str!("shaders/pair_scores.wgsl")), inputs: 2 }
}

/// Criss-cross attention on maps whose height and width add up to at most so many.
pub fn criss_cross(most: usize) -> Shader {
    Shader { name: "criss_cross", text: crossing(most, true, include_str!("shaders/criss_cross.wgsl")), inputs: 3 }
}
