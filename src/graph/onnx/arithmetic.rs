//! Sums and products: of maps, of maps and constants, of sizes.

use std::rc::Rc;

use super::super::op::{Conv, Normalisation, Op};
use super::super::{NodeId, Role};
use super::OnnxError;
use super::calls::Call;
use super::constant::Floats;
use super::dim::{Arithmetic, Dim};
use super::held::{Axes, Form, Held, Scored};
use super::import::Reader;
use crate::work::numbers::{signed, whole};

impl Reader {
    pub(super) fn arithmetic(&mut self, call: Call, arithmetic: Arithmetic) -> Result<(), OnnxError> {
        let held = match (self.held(call, 0)?, self.held(call, 1)?) {
            (Held::Integers(a, a_axes), Held::Integers(b, b_axes)) => {
                of_sizes(call, arithmetic, &a, &b, Axes::list_unless([a_axes, b_axes] == [Axes::Single; 2]))?
            }
            (Held::Integers(a, axes), Held::Floats(b)) => {
                let b = self.as_sizes(call, &b)?;
                of_sizes(call, arithmetic, &a, &b, axes)?
            }
            (Held::Floats(a), Held::Integers(b, axes)) => {
                let a = self.as_sizes(call, &a)?;
                of_sizes(call, arithmetic, &a, &b, axes)?
            }
            (Held::Floats(a), Held::Floats(b)) => Held::Floats(self.of_constants(call, arithmetic, &a, &b)?),
            (Held::Map(a, a_form), Held::Map(b, b_form)) => self.of_maps(call, arithmetic, (a, a_form), (b, b_form))?,
            (Held::Map(x, form), Held::Floats(c)) => self.of_map_and_constant(call, arithmetic, (x, form), &c)?,
            (Held::Floats(c), Held::Map(x, form)) if matches!(arithmetic, Arithmetic::Add | Arithmetic::Multiply) => {
                self.of_map_and_constant(call, arithmetic, (x, form), &c)?
            }
            (Held::Map(x, form), Held::Integers(c, axes)) => {
                let c = self.as_floats(call, &c, axes)?;
                self.of_map_and_constant(call, arithmetic, (x, form), &c)?
            }
            (Held::Integers(c, axes), Held::Map(x, form))
                if matches!(arithmetic, Arithmetic::Add | Arithmetic::Multiply) =>
            {
                let c = self.as_floats(call, &c, axes)?;
                self.of_map_and_constant(call, arithmetic, (x, form), &c)?
            }
            (Held::Scores { query, key, scored: Scored::Raw }, other) => {
                self.of_scores(call, arithmetic, query, key, &other)?
            }
            (Held::Sums(sums), other) => return self.arithmetic_of_sums(call, arithmetic, &sums, &other),
            (a, b) => return Err(call.error(format!("a {} and a {}", a.what(), b.what()))),
        };
        self.set(call, held)
    }

    /// Floats among sizes; only whole numbers keep them followed.
    fn as_sizes(&mut self, call: Call, floats: &Floats) -> Result<Vec<Dim>, OnnxError> {
        let whole =
            |&v: &f32| if v.fract() == 0.0 && v.abs() < 1e9 { Dim::Whole(whole(v.into())) } else { Dim::Unknown };
        Ok(self.values(call, floats)?.iter().map(whole).collect())
    }

    fn of_constants(
        &mut self,
        call: Call,
        arithmetic: Arithmetic,
        a: &Floats,
        b: &Floats,
    ) -> Result<Floats, OnnxError> {
        let (x, y) = (self.values(call, a)?, self.values(call, b)?);
        if x.is_empty() || y.is_empty() || (a.shape != b.shape && x.len() != 1 && y.len() != 1) {
            return Err(call.error(format!("constants of {:?} and {:?}", a.shape, b.shape)));
        }
        let apply = |(a, b): (f32, f32)| match arithmetic {
            Arithmetic::Add => a + b,
            Arithmetic::Subtract => a - b,
            Arithmetic::Multiply => a * b,
            Arithmetic::Divide => a / b,
        };
        let count = x.len().max(y.len());
        self.derive(call, count)?;
        let values = (0..count).map(|n| apply((x[n % x.len()], y[n % y.len()]))).collect();
        let shape = if x.len() >= y.len() { a.shape.clone() } else { b.shape.clone() };
        Ok(Floats::new(call.0.output.first().cloned().unwrap_or_default(), shape, values))
    }

