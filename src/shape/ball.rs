//! Balls in millimetres on a grid, and which voxels lie within a ball of a set: exact, without a map of distances.

use super::voxel_bits::{VoxelBits, last_word};
use crate::work::{Stopped, Watch};

/// What is meant to lie exactly on a ball counts as inside: 3 times 0.7 mm is 2.0999999999999996 mm. In voxels of the smallest spacing.
const TOLERANCE: f64 = 1e-4;
/// Voxels that a ball reaches from its centre at most.
const FURTHEST: usize = 256;
/// Slices that a thread takes at a time, at least.
const SLICES: usize = 32;

/// All voxels whose centres lie within a radius of a voxel's centre, the voxel itself included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ball {
    /// How far it reaches along i, for offsets along k and along j: `rows[dk][dj]`.
    rows: Vec<Vec<usize>>,
}

/// A ball has more voxels than can be worked with.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "{radius_mm} mm are more than {FURTHEST} voxels of this grid; at most {:.3} mm can be used here", 
    FURTHEST as f64 * smallest_mm
)]
pub struct TooWide {
    /// The radius that was asked for.
    pub radius_mm: f64,
    /// The smallest spacing of the grid.
    pub smallest_mm: f64,
}

impl Ball {
    /// A ball on a grid of this spacing. It is flat, a disc or a line, where it does not reach along all `axes`.
    ///
    /// # Errors
    /// When it is too wide.
    pub fn new(radius_mm: f64, spacing_mm: [f64; 3], axes: [bool; 3]) -> Result<Self, TooWide> {
        let smallest_mm = spacing_mm.into_iter().fold(f64::INFINITY, f64::min);
        let radius = if radius_mm < 0.0 { 0.0 } else { radius_mm } + TOLERANCE * smallest_mm;
        if radius.is_nan() || radius / smallest_mm > FURTHEST as f64 + 0.5 {
            return Err(TooWide { radius_mm, smallest_mm });
        }
        // How many steps along an axis fit into what is left of the squared radius.
        let steps = |rest: f64, axis: usize| if axes[axis] { (rest.sqrt() / spacing_mm[axis]) as usize } else { 0 };
        let left = |rest: f64, axis: usize, steps: usize| rest - (steps as f64 * spacing_mm[axis]).powi(2);
        let whole = radius * radius;
        let of_slice = |dk: usize| {
            let rest = left(whole, 2, dk);
            (0..=steps(rest, 1)).map(|dj| steps(left(rest, 1, dj), 0)).collect()
        };
        Ok(Self { rows: (0..=steps(whole, 2)).map(of_slice).collect() })
    }

    /// How many voxels it reaches along each axis.
    pub fn reach(&self) -> [usize; 3] {
        [self.rows[0][0], self.rows[0].len() - 1, self.rows.len() - 1]
    }

    /// Whether it is its centre alone.
    pub fn is_point(&self) -> bool {
        self.reach() == [0; 3]
    }
}

