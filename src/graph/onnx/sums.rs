//! Sums of a map's pixels: how exporters write means over uneven parts, gathered pixel by pixel.
//!
//! What they mean is found from the values, not from the operations: as soon as every pixel of a result is the mean of the pixels
//! that an adaptive pooling would take, it is that pooling.

use std::rc::Rc;

use super::super::NodeId;
use super::super::op::Op;
use super::OnnxError;
use super::calls::Call;
use super::dim::Arithmetic;
use super::held::{Form, Held};
use super::import::Reader;
use crate::work::numbers::{real, signed};

/// Most terms of all sums of a value.
const MOST_TERMS: usize = 1 << 20;
/// Largest relative difference of a share to that of a mean.
const TOLERANCE: f64 = 1e-4;

/// A pixel's number in its map and what it is multiplied with.
type Term = (usize, f64);

/// For every entry of `dims` the sum of some pixels of a map, the same for all images and channels.
#[derive(Debug, Clone)]
pub struct Sums {
    /// The map.
    id: NodeId,
    /// Whether the axes are `[B, C, dims]`; else `[dims, B, C]`.
    leading: bool,
    dims: Vec<usize>,
    terms: Rc<Vec<Vec<Term>>>,
}

impl Sums {
    fn with(&self, dims: Vec<usize>, terms: Vec<Vec<Term>>) -> Self {
        Self { dims, terms: Rc::new(terms), ..*self }
    }

    /// The entry that lies at these places.
    fn at(&self, places: &[usize]) -> usize {
        places.iter().zip(&self.dims).fold(0, |n, (&place, &len)| n * len + place)
    }

    /// The axis of `dims` that an axis of the whole value is.
    fn own_axis(&self, call: Call, axis: i64) -> Result<usize, OnnxError> {
        let axis = call.axis(axis, self.dims.len() + 2)?;
        let own = if self.leading { axis.checked_sub(2) } else { Some(axis).filter(|&a| a < self.dims.len()) };
        own.ok_or_else(|| call.error("images or channels of gathered pixels"))
    }

    /// Every entry changed by the constant that lies at it, of a shape aligned at the end.
    fn zipped<T: Copy>(
        &self,
        call: Call,
        shape: &[usize],
        values: &[T],
        change: impl Fn(&[Term], T) -> Vec<Term>,
    ) -> Result<Self, OnnxError> {
        let fits = |(&len, &own): (&usize, &usize)| len == 1 || len == own;
        let rank = shape.len();
        if !self.leading || rank > self.dims.len() || !shape.iter().rev().zip(self.dims.iter().rev()).all(fits) {
            return Err(call.error(format!("gathered pixels {:?} and a constant of {shape:?}", self.dims)));
        }
        let offset = self.dims.len() - rank;
        let mut all = Vec::with_capacity(self.terms.len());
        for (n, terms) in self.terms.iter().enumerate() {
            let mut rest = n;
            let mut places = vec![0; self.dims.len()];
            for axis in (0..self.dims.len()).rev() {
                places[axis] = rest % self.dims[axis];
                rest /= self.dims[axis];
            }
            let at = (0..rank)
                .fold(0, |at, axis| at * shape[axis] + if shape[axis] == 1 { 0 } else { places[axis + offset] });
            let value = values.get(at).ok_or_else(|| call.error("a constant without values"))?;
            all.push(change(terms, *value));
        }
        Ok(self.with(self.dims.clone(), all))
    }

    /// The entries along some axes merged.
    fn merged(&self, axes: &[usize], mean: bool) -> Self {
        let count: usize = axes.iter().map(|&axis| self.dims[axis]).product();
        let factor = if mean { 1.0 / real(count) } else { 1.0 };
        let kept: Vec<usize> = (0..self.dims.len()).filter(|axis| !axes.contains(axis)).collect();
        let dims: Vec<usize> = kept.iter().map(|&axis| self.dims[axis]).collect();
        let mut all = vec![Vec::new(); dims.iter().product()];
        for (n, terms) in self.terms.iter().enumerate() {
            let mut rest = n;
            let mut places = vec![0; self.dims.len()];
            for axis in (0..self.dims.len()).rev() {
                places[axis] = rest % self.dims[axis];
                rest /= self.dims[axis];
            }
            let to = kept.iter().zip(&dims).fold(0, |to, (&axis, &len)| to * len + places[axis]);
            all[to].extend(terms.iter().map(|&(pixel, share)| (pixel, share * factor)));
        }
        self.with(dims, all)
    }

