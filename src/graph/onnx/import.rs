//! From a file to a graph: one operation after the other.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use prost::Message;

use super::super::op::Op;
use super::super::shape::{Size, symbolic, symbolic_with_border};
use super::super::{Extent, Graph, Node, NodeId, Parameter, ParameterId, Role};
use super::calls::Call;
use super::constant::{Beside, Floats, From};
use super::dim::Dim;
use super::held::{Form, Held};
use super::order::in_order;
use super::patterns::join_patterns;
use super::proto::{GraphProto, ModelProto, ValueInfoProto, data_type};
use super::tensors::hoist_constants;
use super::{OnnxError, Tensor};

/// Most operations of a file.
const MOST_NODES: usize = 20_000;
/// Most channels of a map.
const MOST_CHANNELS: usize = 1 << 16;
/// Sizes that are looked at while reading, all together.
const MOST_LOOKED_AT: usize = 1 << 26;
/// Operator sets that are read.
const OPERATOR_SETS: std::ops::RangeInclusive<i64> = 11..=24;

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
    join_patterns(&mut file);
    file.node = in_order(std::mem::take(&mut file.node))?;
    let mut reader = Reader::new(version);
    reader.constants(&mut file, from)?;
    reader.input(&file)?;
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

/// A file on its way to a graph.
pub(super) struct Reader {
    pub graph: Graph,
    pub fixed: Option<[usize; 2]>,
    pub operator_set: i64,
    /// Constants of 64-bit floats.
    pub doubles: HashSet<String>,
    /// Whether the image is one of 64-bit floats too.
    pub is_double: bool,
    /// Sizes of constants of integers.
    pub integer_shapes: HashMap<String, Vec<usize>>,
    pub(super) held: HashMap<String, Held>,
    weights: BTreeMap<String, Rc<Vec<f32>>>,
    /// How often a name is read.
    pub(super) uses: HashMap<String, usize>,
    /// Nodes whose map is read in more than one place.
    shared: HashSet<NodeId>,
    /// Layers whose bias the file does not have.
    pub without_bias: HashSet<NodeId>,
    /// Constants whose values decided about the graph.
    pub(super) read: HashSet<String>,
    /// Number of images that the file fixes.
    pub batch: Option<i64>,
    /// What made a node impossible, found while it was pushed.
    fault: Option<String>,
    /// Values of constants that were computed from others, and how many may be.
    derived: usize,
    pub(super) most_derived: usize,
    /// Sizes that may still be computed.
    pub(super) sizes_left: usize,
    /// Sizes that were looked at: a long list that is read by thousands of operations takes time.
    looked_at: Cell<usize>,
    /// Heights and widths of all maps where the file fixes the input's, as long as they fit together.
    sizes: Option<Vec<[usize; 2]>>,
    /// Weights whose rows became columns.
    pub turned: HashMap<String, Floats>,
}

impl Reader {
    fn new(operator_set: i64) -> Self {
        Self {
            graph: Graph::default(),
            fixed: None,
            operator_set,
            doubles: HashSet::new(),
            is_double: false,
            integer_shapes: HashMap::new(),
            held: HashMap::new(),
            weights: BTreeMap::new(),
            uses: HashMap::new(),
            shared: HashSet::new(),
            without_bias: HashSet::new(),
            read: HashSet::new(),
            batch: None,
            fault: None,
            derived: 0,
            most_derived: 0,
            sizes_left: 0,
            looked_at: Cell::new(0),
            sizes: None,
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
        let tensor = image.kind.as_ref().and_then(|k| k.tensor.as_ref());
        self.is_double = tensor.and_then(|t| t.element) == Some(data_type::DOUBLE);
        let shape = tensor.and_then(|t| t.shape.as_ref());
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
        self.sizes = self.fixed.map(|size| vec![size]);
        self.bind(&image.name, Held::Map(0, Form::Map));
        Ok(())
    }

    fn bind(&mut self, name: &str, held: Held) {
        if !name.is_empty() && self.held.contains_key(name) {
            self.fault = Some(format!("two results are named {name:?}"));
            return;
        }
        if let Held::Integers(dims, _) = &held {
            match self.sizes_left.checked_sub(dims.len()) {
                Some(left) => self.sizes_left = left,
                None => {
                    self.fault = Some("too many sizes are computed".into());
                    return;
                }
            }
        }
        let once = self.uses.get(name) == Some(&1);
        match &held {
            Held::Map(id, _) if !once => {
                self.shared.insert(*id);
            }
            Held::Stack(maps) => self.shared.extend(maps),
            _ => {}
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
                Some(held) => {
                    if let Held::Integers(dims, _) = held {
                        self.looked_at.set(self.looked_at.get().saturating_add(dims.len()));
                    }
                    if self.looked_at.get() > MOST_LOOKED_AT {
                        return Err(call.error("its list of sizes is long and read too often"));
                    }
                    Ok(Some(held.clone()))
                }
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
            other => Err(call.error(format!("input {n} is a {}, not a map of the network", other.what()))),
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
            other => Err(call.error(format!("input {n} is a {}, not constant", other.what()))),
        }
    }

    /// Sizes of an input.
    pub fn integers(&self, call: Call, n: usize) -> Result<Vec<Dim>, OnnxError> {
        match self.held(call, n)? {
            Held::Integers(values, _) => Ok(values),
            other => Err(call.error(format!("input {n} is a {}, no list of sizes", other.what()))),
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
        if let Some(&x) = inputs.first()
            && let Op::Pad(border) = &self.graph.nodes[x].op
            && let Some(extent) =
                symbolic_with_border(&op, border, self.graph.nodes[self.graph.nodes[x].inputs[0]].size.extent)
        {
            size.extent = extent;
        }
        if let Op::Concat | Op::Add | Op::Multiply = op {
            // A map that follows the image's size tells more than one that is fixed to a size that fits it.
            for axis in 0..2 {
                let open = sizes.iter().map(|size| size.extent[axis]).find(|extent| extent.as_constant().is_none());
                size.extent[axis] = open.unwrap_or(size.extent[axis]);
            }
        }
        if !(1..=MOST_CHANNELS).contains(&size.channels) {
            self.fault = Some(format!("a map of {} channels", size.channels));
            size.channels = 1;
        }
        let scope = call.name().to_string();
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), parameters, scope, size });
        let id = self.graph.nodes.len() - 1;
        self.sizes = self.sizes.take().and_then(|mut sizes| {
            sizes.push(self.graph.size_of(id, self.fixed?, &sizes).ok()?);
            Some(sizes)
        });
        id
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
        self.sizes.as_ref()?.get(id).copied()
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
