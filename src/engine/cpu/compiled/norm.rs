//! Batch and instance norm with the statistics of the data, an activation and a 2x2 pooling, and their gradients.
//!
//! What the gradient needs is the norm's input alone: normalised values and the activation's sign are computed again,
//! which takes less time than reading them.

use std::sync::Arc;

use super::memory::Map;
use super::pieces::Pieces;
use super::step::{Context, Step};
use super::target::Finish;
use crate::engine::cpu::simd::{LANES, Vector};

/// Where a norm's scale and shift come from.
#[derive(Clone)]
pub enum Affine {
    /// There are none.
    None,
    /// From these arrays of the inputs.
    Inputs([usize; 2]),
    /// Known when compiling: scale and shift of every channel.
    Fixed([Vec<f32>; 2]),
}

/// A norm over a map.
#[derive(Clone)]
pub struct Norm {
    /// Its input.
    pub x: Map,
    /// Whether the statistics are those of all images together.
    pub together: bool,
    /// Added to the variance.
    pub eps: f64,
    /// Scale and shift.
    pub affine: Affine,
    /// Activation.
    pub finish: Finish,
    /// How its maps are cut.
    pub pieces: Pieces,
    /// Where two sums per lane and piece lie, in double precision.
    pub partials: usize,
    /// Where the records lie, see [`RECORD`].
    pub records: usize,
}

/// Floats of a piece's two sums.
const PARTIAL: usize = 4 * LANES;

// Places in a record, in lanes.
const CENTRE: usize = 0;
const INVERSE: usize = 1;
const SCALE: usize = 2;
const SHIFT: usize = 3;
/// Mean minus its rounded value.
const REST: usize = 4;
/// Mean, for the running statistics.
pub const MEAN: usize = 5;
/// Variance with one value less in the count, for the running statistics.
pub const VARIANCE: usize = 6;
const OF_GRADIENT: usize = 7;
const OF_INPUT: usize = 8;
const CONSTANT: usize = 9;
/// Floats of a record: what is known of the channels of a block, per image or once.
pub const RECORD: usize = 10 * LANES;

impl Norm {
    /// Floats of all sums.
    pub fn partial_len(&self) -> usize {
        self.pieces.count() * PARTIAL
    }

    /// Sets of statistics.
    fn sets(&self) -> usize {
        if self.together { 1 } else { self.x.batch }
    }

    /// Floats of all records.
    pub fn record_len(&self) -> usize {
        self.sets() * self.x.blocks() * RECORD
    }

    /// # Safety
    /// As [`Context`] says.
    unsafe fn partial(&self, context: &Context, piece: usize) -> *mut [[f64; LANES]; 2] {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe { context.arena.add(self.partials + piece * PARTIAL).cast() }
    }

    /// The record that an image's block uses.
    ///
    /// # Safety
    /// As [`Context`] says.
    unsafe fn record(&self, context: &Context, image: usize, block: usize) -> *mut f32 {
        let set = if self.together { 0 } else { image };
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe { context.arena.add(self.records + (set * self.x.blocks() + block) * RECORD) }
    }

    /// Numbers of the pieces of a set's block.
    fn pieces_of(&self, set: usize, block: usize) -> impl Iterator<Item = usize> + use<> {
        let images = if self.together { 0..self.x.batch } else { set..set + 1 };
        let pieces = self.pieces;
        images.flat_map(move |image| (0..pieces.per_plane).map(move |n| pieces.index(image, block, n)))
    }

    /// Scale (0) or shift (1) of a channel.
    fn parameter(&self, context: &Context, which: usize, channel: usize, otherwise: f64) -> f64 {
        let array = match &self.affine {
            Affine::None => return otherwise,
            Affine::Inputs(arrays) => context.inputs[arrays[which]],
            Affine::Fixed(arrays) => &arrays[which],
        };
        array.get(channel).map_or(0.0, |&v| f64::from(v))
    }
}

/// A part of a norm's work.
pub struct NormStep {
    /// The norm.
    pub norm: Arc<Norm>,
    /// The part.
    pub work: NormWork,
}

