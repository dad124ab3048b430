//! Tests of growing from seeds: against one queue and one thread, and on made images.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::*;
use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};
use crate::work::{Signal, Stopped};
use proptest::prelude::*;

fn volume(shape: [usize; 3], spacing_mm: [f64; 3], values: Vec<i16>) -> Volume {
    let columns = [[spacing_mm[0], 0.0, 0.0], [0.0, spacing_mm[1], 0.0], [0.0, 0.0, spacing_mm[2]]];
    let geometry = Geometry::new(shape, Affine::from_columns(columns, [0.0; 3])).unwrap();
    Volume::new(geometry, Voxels::I16(Arc::new(values)), vec![], Rescale::IDENTITY, String::new())
}

fn whole(volume: &Volume) -> Region {
    Region { start: [0; 3], end: volume.geometry.shape() }
}

fn strokes(volume: &Volume, drawn: &[([usize; 3], LabelValue)]) -> LabelMap {
    let mut map = LabelMap::empty(volume.geometry.clone());
    drawn.iter().for_each(|(voxel, label)| map.set(*voxel, *label));
    map
}

/// The cheapest paths by a queue of single voxels (Dijkstra 1959).
fn plainly(seeds: &[u8], size: [usize; 3], greys: &[u8], costs: &costs::Costs) -> Vec<u8> {
    let mut best = vec![(u32::MAX, 0u8); seeds.len()];
    let mut queue = BinaryHeap::new();
    for (at, owner) in seeds.iter().enumerate().filter(|(_, owner)| !matches!(**owner, 0 | 255)) {
        queue.push(Reverse((0, *owner, at)));
    }
    while let Some(Reverse((cost, owner, at))) = queue.pop() {
        if (cost, owner) >= best[at] || (seeds[at] != 0 && cost > 0) {
            continue;
        }
        best[at] = (cost, owner);
        let place = [at % size[0], at / size[0] % size[1], at / (size[0] * size[1])];
        for axis in 0..3 {
            for step in [-1, 1] {
                let mut near = place;
                near[axis] = near[axis].wrapping_add_signed(step);
                if near[axis] < size[axis] {
                    let near = (near[2] * size[1] + near[1]) * size[0] + near[0];
                    let more = costs.of(usize::from(owner) - 1).step(axis, greys[at], greys[near]);
                    queue.push(Reverse((cost + more, owner, near)));
                }
            }
        }
    }
    best.into_iter().map(|(_, owner)| owner).collect()
}

proptest! {
    #[test]
    fn every_voxel_goes_to_the_cheapest_path_on_any_number_of_threads(
        values in prop::collection::vec(0i16..200, 13 * 9 * 4),
        drawn in prop::collection::vec((0usize..13, 0usize..9, 0usize..4, 1u16..5), 4..20),
        spacing in prop::sample::select(vec![[1.0, 1.0, 1.0], [0.7, 0.7, 3.0], [2.0, 0.5, 1.0]])
    ) {
        let volume = volume([13, 9, 4], spacing, values);
        // Label 4 does not compete.
        let mut drawn: Vec<_> = drawn.into_iter().map(|(i, j, k, label)| ([i, j, k], label)).collect();
        drawn.extend([([0, 0, 0], 1), ([12, 8, 3], 2)]);
        let strokes = strokes(&volume, &drawn);
        let growing = SeedGrowing { volume: &volume, frame: 0, strokes: &strokes, labels: &[1, 2, 3], region: whole(&volume) };
        let on_threads = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| grow_from_seeds(&growing, Watch::unwatched())).unwrap()
        };
        let (one, three) = (on_threads(1), on_threads(3));
        prop_assert_eq!(&one.owners, &three.owners);
        let seeds = fronts::Seeds::new(&growing, &[1, 2, 3], Watch::unwatched()).unwrap().owners;
        let greys = grey::greys(&growing, Watch::unwatched()).unwrap();
        let costs = costs::Costs::new(costs::count(&seeds, &greys, 3), spacing);
        prop_assert_eq!(&one.owners, &plainly(&seeds, [13, 9, 4], &greys, &costs));
        // Strokes stay, walls belong to nobody.
        for (voxel, label) in drawn.iter().rev() {
            let now = strokes.get(*voxel);
            prop_assert_eq!(one.label(*voxel), if now == 4 { 0 } else { now }, "{:?} {}", voxel, label);
        }
    }
}

