//! From a file to a graph: one operation after the other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use prost::Message;

use super::super::op::{Activation, Op};
use super::super::shape::{Size, symbolic};
use super::super::{Extent, Graph, Node, NodeId, Parameter, ParameterId, Role};
use super::calls::Call;
use super::constant::{Beside, Constant, Floats, From, IN_WEIGHTS};
use super::dim::{Arithmetic, Dim};
use super::held::{Axes, Form, Held, dims};
use super::proto::{GraphProto, ModelProto, NodeProto, TensorProto, TextEntry, ValueInfoProto, data_type};
use super::{OnnxError, Tensor};

/// Types that a cast keeps values in.
const FLOATING: [i32; 4] = [data_type::FLOAT, data_type::FLOAT16, data_type::DOUBLE, data_type::BFLOAT16];
/// Most operations of a file.
const MOST_NODES: usize = 20_000;
/// Most channels of a map.
const MOST_CHANNELS: usize = 1 << 16;
/// Constants computed from others may have so many times the values of all that are given.
const MOST_DERIVED: usize = 3;
/// Operator sets that are read.
const OPERATOR_SETS: std::ops::RangeInclusive<i64> = 11..=21;

/// A network read from a file.
pub struct Imported {
    /// The network; parameters have the names of the file.
    pub graph: Graph,
    /// Values of its parameters; those that lie in a model's own weights are missing.
    pub weights: BTreeMap<String, Tensor>,
    /// Height and width that the file fixes.
    pub input_size: Option<[usize; 2]>,
    /// Texts of the file by key.
    pub texts: Vec<(String, String)>,
    /// The file without the values of its weights; [`import`] makes the same graph of it.
    pub structure: Vec<u8>,
}

/// Reads an ONNX file; `beside` reads bytes of files that lie beside it.
///
/// # Errors
/// Names the first operation that graphs do not have.
pub fn import(bytes: &[u8], beside: Beside) -> Result<Imported, OnnxError> {
    read(bytes, From::File(beside))
}

/// The graph of a file without its weights, [`Imported::structure`].
///
/// # Errors
/// As of [`import`].
pub fn import_structure(bytes: &[u8]) -> Result<Graph, OnnxError> {
    Ok(read(bytes, From::Structure)?.graph)
}

fn read(bytes: &[u8], from: From) -> Result<Imported, OnnxError> {
    let mut model = ModelProto::decode(bytes).map_err(|e| OnnxError::Damaged(e.to_string()))?;
    let operator_set = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
    let version = operator_set.and_then(|set| set.version).unwrap_or(0);
    let mut file = model.graph.take().ok_or_else(|| OnnxError::Damaged("it holds no network".into()))?;
    if !OPERATOR_SETS.contains(&version) {
        return Err(OnnxError::Network(format!(
            "it uses operator set {version}; export it with one from {} to {}",
            OPERATOR_SETS.start(),
            OPERATOR_SETS.end()
        )));
    }
    if file.node.len() > MOST_NODES {
        return Err(OnnxError::Network(format!("it has {} operations, more than {MOST_NODES}", file.node.len())));
    }
    hoist_constants(&mut file);
    let mut reader = Reader::new(version, &file);
    for tensor in &mut file.initializer {
        // Weights are held once; integers are few and stay in the file too.
        let kept = (tensor.data_type != Some(data_type::FLOAT)).then(|| tensor.clone());
        let (name, dims) = (tensor.name.clone(), tensor.dims.clone());
        let shell = TensorProto { name: name.clone(), dims, ..TensorProto::default() };
        let values = std::mem::replace(tensor, kept.unwrap_or(shell));
        if reader.held.contains_key(&name) {
            return Err(OnnxError::Damaged(format!("two tensors are named {name:?}")));
        }
        reader.held.insert(name, constant(Constant::read(values, from)?));
    }
    reader.input(&file)?;
    let given: usize = reader.held.values().map(|held| if let Held::Floats(f) = held { f.len() } else { 0 }).sum();
    reader.most_derived = MOST_DERIVED.saturating_mul(given).saturating_add(1 << 20);
    for node in &file.node {
        reader.operation(Call(node))?;
        if let Some(problem) = reader.fault.take() {
            return Err(Call(node).error(problem));
        }
    }
    let names: Vec<String> = file.output.iter().map(|o| o.name.clone()).collect();
    reader.outputs(&names)?;
    reader.keep_structure(&mut file)?;
    let texts = model.metadata.iter().map(|e| (e.key.clone(), e.value.clone())).collect();
    model.graph = Some(file);
    let structure = model.encode_to_vec();
    let (graph, weights) = reader.finish()?;
    Ok(Imported { graph, weights, input_size: reader.fixed, texts, structure })
}

