//! Layers with weights, and pooling.

use super::super::Role;
use super::super::op::{Conv, ConvTranspose, LocalResponse, Op, Pool};
use super::OnnxError;
use super::borders::Window;
use super::calls::Call;
use super::constant::Floats;
use super::held::{Form, Held};
use super::import::Reader;
use crate::work::numbers::real;
use std::rc::Rc;

/// Groups of a convolution, which divide these channels.
fn groups_of(call: Call, channels: usize) -> Result<usize, OnnxError> {
    let groups = usize::try_from(call.int("group", 1)).unwrap_or(0);
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(call.error(format!("{groups} groups of {channels} channels")));
    }
    Ok(groups)
}

/// Sizes of a 2-D kernel.
fn kernel_sizes(call: Call, weight: &Floats) -> Result<[usize; 4], OnnxError> {
    match weight.shape[..] {
        [a, b, h, w] if a * b * h * w > 0 => Ok([a, b, h, w]),
        _ => Err(call.error(format!("a kernel of {:?}; only 2-D networks are supported yet", weight.shape))),
    }
}

fn transposed(floats: &Floats) -> Floats {
    let (rows, columns) = (floats.shape[0], floats.shape[1]);
    let turn = |values: &Rc<Vec<f32>>| {
        Rc::new((0..rows * columns).map(|n| values[n % rows * columns + n / rows]).collect::<Vec<f32>>())
    };
    let name = format!("{} (transposed)", floats.name);
    let values = floats.values.as_ref().map(turn);
    Floats { name, source: floats.source.clone(), shape: vec![columns, rows], values }
}

impl Reader {
    /// A matrix whose rows become columns.
    pub(super) fn transposed(&mut self, call: Call, floats: &Floats) -> Result<Floats, OnnxError> {
        if let Some(turned) = self.turned.get(&floats.name) {
            return Ok(turned.clone());
        }
        self.derive(call, floats.len())?;
        let turned = transposed(floats);
        self.turned.insert(floats.name.clone(), turned.clone());
        Ok(turned)
    }

    fn expect_channels(&self, call: Call, x: usize, expected: usize) -> Result<(), OnnxError> {
        let got = self.channels(x);
        if got == expected { Ok(()) } else { Err(call.error(format!("expects {expected} channels, gets {got}"))) }
    }

    /// The bias of a layer, if the file has one.
    fn bias(&mut self, call: Call, n: usize, outputs: usize) -> Result<Option<usize>, OnnxError> {
        if self.optional(call, n)?.is_none() {
            return Ok(None);
        }
        let bias = self.floats(call, n)?;
        if bias.len() != outputs {
            return Err(call.error(format!("a bias of {:?} for {outputs} channels", bias.shape)));
        }
        Ok(Some(self.parameter(&bias, &[outputs], Role::Bias)))
    }

    pub(super) fn conv(&mut self, call: Call) -> Result<(), OnnxError> {
        let (x, weight) = (self.plain(call, 0)?, self.floats(call, 1)?);
        let [outputs, per_group, kh, kw] = kernel_sizes(call, &weight)?;
        let groups = groups_of(call, outputs)?;
        self.expect_channels(call, x, per_group.saturating_mul(groups))?;
        let (kernel, stride) = ([kh, kw], call.pair("strides", [1; 2], 1)?);
        let dilation = call.pair("dilations", [1; 2], 1)?;
        let sides = self.sides(call, x, Window { kernel, stride, dilation })?;
        let (x, padding) = self.even_border(call, x, sides, 0.0);
        let role = Role::Weight { fan_in: real(per_group * kh * kw) };
        let mut parameters = vec![self.parameter(&weight, &weight.shape, role)];
        let bias = self.bias(call, 2, outputs)?;
        parameters.extend(bias);
        let conv = Conv {
            inputs: per_group * groups,
            outputs,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias: bias.is_some(),
        };
        let id = self.push(call, Op::Conv2d(conv), &[x], parameters);
        self.set(call, Held::Map(id, Form::Map))
    }

    pub(super) fn conv_transpose(&mut self, call: Call) -> Result<(), OnnxError> {
        let (x, weight) = (self.plain(call, 0)?, self.floats(call, 1)?);
        let [inputs, per_group, kh, kw] = kernel_sizes(call, &weight)?;
        let groups = groups_of(call, inputs)?;
        self.expect_channels(call, x, inputs)?;
        if call.ints("output_shape").is_some() || call.pair("dilations", [1; 2], 1)? != [1, 1] {
            return Err(call.error("output_shape and dilations are not supported"));
        }
        let (kernel, stride) = ([kh, kw], call.pair("strides", [1; 2], 1)?);
        if !matches!(call.text("auto_pad", "NOTSET").as_str(), "NOTSET" | "VALID" | "") {
            return Err(call.error("auto_pad of a transposed convolution"));
        }
        let [padding, after] = self.sides(call, x, Window { kernel, stride, dilation: [1; 2] })?;
        let mut output_padding = call.pair("output_padding", [0; 2], 0)?;
        for axis in 0..2 {
            // What is cut off less at the far side is more that is given out there.
            output_padding[axis] = (output_padding[axis] + padding[axis])
                .checked_sub(after[axis])
                .filter(|&more| padding[axis] == after[axis] || more < stride[axis])
                .ok_or_else(|| call.error(format!("{padding:?} cut off before and {after:?} after the result")))?;
        }
        let outputs = per_group * groups;
        let taps = real(kh * kw) / real(stride[0] * stride[1]);
        let role = Role::Weight { fan_in: real(inputs) / real(groups) * taps };
        let mut parameters = vec![self.parameter(&weight, &weight.shape, role)];
        let bias = self.bias(call, 2, outputs)?;
        parameters.extend(bias);
        let conv =
            ConvTranspose { inputs, outputs, kernel, stride, padding, output_padding, groups, bias: bias.is_some() };
        let id = self.push(call, Op::ConvTranspose2d(conv), &[x], parameters);
        self.set(call, Held::Map(id, Form::Map))
    }

