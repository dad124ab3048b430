//! Planes and paths through scans, held against slices and curves that one can calculate.

use super::*;
use crate::volume::affine::{Affine, Vec3, cross, dot};
use crate::volume::{Geometry, LabelMap, Plane, PlaneLayout, Rescale, Volume, Voxels, direction_letters};
use crate::work::Watch;
use proptest::prelude::*;

/// An anisotropic scan of whole numbers that differ everywhere; its grid runs to the left, the back and the head.
fn scan(shape: [usize; 3], spacing: [f64; 3]) -> Volume {
    let [x, y, z] = spacing;
    let affine = Affine::from_columns([[-x, 0.0, 0.0], [0.0, -y, 0.0], [0.0, 0.0, z]], [31.7, 12.3, -40.1]);
    of(Geometry::new(shape, affine).unwrap())
}

fn of(geometry: Geometry) -> Volume {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 20) as i16 - 1024
    };
    let voxels = (0..geometry.voxel_count()).map(|_| next()).collect::<Vec<_>>();
    let rescale = Rescale::Uniform { slope: 0.75, intercept: -10.0 };
    Volume::new(geometry, Voxels::I16(voxels.into()), vec![], rescale, "scan".into())
}

/// The plane of a slice, pixel for pixel.
fn of_slice(volume: &Volume, layout: &PlaneLayout, slice: usize) -> ObliquePlane {
    let (geometry, [columns, rows, _]) = (&volume.geometry, layout.size);
    let place = |column: f64, row: f64| geometry.world_from_voxel().point(layout.point_in_voxel(column, row, slice));
    let from = place(0.0, 0.0);
    let side = |to: Vec3| crate::volume::unit([0, 1, 2].map(|n| to[n] - from[n])).unwrap();
    let pixel = layout.pixel_mm(geometry);
    ObliquePlane {
        centre: place(columns as f64 / 2.0, rows as f64 / 2.0),
        right: side(place(1.0, 0.0)),
        down: side(place(0.0, 1.0)),
        size_mm: [columns as f64 * pixel[0], rows as f64 * pixel[1]],
        pixel_mm: pixel[0],
    }
}

#[test]
fn the_plane_of_a_slice_is_the_slice_bit_for_bit() {
    let volume = scan([33, 21, 17], [0.7; 3]);
    for plane in Plane::ALL {
        let layout = PlaneLayout::new(&volume.geometry, plane);
        for slice in [0, 5, layout.size[2] - 1] {
            let mut expected = Vec::new();
            layout.read_slice(&volume, 0, slice, &mut expected);
            let reslice = of_slice(&volume, &layout, slice).reslice().unwrap();
            assert_eq!(reslice.size(), [layout.size[0], layout.size[1]]);
            let read = reslice.read(&volume, 0, Slab::default(), Watch::unwatched()).unwrap();
            assert_eq!(read, expected, "{plane:?} {slice}");
        }
    }
}

#[test]
fn labels_of_a_slice_are_its_labels() {
    let volume = scan([20, 14, 9], [0.7; 3]);
    let labels = LabelMap::from_fn(volume.geometry.clone(), |[i, j, k]| ((i / 3 + j + 2 * k) % 5) as u16);
    let layout = PlaneLayout::new(&volume.geometry, Plane::Coronal);
    let mut expected = Vec::new();
    layout.read_labels(&labels, 4, &mut expected);
    let reslice = of_slice(&volume, &layout, 4).reslice().unwrap();
    assert_eq!(reslice.read_labels(&labels, Watch::unwatched()).unwrap(), expected);
}

