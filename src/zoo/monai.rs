//! What MONAI's networks share: norms and activations by choice.

use serde::{Deserialize, Serialize};

use crate::graph::{Activation, GraphError, Normalisation, Scope, Value};

/// Most channels of a stage that can be meant.
const MOST_CHANNELS: usize = 8192;

/// Normalisation behind a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MonaiNorm {
    /// None.
    None,
    /// Instance norm without scale and shift.
    Instance,
    /// Instance norm with scale and shift.
    InstanceAffine,
    /// Batch norm.
    Batch,
    /// Group norm with so many groups.
    Group(usize),
}

impl MonaiNorm {
    /// The norm of a map.
    pub fn of(self, scope: &Scope, x: &Value) -> Value {
        match self {
            Self::None => x.clone(),
            Self::Instance => scope.norm(x, Normalisation::Instance, 1e-5, false),
            Self::InstanceAffine => scope.instance_norm(x),
            Self::Batch => scope.batch_norm(x),
            Self::Group(groups) => scope.norm(x, Normalisation::Group { groups }, 1e-5, true),
        }
    }

    /// Whether groups divide all channels.
    ///
    /// # Errors
    /// Names the channels that they do not divide.
    pub fn fits(self, channels: &[usize]) -> Result<(), GraphError> {
        let Self::Group(groups) = self else { return Ok(()) };
        match channels.iter().find(|&&n| groups == 0 || n % groups != 0) {
            Some(&got) => Err(GraphError::Channels { scope: "groups of a norm".into(), expected: groups, got }),
            None => Ok(()),
        }
    }
}

/// Non-linearity behind a norm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MonaiActivation {
    /// max(x, 0).
    Relu,
    /// x for x > 0, else so many times x.
    LeakyRelu(f32),
}

impl MonaiActivation {
    /// The activated map.
    pub fn of(self, x: &Value) -> Value {
        match self {
            Self::Relu => x.relu(),
            Self::LeakyRelu(slope) => x.activate(Activation::LeakyRelu(slope)),
        }
    }
}

/// Whether all stages have channels, and not too many.
///
/// # Errors
/// Names the first number that cannot be meant.
pub fn most(what: &str, channels: &[usize]) -> Result<(), GraphError> {
    match channels.iter().find(|n| !(1..=MOST_CHANNELS).contains(*n)) {
        Some(&got) => Err(GraphError::Channels { scope: what.into(), expected: MOST_CHANNELS, got }),
        None => Ok(()),
    }
}
