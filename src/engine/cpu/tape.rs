//! Passes through the kernels one operation after the other: training of what is not compiled, and whatever needs inner results
//! or gradients without training. Every gradient is made once, and a value is freed as soon as its gradient is known.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::compiled::fuse::readers;
use super::kernel::{Kernel, View};
use super::kernels::{kernel, parameter_count, stand_ins};
use super::norm::{Moments, Normalise, ScaleShift};
use super::statistics::FoundStatistics;
use crate::engine::array::Array;
use crate::engine::dropout::Masks;
use crate::engine::error::{EngineError, Result};
use crate::engine::executor::{DeviceArray, DeviceGradients, ForwardPass, Mode};
use crate::graph::{Graph, Node, NodeId, Normalisation, Op};
use crate::work::Watch;

/// How a node's value was made.
enum Made {
    /// It is that of the node's input, or the image.
    Same,
    /// The input times a random mask.
    Masked(Vec<f32>),
    /// By a kernel from the node's inputs, its parameters, and these arrays.
    Kernel(Box<dyn Kernel>, Vec<Array>),
    /// By a batch norm's running statistics: scale, shift and one over the deviation of every channel.
    Fixed([Array; 2], Vec<f64>),
}

/// A finished forward pass with what its gradients need, but for the parameters.
pub struct Recording {
    graph: Arc<Graph>,
    made: Vec<Option<Made>>,
    /// Values by node, until their gradient is known.
    values: Vec<Option<Arc<Array>>>,
}

/// A pass that waits for the gradients of its results.
pub struct Tape {
    /// What was computed.
    pub recording: Recording,
    /// The network's parameters.
    pub parameters: Arc<Vec<Vec<f32>>>,
}

fn missing(node: &Node) -> EngineError {
    EngineError::failed(format!("{}: a result is missing", node.scope))
}

/// The parameters that a node's kernel takes.
fn taken(node: &Node) -> &[usize] {
    &node.parameters[..parameter_count(&node.op).min(node.parameters.len())]
}

/// Everything that a node's kernel takes.
fn arguments<'a>(
    graph: &'a Graph,
    node: &Node,
    inputs: &'a [Arc<Array>],
    parameters: &'a [Vec<f32>],
    more: &'a [Array],
) -> Vec<View<'a>> {
    let arrays = inputs.iter().map(|array| View { data: &array.values, shape: &array.shape });
    let own = taken(node).iter().map(|&id| View { data: &parameters[id], shape: &graph.parameters[id].shape });
    arrays.chain(own).chain(more.iter().map(|array| View { data: &array.values, shape: &array.shape })).collect()
}

