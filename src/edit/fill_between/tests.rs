//! Tests of fill between slices: what must never change, and made shapes.

use super::*;
use crate::volume::{Affine, Geometry};
use crate::work::Signal;
use proptest::prelude::*;

fn geometry(shape: [usize; 3]) -> Geometry {
    let affine = Affine::from_columns([[0.8, 0.0, 0.0], [0.0, 1.1, 0.0], [0.0, 0.0, 3.0]], [0.0; 3]);
    Geometry::new(shape, affine).unwrap()
}

fn filled(labels: &LabelMap, fill: &[LabelValue], axis: usize, method: FillMethod) -> Filled {
    fill_between(&Filling { labels, fill, axis, method }, Watch::unwatched()).unwrap()
}

const METHODS: [FillMethod; 2] = [FillMethod::SignedDistance, FillMethod::Contours];

proptest! {
    #[test]
    fn what_is_drawn_stays_and_every_slice_between_is_filled(
        drawn in prop::collection::vec((0usize..12, 0usize..10, 0usize..9, 1u16..4), 1..40), axis in 0usize..3, method in 0usize..2
    ) {
        let mut labels = LabelMap::empty(geometry([12, 10, 9]));
        drawn.iter().for_each(|(i, j, k, label)| labels.set([*i, *j, *k], *label));
        let filled = filled(&labels, &[1, 2], axis, METHODS[method]);
        let shape = labels.geometry().shape();
        let holds = |map: &LabelMap, label: LabelValue| {
            let mut slices = vec![false; shape[axis]];
            map.for_each_labelled(|voxel, own| slices[voxel[axis]] |= own == label);
            slices
        };
        let before: Vec<Vec<bool>> = (0..4).map(|label| holds(&labels, label)).collect();
        let mut counts = std::collections::BTreeMap::new();
        for voxel in (0..12 * 10 * 9).map(|n| [n % 12, n / 12 % 10, n / 120]) {
            let (old, new) = (labels.get(voxel), filled.labels.get(voxel));
            if old != new {
                // Nothing is painted over, and a slice that holds a label gets none of it.
                prop_assert!(old == 0 && (new == 1 || new == 2));
                prop_assert!(!before[usize::from(new)][voxel[axis]], "{:?}", voxel);
                *counts.entry(new).or_insert(0usize) += 1;
            }
        }
        for told in &filled.report {
            prop_assert_eq!(told.voxels, counts.get(&told.label).copied().unwrap_or(0));
            let slices = &before[usize::from(told.label)];
            let (first, last) = (slices.iter().position(|is| *is), slices.iter().rposition(|is| *is));
            let between = first.zip(last).map_or(0, |(first, last)| slices[first..=last].iter().filter(|is| !**is).count());
            prop_assert_eq!((told.drawn, told.between), (slices.iter().filter(|is| **is).count(), between));
        }
        // Where nothing else is in the way, no slice between stays without the label.
        if drawn.iter().all(|(.., label)| *label == 1) {
            let after = holds(&filled.labels, 1);
            let (first, last) = (after.iter().position(|is| *is).unwrap(), after.iter().rposition(|is| *is).unwrap());
            prop_assert!(after[first..=last].iter().all(|is| *is));
        }
    }
}

/// A ball of which every fourth slice is drawn.
fn ball(voxel: [usize; 3]) -> bool {
    let off = [(voxel[0] as f64 - 20.0) * 0.8, (voxel[1] as f64 - 16.0) * 1.1, (voxel[2] as f64 - 12.0) * 1.3];
    off.iter().map(|v| v * v).sum::<f64>() <= 15.5f64.powi(2)
}

#[test]
fn a_ball_comes_back_from_every_fourth_slice() {
    let truth = LabelMap::from_fn(geometry([41, 33, 25]), |voxel| u16::from(ball(voxel)) * 5);
    let drawn = LabelMap::from_fn(geometry([41, 33, 25]), |voxel| u16::from(ball(voxel) && voxel[2] % 4 == 2) * 5);
    for (method, least) in [(FillMethod::SignedDistance, 0.97), (FillMethod::Contours, 0.95)] {
        let filled = filled(&drawn, &[5], 2, method);
        let (mut both, mut all) = (0, 0);
        // From the first drawn slice to the last one.
        for voxel in (0..41 * 33 * 25).map(|n| [n % 41, n / 41 % 33, n / 1353]).filter(|v| (2..=22).contains(&v[2])) {
            let (a, b) = (truth.get(voxel) != 0, filled.labels.get(voxel) != 0);
            both += usize::from(a && b);
            all += usize::from(a) + usize::from(b);
        }
        let dice = 2.0 * both as f64 / all as f64;
        assert!(dice > least, "{method:?}: {dice}");
        assert_eq!((filled.report[0].drawn, filled.report[0].between), (6, 15));
    }
}

