//! Functions of every value.

use super::super::Role;
use super::super::op::{Activation, Op};
use super::OnnxError;
use super::calls::Call;
use super::dim::Dim;
use super::held::{Form, Held};
use super::import::Reader;
use crate::work::numbers::{real, single, whole};

impl Reader {
    pub(super) fn activate(&mut self, call: Call, activation: Activation) -> Result<(), OnnxError> {
        let (x, form) = self.map(call, 0)?;
        let id = self.push(call, Op::Activate(activation), &[x], vec![]);
        self.set(call, Held::Map(id, form))
    }

    pub(super) fn gelu(&mut self, call: Call) -> Result<(), OnnxError> {
        match call.text("approximate", "none").as_str() {
            "none" => self.activate(call, Activation::Gelu),
            "tanh" => self.activate(call, Activation::GeluTanh),
            other => Err(call.error(format!("the approximation {other:?}"))),
        }
    }

    /// x times its sigmoid.
    pub(super) fn swish(&mut self, call: Call) -> Result<(), OnnxError> {
        let alpha = call.float("alpha", 1.0);
        if alpha != 1.0 {
            return Err(call.error(format!("a factor of {alpha} in the sigmoid")));
        }
        let (x, form) = self.map(call, 0)?;
        let share = self.push(call, Op::Activate(Activation::Sigmoid), &[x], vec![]);
        let id = self.push(call, Op::Multiply, &[x, share], vec![]);
        self.set(call, Held::Map(id, form))
    }

    /// A bound of a cut, if there is one.
    fn bound(&mut self, call: Call, n: usize) -> Result<Option<f32>, OnnxError> {
        let value = match self.optional(call, n)? {
            None => return Ok(None),
            Some(Held::Floats(floats)) if floats.len() == 1 => self.values(call, &floats)?.first().copied(),
            Some(Held::Integers(dims, _)) => match dims[..] {
                [Dim::Whole(value)] => Some(single(real(value))),
                _ => None,
            },
            Some(_) => None,
        };
        match value {
            Some(value) if !value.is_nan() => Ok(Some(value)),
            _ => Err(call.error(format!("the bound {} is no constant number", call.0.input[n]))),
        }
    }

    pub(super) fn clip(&mut self, call: Call) -> Result<(), OnnxError> {
        let (low, high) = (self.bound(call, 1)?, self.bound(call, 2)?);
        let (from, to) = (low.unwrap_or(f32::NEG_INFINITY), high.unwrap_or(f32::INFINITY));
        if from > to {
            return Err(call.error(format!("values are cut to what lies between {from} and {to}")));
        }
        let held = match self.held(call, 0)? {
            Held::Floats(floats) => self.changed(call, &floats, |v| v.max(from).min(to))?.into(),
            Held::Integers(dims, axes) => {
                let cut = |dim: &Dim| match dim {
                    Dim::Whole(value) => Dim::Whole(whole(real(*value).max(from.into()).min(to.into()))),
                    // A size is positive anyway.
                    open if from <= 1.0 && to >= 1e9 => *open,
                    _ => Dim::Unknown,
                };
                Held::Integers(dims.iter().map(cut).collect(), axes)
            }
            Held::Map(..) if from == 0.0 && to >= f32::MAX => return self.activate(call, Activation::Relu),
            Held::Map(..) => return self.activate(call, Activation::Clip(from, to)),
            other => return Err(call.error(format!("a {} is cut", other.what()))),
        };
        self.set(call, held)
    }

    pub(super) fn parametric_relu(&mut self, call: Call) -> Result<(), OnnxError> {
        let ((x, form), slope) = (self.map(call, 0)?, self.floats(call, 1)?);
        let channels = self.channels(x);
        // Axes are aligned at the end; only that of the channels may be longer than one.
        let offset = form.rank().checked_sub(slope.shape.len());
        let fits = offset.is_some_and(|offset| {
            slope
                .shape
                .iter()
                .enumerate()
                .all(|(n, &len)| len == 1 || (n + offset == form.channel_axis() && len == channels))
        });
        let flat = form == Form::Vector && !self.is_single(x) && slope.len() != 1;
        if !fits || flat || matches!(form, Form::Groups(_)) {
            let shape = &slope.shape;
            return Err(call.error(format!("slopes of {shape:?} and a map of {channels} channels ({form:?})")));
        }
        let slope = self.parameter(&slope, &[slope.len()], Role::Slope);
        let id = self.push(call, Op::ParametricRelu, &[x], vec![slope]);
        self.set(call, Held::Map(id, form))
    }
}
