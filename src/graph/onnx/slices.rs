//! Parts of maps, of sizes, and maps joined.

#![allow(clippy::needless_range_loop, reason = "loops over axes index several arrays")]

use super::super::NodeId;
use super::super::op::Op;
use super::OnnxError;
use super::calls::Call;
use super::dim::{Arithmetic, Dim};
use super::held::{Axes, Form, Held, dims};
use super::import::Reader;
use super::proto::data_type;
use crate::work::numbers::{natural, signed};

/// Most values of a computed list of sizes.
const MOST_SIZES: i64 = 1024;

/// First entry and one behind the last, of an axis of this length.
fn bounds(start: i64, end: i64, len: i64) -> (i64, i64) {
    let counted = |v: i64| (if v < 0 { v.saturating_add(len) } else { v }).clamp(0, len);
    (counted(start), counted(end))
}

impl Reader {
    pub(super) fn slice(&mut self, call: Call) -> Result<(), OnnxError> {
        let (starts, ends) = (self.integers(call, 1)?, self.integers(call, 2)?);
        let axes = self.axes(call, "axes", 3)?.unwrap_or_else(|| (0..signed(starts.len())).collect());
        let steps = if self.optional(call, 4)?.is_some() { self.wholes(call, 4)? } else { vec![1; starts.len()] };
        if let (Held::Integers(values, Axes::Pairs), [0], [-1]) = (self.held(call, 0)?, &axes[..], &steps[..])
            && starts == [Dim::Whole(-1)]
        {
            let reversed = values.chunks_exact(2).rev().flatten().copied().collect();
            return self.set(call, Held::Integers(reversed, Axes::Pairs));
        }
        if ends.len() != starts.len() || axes.len() != starts.len() || steps.iter().any(|&s| s != 1) {
            return Err(call.error(format!("parts with the steps {steps:?}")));
        }
        let held = match self.held(call, 0)? {
            Held::Integers(values, _) => {
                let (&[Dim::Whole(start)], &[Dim::Whole(end)]) = (&starts[..], &ends[..]) else {
                    return Err(call.error("a part of sizes with open bounds"));
                };
                let (start, end) = bounds(start, end, signed(values.len()));
                Held::Integers(values.get(natural(start)..natural(end)).unwrap_or_default().to_vec(), Axes::List)
            }
            Held::Map(id, form @ (Form::Map | Form::Vector)) => {
                let mut wanted = [None; 4];
                for ((&axis, &start), &end) in axes.iter().zip(&starts).zip(&ends) {
                    wanted[call.axis(axis, form.rank())?] = Some((start, end));
                }
                if form == Form::Vector && !self.is_single(id) {
                    return Err(call.error("a part of flat features"));
                }
                Held::Map(self.part(call, id, &wanted)?, form)
            }
            _ => return Err(call.error("a part of a reshaped map")),
        };
        self.set(call, held)
    }

