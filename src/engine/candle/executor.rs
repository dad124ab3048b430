//! A network on a device of candle: node by node, with candle's own gradients.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{DType, Device as Place, Tensor, Var};

use super::interpret::{Interpreter, inputs_of};
use super::memory::gpu_memory;
use super::{half, update};
use crate::engine::array::Array;
use crate::engine::dropout::Masks;
use crate::engine::error::{EngineError, Result};
use crate::engine::executor::{DeviceArray, DeviceGradients, Executor, ForwardPass, Mode, downcast, downcast_mut};
use crate::engine::recipe::Update;
use crate::engine::training_options::TrainingOptions;
use crate::graph::Graph;
use crate::work::Watch;

impl DeviceArray for Tensor {
    fn read(&self) -> Result<Vec<f32>> {
        Ok(self.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?)
    }
}

fn download(tensor: &Tensor) -> Result<Array> {
    Ok(Array::new(tensor.dims(), tensor.read()?))
}

/// A network on a device of candle.
pub struct CandleExecutor {
    /// The network.
    pub graph: Arc<Graph>,
    /// Parameters, in the graph's order.
    pub variables: Vec<Var>,
    /// Where they lie.
    pub place: Place,
    /// Whether inference keeps maps in 16 bits.
    pub half: bool,
}

impl CandleExecutor {
    fn image(&self, input: &Array) -> Result<Tensor> {
        Ok(Tensor::from_slice(&input.values, input.dims4().as_slice(), &self.place)?)
    }

    fn interpreter(&self, mode: Mode, tracked: bool, masks: Masks) -> Interpreter<'_> {
        Interpreter { graph: &self.graph, variables: &self.variables, mode, tracked, masks: masks.into() }
    }
}

impl Executor for CandleExecutor {
    fn infer(&mut self, input: &Array, watch: Watch) -> Result<Vec<Array>> {
        let interpreter = self.interpreter(Mode::Inference, false, Masks::default());
        let x = self.image(input)?;
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
        outputs.map(download).collect()
    }

    fn run(
        &mut self,
        input: &Array,
        mode: Mode,
        _: TrainingOptions,
        masks: Masks,
        watch: Watch,
    ) -> Result<Box<dyn ForwardPass>> {
        let interpreter = self.interpreter(mode, true, masks);
        let x = Var::from_tensor(&self.image(input)?)?;
        let uses = interpreter.uses(true);
        let mut results: Vec<Option<Tensor>> = vec![None; self.graph.nodes.len()];
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if uses[id] == 0 {
                continue;
            }
            watch.check()?;
            results[id] = Some(interpreter.node(node, &inputs_of(node, &results, x.as_tensor()))?);
        }
        let result = |id: usize| results[id].clone().ok_or_else(|| EngineError::failed("a result is missing"));
        let outputs = self.graph.outputs.iter().map(|&id| result(id)).collect::<Result<_>>()?;
        let taps = self.graph.taps.iter().map(|(name, id)| Ok((name.clone(), result(*id)?))).collect::<Result<_>>()?;
        Ok(Box::new(CandlePass { outputs, taps, input: x, variables: self.variables.clone() }))
    }

    fn parameter(&self, number: usize) -> Result<Vec<f32>> {
        self.variables[number].as_tensor().read()
    }

    fn hold(&self, values: &Array) -> Result<Box<dyn DeviceArray>> {
        Ok(Box::new(Tensor::from_slice(&values.values, values.shape.as_slice(), &self.place)?))
    }

    fn square_sum(&self, arrays: &[&dyn DeviceArray]) -> Result<f64> {
        let square_sum = |array: &&dyn DeviceArray| {
            let sum = downcast::<Tensor>(*array)?.to_dtype(DType::F32)?.sqr()?.sum_all()?;
            Ok(f64::from(sum.to_scalar::<f32>()?))
        };
        arrays.iter().map(square_sum).sum()
    }

    fn update(
        &mut self,
        number: usize,
        gradient: &dyn DeviceArray,
        memory: &mut [Option<Box<dyn DeviceArray>>; 2],
        update: &Update,
    ) -> Result<()> {
        let mut tensors = [None, None];
        for (tensor, held) in tensors.iter_mut().zip(memory.iter_mut()) {
            *tensor = held.as_mut().map(|held| downcast_mut::<Tensor>(&mut **held).cloned()).transpose()?;
        }
        let variable = &self.variables[number];
        let value = variable.as_detached_tensor();
        variable.set(&update::updated(&value, downcast::<Tensor>(gradient)?, &mut tensors, update)?)?;
        for (held, tensor) in memory.iter_mut().zip(tensors) {
            *held = tensor.map(|tensor| -> Box<dyn DeviceArray> { Box::new(tensor) });
        }
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        gpu_memory(&self.place).map(|[free, _]| free)
    }

    fn is_half_precision(&self) -> bool {
        self.half
    }

    fn set_half_precision(&mut self, half: bool) {
        self.half = half;
    }
}

/// A pass whose gradients candle keeps track of.
struct CandlePass {
    outputs: Vec<Tensor>,
    taps: BTreeMap<String, Tensor>,
    /// The image.
    input: Var,
    variables: Vec<Var>,
}

impl ForwardPass for CandlePass {
    fn outputs(&self) -> Result<Vec<Array>> {
        self.outputs.iter().map(download).collect()
    }

    fn tap(&self, name: &str) -> Result<Option<Array>> {
        self.taps.get(name).map(download).transpose()
    }

    fn backward(self: Box<Self>, gradients: &[Array], _: Watch) -> Result<DeviceGradients> {
        let Self { outputs, taps, input, variables } = *self;
        drop(taps);
        let mut total: Option<Tensor> = None;
        for (output, gradient) in outputs.iter().zip(gradients) {
            let gradient = Tensor::from_slice(&gradient.values, output.shape(), output.device())?;
            let part = (output * gradient)?.sum_all()?;
            total = Some(match total {
                Some(sum) => (sum + part)?,
                None => part,
            });
        }
        let total = total.ok_or_else(|| EngineError::failed("the network has no output"))?;
        let mut store = total.backward()?;
        let mut held =
            |of: &Tensor| store.remove(of).map(|tensor| -> Box<dyn DeviceArray> { Box::new(tensor.detach()) });
        let parameters = variables.iter().map(|variable| held(variable.as_tensor())).collect();
        Ok(DeviceGradients { input: held(input.as_tensor()), parameters })
    }
}