/// Parts of a norm's work, in their order.
pub enum NormWork {
    /// Mean and squares of every piece.
    Moments,
    /// Statistics from those.
    Combine,
    /// The result, and its 2x2 maxima.
    Apply {
        /// The result.
        y: Map,
        /// Maxima.
        pooled: Option<Map>,
    },
    /// Sums of the result's gradient, and of it times the input.
    Sums {
        /// Gradient of the result.
        g: Map,
    },
    /// The gradient of scale and shift, and what the input's takes.
    CombineSums {
        /// Arrays among the outputs that take them.
        outputs: Option<[usize; 2]>,
    },
    /// The gradient of the input.
    Gradient {
        /// Gradient of the result.
        g: Map,
        /// Where it goes; may be the same.
        to: Map,
        /// Whether it is added to what is there.
        add: bool,
    },
}

// SAFETY: every piece of the work is written by the thread that took it, inside what [`Context`] holds.
unsafe impl Step for NormStep {
    fn name(&self) -> String {
        let work = match self.work {
            NormWork::Moments => "moments",
            NormWork::Combine => "statistics",
            NormWork::Apply { .. } => "result",
            NormWork::Sums { .. } => "gradient sums",
            NormWork::CombineSums { .. } => "gradient statistics",
            NormWork::Gradient { .. } => "gradient",
        };
        format!("norm {work}")
    }

