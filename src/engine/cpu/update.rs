//! Optimiser steps: one pass over values, gradient and memory, in place.

use rayon::prelude::*;

use super::lines::{self, AdamStep};
use crate::engine::recipe::{Recipe, Update};

/// Values per parallel piece.
const PIECE: usize = 1 << 14;

/// Sum of squares of all values.
pub fn square_sum(values: &[f32]) -> f64 {
    let parts: Vec<f64> = values.par_chunks(PIECE).map(|part| lines::sum_of_squares(part, 0.0)).collect();
    parts.into_iter().sum()
}

/// Changes a parameter's values by their gradient. `memory` is the momentum buffer or first moment, and the second moment: empty
/// where there is none yet.
pub fn step(values: &mut [f32], gradient: &[f32], memory: &mut [Vec<f32>; 2], update: &Update) {
    let (clip, count) = (update.clip as f32, values.len());
    match update.recipe {
        Recipe::Sgd { momentum, nesterov, weight_decay } => {
            let (mu, decay, rate) = (momentum as f32, weight_decay as f32, update.rate as f32);
            if momentum == 0.0 {
                return by_piece(values, gradient, [], |p, g, []| {
                    p.iter_mut().zip(g).for_each(|(p, &g)| *p -= rate * (g * clip + decay * *p));
                });
            }
            let [buffer, _] = memory;
            // The first step's buffer is the direction itself, as zeros times the momentum give.
            buffer.resize(count, 0.0);
            by_piece(values, gradient, [buffer], |p, g, [b]| {
                for ((p, &g), b) in p.iter_mut().zip(g).zip(b) {
                    let d = g * clip + decay * *p;
                    *b = mu * *b + d;
                    *p -= rate * if nesterov { d + mu * *b } else { *b };
                }
            });
        }
        Recipe::Adam { betas, eps, weight_decay } => {
            adam(values, gradient, memory, betas, eps, [weight_decay, 0.0], update);
        }
        Recipe::AdamW { betas, eps, weight_decay } => {
            adam(values, gradient, memory, betas, eps, [0.0, weight_decay], update);
        }
    }
}

/// Adam's step; `decay` is added to the gradient, and pulls at the value, respectively.
fn adam(
    values: &mut [f32],
    gradient: &[f32],
    [first, second]: &mut [Vec<f32>; 2],
    betas: [f64; 2],
    eps: f64,
    decay: [f64; 2],
    update: &Update,
) {
    first.resize(values.len(), 0.0);
    second.resize(values.len(), 0.0);
    let [c1, c2] = betas.map(|b| 1.0 / (1.0 - b.powi(update.steps)));
    let step = AdamStep {
        clip: update.clip as f32,
        decay: decay[0] as f32,
        keep: (1.0 - update.rate * decay[1]) as f32,
        betas: betas.map(|b| b as f32),
        rests: betas.map(|b| (1.0 - b) as f32),
        rate: (update.rate * c1) as f32,
        second: c2 as f32,
        eps: eps as f32,
    };
    by_piece(values, gradient, [first, second], |p, g, [m, v]| lines::adam(p, g, m, v, &step));
}

/// Changes values and `N` arrays of the same length, piece by piece.
fn by_piece<const N: usize>(
    mut values: &mut [f32],
    mut gradient: &[f32],
    memory: [&mut Vec<f32>; N],
    step: impl Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Sync,
) {
    let mut memory = memory.map(Vec::as_mut_slice);
    let mut pieces = Vec::with_capacity(values.len().div_ceil(PIECE));
    while !values.is_empty() {
        let count = PIECE.min(values.len());
        let (piece, rest) = values.split_at_mut(count);
        let (own, other) = gradient.split_at(count);
        let parts = memory.each_mut().map(|m| {
            let (part, rest) = std::mem::take(m).split_at_mut(count);
            *m = rest;
            part
        });
        (values, gradient) = (rest, other);
        pieces.push((piece, own, parts));
    }
    pieces.into_par_iter().for_each(|(piece, gradient, parts)| step(piece, gradient, parts));
}