impl Recording {
    /// Runs the graph on an image. A stop is noticed before every operation. Also gives what batch norms found in training.
    ///
    /// # Errors
    /// When an operation has no kernel or the work is stopped.
    pub fn new(
        graph: &Arc<Graph>,
        parameters: &[Vec<f32>],
        image: &Array,
        mode: Mode,
        mut masks: Masks,
        watch: Watch,
    ) -> Result<(Self, Vec<FoundStatistics>)> {
        let kept: Vec<NodeId> = graph.outputs.iter().copied().chain(graph.taps.iter().map(|(_, id)| *id)).collect();
        let readers = readers(graph, kept.iter().copied());
        let count = graph.nodes.len();
        let mut recording =
            Self { graph: graph.clone(), made: (0..count).map(|_| None).collect(), values: vec![None; count] };
        let mut found = Vec::new();
        for (id, node) in graph.nodes.iter().enumerate() {
            if readers[id].is_empty() && !kept.contains(&id) {
                continue;
            }
            watch.check()?;
            let inputs = recording.inputs(node)?;
            let (value, made) = match &node.op {
                Op::Input => (Arc::new(Array::new(image.dims4(), image.values.clone())), Made::Same),
                Op::Dropout(share) if mode == Mode::Training && *share > 0.0 => {
                    let x = &inputs[0];
                    let mask = masks.next(x.values.len(), *share);
                    let values = x.values.iter().zip(&mask).map(|(x, kept)| x * kept).collect();
                    (Arc::new(Array::new(x.shape.clone(), values)), Made::Masked(mask))
                }
                Op::Dropout(_) => (inputs[0].clone(), Made::Same),
                Op::Norm { kind: Normalisation::Batch { .. }, .. } if mode == Mode::Inference => {
                    let ([scale, shift], inverse) = fixed(node, parameters);
                    let made = [scale, shift].map(|values| Array::new([values.len()], values));
                    let views = [&*inputs[0], &made[0], &made[1]].map(|a| View { data: &a.values, shape: &a.shape });
                    let (values, shape) = ScaleShift.forward(&views);
                    (Arc::new(Array::new(shape, values)), Made::Fixed(made, inverse))
                }
                op => {
                    let [.., h, w] = inputs[0].dims4();
                    let moments: Arc<OnceLock<Moments>> = Arc::default();
                    let kernel: Option<Box<dyn Kernel>> = match op {
                        Op::Norm { kind: kind @ Normalisation::Batch { .. }, eps, .. } => {
                            Some(Box::new(Normalise { kind: *kind, eps: *eps, moments: moments.clone() }))
                        }
                        _ => kernel(op, [h, w]),
                    };
                    let kernel = kernel.ok_or_else(|| EngineError::failed(format!("{}: no kernel", node.scope)))?;
                    let more: Vec<Array> =
                        stand_ins(op).into_iter().map(|values| Array::new([values.len()], values)).collect();
                    let views = arguments(graph, node, &inputs, parameters, &more);
                    let (values, shape) = kernel.forward(&views);
                    found.extend(moments.get().and_then(|moments| statistics(node, moments, &inputs[0])));
                    (Arc::new(Array::new(shape, values)), Made::Kernel(kernel, more))
                }
            };
            recording.values[id] = Some(value);
            recording.made[id] = Some(made);
        }
        Ok((recording, found))
    }

    /// What a node reads.
    fn inputs(&self, node: &Node) -> Result<Vec<Arc<Array>>> {
        node.inputs.iter().map(|&input| self.values[input].clone().ok_or_else(|| missing(node))).collect()
    }

    fn value(&self, id: NodeId) -> Result<Array> {
        self.values[id].as_deref().cloned().ok_or_else(|| missing(&self.graph.nodes[id]))
    }
}

/// Scale and shift of a batch norm with its running statistics, and one over their deviations.
fn fixed(node: &Node, parameters: &[Vec<f32>]) -> ([Vec<f32>; 2], Vec<f64>) {
    let Op::Norm { channels, eps, affine, .. } = node.op else { return Default::default() };
    let get = |n: usize, c: usize| f64::from(parameters[node.parameters[n]][c]);
    let first = if affine { 2 } else { 0 };
    let inverse: Vec<f64> = (0..channels).map(|c| 1.0 / (get(first + 1, c) + eps).sqrt()).collect();
    let both = inverse.iter().enumerate().map(|(c, inverse)| {
        let (gamma, beta) = if affine { (get(0, c), get(1, c)) } else { (1.0, 0.0) };
        let scale = gamma * inverse;
        (scale as f32, (beta - get(first, c) * scale) as f32)
    });
    let (scale, shift) = both.unzip();
    ([scale, shift], inverse)
}

/// What a batch norm found for its running statistics.
fn statistics(node: &Node, moments: &Moments, x: &Array) -> Option<FoundStatistics> {
    let Op::Norm { kind: Normalisation::Batch { momentum }, affine, .. } = node.op else { return None };
    let first = if affine { 2 } else { 0 };
    let parameters = [*node.parameters.get(first)?, *node.parameters.get(first + 1)?];
    let [batch, _, h, w] = x.dims4();
    let count = (batch * h * w) as f64;
    let mean = moments.iter().map(|(mean, _)| *mean as f32).collect();
    let variance = moments.iter().map(|(_, variance)| (variance * count / (count - 1.0).max(1.0)) as f32).collect();
    Some(FoundStatistics { parameters, values: [mean, variance], momentum })
}

/// Gradients as they come together.
struct Sums {
    of_node: Vec<Option<Vec<f32>>>,
    of_parameter: Vec<Option<Vec<f32>>>,
}

fn add_to(sum: &mut Option<Vec<f32>>, gradient: Vec<f32>) {
    match sum {
        Some(sum) => sum.iter_mut().zip(gradient).for_each(|(sum, more)| *sum += more),
        None => *sum = Some(gradient),
    }
}

