//! Figures against numpy, which solved for the corners in world millimetres (no pixel of a slice is known there).

use std::sync::Arc;

use super::*;
use crate::volume::{Affine, Plane, Rescale, Voxels};

const SHAPE: [usize; 3] = [14, 11, 6];

fn anisotropic() -> Affine {
    Affine::from_columns([[-0.5, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 3.0]], [3.0, 2.0, 1.0])
}

/// The first voxel axis runs up, the second to the left.
fn permuted() -> Affine {
    Affine::from_columns([[0.0, 0.0, 1.25], [-0.7, 0.0, 0.0], [0.0, 2.0, 0.0]], [-5.0, 4.0, 2.0])
}

fn sheared() -> Affine {
    Affine::from_columns([[-0.7, 0.1, 0.05], [0.2, 0.9, 0.1], [0.3, -0.2, 2.2]], [11.0, -40.0, 7.5])
}

/// Values with a factor and an offset, and some that are no number.
fn scan(affine: Affine) -> Volume {
    let [columns, rows, slices] = SHAPE;
    let mut stored = Vec::new();
    for k in 0..slices {
        for j in 0..rows {
            for i in 0..columns {
                let is_number = (i + 2 * j + k) % 7 != 0;
                let value = ((i * 37 + j * 101 + k * 59) % 251) as f32;
                stored.push(if is_number { value } else { f32::NAN });
            }
        }
    }
    let rescale = Rescale::Uniform { slope: 1.5, intercept: -20.0 };
    let voxels = Voxels::F32(Arc::new(stored));
    Volume::new(Geometry::new(SHAPE, affine).unwrap(), voxels, vec![], rescale, "scan".into())
}

fn measured(figure: Figure, plane: Plane, scan: &Volume) -> FigureMeasures {
    let own = Measurement { name: String::new(), plane, figure };
    measure_figure(&own, &scan.geometry, Some((scan, 0)), Watch::unwatched()).unwrap()
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// Area, voxels, those left out, mean, deviation, smallest, median, largest.
type Expected = (f64, [u64; 2], [f64; 5]);

#[test]
fn regions_have_the_numbers_of_numpy_on_anisotropic_permuted_and_sheared_grids() {
    let cases: [(Affine, Plane, [Vec3; 2], [Expected; 2]); 3] = [
        (
            anisotropic(),
            Plane::Axial,
            [[2.35, 2.56, 10.0], [-1.8, 8.56, 10.0]],
            [
                (24.9, [64, 10], [172.722_222_222_22, 109.252_851_38, -15.5, 171.25, 353.5]),
                (19.556_414_268_6, [50, 6], [164.465_909_090_9, 109.041_244_476, -15.5, 158.5, 353.5]),
            ],
        ),
        (
            permuted(),
            Plane::Axial,
            [[-5.84, 4.8, 8.25], [-11.23, 12.6, 8.25]],
            [
                (42.042, [28, 4], [169.5, 108.639_111_381, -15.5, 156.25, 350.5]),
                (33.019_709_585_6, [24, 4], [163.225, 108.648_573_391, -15.5, 145.75, 350.5]),
            ],
        ),
        (
            sheared(),
            Plane::Coronal,
            [[10.97, -33.59, 9.635], [5.55, -33.46, 19.13]],
            [
                (61.375_919_016, [36, 6], [194.1, 99.755_684_307_8, 11.5, 199.75, 355.0]),
                (48.204_534_072, [30, 5], [196.06, 108.014_304_608, 11.5, 211.0, 355.0]),
            ],
        ),
    ];
    for (affine, plane, [a, b], expected) in cases {
        let scan = scan(affine);
        // The corners may be given in any order.
        for (figure, (area, [count, without], numbers)) in [
            (Figure::Rectangle([a, b]), expected[0]),
            (Figure::Rectangle([b, a]), expected[0]),
            (Figure::Ellipse([a, b]), expected[1]),
            (Figure::Ellipse([b, a]), expected[1]),
        ] {
            let FigureMeasures::Region { area_mm2, values: Some(values) } = measured(figure, plane, &scan) else {
                panic!("{figure:?} is a region of an image");
            };
            assert!(is_near(area_mm2, area), "{figure:?}: {area_mm2} is not {area}");
            assert_eq!([values.voxels, values.left_out], [count, without], "{figure:?}");
            let RegionStatistics { mean, std, min, median, max } = values.statistics.unwrap();
            for (own, expected) in [mean, std.unwrap(), min, median, max].into_iter().zip(numbers) {
                assert!(is_near(own, expected), "{figure:?}: {own} is not {expected}");
            }
        }
    }
}

#[test]
fn lengths_and_angles_have_the_numbers_of_numpy() {
    for (affine, length, angle) in [
        (anisotropic(), 5.836_308_764_96, 78.088_784_568),
        (permuted(), 11.186_627_060_9, 31.916_510_833),
        (sheared(), 7.347_150_808_31, 67.665_271_041_8),
    ] {
        let points = [[1.25, 2.5, 3.0], [9.75, 7.5, 3.0], [4.0, 10.0, 3.0]].map(|point| affine.point(point));
        assert!(is_near(length_mm([points[0], points[1]]), length));
        assert!(is_near(angle_degrees(points).unwrap(), angle));
    }
    let flat = |angle: f64| [[1.0, 0.0, 0.0], [0.0; 3], [angle.cos(), angle.sin(), 0.0]];
    assert_eq!(angle_degrees(flat(0.0)), Some(0.0));
    assert_eq!(angle_degrees(flat(std::f64::consts::PI)), Some(180.0));
    // The arc cosine of so small an angle is 0.
    assert!(is_near(angle_degrees(flat(1e-9)).unwrap() * 1e9, 1f64.to_degrees()));
    assert_eq!(angle_degrees([[0.0; 3], [0.0; 3], [1.0, 0.0, 0.0]]), None);
}

#[test]
fn a_region_without_a_number_has_none_and_one_beside_the_image_is_empty() {
    let mut scan = scan(Affine::IDENTITY);
    scan.voxels = Voxels::F32(Arc::new(vec![f32::NAN; SHAPE.iter().product()]));
    let of = |a, b, scan: &Volume| match measured(Figure::Rectangle([a, b]), Plane::Axial, scan) {
        FigureMeasures::Region { values: Some(values), .. } => values,
        other => panic!("{other:?}"),
    };
    let none = RegionValues { voxels: 9, left_out: 9, statistics: None };
    assert_eq!(of([0.5, 0.5, 2.0], [3.5, 3.5, 2.0], &scan), none);
    let beside = RegionValues { voxels: 0, left_out: 0, statistics: None };
    assert_eq!(of([1e300, 0.0, 2.0], [1e301, 3.0, 2.0], &scan), beside);
    assert_eq!(of([0.0, 0.0, 99.0], [5.0, 5.0, 99.0], &scan), beside);
    scan.voxels = Voxels::F32(Arc::new(vec![2.0; SHAPE.iter().product()]));
    let one = of([0.9, 0.9, 2.0], [1.1, 1.1, 2.0], &scan).statistics.unwrap();
    assert_eq!(one, RegionStatistics { mean: -17.0, std: None, min: -17.0, median: -17.0, max: -17.0 });
    let own = Measurement {
        name: String::new(),
        plane: Plane::Axial,
        figure: Figure::Ellipse([[0.5, 0.5, 2.0], [3.5, 4.5, 2.0]]),
    };
    assert_eq!(figure_cost(&own, &scan.geometry), 12);
}
