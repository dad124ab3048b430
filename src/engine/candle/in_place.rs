//! Optimiser steps on the CPU: one pass over each array, in place.

use std::sync::Mutex;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor};
use rayon::prelude::*;

use crate::engine::cpu::lines;

/// Values per parallel piece.
const PIECE: usize = 1 << 14;

fn read<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => candle_core::bail!("optimiser steps work on dense f32 arrays"),
    }
}

fn write<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => candle_core::bail!("optimiser steps work on dense f32 arrays"),
    }
}

/// A step over pieces of the values, the gradient and `N` arrays of the same length that it changes too.
struct Step<'a, F, const N: usize> {
    memory: Mutex<Option<[&'a mut [f32]; N]>>,
    step: F,
}

impl<F: Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Sync, const N: usize> InplaceOp2 for Step<'_, F, N> {
    fn name(&self) -> &'static str {
        "optimiser step"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        let (mut values, mut gradient) = (write(s1, l1)?, read(s2, l2)?);
        let memory = self.memory.lock().ok().and_then(|mut memory| memory.take());
        let Some(mut memory) = memory else { return Ok(()) };
        if gradient.len() != values.len() || memory.iter().any(|m| m.len() != values.len()) {
            candle_core::bail!("an optimiser's memory does not fit its parameter");
        }
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
        pieces.into_par_iter().for_each(|(piece, gradient, parts)| (self.step)(piece, gradient, parts));
        Ok(())
    }
}

/// Changes `values` and the arrays of `memory` by a gradient, piece by piece; all dense, f32 and on the CPU.
pub fn step<const N: usize>(
    values: &Tensor,
    gradient: &Tensor,
    memory: [&mut [f32]; N],
    step: impl Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Sync,
) -> Result<()> {
    values.inplace_op2(gradient, &Step { memory: Mutex::new(Some(memory)), step })
}

/// `a = f(a, b)`, value by value.
struct Blend<F>(F);

impl<F: Fn(f32, f32) -> f32 + Sync> InplaceOp2 for Blend<F> {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        let (a, b) = (write(s1, l1)?, read(s2, l2)?);
        a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).for_each(|(a, b)| {
            a.iter_mut().zip(b).for_each(|(a, &b)| *a = self.0(*a, b));
        });
        Ok(())
    }
}

/// `a = f(a, b)`, value by value; both dense, f32 and on the CPU.
pub fn blend(a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) -> Result<()> {
    a.inplace_op2(b, &Blend(f))
}

/// Sum of squares of a dense f32 array on the CPU.
pub fn square_sum(a: &Tensor) -> Result<f64> {
    super::kernel_op::with_values(std::slice::from_ref(a), |values| {
        let parts: Vec<f64> = values[0].par_chunks(PIECE).map(|part| lines::sum_of_squares(part, 0.0)).collect();
        parts.into_iter().sum()
    })
}
