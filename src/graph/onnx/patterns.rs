//! Functions that exporters write as several operations, as one again.

use std::collections::{HashMap, HashSet};

use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, data_type};
use crate::work::numbers::{low_half, single};

/// Largest relative difference of a constant, which 16 bits may have rounded.
const TOLERANCE: f32 = 1e-3;

/// The nodes of a file by what they make, and who reads it.
struct Network<'a> {
    file: &'a GraphProto,
    makers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
    constants: HashMap<&'a str, &'a TensorProto>,
}

impl<'a> Network<'a> {
    fn of(file: &'a GraphProto) -> Self {
        let (mut makers, mut readers) = (HashMap::new(), HashMap::<&str, Vec<usize>>::new());
        for (n, node) in file.node.iter().enumerate() {
            node.output.iter().for_each(|name| {
                makers.insert(name.as_str(), n);
            });
            node.input.iter().for_each(|name| readers.entry(name).or_default().push(n));
        }
        // Results of the file have a reader outside of it.
        file.output.iter().for_each(|o| readers.entry(&o.name).or_default().push(usize::MAX));
        let constants = file.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        Self { file, makers, readers, constants }
    }

    fn node(&self, n: usize) -> Option<&'a NodeProto> {
        self.file.node.get(n)
    }

    /// The only node that reads the first result of another, and its number.
    fn next(&self, n: usize) -> Option<(usize, &'a NodeProto)> {
        match self.readers.get(self.node(n)?.output.first()?.as_str())?[..] {
            [reader] => Some((reader, self.node(reader)?)),
            _ => None,
        }
    }

    /// A single constant number.
    fn number(&self, name: &str) -> Option<f32> {
        let tensor = self.constants.get(name)?;
        if tensor.dims.iter().any(|&n| n != 1) {
            return None;
        }
        let raw = tensor.raw_data.as_deref();
        match tensor.data_type? {
            data_type::FLOAT => {
                let first = || tensor.float_data.first().copied();
                raw.map_or_else(first, |r| r.first_chunk().map(|b| f32::from_le_bytes(*b)))
            }
            data_type::FLOAT16 => {
                let bits = raw.and_then(|r| r.first_chunk()).map(|b| u16::from_le_bytes(*b));
                let bits = bits.or_else(|| tensor.int32_data.first().map(|&v| low_half(v)))?;
                Some(half::f16::from_bits(bits).to_f32())
            }
            data_type::DOUBLE => {
                let first = || tensor.double_data.first().copied();
                raw.map_or_else(first, |r| r.first_chunk().map(|b| f64::from_le_bytes(*b))).map(single)
            }
            _ => None,
        }
    }

    fn is(&self, name: &str, wanted: f32) -> bool {
        self.number(name).is_some_and(|value| (value - wanted).abs() <= TOLERANCE * wanted)
    }

    /// The other input of an operation of two.
    fn other(node: &'a NodeProto, name: &str) -> Option<&'a str> {
        match &node.input[..] {
            [a, b] if a == name => Some(b),
            [a, b] if b == name => Some(a),
            _ => None,
        }
    }

    /// Follows `x / 2 (1 + erf(x / sqrt 2))` from its error function on, whatever is multiplied first: the nodes that make it up, x, and
    /// the name of the result.
    fn gelu(&self, erf: usize) -> Option<(Vec<usize>, &'a str, &'a str)> {
        let node = self.node(erf).filter(|node| node.op_type == "Erf")?;
        let inner = self.node(*self.makers.get(node.input.first()?.as_str())?)?;
        let (x, by) = match (inner.op_type.as_str(), &inner.input[..]) {
            ("Div", [x, by]) => (x, self.is(by, std::f32::consts::SQRT_2)),
            ("Mul", [a, b]) if self.number(b).is_some() => (a, self.is(b, std::f32::consts::FRAC_1_SQRT_2)),
            ("Mul", [a, b]) => (b, self.is(a, std::f32::consts::FRAC_1_SQRT_2)),
            _ => return None,
        };
        if !by {
            return None;
        }
        let first = |n: usize| self.node(n).and_then(|node| node.output.first()).map(String::as_str);
        let (sum, node) = self.next(erf).filter(|(_, node)| node.op_type == "Add")?;
        if !self.is(Self::other(node, first(erf)?)?, 1.0) {
            return None;
        }
        // Two products follow, with x and with a half, in either order; or one with a half of x.
        let (product, node) = self.next(sum).filter(|(_, node)| node.op_type == "Mul")?;
        let factor = Self::other(node, first(sum)?)?;
        let is_half_of_x = || {
            let half = self.node(*self.makers.get(factor)?)?;
            (half.op_type == "Mul" && self.is(Self::other(half, x)?, 0.5)).then_some(())
        };
        let mut parts = vec![erf, sum, product];
        if is_half_of_x().is_some() {
            return Some((parts, x, first(product)?));
        }
        let (last, node) = self.next(product).filter(|(_, node)| node.op_type == "Mul")?;
        let second = Self::other(node, first(product)?)?;
        let fits = (factor == x && self.is(second, 0.5)) || (second == x && self.is(factor, 0.5));
        parts.push(last);
        fits.then_some((parts, x, first(last)?))
    }
}

/// Puts one operation in the place of several that make up a known function.
pub fn join_patterns(file: &mut GraphProto) {
    let network = Network::of(file);
    let mut gone = HashSet::new();
    let mut new = Vec::new();
    for n in 0..file.node.len() {
        let Some((parts, x, result)) = network.gelu(n) else { continue };
        let exact =
            AttributeProto { name: "approximate".into(), s: Some(b"none".to_vec()), ..AttributeProto::default() };
        let last = parts.last().copied().unwrap_or(n);
        new.push((
            last,
            NodeProto {
                input: vec![x.to_string()],
                output: vec![result.to_string()],
                name: file.node[n].name.clone(),
                op_type: "Gelu".into(),
                attribute: vec![exact],
                domain: String::new(),
            },
        ));
        gone.extend(parts);
    }
    for (last, node) in new {
        gone.remove(&last);
        file.node[last] = node;
    }
    // What only the parts needed is found dead when the network is finished.
    let mut n = 0;
    file.node.retain(|_| {
        n += 1;
        !gone.contains(&(n - 1))
    });
}
