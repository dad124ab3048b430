//! Perceptrons per pixel: Rosenblatt, "The perceptron", Psychological Review 65 (1958), and with hidden layers Rumelhart,
//! Hinton, Williams, Nature 323 (1986), over a bank of local features.
//!
//! The bank is fixed: the image, its local means at four scales, local means of its square, and local maxima. A linear
//! layer makes edges and contrasts of them.

use serde::{Deserialize, Serialize};

use super::{Ends, conv};
use crate::graph::{Activation, Graph, GraphBuilder, GraphError, Pool, Scope, Value};

/// Options of the classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Perceptron {
    /// Units of each hidden layer; none for the perceptron itself.
    pub hidden: Vec<usize>,
    /// Non-linearity of the hidden layers.
    pub activation: Activation,
    /// Whether the channels are images that the bank of local features is made of; else they are features themselves.
    pub bank: bool,
}

impl Default for Perceptron {
    fn default() -> Self {
        Self { hidden: Vec::new(), activation: Activation::Relu, bank: true }
    }
}

/// Windows of the local means.
const MEANS: [usize; 4] = [3, 7, 15, 31];
/// Windows of the means of squares, and of the maxima.
const SQUARES: [usize; 2] = [3, 7];
/// Most units of a layer.
const MAX_UNITS: usize = 4096;

/// The bank: nine maps per channel.
fn bank(x: &Value) -> Value {
    let window = |kernel: usize| Pool { padding: [kernel / 2; 2], ..Pool::new(kernel, 1) };
    let mut all = x.clone();
    for kernel in MEANS {
        all = all.concat(&x.avg_pool(window(kernel)));
    }
    let square = x.times(x);
    for kernel in SQUARES {
        all = all.concat(&square.avg_pool(window(kernel)));
    }
    for kernel in SQUARES {
        all = all.concat(&x.max_pool(window(kernel)));
    }
    all
}

impl Perceptron {
    /// One hidden layer of 32 units.
    pub fn multi_layer() -> Self {
        Self { hidden: vec![32], ..Self::default() }
    }

    /// Builds the graph. Scopes: `fc.i`.
    ///
    /// # Errors
    /// When a layer would have no units, or too many.
    pub fn build(&self, ends: Ends) -> Result<Graph, GraphError> {
        if let Some(&got) = self.hidden.iter().find(|&&n| n == 0 || n > MAX_UNITS) {
            return Err(GraphError::Channels { scope: "hidden".into(), expected: MAX_UNITS, got });
        }
        let builder = GraphBuilder::new();
        let input = builder.input(ends.in_channels);
        let mut x = if self.bank { bank(&input) } else { input };
        let scope = builder.root().sub("fc");
        for (n, &units) in self.hidden.iter().enumerate() {
            x = scope.sub(n).conv(&x, conv(&x, units, 1, 1, 0, true)).activate(self.activation);
        }
        let logits = scope.sub(self.hidden.len()).conv(&x, conv(&x, ends.classes, 1, 1, 0, true));
        builder.finish(&[logits])
    }
}

/// Fully connected layers with one activation after all but the last; `widths` are the layers' outputs.
pub fn layers(scope: &Scope, x: &Value, widths: &[usize], activation: Activation) -> Value {
    let mut x = x.clone();
    for (n, &width) in widths.iter().enumerate() {
        x = scope.sub("fc").sub(n).linear(&x, width);
        if n + 1 < widths.len() {
            x = x.activate(activation);
        }
    }
    x
}