/// The texts of a file by key, without reading the network.
///
/// # Errors
/// When it is no ONNX file.
pub fn texts(bytes: &[u8]) -> Result<Vec<(String, String)>, OnnxError> {
    let model = ModelProto::decode(bytes).map_err(|e| OnnxError::Damaged(e.to_string()))?;
    Ok(model.metadata.into_iter().map(|e| (e.key, e.value)).collect())
}

/// The named arrays of floats of a file, whatever its network.
///
/// # Errors
/// When it is no ONNX file, or an array is damaged.
pub fn arrays(bytes: &[u8], beside: Beside) -> Result<BTreeMap<String, Tensor>, OnnxError> {
    let model = ModelProto::decode(bytes).map_err(|e| OnnxError::Damaged(e.to_string()))?;
    let mut arrays = BTreeMap::new();
    for tensor in model.graph.map(|g| g.initializer).unwrap_or_default() {
        let name = tensor.name.clone();
        if let Constant::Floats(Floats { shape, values: Some(values), .. }) =
            Constant::read(tensor, From::File(beside))?
        {
            arrays.insert(name, Tensor { shape, values: Rc::unwrap_or_clone(values) });
        }
    }
    Ok(arrays)
}

/// Constants that stand among the operations become initialisers.
fn hoist_constants(file: &mut GraphProto) {
    let (constants, rest): (Vec<NodeProto>, Vec<NodeProto>) = std::mem::take(&mut file.node)
        .into_iter()
        .partition(|node| node.op_type == "Constant" && Call(node).tensor("value").is_some());
    file.node = rest;
    for node in constants {
        let tensor = node.attribute.into_iter().find(|a| a.name == "value").and_then(|a| a.t);
        if let (Some(tensor), Some(name)) = (tensor, node.output.into_iter().next()) {
            file.initializer.push(TensorProto { name, ..tensor });
        }
    }
}

fn constant(constant: Constant) -> Held {
    match constant {
        Constant::Floats(floats) => Held::Floats(floats),
        Constant::Integers(values, single) => {
            Held::Integers(values.into_iter().map(Dim::Whole).collect(), Axes::list_unless(single))
        }
    }
}

/// A file on its way to a graph.
pub(super) struct Reader {
    pub graph: Graph,
    pub fixed: Option<[usize; 2]>,
    pub operator_set: i64,
    held: HashMap<String, Held>,
    weights: BTreeMap<String, Rc<Vec<f32>>>,
    /// How often a name is read.
    uses: HashMap<String, usize>,
    /// Nodes whose map is read in more than one place.
    shared: HashSet<NodeId>,
    /// Layers whose bias the file does not have.
    pub without_bias: HashSet<NodeId>,
    /// Constants whose values decided about the graph.
    read: HashSet<String>,
    /// Number of images that the file fixes.
    pub batch: Option<i64>,
    /// What made a node impossible, found while it was pushed.
    fault: Option<String>,
    /// Values of constants that were computed from others, and how many may be.
    derived: usize,
    most_derived: usize,
    /// Weights whose rows became columns.
    pub turned: HashMap<String, Floats>,
}

impl Reader {
    fn new(operator_set: i64, file: &GraphProto) -> Self {
        let mut uses = HashMap::new();
        let results = file.output.iter().map(|o| &o.name);
        for name in file.node.iter().flat_map(|n| &n.input).chain(results) {
            *uses.entry(name.clone()).or_insert(0) += 1;
        }
        Self {
            graph: Graph::default(),
            fixed: None,
            operator_set,
            held: HashMap::new(),
            weights: BTreeMap::new(),
            uses,
            shared: HashSet::new(),
            without_bias: HashSet::new(),
            read: HashSet::new(),
            batch: None,
            fault: None,
            derived: 0,
            most_derived: 0,
            turned: HashMap::new(),
        }
    }

