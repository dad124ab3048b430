//! Other axes for the same values.

use super::super::NodeId;
use super::OnnxError;
use super::calls::Call;
use super::constant::Floats;
use super::dim::Dim;
use super::held::{Axes, Form, Held, dims};
use super::import::Reader;
use crate::work::numbers::{natural, signed};

impl Reader {
    pub(super) fn reshape(&mut self, call: Call) -> Result<(), OnnxError> {
        let target = self.integers(call, 1)?;
        let held = match self.held(call, 0)? {
            Held::Map(id, form) => {
                let from = dims(&self.graph, id, form);
                let copies = call.int("allowzero", 0) == 0;
                let to: Vec<Dim> = target
                    .iter()
                    .enumerate()
                    .map(|(n, &dim)| match from.get(n) {
                        Some(&same) if dim == Dim::Whole(0) && copies => same,
                        _ => dim,
                    })
                    .collect();
                let new = self.form_of(id, form, &to);
                let new = new.ok_or_else(|| call.error(format!("a map ({form:?}) with the sizes {to:?}")))?;
                Held::Map(id, new)
            }
            Held::Floats(floats) => {
                let count = floats.len();
                let mut shape = Vec::new();
                for dim in &target {
                    match dim {
                        Dim::Whole(-1) => shape.push(0),
                        Dim::Whole(n) if *n > 0 => shape.push(natural(*n)),
                        _ => return Err(call.error("a constant with open sizes")),
                    }
                }
                let known: usize = shape.iter().filter(|n| **n > 0).fold(1, |p, &n| p.saturating_mul(n));
                shape.iter_mut().filter(|n| **n == 0).for_each(|n| *n = count / known);
                if shape.iter().fold(1usize, |p, &n| p.saturating_mul(n)) != count {
                    return Err(call.error(format!("a constant of {:?} with the sizes {shape:?}", floats.shape)));
                }
                Held::Floats(Floats { shape, ..floats })
            }
            Held::Integers(values, _) => match target[..] {
                [] => Held::Integers(values, Axes::Single),
                [_] => Held::Integers(values, Axes::List),
                [Dim::Whole(-1), Dim::Whole(2)] if values.len() % 2 == 0 => Held::Integers(values, Axes::Pairs),
                _ => return Err(call.error(format!("sizes as {target:?}"))),
            },
            other => return Err(call.error(format!("a {} in another shape", other.what()))),
        };
        self.set(call, held)
    }

    /// The form that sizes mean, if the order of values stays.
    fn form_of(&self, id: NodeId, form: Form, to: &[Dim]) -> Option<Form> {
        let channels = self.channels(id);
        if let (&[all], Some(1), true, Form::Map | Form::Vector | Form::Rows) =
            (to, self.batch, self.is_single(id), form)
        {
            return (all == Dim::Whole(-1) || all == Dim::Whole(signed(channels))).then_some(Form::Channels);
        }
        // Images stay apart: the first size is their number, or the only one that is left open.
        let first = *to.first()?;
        let only_open = first == Dim::Whole(-1) && to[1..].iter().all(|&dim| dim != Dim::Whole(-1));
        if !self.is_batch(first) && !only_open {
            return None;
        }
        let is_channels = |dim: Dim| dim == Dim::Whole(signed(channels));
        let open = |dim: Dim| dim == Dim::Whole(-1);
        let single = self.is_single(id);
        let by_channel = matches!(form, Form::Map | Form::Vector | Form::Rows | Form::Groups(_));
        let [height, width] = self.graph.nodes[id].size.extent.map(Dim::of);
        let here = self.size_at(id);
        // Sizes may be given as a number where the file fixes the input's.
        let is_extent = |dim: Dim, axis: usize| {
            dim == [height, width][axis] || here.is_some_and(|size| dim == Dim::Whole(signed(size[axis])))
        };
        let is_map =
            |rows: Dim, columns: Dim| (is_extent(rows, 0) || open(rows)) && (is_extent(columns, 1) || open(columns));
        // Next to exact channels the other size can only be the number of positions.
        let are_positions = |dim: Dim| {
            let counts = [Some(Dim::positions(&self.graph, id)), here.map(|[h, w]| Dim::Whole(signed(h * w)))];
            open(dim) || dim == Dim::Unknown || counts.contains(&Some(dim))
        };
        match *to {
            [_, all] if by_channel => {
                let count = here.map(|[h, w]| Dim::Whole(signed(channels * h * w)));
                let fits = open(all) || Some(all) == count || dims(&self.graph, id, Form::Vector)[1] == all;
                (fits && (all != Dim::Unknown)).then_some(Form::Vector)
            }
            [_, first, last] if by_channel && is_channels(first) => are_positions(last).then_some(Form::Rows),
            [_, middle, last] if form == Form::ChannelsLast && is_channels(last) => {
                are_positions(middle).then_some(Form::Columns)
            }
            [_, Dim::Whole(groups), last] if by_channel && groups > 0 && open(last) => {
                let groups = natural(groups);
                channels.is_multiple_of(groups).then_some(Form::Groups(groups))
            }
            [_, first, rows, columns] if by_channel && (is_channels(first) || open(first)) => {
                let known = form != Form::Vector || single || here.is_some();
                (known && is_map(rows, columns)).then_some(Form::Map)
            }
            [_, rows, columns, last] if matches!(form, Form::ChannelsLast | Form::Columns) && is_channels(last) => {
                is_map(rows, columns).then_some(Form::ChannelsLast)
            }
            _ => None,
        }
    }

