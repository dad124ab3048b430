//! Named weights, their first values, and whether they fit a graph.

use std::collections::BTreeMap;

use super::array::Array;
use super::random::Random;
use crate::graph::{Graph, Role};

/// Arrays by parameter name.
pub type Weights = BTreeMap<String, Array>;

/// Why weights do not fit a graph. Names the first tensor that does not.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WeightError {
    /// The graph needs a tensor that is not there.
    #[error("the weights do not fit this architecture: tensor {name:?} {shape:?} is missing")]
    Missing {
        /// Parameter name.
        name: String,
        /// Shape it should have.
        shape: Vec<usize>,
    },
    /// A tensor has another shape.
    #[error("the weights do not fit this architecture: tensor {name:?} has shape {got:?}, needed is {expected:?}")]
    Shape {
        /// Parameter name.
        name: String,
        /// Shape it should have.
        expected: Vec<usize>,
        /// Shape it has.
        got: Vec<usize>,
    },
    /// A tensor belongs to no parameter.
    #[error("the weights do not fit this architecture: tensor {name:?} belongs to nothing in it")]
    Unknown {
        /// Tensor name.
        name: String,
    },
}

/// Checks names and shapes in the graph's order.
///
/// # Errors
/// Names the first tensor that does not fit.
pub fn check(graph: &Graph, weights: &Weights) -> Result<(), WeightError> {
    for parameter in &graph.parameters {
        match weights.get(&parameter.name) {
            None => return Err(WeightError::Missing { name: parameter.name.clone(), shape: parameter.shape.clone() }),
            Some(array) if array.shape != parameter.shape => {
                return Err(WeightError::Shape {
                    name: parameter.name.clone(),
                    expected: parameter.shape.clone(),
                    got: array.shape.clone(),
                });
            }
            Some(_) => {}
        }
    }
    match weights.keys().find(|name| !graph.parameters.iter().any(|p| &p.name == *name)) {
        Some(name) => Err(WeightError::Unknown { name: name.clone() }),
        None => Ok(()),
    }
}

/// First values: He et al. (2015) normal for weights, zero for biases, one for scales, the standard normal's moments
/// for running statistics. The same seed gives the same weights.
pub fn initial_weights(graph: &Graph, seed: u64) -> Weights {
    graph
        .parameters
        .iter()
        .enumerate()
        .map(|(index, parameter)| {
            let count = parameter.len();
            let values = match parameter.role {
                Role::Weight { fan_in } => {
                    let deviation = (2.0 / fan_in).sqrt();
                    let mut random = Random::new(seed, index as u64);
                    (0..count).map(|_| (random.normal() * deviation) as f32).collect()
                }
                Role::NormScale | Role::RunningVariance => vec![1.0; count],
                // PyTorch's first value.
                Role::Slope => vec![0.25; count],
                Role::ZeroWeight { .. } | Role::Gain | Role::ZeroNormScale | Role::Bias | Role::RunningMean => {
                    vec![0.0; count]
                }
            };
            (parameter.name.clone(), Array::new(parameter.shape.clone(), values))
        })
        .collect()
}
