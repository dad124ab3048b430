//! From a graph to a file.

use prost::Message;

use super::super::op::{Activation, Affinity, Conv, Normalisation, Op, SoftmaxOver, UpsampleMode, UpsampleTo};
use super::super::{Graph, Node, NodeId, Parameter};
use super::OnnxError;
use super::proto::{ModelProto, OperatorSetId, TextEntry};
use super::write::{Setting, Writer, float_tensor};
use crate::work::numbers::{real, signed, single};

/// Operator set of the files; the first with layer norms, read by every runtime of today.
const OPERATOR_SET: i64 = 17;
/// Form of the files.
const IR_VERSION: i64 = 8;
/// The first operator set with Gelu and Mish, for networks that have them, and the form of its files.
const LATER_SET: (i64, i64) = (20, 9);
/// A message of that format must stay below 2 GB.
const LARGEST_BYTES: usize = (1 << 31) - (1 << 20);

/// What is written beside the graph.
pub struct Export<'a> {
    /// Values of a parameter, by its name.
    pub values: &'a dyn Fn(&str) -> Option<&'a [f32]>,
    /// Height and width that the file fixes; open where missing.
    pub size: Option<[usize; 2]>,
    /// Texts by key that go with the file.
    pub texts: &'a [(String, String)],
    /// Parameters that no operation reads but that go along.
    pub spare: &'a [&'a Parameter],
}

/// Writes a graph as an ONNX file. The input is named `image`, results `logits`, `logits_1` ...; dropout is left out.
///
/// # Errors
/// When a parameter has no values, the network needs a fixed size that is not given, or the file would be too large.
pub fn export(graph: &Graph, options: &Export) -> Result<Vec<u8>, OnnxError> {
    let all = || graph.parameters.iter().chain(options.spare.iter().copied());
    let bytes: usize = all().map(|p| 4 * p.len()).sum();
    if bytes > LARGEST_BYTES {
        return Err(OnnxError::Export(format!("{} MB of weights are more than one file holds (2 GB)", bytes >> 20)));
    }
    let sizes = options.size.map(|size| graph.sizes(size)).transpose();
    let sizes = sizes.map_err(|e| OnnxError::Export(e.to_string()))?;
    let mut writer = Writer::default();
    for parameter in all() {
        let values = (options.values)(&parameter.name).filter(|values| values.len() == parameter.len());
        let values = values.ok_or_else(|| OnnxError::Export(format!("tensor {:?} has no values", parameter.name)))?;
        writer.parameter(parameter, values);
    }
    let mut names: Vec<String> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let mut layer = Layer { writer: &mut writer, graph, names: &names, sizes: sizes.as_deref(), node };
        let name = if id == 0 { "image".to_string() } else { layer.write()? };
        names.push(name);
    }
    let axes = |channels: usize| match options.size {
        None => [Err("batch"), Ok(channels), Err("height"), Err("width")],
        Some([h, w]) => [Err("batch"), Ok(channels), Ok(h), Ok(w)],
    };
    writer.file.name = "lamella".into();
    writer.file.input.push(float_tensor("image", &axes(graph.input_channels())));
    for (n, &id) in graph.outputs.iter().enumerate() {
        let name = if n == 0 { "logits".to_string() } else { format!("logits_{n}") };
        let channels = graph.nodes[id].size.channels;
        // Classifiers give one value for each class.
        let (op, dims) = if matches!(graph.nodes[id].op, Op::Linear { .. }) {
            ("Flatten", vec![Err("batch"), Ok(channels)])
        } else {
            let open = [Err("batch"), Ok(channels), Err("rows"), Err("columns")];
            let fixed = sizes.as_ref().map(|s| [Err("batch"), Ok(channels), Ok(s[id][0]), Ok(s[id][1])]);
            ("Identity", fixed.unwrap_or(open).to_vec())
        };
        writer.op(op, &name, &[&names[id]], &[]);
        if let Some(node) = writer.file.node.last_mut() {
            node.output = vec![name.clone()];
        }
        writer.file.output.push(float_tensor(&name, &dims));
    }
    let is_later =
        |node: &Node| matches!(node.op, Op::Activate(Activation::Gelu | Activation::GeluTanh | Activation::Mish));
    let (set, form) = if graph.nodes.iter().any(is_later) { LATER_SET } else { (OPERATOR_SET, IR_VERSION) };
    let text = |(key, value): &(String, String)| TextEntry { key: key.clone(), value: value.clone() };
    let model = ModelProto {
        ir_version: Some(form),
        producer_name: "lamella".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(writer.file),
        opset_import: vec![OperatorSetId { domain: String::new(), version: Some(set) }],
        metadata: options.texts.iter().map(text).collect(),
    };
    Ok(model.encode_to_vec())
}

