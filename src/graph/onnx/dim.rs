//! Sizes that a network computes with.

use super::super::extent::Extent;
use super::super::{Graph, NodeId};
use crate::work::numbers::signed;

/// A size, perhaps as a function of the input's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dim {
    /// Number of images.
    Batch,
    /// A number.
    Whole(i64),
    /// A height or width that follows the input's.
    Open(Extent),
    /// Number of positions of a node's map, where it follows the input's size.
    Positions(NodeId),
    /// A positive fraction, or that number cut off: which of them depends on the type, which is not followed.
    Fraction(i64, i64),
    /// Computed in a way that is not followed.
    Unknown,
}

/// Four operations on sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Sum.
    Add,
    /// Difference.
    Subtract,
    /// Product.
    Multiply,
    /// Quotient, followed where it is whole.
    Divide,
}

impl Dim {
    /// A height or width of a map.
    pub fn of(extent: Extent) -> Self {
        extent.as_constant().map_or(Self::Open(extent), Self::Whole)
    }

    /// The number of positions of a node's map.
    pub fn positions(graph: &Graph, id: NodeId) -> Self {
        match graph.nodes[id].size.extent.map(|e| e.as_constant()) {
            [Some(h), Some(w)] => Self::Whole(h.saturating_mul(w)),
            _ => Self::Positions(id),
        }
    }

    /// As a function of the input's size.
    pub fn extent(self) -> Option<Extent> {
        match self {
            Self::Whole(value) => Some(Extent::constant(value)),
            Self::Open(extent) => Some(extent),
            Self::Batch | Self::Positions(_) | Self::Fraction(..) | Self::Unknown => None,
        }
    }

    /// The number without what is behind its point.
    pub fn cut(self) -> Self {
        match self {
            Self::Fraction(a, b) => Self::Whole(a / b),
            other => other,
        }
    }

    /// The result of an operation.
    pub fn with(self, arithmetic: Arithmetic, other: Self) -> Self {
        if let (Self::Whole(a), Self::Whole(b)) = (self, other) {
            let exact = match arithmetic {
                Arithmetic::Add => a.checked_add(b),
                Arithmetic::Subtract => a.checked_sub(b),
                Arithmetic::Multiply => a.checked_mul(b),
                // Whether a fraction is kept or cut off is not known here.
                Arithmetic::Divide if a > 0 && b > 0 && a % b != 0 => return Self::Fraction(a, b),
                Arithmetic::Divide => a.checked_rem(b).filter(|&rest| rest == 0).and_then(|_| a.checked_div(b)),
            };
            return exact.map_or(Self::Unknown, Self::Whole);
        }
        // Factors of one leave also what is not followed further.
        let one = Self::Whole(1);
        if other == one && matches!(arithmetic, Arithmetic::Multiply | Arithmetic::Divide) {
            return self;
        }
        if self == one && arithmetic == Arithmetic::Multiply {
            return other;
        }
        let (Some(a), Some(b)) = (self.extent(), other.extent()) else { return Self::Unknown };
        match (arithmetic, a.as_constant(), b.as_constant()) {
            (Arithmetic::Add, ..) => Self::of(a.and(b)),
            (Arithmetic::Subtract, ..) => Self::of(a.and(b.times(-1, 1))),
            (Arithmetic::Multiply, Some(factor), _) => Self::of(b.times(factor, 1)),
            (Arithmetic::Multiply, _, Some(factor)) => Self::of(a.times(factor, 1)),
            (Arithmetic::Divide, _, Some(divisor)) if divisor > 0 => Self::of(a.times(1, divisor)),
            (Arithmetic::Divide, ..) => a.as_multiple_of(&b).map_or(Self::Unknown, |n| Self::Whole(signed(n))),
            _ => Self::Unknown,
        }
    }
}
