//! Gaussian smoothing of labels: of each for itself, or of several together so that no gaps open between them.
//!
//! A label's share at a voxel is the weighted part of its surroundings that the label has. The weights reach four sigmas, as scipy's do, and
//! behind the border of the volume the last voxel is repeated. Work is done in tiles of a brick and what the weights reach around it, so no
//! map of shares is ever held.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::edit::label_box::{Over, Reshaped};
use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::numbers::{natural, real, share, single, whole};
use crate::work::{Stopped, Watch, memory};

/// Voxels along the edge of a tile: that of a brick.
const EDGE: usize = 32;
/// Voxels that weights reach from their middle at most.
pub const FURTHEST: usize = 96;
/// Sigmas that the weights reach.
const REACH: f64 = 4.0;

/// How labels are smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Smoothing {
    /// Every label for itself: it has all voxels of which its share is more than one half.
    Each(Over),
    /// Together: where their shares make more than one half, a voxel has the label of the largest share.
    Joint,
}

/// Weights of a Gaussian along each axis, from the middle outwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian([Vec<f32>; 3]);

impl Gaussian {
    /// Weights of a width of `sigma_mm`; `None` where they would reach further than [`FURTHEST`] voxels.
    pub fn new(sigma_mm: f64, spacing_mm: [f64; 3]) -> Option<Self> {
        let along = |spacing: f64| {
            let sigma = sigma_mm / spacing;
            let reach = (REACH * sigma + 0.5).floor();
            if !sigma.is_finite() || sigma < 0.0 || reach > real(FURTHEST) {
                return None;
            }
            let weight = |n: usize| if n == 0 { 1.0 } else { (-0.5 * (real(n) / sigma).powi(2)).exp() };
            let weights: Vec<f64> = (0..=natural(whole(reach))).map(weight).collect();
            let sum = 2.0 * weights.iter().sum::<f64>() - 1.0;
            Some(weights.into_iter().map(|weight| single(weight / sum)).collect())
        };
        let [i, j, k] = spacing_mm.map(along);
        Some(Self([i?, j?, k?]))
    }

    fn reach(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.0[axis].len() - 1)
    }

    /// Whether every voxel is its own surroundings.
    pub fn is_point(&self) -> bool {
        self.reach() == [0; 3]
    }
}

/// The labels after some of them were smoothed, and what changed. Labels that are not `chosen` count as background and stay.
///
/// # Errors
/// When the work is stopped.
pub fn smoothed(
    labels: &LabelMap,
    chosen: &[LabelValue],
    gaussian: &Gaussian,
    smoothing: Smoothing,
    watch: Watch,
) -> Result<(LabelMap, Reshaped), Stopped> {
    watch.at(0.0)?;
    // No share outside the box around the labels is more than one half.
    let own = chosen.iter().filter_map(|label| labels.region_of(*label)).reduce(Region::joined);
    let Some(own) = own else { return Ok((labels.clone(), Reshaped::default())) };
    let counts = Counts::default();
    let mut changed = labels.clone();
    // Bricks of one k at a time: their tiles are all that is held.
    let first = own.start[2] / EDGE * EDGE;
    for k in (first..own.end[2]).step_by(EDGE) {
        watch.at(share(k - first, own.end[2] - first))?;
        let [start_i, start_j] = [0, 1].map(|axis| own.start[axis] / EDGE * EDGE);
        let starts: Vec<[usize; 3]> = (start_j..own.end[1])
            .step_by(EDGE)
            .flat_map(|j| (start_i..own.end[0]).step_by(EDGE).map(move |i| [i, j, k]))
            .collect();
        let tile = |start: &[usize; 3]| {
            watch.check()?;
            Ok(Tile::around(*start, labels, gaussian).smoothed(chosen, gaussian, smoothing, &counts))
        };
        let tiles: Vec<Option<Vec<LabelValue>>> = starts.par_iter().map(tile).collect::<Result<_, Stopped>>()?;
        let across = own.end[0].div_ceil(EDGE) - start_i / EDGE;
        let layer = Region {
            start: [start_i, start_j, k],
            end: [own.end[0], own.end[1], (k + EDGE).min(labels.geometry().shape()[2])],
        };
        changed = changed.edited(layer, watch, |[i, j, k], row| {
            let tile = (j - start_j) / EDGE * across + (i - start_i) / EDGE;
            if let Some(Some(new)) = tiles.get(tile) {
                let from = ((k % EDGE) * EDGE + j % EDGE) * EDGE + i % EDGE;
                row.copy_from_slice(&new[from..from + row.len()]);
            }
        })?;
    }
    Ok((changed, counts.told()))
}