/// A node on its way into the file.
struct Layer<'a> {
    writer: &'a mut Writer,
    graph: &'a Graph,
    names: &'a [String],
    sizes: Option<&'a [[usize; 2]]>,
    node: &'a Node,
}

fn window(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> [Vec<usize>; 3] {
    [kernel.to_vec(), stride.to_vec(), [padding, padding].concat()]
}

impl Layer<'_> {
    fn input(&self, n: usize) -> String {
        self.names[self.node.inputs[n]].clone()
    }

    fn op(&mut self, op: &str, inputs: &[&str], settings: &[(&str, Setting)]) -> String {
        let scope = self.node.scope.clone();
        self.writer.op(op, &scope, inputs, settings)
    }

    /// An operation on the inputs of the node and its parameters.
    fn direct(&mut self, op: &str, settings: &[(&str, Setting)]) -> String {
        let graph = self.graph;
        let mut inputs: Vec<&str> = self.node.inputs.iter().map(|&id| self.names[id].as_str()).collect();
        inputs.extend(self.node.parameters.iter().map(|&id| graph.parameters[id].name.as_str()));
        self.writer.op(op, &self.node.scope, &inputs, settings)
    }

    fn reshape(&mut self, x: &str, sizes: &[i64]) -> String {
        let sizes = self.writer.integers(sizes);
        self.op("Reshape", &[x, &sizes], &[])
    }

    /// `[B, C, H W]`
    fn rows(&mut self, x: &str) -> String {
        self.reshape(x, &[0, 0, -1])
    }

    /// `[B, H W, C]`
    fn columns(&mut self, x: &str) -> String {
        let rows = self.rows(x);
        self.op("Transpose", &[&rows], &[("perm", Setting::Ints(&[0, 2, 1]))])
    }

    fn write(&mut self) -> Result<String, OnnxError> {
        let x = self.input(0);
        Ok(match &self.node.op {
            Op::Input | Op::Dropout(_) => x,
            Op::Conv2d(conv) => self.conv(conv),
            Op::ConvTranspose2d(conv) => {
                let [kernel, stride, pads] = window(conv.kernel, conv.stride, conv.padding);
                let settings = [
                    ("kernel_shape", Setting::Ints(&kernel)),
                    ("strides", Setting::Ints(&stride)),
                    ("pads", Setting::Ints(&pads)),
                    ("output_padding", Setting::Ints(&conv.output_padding)),
                    ("group", Setting::Int(signed(conv.groups))),
                ];
                self.direct("ConvTranspose", &settings)
            }
            Op::Linear { .. } => {
                let flat = self.op("Flatten", &[&x], &[("axis", Setting::Int(1))]);
                let [weight, bias] = [0, 1].map(|n| self.graph.parameters[self.node.parameters[n]].name.clone());
                let out = self.op("Gemm", &[&flat, &weight, &bias], &[("transB", Setting::Int(1))]);
                let axes = self.writer.integers(&[2, 3]);
                self.op("Unsqueeze", &[&out, &axes], &[])
            }
            Op::MaxPool2d(pool) | Op::AvgPool2d(pool) => {
                let [kernel, stride, pads] = window(pool.kernel, pool.stride, pool.padding);
                let mut settings = vec![
                    ("kernel_shape", Setting::Ints(&kernel)),
                    ("strides", Setting::Ints(&stride)),
                    ("pads", Setting::Ints(&pads)),
                    ("ceil_mode", Setting::Int(pool.ceil_mode.into())),
                ];
                if matches!(self.node.op, Op::AvgPool2d(_)) {
                    settings.push(("count_include_pad", Setting::Int(pool.count_padding.into())));
                    self.direct("AveragePool", &settings)
                } else {
                    self.direct("MaxPool", &settings)
                }
            }
            Op::AdaptiveAvgPool2d([1, 1]) => self.direct("GlobalAveragePool", &[]),
            Op::AdaptiveAvgPool2d(size) => self.adaptive(&x, *size)?,
            Op::Upsample(mode, to) => self.upsample(&x, *mode, *to),
            Op::Norm { kind, channels, eps, affine } => self.norm(&x, *kind, *channels, *eps, *affine),
            Op::Activate(activation) => self.activate(&x, *activation),
            Op::ParametricRelu => {
                let parameter = &self.graph.parameters[self.node.parameters[0]];
                let (name, count) = (parameter.name.clone(), signed(parameter.len()));
                let slope = if count == 1 { name } else { self.reshape(&name, &[count, 1, 1]) };
                self.op("PRelu", &[&x, &slope], &[])
            }
            Op::Pad(border) => {
                let sides = [border.before, border.after];
                let all: Vec<i64> = sides.iter().flat_map(|s| [0, signed(s[0]), signed(s[1]), signed(s[2])]).collect();
                let (all, value) = (self.writer.integers(&all), self.writer.constant(&[], &[border.value]));
                self.op("Pad", &[&x, &all, &value], &[])
            }
            Op::Softmax(SoftmaxOver::Channels) => self.direct("Softmax", &[("axis", Setting::Int(1))]),
            Op::Softmax(SoftmaxOver::Positions) => {
                let rows = self.rows(&x);
                let soft = self.op("Softmax", &[&rows], &[("axis", Setting::Int(2))]);
                self.as_map(&soft, &x)
            }
            Op::LogSoftmax => self.direct("LogSoftmax", &[("axis", Setting::Int(1))]),
            Op::Add => self.direct("Add", &[]),
            Op::Multiply | Op::Gain => self.direct("Mul", &[]),
            Op::Concat => self.direct("Concat", &[("axis", Setting::Int(1))]),
            Op::CropLike => self.crop(&x),
            Op::SpreadLike => {
                let like = self.input(1);
                let (front, back) = (self.writer.sizes(&x, 0, 2), self.writer.sizes(&like, 2, 4));
                let sizes = self.op("Concat", &[&front, &back], &[("axis", Setting::Int(0))]);
                self.op("Expand", &[&x, &sizes], &[])
            }
            Op::Slice { axis, start, len } => {
                let (start, end) =
                    (self.writer.integers(&[signed(*start)]), self.writer.integers(&[signed(start + len)]));
                let axis = self.writer.integers(&[signed(*axis)]);
                self.op("Slice", &[&x, &start, &end, &axis], &[])
            }
            Op::WeightedPool => {
                let weights = self.input(1);
                let (rows, columns) = (self.rows(&x), self.columns(&weights));
                let pooled = self.op("MatMul", &[&rows, &columns], &[]);
                let axis = self.writer.integers(&[3]);
                self.op("Unsqueeze", &[&pooled, &axis], &[])
            }
            Op::Attend(affinity) => self.attend(*affinity),
            Op::CrissCross => self.criss_cross(),
            Op::LocalResponse(c) => {
                let settings = [
                    ("size", Setting::Int(signed(c.size))),
                    ("alpha", Setting::Float(c.alpha * real(c.size))),
                    ("beta", Setting::Float(c.beta)),
                    ("bias", Setting::Float(c.k)),
                ];
                self.direct("LRN", &settings)
            }
        })
    }

    fn conv(&mut self, conv: &Conv) -> String {
        let [kernel, stride, pads] = window(conv.kernel, conv.stride, conv.padding);
        let settings = [
            ("kernel_shape", Setting::Ints(&kernel)),
            ("strides", Setting::Ints(&stride)),
            ("pads", Setting::Ints(&pads)),
            ("dilations", Setting::Ints(&conv.dilation)),
            ("group", Setting::Int(signed(conv.groups))),
        ];
        self.direct("Conv", &settings)
    }

    fn activate(&mut self, x: &str, activation: Activation) -> String {
        let float = |name: &'static str, value: f32| (name, Setting::Float(f64::from(value)));
        match activation {
            Activation::Relu => self.op("Relu", &[x], &[]),
            Activation::LeakyRelu(slope) => self.op("LeakyRelu", &[x], &[float("alpha", slope)]),
            Activation::Sigmoid => self.op("Sigmoid", &[x], &[]),
            Activation::Tanh => self.op("Tanh", &[x], &[]),
            Activation::Clip(low, high) => {
                let bound = |writer: &mut Writer, value: f32| {
                    if value.is_finite() { writer.constant(&[], &[value]) } else { String::new() }
                };
                let (low, high) = (bound(self.writer, low), bound(self.writer, high));
                self.op("Clip", &[x, &low, &high], &[])
            }
            Activation::HardSigmoid { slope, shift } => {
                self.op("HardSigmoid", &[x], &[float("alpha", slope), float("beta", shift)])
            }
            Activation::HardSwish => self.op("HardSwish", &[x], &[]),
            Activation::Gelu => self.op("Gelu", &[x], &[]),
            Activation::GeluTanh => self.op("Gelu", &[x], &[("approximate", Setting::Text("tanh"))]),
            Activation::Elu(scale) => self.op("Elu", &[x], &[float("alpha", scale)]),
            Activation::Softplus => self.op("Softplus", &[x], &[]),
            Activation::Mish => self.op("Mish", &[x], &[]),
        }
    }

    /// `[B, C, P]` with the height and width of another map.
    fn as_map(&mut self, rows: &str, like: &str) -> String {
        let (front, back) = (self.writer.integers(&[0, 0]), self.writer.sizes(like, 2, 4));
        let sizes = self.op("Concat", &[&front, &back], &[("axis", Setting::Int(0))]);
        self.op("Reshape", &[rows, &sizes], &[])
    }

    /// Means of uneven parts: products with a matrix of shares for the rows, and one for the columns.
    fn adaptive(&mut self, x: &str, size: [usize; 2]) -> Result<String, OnnxError> {
        let Some(all) = self.sizes else {
            return Err(OnnxError::Export(format!(
                "{} divides its map into {size:?} parts, which needs a fixed image size",
                self.node.scope
            )));
        };
        let [height, width] = all[self.node.inputs[0]];
        if [height, width] == size {
            return Ok(x.to_string());
        }
        let shares = |parts: usize, len: usize| {
            let mut matrix = vec![0.0f32; parts * len];
            for part in 0..parts {
                let (start, end) = (part * len / parts, ((part + 1) * len).div_ceil(parts));
                matrix[part * len + start..part * len + end].fill(single(1.0 / real(end - start)));
            }
            matrix
        };
        let rows = self.writer.constant(&[size[0], height], &shares(size[0], height));
        let of_columns = shares(size[1], width);
        let turned: Vec<f32> = (0..width * size[1]).map(|n| of_columns[n % size[1] * width + n / size[1]]).collect();
        let columns = self.writer.constant(&[width, size[1]], &turned);
        let narrow = self.op("MatMul", &[x, &columns], &[]);
        Ok(self.op("MatMul", &[&rows, &narrow], &[]))
    }

    fn upsample(&mut self, x: &str, mode: UpsampleMode, to: UpsampleTo) -> String {
        let placing = match mode {
            UpsampleMode::Nearest => "asymmetric",
            UpsampleMode::Bilinear { align_corners: true } => "align_corners",
            UpsampleMode::Bilinear { align_corners: false } => "half_pixel",
        };
        let kind = if mode == UpsampleMode::Nearest { "nearest" } else { "linear" };
        let settings = [
            ("mode", Setting::Text(kind)),
            ("coordinate_transformation_mode", Setting::Text(placing)),
            ("nearest_mode", Setting::Text("floor")),
        ];
        match to {
            UpsampleTo::Scale([h, w]) => {
                let scales = self.writer.constant(&[4], &[1.0, 1.0, single(real(h)), single(real(w))]);
                self.op("Resize", &[x, "", &scales], &settings)
            }
            UpsampleTo::Size([h, w]) => {
                let (front, back) = (self.writer.sizes(x, 0, 2), self.writer.integers(&[signed(h), signed(w)]));
                let sizes = self.op("Concat", &[&front, &back], &[("axis", Setting::Int(0))]);
                self.op("Resize", &[x, "", "", &sizes], &settings)
            }
        }
    }

    fn norm(&mut self, x: &str, kind: Normalisation, channels: usize, eps: f64, affine: bool) -> String {
        let mut parameters: Vec<String> =
            self.node.parameters.iter().map(|&id| self.graph.parameters[id].name.clone()).collect();
        if !affine {
            let one = self.writer.constant(&[channels], &vec![1.0; channels]);
            let zero = self.writer.constant(&[channels], &vec![0.0; channels]);
            parameters.splice(0..0, [one, zero]);
        }
        let epsilon = || ("epsilon", Setting::Float(eps));
        let [scale, shift] = [0, 1].map(|n| parameters[n].clone());
        match kind {
            Normalisation::Batch { momentum } => {
                let settings = [epsilon(), ("momentum", Setting::Float(1.0 - momentum))];
                let (mean, variance) = (parameters[2].clone(), parameters[3].clone());
                self.op("BatchNormalization", &[x, &scale, &shift, &mean, &variance], &settings)
            }
            Normalisation::Instance => self.op("InstanceNormalization", &[x, &scale, &shift], &[epsilon()]),
            Normalisation::Layer => {
                let turned = self.op("Transpose", &[x], &[("perm", Setting::Ints(&[0, 2, 3, 1]))]);
                let settings = [("axis", Setting::Int(-1)), epsilon()];
                let even = self.op("LayerNormalization", &[&turned, &scale, &shift], &settings);
                self.op("Transpose", &[&even], &[("perm", Setting::Ints(&[0, 3, 1, 2]))])
            }
            Normalisation::Group { groups } => {
                let parts = self.reshape(x, &[0, signed(groups), -1]);
                let one = self.writer.constant(&[groups], &vec![1.0; groups]);
                let zero = self.writer.constant(&[groups], &vec![0.0; groups]);
                let even = self.op("InstanceNormalization", &[&parts, &one, &zero], &[epsilon()]);
                let sizes = self.writer.sizes(x, 0, 4);
                let map = self.op("Reshape", &[&even, &sizes], &[]);
                let shape = [signed(channels), 1, 1];
                let (scale, shift) = (self.reshape(&scale, &shape), self.reshape(&shift, &shape));
                let scaled = self.op("Mul", &[&map, &scale], &[]);
                self.op("Add", &[&scaled, &shift], &[])
            }
        }
    }

    fn crop(&mut self, x: &str) -> String {
        let like = self.input(1);
        let (large, small) = (self.writer.sizes(x, 2, 4), self.writer.sizes(&like, 2, 4));
        let spare = self.op("Sub", &[&large, &small], &[]);
        let two = self.writer.integers(&[2]);
        let start = self.op("Div", &[&spare, &two], &[]);
        let end = self.op("Add", &[&start, &small], &[]);
        let axes = self.writer.integers(&[2, 3]);
        self.op("Slice", &[x, &start, &end, &axes], &[])
    }

    fn attend(&mut self, affinity: Affinity) -> String {
        let [query, key, value] = [0, 1, 2].map(|n| self.input(n));
        let scores = match affinity {
            Affinity::Softmax | Affinity::Dot => {
                let (queries, keys) = (self.columns(&query), self.rows(&key));
                self.op("MatMul", &[&queries, &keys], &[])
            }
            Affinity::Concat => {
                // The weight's first half belongs to the query, its second to the key.
                let id: NodeId = self.node.inputs[0];
                let depth = signed(self.graph.nodes[id].size.channels);
                let weight = self.graph.parameters[self.node.parameters[0]].name.clone();
                let axis = self.writer.integers(&[1]);
                let half = |layer: &mut Self, x: &str, start: i64, order: [i64; 3]| {
                    let (start, end) = (layer.writer.integers(&[start]), layer.writer.integers(&[start + depth]));
                    let part = layer.op("Slice", &[&weight, &start, &end, &axis], &[]);
                    let map = layer.op("Conv", &[x, &part], &[]);
                    layer.reshape(&map, &order)
                };
                let of_query = half(self, &query, 0, [0, -1, 1]);
                let of_key = half(self, &key, depth, [0, 1, -1]);
                let sum = self.op("Add", &[&of_query, &of_key], &[]);
                self.op("Relu", &[&sum], &[])
            }
        };
        let weights = if affinity == Affinity::Softmax {
            self.op("Softmax", &[&scores], &[("axis", Setting::Int(2))])
        } else {
            let keys = self.rows(&key);
            let count = self.writer.sizes(&keys, 2, 3);
            let count = self.op("Cast", &[&count], &[("to", Setting::Int(i64::from(super::proto::data_type::FLOAT)))]);
            self.op("Div", &[&scores, &count], &[])
        };
        let values = self.columns(&value);
        let sums = self.op("MatMul", &[&weights, &values], &[]);
        let rows = self.op("Transpose", &[&sums], &[("perm", Setting::Ints(&[0, 2, 1]))]);
        self.as_map(&rows, &query)
    }

    /// Products along columns `[B, H, W, H]` (without the position itself) and rows `[B, H, W, W]`, one softmax over both.
    fn criss_cross(&mut self) -> String {
        let [query, key, value] = [0, 1, 2].map(|n| self.input(n));
        let turn = |layer: &mut Self, x: &str, order: [usize; 4]| {
            layer.op("Transpose", &[x], &[("perm", Setting::Ints(&order))])
        };
        // Columns: [B, W, H, C] x [B, W, C, H].
        let (queries, keys) = (turn(self, &query, [0, 3, 2, 1]), turn(self, &key, [0, 3, 1, 2]));
        let vertical = self.op("MatMul", &[&queries, &keys], &[]);
        let height = self.writer.sizes(&query, 2, 3);
        let square = self.op("Concat", &[&height, &height], &[("axis", Setting::Int(0))]);
        let zeros = self.op("ConstantOfShape", &[&square], &[]);
        let diagonal = self.op("EyeLike", &[&zeros], &[]);
        let far = self.writer.constant(&[1], &[-1e30]);
        let mask = self.op("Mul", &[&diagonal, &far], &[]);
        let vertical = self.op("Add", &[&vertical, &mask], &[]);
        let vertical = turn(self, &vertical, [0, 2, 1, 3]);
        // Rows: [B, H, W, C] x [B, H, C, W].
        let (queries, keys) = (turn(self, &query, [0, 2, 3, 1]), turn(self, &key, [0, 2, 1, 3]));
        let horizontal = self.op("MatMul", &[&queries, &keys], &[]);
        let both = self.op("Concat", &[&vertical, &horizontal], &[("axis", Setting::Int(3))]);
        let weights = self.op("Softmax", &[&both], &[("axis", Setting::Int(3))]);
        let width = self.writer.sizes(&query, 3, 4);
        let lens = self.op("Concat", &[&height, &width], &[("axis", Setting::Int(0))]);
        let scope = self.node.scope.clone();
        let parts = self.writer.ops("Split", &scope, &[&weights, &lens], &[("axis", Setting::Int(3))], 2);
        // [B, W, H, H] x [B, W, H, C] and [B, H, W, W] x [B, H, W, C].
        let (along, values) = (turn(self, &parts[0], [0, 2, 1, 3]), turn(self, &value, [0, 3, 2, 1]));
        let vertical = self.op("MatMul", &[&along, &values], &[]);
        let vertical = turn(self, &vertical, [0, 3, 2, 1]);
        let values = turn(self, &value, [0, 2, 3, 1]);
        let horizontal = self.op("MatMul", &[&parts[1], &values], &[]);
        let horizontal = turn(self, &horizontal, [0, 3, 1, 2]);
        self.op("Add", &[&vertical, &horizontal], &[])
    }
}
