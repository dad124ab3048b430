//! Labels on a grid, stored as copy-on-write bricks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::geometry::Geometry;
use crate::work::numbers::share;
use crate::work::{Stopped, Watch, memory};

/// A label id; 0 is background.
pub type LabelValue = u16;

/// Edge of a brick in voxels.
pub const BRICK_EDGE: usize = 32;
const BRICK_VOXELS: usize = BRICK_EDGE * BRICK_EDGE * BRICK_EDGE;
/// So many bricks are worked on until it is looked whether to stop.
const BRICKS_BETWEEN_LOOKS: usize = 8;

#[derive(Debug, Clone)]
pub(super) enum Brick {
    /// All voxels of the brick have this label.
    Uniform(LabelValue),
    /// One label per voxel, i fastest.
    Dense(Arc<[LabelValue]>),
}

impl Brick {
    /// The label at a place of the brick, i fastest.
    #[inline]
    pub(super) fn at(&self, offset: usize) -> LabelValue {
        match self {
            Self::Uniform(value) => *value,
            Self::Dense(values) => values[offset],
        }
    }
}

/// One label per voxel of a [`Geometry`]. A clone is a snapshot that later edits do not touch.
#[derive(Debug, Clone)]
pub struct LabelMap {
    geometry: Geometry,
    grid: [usize; 3],
    pub(super) bricks: Arc<Vec<Brick>>,
}

/// Asks for the memory of many bricks at a time: a map takes it brick by brick, each of which is too small to ask for.
pub(super) fn ask_for_bricks() {
    const AT_A_TIME: usize = 512;
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    if ASKED.fetch_add(1, Ordering::Relaxed).is_multiple_of(AT_A_TIME) {
        memory::must_have::<LabelValue>(AT_A_TIME * BRICK_VOXELS);
    }
}

impl LabelMap {
    /// All background; costs a few bytes per 32 768 voxels.
    pub fn empty(geometry: Geometry) -> Self {
        let grid = geometry.shape().map(|n| n.div_ceil(BRICK_EDGE));
        let bricks = Arc::new(vec![Brick::Uniform(0); grid.iter().product()]);
        Self { geometry, grid, bricks }
    }

    /// Fills a map from a function of the voxel.
    pub fn from_fn(geometry: Geometry, label: impl Fn([usize; 3]) -> LabelValue) -> Self {
        let mut map = Self::empty(geometry);
        let [ni, nj, nk] = map.geometry.shape();
        for k in 0..nk {
            for j in 0..nj {
                for i in 0..ni {
                    let value = label([i, j, k]);
                    if value != 0 {
                        map.set([i, j, k], value);
                    }
                }
            }
        }
        map
    }

    /// The same labels on another grid of the same shape.
    #[must_use]
    pub fn on(self, geometry: &Geometry) -> Self {
        debug_assert_eq!(self.geometry.shape(), geometry.shape());
        Self { geometry: geometry.clone(), ..self }
    }

    /// On the other grid where one of both does not know how large its voxels are: a mask drawn as a picture over a scan.
    #[must_use]
    pub fn placed_by(self, geometry: &Geometry) -> Self {
        if self.geometry.may_be(geometry) { self.on(geometry) } else { self }
    }

    /// Other values for the labels; 0 stays 0.
    ///
    /// # Errors
    /// The first value that `to` has none for.
    pub fn mapped(&self, to: impl Fn(LabelValue) -> Option<LabelValue>) -> Result<Self, LabelValue> {
        let mut table = vec![0; usize::from(LabelValue::MAX) + 1];
        let mut same = true;
        for value in self.voxel_counts().into_keys() {
            let new = to(value).ok_or(value)?;
            table[usize::from(value)] = new;
            same &= new == value;
        }
        if same {
            // Nothing is copied.
            return Ok(self.clone());
        }
        let bricks = self.bricks.par_iter().map(|brick| match brick {
            Brick::Uniform(value) => Brick::Uniform(table[usize::from(*value)]),
            Brick::Dense(values) if values.iter().all(|value| table[usize::from(*value)] == *value) => {
                Brick::Dense(values.clone())
            }
            Brick::Dense(values) => Brick::Dense(values.iter().map(|value| table[usize::from(*value)]).collect()),
        });
        let mut map = Self { bricks: Arc::new(bricks.collect()), ..self.clone() };
        map.compact();
        Ok(map)
    }

