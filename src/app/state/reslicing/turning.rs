//! How an oblique plane lies, and how it is turned: by a line in a view, by angles.

use crate::volume::{Plane, Vec3, cross, dot, unit};

/// Degrees that a turn snaps to.
pub const SNAP_DEGREES: f64 = 15.0;

/// Right and down on the picture of a plane; length 1, at a right angle. The plane is looked at along their outer product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Directions {
    /// To the right, in RAS.
    pub right: Vec3,
    /// Down, in RAS.
    pub down: Vec3,
}

/// Angles of a plane in degrees: how it came from an axial one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Angles {
    /// Turned about the axis from left to right: 90 is coronal.
    pub forward: f64,
    /// Then turned about the axis from back to front: 90 is sagittal.
    pub sideways: f64,
    /// Before both, turned within the picture.
    pub within: f64,
}

/// A direction turned about an axis of length 1, by Rodrigues' formula.
fn turned(v: Vec3, axis: Vec3, radians: f64) -> Vec3 {
    let (sin, cos) = radians.sin_cos();
    let (side, along) = (cross(axis, v), dot(axis, v));
    [0, 1, 2].map(|n| v[n] * cos + side[n] * sin + axis[n] * along * (1.0 - cos))
}

/// The angle from one direction to another about an axis of length 1, in radians.
fn angle_about(axis: Vec3, from: Vec3, to: Vec3) -> f64 {
    dot(cross(from, to), axis).atan2(dot(from, to))
}

impl Directions {
    /// As a plane of slices is shown.
    pub fn of(plane: Plane) -> Self {
        let (left, back, feet) = ([-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]);
        match plane {
            Plane::Axial => Self { right: left, down: back },
            Plane::Coronal => Self { right: left, down: feet },
            Plane::Sagittal => Self { right: back, down: feet },
        }
    }

    /// Away from who looks at the picture.
    pub fn normal(&self) -> Vec3 {
        cross(self.right, self.down)
    }

    /// Along the normal, towards the patient's right, front or head, whichever it is nearest to: where the next slice is.
    pub fn forward(&self) -> Vec3 {
        let normal = self.normal();
        let strongest = (0..3).max_by(|&a, &b| normal[a].abs().total_cmp(&normal[b].abs())).unwrap_or(2);
        if normal[strongest] < 0.0 { normal.map(|part| -part) } else { normal }
    }

    /// Turned about an axis; what rounding adds up is taken out.
    #[must_use]
    pub fn turned(&self, axis: Vec3, radians: f64) -> Self {
        let Some(axis) = unit(axis) else { return *self };
        let right = unit(turned(self.right, axis, radians)).unwrap_or(self.right);
        let down = turned(self.down, axis, radians);
        let along = dot(down, right);
        let down = unit([0, 1, 2].map(|n| down[n] - along * right[n])).unwrap_or(self.down);
        Self { right, down }
    }

    /// Its angles.
    pub fn angles(&self) -> Angles {
        let normal = self.normal();
        let forward = (-normal[1]).clamp(-1.0, 1.0).asin();
        // Near a coronal plane the second turn is none: the third one says it all.
        let sideways = if normal[0].hypot(normal[2]) < 1e-9 { 0.0 } else { normal[0].atan2(normal[2]) };
        let unturned =
            Self::from(Angles { forward: forward.to_degrees(), sideways: sideways.to_degrees(), within: 0.0 });
        let within = angle_about(normal, unturned.right, self.right);
        // What rounding leaves of no angle is none, with no sign.
        let plain = |radians: f64| (radians.to_degrees() * 1e9).round() / 1e9 + 0.0;
        Angles { forward: plain(forward), sideways: plain(sideways), within: plain(within) }
    }

    /// Turned so that its line in a view, which leads along `line` from the place that the plane goes through, leads along `to`. `across` is the
    /// view's direction that snapped angles count from; all lie in the view.
    #[must_use]
    pub fn turned_to(&self, line: Vec3, to: Vec3, [across, down]: [Vec3; 2], snaps: bool) -> Self {
        let Some((line, to)) = unit(line).zip(unit(to)) else { return *self };
        let Some((axis, across)) = unit(cross(across, down)).zip(unit(across)) else { return *self };
        let to = if snaps {
            let step = SNAP_DEGREES.to_radians();
            turned(across, axis, (angle_about(axis, across, to) / step).round() * step)
        } else {
            to
        };
        self.turned(axis, angle_about(axis, line, to))
    }
}

impl From<Angles> for Directions {
    fn from(angles: Angles) -> Self {
        let [forward, sideways, within] = [angles.forward, angles.sideways, angles.within].map(f64::to_radians);
        let from_axial = Self::of(Plane::Axial).turned([0.0, 0.0, 1.0], within);
        from_axial.turned([1.0, 0.0, 0.0], forward).turned([0.0, 1.0, 0.0], sideways)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_near(a: Vec3, b: Vec3) -> bool {
        (0..3).all(|n| (a[n] - b[n]).abs() < 1e-9)
    }

    #[test]
    fn planes_of_slices_have_the_angles_that_their_names_say() {
        let angles = |plane| Directions::of(plane).angles();
        let near = |a: Angles, [forward, sideways, within]: [f64; 3]| {
            let all = [(a.forward, forward), (a.sideways, sideways), (a.within, within)];
            assert!(all.iter().all(|(a, b)| (a - b).abs() < 1e-6), "{a:?}");
        };
        near(angles(Plane::Axial), [0.0; 3]);
        near(angles(Plane::Coronal), [90.0, 0.0, 0.0]);
        near(angles(Plane::Sagittal), [0.0, 90.0, 90.0]);
        assert!(is_near(Directions::of(Plane::Coronal).forward(), [0.0, 1.0, 0.0]));
    }

    #[test]
    fn a_line_is_turned_to_where_it_is_dragged_and_snaps() {
        // The line of an axial plane in the coronal view leads to the patient's left; it is dragged 40 degrees towards the head.
        let view = [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
        let to = [-(40f64.to_radians().cos()), 0.0, 40f64.to_radians().sin()];
        let axial = Directions::of(Plane::Axial);
        let free = axial.turned_to([-1.0, 0.0, 0.0], to, view, false);
        assert!(is_near(free.right, to) && is_near(free.down, [0.0, -1.0, 0.0]), "{free:?}");
        let snapped = axial.turned_to([-1.0, 0.0, 0.0], to, view, true);
        let at_45 = [-std::f64::consts::FRAC_1_SQRT_2, 0.0, std::f64::consts::FRAC_1_SQRT_2];
        assert!(is_near(snapped.right, at_45), "{snapped:?}");
        // Dragged nowhere, it stays.
        assert_eq!(axial.turned_to([-1.0, 0.0, 0.0], [0.0; 3], view, false), axial);
    }

    proptest! {
        #[test]
        fn angles_make_the_plane_that_they_are_of(
            axis in prop::array::uniform3(-1.0f64..1.0),
            degrees in -179.0f64..179.0,
        ) {
            prop_assume!(dot(axis, axis) > 0.01);
            let plane = Directions::of(Plane::Sagittal).turned(axis, degrees.to_radians());
            let again = Directions::from(plane.angles());
            prop_assert!((0..3).all(|n| (again.right[n] - plane.right[n]).abs() < 1e-6), "{:?} {:?}", again, plane);
            prop_assert!((0..3).all(|n| (again.down[n] - plane.down[n]).abs() < 1e-6), "{:?} {:?}", again, plane);
        }
    }
}