    fn of_maps(
        &mut self,
        call: Call,
        arithmetic: Arithmetic,
        a: (NodeId, Form),
        b: (NodeId, Form),
    ) -> Result<Held, OnnxError> {
        let op = match arithmetic {
            Arithmetic::Add => Op::Add,
            Arithmetic::Multiply => Op::Multiply,
            _ => return Err(call.error("only sums and products of maps are supported")),
        };
        let form = a.1;
        if form != b.1 {
            return Err(call.error(format!("maps of different axes ({:?}, {:?})", a.1, b.1)));
        }
        // The map that the other one is spread over comes first.
        let wide = |id: NodeId| (self.channels(id), !self.is_single(id));
        let (x, y) = if wide(b.0) > wide(a.0) { (b.0, a.0) } else { (a.0, b.0) };
        let spreads = self.channels(y) == 1 && op == Op::Multiply;
        if (self.channels(x) != self.channels(y) && !spreads) || (self.is_single(x) && !self.is_single(y)) {
            return Err(call.error(format!("maps of {} and {} channels", self.channels(x), self.channels(y))));
        }
        Ok(Held::Map(self.push(call, op, &[x, y], vec![]), form))
    }

    fn of_map_and_constant(
        &mut self,
        call: Call,
        arithmetic: Arithmetic,
        (x, form): (NodeId, Form),
        c: &Floats,
    ) -> Result<Held, OnnxError> {
        let multiplies = matches!(arithmetic, Arithmetic::Multiply | Arithmetic::Divide);
        let c = match arithmetic {
            Arithmetic::Add | Arithmetic::Multiply => c.clone(),
            Arithmetic::Subtract => self.changed(call, c, |v| -v)?,
            Arithmetic::Divide => self.changed(call, c, |v| 1.0 / v)?,
        };
        if multiplies && c.len() == 1 {
            let gamma = self.parameter(&c, &[1], Role::Gain);
            return Ok(Held::Map(self.push(call, Op::Gain, &[x], vec![gamma]), form));
        }
        let channels = self.channels(x);
        let (rank, axis) = (form.rank(), form.channel_axis());
        // Axes are aligned at the end; only that of the channels may be longer than one.
        let offset = rank.checked_sub(c.shape.len());
        let by_channel = offset.is_some_and(|offset| {
            c.shape.iter().enumerate().all(|(n, &len)| len == 1 || (n + offset == axis && len == channels))
        });
        if !by_channel || matches!(form, Form::Groups(_)) || (form == Form::Vector && !self.is_single(x)) {
            return Err(call.error(format!("a constant of {:?} and a map of {channels} channels ({form:?})", c.shape)));
        }
        let c = if c.len() == channels {
            c
        } else {
            let value = self.values(call, &c)?[0];
            Floats { values: Some(Rc::new(vec![value; channels])), ..c }
        };
        let id = if multiplies { self.scale(call, x, &c) } else { self.shift(call, x, &c) };
        Ok(Held::Map(id, form))
    }

    pub(super) fn changed(
        &mut self,
        call: Call,
        floats: &Floats,
        change: impl Fn(f32) -> f32,
    ) -> Result<Floats, OnnxError> {
        self.derive(call, floats.len())?;
        let values = self.values(call, floats)?.iter().map(|&v| change(v)).collect();
        let name = format!("{} changed", call.0.output.first().map_or("", String::as_str));
        Ok(Floats::new(name, floats.shape.clone(), values))
    }

