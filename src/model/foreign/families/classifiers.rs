//! torchvision's and timm's classifiers.

use serde_json::json;

use super::{Beside, Candidate, Candidates, first_convolution};
use crate::graph::{Graph, Op};
use crate::model::foreign::describe::Assumptions;
use crate::model::foreign::part::Part;
use crate::zoo::{Encoder, Ends, foreign};

/// Parts that only help training.
const UNUSED: [&str; 3] = ["aux1.", "aux2.", "AuxLogits."];

/// Every classifier whose first and last layer have the names of the file's.
pub fn candidates(part: &Part, _: &mut Assumptions, _: Beside) -> Candidates {
    let mut all = Vec::new();
    for encoder in Encoder::ALL.into_iter().chain(Encoder::IMPORTED) {
        let Ok(graph) = encoder.classifier(Ends { in_channels: 3, classes: 1000 }) else { continue };
        let (Some(first), Some(head)) = (first_convolution(&graph), head(&graph)) else { continue };
        if part.has(first) && part.has(head) {
            let title = format!("classifier {}", encoder.id());
            let mut candidate = Candidate::new(&title, foreign::CLASSIFIER, json!({"network": encoder}), head);
            candidate.unused = UNUSED.map(String::from).to_vec();
            all.push(candidate);
        }
    }
    Ok(all)
}

fn head(graph: &Graph) -> Option<&str> {
    let last = graph.nodes.iter().rev().find(|n| matches!(n.op, Op::Linear { .. } | Op::Conv2d(_)))?;
    last.parameters.first().map(|&id| graph.parameters[id].name.as_str())
}
