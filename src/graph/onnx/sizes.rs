//! Sizes and other small constants that a file computes with: their types, and how they are spread out.

use super::OnnxError;
use super::calls::Call;
use super::constant::Floats;
use super::dim::Dim;
use super::held::{Axes, Form, Held, dims};
use super::import::Reader;
use super::proto::data_type;
use crate::work::numbers::{natural, real, signed, single, whole};

/// Types that a cast keeps values in.
const FLOATING: [i32; 4] = [data_type::FLOAT, data_type::FLOAT16, data_type::DOUBLE, data_type::BFLOAT16];
/// Types that a cast cuts values to whole numbers for.
const WHOLE: [i32; 4] = [data_type::INT32, data_type::INT64, data_type::UINT8, data_type::INT8];
/// Most constants that are taken as sizes.
const MOST_SIZES: usize = 1024;

impl Reader {
    pub(super) fn shape(&mut self, call: Call) -> Result<(), OnnxError> {
        let all = match self.held(call, 0)? {
            Held::Map(id, form) => dims(&self.graph, id, form),
            Held::Floats(floats) => floats.shape.iter().map(|&n| Dim::Whole(signed(n))).collect(),
            Held::Integers(values, axes) => match axes {
                Axes::Single => vec![],
                Axes::List => vec![Dim::Whole(signed(values.len()))],
                Axes::Pairs | Axes::TurnedPairs => return Err(call.error("the sizes of a list of borders")),
            },
            _ => return Err(call.error("the sizes of this value are not followed")),
        };
        let rank = signed(all.len());
        let bound = |value: i64| natural((if value < 0 { value.saturating_add(rank) } else { value }).clamp(0, rank));
        let (start, end) = (bound(call.int("start", 0)), bound(call.int("end", rank)));
        let part = all.get(start..end.max(start)).unwrap_or_default().to_vec();
        self.set(call, Held::Integers(part, Axes::List))
    }

    pub(super) fn cast(&mut self, call: Call) -> Result<(), OnnxError> {
        let to = i32::try_from(call.int("to", 0)).unwrap_or(0);
        let held = match self.held(call, 0)? {
            Held::Integers(dims, axes) if WHOLE.contains(&to) => {
                Held::Integers(dims.into_iter().map(Dim::cut).collect(), axes)
            }
            held @ Held::Integers(..) => held,
            held if FLOATING.contains(&to) => held,
            Held::Floats(floats) if WHOLE.contains(&to) => self.as_wholes(call, &floats, f32::trunc)?,
            _ => return Err(call.error(format!("values of a map are cast to whole numbers (type {to})"))),
        };
        self.set(call, held)
    }

    pub(super) fn cast_like(&mut self, call: Call) -> Result<(), OnnxError> {
        let to_sizes = matches!(self.held(call, 1)?, Held::Integers(..));
        let held = match self.held(call, 0)? {
            Held::Floats(floats) if to_sizes => self.as_wholes(call, &floats, f32::trunc)?,
            held @ (Held::Map(..) | Held::Scores { .. }) if to_sizes => {
                return Err(call.error(format!("a {} cast to whole numbers", held.what())));
            }
            held => held,
        };
        self.set(call, held)
    }

    /// Rounded sizes; sizes are whole.
    pub(super) fn round(&mut self, call: Call) -> Result<(), OnnxError> {
        let round = if call.0.op_type == "Ceil" { f32::ceil } else { f32::floor };
        let held = match self.held(call, 0)? {
            Held::Integers(dims, axes) if call.0.op_type == "Floor" => {
                Held::Integers(dims.into_iter().map(Dim::cut).collect(), axes)
            }
            Held::Integers(dims, axes) => {
                let up = |dim| if let Dim::Fraction(..) = dim { Dim::Unknown } else { dim };
                Held::Integers(dims.into_iter().map(up).collect(), axes)
            }
            Held::Floats(floats) if floats.len() <= MOST_SIZES => self.changed(call, &floats, round)?.into(),
            _ => return Err(call.error("values of maps or constants are rounded")),
        };
        self.set(call, held)
    }

    /// Floats as whole numbers.
    fn as_wholes(&mut self, call: Call, floats: &Floats, cut: impl Fn(f32) -> f32) -> Result<Held, OnnxError> {
        if floats.len() > MOST_SIZES || floats.shape.len() > 1 {
            return Err(call.error(format!("a constant of {:?} cast to whole numbers", floats.shape)));
        }
        let values = self.values(call, floats)?;
        if let Some(value) = values.iter().find(|v| v.abs() > 1e15 || v.is_nan()) {
            return Err(call.error(format!("{value} as a whole number")));
        }
        let wholes = values.iter().map(|&v| Dim::Whole(whole(cut(v).into()))).collect();
        Ok(Held::Integers(wholes, Axes::list_unless(floats.shape.is_empty())))
    }