/// A sheared grid (gantry tilt) with a value that is linear in the patient: every plane must give that function back.
#[test]
fn a_linear_function_is_what_it_is_on_every_plane_of_a_sheared_grid() {
    let columns = [[0.8, 0.0, 0.0], [0.0, 0.7, 0.2], [0.0, 1.1, 2.5]];
    let geometry = Geometry::new([40, 40, 30], Affine::from_columns(columns, [-15.0, -30.0, -40.0])).unwrap();
    let function = |[x, y, z]: Vec3| 3.0 * x - 2.0 * y + 0.5 * z;
    let mut values = Vec::new();
    for n in 0..geometry.voxel_count() {
        values.push(function(geometry.world_at([n % 40, n / 40 % 40, n / 1600])));
    }
    let volume = Volume::new(geometry, Voxels::F64(values.into()), vec![], Rescale::IDENTITY, "a".into());
    let middle = volume.geometry.world_at([20, 20, 15]);
    for normal in [[0.3, -0.5, 0.8], [1.0, 0.2, 0.0], [-0.1, 0.9, 0.4]] {
        let [right, down] = ObliquePlane::directions(normal, ObliquePlane::usual_up(normal)).unwrap();
        let plane = ObliquePlane { centre: middle, right, down, size_mm: [12.0, 9.0], pixel_mm: 0.5 };
        let reslice = plane.reslice().unwrap();
        let grid = plane.geometry(reslice.size()).unwrap();
        for slab in [Slab::default(), Slab { thickness_mm: 3.0, kind: SlabKind::Mean }] {
            let read = reslice.read(&volume, 0, slab, Watch::unwatched()).unwrap();
            for (n, value) in read.iter().enumerate() {
                let at = [n % reslice.columns, n / reslice.columns, 0];
                let expected = function(grid.world_at(at));
                assert!((f64::from(*value) - expected).abs() < 1e-4, "{at:?}: {value} is not {expected}");
            }
        }
    }
}

#[test]
fn slabs_join_what_lies_through_them_and_outside_is_nothing() {
    let geometry = Geometry::new([5, 5, 11], Affine::IDENTITY).unwrap();
    let values: Vec<i16> = (0..275).map(|n| n / 25 * 10).collect();
    let volume = Volume::new(geometry, Voxels::I16(values.into()), vec![], Rescale::IDENTITY, "a".into());
    let plane = |z: f64| {
        let [right, down] = ObliquePlane::directions([0.0, 0.0, 1.0], [0.0, 1.0, 0.0]).unwrap();
        ObliquePlane { centre: [2.0, 2.0, z], right, down, size_mm: [9.0, 1.0], pixel_mm: 1.0 }.reslice().unwrap()
    };
    let read = |z: f64, thickness_mm: f64, kind: SlabKind| {
        plane(z).read(&volume, 0, Slab { thickness_mm, kind }, Watch::unwatched()).unwrap()
    };
    let row = read(5.0, 4.0, SlabKind::Maximum);
    assert_eq!(&row[2..7], [70.0; 5]);
    assert!([0, 1, 7, 8].into_iter().all(|n: usize| row[n].is_nan()), "{row:?}");
    assert_eq!(read(5.0, 4.0, SlabKind::Minimum)[4], 30.0);
    assert_eq!(read(5.0, 4.0, SlabKind::Mean)[4], 50.0);
    // What reaches beyond the scan does not count: the mean of 80, 90 and 100.
    assert_eq!(read(10.0, 4.0, SlabKind::Mean)[4], 90.0);
    assert!(read(20.0, 4.0, SlabKind::Maximum)[4].is_nan());
}

#[test]
fn a_stopped_reslice_says_so() {
    let volume = scan([8, 8, 8], [1.0; 3]);
    let [right, down] = ObliquePlane::directions([0.0, 0.0, 1.0], [0.0, 1.0, 0.0]).unwrap();
    let reslice = ObliquePlane::whole(&volume.geometry, [0.0; 3], [right, down], 64).reslice().unwrap();
    let signal = crate::work::Signal::default();
    signal.stop();
    assert!(reslice.read(&volume, 0, Slab::default(), Watch::new(&signal)).is_err());
}

