//! Exact Euclidean distances to a set of voxels. Source: Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled
//! Functions", 2012, with spacing.

use rayon::prelude::*;

use crate::work::{Stopped, Watch, memory};

/// Lines that a thread takes out of the field together, so that whole cache lines are moved.
const LINES: usize = 16;

/// Squared distances in square millimetres on a grid (i fastest), centre to centre; 0 where `inside` holds, infinite if it never does.
pub fn squared_distances(shape: [usize; 3], spacing_mm: [f64; 3], inside: impl Fn(usize) -> bool + Sync) -> Vec<f64> {
    // Stopped only when the process ends, and then the program is left anyway.
    squared_distances_within(shape, spacing_mm, f64::INFINITY, inside, Watch::unwatched())
        .unwrap_or_else(|Stopped| vec![f64::INFINITY; shape.iter().product()])
}

/// The same as far as `reach_mm`, which is faster where it is short: what is further away may have any larger value, or be infinite.
///
/// # Errors
/// When the work is stopped.
pub fn squared_distances_within(
    shape: [usize; 3],
    spacing_mm: [f64; 3],
    reach_mm: f64,
    inside: impl Fn(usize) -> bool + Sync,
    watch: Watch,
) -> Result<Vec<f64>, Stopped> {
    let count = shape.iter().product();
    let mut field: Vec<f64> = memory::zeros(count);
    if count == 0 {
        return Ok(field);
    }
    let [ni, nj, nk] = shape;
    // A little more, so that what lies exactly at the reach is kept.
    let furthest = (reach_mm * (1.0 + 1e-9)).powi(2);
    field.par_chunks_mut(ni).with_min_len(64).enumerate().try_for_each(|(row, line)| {
        watch.check()?;
        along_row(line, spacing_mm[0], |i| inside(row * ni + i));
        Ok(())
    })?;
    field.par_chunks_mut(ni * nj).try_for_each(|plane| {
        watch.check()?;
        let mut rows: Vec<&mut [f64]> = plane.chunks_mut(ni).collect();
        across(&mut rows, spacing_mm[1], furthest);
        Ok(())
    })?;
    // Rows of one j from all slices: disjoint parts for the threads, without a copy of the field.
    let mut planes: Vec<Vec<&mut [f64]>> = (0..nj).map(|_| Vec::with_capacity(nk)).collect();
    for (row, line) in field.chunks_mut(ni).enumerate() {
        planes[row % nj].push(line);
    }
    planes.par_iter_mut().try_for_each(|rows| {
        watch.check()?;
        across(rows, spacing_mm[2], furthest);
        Ok(())
    })?;
    Ok(field)
}

/// Squared distances to the nearest place inside of one row.
fn along_row(line: &mut [f64], step: f64, inside: impl Fn(usize) -> bool) {
    let mut last = None;
    for (i, value) in line.iter_mut().enumerate() {
        if inside(i) {
            last = Some(i);
        }
        *value = last.map_or(f64::INFINITY, |last| (i - last) as f64);
    }
    let mut next = f64::INFINITY;
    for value in line.iter_mut().rev() {
        next = if *value == 0.0 { 0.0 } else { next + 1.0 };
        *value = (value.min(next) * step).powi(2);
    }
}

/// Continues distances from row to row: `rows` are neighbours at a distance of `step`.
fn across(rows: &mut [&mut [f64]], step: f64, furthest: f64) {
    let length = rows.len();
    let width = rows.first().map_or(0, |row| row.len());
    let mut lines = vec![0.0; length * LINES];
    let mut hull = Hull::default();
    for start in (0..width).step_by(LINES) {
        let count = LINES.min(width - start);
        for (n, row) in rows.iter().enumerate() {
            for (line, value) in row[start..start + count].iter().enumerate() {
                lines[line * length + n] = *value;
            }
        }
        lines.chunks_mut(length).take(count).for_each(|line| hull.transform(line, step, furthest));
        for (n, row) in rows.iter_mut().enumerate() {
            for (line, value) in row[start..start + count].iter_mut().enumerate() {
                *value = lines[line * length + n];
            }
        }
    }
}

