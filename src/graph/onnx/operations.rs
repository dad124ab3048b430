//! Which operation of a file is read how.

use super::super::op::Activation;
use super::OnnxError;
use super::calls::Call;
use super::dim::Arithmetic;
use super::held::Held;
use super::import::Reader;

impl Reader {
    /// Refuses maps of 32 bits and constants of 64 in one operation, which no other program reads.
    fn check_types(&self, call: Call) -> Result<(), OnnxError> {
        let is_map = |n: usize| matches!(self.optional(call, n), Ok(Some(Held::Map(..))));
        if self.is_double || call.0.op_type == "CastLike" || !(0..call.0.input.len()).any(is_map) {
            return Ok(());
        }
        match call.0.input.iter().find(|name| self.doubles.contains(*name)) {
            None => Ok(()),
            Some(name) => Err(call.error(format!(
                "its input {name} has 64-bit floats, the network 32-bit ones, which is no valid file (onnxslim makes this of \
                 value_floats); use the file as it was exported"
            ))),
        }
    }

    pub(super) fn operation(&mut self, call: Call) -> Result<(), OnnxError> {
        if !matches!(call.0.domain.as_str(), "" | "ai.onnx") {
            return Err(call.error(format!(
                "it belongs to the operator set {}; only the standard one is supported",
                call.0.domain
            )));
        }
        self.check_types(call)?;
        match call.0.op_type.as_str() {
            "Conv" => self.conv(call),
            "ConvTranspose" => self.conv_transpose(call),
            "Gemm" => self.gemm(call),
            "MatMul" => self.matmul(call),
            "MaxPool" => self.pool(call, true),
            "AveragePool" => self.pool(call, false),
            "GlobalAveragePool" => self.global_average(call),
            "ReduceMean" => self.reduce_mean(call),
            "LRN" => self.local_response(call),
            "BatchNormalization" => self.batch_norm(call),
            "InstanceNormalization" => self.instance_norm(call),
            "GroupNormalization" => self.group_norm(call),
            "LayerNormalization" => self.layer_norm(call),
            "Relu" => self.activate(call, Activation::Relu),
            "LeakyRelu" => self.activate(call, Activation::LeakyRelu(call.float("alpha", 0.01))),
            "Sigmoid" => self.activate(call, Activation::Sigmoid),
            "Tanh" => self.activate(call, Activation::Tanh),
            "Clip" => self.clip(call),
            "HardSigmoid" => {
                let (slope, shift) = (call.float("alpha", 0.2), call.float("beta", 0.5));
                self.activate(call, Activation::HardSigmoid { slope, shift })
            }
            "HardSwish" => self.activate(call, Activation::HardSwish),
            "Gelu" => self.gelu(call),
            "Elu" => self.activate(call, Activation::Elu(call.float("alpha", 1.0))),
            "Softplus" => self.activate(call, Activation::Softplus),
            "Mish" => self.activate(call, Activation::Mish),
            "Swish" => self.swish(call),
            "PRelu" => self.parametric_relu(call),
            "Softmax" => self.softmax(call, false),
            "LogSoftmax" => self.softmax(call, true),
            "Add" => self.arithmetic(call, Arithmetic::Add),
            "Sub" => self.arithmetic(call, Arithmetic::Subtract),
            "Mul" => self.arithmetic(call, Arithmetic::Multiply),
            "Div" => self.arithmetic(call, Arithmetic::Divide),
            "Sum" => self.sum(call),
            "ReduceSum" => self.reduce_sum(call),
            "Concat" => self.concat(call),
            "Expand" => self.expand(call),
            "Tile" => self.tile(call),
            "Where" => self.choose(call),
            "GatherND" => self.gather_positions(call),
            "Resize" => self.resize(call),
            "Slice" => self.slice(call),
            "Split" => self.split(call),
            "Pad" => self.pad(call),
            "Reshape" => self.reshape(call),
            "Flatten" => self.flatten(call),
            "Transpose" => self.transpose(call),
            "Squeeze" => self.squeeze(call),
            "Unsqueeze" => self.unsqueeze(call),
            "Shape" => self.shape(call),
            "Gather" => self.gather(call),
            "Constant" => self.plain_constant(call),
            "ConstantOfShape" => self.constant_of_shape(call),
            // Dropout does nothing in a network that is used.
            "Identity" | "Dropout" => {
                let held = self.held(call, 0)?;
                self.set(call, held)
            }
            "Cast" => self.cast(call),
            "CastLike" => self.cast_like(call),
            "Floor" | "Ceil" => self.round(call),
            "If" | "Loop" | "Scan" => Err(call.error("branches and loops are not supported")),
            "QuantizeLinear" | "DequantizeLinear" | "DynamicQuantizeLinear" | "QLinearConv" | "ConvInteger" => {
                Err(call.error("quantised networks are not supported; export the network in 16 or 32 bits"))
            }
            _ => Err(call.error("networks here do not have this operation")),
        }
    }
}
