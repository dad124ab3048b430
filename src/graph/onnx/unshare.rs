//! Equal constants that an exporter merged, apart again: layers that are trained must not share what they only start with.

use std::collections::HashMap;

use super::constant::Floats;
use super::proto::{GraphProto, NodeProto, TensorProto};
use crate::work::numbers::signed;

/// Operations whose constants are weights, and the input from which on they are.
const WEIGHTED: [(&str, usize); 9] = [
    ("BatchNormalization", 1),
    ("InstanceNormalization", 1),
    ("GroupNormalization", 1),
    ("LayerNormalization", 1),
    ("PRelu", 1),
    ("Conv", 1),
    ("ConvTranspose", 1),
    ("Add", 0),
    ("Mul", 0),
];
/// Most values that are written again.
const MOST_VALUES: usize = 1 << 22;

/// Whether layers cannot have learned an array: all its values are the same.
fn is_uniform(floats: &Floats) -> bool {
    let values = floats.values.as_ref().map_or(&[][..], |values| values.as_slice());
    values.first().is_some_and(|first| values.iter().all(|value| value == first))
}

/// Gives each layer an array of its own where several read one whose values are all the same, as of layers that have not been trained;
/// `constants` are the file's. A layer that is applied twice has an array of many values, which stays shared.
pub fn unshare(file: &mut GraphProto, constants: &HashMap<String, Floats>) -> Vec<(String, Floats)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut taken: std::collections::HashSet<String> = file.initializer.iter().map(|t| t.name.clone()).collect();
    taken.extend(file.node.iter().flat_map(|node| node.output.iter().cloned()));
    taken.extend(file.input.iter().map(|input| input.name.clone()));
    let mut copies: Vec<(String, Floats)> = Vec::new();
    let mut values = 0;
    for node in &mut file.node {
        let Some(first) = first_weight(node) else { continue };
        for name in node.input.iter_mut().skip(first) {
            let Some(floats) = constants.get(name.as_str()).filter(|floats| is_uniform(floats)) else { continue };
            let count = seen.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count == 1 {
                continue;
            }
            values += floats.len();
            if values > MOST_VALUES {
                return copies;
            }
            let mut number = *count;
            let mut copy = format!("{name}#{number}");
            while !taken.insert(copy.clone()) {
                number += 1;
                copy = format!("{name}#{number}");
            }
            let dims = floats.shape.iter().map(|&n| signed(n)).collect();
            file.initializer.push(TensorProto { name: copy.clone(), dims, ..TensorProto::default() });
            copies.push((copy.clone(), Floats { name: copy.clone(), source: copy.clone(), ..floats.clone() }));
            *name = copy;
        }
    }
    copies
}

fn first_weight(node: &NodeProto) -> Option<usize> {
    WEIGHTED.iter().find(|(op, _)| *op == node.op_type).map(|&(_, first)| first)
}