    fn input(&mut self, file: &GraphProto) -> Result<(), OnnxError> {
        let images: Vec<&ValueInfoProto> =
            file.input.iter().filter(|input| !self.held.contains_key(&input.name)).collect();
        let [image] = images[..] else {
            let names: Vec<&str> = images.iter().map(|i| i.name.as_str()).collect();
            return Err(OnnxError::Network(format!("it has {} inputs {names:?}, needed is one image", names.len())));
        };
        let shape = image.kind.as_ref().and_then(|k| k.tensor.as_ref()).and_then(|t| t.shape.as_ref());
        let sizes: Vec<Option<i64>> = shape.map(|s| s.dim.iter().map(|d| d.value).collect()).unwrap_or_default();
        let &[batch, channels, height, width] = &sizes[..] else {
            return Err(OnnxError::Network(format!(
                "its input {} has {} axes, needed are batch, channels, height, width (3-D networks are not supported yet)",
                image.name,
                sizes.len()
            )));
        };
        let size =
            |value: Option<i64>| value.and_then(|v| usize::try_from(v).ok()).filter(|v| (1..=1 << 13).contains(v));
        let channels = size(channels)
            .ok_or_else(|| OnnxError::Network(format!("the number of channels of its input {} is open", image.name)))?;
        self.batch = batch.filter(|&n| n > 0);
        self.fixed = size(height).zip(size(width)).map(|(h, w)| [h, w]);
        let extent = [Extent::INPUT; 2];
        let size = Size { channels, extent };
        let scope = image.name.clone();
        self.graph.nodes.push(Node { op: Op::Input, inputs: vec![], parameters: vec![], scope, size });
        self.bind(&image.name, Held::Map(0, Form::Map));
        Ok(())
    }

    fn bind(&mut self, name: &str, held: Held) {
        if !name.is_empty() && self.held.contains_key(name) {
            self.fault = Some(format!("two results are named {name:?}"));
            return;
        }
        if let Held::Map(id, _) = held
            && self.uses.get(name) != Some(&1)
        {
            self.shared.insert(id);
        }
        self.held.insert(name.to_string(), held);
    }

    /// Names the first result of an operation.
    pub fn set(&mut self, call: Call, held: Held) -> Result<(), OnnxError> {
        self.set_nth(call, 0, held)
    }

    /// Names a result of an operation.
    pub fn set_nth(&mut self, call: Call, n: usize, held: Held) -> Result<(), OnnxError> {
        let name = call.0.output.get(n).ok_or_else(|| call.error("it has no result"))?;
        self.bind(name, held);
        Ok(())
    }

    /// An input, if it is there.
    pub fn optional(&self, call: Call, n: usize) -> Result<Option<Held>, OnnxError> {
        match call.0.input.get(n).filter(|name| !name.is_empty()) {
            None => Ok(None),
            Some(name) => match self.held.get(name) {
                Some(held) => Ok(Some(held.clone())),
                None => Err(call.error(format!("its input {name} is unknown"))),
            },
        }
    }

    /// An input.
    pub fn held(&self, call: Call, n: usize) -> Result<Held, OnnxError> {
        self.optional(call, n)?.ok_or_else(|| call.error(format!("input {n} is missing")))
    }

    /// An input that is a map of the network.
    pub fn map(&self, call: Call, n: usize) -> Result<(NodeId, Form), OnnxError> {
        match self.held(call, n)? {
            Held::Map(id, form) => Ok((id, form)),
            _ => Err(call.error(format!("input {n} is no map of the network"))),
        }
    }

    /// An input that is a map with the usual axes.
    pub fn plain(&self, call: Call, n: usize) -> Result<NodeId, OnnxError> {
        match self.map(call, n)? {
            (id, Form::Map) => Ok(id),
            (_, form) => Err(call.error(format!("its map is reshaped ({form:?})"))),
        }
    }

    /// An input that is a constant array.
    pub fn floats(&self, call: Call, n: usize) -> Result<Floats, OnnxError> {
        match self.held(call, n)? {
            Held::Floats(floats) => Ok(floats),
            _ => Err(call.error(format!("input {n} is not constant"))),
        }
    }

    /// Sizes of an input.
    pub fn integers(&self, call: Call, n: usize) -> Result<Vec<Dim>, OnnxError> {
        match self.held(call, n)? {
            Held::Integers(values, _) => Ok(values),
            _ => Err(call.error(format!("input {n} is no list of sizes"))),
        }
    }

    /// Constant integers of an input.
    pub fn wholes(&self, call: Call, n: usize) -> Result<Vec<i64>, OnnxError> {
        let whole = |dim| match dim {
            Dim::Whole(value) => Ok(value),
            _ => Err(call.error(format!("input {n} depends on the image's size"))),
        };
        self.integers(call, n)?.into_iter().map(whole).collect()
    }