    /// Whether this is what an adaptive pooling makes of a map of this size.
    fn is_pooling(&self, [height, width]: [usize; 2]) -> bool {
        let &[rows, columns] = &self.dims[..] else { return false };
        let part = |n: usize, parts: usize, len: usize| n * len / parts..((n + 1) * len).div_ceil(parts);
        (0..rows).all(|row| {
            (0..columns).all(|column| {
                let (lines, pixels) = (part(row, rows, height), part(column, columns, width));
                let mut wanted: Vec<usize> =
                    lines.flat_map(|line| pixels.clone().map(move |pixel| line * width + pixel)).collect();
                let share = 1.0 / real(wanted.len());
                let mut terms: Vec<Term> =
                    self.terms[self.at(&[row, column])].iter().copied().filter(|term| term.1 != 0.0).collect();
                terms.sort_unstable_by_key(|term| term.0);
                wanted.sort_unstable();
                terms.iter().map(|term| term.0).eq(wanted)
                    && terms.iter().all(|term| (term.1 - share).abs() <= TOLERANCE * share)
            })
        })
    }
}

impl Reader {
    fn set_sums(&mut self, call: Call, sums: Sums) -> Result<(), OnnxError> {
        let count: usize = sums.terms.iter().map(Vec::len).sum();
        if count > MOST_TERMS {
            return Err(call.error(format!("{count} pixels are gathered; at most {MOST_TERMS} are supported")));
        }
        self.derive(call, count)?;
        if let (true, &[rows, columns]) = (sums.leading, &sums.dims[..])
            && self.size_at(sums.id).is_some_and(|size| sums.is_pooling(size))
        {
            let id = self.push(call, Op::AdaptiveAvgPool2d([rows, columns]), &[sums.id], vec![]);
            return self.set(call, Held::Map(id, Form::Map));
        }
        self.set(call, Held::Sums(sums))
    }

    /// Pixels of a map by their row and column.
    pub(super) fn gather_positions(&mut self, call: Call) -> Result<(), OnnxError> {
        let (id, form) = self.map(call, 0)?;
        let (shape, places) = (self.constant_shape(call, 1)?, self.wholes(call, 1)?);
        let Some((&2, dims)) = shape.split_last() else {
            return Err(call.error(format!("gathered by indices of {shape:?}; only pixels are supported")));
        };
        let Some([height, width]) = self.size_at(id).filter(|_| form == Form::PositionsFirst) else {
            return Err(call.error(format!("gathered from a map ({form:?}) that has no fixed size")));
        };
        if call.int("batch_dims", 0) != 0 {
            return Err(call.error("gathered for each image"));
        }
        let mut terms = Vec::with_capacity(places.len() / 2);
        for place in places.as_chunks::<2>().0 {
            let (row, column) = (call.axis(place[0], height)?, call.axis(place[1], width)?);
            terms.push(vec![(row * width + column, 1.0)]);
        }
        self.set_sums(call, Sums { id, leading: false, dims: dims.to_vec(), terms: Rc::new(terms) })
    }

    /// Images and channels go to the front.
    pub(super) fn turn_sums(&mut self, call: Call, sums: Sums, order: &[i64]) -> Result<(), OnnxError> {
        let rank = signed(sums.dims.len());
        let front = [rank, rank + 1].into_iter().chain(0..rank);
        if sums.leading || !order.iter().copied().eq(front) {
            return Err(call.error(format!("gathered pixels with axes in the order {order:?}")));
        }
        self.set_sums(call, Sums { leading: true, ..sums })
    }

