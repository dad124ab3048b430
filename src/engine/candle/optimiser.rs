//! Optimisers, with PyTorch's definitions (torch.optim SGD, Adam, AdamW).

use candle_core::{DType, Tensor};

use super::in_place::{blend, square_sum, step};
use super::network::{Gradients, Network, download};
use crate::engine::cpu::lines::{self, AdamStep};
use crate::engine::{Array, Result, WeightError, Weights};
use crate::graph::Parameter;

/// Which optimiser, and its constants.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Stochastic gradient descent: d = g + wd p; buffer = momentum buffer + d (d at first).
    Sgd {
        /// Share of the buffer that is kept.
        momentum: f64,
        /// Whether to look one step ahead.
        nesterov: bool,
        /// Pull towards zero, added to the gradient.
        weight_decay: f64,
    },
    /// Adam; the weight decay is added to the gradient.
    Adam {
        /// Decay rates of the two moments.
        betas: [f64; 2],
        /// Added to the root of the second moment.
        eps: f64,
        /// Pull towards zero.
        weight_decay: f64,
    },
    /// Adam with decoupled weight decay: p *= 1 - lr wd.
    AdamW {
        /// Decay rates of the two moments.
        betas: [f64; 2],
        /// Added to the root of the second moment.
        eps: f64,
        /// Pull towards zero.
        weight_decay: f64,
    },
}

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
    /// Per parameter: momentum buffer, or first and second moment.
    memory: Vec<[Option<Tensor>; 2]>,
    /// The same where our own kernels run.
    arrays: Vec<[Vec<f32>; 2]>,
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
        Self { recipe, clip_norm, steps: 0, memory: Vec::new(), arrays: Vec::new(), frozen: Vec::new() }
    }

    /// Leaves the parameters of some scopes as they are; running statistics of their norms still move.
    pub fn freeze(&mut self, scopes: &[String]) {
        self.frozen = scopes.to_vec();
    }

    /// What it remembers, to go on another time.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn state(&self, network: &Network) -> Result<OptimiserState> {
        let mut state = OptimiserState { steps: self.steps, ..OptimiserState::default() };
        for (index, parameter) in network.graph().parameters.iter().enumerate() {
            for (which, all) in state.memory.iter_mut().enumerate() {
                let array = match (self.memory.get(index), self.arrays.get(index)) {
                    (Some(tensors), _) if tensors[which].is_some() => {
                        tensors[which].as_ref().map(download).transpose()?
                    }
                    (_, Some(arrays)) if !arrays[which].is_empty() => {
                        Some(Array::new(parameter.shape.as_slice(), arrays[which].clone()))
                    }
                    _ => None,
                };
                if let Some(array) = array {
                    all.insert(parameter.name.clone(), array);
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
        let parameters = &network.graph().parameters;
        self.steps = state.steps;
        self.memory = vec![Default::default(); parameters.len()];
        self.arrays = vec![Default::default(); parameters.len()];
        for (index, (parameter, variable)) in parameters.iter().zip(network.variables()).enumerate() {
            for (which, all) in state.memory.iter().enumerate() {
                let Some(array) = all.get(&parameter.name) else { continue };
                if array.shape != parameter.shape {
                    let (name, expected) = (parameter.name.clone(), parameter.shape.clone());
                    return Err(WeightError::Shape { name, expected, got: array.shape.clone() }.into());
                }
                if network.is_ours() {
                    self.arrays[index][which].clone_from(&array.values);
                } else {
                    let tensor = Tensor::from_slice(&array.values, array.shape.as_slice(), variable.device())?;
                    self.memory[index][which] = Some(tensor);
                }
            }
        }
        Ok(())
    }

    /// Changes the trainable parameters once; returns the norm of the gradients before clipping.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step(&mut self, network: &mut Network, gradients: &Gradients, rate: f64) -> Result<f64> {
        self.steps += 1;
        network.weights_changed();
        let moves = |p: &Parameter| p.role.is_trainable() && !is_in_scopes(&p.name, &self.frozen);
        let trainable: Vec<bool> = network.graph().parameters.iter().map(moves).collect();
        self.memory.resize_with(trainable.len(), Default::default);
        self.arrays.resize_with(trainable.len(), Default::default);
        let mut square = 0.0;
        for index in (0..trainable.len()).filter(|&index| trainable[index]) {
            if let Some(gradient) = gradients.tensor(index) {
                square += if network.is_ours() {
                    square_sum(&gradient.detach().contiguous()?)?
                } else {
                    f64::from(gradient.to_dtype(DType::F32)?.sqr()?.sum_all()?.to_scalar::<f32>()?)
                };
            }
        }
        let norm = square.sqrt();
        let clip = self.clip_norm.map_or(1.0, |max| (max / (norm + 1e-6)).min(1.0));
        for (index, variable) in network.variables().iter().enumerate() {
            if !trainable[index] {
                continue;
            }
            let Some(gradient) = gradients.tensor(index) else { continue };
            let value = variable.as_detached_tensor();
            if network.is_ours() {
                self.update_in_place(index, &value, &gradient.detach().contiguous()?, clip, rate)?;
                continue;
            }
            let gradient = if clip < 1.0 { gradient.affine(clip, 0.0)? } else { gradient.clone() };
            let updated = self.update(index, &value, &gradient.detach(), rate)?;
            variable.set(&updated)?;
        }
        Ok(norm)
    }

    /// The same step without new arrays, in one pass over values, gradient and memory.
    fn update_in_place(
        &mut self,
        index: usize,
        value: &Tensor,
        gradient: &Tensor,
        clip: f64,
        rate: f64,
    ) -> candle_core::Result<()> {
        let count = value.elem_count();
        let clip = clip as f32;
        match self.recipe {
            Recipe::Sgd { momentum, nesterov, weight_decay } => {
                let (mu, decay, rate) = (momentum as f32, weight_decay as f32, rate as f32);
                if momentum == 0.0 {
                    return blend(value, gradient, |p, g| p - rate * (g * clip + decay * p));
                }
                let [buffer, _] = &mut self.arrays[index];
                // The first step's buffer is the direction itself, as zeros times the momentum give.
                buffer.resize(count, 0.0);
                step(value, gradient, [buffer], |p, g, [b]| {
                    for ((p, &g), b) in p.iter_mut().zip(g).zip(b) {
                        let d = g * clip + decay * *p;
                        *b = mu * *b + d;
                        *p -= rate * if nesterov { d + mu * *b } else { *b };
                    }
                })
            }
            Recipe::Adam { betas, eps, weight_decay } => {
                self.adam_in_place(index, value, gradient, clip, betas, eps, [weight_decay, 0.0], rate)
            }
            Recipe::AdamW { betas, eps, weight_decay } => {
                self.adam_in_place(index, value, gradient, clip, betas, eps, [0.0, weight_decay], rate)
            }
        }
    }

    /// Adam's step; `decay` is added to the gradient, and pulls at the value, respectively.
    #[allow(clippy::too_many_arguments, reason = "the arrays and constants of one formula")]
    fn adam_in_place(
        &mut self,
        index: usize,
        value: &Tensor,
        gradient: &Tensor,
        clip: f32,
        betas: [f64; 2],
        eps: f64,
        decay: [f64; 2],
        rate: f64,
    ) -> candle_core::Result<()> {
        let count = value.elem_count();
        let [first, second] = &mut self.arrays[index];
        first.resize(count, 0.0);
        second.resize(count, 0.0);
        let [c1, c2] = betas.map(|b| 1.0 / (1.0 - b.powi(self.steps)));
        let step_of = AdamStep {
            clip,
            decay: decay[0] as f32,
            keep: (1.0 - rate * decay[1]) as f32,
            betas: betas.map(|b| b as f32),
            rests: betas.map(|b| (1.0 - b) as f32),
            rate: (rate * c1) as f32,
            second: c2 as f32,
            eps: eps as f32,
        };
        step(value, gradient, [first, second], |p, g, [m, v]| lines::adam(p, g, m, v, &step_of))
    }

    fn update(&mut self, index: usize, value: &Tensor, gradient: &Tensor, rate: f64) -> candle_core::Result<Tensor> {
        let memory = &mut self.memory[index];
        match self.recipe {
            Recipe::Sgd { momentum, nesterov, weight_decay } => {
                let d = decayed(gradient, value, weight_decay)?;
                let step = if momentum == 0.0 {
                    d
                } else {
                    let buffer = match &memory[0] {
                        Some(buffer) => (buffer.affine(momentum, 0.0)? + &d)?,
                        None => d.clone(),
                    };
                    memory[0] = Some(buffer.clone());
                    if nesterov { (d + buffer.affine(momentum, 0.0)?)? } else { buffer }
                };
                value - step.affine(rate, 0.0)?
            }
            Recipe::Adam { betas, eps, weight_decay } => {
                let d = decayed(gradient, value, weight_decay)?;
                value - moments(memory, &d, betas, eps, self.steps)?.affine(rate, 0.0)?
            }
            Recipe::AdamW { betas, eps, weight_decay } => {
                let step = moments(memory, gradient, betas, eps, self.steps)?.affine(rate, 0.0)?;
                value.affine(1.0 - rate * weight_decay, 0.0)? - step
            }
        }
    }
}