/// The lower hull of parabolas along one line.
#[derive(Default)]
struct Hull {
    /// Where parabolas of the hull have their lowest point, how low that is, and from where on each of them is the lowest of all.
    roots: Vec<(usize, f64, f64)>,
}

impl Hull {
    /// Replaces squared distances of single places by those along the line too; places beyond `furthest` give nothing.
    fn transform(&mut self, line: &mut [f64], step: f64, furthest: f64) {
        if line.iter().all(|value| *value == 0.0) {
            return;
        }
        self.roots.clear();
        let position = |n: usize| n as f64 * step;
        for (n, &height) in line.iter().enumerate() {
            if height > furthest || height == f64::INFINITY {
                continue;
            }
            let p = position(n);
            let mut from = f64::NEG_INFINITY;
            while let Some(&(root, low, border)) = self.roots.last() {
                let q = position(root);
                from = ((height + p * p) - (low + q * q)) / (2.0 * (p - q));
                if from > border {
                    break;
                }
                self.roots.pop();
                from = f64::NEG_INFINITY;
            }
            self.roots.push((n, height, from));
        }
        let Some(&(mut root, mut low, _)) = self.roots.first() else {
            line.fill(f64::INFINITY);
            return;
        };
        let mut following = self.roots[1..].iter().copied().peekable();
        for (n, value) in line.iter_mut().enumerate() {
            let p = position(n);
            while let Some(next) = following.next_if(|next| next.2 < p) {
                (root, low, _) = next;
            }
            *value = (p - position(root)).powi(2) + low;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;
    use proptest::prelude::*;

    const SHAPE: [usize; 3] = [21, 6, 5];
    const SPACING: [f64; 3] = [0.7, 1.3, 2.0];

    fn at(n: usize) -> [usize; 3] {
        [n % SHAPE[0], n / SHAPE[0] % SHAPE[1], n / (SHAPE[0] * SHAPE[1])]
    }

    proptest! {
        #[test]
        fn distances_are_the_smallest(
            points in prop::collection::vec((0usize..21, 0usize..6, 0usize..5), 1..8), reach in 0.0f64..9.0
        ) {
            let set: Vec<[usize; 3]> = points.into_iter().map(|(i, j, k)| [i, j, k]).collect();
            let inside = |n: usize| set.contains(&at(n));
            let field = squared_distances(SHAPE, SPACING, inside);
            let near = squared_distances_within(SHAPE, SPACING, reach, inside, Watch::unwatched()).unwrap();
            for (n, got) in field.iter().enumerate() {
                let want = set
                    .iter()
                    .map(|p| (0..3).map(|a| ((p[a] as f64 - at(n)[a] as f64) * SPACING[a]).powi(2)).sum::<f64>())
                    .fold(f64::INFINITY, f64::min);
                prop_assert!((got - want).abs() < 1e-9, "{:?}: {got} {want}", at(n));
                let is_near = want.sqrt() <= reach;
                prop_assert!(if is_near { (near[n] - got).abs() < 1e-9 } else { near[n] > got - 1e-9 }, "{:?}: {} {got}", at(n), near[n]);
            }
        }
    }

    #[test]
    fn nothing_is_infinitely_far_and_a_stop_is_heard() {
        assert!(squared_distances(SHAPE, SPACING, |_| false).iter().all(|value| *value == f64::INFINITY));
        assert!(squared_distances([0, 3, 3], SPACING, |_| true).is_empty());
        let signal = Signal::default();
        signal.stop();
        assert_eq!(squared_distances_within(SHAPE, SPACING, 3.0, |_| true, Watch::new(&signal)), Err(Stopped));
    }
}
