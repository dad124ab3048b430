//! Operations without a kernel in blocks, on dense arrays, through the kernels of `engine/cpu`.

use super::memory::Map;
use super::pointwise::{read_map, write_map};
use super::step::{Context, Step};
use crate::engine::cpu::kernel::View;
use crate::engine::cpu::kernels::{kernel, parameter_count, stand_ins};
use crate::engine::cpu::simd::Vector;
use crate::graph::Op;
use crate::work::memory;

/// An operation with parameters that stay as they are, by the first thread.
pub struct Dense {
    op: Op,
    /// Values and shapes of what the kernel takes after the maps.
    parameters: Vec<(Vec<f32>, Vec<usize>)>,
    /// Maps it reads.
    inputs: Vec<Map>,
    /// Its result.
    y: Map,
}

impl Dense {
    /// The step of an operation. What is not computed (it is never handed here) gives its input.
    pub fn new(op: &Op, mut parameters: Vec<(Vec<f32>, Vec<usize>)>, inputs: Vec<Map>, y: Map) -> Self {
        parameters.truncate(parameter_count(op));
        parameters.extend(stand_ins(op).into_iter().map(|values| {
            let shape = vec![values.len()];
            (values, shape)
        }));
        Self { op: op.clone(), parameters, inputs, y }
    }
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for Dense {
    fn name(&self) -> String {
        "dense".into()
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, _: usize) {
        if context.thread != 0 {
            return;
        }
        let mut arrays: Vec<Vec<f32>> = Vec::with_capacity(self.inputs.len());
        for map in &self.inputs {
            let mut values = memory::zeros(map.shape().iter().product());
            // SAFETY: the map lies in the arena, and nobody writes it in this step.
            unsafe { read_map::<V>(context.arena, map, &mut values) };
            arrays.push(values);
        }
        let shapes: Vec<[usize; 4]> = self.inputs.iter().map(Map::shape).collect();
        let mut views: Vec<View> = arrays.iter().zip(&shapes).map(|(data, shape)| View { data, shape }).collect();
        views.extend(self.parameters.iter().map(|(data, shape)| View { data, shape }));
        let result = kernel(&self.op, self.inputs[0].size).map(|kernel| kernel.forward(&views).0);
        // SAFETY: the map lies in the arena; only this thread writes in this step.
        unsafe { write_map::<V>(context.arena, &self.y, result.as_ref().unwrap_or(&arrays[0])) };
    }
}