#[test]
fn two_slices_in_a_row_and_a_single_voxel_are_drawn_slices_too() {
    let square = |i: usize, j: usize, from: usize, to: usize| (from..to).contains(&i) && (from..to).contains(&j);
    let labels = LabelMap::from_fn(geometry([20, 20, 12]), |[i, j, k]| match k {
        2 | 4 => u16::from(square(i, j, 3, 16)),
        5 => u16::from(square(i, j, 6, 12)),
        8 => u16::from([i, j] == [9, 9]),
        _ => 0,
    });
    for method in METHODS {
        let filled = filled(&labels, &[1], 2, method);
        let area = |k: usize| (0..400).filter(|n| filled.labels.get([n % 20, n / 20, k]) == 1).count();
        assert_eq!([2, 3, 4, 5, 8].map(area), [169, 169, 169, 36, 1], "{method:?}");
        assert!(area(6) < 36 && area(7) <= area(6) && area(7) >= 1, "{method:?}: {} {}", area(6), area(7));
        assert_eq!(area(1) + area(9), 0);
    }
}

#[test]
fn one_part_becomes_two_and_another_one_ends() {
    let disc = |i: usize, j: usize, x: f64, y: f64, r: f64| (i as f64 - x).powi(2) + (j as f64 - y).powi(2) <= r * r;
    let labels = LabelMap::from_fn(geometry([50, 40, 5]), |[i, j, k]| {
        u16::from(match k {
            0 => disc(i, j, 16.0, 12.0, 9.0) || disc(i, j, 42.0, 32.0, 5.0),
            4 => disc(i, j, 11.0, 12.0, 4.0) || disc(i, j, 22.0, 12.0, 4.0),
            _ => false,
        })
    });
    for method in METHODS {
        let filled = filled(&labels, &[1], 2, method);
        let count = |k: usize| parts([[0, 0], [50, 40]], |[i, j]| filled.labels.get([i, j, k]) == 1).len();
        // The branch leaves the trunk; the lonely disc shrinks and is gone at the other end.
        assert_eq!((count(0), count(4)), (2, 2));
        let lonely = |k: usize| (0..200).filter(|n| filled.labels.get([37 + n % 13, 25 + n / 13, k]) == 1).count();
        assert!(lonely(0) > lonely(1) && lonely(1) > lonely(2) && lonely(2) > lonely(3) && lonely(3) > 0, "{method:?}");
        for k in 1..4 {
            assert_eq!(filled.labels.get([13, 12, k]), 1, "{method:?} {k}");
        }
    }
}

#[test]
fn other_labels_stay_and_two_that_meet_share_the_border() {
    // Two halves of a square that is drawn in slices 0 and 4, and a locked-looking bar of label 3 across slice 2.
    let labels = LabelMap::from_fn(geometry([20, 20, 5]), |[i, j, k]| match k {
        0 | 4 if (2..18).contains(&i) && (2..18).contains(&j) => 1 + u16::from(i >= 10),
        2 if j == 9 => 3,
        _ => 0,
    });
    let filled = filled(&labels, &[1, 2], 2, FillMethod::SignedDistance);
    for k in 1..4 {
        for (i, j) in (2..18).flat_map(|i| (2..18).map(move |j| (i, j))) {
            let wanted = if k == 2 && j == 9 { 3 } else { 1 + u16::from(i >= 10) };
            assert_eq!(filled.labels.get([i, j, k]), wanted, "{i} {j} {k}");
        }
    }
    assert_eq!(filled.report.iter().map(|told| told.kept).collect::<Vec<_>>(), [8, 8]);
}

#[test]
fn nothing_to_fill_changes_nothing_and_a_stop_is_a_stop() {
    let labels = LabelMap::from_fn(geometry([6, 6, 6]), |[i, j, k]| u16::from(i == 2 && j == 2 && (k == 1 || k == 2)));
    let same = filled(&labels, &[1, 9], 2, FillMethod::SignedDistance);
    assert!(same.labels.same_labels(&labels));
    assert_eq!(same.report[1], FilledLabel { label: 9, drawn: 0, between: 0, voxels: 0, kept: 0 });
    let signal = Signal::default();
    signal.stop();
    let filling = Filling { labels: &labels, fill: &[1], axis: 2, method: FillMethod::Contours };
    assert_eq!(fill_between(&filling, Watch::new(&signal)).err(), Some(Stopped));
}