    /// A fully connected layer with a weight `[out, in]`.
    pub(super) fn linear(
        &mut self,
        call: Call,
        x: usize,
        weight: &Floats,
        bias: Option<usize>,
    ) -> Result<(), OnnxError> {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        if outputs == 0 || inputs % self.channels(x) != 0 || (self.is_single(x) && inputs != self.channels(x)) {
            return Err(call.error(format!("{inputs} features of a map of {} channels", self.channels(x))));
        }
        let role = Role::Weight { fan_in: real(inputs) };
        let weight = self.parameter(weight, &[outputs, inputs], role);
        let has_bias = bias.is_some();
        let name = self.graph.parameters[weight].name.clone();
        let bias = bias.unwrap_or_else(|| self.new_parameter(&format!("{name}.bias"), &[outputs], 0.0, Role::Bias));
        let id = self.push(call, Op::Linear { inputs, outputs }, &[x], vec![weight, bias]);
        if !has_bias {
            self.without_bias.insert(id);
        }
        self.set(call, Held::Map(id, Form::Vector))
    }

    pub(super) fn gemm(&mut self, call: Call) -> Result<(), OnnxError> {
        let ((x, form), weight) = (self.map(call, 0)?, self.floats(call, 1)?);
        let plain = call.float("alpha", 1.0) == 1.0 && call.float("beta", 1.0) == 1.0 && call.int("transA", 0) == 0;
        if form != Form::Vector || weight.shape.len() != 2 || !plain {
            return Err(call.error("only a fully connected layer on flat features is supported"));
        }
        let weight = if call.int("transB", 0) == 0 { self.transposed(call, &weight)? } else { weight };
        let bias = self.bias(call, 2, weight.shape[0])?;
        self.linear(call, x, &weight, bias)
    }

    pub(super) fn pool(&mut self, call: Call, largest: bool) -> Result<(), OnnxError> {
        let x = self.plain(call, 0)?;
        let kernel = call.pair("kernel_shape", [0; 2], 1)?;
        let stride = call.pair("strides", [1; 2], 1)?;
        if kernel[0] * kernel[1] == 0 || call.pair("dilations", [1; 2], 1)? != [1, 1] || call.0.output.len() > 1 {
            return Err(call.error("a window without size, with dilation, or with positions as a second result"));
        }
        let sides = self.sides(call, x, Window { kernel, stride, dilation: [1; 2] })?;
        if sides.iter().any(|side| side[0] >= kernel[0] || side[1] >= kernel[1]) {
            return Err(call.error(format!("a border of {sides:?} around windows of {kernel:?}")));
        }
        let counts = call.int("count_include_pad", 0) != 0;
        if !largest && !counts && sides[0] != sides[1] {
            return Err(call.error(format!("means with the border {sides:?}, which is uneven and does not count")));
        }
        let (x, padding) = self.even_border(call, x, sides, if largest { f32::NEG_INFINITY } else { 0.0 });
        let count_padding = padding == [0, 0] || counts;
        let pool = Pool { kernel, stride, padding, ceil_mode: call.int("ceil_mode", 0) != 0, count_padding };
        let op = if largest { Op::MaxPool2d(pool) } else { Op::AvgPool2d(pool) };
        let id = self.push(call, op, &[x], vec![]);
        self.set(call, Held::Map(id, Form::Map))
    }

    pub(super) fn global_average(&mut self, call: Call) -> Result<(), OnnxError> {
        let x = self.plain(call, 0)?;
        let id = self.push(call, Op::AdaptiveAvgPool2d([1, 1]), &[x], vec![]);
        self.set(call, Held::Map(id, Form::Map))
    }

    pub(super) fn reduce_mean(&mut self, call: Call) -> Result<(), OnnxError> {
        match self.held(call, 0)? {
            Held::Stack(maps) => return self.mean_of_stack(call, &maps),
            Held::Sums(sums) => return self.reduce_sums(call, &sums, true),
            _ => {}
        }
        let (x, form) = self.map(call, 0)?;
        let mut axes = Vec::new();
        for axis in self.axes(call, "axes", 1)?.unwrap_or_default() {
            axes.push(call.axis(axis, form.rank())?);
        }
        axes.sort_unstable();
        let result = match (form, &axes[..], call.int("keepdims", 1)) {
            (Form::Map, [2, 3], 1) => Form::Map,
            (Form::Rows, [2], 1) => Form::Rows,
            (Form::Map, [2, 3], 0) | (Form::Rows, [2], 0) => Form::Vector,
            _ => return Err(call.error(format!("a mean over the axes {axes:?} of {form:?}"))),
        };
        let id = self.push(call, Op::AdaptiveAvgPool2d([1, 1]), &[x], vec![]);
        self.set(call, Held::Map(id, result))
    }

    pub(super) fn local_response(&mut self, call: Call) -> Result<(), OnnxError> {
        let x = self.plain(call, 0)?;
        let size = usize::try_from(call.int("size", 0)).unwrap_or(0);
        if size == 0 || size % 2 == 0 {
            return Err(call.error(format!("a window of {size} channels")));
        }
        let constants = LocalResponse {
            size,
            alpha: f64::from(call.float("alpha", 1e-4)) / real(size),
            beta: f64::from(call.float("beta", 0.75)),
            k: f64::from(call.float("bias", 1.0)),
        };
        let id = self.push(call, Op::LocalResponse(constants), &[x], vec![]);
        self.set(call, Held::Map(id, Form::Map))
    }
}
