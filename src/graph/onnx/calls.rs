//! An operation of the file with its attributes.

use super::OnnxError;
use super::proto::{AttributeProto, NodeProto};
use crate::work::numbers::signed;

/// An operation.
#[derive(Clone, Copy)]
pub struct Call<'a>(pub &'a NodeProto);

impl<'a> Call<'a> {
    fn attribute(self, name: &str) -> Option<&'a AttributeProto> {
        self.0.attribute.iter().find(|a| a.name == name)
    }

    /// Its name, or that of its first result.
    pub fn name(self) -> &'a str {
        if self.0.name.is_empty() { self.0.output.first().map_or("", String::as_str) } else { &self.0.name }
    }

    /// Operator and name, for messages.
    pub fn title(self) -> String {
        format!("{} ({})", self.0.op_type, self.name())
    }

    /// An error about this operation.
    pub fn error(self, problem: impl Into<String>) -> OnnxError {
        OnnxError::Operation { op: self.0.op_type.clone(), name: self.name().into(), problem: problem.into() }
    }

    /// An integer.
    pub fn int(self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|a| a.i).unwrap_or(default)
    }

    /// A float.
    pub fn float(self, name: &str, default: f32) -> f32 {
        self.attribute(name).and_then(|a| a.f).unwrap_or(default)
    }

    /// A text.
    pub fn text(self, name: &str, default: &str) -> String {
        let given = self.attribute(name).and_then(|a| a.s.as_ref());
        given.map_or_else(|| default.to_string(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Several integers, if the attribute is there.
    pub fn ints(self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    /// The tensor of an attribute.
    pub fn tensor(self, name: &str) -> Option<&'a super::proto::TensorProto> {
        self.attribute(name).and_then(|a| a.t.as_ref())
    }

    /// Height and width, between `least` and a bound that no network reaches.
    pub fn pair(self, name: &str, default: [usize; 2], least: usize) -> Result<[usize; 2], OnnxError> {
        let Some(given) = self.ints(name) else { return Ok(default) };
        match given {
            &[h, w] => Ok([self.bounded(name, h, least)?, self.bounded(name, w, least)?]),
            other => Err(self.error(format!("{name} is {other:?}; only 2-D networks are supported"))),
        }
    }

    pub(super) fn bounded(self, name: &str, value: i64, least: usize) -> Result<usize, OnnxError> {
        usize::try_from(value)
            .ok()
            .filter(|n| (least..=4096).contains(n))
            .ok_or_else(|| self.error(format!("{name} is {value}")))
    }

    /// An axis counted from the front.
    pub fn axis(self, value: i64, rank: usize) -> Result<usize, OnnxError> {
        let counted = if value < 0 { value.saturating_add(signed(rank)) } else { value };
        usize::try_from(counted)
            .ok()
            .filter(|&axis| axis < rank)
            .ok_or_else(|| self.error(format!("axis {value} of {rank} axes")))
    }
}
