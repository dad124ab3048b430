//! Networks that are told by the names of their tensors.
//!
//! **Invariant:** shapes of a file may be anything (no axes, sizes of zero, sizes beyond all memory): they are only read by
//! [`Part::size`] and its kin, and compared with those of a graph that a zoo's own bounds hold.

mod classifiers;
mod monai;
mod named;
mod plain;
mod smp;
mod smp_config;
#[cfg(test)]
mod tests;

pub use smp_config::{Config, beside as config_beside};

use std::collections::BTreeSet;

use super::describe::{Assumptions, same_shape};
use super::part::Part;
use crate::engine::{Array, Weights};
use crate::graph::{Graph, Op};
use crate::model::ArchitectureSpec;
use crate::zoo::{self, Ends};

/// A network that a file may hold.
pub struct Candidate {
    pub title: String,
    pub architecture: ArchitectureSpec,
    /// The weight of the head, whose first size is the number of classes.
    pub head: String,
    /// The beginning of the graph's names, and what the file has in its place.
    pub renamed: Option<(&'static str, &'static str)>,
    /// Beginnings of names of tensors that the original has and does not use, or needs for training only.
    pub unused: Vec<String>,
    /// What its weights do not say and was assumed.
    pub assumed: Vec<String>,
    /// What else is worth saying.
    pub notices: Vec<String>,
}

impl Candidate {
    fn new(title: &str, id: &str, options: serde_json::Value, head: &str) -> Self {
        Self {
            title: title.into(),
            architecture: ArchitectureSpec { id: id.into(), options },
            head: head.into(),
            renamed: None,
            unused: Vec::new(),
            assumed: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// The name of a parameter in the file.
    pub fn in_file(&self, parameter: &str) -> String {
        match self.renamed {
            Some((ours, theirs)) => match parameter.strip_prefix(ours) {
                Some(rest) => format!("{theirs}{rest}"),
                None => parameter.to_string(),
            },
            None => parameter.to_string(),
        }
    }
}

/// What a family makes of a part.
type Candidates = Result<Vec<Candidate>, String>;

/// The description beside the weights, where there is one; one that says what cannot be honoured is a reason.
pub type Beside<'a> = Option<&'a Result<Config, String>>;

/// A family of networks.
pub struct Family {
    /// A tensor that all of its networks have; what stands in front of its name is the prefix of the network.
    marker: &'static str,
    /// Which networks it may be. The error names the network and says why it cannot be taken over.
    candidates: fn(&Part, &mut Assumptions, Beside) -> Candidates,
    /// Whether it is a classifier of whole images.
    pub classifies: bool,
}

/// The families, the most telling marker first.
const FAMILIES: &[Family] = &[
    Family { marker: smp::HEAD, candidates: smp::candidates, classifies: false },
    Family { marker: smp::OTHER_HEAD, candidates: smp::candidates, classifies: false },
    Family { marker: plain::BRAIN, candidates: plain::brain, classifies: false },
    Family { marker: plain::MILESIAL, candidates: plain::milesial, classifies: false },
    Family { marker: monai::BASIC, candidates: monai::basic, classifies: false },
    Family { marker: monai::DYNAMIC, candidates: monai::dynamic, classifies: false },
];

/// Families of classifiers, one for each first layer that they may have.
const CLASSIFIERS: &[Family] = &[
    Family { marker: "conv1.weight", candidates: classifiers::candidates, classifies: true },
    Family { marker: "layer0.conv1.weight", candidates: classifiers::candidates, classifies: true },
    Family { marker: "features.0.weight", candidates: classifiers::candidates, classifies: true },
    Family { marker: "conv1.conv.weight", candidates: classifiers::candidates, classifies: true },
    Family { marker: "Conv2d_1a_3x3.conv.weight", candidates: classifiers::candidates, classifies: true },
];

/// What stands in front of a marker at the end of a name.
fn prefix_before<'a>(name: &'a str, marker: &str) -> Option<&'a str> {
    name.strip_suffix(marker).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
}

/// The families whose marker a name is, each with what stands in front of it.
pub fn marked(name: &str) -> impl Iterator<Item = (&str, &'static Family)> {
    let all = FAMILIES.iter().chain(CLASSIFIERS);
    all.filter_map(move |family| Some((prefix_before(name, family.marker)?, family)))
}

/// A network that is known and cannot be taken over from its weights, by the name of one of its tensors.
pub fn known_by_name<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'static str> {
    named::of(names)
}

/// A network whose tensors are all there.
pub struct Found {
    pub candidate: Candidate,
    pub ends: Ends,
    pub graph: Graph,
}

/// Why a network is not the one of a part.
pub struct Miss {
    /// How many of its tensors are there.
    pub count: usize,
    /// What is wrong, with the network's title.
    pub problem: String,
}

impl Family {
    /// Whether its marker may be the beginning of a network: blocks of classifiers have the names of their first layers, so that
    /// a head must be there too.
    pub fn may_begin(&self, has: impl Fn(&str) -> bool) -> bool {
        !self.classifies || classifiers::heads(self.marker).any(has)
    }