    fn part(&mut self, call: Call, mut id: NodeId, wanted: &[Option<(Dim, Dim)>; 4]) -> Result<NodeId, OnnxError> {
        let sizes = dims(&self.graph, id, Form::Map);
        let here = self.size_at(id);
        let mut windows = [None; 4];
        for axis in 0..4 {
            let Some((start, end)) = wanted[axis] else { continue };
            // Positions from the end, and the usual "up to the end", as positions from the start.
            let counted = |dim: Dim| match dim {
                Dim::Whole(v) if v < 0 => match sizes[axis].with(Arithmetic::Add, dim) {
                    Dim::Whole(from_start) => Dim::Whole(from_start.max(0)),
                    open => open,
                },
                Dim::Whole(v) if v > i64::from(i32::MAX) - 1 => sizes[axis],
                other => other,
            };
            let (start, end) = (counted(start), counted(end));
            if start == Dim::Whole(0) && end == sizes[axis] {
                continue;
            }
            if axis == 0 {
                return Err(call.error("a part of the images of a batch"));
            }
            windows[axis] = Some((start, end));
        }
        if let (None, Some(rows), Some(columns)) = (windows[1], windows[2], windows[3])
            && let Some(like) = self.crop(id, [rows, columns])
        {
            return Ok(self.push(call, Op::CropLike, &[id, like], vec![]));
        }
        for axis in 1..4 {
            let Some((start, end)) = windows[axis] else { continue };
            let number = |dim: Dim| match dim {
                Dim::Whole(v) => Some(v),
                Dim::Open(extent) if axis > 1 => Some(signed(extent.at(self.fixed?[axis - 2])?)),
                _ => None,
            };
            let len = match axis {
                1 => Some(signed(self.channels(id))),
                axis => sizes[axis].extent().and_then(|e| e.as_constant()).or_else(|| Some(signed(here?[axis - 2]))),
            };
            let (Some(start), Some(end)) = (number(start), number(end)) else {
                return Err(call.error(format!("a part from {start:?} to {end:?} that follows the image's size")));
            };
            let (start, end) = len.map_or((start, end), |len| bounds(start, end, len));
            if start < 0 || end <= start {
                return Err(call.error(format!("a part from {start} to {end}")));
            }
            if len == Some(end - start) {
                continue;
            }
            let op = Op::Slice { axis, start: natural(start), len: natural(end - start) };
            id = self.push(call, op, &[id], vec![]);
        }
        Ok(id)
    }

    /// A node that a centred crop of these bounds brings the map to the size of.
    fn crop(&self, id: NodeId, windows: [(Dim, Dim); 2]) -> Option<NodeId> {
        let own = self.graph.nodes[id].size.extent;
        let mut wanted = own;
        for (axis, (start, end)) in windows.into_iter().enumerate() {
            let (Dim::Whole(start), Dim::Open(_)) = (start, end) else { return None };
            let Dim::Open(len) = end.with(Arithmetic::Subtract, Dim::Whole(start)) else { return None };
            let spare = own[axis].and(len.times(-1, 1)).as_constant()?;
            (spare.div_euclid(2) == start && spare > 0).then_some(())?;
            wanted[axis] = len;
        }
        (0..self.graph.nodes.len()).rev().find(|&other| self.graph.nodes[other].size.extent == wanted)
    }

    pub(super) fn split(&mut self, call: Call) -> Result<(), OnnxError> {
        let (id, form) = self.map(call, 0)?;
        let axis = call.axis(call.int("axis", 0), form.rank())?;
        let count = call.0.output.len();
        if form != Form::Map || axis != 1 || count == 0 {
            return Err(call.error(format!("parts of axis {axis} ({form:?})")));
        }
        let channels = self.channels(id);
        let lens = match self.axes(call, "split", 1)? {
            Some(lens) => lens,
            None if channels.is_multiple_of(count) => vec![signed(channels / count); count],
            None => return Err(call.error(format!("{channels} channels in {count} parts"))),
        };
        let fits = lens.len() == count && lens.iter().all(|&l| (1..=signed(channels)).contains(&l));
        if !fits || lens.iter().sum::<i64>() != signed(channels) {
            return Err(call.error(format!("{channels} channels in the parts {lens:?}")));
        }
        let mut start = 0;
        for (n, len) in lens.into_iter().enumerate() {
            let op = Op::Slice { axis: 1, start, len: natural(len) };
            let part = self.push(call, op, &[id], vec![]);
            self.set_nth(call, n, Held::Map(part, Form::Map))?;
            start += natural(len);
        }
        Ok(())
    }

    pub(super) fn concat(&mut self, call: Call) -> Result<(), OnnxError> {
        let mut all = Vec::new();
        for n in 0..call.0.input.len() {
            all.push(self.held(call, n)?);
        }
        if all.iter().all(|held| matches!(held, Held::Integers(..))) {
            let sizes = all.into_iter().flat_map(|held| if let Held::Integers(v, _) = held { v } else { vec![] });
            return self.set(call, Held::Integers(sizes.collect(), Axes::List));
        }
        if let Some(stack) = Self::joined_stack(call, &all)? {
            return self.set(call, stack);
        }
        let (_, form) = self.map(call, 0)?;
        let mut inputs = Vec::new();
        for held in &all {
            match held {
                Held::Map(id, own) if *own == form => inputs.push(*id),
                _ => return Err(call.error("maps of different axes, or a map and a constant")),
            }
        }
        let axis = call.axis(call.int("axis", 1), form.rank())?;
        let flat = form == Form::Vector && !inputs.iter().all(|&id| self.is_single(id));
        if axis != form.channel_axis() || matches!(form, Form::Groups(_)) || flat {
            return Err(call.error(format!("maps joined along axis {axis} ({form:?})")));
        }
        let id = self.push(call, Op::Concat, &inputs, vec![]);
        self.set(call, Held::Map(id, form))
    }