    pub(super) fn flatten(&mut self, call: Call) -> Result<(), OnnxError> {
        let (id, form) = self.map(call, 0)?;
        match (call.int("axis", 1), form) {
            (1, Form::Map | Form::Rows | Form::Vector) => self.set(call, Held::Map(id, Form::Vector)),
            (axis, form) => Err(call.error(format!("flattened from axis {axis} ({form:?})"))),
        }
    }

    pub(super) fn transpose(&mut self, call: Call) -> Result<(), OnnxError> {
        let order = call.ints("perm").map(<[i64]>::to_vec);
        let held = match (self.held(call, 0)?, order.as_deref()) {
            (Held::Map(id, Form::Rows), Some([0, 2, 1])) => Held::Map(id, Form::Columns),
            (Held::Map(id, Form::Columns), Some([0, 2, 1])) => Held::Map(id, Form::Rows),
            (Held::Map(id, Form::Map), Some([0, 2, 3, 1])) => Held::Map(id, Form::ChannelsLast),
            (Held::Map(id, Form::ChannelsLast), Some([0, 3, 1, 2]))
            | (Held::Map(id, Form::PositionsFirst), Some([2, 3, 0, 1])) => Held::Map(id, Form::Map),
            (Held::Map(id, Form::Map), Some([2, 3, 0, 1])) => Held::Map(id, Form::PositionsFirst),
            (Held::Sums(sums), Some(order)) => return self.turn_sums(call, sums, order),
            (Held::Integers(values, Axes::Pairs), None | Some([1, 0])) => {
                let turned = values.iter().step_by(2).chain(values.iter().skip(1).step_by(2)).copied().collect();
                Held::Integers(turned, Axes::TurnedPairs)
            }
            (Held::Floats(floats), None | Some([1, 0])) if floats.shape.len() == 2 => {
                Held::Floats(self.transposed(call, &floats)?)
            }
            (_, order) => return Err(call.error(format!("axes in the order {order:?}"))),
        };
        self.set(call, held)
    }

    pub(super) fn squeeze(&mut self, call: Call) -> Result<(), OnnxError> {
        let axes = self.axes(call, "axes", 1)?;
        let held = match self.held(call, 0)? {
            Held::Integers(values, _) if values.len() == 1 => Held::Integers(values, Axes::Single),
            Held::Integers(values, axes) => Held::Integers(values, axes),
            Held::Floats(mut floats) => {
                let rank = floats.shape.len();
                let mut gone = Vec::new();
                for axis in
                    axes.unwrap_or_else(|| (0..rank).filter(|&axis| floats.shape[axis] == 1).map(signed).collect())
                {
                    gone.push(call.axis(axis, rank)?);
                }
                if gone.iter().any(|&axis| floats.shape[axis] != 1) {
                    return Err(call.error(format!("a constant of {:?} without the axes {gone:?}", floats.shape)));
                }
                let kept = |(axis, &n): (usize, &usize)| (!gone.contains(&axis)).then_some(n);
                floats.shape = floats.shape.iter().enumerate().filter_map(kept).collect();
                Held::Floats(floats)
            }
            Held::Stack(maps) if axes.as_deref() == Some(&[0]) && maps.len() == 1 => Held::Map(maps[0], Form::Map),
            Held::Map(id, form) => {
                let mut gone = Vec::new();
                for axis in axes.unwrap_or_default() {
                    gone.push(call.axis(axis, form.rank())?);
                }
                gone.sort_unstable();
                match (form, &gone[..]) {
                    (Form::Map, [2, 3]) | (Form::Rows, [2]) if self.is_single(id) => Held::Map(id, Form::Vector),
                    (Form::Map, [2 | 3]) if self.is_single(id) => Held::Map(id, Form::Rows),
                    _ => return Err(call.error(format!("without the axes {gone:?} ({form:?})"))),
                }
            }
            other => return Err(call.error(format!("a {} in another shape", other.what()))),
        };
        self.set(call, held)
    }

    pub(super) fn unsqueeze(&mut self, call: Call) -> Result<(), OnnxError> {
        let axes = self.axes(call, "axes", 1)?.unwrap_or_default();
        let held = match self.held(call, 0)? {
            Held::Integers(values, _) => Held::Integers(values, Axes::List),
            Held::Floats(mut floats) => {
                let rank = floats.shape.len() + axes.len();
                let mut new = Vec::new();
                for axis in axes {
                    new.push(call.axis(axis, rank)?);
                }
                new.sort_unstable();
                for axis in new {
                    floats.shape.insert(axis.min(floats.shape.len()), 1);
                }
                Held::Floats(floats)
            }
            Held::Map(id, form) => {
                let rank = form.rank() + axes.len();
                let mut new = Vec::new();
                for axis in axes {
                    new.push(call.axis(axis, rank)?);
                }
                new.sort_unstable();
                match (form, &new[..]) {
                    (Form::Map, [0]) => Held::Stack(vec![id]),
                    (Form::Vector, [2, 3]) | (Form::Rows, [2 | 3]) if self.is_single(id) => Held::Map(id, Form::Map),
                    (Form::Vector, [2]) if self.is_single(id) => Held::Map(id, Form::Rows),
                    _ => return Err(call.error(format!("with new axes {new:?} ({form:?})"))),
                }
            }
            other => return Err(call.error(format!("a {} in another shape", other.what()))),
        };
        self.set(call, held)
    }
}