impl ForwardPass for Tape {
    fn outputs(&self) -> Result<Vec<Array>> {
        self.recording.graph.outputs.iter().map(|&id| self.recording.value(id)).collect()
    }

    fn tap(&self, name: &str) -> Result<Option<Array>> {
        let taps: BTreeMap<&str, NodeId> =
            self.recording.graph.taps.iter().map(|(name, id)| (name.as_str(), *id)).collect();
        taps.get(name).map(|&id| self.recording.value(id)).transpose()
    }

    fn backward(self: Box<Self>, gradients: &[Array], watch: Watch) -> Result<DeviceGradients> {
        let Self { mut recording, parameters } = *self;
        let graph = recording.graph.clone();
        let mut sums =
            Sums { of_node: vec![None; graph.nodes.len()], of_parameter: vec![None; graph.parameters.len()] };
        for (&id, gradient) in graph.outputs.iter().zip(gradients) {
            add_to(&mut sums.of_node[id], gradient.values.clone());
        }
        for (id, node) in graph.nodes.iter().enumerate().rev() {
            if node.op == Op::Input {
                continue;
            }
            watch.check()?;
            let (value, made) = (recording.values[id].take(), recording.made[id].take());
            let (Some(gradient), Some(value), Some(made)) = (sums.of_node[id].take(), value, made) else { continue };
            let inputs = recording.inputs(node)?;
            return_node(&graph, node, &inputs, &parameters, &value, made, gradient, &mut sums);
        }
        let held = |values: Vec<f32>| -> Box<dyn DeviceArray> { Box::new(values) };
        let input = graph.nodes.iter().position(|node| node.op == Op::Input);
        let input = input.and_then(|id| sums.of_node[id].take()).map(held);
        Ok(DeviceGradients { input, parameters: sums.of_parameter.into_iter().map(|sum| sum.map(held)).collect() })
    }
}

/// Adds a node's share to the gradients of what it read.
fn return_node(
    graph: &Graph,
    node: &Node,
    inputs: &[Arc<Array>],
    parameters: &[Vec<f32>],
    value: &Array,
    made: Made,
    gradient: Vec<f32>,
    sums: &mut Sums,
) {
    match made {
        Made::Same => add_to(&mut sums.of_node[node.inputs[0]], gradient),
        Made::Masked(mask) => {
            let share = gradient.iter().zip(mask).map(|(g, kept)| g * kept).collect();
            add_to(&mut sums.of_node[node.inputs[0]], share);
        }
        Made::Kernel(kernel, more) => {
            let views = arguments(graph, node, inputs, parameters, &more);
            let found = kernel.backward(&views, View { data: &value.values, shape: &value.shape }, &gradient);
            for (n, found) in found.into_iter().enumerate() {
                let Some(found) = found else { continue };
                if let Some(&input) = node.inputs.get(n) {
                    add_to(&mut sums.of_node[input], found);
                } else if let Some(&parameter) = taken(node).get(n - node.inputs.len())
                    && graph.parameters[parameter].role.is_trainable()
                {
                    add_to(&mut sums.of_parameter[parameter], found);
                }
            }
        }
        Made::Fixed([scale, shift], inverse) => {
            let views = [&*inputs[0], &scale, &shift].map(|a| View { data: &a.values, shape: &a.shape });
            let found = ScaleShift.backward(&views, View { data: &value.values, shape: &value.shape }, &gradient);
            let Ok([dx, Some(d_scale), Some(d_shift)]) = <[_; 3]>::try_from(found) else { return };
            if let Some(dx) = dx {
                add_to(&mut sums.of_node[node.inputs[0]], dx);
            }
            if let &[gamma, beta, mean, _] = &node.parameters[..] {
                let both = d_scale.iter().zip(&d_shift).zip(&inverse).zip(&parameters[mean]);
                let of_gamma = both.map(|(((&scale, &shift), inverse), &mean)| {
                    ((f64::from(scale) - f64::from(shift) * f64::from(mean)) * inverse) as f32
                });
                add_to(&mut sums.of_parameter[gamma], of_gamma.collect());
                add_to(&mut sums.of_parameter[beta], d_shift);
            }
        }
    }
}