#[test]
fn a_ball_is_found_from_two_strokes_and_the_box_is_all_that_changes() {
    let inside = |[i, j, k]: [usize; 3]| {
        let off = [i as f64 - 15.0, j as f64 - 14.0, (k as f64 - 6.0) * 2.0];
        off.iter().map(|v| v * v).sum::<f64>() <= 81.0
    };
    let shape = [32, 30, 13];
    let at = |n: usize| [n % 32, n / 32 % 30, n / 960];
    // Shade over the whole volume, as coils give it.
    let small = |n: usize| i16::try_from(n).unwrap();
    let value = |n: usize| if inside(at(n)) { 300 } else { 100 } + small(at(n)[0] * 3) + small(n * 7919 % 23);
    let volume = volume(shape, [1.0, 1.0, 2.0], (0..32 * 30 * 13).map(value).collect());
    let mut drawn: Vec<([usize; 3], LabelValue)> = (12..19).map(|i| ([i, 14, 6], 7)).collect();
    drawn.extend((3..28).flat_map(|i| [([i, 2, 6], 2), ([i, 27, 6], 2), ([i, 14, 0], 2), ([i, 14, 12], 2)]));
    let strokes = strokes(&volume, &drawn);
    let labels = [2, 7];
    let growing = SeedGrowing { volume: &volume, frame: 0, strokes: &strokes, labels: &labels, region: whole(&volume) };
    let shares = grow_from_seeds(&growing, Watch::unwatched()).unwrap();
    let (mut both, mut ours, mut truth) = (0, 0, 0);
    for voxel in (0..32 * 30 * 13).map(at) {
        let (is_ours, is_true) = (shares.label(voxel) == 7, inside(voxel));
        both += usize::from(is_ours && is_true);
        ours += usize::from(is_ours);
        truth += usize::from(is_true);
    }
    let dice = 2.0 * f64::from(both as u32) / f64::from((ours + truth) as u32);
    assert!(dice > 0.97, "{dice}");
    // A box around the strokes of one label.
    let region = box_around(&strokes, &[7], 2.0).unwrap();
    assert_eq!((region.start, region.end), ([10, 12, 5], [21, 17, 8]));
    assert_eq!(box_around(&strokes, &[3], 2.0), None);
    let nearby = grow_from_seeds(&SeedGrowing { region, ..growing }, Watch::unwatched()).unwrap_err();
    assert!(nearby.to_string().contains("of the selected labels 1 is there"), "{nearby}");
}

#[test]
fn equal_fields_are_shared_by_distance_in_millimetres() {
    // No voxel differs from another: the border is half way, in a grid of 1 x 3 mm.
    let volume = volume([21, 7, 1], [1.0, 3.0, 1.0], vec![50; 147]);
    let strokes = strokes(&volume, &[([0, 3, 0], 1), ([20, 3, 0], 2)]);
    let growing = SeedGrowing { volume: &volume, frame: 0, strokes: &strokes, labels: &[1, 2], region: whole(&volume) };
    let shares = grow_from_seeds(&growing, Watch::unwatched()).unwrap();
    for j in 0..7 {
        let mut row = [0; 21];
        shares.read_row([0, j, 0], &mut row);
        assert_eq!(row.iter().filter(|label| **label == 1).count(), 11, "the lower label has the middle: {row:?}");
    }
}

#[test]
fn what_cannot_grow_says_why() {
    let scan = volume([4, 4, 1], [1.0; 3], (0..16).collect());
    let drawn = strokes(&scan, &[([0, 0, 0], 1), ([3, 3, 0], 2)]);
    let growing = SeedGrowing { volume: &scan, frame: 0, strokes: &drawn, labels: &[1, 2], region: whole(&scan) };
    let refused = |growing: SeedGrowing| grow_from_seeds(&growing, Watch::unwatched()).unwrap_err();
    assert_eq!(refused(SeedGrowing { labels: &[1, 3], ..growing }), SeedError::TooFew { present: 1 });
    assert_eq!(refused(SeedGrowing { labels: &[], ..growing }), SeedError::TooFew { present: 0 });
    let many: Vec<LabelValue> = (1..300).collect();
    assert_eq!(refused(SeedGrowing { labels: &many, ..growing }), SeedError::TooMany(299));
    let region = Region { start: [0; 3], end: [4, 5, 1] };
    assert_eq!(refused(SeedGrowing { region, ..growing }), SeedError::TooLarge([4, 5, 1]));
    let larger = volume([4, 5, 1], [1.0; 3], vec![0; 20]);
    let error = refused(SeedGrowing { volume: &larger, ..growing });
    assert_eq!(error, SeedError::Grid { strokes: [4, 4, 1], image: [4, 5, 1] });
    let signal = Signal::default();
    signal.stop();
    assert_eq!(grow_from_seeds(&growing, Watch::new(&signal)).unwrap_err(), SeedError::Stopped(Stopped));
}
