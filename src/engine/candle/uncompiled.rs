//! Inference node by node: what GPUs run.

use candle_core::{DType, Tensor};

use super::Mode;
use super::half;
use super::interpret::inputs_of;
use super::network::{Network, download};
use crate::engine::array::Array;
use crate::engine::device::gpu_memory;
use crate::engine::memory::inference_memory_bytes;
use crate::engine::{EngineError, Result};
use crate::work::Watch;

/// Share of a GPU's free memory that maps may take; the rest is for fragments and the libraries' own scratch space.
const MEMORY_SHARE: f64 = 0.7;

impl Network {
    /// Whether inference on a GPU keeps maps in 16 bits (the default there): half the memory, faster, three decimal digits. Sums
    /// over many values, normalisation and softmax are made in 32 bits all the same. Where a result is not finite, 32 bits take
    /// over with a notice. Our kernels on the CPU always use 32 bits.
    pub fn set_half_precision(&mut self, half: bool) {
        self.half = half && !self.is_ours();
        self.most_slices = None;
    }

    /// Runs the network node by node, in parts that fit the device's memory.
    pub(super) fn infer_uncompiled(&mut self, input: &Array, watch: Watch) -> Result<Vec<Array>> {
        let [batch, _, height, width] = input.dims4();
        let most = self.most_slices([height, width])?;
        if most < batch {
            let mut parts: Vec<Vec<Array>> = vec![Vec::new(); self.graph.outputs.len()];
            for part in input.split(most) {
                let outputs = self.infer(&part, watch)?;
                parts.iter_mut().zip(outputs).for_each(|(parts, output)| parts.push(output));
            }
            return Ok(parts.into_iter().filter_map(Array::join).collect());
        }
        match self.infer_nodes(input, watch) {
            Ok(outputs) if self.half && !outputs.iter().all(is_finite) => {
                self.set_half_precision(false);
                let name = &self.device_name;
                self.notices.push(format!("16 bits are too few for this network on {name}; it uses 32."));
                self.infer(input, watch)
            }
            Err(EngineError::Stopped(stopped)) => Err(stopped.into()),
            Err(error) if !self.device.is_cpu() && error.is_out_of_memory() && batch > 1 => {
                self.most_slices = Some(([height, width], batch / 2));
                let name = &self.device_name;
                self.notices
                    .push(format!("{name} has too little memory for {batch} slices at a time; it gets {}.", batch / 2));
                self.infer(input, watch)
            }
            Err(error) if !self.device.is_cpu() => {
                self.move_to_cpu(&error)?;
                self.infer(input, watch)
            }
            other => other,
        }
    }

    /// Slices that fit the device's free memory, at least one; any number where it does not say.
    fn most_slices(&mut self, size: [usize; 2]) -> Result<usize> {
        if let Some((_, most)) = self.most_slices.filter(|(known, _)| *known == size) {
            return Ok(most);
        }
        let Some([free, _]) = gpu_memory(&self.device) else { return Ok(usize::MAX) };
        let value_bytes = if self.half { DType::F16 } else { DType::F32 }.size_in_bytes();
        let of_slice = inference_memory_bytes(&self.graph, size, value_bytes)?;
        let most = ((free as f64 * MEMORY_SHARE) as usize / of_slice.max(1)).max(1);
        self.most_slices = Some((size, most));
        Ok(most)
    }

    fn infer_nodes(&self, input: &Array, watch: Watch) -> Result<Vec<Array>> {
        let interpreter = self.interpreter(Mode::Inference, false);
        let x = Tensor::from_slice(&input.values, input.dims4().as_slice(), &self.device)?;
        let mut uses = interpreter.uses(false);
        let mut results: Vec<Option<Tensor>> = vec![None; self.graph.nodes.len()];
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if uses[id] == 0 {
                continue;
            }
            watch.check()?;
            let inputs = inputs_of(node, &results, &x);
            let result =
                if self.half { half::node(&interpreter, node, &inputs) } else { interpreter.node(node, &inputs) };
            results[id] = Some(result?);
            // A result that nobody reads any more gives its memory back.
            for &input in &node.inputs {
                uses[input] -= 1;
                if uses[input] == 0 {
                    results[input] = None;
                }
            }
        }
        let outputs = self.graph.outputs.iter().filter_map(|&id| results[id].as_ref());
        Ok(outputs.map(|y| download(&y.to_dtype(DType::F32)?)).collect::<candle_core::Result<_>>()?)
    }
}

fn is_finite(array: &Array) -> bool {
    array.values.iter().all(|value| value.is_finite())
}
