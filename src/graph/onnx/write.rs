//! A file under construction: operations, constants and sizes with names.

use super::super::Parameter;
use super::proto::{
    AttributeProto, DimensionProto, GraphProto, NodeProto, ShapeProto, TensorProto, TensorTypeProto, TypeProto,
    ValueInfoProto, attribute_kind, data_type,
};
use crate::work::numbers::{signed, single};

/// A network that is being written.
#[derive(Default)]
pub struct Writer {
    /// What is there already.
    pub file: GraphProto,
    count: usize,
}

/// An attribute's value.
pub enum Setting<'a> {
    /// One integer.
    Int(i64),
    /// Several integers.
    Ints(&'a [usize]),
    /// One float.
    Float(f64),
    /// A text.
    Text(&'a str),
}

fn attribute(name: &str, value: &Setting) -> AttributeProto {
    let name = name.to_string();
    match value {
        Setting::Int(i) => {
            AttributeProto { name, i: Some(*i), kind: Some(attribute_kind::INT), ..AttributeProto::default() }
        }
        Setting::Ints(all) => AttributeProto {
            name,
            ints: all.iter().map(|&n| signed(n)).collect(),
            kind: Some(attribute_kind::INTS),
            ..AttributeProto::default()
        },
        Setting::Float(f) => {
            AttributeProto { name, f: Some(single(*f)), kind: Some(attribute_kind::FLOAT), ..AttributeProto::default() }
        }
        Setting::Text(text) => AttributeProto {
            name,
            s: Some(text.as_bytes().to_vec()),
            kind: Some(attribute_kind::STRING),
            ..AttributeProto::default()
        },
    }
}

/// The type of a float tensor whose open sizes have names.
pub fn float_tensor(name: &str, dims: &[Result<usize, &str>]) -> ValueInfoProto {
    let dim = |dim: &Result<usize, &str>| match dim {
        Ok(size) => DimensionProto { value: Some(signed(*size)), name: None },
        Err(open) => DimensionProto { value: None, name: Some((*open).to_string()) },
    };
    let shape = Some(ShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor = Some(TensorTypeProto { element: Some(data_type::FLOAT), shape });
    ValueInfoProto { name: name.to_string(), kind: Some(TypeProto { tensor }) }
}

impl Writer {
    /// Adds an operation and gives the name of its first result, which starts with `stem`.
    pub fn op(&mut self, op: &str, stem: &str, inputs: &[&str], settings: &[(&str, Setting)]) -> String {
        self.ops(op, stem, inputs, settings, 1).remove(0)
    }

    /// Adds an operation of several results.
    pub fn ops(
        &mut self,
        op: &str,
        stem: &str,
        inputs: &[&str],
        settings: &[(&str, Setting)],
        results: usize,
    ) -> Vec<String> {
        self.count += 1;
        let name = format!("{stem}/{op}_{}", self.count);
        let output: Vec<String> =
            (0..results).map(|n| if n == 0 { name.clone() } else { format!("{name}.{n}") }).collect();
        self.file.node.push(NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: output.clone(),
            name,
            op_type: op.to_string(),
            attribute: settings.iter().map(|(name, value)| attribute(name, value)).collect(),
            domain: String::new(),
        });
        output
    }

    /// Adds an array of floats under a name.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.file.initializer.push(TensorProto {
            dims: shape.iter().map(|&n| signed(n)).collect(),
            data_type: Some(data_type::FLOAT),
            name: name.to_string(),
            raw_data: Some(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            ..TensorProto::default()
        });
    }

    /// Adds a weight.
    pub fn parameter(&mut self, parameter: &Parameter, values: &[f32]) {
        self.floats(&parameter.name, &parameter.shape, values);
    }

    /// A constant of floats.
    pub fn constant(&mut self, shape: &[usize], values: &[f32]) -> String {
        self.count += 1;
        let name = format!("constant_{}", self.count);
        self.floats(&name, shape, values);
        name
    }

    /// Constant integers along one axis.
    pub fn integers(&mut self, values: &[i64]) -> String {
        self.count += 1;
        let name = format!("sizes_{}", self.count);
        self.file.initializer.push(TensorProto {
            dims: vec![signed(values.len())],
            data_type: Some(data_type::INT64),
            name: name.clone(),
            raw_data: Some(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            ..TensorProto::default()
        });
        name
    }

    /// The sizes `start .. end` of a value.
    pub fn sizes(&mut self, of: &str, start: i64, end: i64) -> String {
        let settings = [("start", Setting::Int(start)), ("end", Setting::Int(end))];
        self.op("Shape", of, &[of], &settings)
    }
}
