//! The connected parts of a label in two drawn slices, and which of them belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::picture::Pixels;

/// Parts without overlap that are paired with those of the other slice, at most.
const MOST_PAIRED: usize = 1000;

/// Parts of two drawn slices that become each other.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Their pixels in both slices. One of both may be empty: the part ends between the slices.
    pub shapes: [Pixels; 2],
    /// Whether it moves from centre to centre; branches stay where they are.
    pub is_moved: bool,
}

/// Connected parts, through corners too, of the pixels in `[start, end]` that `is_in` says are the label's.
pub(super) fn parts(window: [[usize; 2]; 2], is_in: impl Fn([usize; 2]) -> bool) -> Vec<Pixels> {
    let [start, end] = window;
    let size = [0, 1].map(|axis| end[axis].saturating_sub(start[axis]));
    let mut left: Vec<bool> = Vec::with_capacity(size[0] * size[1]);
    for row in start[1]..end[1] {
        left.extend((start[0]..end[0]).map(|column| is_in([column, row])));
    }
    let mut parts = Vec::new();
    for first in 0..left.len() {
        if !left[first] {
            continue;
        }
        left[first] = false;
        let mut open = vec![first];
        let mut pixels = Vec::new();
        while let Some(at) = open.pop() {
            let (column, row) = (at % size[0], at / size[0]);
            pixels.push([(start[0] + column) as i64, (start[1] + row) as i64]);
            for near_row in row.saturating_sub(1)..(row + 2).min(size[1]) {
                for near_column in column.saturating_sub(1)..(column + 2).min(size[0]) {
                    let near = near_row * size[0] + near_column;
                    if std::mem::take(&mut left[near]) {
                        open.push(near);
                    }
                }
            }
        }
        pixels.sort_unstable_by_key(|[x, y]| [*y, *x]);
        parts.push(Pixels(pixels));
    }
    parts
}

/// Which parts of one slice belong to which of the other.
///
/// Parts that overlap belong together, with all that overlap them in turn: one may become several. Of what is left, the parts whose centres
/// are nearest become each other. A part without a partner ends between the slices.
pub(super) fn groups(ends: &[Vec<Pixels>; 2], spacing_mm: [f64; 2]) -> Vec<Group> {
    let [first, second] = ends;
    let mut owners: HashMap<[i64; 2], usize> = HashMap::new();
    for (m, part) in second.iter().enumerate() {
        owners.extend(part.0.iter().map(|pixel| (*pixel, m)));
    }
    let mut links: BTreeSet<[usize; 2]> = BTreeSet::new();
    for (n, part) in first.iter().enumerate() {
        links.extend(part.0.iter().filter_map(|pixel| owners.get(pixel)).map(|m| [n, *m]));
    }
    let pairs = nearest(ends, &links, spacing_mm);
    // Parts that are linked, directly or through others, have one root.
    let mut parents: Vec<usize> = (0..first.len() + second.len()).collect();
    for [n, m] in links.into_iter().chain(pairs) {
        let (a, b) = (root(&mut parents, n), root(&mut parents, first.len() + m));
        parents[a.max(b)] = a.min(b);
    }
    let mut members: BTreeMap<usize, [Vec<&Pixels>; 2]> = BTreeMap::new();
    for (end, parts) in ends.iter().enumerate() {
        for (n, part) in parts.iter().enumerate() {
            let own = root(&mut parents, n + end * first.len());
            members.entry(own).or_default()[end].push(part);
        }
    }
    let group = |parts: [Vec<&Pixels>; 2]| Group {
        is_moved: parts.iter().all(|parts| parts.len() == 1),
        shapes: parts.map(|parts| Pixels(parts.into_iter().flat_map(|part| part.0.iter().copied()).collect())),
    };
    members.into_values().map(group).collect()
}

/// Follows the links of a part to the one that stands for all that are linked, and shortens the way.
fn root(parents: &mut [usize], mut part: usize) -> usize {
    while parents[part] != part {
        parents[part] = parents[parents[part]];
        part = parents[part];
    }
    part
}

/// Pairs of parts that overlap nothing, nearest centres first. Where a slice has very many, the largest are paired.
fn nearest(ends: &[Vec<Pixels>; 2], links: &BTreeSet<[usize; 2]>, spacing_mm: [f64; 2]) -> Vec<[usize; 2]> {
    let alone = |end: usize| {
        let linked: BTreeSet<usize> = links.iter().map(|link| link[end]).collect();
        let mut left: Vec<usize> = (0..ends[end].len()).filter(|n| !linked.contains(n)).collect();
        left.sort_by_key(|n| std::cmp::Reverse(ends[end][*n].len()));
        left.truncate(MOST_PAIRED);
        left.into_iter().map(|n| (n, ends[end][n].centre())).collect::<Vec<_>>()
    };
    let (first, second) = (alone(0), alone(1));
    let mut all: Vec<(f64, [usize; 2])> = Vec::with_capacity(first.len() * second.len());
    for (n, a) in &first {
        for (m, b) in &second {
            let distance = (0..2).map(|axis| ((a[axis] - b[axis]) * spacing_mm[axis]).powi(2)).sum();
            all.push((distance, [*n, *m]));
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut taken = [BTreeSet::new(), BTreeSet::new()];
    let mut pairs = Vec::new();
    for (_, [n, m]) in all {
        if !taken[0].contains(&n) && !taken[1].contains(&m) {
            taken[0].insert(n);
            taken[1].insert(m);
            pairs.push([n, m]);
        }
    }
    pairs
}