    /// Whole numbers among floats, for what is computed with both.
    pub(super) fn as_floats(&mut self, call: Call, dims: &[Dim], axes: Axes) -> Result<Floats, OnnxError> {
        let whole = |dim: &Dim| match dim {
            Dim::Whole(value) => Ok(single(real(*value))),
            _ => Err(call.error("a map and a size that follows the image's")),
        };
        let values = dims.iter().map(whole).collect::<Result<Vec<f32>, OnnxError>>()?;
        self.derive(call, values.len())?;
        let shape = if axes == Axes::Single { vec![] } else { vec![values.len()] };
        let name = format!("{} constant", call.0.output.first().map_or("", String::as_str));
        Ok(Floats::new(name, shape, values))
    }

    /// A value of another size, each of whose axes is repeated where it is one long.
    pub(super) fn expand(&mut self, call: Call) -> Result<(), OnnxError> {
        let target = self.integers(call, 1)?;
        let held = match self.held(call, 0)? {
            Held::Map(id, form) => {
                let own = dims(&self.graph, id, form);
                let here = self.size_at(id);
                let images = self.batch.map(Dim::Whole);
                let keeps = |n: usize, dim: Dim| {
                    let fixed = if n >= 2 { here.map(|size| Dim::Whole(signed(size[n - 2]))) } else { None };
                    let fixed = if n == 0 { images } else { fixed };
                    dim == own[n] || dim == Dim::Whole(1) || Some(dim) == fixed
                };
                let offset = own.len().checked_sub(target.len());
                let offset = offset.ok_or_else(|| call.error(format!("a map expanded to {target:?}")))?;
                if let (Form::Map, 0, &[batch, channels, rows, columns]) = (form, offset, &target[..])
                    && keeps(0, batch)
                    && keeps(1, channels)
                    && let Some(id) = self.spread(call, id, [rows, columns])
                {
                    return self.set(call, Held::Map(id, form));
                }
                if !target.iter().enumerate().all(|(n, &dim)| keeps(n + offset, dim)) {
                    return Err(call.error(format!("a map of {own:?} expanded to {target:?}")));
                }
                Held::Map(id, form)
            }
            Held::Floats(floats) => {
                let shape = self.wholes(call, 1)?;
                self.expanded(call, &floats, &shape)?.into()
            }
            Held::Integers(values, axes) => match (&values[..], &target[..]) {
                (_, []) => Held::Integers(values, axes),
                (_, [Dim::Whole(n)]) if *n == 1 || *n == signed(values.len()) => Held::Integers(values, Axes::List),
                ([value], [Dim::Whole(n)]) if (1..=signed(MOST_SIZES)).contains(n) => {
                    Held::Integers(vec![*value; natural(*n)], Axes::List)
                }
                _ => return Err(call.error(format!("{} sizes expanded to {target:?}", values.len()))),
            },
            other => return Err(call.error(format!("a {} expanded", other.what()))),
        };
        self.set(call, held)
    }

    fn expanded(&mut self, call: Call, floats: &Floats, shape: &[i64]) -> Result<Floats, OnnxError> {
        let rank = floats.shape.len().max(shape.len());
        let own = |n: usize| (n + floats.shape.len()).checked_sub(rank).map_or(1, |at| floats.shape[at]);
        let wanted = |n: usize| (n + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
        let mut sizes = Vec::new();
        for n in 0..rank {
            sizes.push(match (own(n), usize::try_from(wanted(n)).ok()) {
                (own, Some(1)) => own,
                (own, Some(wanted)) if own == 1 || own == wanted => wanted,
                _ => return Err(call.error(format!("a constant of {:?} expanded to {shape:?}", floats.shape))),
            });
        }
        let count = sizes.iter().fold(1usize, |all, &n| all.saturating_mul(n));
        self.derive(call, count)?;
        let values = self.values(call, floats)?;
        // Steps of the constant along the axes of the result.
        let mut steps = vec![0; rank];
        let mut step = 1;
        for n in (0..rank).rev() {
            steps[n] = if own(n) == 1 { 0 } else { step };
            step *= own(n);
        }
        let at = |mut n: usize| {
            let mut from = 0;
            for axis in (0..rank).rev() {
                from += n % sizes[axis] * steps[axis];
                n /= sizes[axis];
            }
            values.get(from).copied().unwrap_or(0.0)
        };
        let expanded = (0..count).map(at).collect();
        let name = format!("{} expanded", call.0.output.first().map_or("", String::as_str));
        Ok(Floats::new(name, sizes, expanded))
    }
}