fn decayed(gradient: &Tensor, value: &Tensor, weight_decay: f64) -> candle_core::Result<Tensor> {
    if weight_decay == 0.0 { Ok(gradient.clone()) } else { gradient + value.affine(weight_decay, 0.0)? }
}

/// Adam's direction, and the update of its two moments.
fn moments(
    memory: &mut [Option<Tensor>; 2],
    gradient: &Tensor,
    [b1, b2]: [f64; 2],
    eps: f64,
    steps: i32,
) -> candle_core::Result<Tensor> {
    let blend = |old: &Option<Tensor>, new: Tensor, beta: f64| -> candle_core::Result<Tensor> {
        let new = new.affine(1.0 - beta, 0.0)?;
        match old {
            Some(old) => old.affine(beta, 0.0)? + new,
            None => Ok(new),
        }
    };
    let first = blend(&memory[0], gradient.clone(), b1)?;
    let second = blend(&memory[1], gradient.sqr()?, b2)?;
    let direction = (first.affine(1.0 / (1.0 - b1.powi(steps)), 0.0)?
        / second.affine(1.0 / (1.0 - b2.powi(steps)), 0.0)?.sqrt()?.affine(1.0, eps)?)?;
    *memory = [Some(first), Some(second)];
    Ok(direction)
}
