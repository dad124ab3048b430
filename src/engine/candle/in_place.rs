//! Optimiser steps on the CPU: one pass over each array, in place.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor};
use rayon::prelude::*;

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

/// `a = f(a, b, c)`, value by value.
struct Blend3<F>(F);

impl<F: Fn(f32, f32, f32) -> f32 + Sync> InplaceOp3 for Blend3<F> {
    fn name(&self) -> &'static str {
        "blend"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        let (a, b, c) = (write(s1, l1)?, read(s2, l2)?, read(s3, l3)?);
        a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).zip(c.par_chunks(PIECE)).for_each(|((a, b), c)| {
            a.iter_mut().zip(b).zip(c).for_each(|((a, &b), &c)| *a = self.0(*a, b, c));
        });
        Ok(())
    }
}

/// `a = f(a, b)`, value by value; both dense, f32 and on the CPU.
pub fn blend(a: &Tensor, b: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) -> Result<()> {
    a.inplace_op2(b, &Blend(f))
}

/// `a = f(a, b, c)`, value by value; all dense, f32 and on the CPU.
pub fn blend3(a: &Tensor, b: &Tensor, c: &Tensor, f: impl Fn(f32, f32, f32) -> f32 + Sync) -> Result<()> {
    a.inplace_op3(b, c, &Blend3(f))
}
