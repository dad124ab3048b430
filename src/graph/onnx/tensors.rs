//! The constants of a file: taken out of it, and its structure without them.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use prost::Message;

use super::calls::Call;
use super::constant::{Beside, Constant, Floats, From, IN_WEIGHTS};
use super::dim::Dim;
use super::held::{Axes, Held};
use super::import::Reader;
use super::proto::{GraphProto, ModelProto, NodeProto, TensorProto, TextEntry, data_type};
use super::unshare::unshare;
use super::{OnnxError, Tensor};

/// Constants computed from others may have so many times the values of all that are given.
const MOST_DERIVED: usize = 3;
/// Computed lists of sizes may have so many times the values of all that are given, and this many more.
const MOST_SIZES: usize = 1 << 20;

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
pub(super) fn hoist_constants(file: &mut GraphProto) {
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

impl Reader {
    /// Takes the constants of a file, which keeps their sizes.
    pub(super) fn constants(&mut self, file: &mut GraphProto, from: From) -> Result<(), OnnxError> {
        let mut floats = HashMap::new();
        for tensor in &mut file.initializer {
            // Weights are held once; integers are few and stay in the file too.
            let kept = (tensor.data_type != Some(data_type::FLOAT)).then(|| tensor.clone());
            let (name, dims) = (tensor.name.clone(), tensor.dims.clone());
            let shell = TensorProto { name: name.clone(), dims, ..TensorProto::default() };
            if tensor.data_type == Some(data_type::DOUBLE) {
                self.doubles.insert(name.clone());
            }
            let values = std::mem::replace(tensor, kept.unwrap_or(shell));
            if self.held.contains_key(&name) || floats.contains_key(&name) {
                return Err(OnnxError::Damaged(format!("two tensors are named {name:?}")));
            }
            match Constant::read(values, from)? {
                Constant::Floats(values) => {
                    floats.insert(name, values);
                }
                Constant::Integers(values, shape) => {
                    self.sizes_left = self.sizes_left.saturating_add(MOST_DERIVED.saturating_mul(values.len()));
                    let axes = Axes::list_unless(shape.is_empty());
                    let dims = values.into_iter().map(Dim::Whole).collect();
                    self.held.insert(name.clone(), Held::Integers(dims, axes));
                    self.integer_shapes.insert(name, shape);
                }
            }
        }
        if let From::File(_) = from {
            let copies = unshare(file, &floats);
            floats.extend(copies);
        }
        let given = floats.values().fold(0usize, |sum, floats| sum.saturating_add(floats.len()));
        self.most_derived = MOST_DERIVED.saturating_mul(given).saturating_add(1 << 20);
        self.sizes_left = self.sizes_left.saturating_add(MOST_SIZES);
        self.held.extend(floats.into_iter().map(|(name, floats)| (name, Held::Floats(floats))));
        let results = file.output.iter().map(|o| &o.name);
        for name in file.node.iter().flat_map(|n| &n.input).chain(results) {
            *self.uses.entry(name.clone()).or_insert(0) += 1;
        }
        Ok(())
    }

    /// Puts the values of constants that only are weights out of the file.
    pub(super) fn keep_structure(&self, file: &mut GraphProto) -> Result<(), OnnxError> {
        for tensor in &mut file.initializer {
            let floats = match self.held.get(&tensor.name) {
                Some(Held::Floats(floats)) => floats,
                Some(Held::Integers(values, _)) if tensor.data_location == Some(1) => {
                    // Sizes stay in the file, also where its weights lie in another.
                    let whole = |dim: &Dim| if let Dim::Whole(value) = dim { *value } else { 0 };
                    tensor.data_type = Some(data_type::INT64);
                    tensor.raw_data = Some(values.iter().flat_map(|dim| whole(dim).to_le_bytes()).collect());
                    (tensor.external_data, tensor.data_location) = (vec![], None);
                    continue;
                }
                _ => continue,
            };
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
}