    #[inline(always)]
    unsafe fn run<V: Vector, const COLUMNS: usize>(&self, context: &Context, step: usize) {
        let norm = &*self.norm;
        let of_sets = matches!(self.work, NormWork::Combine | NormWork::CombineSums { .. });
        let work = if of_sets { [norm.sets() * norm.x.blocks(), 1] } else { norm.pieces.work() };
        while let Some([line, block]) = context.take(step, work) {
            let n = if of_sets { line } else { norm.pieces.of_line(line, block) };
            // SAFETY: maps, sums and records lie in the arena; every unit is taken once.
            unsafe {
                match &self.work {
                    NormWork::Moments => norm.moments::<V>(context, n),
                    NormWork::Combine => norm.combine(context, n),
                    NormWork::Apply { y, pooled } => norm.apply::<V>(context, n, y, pooled.as_ref()),
                    NormWork::Sums { g } => norm.sums::<V>(context, n, g),
                    NormWork::CombineSums { outputs } => norm.combine_sums(context, n, *outputs),
                    NormWork::Gradient { g, to, add } => norm.gradient::<V>(context, n, g, to, *add),
                }
            }
        }
    }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn add_lanes<V: Vector>(sums: &mut [f64; LANES], part: V) {
    let mut values = [0.0f32; LANES];
    // SAFETY: the caller keeps the function's conditions.
    unsafe { part.store(values.as_mut_ptr()) };
    for lane in 0..LANES {
        sums[lane] += f64::from(values[lane]);
    }
}

/// The gradient before an activation whose input is `x`.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
pub unsafe fn gate<V: Vector>(finish: Finish, x: V, g: V) -> V {
    // SAFETY: the caller keeps the function's conditions.
    unsafe {
        let zero = V::splat(0.0);
        match finish {
            Finish::Plain => g,
            Finish::Relu => x.select_greater(zero, g, zero),
            Finish::Leaky(slope) => x.select_greater(zero, g, g.mul(V::splat(slope))),
        }
    }
}

impl Norm {
    /// Mean and sum of squared distances from it, around the piece's first pixel.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn moments<V: Vector>(&self, context: &Context, piece: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (image, block, rows) = self.pieces.get(piece);
            let width = self.x.size[1];
            let count = (rows.len() * width) as f64;
            let line = |row: usize| context.arena.add(self.x.at(image, block, row as isize, 0)).cast_const();
            let first = V::load(line(rows.start));
            let (mut sums, mut squares) = ([0.0f64; LANES], [0.0f64; LANES]);
            for row in rows {
                let from = line(row);
                let mut parts = [V::splat(0.0); 4];
                for n in 0..width / 2 {
                    for half in 0..2 {
                        let off = V::load(from.add((2 * n + half) * LANES)).sub(first);
                        parts[half] = parts[half].add(off);
                        parts[2 + half] = off.mul_add(off, parts[2 + half]);
                    }
                }
                if width % 2 == 1 {
                    let off = V::load(from.add((width - 1) * LANES)).sub(first);
                    parts[0] = parts[0].add(off);
                    parts[2] = off.mul_add(off, parts[2]);
                }
                add_lanes(&mut sums, parts[0].add(parts[1]));
                add_lanes(&mut squares, parts[2].add(parts[3]));
            }
            let mut centre = [0.0f64; LANES];
            add_lanes(&mut centre, first);
            let partial = &mut *self.partial(context, piece);
            for lane in 0..LANES {
                let mean = sums[lane] / count;
                partial[0][lane] = centre[lane] + mean;
                partial[1][lane] = (squares[lane] - sums[lane] * mean).max(0.0);
            }
        }
    }

    /// Statistics of a set's block: pairwise formula of Chan et al. 1979.
    ///
    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn combine(&self, context: &Context, unit: usize) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (set, block) = (unit / self.x.blocks(), unit % self.x.blocks());
            let count_of = |n: usize| (self.pieces.get(n).2.len() * self.x.size[1]) as f64;
            let (mut mean, mut squares, mut count) = ([0.0f64; LANES], [0.0f64; LANES], 0.0);
            for n in self.pieces_of(set, block) {
                let (partial, more) = (&*self.partial(context, n), count_of(n));
                let share = more / (count + more);
                for lane in 0..LANES {
                    let off = partial[0][lane] - mean[lane];
                    mean[lane] += off * share;
                    squares[lane] += partial[1][lane] + off * off * count * share;
                }
                count += more;
            }
            let record = self.record(context, set, block);
            for lane in 0..LANES {
                let put = |place: usize, value: f64| *record.add(place * LANES + lane) = value as f32;
                let channel = block * LANES + lane;
                let exists = channel < self.x.channels;
                let inverse = 1.0 / (squares[lane] / count + self.eps).sqrt();
                let scale = if exists { self.parameter(context, 0, channel, 1.0) * inverse } else { 0.0 };
                let shift = if exists { self.parameter(context, 1, channel, 0.0) } else { 0.0 };
                let rest = mean[lane] - f64::from(mean[lane] as f32);
                put(CENTRE, mean[lane]);
                put(INVERSE, inverse);
                put(SCALE, scale);
                put(SHIFT, shift - rest * scale);
                put(REST, rest);
                put(MEAN, mean[lane]);
                put(VARIANCE, squares[lane] / (count - 1.0).max(1.0));
            }
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn apply<V: Vector>(&self, context: &Context, piece: usize, y: &Map, pooled: Option<&Map>) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (image, block, rows) = self.pieces.get(piece);
            let record = self.record(context, image, block);
            let constant = |place: usize| V::load(record.add(place * LANES));
            let (centre, scale, shift) = (constant(CENTRE), constant(SCALE), constant(SHIFT));
            for row in rows {
                let from = context.arena.add(self.x.at(image, block, row as isize, 0)).cast_const();
                let to = context.arena.add(y.at(image, block, row as isize, 0));
                for n in 0..y.size[1] {
                    let value = V::load(from.add(n * LANES)).sub(centre).mul_add(scale, shift);
                    self.finish.apply(value).store(to.add(n * LANES));
                }
                let Some(pooled) = pooled.filter(|p| row % 2 == 1 && row / 2 < p.size[0]) else { continue };
                let above = to.sub(y.row());
                let to_pooled = context.arena.add(pooled.at(image, block, (row / 2) as isize, 0));
                for n in 0..pooled.size[1] {
                    let pair = |line: *const f32| {
                        let first = V::load(line.add(2 * n * LANES));
                        first.max(V::load(line.add((2 * n + 1) * LANES)))
                    };
                    pair(above).max(pair(to)).store(to_pooled.add(n * LANES));
                }
            }
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn sums<V: Vector>(&self, context: &Context, piece: usize, g: &Map) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (image, block, rows) = self.pieces.get(piece);
            let record = self.record(context, image, block);
            let constant = |place: usize| V::load(record.add(place * LANES));
            let (centre, scale, shift) = (constant(CENTRE), constant(SCALE), constant(SHIFT));
            let (mut plain, mut weighted) = ([0.0f64; LANES], [0.0f64; LANES]);
            for row in rows {
                let x = context.arena.add(self.x.at(image, block, row as isize, 0)).cast_const();
                let g = context.arena.add(g.at(image, block, row as isize, 0)).cast_const();
                let (mut part, mut part_weighted) = (V::splat(0.0), V::splat(0.0));
                for n in 0..self.x.size[1] {
                    let off = V::load(x.add(n * LANES)).sub(centre);
                    let g = gate(self.finish, off.mul_add(scale, shift), V::load(g.add(n * LANES)));
                    part = part.add(g);
                    part_weighted = g.mul_add(off, part_weighted);
                }
                add_lanes(&mut plain, part);
                add_lanes(&mut weighted, part_weighted);
            }
            *self.partial(context, piece) = [plain, weighted];
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn combine_sums(&self, context: &Context, unit: usize, outputs: Option<[usize; 2]>) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (set, block) = (unit / self.x.blocks(), unit % self.x.blocks());
            let count = (self.x.size[0] * self.x.size[1] * if self.together { self.x.batch } else { 1 }) as f64;
            let totals = |set: usize, lane: usize| {
                let record = self.record(context, set, block);
                let get = |place: usize| f64::from(*record.add(place * LANES + lane));
                let (mut plain, mut weighted) = (0.0, 0.0);
                for n in self.pieces_of(set, block) {
                    let partial = &*self.partial(context, n);
                    plain += partial[0][lane];
                    weighted += partial[1][lane];
                }
                (plain, (weighted - plain * get(REST)) * get(INVERSE))
            };
            let record = self.record(context, set, block);
            for lane in 0..LANES {
                let channel = block * LANES + lane;
                let (plain, weighted) = totals(set, lane);
                let get = |place: usize| f64::from(*record.add(place * LANES + lane));
                let put = |place: usize, value: f64| *record.add(place * LANES + lane) = value as f32;
                let slope = -get(SCALE) * get(INVERSE) * weighted / count;
                put(OF_GRADIENT, get(SCALE));
                put(OF_INPUT, slope);
                put(CONSTANT, -get(SCALE) * plain / count - slope * get(REST));
                // The first set's unit adds up scale and shift over all sets.
                if let Some([scale, shift]) = outputs.filter(|_| set == 0 && channel < self.x.channels) {
                    let all = (0..self.sets()).map(|set| totals(set, lane));
                    let (d_shift, d_scale) = all.fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
                    *context.outputs[scale].0.add(channel) = d_scale as f32;
                    *context.outputs[shift].0.add(channel) = d_shift as f32;
                }
            }
        }
    }

    /// # Safety
    /// As [`Context`] says.
    #[inline(always)]
    unsafe fn gradient<V: Vector>(&self, context: &Context, piece: usize, g: &Map, to: &Map, add: bool) {
        // SAFETY: the caller keeps the conditions of [`Context`]; places come from maps that lie in its arena.
        unsafe {
            let (image, block, rows) = self.pieces.get(piece);
            let record = self.record(context, image, block);
            let constant = |place: usize| V::load(record.add(place * LANES));
            let (centre, scale, shift) = (constant(CENTRE), constant(SCALE), constant(SHIFT));
            let (of_gradient, of_input, rest) = (constant(OF_GRADIENT), constant(OF_INPUT), constant(CONSTANT));
            for row in rows {
                let x = context.arena.add(self.x.at(image, block, row as isize, 0)).cast_const();
                let g = context.arena.add(g.at(image, block, row as isize, 0)).cast_const();
                let to = context.arena.add(to.at(image, block, row as isize, 0));
                for n in 0..self.x.size[1] {
                    let off = V::load(x.add(n * LANES)).sub(centre);
                    let g = gate(self.finish, off.mul_add(scale, shift), V::load(g.add(n * LANES)));
                    let mut value = g.mul_add(of_gradient, off.mul_add(of_input, rest));
                    if add {
                        value = value.add(V::load(to.add(n * LANES)));
                    }
                    value.store(to.add(n * LANES));
                }
            }
        }
    }
}
