//! torchvision's and timm's classifiers.

use std::sync::OnceLock;

use serde_json::json;

use super::{Beside, Candidate, Candidates, first_convolution};
use crate::graph::{Graph, Op};
use crate::model::foreign::describe::Assumptions;
use crate::model::foreign::part::Part;
use crate::zoo::{Encoder, Ends, foreign};

/// Parts that only help training.
const UNUSED: [&str; 3] = ["aux1.", "aux2.", "AuxLogits."];

/// Every classifier whose first and last layer have the names of the file's.
// All families have one form.
#[allow(clippy::unnecessary_wraps)]
pub fn candidates(part: &Part, _: &mut Assumptions, _: Beside) -> Candidates {
    let mut all = Vec::new();
    for (encoder, first, head) in ends() {
        if part.has(first) && part.has(head) {
            let title = format!("classifier {}", encoder.id());
            let mut candidate = Candidate::new(&title, foreign::CLASSIFIER, json!({"network": encoder}), head);
            candidate.unused = UNUSED.map(String::from).to_vec();
            all.push(candidate);
        }
    }
    Ok(all)
}

/// The heads of the classifiers that begin with a tensor of this name.
pub fn heads(first: &str) -> impl Iterator<Item = &'static str> {
    ends().iter().filter(move |(_, own, _)| own == first).map(|(.., head)| head.as_str())
}

/// Every classifier with the names of its first and its last weight.
fn ends() -> &'static [(Encoder, String, String)] {
    static ENDS: OnceLock<Vec<(Encoder, String, String)>> = OnceLock::new();
    ENDS.get_or_init(|| {
        let of = |encoder: Encoder| {
            let graph = encoder.classifier(Ends { in_channels: 3, classes: 1000 }).ok()?;
            Some((encoder, first_convolution(&graph)?.to_string(), head(&graph)?.to_string()))
        };
        Encoder::ALL.into_iter().chain(Encoder::IMPORTED).filter_map(of).collect()
    })
}

fn head(graph: &Graph) -> Option<&str> {
    let last = graph.nodes.iter().rev().find(|n| matches!(n.op, Op::Linear { .. } | Op::Conv2d(_)))?;
    last.parameters.first().map(|&id| graph.parameters[id].name.as_str())
}
