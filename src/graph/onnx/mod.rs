//! ONNX files: networks of other programs as graphs, and graphs for other programs.
//!
//! Operator sets 11 to 24 (<https://github.com/onnx/onnx/blob/main/docs/Operators.md>). What an exporter computes from sizes is
//! followed as a function of the input's size, so that a network exported with open sizes stays open here.
//!
//! **Invariant:** a file that is not understood to its last operation is refused with the operation's name.

mod arithmetic;
mod attend;
mod borders;
mod calls;
mod constant;
mod dim;
mod export;
mod held;
mod import;
mod layers;
mod norms;
mod operations;
mod order;
mod patterns;
mod pointwise;
pub mod proto;
mod reshape;
mod resize;
mod sizes;
mod slices;
mod stacks;
mod sums;
mod tensors;
#[cfg(test)]
mod tests;
mod unshare;
mod write;

pub use export::{Export, export};
pub use import::{Imported, import, import_structure};
pub use tensors::{arrays, texts};

/// Values with their shape, outermost axis first.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Values, the last axis fastest.
    pub values: Vec<f32>,
}

/// Why a file is no network for us, or a network no file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OnnxError {
    /// The file is damaged or something else.
    #[error("not a readable ONNX file: {0}")]
    Damaged(String),
    /// An operation that graphs do not have.
    #[error("the operation {op} ({name}) cannot be taken over: {problem}")]
    Operation {
        /// Operator.
        op: String,
        /// The operation's name in the file.
        name: String,
        /// What does not fit.
        problem: String,
    },
    /// The network as a whole does not suit slices.
    #[error("the network cannot be taken over: {0}")]
    Network(String),
    /// The graph cannot be written.
    #[error("the network cannot be written as ONNX: {0}")]
    Export(String),
}