    /// Times a constant for each channel: the scale of a norm before it, or a convolution of single channels.
    fn scale(&mut self, call: Call, x: NodeId, c: &Floats) -> NodeId {
        let channels = self.channels(x);
        if self.is_sole(x)
            && let Op::Norm { affine: affine @ false, kind, .. } = &mut self.graph.nodes[x].op
        {
            *affine = true;
            let layer_norm = *kind == Normalisation::Group { groups: 1 } && c.shape.len() > 1;
            let shape = if layer_norm { vec![channels, 1, 1] } else { vec![channels] };
            let scale = self.parameter(c, &shape, Role::NormScale);
            let shift = self.new_parameter(&format!("{}.shift", c.name), &shape, 0.0, Role::Bias);
            let (first, rest) = (scale, shift);
            let node = &mut self.graph.nodes[x];
            node.parameters.splice(0..0, [first, rest]);
            self.without_bias.insert(x);
            return x;
        }
        let weight = self.parameter(c, &[channels, 1, 1, 1], Role::Weight { fan_in: 1.0 });
        self.push(call, Op::Conv2d(by_channel(channels, false)), &[x], vec![weight])
    }

    /// Plus a constant for each channel: the bias of the layer before it, or a convolution of single channels.
    fn shift(&mut self, call: Call, x: NodeId, c: &Floats) -> NodeId {
        let channels = self.channels(x);
        if self.is_sole(x) {
            if self.without_bias.remove(&x) {
                let shape = self.graph.parameters[self.graph.nodes[x].parameters[1]].shape.clone();
                let bias = self.parameter(c, &shape, Role::Bias);
                self.graph.nodes[x].parameters[1] = bias;
                return x;
            }
            let parameters = self.graph.nodes[x].parameters.len();
            if let Op::Conv2d(Conv { bias: bias @ false, .. }) = &mut self.graph.nodes[x].op
                && parameters == 1
            {
                *bias = true;
                let bias = self.parameter(c, &[channels], Role::Bias);
                self.graph.nodes[x].parameters.push(bias);
                return x;
            }
        }
        let weight =
            self.new_parameter(&format!("{}.one", c.name), &[channels, 1, 1, 1], 1.0, Role::Weight { fan_in: 1.0 });
        let bias = self.parameter(c, &[channels], Role::Bias);
        self.push(call, Op::Conv2d(by_channel(channels, true)), &[x], vec![weight, bias])
    }

    fn of_scores(
        &mut self,
        call: Call,
        arithmetic: Arithmetic,
        query: NodeId,
        key: NodeId,
        other: &Held,
    ) -> Result<Held, OnnxError> {
        if arithmetic == Arithmetic::Divide {
            let keys = Dim::positions(&self.graph, key);
            let here = self.size_at(key).map(|[h, w]| signed(h * w));
            let count = match other {
                Held::Integers(dims, _) if dims.len() == 1 => dims[0],
                Held::Floats(floats) if floats.len() == 1 => self.as_sizes(call, floats)?[0],
                _ => Dim::Unknown,
            };
            if count != Dim::Unknown && (count == keys || here.map(Dim::Whole) == Some(count)) {
                return Ok(Held::Scores { query, key, scored: Scored::Mean });
            }
        }
        let Held::Floats(factor) = other else { return Err(call.error("attention scores and another map")) };
        let factor = match arithmetic {
            Arithmetic::Multiply => factor.clone(),
            Arithmetic::Divide => self.changed(call, factor, |v| 1.0 / v)?,
            _ => return Err(call.error("a shift of attention scores")),
        };
        if factor.len() != 1 {
            return Err(call.error(format!("attention scores and a constant of {:?}", factor.shape)));
        }
        // A factor of the products is one of the queries.
        let gamma = self.parameter(&factor, &[1], Role::Gain);
        let query = self.push(call, Op::Gain, &[query], vec![gamma]);
        Ok(Held::Scores { query, key, scored: Scored::Raw })
    }
}

fn by_channel(channels: usize, bias: bool) -> Conv {
    Conv { groups: channels, bias, ..Conv::square(channels, channels, 1) }
}

fn of_sizes(call: Call, arithmetic: Arithmetic, a: &[Dim], b: &[Dim], axes: Axes) -> Result<Held, OnnxError> {
    if a.is_empty() || b.is_empty() || (a.len() != b.len() && a.len() != 1 && b.len() != 1) {
        return Err(call.error(format!("{} and {} sizes", a.len(), b.len())));
    }
    let count = a.len().max(b.len());
    let all = (0..count).map(|n| a[n % a.len()].with(arithmetic, b[n % b.len()])).collect();
    Ok(Held::Integers(all, axes))
}