    /// One entry along an axis.
    pub(super) fn part_of_sums(&mut self, call: Call, sums: &Sums) -> Result<(), OnnxError> {
        let axis = sums.own_axis(call, call.int("axis", 0))?;
        let (index, shape) = (self.wholes(call, 1)?, self.constant_shape(call, 1)?);
        let (&[index], []) = (&index[..], &shape[..]) else {
            return Err(call.error(format!("several parts {index:?} of gathered pixels")));
        };
        let index = call.axis(index, sums.dims[axis])?;
        let inner: usize = sums.dims[axis + 1..].iter().product();
        let chosen = |n: &usize| n / inner % sums.dims[axis] == index;
        let terms = (0..sums.terms.len()).filter(chosen).map(|n| sums.terms[n].clone()).collect();
        let mut dims = sums.dims.clone();
        dims.remove(axis);
        self.set_sums(call, sums.with(dims, terms))
    }

    pub(super) fn reduce_sums(&mut self, call: Call, sums: &Sums, mean: bool) -> Result<(), OnnxError> {
        let mut axes = Vec::new();
        for axis in self.axes(call, "axes", 1)?.unwrap_or_default() {
            axes.push(sums.own_axis(call, axis)?);
        }
        if call.int("keepdims", 1) != 0 || axes.is_empty() {
            return Err(call.error("gathered pixels reduced with axes kept"));
        }
        self.set_sums(call, sums.merged(&axes, mean))
    }

    /// The sum of two, or the product with a constant.
    pub(super) fn arithmetic_of_sums(
        &mut self,
        call: Call,
        arithmetic: Arithmetic,
        sums: &Sums,
        other: &Held,
    ) -> Result<(), OnnxError> {
        let found = match (arithmetic, other) {
            (Arithmetic::Add, Held::Sums(more))
                if (more.id, more.leading) == (sums.id, sums.leading) && more.dims == sums.dims =>
            {
                let both = sums.terms.iter().zip(more.terms.iter());
                sums.with(sums.dims.clone(), both.map(|(a, b)| a.iter().chain(b).copied().collect()).collect())
            }
            (Arithmetic::Multiply | Arithmetic::Divide, Held::Floats(c)) => {
                let values = self.values(call, c)?;
                let divides = arithmetic == Arithmetic::Divide;
                let factor = |c: f32| if divides { 1.0 / f64::from(c) } else { f64::from(c) };
                sums.zipped(call, &c.shape, &values, |terms, c| {
                    terms.iter().map(|&(pixel, share)| (pixel, share * factor(c))).collect()
                })?
            }
            _ => return Err(call.error(format!("gathered pixels and a {}", other.what()))),
        };
        self.set_sums(call, found)
    }

    /// Entries of a mask are zero.
    pub(super) fn choose(&mut self, call: Call) -> Result<(), OnnxError> {
        let (yes, no) = (self.held(call, 1)?, self.held(call, 2)?);
        let (sums, constant, masked) = match (yes, no) {
            (Held::Sums(sums), Held::Floats(constant)) => (sums, constant, 0),
            (Held::Floats(constant), Held::Sums(sums)) => (sums, constant, 1),
            _ => return Err(call.error("values that are chosen by a mask")),
        };
        if constant.len() != 1 || self.values(call, &constant)?[0] != 0.0 {
            return Err(call.error("a mask with other values than zero"));
        }
        let (mask, shape) = (self.wholes(call, 0)?, self.constant_shape(call, 0)?);
        let found =
            sums.zipped(
                call,
                &shape,
                &mask,
                |terms, mask| {
                    if i64::from(mask != 0) == masked { Vec::new() } else { terms.to_vec() }
                },
            )?;
        self.set_sums(call, found)
    }

    /// Sizes of a constant of whole numbers.
    pub(super) fn constant_shape(&self, call: Call, n: usize) -> Result<Vec<usize>, OnnxError> {
        let name = call.0.input.get(n).map_or("", String::as_str);
        match self.optional(call, n)? {
            Some(Held::Integers(values, _)) => {
                let listed = || if values.len() == 1 { vec![] } else { vec![values.len()] };
                Ok(self.integer_shapes.get(name).cloned().unwrap_or_else(listed))
            }
            _ => Err(call.error(format!("input {n} is no constant list of numbers"))),
        }
    }
}