#[test]
fn a_plane_that_shows_all_of_a_scan_reaches_to_its_corners() {
    let volume = scan([30, 20, 10], [1.0, 1.5, 4.0]);
    let geometry = &volume.geometry;
    let place = geometry.world_at([3, 4, 5]);
    let [right, down] = ObliquePlane::directions([0.4, 0.5, 0.6], [0.0, 0.0, 1.0]).unwrap();
    let plane = ObliquePlane::whole(geometry, place, [right, down], 1024);
    let from_plane = |at: Vec3| dot(plane.normal(), [0, 1, 2].map(|n| at[n] - plane.centre[n]));
    assert!(from_plane(place).abs() < 1e-9);
    for corner in 0..8 {
        let voxel = [0, 1, 2].map(|n| (if corner >> n & 1 == 1 { geometry.shape()[n] as f64 } else { 0.0 }) - 0.5);
        let at = geometry.world_from_voxel().point(voxel);
        let to = [0, 1, 2].map(|n| at[n] - plane.centre[n]);
        assert!(dot(to, right).abs() <= plane.size_mm[0] / 2.0 + 1e-9);
        assert!(dot(to, down).abs() <= plane.size_mm[1] / 2.0 + 1e-9);
    }
    // The middle stays while the place moves within the plane.
    let moved = [0, 1, 2].map(|n| place[n] + 7.0 * right[n] - 3.0 * down[n]);
    let other = ObliquePlane::whole(geometry, moved, [right, down], 1024);
    assert!((0..3).all(|n| (other.centre[n] - plane.centre[n]).abs() < 1e-9));
}

#[test]
fn up_is_up_and_the_same_two_directions_are_no_plane() {
    let [right, down] = ObliquePlane::directions([0.0, -2.0, 0.0], [0.0, 0.0, 5.0]).unwrap();
    // A coronal plane from the front: the patient's left is on the right.
    assert_eq!((right, down), ([-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]));
    assert_eq!(cross(right, down), [0.0, -1.0, 0.0]);
    assert_eq!(ObliquePlane::directions([0.0, 1.0, 0.0], [0.0, -3.0, 0.0]), Err(ResliceError::NoDirection));
    assert_eq!(ObliquePlane::directions([0.0; 3], [0.0, 0.0, 1.0]), Err(ResliceError::NoDirection));
    assert_eq!(direction_letters([-0.9, 0.1, 0.4]), "LS");
    assert_eq!(direction_letters([0.0, -2.0, 0.0]), "P");
}

#[test]
fn a_straight_path_is_the_plane() {
    let volume = scan([40, 40, 40], [1.0; 3]);
    let from = volume.geometry.world_at([20, 20, 35]);
    let to = volume.geometry.world_at([20, 20, 5]);
    let inner = volume.geometry.world_at([20, 20, 18]);
    let path = CurvedPath::through(&[from, inner, to], 0.5).unwrap();
    assert!((path.length_mm - 30.0).abs() < 1e-9);
    let straightened = path.straightened(21.0, 0.0).unwrap();
    // Down to the feet, the patient's left on the right: a coronal plane.
    let size = straightened.size();
    let centre = [0, 1, 2].map(|n| f64::midpoint(from[n], to[n]));
    let (right, down) = ([-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]);
    let size_mm = [size[0] as f64 * 0.5, size[1] as f64 * 0.5];
    let plane = ObliquePlane { centre, right, down, size_mm, pixel_mm: 0.5 }.reslice().unwrap();
    let read = |reslice: &Reslice| reslice.read(&volume, 0, Slab::default(), Watch::unwatched()).unwrap();
    assert_eq!(plane.size(), size);
    let mut pairs = read(&straightened).into_iter().zip(read(&plane));
    assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-3));
}

/// Points of a helix of a radius and a rise per turn, every so many degrees.
fn helix(radius: f64, rise: f64, turns: usize, degrees: usize) -> Vec<Vec3> {
    let at = |n: usize| {
        let angle = ((n * degrees) as f64).to_radians();
        [radius * angle.cos(), radius * angle.sin(), rise * angle / std::f64::consts::TAU]
    };
    (0..=turns * 360 / degrees).map(at).collect()
}

#[test]
fn a_helix_keeps_its_length_and_its_steps() {
    let (radius, rise) = (20.0, 15.0);
    let path = CurvedPath::through(&helix(radius, rise, 3, 15), 0.25).unwrap();
    let expected = 3.0 * (std::f64::consts::TAU * radius).hypot(rise);
    assert!((path.length_mm / expected - 1.0).abs() < 1e-3, "{} is not {expected}", path.length_mm);
    for pair in path.places.windows(2) {
        let step = crate::volume::affine::length([0, 1, 2].map(|n| pair[1][n] - pair[0][n]));
        assert!((step - 0.25).abs() < 1e-3, "{step}");
    }
    for place in &path.places {
        assert!((place[0].hypot(place[1]) - radius).abs() < 0.05);
    }
}