/// All voxels of the box from which a voxel of the set lies within the ball: the set dilated by the ball.
///
/// # Errors
/// When the work is stopped.
pub fn within(set: &VoxelBits, ball: &Ball, watch: Watch) -> Result<VoxelBits, Stopped> {
    let shape = set.shape();
    let reach = ball.reach()[2];
    let mut found = VoxelBits::empty(shape);
    let slices = shape[2].div_ceil(4 * rayon::current_num_threads()).max(SLICES).max(reach);
    found.for_each_block(slices, watch, |first, block, width| {
        let mut wide = Widened::new(width, shape);
        let length = width * shape[1];
        let end = first + block.len() / length;
        for k in first.saturating_sub(reach)..(end + reach).min(shape[2]) {
            watch.check()?;
            if !wide.take(set.slice(k), ball.reach()[0]) {
                continue;
            }
            for (dk, rows) in ball.rows.iter().enumerate() {
                let targets = [k.checked_sub(dk), (dk > 0).then_some(k + dk)];
                let mut targets = targets.into_iter().flatten().filter(|k| (first..end).contains(k)).peekable();
                if targets.peek().is_none() {
                    continue;
                }
                let (from, disc) = wide.by_disc(rows);
                for target in targets {
                    let start = (target - first) * length + from;
                    block[start..start + disc.len()].iter_mut().zip(disc).for_each(|(word, more)| *word |= more);
                }
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// A slice, widened along i by every number of voxels up to a reach.
struct Widened {
    width: usize,
    rows: usize,
    last: u64,
    /// The rows that have voxels.
    start: usize,
    end: usize,
    /// Those rows, widened by 0, 1, 2 and so on.
    levels: Vec<u64>,
    disc: Vec<u64>,
}

impl Widened {
    fn new(width: usize, shape: [usize; 3]) -> Self {
        let (levels, disc) = (Vec::new(), vec![0; width * shape[1]]);
        Self { width, rows: shape[1], last: last_word(shape[0]), start: 0, end: 0, levels, disc }
    }

    /// Takes a slice up; whether it has voxels.
    fn take(&mut self, slice: &[u64], reach: usize) -> bool {
        let Some(first) = slice.iter().position(|word| *word != 0) else { return false };
        let last = slice.iter().rposition(|word| *word != 0).unwrap_or(first);
        (self.start, self.end) = (first / self.width, last / self.width + 1);
        let slice = &slice[self.start * self.width..self.end * self.width];
        self.levels.clear();
        self.levels.extend_from_slice(slice);
        for level in 0..reach {
            for row in 0..self.end - self.start {
                let narrow = level * slice.len() + row * self.width;
                for n in 0..self.width {
                    let word = self.levels[narrow + n];
                    let before = if n > 0 { self.levels[narrow + n - 1] >> 63 } else { 0 };
                    let behind = if n + 1 < self.width { self.levels[narrow + n + 1] << 63 } else { 0 };
                    self.levels.push(word | word << 1 | before | word >> 1 | behind);
                }
                let end = self.levels.len() - 1;
                self.levels[end] &= self.last;
            }
        }
        true
    }

    /// The slice dilated by a disc, which reaches so far along i for offsets along j: from which word of a slice on, and the words.
    fn by_disc(&mut self, reach: &[usize]) -> (usize, &[u64]) {
        let height = reach.len() - 1;
        let (from, to) = (self.start.saturating_sub(height), (self.end + height).min(self.rows));
        let length = (self.end - self.start) * self.width;
        let disc = &mut self.disc[..(to - from) * self.width];
        disc.fill(0);
        for (dj, reach) in reach.iter().enumerate() {
            let level = &self.levels[reach * length..][..length];
            // Rows above the first row of the volume are left out, and so are those below its last.
            let hidden = dj.saturating_sub(self.start);
            if hidden < self.end - self.start {
                let start = (self.start + hidden - dj - from) * self.width;
                add(&mut disc[start..], &level[hidden * self.width..]);
            }
            if dj > 0 && self.start + dj < to {
                add(&mut disc[(self.start + dj - from) * self.width..], level);
            }
        }
        (from * self.width, disc)
    }
}

/// Adds bits as far as both reach.
fn add(words: &mut [u64], more: &[u64]) {
    words.iter_mut().zip(more).for_each(|(word, more)| *word |= more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;
    use proptest::prelude::*;

    const ALL: [bool; 3] = [true; 3];

    #[test]
    fn what_lies_exactly_on_the_ball_is_inside() {
        // 3 * 0.7 is a little less than 2.1, and 3 * 1.1 a little more than 3.3.
        assert_eq!(Ball::new(2.1, [0.7, 0.7, 5.0], ALL).unwrap().reach(), [3, 3, 0]);
        assert_eq!(Ball::new(3.3, [1.1, 1.1, 3.3], ALL).unwrap().reach(), [3, 3, 1]);
        assert_eq!(Ball::new(2.0999, [0.7, 0.7, 5.0], ALL).unwrap().reach(), [2, 2, 0]);
        assert!(Ball::new(0.69, [0.7; 3], ALL).unwrap().is_point());
        assert_eq!(Ball::new(5.0, [1.0; 3], [true, false, true]).unwrap().reach(), [5, 0, 5]);
        assert!(Ball::new(-3.0, [1.0; 3], ALL).unwrap().is_point());
        let voxels = |radius| {
            let ball = Ball::new(radius, [1.0; 3], ALL).unwrap();
            let times = |n: usize, of: usize| if n == 0 { of } else { 2 * of };
            let row = |dk: usize| ball.rows[dk].iter().enumerate().map(|(dj, i)| times(dj, 2 * i + 1)).sum::<usize>();
            (0..ball.rows.len()).map(|dk| times(dk, row(dk))).sum::<usize>()
        };
        assert_eq!([1.0, 2.0, 3.0, 4.0, 5.0].map(voxels), [7, 33, 123, 257, 515]);
    }

    #[test]
    fn a_ball_that_is_too_wide_says_what_can_be_had() {
        let refused = Ball::new(3.0, [0.01, 0.01, 1.0], ALL).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "3 mm are more than 256 voxels of this grid; at most 2.560 mm can be used here"
        );
        assert!(Ball::new(2.56, [0.01, 0.01, 1.0], ALL).is_ok());
        assert!(Ball::new(f64::NAN, [1.0; 3], ALL).is_err() && Ball::new(f64::INFINITY, [1.0; 3], ALL).is_err());
    }

    #[test]
    fn a_stop_is_heard() {
        let signal = Signal::default();
        signal.stop();
        let ball = Ball::new(2.0, [1.0; 3], ALL).unwrap();
        assert_eq!(within(&VoxelBits::empty([3; 3]), &ball, Watch::new(&signal)), Err(Stopped));
    }

    proptest! {
        #[test]
        fn voxels_within_a_ball_are_those_with_a_centre_that_near(
            points in prop::collection::vec((0usize..70, 0usize..9, 0usize..8), 0..6),
            radius in 0.0f64..9.0, spacing in prop::sample::select(vec![[0.7, 0.7, 2.1], [0.1, 3.0, 1.1], [1.0; 3]]),
            axes in prop::sample::select(vec![ALL, [true, true, false], [false, false, true]]), exact in any::<bool>(),
        ) {
            let shape = [70, 9, 8];
            // A multiple of a spacing half of the time.
            let radius = if exact { (radius / spacing[0]).floor() * spacing[0] } else { radius };
            let ball = Ball::new(radius, spacing, axes).unwrap();
            let mut set = VoxelBits::empty(shape);
            for (i, j, k) in &points {
                set = set.with(&VoxelBits::from_rows(shape, Watch::unwatched(), |row, slice, is_in| {
                    is_in.fill(false);
                    is_in[*i] = (row, slice) == (*j, *k);
                }).unwrap());
            }
            let found = within(&set, &ball, Watch::unwatched()).unwrap();
            for n in 0..70 * 72 {
                let at = [n % 70, n / 70 % 9, n / 630];
                let near = points.iter().any(|(i, j, k)| {
                    let off = [i.abs_diff(at[0]), j.abs_diff(at[1]), k.abs_diff(at[2])];
                    let mm: f64 = (0..3).map(|a| (off[a] as f64 * spacing[a]).powi(2)).sum();
                    (0..3).all(|a| axes[a] || off[a] == 0) && mm.sqrt() <= radius + 1e-4 * spacing[0].min(spacing[2])
                });
                prop_assert_eq!(found.contains(at), near, "{:?}", at);
            }
        }
    }
}
