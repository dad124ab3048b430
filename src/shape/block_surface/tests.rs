//! Surfaces of blocks: closed across blocks, as large as their voxels, lit from outside, and made anew only where they must be.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::volume::{Affine, Geometry};

fn map(shape: [usize; 3], label: impl Fn([usize; 3]) -> LabelValue) -> LabelMap {
    LabelMap::from_fn(Geometry::new(shape, Affine::IDENTITY).unwrap(), label)
}

type Place = [i32; 3];

/// The triangles of a label in all blocks, by places in steps of the whole grid.
fn triangles(labels: &LabelMap, label: LabelValue, step: usize, is_mirrored: bool) -> Vec<[Place; 3]> {
    triangles_of(labels, label, |block| block_surface(labels, block, step, is_mirrored))
}

/// The same of simpler surfaces.
fn simpler_triangles(labels: &LabelMap, label: LabelValue, step: usize) -> Vec<[Place; 3]> {
    triangles_of(labels, label, |block| simpler_surface(&block_surface(labels, block, step, false), step))
}

fn triangles_of(
    labels: &LabelMap,
    label: LabelValue,
    surface_of: impl Fn([usize; 3]) -> BlockSurface,
) -> Vec<[Place; 3]> {
    let counts = block_counts(labels.geometry().shape());
    let mut all = Vec::new();
    for n in 0..counts.iter().product() {
        let block = [n % counts[0], n / counts[0] % counts[1], n / (counts[0] * counts[1])];
        let surface = surface_of(block);
        for part in surface.parts.iter().filter(|part| part.label == label) {
            let indices = &surface.indices[part.indices.start as usize..part.indices.end as usize];
            all.extend(indices.chunks_exact(3).map(|corners| {
                [0, 1, 2].map(|n| {
                    let vertex = surface.vertices[part.base as usize + usize::from(corners[n])];
                    let steps = STEPS_PER_VOXEL as i32;
                    [0, 1, 2].map(|axis| surface.origin[axis] * steps + i32::from(vertex[axis]))
                })
            }));
        }
    }
    all
}

/// Whether every edge is run along as often one way as the other.
fn is_closed(triangles: &[[Place; 3]]) -> bool {
    let mut edges: HashMap<[Place; 2], i32> = HashMap::new();
    for [a, b, c] in triangles {
        for (from, to) in [(a, b), (b, c), (c, a)] {
            *edges.entry([*from.min(to), *from.max(to)]).or_default() += if from < to { 1 } else { -1 };
        }
    }
    edges.values().all(|sum| *sum == 0)
}

/// Voxels inside, from the places in steps.
fn volume(triangles: &[[Place; 3]]) -> f64 {
    let of = |[a, b, c]: &[Place; 3]| {
        let [a, b, c] = [a, b, c].map(|p| p.map(|part| f64::from(part) / f64::from(STEPS_PER_VOXEL)));
        crate::volume::dot(a, crate::volume::cross(b, c)) / 6.0
    };
    triangles.iter().map(of).sum()
}

fn ball(centre: [f64; 3], radius: f64) -> impl Fn([usize; 3]) -> bool {
    move |voxel| (0..3).map(|axis| (voxel[axis] as f64 - centre[axis]).powi(2)).sum::<f64>() <= radius * radius
}

#[test]
fn a_ball_over_eight_blocks_is_closed_and_as_large_as_its_voxels() {
    let inside = ball([31.4, 32.0, 32.7], 14.0);
    let labels = map([64, 64, 64], |voxel| if inside(voxel) { 3 } else { 0 });
    let voxels = labels.counts()[&3] as f64;
    for (step, tolerance) in [(1, 0.03), (2, 0.12)] {
        let all = triangles(&labels, 3, step, false);
        assert!(is_closed(&all), "step {step}");
        let ratio = volume(&all) / voxels;
        assert!((ratio - 1.0).abs() < tolerance, "step {step}: {ratio}");
        assert!((volume(&triangles(&labels, 3, step, true)) / voxels + ratio).abs() < 1e-6, "mirrored turns inward");
    }
    let coarse = triangles(&labels, 3, 2, false).len();
    let fine = triangles(&labels, 3, 1, false).len();
    assert!(coarse * 3 < fine, "{coarse} of {fine}");
}

#[test]
fn a_simpler_ball_has_a_third_of_the_triangles_and_lies_where_it_lay() {
    let inside = ball([31.4, 32.0, 32.7], 24.0);
    let labels = map([64, 64, 64], |voxel| if inside(voxel) { 3 } else { 0 });
    let (fine, simpler) = (triangles(&labels, 3, 1, false), simpler_triangles(&labels, 3, 1));
    assert!(is_closed(&simpler));
    assert!(simpler.len() * 3 < fine.len(), "{} of {}", simpler.len(), fine.len());
    let ratio = volume(&simpler) / volume(&fine);
    assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
    let radius = |place: &Place| {
        let from = [31.4, 32.0, 32.7];
        (0..3).map(|n| (f64::from(place[n]) / f64::from(STEPS_PER_VOXEL) - from[n]).powi(2)).sum::<f64>().sqrt()
    };
    assert!(simpler.iter().flatten().all(|place| (radius(place) - 24.0).abs() < 1.0), "within a voxel");
}