#[test]
fn nothing_twists_along_a_path() {
    let path = CurvedPath::through(&helix(20.0, 15.0, 2, 15), 0.25).unwrap();
    let curvature = 20.0 / (20.0f64.powi(2) + (15.0 / std::f64::consts::TAU).powi(2));
    for n in 1..path.places.len() {
        let (before, after) = (path.across(n - 1, 0.3).unwrap(), path.across(n, 0.3).unwrap());
        assert!(dot(after, path.tangents[n]).abs() < 1e-9 && (dot(after, after) - 1.0).abs() < 1e-9);
        // The direction turns with the path only: what changes of it lies along the path.
        let change = [0, 1, 2].map(|axis| after[axis] - before[axis]);
        let about = dot(change, cross(path.tangents[n], after));
        assert!(about.abs() < 2e-4, "{n}: {about}");
        assert!(dot(change, change).sqrt() < 1.5 * curvature * 0.25 + 1e-6);
    }
    // A path in a plane keeps the direction that stands on the plane.
    let arc: Vec<Vec3> =
        (0..=12).map(|n| f64::from(n) * 15f64.to_radians()).map(|a| [0.0, 30.0 * a.cos(), 30.0 * a.sin()]).collect();
    let flat = CurvedPath::through(&arc, 0.5).unwrap();
    for n in 0..flat.places.len() {
        let across = flat.across(n, 0.0).unwrap();
        assert!((across[0].abs() - 1.0).abs() < 1e-9, "{n}: {across:?}");
    }
}

#[test]
fn what_is_no_path_or_plane_is_refused() {
    let through = |points: &[Vec3]| CurvedPath::through(points, 1.0);
    assert_eq!(through(&[]), Err(ResliceError::TooFewPoints));
    assert_eq!(through(&[[1.0; 3], [1.0; 3]]), Err(ResliceError::TooFewPoints));
    assert_eq!(through(&[[1.0; 3], [f64::NAN; 3]]), Err(ResliceError::NotFinite));
    assert!(matches!(through(&[[0.0; 3], [1e9, 0.0, 0.0]]), Err(ResliceError::Size(_))));
    assert!(matches!(through(&vec![[0.0; 3]; 5000]), Err(ResliceError::TooManyPoints(5000))));
    let path = through(&[[0.0; 3], [10.0, 0.0, 0.0]]).unwrap();
    assert!(matches!(path.straightened(0.1, 0.0), Err(ResliceError::Size(_))));
    let plane = |pixel_mm: f64, right: Vec3| {
        ObliquePlane { centre: [0.0; 3], right, down: [0.0, 1.0, 0.0], size_mm: [10.0; 2], pixel_mm }.reslice()
    };
    assert_eq!(plane(0.0, [1.0, 0.0, 0.0]), Err(ResliceError::NotFinite));
    assert_eq!(plane(1.0, [1.0, 1.0, 0.0]), Err(ResliceError::NoDirection));
    assert!(matches!(plane(1e-4, [1.0, 0.0, 0.0]), Err(ResliceError::Size(_))));
}

proptest! {
    /// A thinned picture has the middle of its pixels where those of the picture have theirs.
    #[test]
    fn thinning_keeps_every_place(thinning in 1usize..5, normal in prop::array::uniform3(0.1f64..1.0)) {
        let [right, down] = ObliquePlane::directions(normal, [0.0, 0.0, 1.0]).unwrap();
        let plane = ObliquePlane { centre: [1.0, 2.0, 3.0], right, down, size_mm: [24.0, 36.0], pixel_mm: 0.5 };
        let (whole, thin) = (plane.reslice().unwrap(), plane.reslice().unwrap().thinned(thinning));
        prop_assert_eq!(thin.size(), [48usize.div_ceil(thinning), 72usize.div_ceil(thinning)]);
        let of = thinning as f64;
        for at in [[1.5, 1.5], [3.5, 7.5]] {
            let (a, b) = (thin.place(at).unwrap(), whole.place(at.map(|n| n * of)).unwrap());
            prop_assert!((0..3).all(|n| (a[n] - b[n]).abs() < 1e-9), "{a:?} {b:?}");
        }
    }
}
