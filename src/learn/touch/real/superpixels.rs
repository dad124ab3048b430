//! Superpixels of a picture: Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", 2004.

use crate::engine::Random;
use crate::pipeline::smooth;

/// Steps of grey that are told apart when neighbours are sorted.
const LEVELS: usize = 1024;

/// Regions of `[rows, columns]`, 0 to 254. Two regions may have the same number where there are many; their parts are told apart.
pub fn superpixels(image: &[f32], size: [usize; 2], random: &mut Random) -> Vec<u8> {
    let [rows, columns] = size;
    let plane = smooth(image, size, random.between(0.5, 1.5));
    // How readily regions grow: `k` in the paper, of values from 0 to 1.
    let scale = 0.3 * random.between(0.0, 3.2).exp() as f32;
    let mut buckets: Vec<Vec<(u32, u32)>> = vec![Vec::new(); LEVELS];
    for at in 0..plane.len() {
        let mut pair = |other: usize| {
            let step = ((plane[at] - plane[other]).abs() * LEVELS as f32) as usize;
            buckets[step.min(LEVELS - 1)].push((at as u32, other as u32));
        };
        if at % columns + 1 < columns {
            pair(at + 1);
        }
        if at / columns + 1 < rows {
            pair(at + columns);
        }
    }
    let mut forest = Forest::new(plane.len());
    for (level, pairs) in buckets.iter().enumerate() {
        let weight = level as f32 / LEVELS as f32;
        for (a, b) in pairs {
            let (a, b) = (forest.root(*a), forest.root(*b));
            let allowed = |root: u32| {
                let tree = &forest.trees[root as usize];
                tree.widest + scale / tree.count as f32
            };
            if a != b && weight <= allowed(a).min(allowed(b)) {
                forest.join(a, b, weight);
            }
        }
    }
    let least = 10 + random.index(60) as u32;
    for (a, b) in buckets.iter().flatten() {
        let (a, b) = (forest.root(*a), forest.root(*b));
        let is_small = |root: u32| forest.trees[root as usize].count < least;
        if a != b && (is_small(a) || is_small(b)) {
            forest.join(a, b, 1.0);
        }
    }
    let mut numbers = vec![u8::MAX; plane.len()];
    let mut next = 0u8;
    (0..plane.len() as u32)
        .map(|at| {
            let root = forest.root(at) as usize;
            if numbers[root] == u8::MAX {
                numbers[root] = next;
                next = (next + 1) % u8::MAX;
            }
            numbers[root]
        })
        .collect()
}

/// A tree of pixels.
struct Tree {
    parent: u32,
    count: u32,
    /// The largest step within it.
    widest: f32,
}

struct Forest {
    trees: Vec<Tree>,
}

impl Forest {
    fn new(count: usize) -> Self {
        Self { trees: (0..count as u32).map(|parent| Tree { parent, count: 1, widest: 0.0 }).collect() }
    }

    fn root(&mut self, mut at: u32) -> u32 {
        while self.trees[at as usize].parent != at {
            let parent = self.trees[at as usize].parent;
            let above = self.trees[parent as usize].parent;
            self.trees[at as usize].parent = above;
            at = above;
        }
        at
    }

    /// Joins two roots.
    fn join(&mut self, a: u32, b: u32, weight: f32) {
        let (count, other) = (self.trees[a as usize].count, self.trees[b as usize].count);
        let (from, to) = if count < other { (a, b) } else { (b, a) };
        self.trees[from as usize].parent = to;
        let tree = &mut self.trees[to as usize];
        (tree.count, tree.widest) = (count + other, weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_fields_become_one_region_each() {
        let image: Vec<f32> = (0..60 * 60)
            .map(|n| {
                if n % 60 < 25 {
                    0.1
                } else if n / 60 < 30 {
                    0.9
                } else {
                    0.5
                }
            })
            .collect();
        let regions = superpixels(&image, [60, 60], &mut Random::new(2, 9));
        let [left, above, below] = [30 * 60 + 5, 10 * 60 + 50, 50 * 60 + 50].map(|at| regions[at]);
        assert!(left != above && above != below && left != below);
        let same = (0..3600).filter(|n| n % 60 < 20 && regions[*n] == left).count();
        assert_eq!(same, 1200);
    }
}
