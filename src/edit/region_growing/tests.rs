//! Tests of region growing against the plainest way to say what is connected.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::volume::{Affine, Geometry, Rescale, Voxels};
use crate::work::Signal;
use proptest::prelude::*;

fn volume(shape: [usize; 3], values: Vec<i16>, rescale: Rescale) -> Volume {
    let geometry = Geometry::new(shape, Affine::IDENTITY).unwrap();
    Volume::new(geometry, Voxels::I16(Arc::new(values)), vec![], rescale, String::new())
}

fn at<'a>(volume: &'a Volume, seeds: &'a [[usize; 3]]) -> Growing<'a> {
    Growing { volume, frame: 0, seeds, within: None }
}

fn listed(set: &VoxelSet) -> BTreeSet<[usize; 3]> {
    let mut all = BTreeSet::new();
    set.for_each_run(|[i, j, k], length| all.extend((i..i + length).map(|i| [i, j, k])));
    all
}

/// One voxel after the other.
fn plainly(shape: [usize; 3], seeds: &[[usize; 3]], is_in: impl Fn([usize; 3]) -> bool) -> BTreeSet<[usize; 3]> {
    let mut found = BTreeSet::new();
    let mut open: Vec<[usize; 3]> = seeds.to_vec();
    while let Some(voxel) = open.pop() {
        if !is_in(voxel) || !found.insert(voxel) {
            continue;
        }
        for axis in 0..3 {
            for step in [-1, 1] {
                let mut near = voxel;
                near[axis] = near[axis].wrapping_add_signed(step);
                if near[axis] < shape[axis] {
                    open.push(near);
                }
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn what_grows_is_what_is_connected(
        values in prop::collection::vec(0i16..4, 70 * 4 * 3), seed in (0usize..70, 0usize..4, 0usize..3),
        high in 1i16..3, slope in prop::sample::select(vec![1.0, -0.5]), radius in (0usize..2, 0usize..2, 0usize..2)
    ) {
        let shape = [70, 4, 3];
        let volume = volume(shape, values, Rescale::Uniform { slope, intercept: 10.0 });
        let seed = [seed.0, seed.1, seed.2];
        let edges = [f64::from(high) * slope + 10.0, 10.0];
        let bounds = [edges[0].min(edges[1]), edges[0].max(edges[1])];
        let is_in = |v: [usize; 3]| (bounds[0]..=bounds[1]).contains(&volume.value(v, 0));
        let wanted = plainly(shape, &[seed], is_in);
        match connected(&at(&volume, &[seed]), bounds, Watch::unwatched()) {
            Ok(grown) => prop_assert_eq!(listed(&grown.voxels), wanted),
            Err(error) => prop_assert!(wanted.is_empty(), "{}", error),
        }
        // A part of the grid is a wall.
        let within = Region { start: [0, 1, 0], end: [40, 4, 2] };
        let wanted = plainly(shape, &[seed], |v| within.contains(v) && is_in(v));
        match connected(&Growing { within: Some(within), ..at(&volume, &[seed]) }, bounds, Watch::unwatched()) {
            Ok(grown) => prop_assert_eq!(listed(&grown.voxels), wanted),
            Err(error) => prop_assert!(wanted.is_empty(), "{}", error),
        }
        let radius = [radius.0, radius.1, radius.2];
        let whole_box = |v: [usize; 3]| {
            let near = |axis: usize| v[axis].saturating_sub(radius[axis])..(v[axis] + radius[axis] + 1).min(shape[axis]);
            near(2).all(|k| near(1).all(|j| near(0).all(|i| is_in([i, j, k]))))
        };
        let wanted = plainly(shape, &[seed], |v| within.contains(v) && whole_box(v));
        let seeds = [seed];
        let growing = Growing { within: Some(within), ..at(&volume, &seeds) };
        match neighbourhood_connected(&growing, bounds, radius, false, Watch::unwatched()) {
            Ok(grown) => prop_assert_eq!(listed(&grown.voxels), wanted),
            Err(error) => prop_assert!(wanted.is_empty(), "{}", error),
        }
    }

    #[test]
    fn confidence_follows_its_definition(
        values in prop::collection::vec(0i16..40, 12 * 5 * 3), seeds in prop::collection::vec((0usize..12, 0usize..5, 0usize..3), 1..3),
        rounds in 0usize..4, factor in 0.5f64..3.0
    ) {
        let shape = [12, 5, 3];
        let volume = volume(shape, values, Rescale::IDENTITY);
        let seeds: Vec<[usize; 3]> = seeds.into_iter().map(|(i, j, k)| [i, j, k]).collect();
        let clamped = |v: usize, step: isize, n: usize| v.saturating_add_signed(step).min(n - 1);
        let mut sample = Vec::new();
        for seed in &seeds {
            for (i, j, k) in (0..27).map(|n| (n % 3 - 1, n / 3 % 3 - 1, n / 9 - 1)) {
                sample.push(volume.value([clamped(seed[0], i, 12), clamped(seed[1], j, 5), clamped(seed[2], k, 3)], 0));
            }
        }
        let mut wanted = BTreeSet::new();
        for round in 0..=rounds {
            let count = f64::from(u32::try_from(sample.len()).unwrap());
            let mean = sample.iter().sum::<f64>() / count;
            let variance = sample.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
            if round > 0 && (variance == 0.0 || sample.len() == 1) {
                break;
            }
            let at_seeds = seeds.iter().map(|seed| volume.value(*seed, 0));
            let low = at_seeds.clone().fold(mean - factor * variance.sqrt(), f64::min);
            let high = at_seeds.fold(mean + factor * variance.sqrt(), f64::max);
            wanted = plainly(shape, &seeds, |v| (low..=high).contains(&volume.value(v, 0)));
            sample = wanted.iter().map(|v| volume.value(*v, 0)).collect();
        }
        let how = Confidence { factor, rounds, radius: 1 };
        let grown = confidence_connected(&at(&volume, &seeds), &how, Watch::unwatched()).unwrap();
        prop_assert_eq!(listed(&grown.voxels), wanted);
    }
}

#[test]
fn what_does_not_grow_says_why() {
    let volume = volume([3, 1, 1], vec![0, 5, 9], Rescale::IDENTITY);
    let refused = |seeds: &[[usize; 3]], bounds| {
        connected(&at(&volume, seeds), bounds, Watch::unwatched()).unwrap_err().to_string()
    };
    let beyond = refused(&[[2, 0, 0]], [4.5, 8.5]);
    assert!(
        beyond.starts_with("the value 9 at the seed [2, 0, 0] is not between 4.5 and 8.5, so nothing grew"),
        "{beyond}"
    );
    assert!(refused(&[], [0.0, 1.0]).contains("without a seed"));
    assert!(refused(&[[3, 0, 0]], [0.0, 1.0]).contains("[3, 0, 0] is outside"));
    assert!(refused(&[[1, 0, 0]], [2.0, f64::NAN]).contains("nothing lies between"));
    let narrow = neighbourhood_connected(&at(&volume, &[[1, 0, 0]]), [1.0, 9.0], [1, 0, 0], false, Watch::unwatched());
    assert!(narrow.unwrap_err().to_string().contains("further inside"));
    // One of two seeds is enough; the other is counted.
    let grown = connected(&at(&volume, &[[0, 0, 0], [1, 0, 0]]), [4.5, 9.0], Watch::unwatched()).unwrap();
    assert_eq!((grown.voxels.len(), grown.idle_seeds), (2, 1));
}

#[test]
fn a_fraction_of_a_bound_counts_in_an_image_of_whole_numbers() {
    let volume = volume([3, 1, 1], vec![20, 21, 22], Rescale::IDENTITY);
    let grown = connected(&at(&volume, &[[1, 0, 0]]), [20.5, 22.0], Watch::unwatched()).unwrap();
    assert_eq!(listed(&grown.voxels), BTreeSet::from([[1, 0, 0], [2, 0, 0]]));
}

#[test]
fn growing_back_gives_the_shape_its_size_again() {
    // A block of 5 x 5 x 1 with a line of one voxel that leads away.
    let shape = [12, 7, 1];
    let inside = |n: usize| (1..6).contains(&(n % 12)) && (1..6).contains(&(n / 12)) || (n / 12 == 3 && n % 12 > 5);
    let volume = volume(shape, (0..84).map(|n| i16::from(inside(n))).collect(), Rescale::IDENTITY);
    let grow = |back| {
        let growing = at(&volume, &[[3, 3, 0]]);
        neighbourhood_connected(&growing, [1.0, 1.0], [1, 1, 0], back, Watch::unwatched()).unwrap().voxels
    };
    assert_eq!((grow(false).len(), grow(true).len()), (9, 25));
    assert!(!grow(true).contains([6, 3, 0]));
}

#[test]
fn a_stop_is_a_stop_and_values_without_number_never_grow() {
    let signal = Signal::default();
    signal.stop();
    let scan = volume([3, 1, 1], vec![1, 1, 1], Rescale::IDENTITY);
    let stopped = connected(&at(&scan, &[[0, 0, 0]]), [0.0, 2.0], Watch::new(&signal));
    assert_eq!(stopped.unwrap_err(), GrowError::Stopped(Stopped));
    let geometry = scan.geometry.clone();
    let voxels = Voxels::F32(Arc::new(vec![1.0, f32::NAN, 1.0]));
    let holed = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new());
    let grown = connected(&at(&holed, &[[0, 0, 0]]), [f64::NEG_INFINITY, f64::INFINITY], Watch::unwatched()).unwrap();
    assert_eq!(grown.voxels.len(), 1);
    let unknown = confidence_connected(&at(&holed, &[[1, 0, 0]]), &Confidence::default(), Watch::unwatched());
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "the values at the seed [1, 0, 0] are no numbers, so nothing grew; click elsewhere"
    );
}