#[test]
fn nothing_thin_gets_thinner() {
    // Plates and threads of one and two voxels at even and odd places, also where blocks meet.
    for (thick, at) in [(1, 9), (1, 10), (1, 31), (1, 32), (2, 12), (2, 13), (2, 31)] {
        for axis in 0..3 {
            let is_in = |voxel: [usize; 3], axis: usize| (at..at + thick).contains(&voxel[axis]);
            let plate = map([40; 3], |voxel| u16::from(is_in(voxel, axis)));
            let ratio = volume(&simpler_triangles(&plate, 1, 1)) / volume(&triangles(&plate, 1, 1, false));
            assert!(ratio > 0.95, "a plate of {thick} at {at} along {axis}: {ratio}");
            let thread = map([40; 3], |voxel| u16::from(is_in(voxel, (axis + 1) % 3) && is_in(voxel, (axis + 2) % 3)));
            let ratio = volume(&simpler_triangles(&thread, 1, 1)) / volume(&triangles(&thread, 1, 1, false));
            assert!(ratio > 0.7, "a thread of {thick} at {at} along {axis}: {ratio}");
        }
    }
}

#[test]
fn what_reaches_the_edge_of_the_grid_ends_there() {
    let labels = map([40, 33, 5], |_| 7);
    let all = triangles(&labels, 7, 1, false);
    assert!(is_closed(&all));
    let ratio = volume(&all) / (40.0 * 33.0 * 5.0);
    assert!((0.8..1.01).contains(&ratio), "{ratio}");
}

#[test]
fn normals_point_outward() {
    let inside = ball([15.5; 3], 9.0);
    let labels = map([32; 3], |voxel| u16::from(inside(voxel)));
    let surface = block_surface(&labels, [0; 3], 1, false);
    assert!(surface.vertices.len() > 500);
    for vertex in &surface.vertices {
        let [u, v] = [vertex[3] & 255, vertex[3] >> 8].map(|byte| (f32::from(byte) - 128.0) / 127.0);
        let z = 1.0 - u.abs() - v.abs();
        let unfold = |own: f32, other: f32| {
            if z < 0.0 { (1.0 - other.abs()) * if own < 0.0 { -1.0 } else { 1.0 } } else { own }
        };
        let normal = [unfold(u, v), unfold(v, u), z];
        let away = surface.place(*vertex).map(|part| part - 15.5);
        let length = |v: [f32; 3]| v.iter().map(|part| part * part).sum::<f32>().sqrt();
        let cosine = (0..3).map(|axis| normal[axis] * away[axis]).sum::<f32>() / length(normal) / length(away);
        assert!(cosine > 0.95, "{cosine} at {away:?}");
    }
}

fn noise(voxel: [usize; 3], seed: u64) -> u64 {
    let place = voxel.iter().fold(seed, |sum, n| sum.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(*n as u64 + 1));
    (place ^ (place >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_the_labels_their_surfaces_are_closed_across_blocks(seed: u64, share in 2u64..40) {
        let labels = map([37, 34, 35], |voxel| match noise(voxel, seed) % share { 0 => 1, 1 => 2, _ => 0 });
        for (label, step) in [(1, 1), (2, 1), (1, 2), (1, 4)] {
            prop_assert!(is_closed(&triangles(&labels, label, step, false)), "label {} step {}", label, step);
            prop_assert!(is_closed(&simpler_triangles(&labels, label, step)), "simpler: label {} step {}", label, step);
        }
    }

    #[test]
    fn blocks_that_are_not_around_a_change_stay_as_they_are(
        at in prop::array::uniform3(0usize..70), seed: u64, size in 1usize..4,
    ) {
        let before = map([70, 70, 70], |voxel| u16::from(noise(voxel.map(|n| n / 3), seed).is_multiple_of(3)));
        let region = Region { start: at, end: at.map(|n| (n + size).min(70)) };
        let after = map([70, 70, 70], |voxel| {
            let is_in = (0..3).all(|axis| (region.start[axis]..region.end[axis]).contains(&voxel[axis]));
            if is_in { 1 - before.get(voxel) } else { before.get(voxel) }
        });
        let touched = blocks_around(region, [70; 3], 2);
        for n in 0..27 {
            let block = [n % 3, n / 3 % 3, n / 9];
            if !touched.contains(&block) {
                for step in [1, 2] {
                    let [before, after] = [&before, &after].map(|labels| block_surface(labels, block, step, false));
                    prop_assert_eq!(&before, &after);
                }
            }
        }
    }
}
