//! Gradients of a training pass through our own kernels, without candle's graph of tensors: every gradient is made once,
//! and an activation is freed as soon as its gradient is known.

use std::cell::RefCell;
use std::sync::Arc;

use candle_core::{Result, Tensor, Var};

use super::interpret::Interpreter;
use super::kernel_op::{backward, forward};
use crate::engine::cpu::Kernel;
use crate::graph::{Graph, NodeId, Op};
use crate::work::Watch;

/// How a node's value was made.
enum Made {
    /// By a kernel from these arrays: the node's inputs first, then its parameters.
    Kernel(Arc<dyn Kernel>, Vec<Tensor>),
    /// The input times a random mask.
    Masked(Tensor),
    /// By candle's operations, which are run again for their gradient.
    Composed,
}

/// What a kernel was last applied to, left by the interpreter for the tape.
#[derive(Default)]
pub struct LastKernel(RefCell<Option<Applied>>);

/// A kernel and the arrays it was applied to.
type Applied = (Arc<dyn Kernel>, Vec<Tensor>);

impl LastKernel {
    /// Runs a kernel and remembers it.
    pub fn apply(&self, kernel: impl Kernel + 'static, inputs: &[&Tensor]) -> Result<Tensor> {
        let kernel: Arc<dyn Kernel> = Arc::new(kernel);
        let dense = inputs.iter().map(|t| t.detach().contiguous()).collect::<Result<Vec<_>>>()?;
        let output = forward(&*kernel, &dense)?;
        *self.0.borrow_mut() = Some((kernel, dense));
        Ok(output)
    }
}

/// A finished forward pass with what its gradients need.
pub struct Tape {
    made: Vec<Option<Made>>,
    /// Values by node, until their gradient is known.
    values: Vec<Option<Tensor>>,
}

/// Gradients by node kind.
pub struct Found {
    /// Of the image.
    pub input: Option<Tensor>,
    /// Of the parameters, in the graph's order.
    pub parameters: Vec<Option<Tensor>>,
}

impl Tape {
    /// Runs the graph on `x`; a stop is noticed before every operation.
    pub fn record(interpreter: &Interpreter, x: &Tensor, watch: Watch) -> super::super::Result<Self> {
        let graph = interpreter.graph;
        let uses = interpreter.uses(true);
        let mut tape =
            Self { made: (0..graph.nodes.len()).map(|_| None).collect(), values: vec![None; graph.nodes.len()] };
        for (id, node) in graph.nodes.iter().enumerate() {
            if uses[id] == 0 {
                continue;
            }
            watch.check()?;
            let mut inputs: Vec<&Tensor> = node.inputs.iter().filter_map(|&i| tape.values[i].as_ref()).collect();
            if inputs.is_empty() {
                inputs.push(x);
            }
            let (value, made) = match &node.op {
                Op::Dropout(share) if *share > 0.0 => {
                    let mask = interpreter.masks.next(inputs[0], *share)?;
                    ((inputs[0] * &mask)?, Made::Masked(mask))
                }
                _ => {
                    let value = interpreter.node(node, &inputs)?;
                    let made = match interpreter.last.0.borrow_mut().take() {
                        Some((kernel, arrays)) => Made::Kernel(kernel, arrays),
                        None => Made::Composed,
                    };
                    (value, made)
                }
            };
            tape.values[id] = Some(value);
            tape.made[id] = Some(made);
        }
        Ok(tape)
    }

    /// The value of a node.
    pub fn value(&self, id: NodeId) -> Result<Tensor> {
        self.values[id].clone().ok_or_else(|| candle_core::Error::Msg("a result is missing".into()))
    }

    /// Gradients of the sum over `outputs` of value times gradient.
    pub fn backward(mut self, interpreter: &Interpreter, outputs: Vec<(NodeId, Tensor)>) -> Result<Found> {
        let graph = interpreter.graph;
        let mut of_node: Vec<Option<Tensor>> = vec![None; graph.nodes.len()];
        let mut parameters: Vec<Option<Tensor>> = vec![None; graph.parameters.len()];
        for (id, gradient) in outputs {
            add_to(&mut of_node[id], gradient)?;
        }
        for id in (1..graph.nodes.len()).rev() {
            let (value, made) = (self.values[id].take(), self.made[id].take());
            let (Some(gradient), Some(value), Some(made)) = (of_node[id].take(), value, made) else { continue };
            let node = &graph.nodes[id];
            let inputs = &node.inputs;
            match (made, &node.op) {
                (Made::Kernel(kernel, arrays), _) => {
                    let found = backward(&*kernel, &arrays, &value, &gradient)?;
                    drop(arrays);
                    for (n, found) in found.into_iter().enumerate() {
                        let Some(found) = found else { continue };
                        if let Some(&input) = inputs.get(n) {
                            add_to(&mut of_node[input], found)?;
                        } else if let Some(parameter) = trained(graph, id, n - inputs.len()) {
                            let shape = graph.parameters[parameter].shape.as_slice();
                            add_to(&mut parameters[parameter], found.reshape(shape)?)?;
                        }
                    }
                }
                (Made::Masked(mask), _) => add_to(&mut of_node[inputs[0]], (gradient * mask)?)?,
                (Made::Composed, Op::Concat) => {
                    let mut start = 0;
                    for &input in inputs {
                        let count = graph.nodes[input].size.channels;
                        add_to(&mut of_node[input], gradient.narrow(1, start, count)?.contiguous()?)?;
                        start += count;
                    }
                }
                (Made::Composed, _) => {
                    let fresh = inputs.iter().map(|&input| Var::from_tensor(&self.value(input)?));
                    let fresh = fresh.collect::<Result<Vec<Var>>>()?;
                    let tensors: Vec<&Tensor> = fresh.iter().map(Var::as_tensor).collect();
                    let again = interpreter.tracking().node(node, &tensors)?;
                    let store = (again * gradient)?.sum_all()?.backward()?;
                    for (&input, fresh) in inputs.iter().zip(&fresh) {
                        if let Some(found) = store.get(fresh.as_tensor()) {
                            add_to(&mut of_node[input], found.clone())?;
                        }
                    }
                    for &parameter in &node.parameters {
                        if let Some(found) = store.get(interpreter.variables[parameter].as_tensor()) {
                            add_to(&mut parameters[parameter], found.clone())?;
                        }
                    }
                }
            }
        }
        Ok(Found { input: of_node[0].take(), parameters })
    }
}

/// The parameter behind a kernel's array, where it is one that is trained.
fn trained(graph: &Graph, id: NodeId, n: usize) -> Option<usize> {
    let &parameter = graph.nodes[id].parameters.get(n)?;
    graph.parameters[parameter].role.is_trainable().then_some(parameter)
}

fn add_to(sum: &mut Option<Tensor>, gradient: Tensor) -> Result<()> {
    *sum = Some(match sum.take() {
        Some(sum) => (sum + gradient)?,
        None => gradient,
    });
    Ok(())
}
