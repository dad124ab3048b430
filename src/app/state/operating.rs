//! Operations: which one is chosen, what is said about its parameters, and a result that is shown but not taken yet.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::edit::operations::{OPERATIONS, Operation, Order, Parameter, Value};
use crate::jobs::Operated;
use crate::session::{PaintRules, Revision, SegmentationId};
use crate::volume::Plane;

/// Choices.
#[derive(Debug, Clone)]
pub struct OperationForm {
    /// The operation.
    pub operation: &'static Operation,
    /// Whether it works on all labels instead of the active one, where it can.
    pub is_for_all: bool,
    /// In the slice of this plane at the cursor; in the whole volume where it is none.
    pub plane: Option<Plane>,
    /// What was said about parameters, by the operation's and the parameter's id.
    pub said: BTreeMap<(&'static str, &'static str), Value>,
}

impl OperationForm {
    /// What was said about a parameter of the operation, or its default; `None` where the situation gives it.
    pub fn value(&self, parameter: &Parameter) -> Option<Value> {
        self.said.get(&(self.operation.id, parameter.id)).cloned().or_else(|| parameter.default())
    }

    /// Says something about a parameter of the operation.
    pub fn say(&mut self, parameter: &Parameter, value: Value) {
        self.said.insert((self.operation.id, parameter.id), value);
    }

    /// Whether the same is asked for.
    pub fn is_same(&self, other: &Self) -> bool {
        self.operation.id == other.operation.id
            && (self.is_for_all, self.plane, &self.said) == (other.is_for_all, other.plane, &other.said)
    }
}

/// A result that is shown as a preview.
#[derive(Debug)]
pub struct Ready {
    /// Of which segmentation.
    pub of: SegmentationId,
    /// What was asked for.
    pub order: Order,
    /// Where might be painted.
    pub rules: PaintRules,
    /// What came of it.
    pub operated: Operated,
}

/// What a preview was computed of, or is being computed of.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The segmentation.
    pub of: SegmentationId,
    /// Its labels.
    pub made_on: Revision,
    /// What was asked for.
    pub order: Order,
    /// Where may be painted.
    pub rules: PaintRules,
    /// When.
    pub since: Instant,
    /// Whether its picture was taken away because the choices could not be used.
    pub is_hidden: bool,
}

impl Asked {
    /// Whether the same is asked for.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.of, self.made_on, &self.rules, self.is_hidden) == (other.of, other.made_on, &other.rules, other.is_hidden)
            && self.order.is_same(&other.order)
    }
}

/// State of the operations.
#[derive(Debug)]
pub struct Operating {
    /// Choices.
    pub form: OperationForm,
    /// How often a command chose an operation: the panel brings it into sight each time.
    pub times_chosen: usize,
    /// A result that is shown as a preview.
    pub ready: Option<Ready>,
    /// What the preview is of, while one is wanted: it follows the choices, the cursor and the labels.
    pub asked: Option<Asked>,
}

impl Default for Operating {
    fn default() -> Self {
        let operation = &OPERATIONS[0];
        let form = OperationForm { operation, is_for_all: false, plane: None, said: BTreeMap::new() };
        Self { form, times_chosen: 0, ready: None, asked: None }
    }
}