#[derive(Default)]
struct Counts([AtomicUsize; 3]);

impl Counts {
    fn add(&self, more: Reshaped) {
        for (sum, count) in self.0.iter().zip([more.added, more.removed, more.left]) {
            sum.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn told(self) -> Reshaped {
        let [added, removed, left] = self.0.map(AtomicUsize::into_inner);
        Reshaped { added, removed, left }
    }
}

/// A brick with its surroundings as far as weights reach; behind the border of the volume the last voxel is repeated.
struct Tile {
    reach: [usize; 3],
    /// Size with the surroundings.
    size: [usize; 3],
    /// How much of the brick lies in the volume.
    inside: [usize; 3],
    labels: Vec<LabelValue>,
}

impl Tile {
    fn around(start: [usize; 3], map: &LabelMap, gaussian: &Gaussian) -> Self {
        let (reach, shape) = (gaussian.reach(), map.geometry().shape());
        let size = reach.map(|n| EDGE + 2 * n);
        let place = |n: usize, axis: usize| (start[axis] + n).saturating_sub(reach[axis]).min(shape[axis] - 1);
        let mut labels = memory::zeros(size.iter().product());
        // The part of a row that lies in the volume.
        let from = reach[0].saturating_sub(start[0]);
        let to = size[0].min(shape[0] + reach[0] - start[0]);
        for (n, row) in labels.chunks_mut(size[0]).enumerate() {
            let (j, k) = (place(n % size[1], 1), place(n / size[1], 2));
            map.read_row([start[0] + from - reach[0], j, k], &mut row[from..to]);
            let (first, last) = (row[from], row[to - 1]);
            row[..from].fill(first);
            row[to..].fill(last);
        }
        let inside = [0, 1, 2].map(|axis| EDGE.min(shape[axis] - start[axis]));
        Self { reach, size, inside, labels }
    }

    fn own(&self, i: usize, j: usize, k: usize) -> LabelValue {
        let [ri, rj, rk] = self.reach;
        self.labels[((k + rk) * self.size[1] + j + rj) * self.size[0] + i + ri]
    }

    /// The labels of the brick; `None` where nothing changes.
    fn smoothed(
        &self,
        chosen: &[LabelValue],
        gaussian: &Gaussian,
        smoothing: Smoothing,
        counts: &Counts,
    ) -> Option<Vec<LabelValue>> {
        let first = self.labels.first().copied()?;
        if self.labels.iter().all(|label| *label == first) {
            return None;
        }
        let here: Vec<LabelValue> = chosen.iter().copied().filter(|label| self.labels.contains(label)).collect();
        let mut new = vec![0; EDGE * EDGE * EDGE];
        let each = |new: &mut [LabelValue], change: &dyn Fn(usize, LabelValue) -> LabelValue| {
            for k in 0..self.inside[2] {
                for j in 0..self.inside[1] {
                    for i in 0..self.inside[0] {
                        let n = (k * EDGE + j) * EDGE + i;
                        new[n] = change(n, self.own(i, j, k));
                    }
                }
            }
        };
        each(&mut new, &|_, own| own);
        let mut told = Reshaped::default();
        match smoothing {
            Smoothing::Each(over) => {
                for label in here {
                    let shares = self.shares(label, gaussian);
                    for (own, share) in new.iter_mut().zip(shares) {
                        match (share > 0.5, *own == label) {
                            (true, false) if *own == 0 || over == Over::OtherLabels => *own = label,
                            (true, false) => told.left += 1,
                            (false, true) => *own = 0,
                            _ => {}
                        }
                    }
                }
            }
            Smoothing::Joint => {
                let mut sums = vec![0.0f32; new.len()];
                let mut most: Vec<(f32, LabelValue)> = vec![(0.0, 0); new.len()];
                for label in here {
                    let shares = self.shares(label, gaussian);
                    for (n, share) in shares.into_iter().enumerate() {
                        sums[n] += share;
                        // Of equals the voxel keeps its own.
                        if share > most[n].0 || share == most[n].0 && share > 0.0 && new[n] == label {
                            most[n] = (share, label);
                        }
                    }
                }
                for (n, own) in new.iter_mut().enumerate() {
                    match sums[n] > 0.5 {
                        true if *own == 0 || chosen.contains(own) => *own = most[n].1,
                        true => told.left += 1,
                        false if chosen.contains(own) => *own = 0,
                        false => {}
                    }
                }
            }
        }
        let mut is_same = true;
        for k in 0..self.inside[2] {
            for j in 0..self.inside[1] {
                for i in 0..self.inside[0] {
                    let (old, new) = (self.own(i, j, k), new[(k * EDGE + j) * EDGE + i]);
                    is_same &= old == new;
                    told.added += usize::from(old != new && new != 0);
                    told.removed += usize::from(old != new && new == 0);
                }
            }
        }
        counts.add(told);
        (!is_same).then_some(new)
    }

    /// A label's share at every voxel of the brick.
    fn shares(&self, label: LabelValue, gaussian: &Gaussian) -> Vec<f32> {
        let Self { size, .. } = self;
        let rows = size[1] * size[2];
        let mut along_i = vec![0.0; EDGE * rows];
        let mut is_in = vec![0.0; size[0]];
        for (row, sums) in self.labels.chunks(size[0]).zip(along_i.chunks_mut(EDGE)) {
            let count = row.iter().filter(|other| **other == label).count();
            if count == 0 || count == row.len() {
                sums.fill(if count == 0 { 0.0 } else { 1.0 });
                continue;
            }
            is_in.iter_mut().zip(row).for_each(|(is_in, other)| *is_in = f32::from(u8::from(*other == label)));
            weighted(&gaussian.0[0], sums, |n| &is_in[n..]);
        }
        let mut along_j = vec![0.0; EDGE * EDGE * size[2]];
        for (rows, sums) in along_i.chunks(EDGE * size[1]).zip(along_j.chunks_mut(EDGE * EDGE)) {
            weighted(&gaussian.0[1], sums, |n| &rows[n * EDGE..]);
        }
        let mut shares = vec![0.0; EDGE * EDGE * EDGE];
        weighted(&gaussian.0[2], &mut shares, |n| &along_j[n * EDGE * EDGE..]);
        shares
    }
}

/// Weighted sums of values: `at(n)` are those that are n steps from the first that the weights reach.
fn weighted<'a>(weights: &[f32], sums: &mut [f32], at: impl Fn(usize) -> &'a [f32]) {
    let reach = weights.len() - 1;
    sums.iter_mut().zip(at(reach)).for_each(|(sum, value)| *sum = value * weights[0]);
    for (n, weight) in weights.iter().enumerate().skip(1) {
        let both = at(reach - n).iter().zip(at(reach + n));
        sums.iter_mut().zip(both).for_each(|(sum, (before, behind))| *sum += (before + behind) * weight);
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "indices of small grids"
)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};
    use crate::work::Signal;
    use proptest::prelude::*;

