//! Values as SimpleITK 2.5 gives them: `Resample` with `sitkLinear` onto the grid of `base`, NaN outside.

use super::*;
use crate::volume::{Affine, Plane, Voxels};

const NO: f64 = f64::NAN;

fn geometry(shape: [usize; 3], rows: [[f64; 4]; 3]) -> Geometry {
    Geometry::new(shape, Affine(rows)).unwrap()
}

/// The grid whose slices are shown.
fn base() -> Geometry {
    geometry([5, 4, 3], [[-2.0, 0.0, 0.0, 4.0], [0.0, -1.5, 0.0, 3.0], [0.0, 0.0, 3.0, -2.0]])
}

/// A scan of bytes that are 2 and -30 on the way to values.
fn over(geometry: Geometry) -> Volume {
    let [ni, nj, nk] = geometry.shape();
    let voxels = (0..ni * nj * nk).map(|n| {
        let [i, j, k] = [n % ni, n / ni % nj, n / (ni * nj)];
        ((7 * i * i + 13 * j + 5 * k * k + 3 * i * j * k) % 97) as u8
    });
    let rescale = Rescale::Uniform { slope: 2.0, intercept: -30.0 };
    Volume::new(geometry, Voxels::U8(std::sync::Arc::new(voxels.collect())), vec![], rescale, String::new())
}

/// Compares every slice of the three planes, and single places, with values on the whole grid of `base`, i fastest.
fn check(over: &Volume, expected: &[f64]) {
    let base = base();
    assert_eq!(expected.len(), base.voxel_count());
    let [ni, nj, _] = base.shape();
    let same = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-3;
    for layout in Plane::ALL.into_iter().flat_map(|plane| {
        let layout = PlaneLayout::new(&base, plane);
        [layout, layout.mirrored([true, false]), layout.mirrored([true, true])]
    }) {
        for slice in 0..layout.size[2] {
            let sampler = SliceSampler::new((over, 0), &base, &layout, slice, 1);
            assert_eq!(sampler.size(), [layout.size[0], layout.size[1]]);
            let values = sampler.read();
            let inside = values.iter().filter(|value| !value.is_nan()).count();
            assert!(sampler.inside_count() >= inside);
            for (n, value) in values.into_iter().enumerate() {
                let voxel @ [i, j, k] = layout.voxel([n % layout.size[0], n / layout.size[0], slice]);
                let wanted = expected[(k * nj + j) * ni + i];
                assert!(same(f64::from(value), wanted), "{layout:?} {voxel:?}: {value}, not {wanted}");
                let at_place = over.value_at_place(base.world_at(voxel), 0).unwrap_or(NO);
                assert!(same(at_place, wanted), "{voxel:?}: {at_place}, not {wanted}");
            }
        }
    }
}

#[test]
fn a_scan_of_another_spacing_and_storage_order_is_sampled_as_itk_does() {
    let rows = [[0.0, 1.25, 0.0, -2.5], [0.0, 0.0, -1.75, 2.0], [-2.5, 0.0, 0.0, 5.0]];
    #[rustfmt::skip]
    let expected = [
        NO, NO, NO, NO, NO, 72.5714, 33.8857, 102.1143, 97.1771, NO,
        106.1143, 65.0057, 25.9429, 105.4971, NO, 70.8, 49.44, 47.2, 83.76, NO,
        NO, NO, NO, NO, NO, 122.5143, 95.5771, 69.5429, 23.5543, NO,
        80.8571, 73.44, 80.8, 38.2743, NO, 81.2, 48.96, 23.2, 67.28, NO,
        NO, NO, NO, NO, NO, 111.8857, 74.5257, 31.8286, -10.8686, NO,
        122.5143, 86.7086, 47.3714, 1.3829, NO, 92.0, 79.92, 77.2, 27.92, NO,
    ];
    check(&over(geometry([4, 6, 5], rows)), &expected);
}

