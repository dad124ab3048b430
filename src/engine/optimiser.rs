//! Optimisers, with PyTorch's definitions (torch.optim SGD, Adam, AdamW): which parameters move, how far, and what is
//! remembered. Each engine makes the step of a parameter where that lies.

use super::array::Array;
use super::error::Result;
use super::executor::DeviceArray;
use super::network::Network;
use super::pass::Gradients;
use super::recipe::{Recipe, Update};
use super::weights::{WeightError, Weights};
use crate::graph::Parameter;

/// What an optimiser remembers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimiserState {
    /// Steps so far.
    pub steps: i32,
    /// By parameter name: the momentum buffers or first moments, and the second moments.
    pub memory: [Weights; 2],
}

/// An optimiser with its memory.
pub struct Optimiser {
    recipe: Recipe,
    /// Largest norm of all gradients together.
    clip_norm: Option<f64>,
    steps: i32,
    /// Per parameter, on the network's device: momentum buffer, or first and second moment.
    memory: Vec<[Option<Box<dyn DeviceArray>>; 2]>,
    /// Scopes whose parameters stay as they are.
    frozen: Vec<String>,
}

/// Whether a parameter lies in one of these scopes.
pub fn is_in_scopes(name: &str, scopes: &[String]) -> bool {
    scopes
        .iter()
        .any(|scope| name.strip_prefix(scope.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

impl Optimiser {
    /// An optimiser without memory.
    pub fn new(recipe: Recipe, clip_norm: Option<f64>) -> Self {
        Self { recipe, clip_norm, steps: 0, memory: Vec::new(), frozen: Vec::new() }
    }

    /// Leaves the parameters of some scopes as they are; running statistics of their norms still move.
    pub fn freeze(&mut self, scopes: &[String]) {
        self.frozen = scopes.to_vec();
    }

    /// What it remembers, to continue another time.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn state(&self, network: &Network) -> Result<OptimiserState> {
        let mut state = OptimiserState { steps: self.steps, ..OptimiserState::default() };
        for (parameter, memory) in network.graph().parameters.iter().zip(&self.memory) {
            for (all, held) in state.memory.iter_mut().zip(memory) {
                if let Some(held) = held {
                    all.insert(parameter.name.clone(), Array::new(parameter.shape.clone(), held.read()?));
                }
            }
        }
        Ok(state)
    }

    /// Remembers what another optimiser of the same recipe did for the same graph.
    ///
    /// # Errors
    /// When an array has another shape than its parameter, or the device cannot take it.
    pub fn restore(&mut self, network: &Network, state: &OptimiserState) -> Result<()> {
        self.steps = state.steps;
        self.memory.clear();
        for parameter in &network.graph().parameters {
            let mut memory = [None, None];
            for (held, all) in memory.iter_mut().zip(&state.memory) {
                let Some(array) = all.get(&parameter.name) else { continue };
                if array.shape != parameter.shape {
                    let (name, expected) = (parameter.name.clone(), parameter.shape.clone());
                    return Err(WeightError::Shape { name, expected, got: array.shape.clone() }.into());
                }
                *held = Some(network.executor().hold(array)?);
            }
            self.memory.push(memory);
        }
        Ok(())
    }

    /// Changes the trainable parameters once; returns the norm of the gradients before clipping.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step(&mut self, network: &mut Network, gradients: &Gradients, rate: f64) -> Result<f64> {
        self.steps += 1;
        let parameters = &network.graph().parameters;
        self.memory.resize_with(parameters.len(), Default::default);
        let moves = |p: &Parameter| p.role.is_trainable() && !is_in_scopes(&p.name, &self.frozen);
        let moving = parameters.iter().enumerate().filter(|(_, parameter)| moves(parameter));
        let moving: Vec<(usize, &dyn DeviceArray)> =
            moving.filter_map(|(number, _)| Some((number, gradients.held(number)?))).collect();
        let executor = network.executor_mut();
        let norm = executor.square_sum(&moving.iter().map(|(_, gradient)| *gradient).collect::<Vec<_>>())?.sqrt();
        let clip = self.clip_norm.map_or(1.0, |max| (max / (norm + 1e-6)).min(1.0));
        let update = Update { recipe: self.recipe, clip, rate, steps: self.steps };
        for (number, gradient) in moving {
            executor.update(number, gradient, &mut self.memory[number], &update)?;
        }
        Ok(norm)
    }
}
