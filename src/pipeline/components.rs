//! Connected parts of labels.

use std::collections::{BTreeMap, HashSet};

use crate::volume::{LabelMap, LabelValue};

/// Keeps the largest part of every label, parts being connected through voxel faces; of equals the first in storage order.
pub fn keep_largest(labels: &mut LabelMap) {
    let mut open: HashSet<[usize; 3]> = HashSet::new();
    let mut order: Vec<([usize; 3], LabelValue)> = Vec::new();
    labels.for_each_labelled(|voxel, label| {
        open.insert(voxel);
        order.push((voxel, label));
    });
    order.sort_by_key(|(voxel, _)| [voxel[2], voxel[1], voxel[0]]);
    let shape = labels.geometry().shape();
    let mut largest: BTreeMap<LabelValue, Vec<[usize; 3]>> = BTreeMap::new();
    let mut removed = Vec::new();
    for (seed, label) in order {
        if !open.remove(&seed) {
            continue;
        }
        let mut part = vec![seed];
        let mut next = 0;
        while next < part.len() {
            let voxel = part[next];
            next += 1;
            for axis in 0..3 {
                for step in [-1i64, 1] {
                    let Some(at) = voxel[axis].checked_add_signed(step as isize).filter(|&at| at < shape[axis]) else {
                        continue;
                    };
                    let mut neighbour = voxel;
                    neighbour[axis] = at;
                    if labels.get(neighbour) == label && open.remove(&neighbour) {
                        part.push(neighbour);
                    }
                }
            }
        }
        let kept = largest.entry(label).or_default();
        if part.len() > kept.len() {
            std::mem::swap(kept, &mut part);
        }
        removed.extend(part);
    }
    removed.into_iter().for_each(|voxel| labels.set(voxel, 0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};

    #[test]
    fn only_the_largest_part_of_each_label_stays() {
        let geometry = Geometry::new([8, 8, 8], Affine::IDENTITY).unwrap();
        let mut labels = LabelMap::empty(geometry);
        for i in 0..4 {
            labels.set([i, 0, 0], 1);
        }
        labels.set([6, 6, 6], 1);
        labels.set([7, 7, 7], 2);
        // Touching only by a corner is not connected.
        labels.set([4, 1, 0], 1);
        keep_largest(&mut labels);
        assert_eq!(labels.counts(), BTreeMap::from([(1, 4), (2, 1)]));
    }
}
