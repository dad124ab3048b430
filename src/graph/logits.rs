//! Networks of other programs brought to one result of one logit for each class.

use super::op::{Activation, Conv, Op, SoftmaxOver};
use super::shape::symbolic;
use super::{Graph, Node, Parameter, Role};

/// Name of the weight that makes two classes of one logit.
pub const TWO_CLASSES: &str = "two_classes.weight";

impl Graph {
    /// The network with its first result alone, without a softmax or sigmoid at the end; a single logit becomes two classes
    /// by a 1x1 convolution that starts as `[0, 1]`, named [`TWO_CLASSES`], of which softmax gives what the sigmoid gave.
    ///
    /// # Errors
    /// When several classes may overlap (a sigmoid for each of them), or probabilities are changed further.
    pub fn into_logits(mut self) -> Result<Self, String> {
        self.outputs.truncate(1);
        let Some(output) = self.outputs.first_mut() else { return Err("the network has no result".into()) };
        let last = &self.nodes[*output];
        match last.op {
            Op::Activate(Activation::Sigmoid) if last.size.channels > 1 => {
                return Err(format!("its {} classes may overlap, which label maps cannot hold", last.size.channels));
            }
            Op::Activate(Activation::Sigmoid) | Op::Softmax(SoftmaxOver::Channels) | Op::LogSoftmax => {
                *output = last.inputs[0];
            }
            _ => {}
        }
        let mut behind = *output;
        while let Op::Upsample(..) | Op::CropLike | Op::Slice { .. } | Op::Concat | Op::Gain = self.nodes[behind].op {
            behind = self.nodes[behind].inputs[0];
        }
        let ended = &self.nodes[behind].op;
        if behind != *output && matches!(ended, Op::Activate(Activation::Sigmoid) | Op::Softmax(_) | Op::LogSoftmax) {
            return Err(
                "its probabilities are resampled or cut at the end; export it without its last activation".into()
            );
        }
        if self.nodes[*output].size.channels == 1 {
            let op = Op::Conv2d(Conv { bias: false, ..Conv::square(1, 2, 1) });
            let size = symbolic(&op, &[self.nodes[*output].size], 0);
            let role = Role::Weight { fan_in: 1.0 };
            self.parameters.push(Parameter { name: TWO_CLASSES.into(), shape: vec![2, 1, 1, 1], role });
            let parameters = vec![self.parameters.len() - 1];
            self.nodes.push(Node { op, inputs: vec![*output], parameters, scope: "two_classes".into(), size });
            *output = self.nodes.len() - 1;
        }
        Ok(self.without_dead_nodes())
    }
}
