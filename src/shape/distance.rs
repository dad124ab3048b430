//! Exact Euclidean distance to a set of voxels. Source: Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled
//! Functions", 2012, with spacing.

use crate::work::memory;

/// Squared distances in square millimetres on a grid (i fastest); 0 where `inside` holds, infinite if it never does.
pub fn squared_distances(shape: [usize; 3], spacing_mm: [f64; 3], inside: impl Fn(usize) -> bool) -> Vec<f64> {
    let count = shape.iter().product();
    memory::must_have::<f64>(count);
    let mut field: Vec<f64> = (0..count).map(|n| if inside(n) { 0.0 } else { f64::INFINITY }).collect();
    let strides = [1, shape[0], shape[0] * shape[1]];
    for axis in 0..3 {
        let (length, stride) = (shape[axis], strides[axis]);
        let mut line = vec![0.0; length];
        let mut hull = Hull::default();
        for start in (0..count).filter(|n| n / stride % length == 0) {
            for (n, value) in line.iter_mut().enumerate() {
                *value = field[start + n * stride];
            }
            hull.transform(&mut line, spacing_mm[axis]);
            for (n, value) in line.iter().enumerate() {
                field[start + n * stride] = *value;
            }
        }
    }
    field
}

/// The lower hull of parabolas along one line.
#[derive(Default)]
struct Hull {
    roots: Vec<usize>,
    borders: Vec<f64>,
    heights: Vec<f64>,
}

impl Hull {
    fn transform(&mut self, line: &mut [f64], step: f64) {
        self.roots.clear();
        self.borders.clear();
        self.heights.clear();
        self.heights.extend_from_slice(line);
        let position = |n: usize| n as f64 * step;
        for n in (0..line.len()).filter(|&n| line[n].is_finite()) {
            loop {
                let Some(&root) = self.roots.last() else {
                    self.roots.push(n);
                    self.borders.push(f64::NEG_INFINITY);
                    break;
                };
                let (p, q) = (position(n), position(root));
                let border = ((line[n] + p * p) - (line[root] + q * q)) / (2.0 * (p - q));
                if border <= self.borders[self.borders.len() - 1] {
                    self.roots.pop();
                    self.borders.pop();
                    continue;
                }
                self.roots.push(n);
                self.borders.push(border);
                break;
            }
        }
        let mut current = 0;
        if self.roots.is_empty() {
            return;
        }
        for (n, value) in line.iter_mut().enumerate() {
            while current + 1 < self.roots.len() && self.borders[current + 1] < position(n) {
                current += 1;
            }
            let root = self.roots[current];
            *value = (position(n) - position(root)).powi(2) + self.heights[root];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distances_are_the_smallest(points in prop::collection::vec((0usize..5, 0usize..6, 0usize..4), 1..8)) {
            let (shape, spacing) = ([5, 6, 4], [0.7, 1.3, 2.0]);
            let set: Vec<[usize; 3]> = points.into_iter().map(|(i, j, k)| [i, j, k]).collect();
            let at = |n: usize| [n % 5, n / 5 % 6, n / 30];
            let field = squared_distances(shape, spacing, |n| set.contains(&at(n)));
            for (n, got) in field.iter().enumerate() {
                let want = set
                    .iter()
                    .map(|p| (0..3).map(|a| ((p[a] as f64 - at(n)[a] as f64) * spacing[a]).powi(2)).sum::<f64>())
                    .fold(f64::INFINITY, f64::min);
                prop_assert!((got - want).abs() < 1e-9, "{:?}: {got} {want}", at(n));
            }
        }
    }
}
