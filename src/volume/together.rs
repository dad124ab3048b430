//! Which scans lie in one space of the patient: by what their files say, and by where their boxes lie.

use super::affine::{Vec3, cross, dot};
use super::geometry::Geometry;
use super::scan::Volume;

/// What files say about the spaces of two scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Both state the same frame of reference.
    Same,
    /// One of them, or neither, states a frame of reference.
    Unstated,
    /// They state different frames of reference: equal coordinates are different places.
    Other,
}

/// What the files of two scans say about their spaces.
pub fn space_of(a: &Volume, b: &Volume) -> Space {
    match (&a.frame_of_reference, &b.frame_of_reference) {
        (Some(a), Some(b)) if a == b => Space::Same,
        (Some(_), Some(_)) => Space::Other,
        _ => Space::Unstated,
    }
}

/// A grid's box: its middle, and half of its edges, in millimetres. Voxels reach half a spacing beyond their centres.
fn middle_and_halves(geometry: &Geometry) -> (Vec3, [Vec3; 3]) {
    let (affine, shape) = (geometry.world_from_voxel(), geometry.shape());
    let halves = [0, 1, 2].map(|axis| affine.column(axis).map(|mm| mm * shape[axis] as f64 / 2.0));
    (affine.point(shape.map(|n| (n as f64 - 1.0) / 2.0)), halves)
}

/// Whether the boxes of two grids share more than a face.
///
/// Two convex bodies are apart where some direction parts them, and for boxes, sheared ones too, it is enough to try the normals of
/// their faces and the products of their edges (Gottschalk, Lin, Manocha: "`OBBTree`", 1996).
pub fn boxes_overlap(a: &Geometry, b: &Geometry) -> bool {
    let ((middle_a, a), (middle_b, b)) = (middle_and_halves(a), middle_and_halves(b));
    let between = [0, 1, 2].map(|n| middle_b[n] - middle_a[n]);
    let faces = |edges: [Vec3; 3]| [0, 1, 2].map(|n: usize| cross(edges[(n + 1) % 3], edges[(n + 2) % 3]));
    let crossed = a.into_iter().flat_map(|edge| b.map(|other| cross(edge, other)));
    let reach = |edges: [Vec3; 3], along: Vec3| edges.iter().map(|edge| dot(*edge, along).abs()).sum::<f64>();
    let parts = |along: Vec3| {
        let both = reach(a, along) + reach(b, along);
        // Products of parallel edges are no direction.
        both > 0.0 && dot(between, along).abs() >= both * (1.0 - 1e-9)
    };
    !faces(a).into_iter().chain(faces(b)).chain(crossed).any(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, FrameOfReference, Rescale, Voxels};
    use proptest::prelude::*;

    fn turned(shape: [usize; 3], spacing: [f64; 3], degrees: f64, origin: Vec3) -> Geometry {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let [x, y, z] = spacing;
        let columns = [[cos * x, sin * x, 0.0], [-sin * y, cos * y, 0.0], [0.0, 0.0, z]];
        Geometry::new(shape, Affine::from_columns(columns, origin)).unwrap()
    }

    #[test]
    fn an_empty_frame_of_reference_is_none() {
        assert_eq!([FrameOfReference::new(""), FrameOfReference::new(" \0")], [None, None]);
        let scan = |uid: &str| {
            let voxels = Voxels::U8(vec![0].into());
            let geometry = Geometry::new([1; 3], Affine::IDENTITY).unwrap();
            let mut volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new());
            volume.frame_of_reference = FrameOfReference::new(uid);
            volume
        };
        assert_eq!(space_of(&scan("1.2.3"), &scan("1.2.3\0")), Space::Same);
        assert_eq!(space_of(&scan("1.2.3"), &scan("1.2.4")), Space::Other);
        assert_eq!(space_of(&scan(""), &scan("")), Space::Unstated);
        assert_eq!(space_of(&scan("1.2.3"), &scan("")), Space::Unstated);
    }

    #[test]
    fn boxes_reach_half_a_voxel_beyond_the_centres() {
        let grid = |x: f64| turned([10, 10, 10], [1.0; 3], 0.0, [x, 0.0, 0.0]);
        assert!(boxes_overlap(&grid(0.0), &grid(9.9)));
        assert!(!boxes_overlap(&grid(0.0), &grid(10.0)), "a face is no overlap");
        // The corner of a square that is turned by 45 degrees reaches 5 sqrt(2) = 7.07 from its middle, its edge only 5.
        let diamond = |x: f64| turned([10, 10, 10], [1.0; 3], 45.0, [x, 4.5 - 4.5 * 2.0f64.sqrt(), 0.0]);
        assert!(boxes_overlap(&grid(0.0), &diamond(4.5 + 5.0 + 7.0)));
        assert!(!boxes_overlap(&grid(0.0), &diamond(4.5 + 5.0 + 7.1)));
    }

    proptest! {
        #[test]
        fn a_common_point_is_an_overlap(
            degrees in -80.0f64..80.0,
            origin in prop::array::uniform3(-25.0f64..25.0),
            shape in prop::array::uniform3(1usize..9),
            spacing in prop::array::uniform3(0.5f64..4.0),
        ) {
            let (a, b) = (turned([8, 6, 4], [1.0, 2.0, 3.0], 0.0, [0.0; 3]), turned(shape, spacing, degrees, origin));
            let overlap = boxes_overlap(&a, &b);
            prop_assert_eq!(overlap, boxes_overlap(&b, &a));
            // Points of a fine net in one box; none of them is in the other where boxes are apart.
            let steps = 12;
            let at = |n: usize, of: usize| (n as f64 + 0.5) / f64::from(steps) * of as f64 - 0.5;
            let mut common = false;
            for n in 0..(steps as usize).pow(3) {
                let [i, j, k] = [n % 12, n / 12 % 12, n / 144];
                let shape = b.shape();
                let world = b.world_from_voxel().point([at(i, shape[0]), at(j, shape[1]), at(k, shape[2])]);
                common |= a.voxel_at(world).is_some();
            }
            prop_assert!(overlap || !common);
        }
    }
}