    /// Integers that older files have as an attribute and newer ones as an input.
    pub fn axes(&self, call: Call, name: &str, n: usize) -> Result<Option<Vec<i64>>, OnnxError> {
        match call.ints(name) {
            Some(axes) => Ok(Some(axes.to_vec())),
            None => self.optional(call, n)?.map(|_| self.wholes(call, n)).transpose(),
        }
    }

    /// The values of a constant that decide about the graph.
    pub fn values(&mut self, call: Call, floats: &Floats) -> Result<Rc<Vec<f32>>, OnnxError> {
        self.read.insert(floats.source.clone());
        floats.values.clone().ok_or_else(|| call.error(format!("the values of {} are not at hand", floats.name)))
    }

    /// A constant as a parameter of the graph.
    pub fn parameter(&mut self, floats: &Floats, shape: &[usize], role: Role) -> ParameterId {
        // The same array read twice is one parameter; another one of the same name is not.
        let same_values = |kept: Option<&Rc<Vec<f32>>>| match (kept, &floats.values) {
            (Some(a), Some(b)) => Rc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        let existing = self
            .graph
            .parameters
            .iter()
            .position(|p| p.name == floats.name && p.shape == shape && same_values(self.weights.get(&p.name)));
        if let Some(id) = existing {
            return id;
        }
        let mut name = floats.name.clone();
        while self.graph.parameters.iter().any(|p| p.name == name) {
            name.push('\'');
        }
        if let Some(values) = &floats.values {
            self.weights.insert(name.clone(), values.clone());
        }
        self.graph.parameters.push(Parameter { name, shape: shape.to_vec(), role });
        self.graph.parameters.len() - 1
    }

    /// A parameter that the file does not have.
    pub fn new_parameter(&mut self, name: &str, shape: &[usize], value: f32, role: Role) -> ParameterId {
        let values = vec![value; shape.iter().product()];
        self.parameter(&Floats::new(name.into(), shape.to_vec(), values), shape, role)
    }

    /// Counts the values of a constant that is computed from others.
    pub fn derive(&mut self, call: Call, count: usize) -> Result<(), OnnxError> {
        self.derived = self.derived.saturating_add(count);
        if self.derived > self.most_derived {
            return Err(call.error("too many constants are computed from others"));
        }
        Ok(())
    }

    /// Whether a size is the number of images.
    pub fn is_batch(&self, dim: Dim) -> bool {
        dim == Dim::Batch || self.batch.is_some_and(|batch| dim == Dim::Whole(batch))
    }

    /// A further node.
    pub fn push(&mut self, call: Call, op: Op, inputs: &[NodeId], parameters: Vec<ParameterId>) -> NodeId {
        let sizes: Vec<Size> = inputs.iter().map(|&id| self.graph.nodes[id].size).collect();
        let mut size = symbolic(&op, &sizes, 0);
        if !(1..=MOST_CHANNELS).contains(&size.channels) {
            self.fault = Some(format!("a map of {} channels", size.channels));
            size.channels = 1;
        }
        let scope = if call.0.name.is_empty() { call.0.output.first() } else { Some(&call.0.name) };
        let scope = scope.cloned().unwrap_or_default();
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), parameters, scope, size });
        self.graph.nodes.len() - 1
    }

    /// Channels of a node's map.
    pub fn channels(&self, id: NodeId) -> usize {
        self.graph.nodes[id].size.channels
    }

    /// Whether a map has a single position, whatever the input.
    pub fn is_single(&self, id: NodeId) -> bool {
        self.graph.nodes[id].size.extent.iter().all(|e| e.as_constant() == Some(1))
    }

    /// Whether nothing else reads a node's map, so that it may be changed.
    pub fn is_sole(&self, id: NodeId) -> bool {
        !self.shared.contains(&id)
    }

    /// Height and width of a node's map where the file fixes the input's.
    pub fn size_at(&self, id: NodeId) -> Option<[usize; 2]> {
        Some(self.graph.sizes(self.fixed?).ok()?[id])
    }

    fn operation(&mut self, call: Call) -> Result<(), OnnxError> {
        if !matches!(call.0.domain.as_str(), "" | "ai.onnx") {
            return Err(call.error(format!("it belongs to the operator set {}", call.0.domain)));
        }
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
            "Softmax" => self.softmax(call, false),
            "LogSoftmax" => self.softmax(call, true),
            "Add" => self.arithmetic(call, Arithmetic::Add),
            "Sub" => self.arithmetic(call, Arithmetic::Subtract),
            "Mul" => self.arithmetic(call, Arithmetic::Multiply),
            "Div" => self.arithmetic(call, Arithmetic::Divide),
            "Concat" => self.concat(call),
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
            "Cast" | "Floor" => {
                let held = self.held(call, 0)?;
                let to_float = call.0.op_type == "Cast" && FLOATING.contains(&(call.int("to", 0) as i32));
                // Sizes are followed as whole numbers; where they would be fractions they are not followed.
                if !matches!(held, Held::Integers(..)) && !to_float {
                    return Err(call.error("values of maps or constants are rounded"));
                }
                self.set(call, held)
            }
            _ => Err(call.error("graphs do not have this operation")),
        }
    }

    fn shape(&mut self, call: Call) -> Result<(), OnnxError> {
        let all = match self.held(call, 0)? {
            Held::Map(id, form) => dims(&self.graph, id, form),
            Held::Floats(floats) => floats.shape.iter().map(|&n| Dim::Whole(n as i64)).collect(),
            Held::Integers(values, axes) => match axes {
                Axes::Single => vec![],
                Axes::List => vec![Dim::Whole(values.len() as i64)],
                Axes::Pairs | Axes::TurnedPairs => return Err(call.error("the sizes of a list of borders")),
            },
            Held::Scores { .. } => return Err(call.error("the sizes of attention scores are not followed")),
        };
        let rank = all.len() as i64;
        let bound = |value: i64| (if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank) as usize;
        let (start, end) = (bound(call.int("start", 0)), bound(call.int("end", rank)));
        let part = all.get(start..end.max(start)).unwrap_or_default().to_vec();
        self.set(call, Held::Integers(part, Axes::List))
    }

    fn outputs(&mut self, names: &[String]) -> Result<(), OnnxError> {
        for name in names {
            match self.held.get(name) {
                Some(Held::Map(id, Form::Map)) => self.graph.outputs.push(*id),
                Some(Held::Map(id, Form::Vector)) if self.is_single(*id) => self.graph.outputs.push(*id),
                Some(_) => {
                    return Err(OnnxError::Network(format!(
                        "its result {name} is not [batch, classes, height, width]"
                    )));
                }
                None => return Err(OnnxError::Damaged(format!("its result {name} is never computed"))),
            }
        }
        match self.graph.outputs[..] {
            [] => Err(OnnxError::Damaged("it has no result".into())),
            _ => Ok(()),
        }
    }

    /// Puts the values of constants that only are weights out of the file.
    fn keep_structure(&self, file: &mut GraphProto) -> Result<(), OnnxError> {
        for tensor in &mut file.initializer {
            let Some(Held::Floats(floats)) = self.held.get(&tensor.name) else { continue };
            if self.read.contains(&tensor.name) {
                let values = floats.values.as_ref();
                let values = values.ok_or_else(|| OnnxError::Damaged(format!("{} has no values", tensor.name)))?;
                tensor.data_type = Some(data_type::FLOAT);
                tensor.raw_data = Some(values.iter().flat_map(|v| v.to_le_bytes()).collect());
                (tensor.external_data, tensor.data_location) = (vec![], None);
                (tensor.float_data, tensor.double_data, tensor.int32_data) = (vec![], vec![], vec![]);
                continue;
            }
            let dims = std::mem::take(&mut tensor.dims);
            *tensor = TensorProto {
                dims,
                name: std::mem::take(&mut tensor.name),
                data_type: Some(data_type::FLOAT),
                data_location: Some(1),
                external_data: vec![TextEntry { key: "location".into(), value: IN_WEIGHTS.into() }],
                ..TensorProto::default()
            };
        }
        Ok(())
    }

    /// Leaves out what no result needs.
    fn finish(&mut self) -> Result<(Graph, BTreeMap<String, Tensor>), OnnxError> {
        let graph = std::mem::take(&mut self.graph).without_dead_nodes();
        let mut weights = BTreeMap::new();
        for parameter in &graph.parameters {
            if let Some(values) = self.weights.remove(&parameter.name) {
                if values.len() != parameter.len() {
                    return Err(OnnxError::Damaged(format!(
                        "tensor {:?} has not {:?} values",
                        parameter.name, parameter.shape
                    )));
                }
                let values = Rc::unwrap_or_clone(values);
                weights.insert(parameter.name.clone(), Tensor { shape: parameter.shape.clone(), values });
            }
        }
        Ok((graph, weights))
    }
}
