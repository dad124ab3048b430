//! What values an image has in each label: mean, deviation, range, exact percentiles.

use std::collections::BTreeMap;

use serde::Serialize;

use super::order::{Digits, Ordered, Sought, digit, places, prefix};
use super::tally::{Wanted, tally};
use crate::volume::{LabelMap, LabelValue, Rescale, Volume, Voxel, with_voxels};
use crate::work::{Stopped, Watch};

/// Percentiles that are told besides the median.
pub const PERCENTS: [f64; 6] = [5.0, 10.0, 25.0, 75.0, 90.0, 95.0];
/// The median as a percentile.
const MEDIAN: f64 = 50.0;

/// A percentile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentile {
    /// Of a hundred.
    pub percent: f64,
    /// The value, interpolated between neighbours as numpy does by default.
    pub value: f64,
}

/// The image's values in a label, in the image's units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueStatistics {
    /// Mean.
    pub mean: f64,
    /// Standard deviation with n - 1; one voxel has none.
    pub std: Option<f64>,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Median.
    pub median: f64,
    /// Percentiles in rising order.
    pub percentiles: Vec<Percentile>,
    /// Voxels of the label whose value is no number, or infinite; they are left out.
    pub left_out: u64,
}

/// Sums of values around one of them, so that large values lose no digits.
#[derive(Debug, Clone, Copy)]
struct Moments {
    around: f64,
    count: u64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const EMPTY: Self =
        Self { around: f64::NAN, count: 0, sum: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    #[inline]
    fn add(&mut self, value: f64, times: u64) {
        if self.count == 0 {
            self.around = value;
        }
        let from = value - self.around;
        let weight = times as f64;
        self.count += times;
        self.sum += weight * from;
        self.squares += weight * from * from;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn mean(&self) -> f64 {
        self.around + self.sum / self.count as f64
    }

    /// Sum of the squared distances from the mean.
    fn spread(&self) -> f64 {
        (self.squares - self.sum * self.sum / self.count as f64).max(0.0)
    }
}

/// Mean and spread of parts put together (Chan, Golub and others 1983).
#[derive(Debug, Clone, Copy)]
struct Together {
    count: u64,
    mean: f64,
    spread: f64,
    min: f64,
    max: f64,
}

impl Together {
    const EMPTY: Self = Self { count: 0, mean: 0.0, spread: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    fn join(&mut self, part: &Moments) {
        if part.count == 0 {
            return;
        }
        let (own, theirs) = (self.count as f64, part.count as f64);
        let delta = part.mean() - self.mean;
        self.count += part.count;
        self.mean += delta * theirs / (own + theirs);
        self.spread += part.spread() + delta * delta * own * theirs / (own + theirs);
        self.min = self.min.min(part.min);
        self.max = self.max.max(part.max);
    }
}

/// Values of a label that were counted.
struct Sum {
    moments: Moments,
    digits: Digits,
    left_out: u64,
}

/// All values of a label.
struct Whole {
    moments: Together,
    digits: Digits,
    left_out: u64,
    sought: Vec<Sought>,
}

/// The values of an image's frame in each label. The image lies on the labels' grid.
///
/// # Errors
/// When the work is stopped.
pub(super) fn values(
    labels: &LabelMap,
    volume: &Volume,
    frame: usize,
    wanted: &Wanted,
    watch: Watch,
) -> Result<BTreeMap<LabelValue, ValueStatistics>, Stopped> {
    let first = volume.index_of([0; 3], frame);
    match &volume.rescale {
        Rescale::Uniform { slope, intercept } => {
            let scale = Scale { slope: *slope, intercept: *intercept };
            with_voxels!(&volume.voxels, data => {
                Source { labels, data, first, wanted, watch, of: |stored, _| stored }.statistics(scale)
            })
        }
        Rescale::PerSlice(_) => {
            let slices = volume.geometry.shape()[2];
            let scale = |k: usize| volume.rescale.of_slice(frame * slices + k);
            with_voxels!(&volume.voxels, data => {
                let of = |stored, k| {
                    let (slope, intercept) = scale(k);
                    Voxel::to_f64(stored) * slope + intercept
                };
                Source { labels, data, first, wanted, watch, of }.statistics(Scale { slope: 1.0, intercept: 0.0 })
            })
        }
    }
}

/// From stored to physical values.
#[derive(Clone, Copy)]
struct Scale {
    slope: f64,
    intercept: f64,
}

impl Scale {
    fn of(self, stored: f64) -> f64 {
        stored * self.slope + self.intercept
    }
}

/// Where values come from: stored ones, and what to make of one of slice k.
struct Source<'a, T, F> {
    labels: &'a LabelMap,
    data: &'a [T],
    /// Index of the frame's first value.
    first: usize,
    wanted: &'a Wanted,
    watch: Watch<'a>,
    of: F,
}

impl<T: Copy + Sync, U: Ordered, F: Fn(T, usize) -> U + Sync> Source<'_, T, F> {
    /// Calls `add(sum, value)` for all values of all labels.
    fn tally<S: Send>(
        &self,
        first: impl Fn(LabelValue) -> S + Sync,
        add: impl Fn(&mut S, U) + Sync,
    ) -> Result<Vec<(LabelValue, S)>, Stopped> {
        let [columns, rows, _] = self.labels.geometry().shape();
        tally(self.labels, self.wanted, self.watch, first, |sum, [i, j, k], length, _| {
            let start = self.first + (k * rows + j) * columns + i;
            for stored in self.data.get(start..start + length).unwrap_or_default() {
                add(sum, (self.of)(*stored, k));
            }
        })
    }

    fn statistics(&self, scale: Scale) -> Result<BTreeMap<LabelValue, ValueStatistics>, Stopped> {
        let mut all = self.count(scale)?;
        for pass in 1..U::DIGITS {
            self.narrow(&mut all, pass)?;
        }
        Ok(all.into_iter().filter_map(|(label, whole)| Some((label, finish::<U>(whole, scale)?))).collect())
    }

    /// The first pass: everything but the later digits of wide values.
    fn count(&self, scale: Scale) -> Result<BTreeMap<LabelValue, Whole>, Stopped> {
        let is_counted_whole = U::DIGITS == 1;
        let empty = |_| Sum { moments: Moments::EMPTY, digits: Digits::default(), left_out: 0 };
        let parts = self.tally(empty, |sum, value| {
            if !value.is_number() {
                sum.left_out += 1;
                return;
            }
            sum.digits.add(digit::<U>(value.key(), 0));
            // What the digits tell wholly is added up from them.
            if !is_counted_whole {
                sum.moments.add(value.real(), 1);
            }
        })?;
        let mut all: BTreeMap<LabelValue, Whole> = BTreeMap::new();
        for (label, part) in parts {
            let whole = all.entry(label).or_insert_with(|| Whole {
                moments: Together::EMPTY,
                digits: Digits::default(),
                left_out: 0,
                sought: Vec::new(),
            });
            whole.moments.join(&part.moments);
            whole.digits.join(part.digits);
            whole.left_out += part.left_out;
        }
        for whole in all.values_mut() {
            if is_counted_whole {
                let mut moments = Moments::EMPTY;
                for (digit, count) in whole.digits.counts() {
                    moments.add(U::of_key(u64::from(digit)).real(), count);
                }
                whole.moments.join(&moments);
            }
            let places = sought(whole.moments.count, scale);
            whole.sought = places.map(Sought::new).collect();
            whole.sought.iter_mut().for_each(|sought| sought.narrow(&whole.digits));
        }
        Ok(all)
    }

    /// A later pass: the next digit of what is sought, among the values of the same digits before.
    fn narrow(&self, all: &mut BTreeMap<LabelValue, Whole>, pass: u32) -> Result<(), Stopped> {
        let prefixes = |label: LabelValue| -> Vec<(u64, Digits)> {
            let mut known: Vec<u64> = all.get(&label).iter().flat_map(|w| &w.sought).map(|s| s.prefix).collect();
            known.sort_unstable();
            known.dedup();
            known.into_iter().map(|prefix| (prefix, Digits::default())).collect()
        };
        let parts = self.tally(prefixes, |counted: &mut Vec<(u64, Digits)>, value| {
            if !value.is_number() {
                return;
            }
            let key = value.key();
            let own = prefix::<U>(key, pass);
            if let Ok(at) = counted.binary_search_by_key(&own, |(prefix, _)| *prefix) {
                counted[at].1.add(digit::<U>(key, pass));
            }
        })?;
        let mut counted: BTreeMap<(LabelValue, u64), Digits> = BTreeMap::new();
        for (label, part) in parts {
            for (prefix, digits) in part {
                counted.entry((label, prefix)).or_default().join(digits);
            }
        }
        for (label, whole) in all.iter_mut() {
            for sought in &mut whole.sought {
                if let Some(digits) = counted.get(&(*label, sought.prefix)) {
                    sought.narrow(digits);
                }
            }
        }
        Ok(())
    }
}

/// Percentiles that are looked for: the median first.
fn percents() -> impl Iterator<Item = f64> {
    std::iter::once(MEDIAN).chain(PERCENTS)
}

/// Places of stored values that are looked for, two a percentile. Where a factor is negative the order turns around.
fn sought(count: u64, scale: Scale) -> impl Iterator<Item = u64> {
    let last = count.saturating_sub(1);
    percents()
        .flat_map(move |percent| places(percent, count).0)
        .map(move |place| if scale.slope < 0.0 { last - place } else { place })
}

fn finish<U: Ordered>(whole: Whole, scale: Scale) -> Option<ValueStatistics> {
    let Whole { moments, left_out, sought, .. } = whole;
    if moments.count == 0 {
        return None;
    }
    let found: Vec<f64> = sought.iter().map(|sought| scale.of(U::of_key(sought.prefix).real())).collect();
    let mut percentiles = percents().zip(found.chunks_exact(2)).map(|(percent, pair)| {
        let (_, share) = places(percent, moments.count);
        Percentile { percent, value: pair[0] + (pair[1] - pair[0]) * share }
    });
    let median = percentiles.next()?.value;
    let ends = [scale.of(moments.min), scale.of(moments.max)];
    let deviation = (moments.spread / (moments.count as f64 - 1.0)).sqrt() * scale.slope.abs();
    Some(ValueStatistics {
        mean: scale.of(moments.mean),
        std: (moments.count > 1).then_some(deviation),
        min: ends[0].min(ends[1]),
        max: ends[0].max(ends[1]),
        median,
        percentiles: percentiles.collect(),
        left_out,
    })
}