    pub(super) fn gather(&mut self, call: Call) -> Result<(), OnnxError> {
        if let Held::Sums(sums) = self.held(call, 0)? {
            return self.part_of_sums(call, &sums);
        }
        if let Held::Map(id, Form::Channels) = self.held(call, 0)? {
            let (index, shape) = (self.wholes(call, 1)?, self.constant_shape(call, 1)?);
            let channels = self.channels(id);
            let all = (0..signed(channels)).eq(index);
            if !all || shape[..] != [1, channels, 1, 1] || call.int("axis", 0) != 0 {
                return Err(call.error(format!("{channels} channels gathered as {shape:?}, not all in their order")));
            }
            return self.set(call, Held::Map(id, Form::Map));
        }
        let (Held::Integers(values, _), Held::Integers(index, axes)) = (self.held(call, 0)?, self.held(call, 1)?)
        else {
            return Err(call.error("only parts of sizes are supported"));
        };
        let mut chosen = Vec::new();
        for index in index {
            let Dim::Whole(index) = index else { return Err(call.error("an open index")) };
            chosen.push(values[call.axis(index, values.len())?]);
        }
        self.set(call, Held::Integers(chosen, axes))
    }

    /// Constants that are attributes without a tensor.
    pub(super) fn plain_constant(&mut self, call: Call) -> Result<(), OnnxError> {
        let held = match call.0.attribute.first().map(|a| (a.name.as_str(), a)) {
            Some(("value_int", a)) => Held::Integers(vec![Dim::Whole(a.i.unwrap_or(0))], Axes::Single),
            Some(("value_ints", a)) => Held::Integers(a.ints.iter().map(|&v| Dim::Whole(v)).collect(), Axes::List),
            Some(("value_float", a)) => constant_floats(call, vec![a.f.unwrap_or(0.0)], vec![]),
            Some(("value_floats", a)) => constant_floats(call, a.floats.clone(), vec![a.floats.len()]),
            _ => return Err(call.error("a constant that is neither integers nor floats")),
        };
        self.set(call, held)
    }

    pub(super) fn constant_of_shape(&mut self, call: Call) -> Result<(), OnnxError> {
        let shape = self.wholes(call, 0)?;
        let &[count] = &shape[..] else { return Err(call.error(format!("a constant of {shape:?}"))) };
        let value = call.tensor("value").filter(|t| t.data_type == Some(data_type::INT64));
        let value = value.and_then(|t| {
            let raw = t.raw_data.as_ref().and_then(|r| r.first_chunk::<8>().copied()).map(i64::from_le_bytes);
            raw.or_else(|| t.int64_data.first().copied())
        });
        match value {
            Some(value) if (0..=MOST_SIZES).contains(&count) => {
                self.set(call, Held::Integers(vec![Dim::Whole(value); natural(count)], Axes::List))
            }
            _ => Err(call.error(format!("{count} constant values"))),
        }
    }
}

fn constant_floats(call: Call, values: Vec<f32>, shape: Vec<usize>) -> Held {
    let name = call.0.output.first().cloned().unwrap_or_default();
    Held::Floats(super::constant::Floats::new(name, shape, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Extent;

    #[test]
    fn bounds_count_from_the_end_and_stop_there() {
        assert_eq!(bounds(-3, i64::MAX, 10), (7, 10));
        assert_eq!(bounds(2, -1, 10), (2, 9));
        assert_eq!(Extent::INPUT.and(Extent::constant(-4)).at(10), Some(6));
    }
}
