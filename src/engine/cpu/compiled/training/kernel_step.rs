//! Operations that have no kernel in blocks: dense arrays through the kernels of `engine/cpu`, by the first thread.

use super::super::memory::Map;
use super::super::pointwise::{read_map, write_map};
use super::super::step::{Context, Step};
use crate::engine::cpu::kernel::{Kernel, View};
use crate::engine::cpu::kernels::{kernel, stand_ins};
use crate::engine::cpu::simd::Vector;
use crate::graph::Op;
use crate::work::memory;

/// An operation, forward or backward.
pub struct KernelStep {
    /// The operation.
    pub op: Op,
    /// Maps it reads.
    pub inputs: Vec<Map>,
    /// Numbers of its parameters among the inputs, and their shapes.
    pub parameters: Vec<(usize, Vec<usize>)>,
    /// Its result.
    pub y: Map,
    /// Where gradients come from and go to; `None` forward.
    pub back: Option<KernelBack>,
}

/// Gradients of an operation.
pub struct KernelBack {
    /// Of the result.
    pub g: Map,
    /// Of every map it reads, and whether it is added to what is there; `None` where nobody wants it.
    pub to: Vec<Option<(Map, bool)>>,
}

/// # Safety
/// As [`Context`] says.
#[inline(always)]
unsafe fn dense<V: Vector>(context: &Context, map: &Map) -> Vec<f32> {
    let mut values = memory::zeros(map.shape().iter().product());
    // SAFETY: the map lies in the arena, and nobody writes it in this step.
    unsafe { read_map::<V>(context.arena, map, &mut values) };
    values
}

impl KernelStep {
    /// Whether maps are read; else only their sizes count.
    fn reads_values(&self) -> bool {
        self.back.is_none() || self.op.gradient_reads_inputs()
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn run_back<V: Vector>(&self, context: &Context, kernel: &dyn Kernel, views: &[View], back: &KernelBack) {
        // SAFETY: maps lie in the arena, arrays of gradients have their parameters' shapes; only this thread writes in this step.
        unsafe {
            let y = if self.reads_values() { dense::<V>(context, &self.y) } else { Vec::new() };
            let g = dense::<V>(context, &back.g);
            let found = kernel.backward(views, View { data: &y, shape: &self.y.shape() }, &g);
            for (n, found) in found.into_iter().enumerate() {
                let Some(mut found) = found else { continue };
                if let Some(to) = back.to.get(n) {
                    let Some((map, add)) = to else { continue };
                    if *add {
                        found.iter_mut().zip(dense::<V>(context, map)).for_each(|(new, old)| *new += old);
                    }
                    write_map::<V>(context.arena, map, &found);
                } else if let Some((parameter, shape)) = self.parameters.get(n - back.to.len()) {
                    assert_eq!(found.len(), shape.iter().product::<usize>(), "a gradient has its parameter's size");
                    let to = context.outputs[*parameter].0;
                    std::ptr::copy_nonoverlapping(found.as_ptr(), to, found.len());
                }
            }
        }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for KernelStep {
    fn name(&self) -> String {
        "dense".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, _: usize) {
        let Some(kernel) = kernel(&self.op, self.inputs[0].size).filter(|_| context.thread == 0) else { return };
        // SAFETY: all maps lie in the arena; only this thread writes in this step.
        unsafe {
            let mut arrays: Vec<Vec<f32>> = Vec::with_capacity(self.inputs.len());
            // What is not read may be somebody else's memory by now.
            let reads = self.reads_values();
            let read = |map: &Map| {
                if reads { dense::<V>(context, map) } else { memory::zeros(map.shape().iter().product()) }
            };
            arrays.extend(self.inputs.iter().map(read));
            let shapes: Vec<[usize; 4]> = self.inputs.iter().map(Map::shape).collect();
            let fill = stand_ins(&self.op);
            let lens: Vec<[usize; 1]> = fill.iter().map(|values| [values.len()]).collect();
            let mut views: Vec<View> = Vec::new();
            views.extend(arrays.iter().zip(&shapes).map(|(data, shape)| View { data, shape }));
            views.extend(self.parameters.iter().map(|(n, shape)| View { data: context.inputs[*n], shape }));
            views.extend(fill.iter().zip(&lens).map(|(data, shape)| View { data, shape }));
            match &self.back {
                None => write_map::<V>(context.arena, &self.y, &kernel.forward(&views).0),
                Some(back) => self.run_back::<V>(context, &*kernel, &views, back),
            }
        }
    }
}