    /// The grid the labels lie on.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The brick of a voxel, and its place in there.
    #[inline]
    pub(super) fn locate(&self, voxel: [usize; 3]) -> (usize, usize) {
        let b = voxel.map(|v| v / BRICK_EDGE);
        let o = voxel.map(|v| v % BRICK_EDGE);
        ((b[2] * self.grid[1] + b[1]) * self.grid[0] + b[0], (o[2] * BRICK_EDGE + o[1]) * BRICK_EDGE + o[0])
    }

    /// The brick of a voxel inside the grid, and the voxel's place in it.
    #[inline]
    pub(super) fn brick_at(&self, voxel: [usize; 3]) -> (&Brick, usize) {
        let (index, offset) = self.locate(voxel);
        (&self.bricks[index], offset)
    }

    /// The label of a voxel inside the grid.
    #[inline]
    pub fn get(&self, voxel: [usize; 3]) -> LabelValue {
        let (brick, offset) = self.locate(voxel);
        match &self.bricks[brick] {
            Brick::Uniform(value) => *value,
            Brick::Dense(values) => values[offset],
        }
    }

    /// The same grid with other bricks.
    pub(super) fn with_bricks(&self, bricks: Vec<Brick>) -> Self {
        Self { bricks: Arc::new(bricks), ..self.clone() }
    }

    /// The label that a whole brick has, where the voxel's brick has only one.
    #[inline]
    pub fn uniform_at(&self, voxel: [usize; 3]) -> Option<LabelValue> {
        match self.bricks[self.locate(voxel).0] {
            Brick::Uniform(value) => Some(value),
            Brick::Dense(_) => None,
        }
    }

    /// Sets the label of a voxel inside the grid; only the brick that holds it is copied, and only if shared.
    #[inline]
    pub fn set(&mut self, voxel: [usize; 3], label: LabelValue) {
        let (index, offset) = self.locate(voxel);
        if let Brick::Uniform(value) = self.bricks[index]
            && value == label
        {
            return;
        }
        self.dense_mut(index)[offset] = label;
    }

    /// The voxels of a brick, to be changed: it is copied where it is shared, and gets its voxels where it is uniform.
    pub(super) fn dense_mut(&mut self, index: usize) -> &mut [LabelValue] {
        let brick = &mut Arc::make_mut(&mut self.bricks)[index];
        if let Brick::Uniform(value) = *brick {
            ask_for_bricks();
            *brick = Brick::Dense(std::iter::repeat_n(value, BRICK_VOXELS).collect());
        }
        match brick {
            Brick::Dense(values) => Arc::make_mut(values),
            Brick::Uniform(_) => &mut [],
        }
    }

    /// Takes the labels of another map of the same shape where `is_taken(voxel, own, other)` says so. It is asked where they differ;
    /// bricks that are alike are passed over.
    pub fn take_from(&mut self, other: &Self, is_taken: impl Fn([usize; 3], LabelValue, LabelValue) -> bool) {
        // Nothing stops it.
        let _ = self.take_from_watched(other, is_taken, Watch::unwatched().finishing());
    }