    const SHAPE: [usize; 3] = [40, 35, 9];

    fn blocks() -> impl Strategy<Value = Vec<([usize; 3], [usize; 3], LabelValue)>> {
        let block = ((0usize..40, 0usize..35, 0usize..9), (1usize..20, 1usize..20, 1usize..6), 1u16..4);
        prop::collection::vec(block.prop_map(|(a, b, label)| ([a.0, a.1, a.2], [b.0, b.1, b.2], label)), 1..5)
    }

    fn map(blocks: &[([usize; 3], [usize; 3], LabelValue)]) -> LabelMap {
        LabelMap::from_fn(Geometry::new(SHAPE, Affine::IDENTITY).unwrap(), |v| {
            let inside =
                |(a, b, _): &&([usize; 3], [usize; 3], LabelValue)| (0..3).all(|n| (a[n]..a[n] + b[n]).contains(&v[n]));
            blocks.iter().find(inside).map_or(0, |block| block.2)
        })
    }

    /// A label's shares in double precision, one axis after the other.
    fn shares(map: &LabelMap, label: LabelValue, sigma: [f64; 3]) -> Vec<f64> {
        let at = |n: usize| [n % 40, n / 40 % 35, n / 1400];
        let index = |v: [usize; 3]| (v[2] * 35 + v[1]) * 40 + v[0];
        let mut field: Vec<f64> = (0..40 * 35 * 9).map(|n| f64::from(u8::from(map.get(at(n)) == label))).collect();
        for axis in 0..3 {
            let reach = (4.0 * sigma[axis] + 0.5) as isize;
            let weight = |d: isize| (-0.5 * (d as f64 / sigma[axis]).powi(2)).exp();
            let sum: f64 = (-reach..=reach).map(weight).sum();
            let of = |n: usize| {
                let value = |d: isize| {
                    let mut v = at(n);
                    v[axis] = v[axis].saturating_add_signed(d).min(SHAPE[axis] - 1);
                    field[index(v)] * weight(d) / sum
                };
                (-reach..=reach).map(value).sum()
            };
            field = (0..field.len()).map(of).collect();
        }
        field
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn labels_have_what_their_shares_say(blocks in blocks(), sigma in 0.6f64..3.0, joint in any::<bool>()) {
            let before = map(&blocks);
            let spacing = [1.0, 0.8, 2.0];
            let gaussian = Gaussian::new(sigma, spacing).unwrap();
            // Label 3 is not chosen.
            let smoothing = if joint { Smoothing::Joint } else { Smoothing::Each(Over::Background) };
            let chosen: &[LabelValue] = if joint { &[1, 2] } else { &[1] };
            let (after, told) = smoothed(&before, chosen, &gaussian, smoothing, Watch::unwatched()).unwrap();
            let fields: Vec<Vec<f64>> = chosen.iter().map(|l| shares(&before, *l, spacing.map(|s| sigma / s))).collect();
            let mut counts = Reshaped::default();
            for n in 0..40 * 35 * 9 {
                let v = [n % 40, n / 40 % 35, n / 1400];
                let sum: f64 = fields.iter().map(|field| field[n]).sum();
                let (old, new) = (before.get(v), after.get(v));
                let best = if joint && fields[1][n] > fields[0][n] { 2 } else { 1 };
                let is_free = old == 0 || chosen.contains(&old);
                let wanted = match (sum > 0.5, is_free) {
                    (_, false) => old,
                    (true, true) => best,
                    (false, true) => 0,
                };
                let is_tie = (sum - 0.5).abs() < 1e-5 || joint && (fields[0][n] - fields[1][n]).abs() < 1e-5;
                prop_assert!(is_tie || new == wanted, "{v:?} {old} {new} {wanted}");
                counts.added += usize::from(new != old && new != 0);
                counts.removed += usize::from(new != old && new == 0);
            }
            prop_assert_eq!((told.added, told.removed), (counts.added, counts.removed));
        }
    }

