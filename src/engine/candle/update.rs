//! Optimiser steps put together from candle's operations.

use candle_core::{Result, Tensor};

use crate::engine::recipe::{Recipe, Update};

/// A parameter's new value. `memory` is the momentum buffer or first moment, and the second moment, where there are any yet.
pub fn updated(value: &Tensor, gradient: &Tensor, memory: &mut [Option<Tensor>; 2], update: &Update) -> Result<Tensor> {
    let clipped = if update.clip < 1.0 { gradient.affine(update.clip, 0.0)? } else { gradient.clone() };
    let (gradient, rate) = (&clipped, update.rate);
    match update.recipe {
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
            value - moments(memory, &d, betas, eps, update.steps)?.affine(rate, 0.0)?
        }
        Recipe::AdamW { betas, eps, weight_decay } => {
            let step = moments(memory, gradient, betas, eps, update.steps)?.affine(rate, 0.0)?;
            value.affine(1.0 - rate * weight_decay, 0.0)? - step
        }
    }
}

fn decayed(gradient: &Tensor, value: &Tensor, weight_decay: f64) -> Result<Tensor> {
    if weight_decay == 0.0 { Ok(gradient.clone()) } else { gradient + value.affine(weight_decay, 0.0)? }
}

/// Adam's direction, and the update of its two moments.
fn moments(
    memory: &mut [Option<Tensor>; 2],
    gradient: &Tensor,
    [b1, b2]: [f64; 2],
    eps: f64,
    steps: i32,
) -> Result<Tensor> {
    let blend = |old: &Option<Tensor>, new: Tensor, beta: f64| -> Result<Tensor> {
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
