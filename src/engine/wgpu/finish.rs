//! The element-wise function that a shader applies to what it writes.

use crate::graph::Activation;

/// A function of `shaders/activations.wgsl` with its two constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish {
    /// Its name there.
    pub function: &'static str,
    /// Its constants.
    pub constants: [f32; 2],
}

impl Finish {
    /// Nothing is done.
    pub const PLAIN: Self = Self { function: "plain", constants: [0.0; 2] };

    /// The function of an activation.
    pub fn of(activation: Activation) -> Self {
        let (function, constants) = match activation {
            Activation::Relu => ("relu", [0.0; 2]),
            Activation::LeakyRelu(slope) => ("leaky_relu", [slope, 0.0]),
            Activation::Sigmoid => ("sigmoid", [0.0; 2]),
            Activation::Tanh => ("hyperbolic", [0.0; 2]),
            Activation::Clip(low, high) => ("clip", [low, high]),
            Activation::HardSigmoid { slope, shift } => ("hard_sigmoid", [slope, shift]),
            Activation::HardSwish => ("hard_swish", [0.0; 2]),
            Activation::Gelu => ("gelu", [0.0; 2]),
            Activation::GeluTanh => ("gelu_tanh", [0.0; 2]),
            Activation::Elu(scale) => ("elu", [scale, 0.0]),
            Activation::Softplus => ("softplus", [0.0; 2]),
            Activation::Mish => ("mish", [0.0; 2]),
        };
        // Infinity is no number that every driver keeps.
        Self { function, constants: constants.map(|constant: f32| constant.clamp(f32::MIN, f32::MAX)) }
    }

    /// Its constants and then other sizes, as a shader's `Params` have them.
    pub fn before(self, sizes: Vec<u32>) -> Vec<u32> {
        self.constants.map(f32::to_bits).into_iter().chain(sizes).collect()
    }
}