#[test]
fn an_oblique_scan_is_sampled_as_itk_does() {
    let rows = [
        [1.471_45, -0.151_714, -1.084_644, -0.243_246],
        [0.469_412, 0.851_601, 0.387_714, -2.720_835],
        [0.710_273, -0.248_512, 1.990_785, -1.434_915],
    ];
    #[rustfmt::skip]
    let expected = [
        NO, NO, NO, NO, NO, NO, 121.8929, 99.4169, 103.0097, NO,
        NO, 70.6571, 53.6747, NO, NO, NO, NO, 9.2607, NO, NO,
        NO, 89.6364, 77.9283, NO, NO, 12.4111, 79.2481, 78.3769, 78.1631, NO,
        123.3824, 87.8035, 69.9387, 62.9841, NO, 94.3605, 32.6547, 7.8037, 13.4842, NO,
        NO, 5.6318, 58.9405, NO, NO, NO, 80.0883, 23.1368, NO, NO,
        NO, 59.9504, 92.0786, NO, NO, NO, NO, 51.631, 18.9541, NO,
    ];
    check(&over(geometry([4, 6, 3], rows)), &expected);
}

#[test]
fn a_single_slice_is_as_thick_as_its_spacing() {
    let rows = [[1.5, 0.0, 0.0, -3.0], [0.0, 1.5, 0.0, -3.0], [0.0, 0.0, 4.0, 1.0]];
    let mut expected = [NO; 60];
    let inside = [38.6667, 130.0, 83.3333, 12.6667, 104.0, 57.3333, 116.0, 78.0, 31.3333, 90.0, 52.0, 5.3333];
    for (n, value) in inside.into_iter().enumerate() {
        expected[20 + n / 3 * 5 + 1 + n % 3] = value;
    }
    check(&over(geometry([5, 5, 1], rows)), &expected);
}

#[test]
fn on_its_own_grid_a_scan_keeps_its_values_to_the_last_bit() {
    let own = over(base());
    for plane in Plane::ALL {
        let layout = PlaneLayout::new(&own.geometry, plane);
        for slice in 0..layout.size[2] {
            let mut wanted = Vec::new();
            layout.read_slice(&own, 0, slice, &mut wanted);
            assert_eq!(SliceSampler::new((&own, 0), &own.geometry, &layout, slice, 1).read(), wanted);
        }
    }
}

#[test]
fn slices_of_their_own_rescale_and_later_frames_are_read_as_such() {
    let geometry = geometry([1, 1, 2], [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    let voxels = Voxels::I16(std::sync::Arc::new(vec![1, 2, 3, 4]));
    let rescale = Rescale::PerSlice(std::sync::Arc::new(vec![(1.0, 0.0), (2.0, 0.0), (10.0, 0.0), (100.0, 5.0)]));
    let scan = Volume::new(geometry, voxels, vec![2], rescale, String::new());
    // A quarter of the way from 3 * 10 to 4 * 100 + 5.
    assert_eq!(scan.value_at_place([0.0, 0.0, 0.25], 1), Some(30.0 + 375.0 / 4.0));
    assert_eq!(scan.value_at_place([0.0, 0.0, 1.25], 0), Some(4.0));
    assert_eq!(scan.value_at_place([0.0, 0.0, 1.5], 0), None);
    assert_eq!(scan.value_at_place([-0.5, 0.0, 0.0], 0), Some(1.0));
}

#[test]
fn a_hole_without_a_number_spoils_only_what_it_has_a_share_in() {
    let geometry = geometry([3, 1, 1], [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    let voxels = Voxels::F32(std::sync::Arc::new(vec![1.0, f32::NAN, 3.0]));
    let scan = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new());
    assert_eq!([0.0, 2.0].map(|x| scan.value_at_place([x, 0.0, 0.0], 0)), [Some(1.0), Some(3.0)]);
    assert!(scan.value_at_place([0.5, 0.0, 0.0], 0).unwrap().is_nan());
}

#[test]
fn a_thinned_slice_is_sampled_in_the_middle_of_its_blocks() {
    let base = geometry([5, 4, 1], [[-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    let values: Vec<f32> = (0..20u8).map(|n| f32::from(n % 5) + 100.0 * f32::from(n / 5)).collect();
    let scan =
        Volume::new(base.clone(), Voxels::F32(std::sync::Arc::new(values)), vec![], Rescale::IDENTITY, String::new());
    let layout = PlaneLayout::new(&base, Plane::Axial);
    let thinned = SliceSampler::new((&scan, 0), &base, &layout, 0, 2);
    assert_eq!(thinned.size(), [3, 2]);
    // The last block reaches beyond the slice; its middle is the slice's edge, which is outside.
    let [a, b] = [&thinned.read()[..2], &thinned.read()[3..5]].map(<[f32]>::to_vec);
    assert_eq!([a, b], [vec![50.5, 52.5], vec![250.5, 252.5]]);
    assert!(thinned.read()[2].is_nan());
}