    /// The same, as long work.
    ///
    /// # Errors
    /// Where it is stopped; some labels are taken then.
    pub fn take_from_watched(
        &mut self,
        other: &Self,
        is_taken: impl Fn([usize; 3], LabelValue, LabelValue) -> bool,
        watch: Watch,
    ) -> Result<(), Stopped> {
        debug_assert_eq!(self.geometry.shape(), other.geometry.shape());
        let shape = self.geometry.shape();
        let all = self.bricks.len();
        for index in 0..all {
            if index % BRICKS_BETWEEN_LOOKS == 0 {
                watch.at(share(index, all))?;
            }
            match (&self.bricks[index], &other.bricks[index]) {
                (Brick::Uniform(own), Brick::Uniform(there)) if own == there => continue,
                (Brick::Dense(own), Brick::Dense(there)) if Arc::ptr_eq(own, there) => continue,
                _ => {}
            }
            let start = self.brick_start(index);
            let end = [0, 1, 2].map(|axis| shape[axis].min(start[axis] + BRICK_EDGE));
            for k in start[2]..end[2] {
                for j in start[1]..end[1] {
                    for i in start[0]..end[0] {
                        let (own, there) = (self.get([i, j, k]), other.get([i, j, k]));
                        if own != there && is_taken([i, j, k], own, there) {
                            self.set([i, j, k], there);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Turns bricks of a single label into one value again.
    pub fn compact(&mut self) {
        for brick in Arc::make_mut(&mut self.bricks) {
            if let Brick::Dense(values) = brick
                && values.iter().all(|&v| v == values[0])
            {
                *brick = Brick::Uniform(values[0]);
            }
        }
    }

    /// Shares the bricks that hold the same labels as those of another map of the same shape, so that keeping both costs only what
    /// differs.
    pub fn share_with(&mut self, other: &Self) {
        debug_assert_eq!(self.geometry.shape(), other.geometry.shape());
        if self.is_same_snapshot(other) {
            return;
        }
        for index in 0..self.bricks.len() {
            if self.is_same_brick(other, index) {
                Arc::make_mut(&mut self.bricks)[index] = other.bricks[index].clone();
            }
        }
    }

    /// Whether a brick of two maps of the same shape has the same labels inside the grid; what lies beyond its edge means nothing.
    fn is_same_brick(&self, other: &Self, index: usize) -> bool {
        let (shape, start) = (self.geometry.shape(), self.brick_start(index));
        let size = [0, 1, 2].map(|axis| BRICK_EDGE.min(shape[axis] - start[axis]));
        let mut rows = (0..size[2]).flat_map(|k| (0..size[1]).map(move |j| (k * BRICK_EDGE + j) * BRICK_EDGE));
        match (&self.bricks[index], &other.bricks[index]) {
            (Brick::Uniform(own), Brick::Uniform(there)) => own == there,
            (Brick::Dense(own), Brick::Dense(there)) => {
                Arc::ptr_eq(own, there) || rows.all(|at| own[at..at + size[0]] == there[at..at + size[0]])
            }
            (Brick::Dense(values), Brick::Uniform(value)) | (Brick::Uniform(value), Brick::Dense(values)) => {
                rows.all(|at| values[at..at + size[0]].iter().all(|label| label == value))
            }
        }
    }

    /// Calls `visit(voxel, label)` for every voxel that is not background, brick by brick.
    pub fn for_each_labelled(&self, mut visit: impl FnMut([usize; 3], LabelValue)) {
        for index in 0..self.bricks.len() {
            self.for_each_of_brick(index, &mut visit);
        }
    }

    fn for_each_of_brick(&self, index: usize, mut visit: impl FnMut([usize; 3], LabelValue)) {
        let (brick, shape) = (&self.bricks[index], self.geometry.shape());
        if matches!(brick, Brick::Uniform(0)) {
            return;
        }
        let start = self.brick_start(index);
        let size = [0, 1, 2].map(|axis| BRICK_EDGE.min(shape[axis] - start[axis]));
        for k in 0..size[2] {
            for j in 0..size[1] {
                for i in 0..size[0] {
                    let label = match brick {
                        Brick::Uniform(value) => *value,
                        Brick::Dense(values) => values[(k * BRICK_EDGE + j) * BRICK_EDGE + i],
                    };
                    if label != 0 {
                        visit([start[0] + i, start[1] + j, start[2] + k], label);
                    }
                }
            }
        }
    }

    /// Per voxel axis, which positions along it hold any label.
    pub fn occupied(&self) -> [Vec<bool>; 3] {
        let shape = self.geometry.shape();
        let nothing = || shape.map(|n| vec![false; n]);
        let mark = |mut found: [Vec<bool>; 3], index: usize| {
            let start = self.brick_start(index);
            let size = [0, 1, 2].map(|axis| BRICK_EDGE.min(shape[axis] - start[axis]));
            match &self.bricks[index] {
                Brick::Uniform(0) => {}
                Brick::Uniform(_) => {
                    for axis in 0..3 {
                        found[axis][start[axis]..start[axis] + size[axis]].fill(true);
                    }
                }
                Brick::Dense(values) => {
                    for k in 0..size[2] {
                        for j in 0..size[1] {
                            let row = &values[(k * BRICK_EDGE + j) * BRICK_EDGE..][..size[0]];
                            for (i, _) in row.iter().enumerate().filter(|(_, v)| **v != 0) {
                                found[0][start[0] + i] = true;
                                found[1][start[1] + j] = true;
                                found[2][start[2] + k] = true;
                            }
                        }
                    }
                }
            }
            found
        };
        let join = |mut a: [Vec<bool>; 3], b: [Vec<bool>; 3]| {
            for (a, b) in a.iter_mut().flatten().zip(b.iter().flatten()) {
                *a |= *b;
            }
            a
        };
        (0..self.bricks.len()).into_par_iter().with_min_len(64).fold(nothing, mark).reduce(nothing, join)
    }

    /// First voxel of a brick.
    #[inline]
    pub(super) fn brick_start(&self, index: usize) -> [usize; 3] {
        [index % self.grid[0], index / self.grid[0] % self.grid[1], index / (self.grid[0] * self.grid[1])]
            .map(|n| n * BRICK_EDGE)
    }

    /// A number that tells these labels from others: the same for the same labels in the same patient directions, in any storage order.
    ///
    /// It is a sum over the labelled voxels, so bricks can be visited in any order.
    pub fn fingerprint(&self) -> u64 {
        let shape = self.geometry.shape();
        let orientation = self.geometry.orientation();
        let axes = [0, 1, 2].map(|world| orientation.voxel_axis(world));
        let [width, height] = [0, 1].map(|world| shape[axes[world]] as u64);
        let of_voxel = |voxel: [usize; 3], label: LabelValue| {
            let [r, a, s] = axes.map(|axis| {
                (if orientation.positive[axis] { voxel[axis] } else { shape[axis] - 1 - voxel[axis] }) as u64
            });
            let place = s.wrapping_mul(height).wrapping_add(a).wrapping_mul(width).wrapping_add(r);
            mixed(place.wrapping_mul(1 << 16).wrapping_add(u64::from(label)))
        };
        let of_brick = |index: usize| {
            let mut sum = 0u64;
            self.for_each_of_brick(index, |voxel, label| sum = sum.wrapping_add(of_voxel(voxel, label)));
            sum
        };
        (0..self.bricks.len()).into_par_iter().with_min_len(64).map(of_brick).reduce(|| 0, u64::wrapping_add)
    }

    /// Number of voxels per label, background left out.
    pub fn counts(&self) -> BTreeMap<LabelValue, usize> {
        let mut counts = BTreeMap::new();
        self.for_each_labelled(|_, label| *counts.entry(label).or_insert(0) += 1);
        counts
    }

    /// Labels of one k slice, i fastest.
    pub fn slice_k(&self, k: usize, out: &mut Vec<LabelValue>) {
        let [ni, nj, _] = self.geometry.shape();
        out.resize(ni * nj, 0);
        for (j, row) in out.chunks_exact_mut(ni).enumerate() {
            self.read_row([0, j, k], row);
        }
    }

    /// Bytes held by bricks that are not uniform.
    pub fn byte_count(&self) -> usize {
        let dense = self.bricks.iter().filter(|b| matches!(b, Brick::Dense(_))).count();
        dense * BRICK_VOXELS * size_of::<LabelValue>() + self.bricks.len() * size_of::<Brick>()
    }

    /// Bytes of bricks that another map does not share: what keeping both costs.
    pub fn unshared_bytes(&self, other: &Self) -> usize {
        let shared = |a: &Brick, b: Option<&Brick>| match (a, b) {
            (Brick::Dense(a), Some(Brick::Dense(b))) => Arc::ptr_eq(a, b),
            (Brick::Uniform(_), _) => true,
            _ => false,
        };
        let own = self.bricks.iter().enumerate().filter(|(n, brick)| !shared(brick, other.bricks.get(*n))).count();
        own * BRICK_VOXELS * size_of::<LabelValue>() + self.bricks.len() * size_of::<Brick>()
    }

    /// Whether two maps share everything, as a snapshot and its unchanged original do.
    pub fn is_same_snapshot(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bricks, &other.bricks)
    }

    /// Whether two maps hold the same labels on the same shape.
    pub fn same_labels(&self, other: &Self) -> bool {
        let [ni, nj, nk] = self.geometry.shape();
        self.geometry.shape() == other.geometry.shape()
            && (Arc::ptr_eq(&self.bricks, &other.bricks)
                || (0..nk).all(|k| (0..nj).all(|j| (0..ni).all(|i| self.get([i, j, k]) == other.get([i, j, k])))))
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): every bit of the result depends on every bit of the input.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;
    use proptest::prelude::*;

    fn grid(shape: [usize; 3]) -> Geometry {
        Geometry::new(shape, Affine::IDENTITY).unwrap()
    }

    #[test]
    fn an_empty_map_of_a_huge_scan_costs_nothing() {
        assert!(LabelMap::empty(grid([1024, 1024, 1024])).byte_count() < 1 << 20);
    }

    #[test]
    fn a_snapshot_keeps_its_labels() {
        let mut map = LabelMap::empty(grid([70, 40, 33]));
        map.set([69, 39, 32], 3);
        let snapshot = map.clone();
        map.set([69, 39, 32], 5);
        assert_eq!((snapshot.get([69, 39, 32]), map.get([69, 39, 32])), (3, 5));
        assert_eq!(snapshot.counts(), BTreeMap::from([(3, 1)]));
    }

    #[test]
    fn compacting_keeps_labels_and_frees_bricks() {
        let mut map = LabelMap::empty(grid([32, 32, 32]));
        map.set([1, 2, 3], 4);
        map.set([1, 2, 3], 0);
        let before = map.byte_count();
        map.compact();
        assert!(map.byte_count() < before);
        assert_eq!(map.get([1, 2, 3]), 0);
    }

    proptest! {
        #[test]
        fn a_map_holds_what_was_set(edits in prop::collection::vec((0usize..50, 0usize..35, 0usize..40, 0u16..4), 1..60)) {
            let mut map = LabelMap::empty(grid([50, 35, 40]));
            let mut truth = std::collections::HashMap::new();
            for (i, j, k, label) in edits {
                map.set([i, j, k], label);
                truth.insert([i, j, k], label);
            }
            let mut seen = 0;
            map.for_each_labelled(|voxel, label| {
                seen += 1;
                assert_eq!(truth.get(&voxel), Some(&label));
            });
            for (axis, occupied) in map.occupied().into_iter().enumerate() {
                for (at, occupied) in occupied.into_iter().enumerate() {
                    prop_assert_eq!(occupied, truth.iter().any(|(voxel, label)| voxel[axis] == at && *label != 0));
                }
            }
            prop_assert_eq!(seen, truth.values().filter(|&&l| l != 0).count());
        }
    }
}
