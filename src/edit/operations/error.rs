//! Why an operation gave no result.

use crate::volume::LabelValue;
use crate::work::Stopped;

/// Why an operation gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// No operation has this id.
    #[error("there is no operation {id}; the operations are {}", known.join(", "))]
    UnknownOperation {
        /// What was asked for.
        id: String,
        /// All that there are.
        known: Vec<&'static str>,
    },
    /// The operation has no such parameter.
    #[error("there is no parameter {parameter}; {}", told(known))]
    UnknownParameter {
        /// What was said.
        parameter: String,
        /// All that the operation has.
        known: Vec<&'static str>,
    },
    /// A parameter was given two values.
    #[error("the parameter {0} is given twice")]
    SaidTwice(&'static str),
    /// A parameter without a default was given no value.
    #[error("the parameter {parameter} is missing: give it {allowed}")]
    Missing {
        /// Which.
        parameter: &'static str,
        /// What can be said.
        allowed: String,
    },
    /// A value that the parameter cannot have.
    #[error("{parameter} cannot be {value}: it is {allowed}")]
    Value {
        /// Which parameter.
        parameter: &'static str,
        /// What was said.
        value: String,
        /// What can be said.
        allowed: String,
    },
    /// A voxel outside the slice that is worked on.
    #[error("{parameter} {voxel:?} lies outside the slice that is worked on")]
    Outside {
        /// Which parameter.
        parameter: &'static str,
        /// The voxel.
        voxel: [usize; 3],
    },
    /// It needs an image, and there is none.
    #[error("this operation needs the image that the labels belong to")]
    NoImage,
    /// It works on labels, and none was selected.
    #[error("no label is selected")]
    NoLabel,
    /// It works on one label, and several were selected.
    #[error("this operation works on one label, and {0} are selected")]
    OneLabel(usize),
    /// The other label is the selected one.
    #[error("label {0} is the selected label itself; choose another one")]
    SameLabel(LabelValue),
    /// All label numbers are in use.
    #[error("{wanted} new labels are needed, and only {left} label numbers are free")]
    NoNumberLeft {
        /// How many labels it would make.
        wanted: usize,
        /// How many numbers are free.
        left: usize,
    },
    /// It asked for a parameter that its entry does not list.
    #[error("the operation has no parameter {0} of this kind")]
    NoSuchParameter(&'static str),
    /// Anything else, said for the user.
    #[error("{0}")]
    Other(String),
}

fn told(known: &[&str]) -> String {
    if known.is_empty() { "the operation has none".into() } else { format!("there are {}", known.join(", ")) }
}