    /// The network of a part.
    ///
    /// # Errors
    /// The one that comes closest.
    pub fn recognise(&self, part: &Part, assumptions: &mut Assumptions, config: Beside) -> Result<Found, Miss> {
        let all = (self.candidates)(part, assumptions, config);
        // What is named with its reason says more than how many tensors are there.
        let all = all.map_err(|problem| Miss { count: usize::MAX, problem })?;
        let mut found: Option<Found> = None;
        let mut closest: Option<Miss> = None;
        for candidate in all {
            match attempt(candidate, part) {
                Ok(new) => {
                    if found.as_ref().is_none_or(|old| new.graph.parameters.len() > old.graph.parameters.len()) {
                        found = Some(new);
                    }
                }
                Err(miss) => {
                    if closest.as_ref().is_none_or(|old| miss.count > old.count) {
                        closest = Some(miss);
                    }
                }
            }
        }
        found.ok_or_else(|| {
            let mut miss = closest.unwrap_or(Miss { count: 0, problem: String::new() });
            if let Some(Ok(config)) = config.filter(|_| self.marker == smp::HEAD) {
                let named = &config.encoder;
                miss.problem = format!("{}; config.json beside the weights names the encoder {named:?}", miss.problem);
            }
            miss
        })
    }
}

fn attempt(candidate: Candidate, part: &Part) -> Result<Found, Miss> {
    let miss = |count: usize, problem: String| {
        let title = &candidate.title;
        Miss { count, problem: format!("{title}, of which {count} tensors are there, but {problem}") }
    };
    let build = |ends: Ends| zoo::build(&candidate.architecture.id, ends, &candidate.architecture.options);
    let head = &candidate.head;
    let classes = part.size(head, 0).ok_or_else(|| miss(0, format!("of its head {}", part.lacks(head))))?;
    let plan = build(Ends { in_channels: 3, classes: 2 }).map_err(|e| miss(0, e.to_string()))?;
    let first = first_convolution(&plan).map(|name| candidate.in_file(name));
    let first = first.unwrap_or_default();
    let in_channels = part.size(&first, 1).ok_or_else(|| miss(0, part.lacks(&first)))?;
    let ends = Ends { in_channels, classes };
    let graph = build(ends).map_err(|e| miss(0, e.to_string()))?;
    let (mut count, mut problem) = (0, None);
    for parameter in &graph.parameters {
        let name = candidate.in_file(&parameter.name);
        match (part.get(&name), part.other(&name)) {
            (Some(array), _) if same_shape(&array.shape, &parameter.shape) => count += 1,
            (Some(array), _) => {
                problem
                    .get_or_insert_with(|| format!("{name:?} is {:?}, needed is {:?}", array.shape, parameter.shape));
            }
            (None, Some(_)) => {
                problem.get_or_insert_with(|| part.lacks(&name));
            }
            (None, None) => {
                problem.get_or_insert_with(|| format!("{name:?} {:?} is missing", parameter.shape));
            }
        }
    }
    match problem {
        None => Ok(Found { candidate, ends, graph }),
        Some(problem) => Err(miss(count, problem)),
    }
}

/// The weight of the first convolution.
fn first_convolution(graph: &Graph) -> Option<&str> {
    let first = graph.nodes.iter().find(|n| matches!(n.op, Op::Conv2d(_)) && n.inputs == [0])?;
    first.parameters.first().map(|&id| graph.parameters[id].name.as_str())
}

impl Found {
    /// The names of its tensors in the file, without the prefix.
    pub fn names(&self) -> BTreeSet<String> {
        self.graph.parameters.iter().map(|p| self.candidate.in_file(&p.name)).collect()
    }

    /// Whether a tensor that the network does not have is known to change nothing.
    pub fn is_unused(&self, name: &str) -> bool {
        self.candidate.unused.iter().any(|start| name.starts_with(start))
    }

    /// Whether both have equal values.
    pub fn equals(&self, part: &Part, other: &Self, others: &Part) -> bool {
        self.graph.parameters.len() == other.graph.parameters.len()
            && self.candidate.architecture == other.candidate.architecture
            && self
                .graph
                .parameters
                .iter()
                .all(|p| part.get(&self.candidate.in_file(&p.name)) == others.get(&other.candidate.in_file(&p.name)))
    }

    /// The weights by the graph's names. A head of one logit gets a first row of zeros: softmax over both is the sigmoid.
    pub fn weights(&self, part: &Part) -> Weights {
        let taken = |p: &crate::graph::Parameter| {
            let array = part.get(&self.candidate.in_file(&p.name))?;
            Some((p.name.clone(), Array::new(p.shape.clone(), array.values.clone())))
        };
        let mut weights: Weights = self.graph.parameters.iter().filter_map(taken).collect();
        if self.is_single_logit() {
            let bias = self.candidate.head.replace(".weight", ".bias");
            for name in [&self.candidate.head, &bias] {
                if let Some(array) = weights.get_mut(name)
                    && let [1, rest @ ..] = &array.shape[..]
                {
                    let shape: Vec<usize> = std::iter::once(2).chain(rest.iter().copied()).collect();
                    let mut values = vec![0.0; array.values.len()];
                    values.extend(&array.values);
                    *array = Array::new(shape, values);
                }
            }
        }
        weights
    }

    /// Whether its head has one logit.
    pub fn is_single_logit(&self) -> bool {
        self.ends.classes == 1 && self.candidate.architecture.id != zoo::foreign::CLASSIFIER
    }
}