    #[test]
    fn labels_that_touch_still_touch_and_nothing_opens_between_them() {
        // A layer of two labels through the whole volume, and a comb between them.
        let before = LabelMap::from_fn(Geometry::new([40, 40, 40], Affine::IDENTITY).unwrap(), |[i, j, k]| {
            if (10..30).contains(&k) { 1 + u16::from(i >= 20 + 4 * (j / 2 % 2)) } else { 0 }
        });
        let gaussian = Gaussian::new(2.0, [1.0; 3]).unwrap();
        let (after, told) = smoothed(&before, &[1, 2], &gaussian, Smoothing::Joint, Watch::unwatched()).unwrap();
        assert!(told.added > 0);
        for n in 0..64_000 {
            let v = [n % 40, n / 40 % 40, n / 1600];
            assert_eq!(after.get(v) == 0, before.get(v) == 0, "{v:?}");
        }
        // One at a time they would part.
        let each = Smoothing::Each(Over::Background);
        let (apart, _) = smoothed(&before, &[1, 2], &gaussian, each, Watch::unwatched()).unwrap();
        assert_eq!(after.get([20, 1, 29]), after.get([20, 1, 20]));
        assert!((0..40).any(|i| apart.get([i, 1, 29]) == 0));
    }

    #[test]
    fn a_stop_is_heard_and_weights_that_reach_too_far_are_refused() {
        let signal = Signal::default();
        signal.stop();
        let gaussian = Gaussian::new(2.0, [1.0; 3]).unwrap();
        let map = map(&[([3; 3], [4; 3], 1)]);
        assert!(smoothed(&map, &[1], &gaussian, Smoothing::Joint, Watch::new(&signal)).is_err());
        assert!(Gaussian::new(24.2, [1.0; 3]).is_none() && Gaussian::new(24.1, [1.0; 3]).is_some());
        assert!(Gaussian::new(f64::NAN, [1.0; 3]).is_none());
        assert!(Gaussian::new(0.1, [1.0; 3]).is_some_and(|gaussian| gaussian.is_point()));
    }
}
