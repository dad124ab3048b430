//! A training pass and its gradients, as others see them.

use std::sync::Arc;

use super::array::Array;
use super::error::{EngineError, Result};
use super::executor::{DeviceArray, DeviceGradients, ForwardPass};
use crate::graph::Graph;
use crate::work::Watch;

/// A finished forward pass.
pub struct Pass {
    pub(super) forward: Box<dyn ForwardPass>,
    /// Values of every output.
    pub(super) lens: Vec<usize>,
    pub(super) input_shape: [usize; 4],
    pub(super) graph: Arc<Graph>,
}

impl Pass {
    /// The results, in the graph's order.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn outputs(&self) -> Result<Vec<Array>> {
        self.forward.outputs()
    }

    /// An inner result by its name in [`Graph::taps`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn tap(&self, name: &str) -> Result<Option<Array>> {
        self.forward.tap(name)
    }

    /// Gradients of `sum over outputs of sum(output * gradient)`. A stop is noticed between the stages of a compiled pass.
    ///
    /// # Errors
    /// When the device fails or the work is stopped.
    pub fn backward(self, output_gradients: &[Array], watch: Watch) -> Result<Gradients> {
        if !output_gradients.iter().map(|gradient| gradient.values.len()).eq(self.lens.iter().copied()) {
            return Err(EngineError::failed("the gradients are not those of the network's outputs"));
        }
        let found = self.forward.backward(output_gradients, watch)?;
        Ok(Gradients { found, input_shape: self.input_shape, graph: self.graph })
    }
}

/// Gradients of a pass.
pub struct Gradients {
    found: DeviceGradients,
    input_shape: [usize; 4],
    graph: Arc<Graph>,
}

impl Gradients {
    /// The gradient of the input; `None` where it was not asked for, see [`Network::with_input_gradient`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn input(&self) -> Result<Option<Array>> {
        self.found.input.as_ref().map(|held| Ok(Array::new(self.input_shape, held.read()?))).transpose()
    }

    /// The gradient of a parameter by name; zeros where nothing depends on it, `None` for an unknown name.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn parameter(&self, name: &str) -> Result<Option<Array>> {
        let Some(number) = self.graph.parameters.iter().position(|p| p.name == name) else { return Ok(None) };
        let shape = &self.graph.parameters[number].shape;
        Ok(Some(match self.held(number) {
            Some(held) => Array::new(shape.clone(), held.read()?),
            None => Array::zeros(shape),
        }))
    }

    /// The gradient of a parameter by its number, on the device.
    pub(super) fn held(&self, parameter: usize) -> Option<&dyn DeviceArray> {
        self.found.parameters.get(parameter)?.as_deref()
    }
}
