//! The operations of a file in an order in which each comes after those that it reads.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::OnnxError;
use super::calls::Call;
use super::proto::NodeProto;

/// Names of operations that an error lists.
const MOST_NAMED: usize = 4;

/// Sorts operations; those that are in order already stay where they are. Tools that change a file append theirs at the end.
///
/// # Errors
/// When operations wait for each other in a circle; some of them are named.
pub fn in_order(nodes: Vec<NodeProto>) -> Result<Vec<NodeProto>, OnnxError> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (n, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            // Where two give the same name, reading them says so.
            makers.entry(name).or_insert(n);
        }
    }
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut missing = vec![0usize; nodes.len()];
    for (n, node) in nodes.iter().enumerate() {
        for &maker in node.input.iter().filter_map(|name| makers.get(name.as_str())) {
            readers[maker].push(n);
            missing[n] += 1;
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..nodes.len()).filter(|&n| missing[n] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(n)) = ready.pop() {
        order.push(n);
        for &reader in &readers[n] {
            missing[reader] -= 1;
            if missing[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() < nodes.len() {
        let waiting = nodes.iter().zip(&missing).filter(|(_, missing)| **missing > 0);
        let names: Vec<String> = waiting.take(MOST_NAMED).map(|(node, _)| Call(node).title()).collect();
        return Err(OnnxError::Network(format!("operations wait for each other in a circle: {}", names.join(", "))));
    }
    let mut nodes: Vec<Option<NodeProto>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|n| nodes[n].take()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
        let all = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        NodeProto {
            name: name.into(),
            op_type: "Relu".into(),
            input: all(inputs),
            output: all(outputs),
            ..NodeProto::default()
        }
    }

    fn names(nodes: &[NodeProto]) -> String {
        nodes.iter().map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn what_is_in_order_stays_and_the_rest_is_sorted() {
        let sorted = vec![
            node("a", &["x"], &["1"]),
            node("b", &["x", ""], &["2", ""]),
            node("c", &["2", "1"], &["3"]),
            node("d", &["3"], &["y"]),
        ];
        assert_eq!(names(&in_order(sorted.clone()).unwrap()), "abcd");
        let mut turned = sorted.clone();
        turned.reverse();
        assert_eq!(names(&in_order(turned).unwrap()), "bacd");
        let mut last = sorted;
        last.rotate_left(1);
        assert_eq!(names(&in_order(last).unwrap()), "bacd");
    }

    #[test]
    fn circles_are_refused_with_their_names() {
        let circle = vec![node("in", &["x"], &["1"]), node("p", &["1", "3"], &["2"]), node("q", &["2"], &["3"])];
        let said = in_order(circle).unwrap_err().to_string();
        assert!(said.contains("circle: Relu (p), Relu (q)"), "{said}");
        let own = in_order(vec![node("s", &["1"], &["1"])]).unwrap_err().to_string();
        assert!(own.contains("Relu (s)"), "{own}");
    }
}
