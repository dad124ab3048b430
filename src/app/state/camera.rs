//! From where a body is looked at. All lengths are millimetres in the patient's space (RAS).

use crate::volume::{Affine, Geometry, Vec3, cross, dot};

/// Tangent of half the angle that the shorter side of the picture takes: 15 degrees, so that far and near look alike.
const HALF_ANGLE: f64 = 0.267_949_192_431_122_7;

/// How near and how far a camera can go, of the radius of what it looks at.
const DISTANCES: [f64; 2] = [0.05, 40.0];

/// A side of the patient to look from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The patient's right.
    Right,
    /// The patient's left.
    Left,
    /// The front.
    Anterior,
    /// The back.
    Posterior,
    /// The head.
    Superior,
    /// The feet.
    Inferior,
}

impl Side {
    /// All, in the order of their buttons.
    pub const ALL: [Self; 6] =
        [Self::Right, Self::Left, Self::Anterior, Self::Posterior, Self::Superior, Self::Inferior];

    /// Its letter.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Right => "R",
            Self::Left => "L",
            Self::Anterior => "A",
            Self::Posterior => "P",
            Self::Superior => "S",
            Self::Inferior => "I",
        }
    }

    /// Where the viewer stands, and what is up in the picture.
    fn axes(self) -> [Vec3; 2] {
        let (front, head) = ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
        match self {
            Self::Right => [[1.0, 0.0, 0.0], head],
            Self::Left => [[-1.0, 0.0, 0.0], head],
            Self::Anterior => [front, head],
            Self::Posterior => [[0.0, -1.0, 0.0], head],
            Self::Superior => [head, front],
            Self::Inferior => [[0.0, 0.0, -1.0], front],
        }
    }
}

/// A ball around all that can be seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Its middle.
    pub middle: Vec3,
    /// Its radius.
    pub radius: f64,
}

impl Bounds {
    /// Around a box of a grid between two places in voxels.
    pub fn of(geometry: &Geometry, low: Vec3, high: Vec3) -> Self {
        let world = geometry.world_from_voxel();
        let centre = [0, 1, 2].map(|axis| f64::midpoint(low[axis], high[axis]));
        let half = [0, 1, 2].map(|axis| (high[axis] - low[axis]) / 2.0);
        let corners = (0..8)
            .map(|n| world.direction([0, 1, 2].map(|axis| if n >> axis & 1 == 0 { half[axis] } else { -half[axis] })));
        Self { middle: world.point(centre), radius: corners.map(length).fold(1e-6, f64::max) }
    }

    /// How many times as large it would have to be to hold another ball.
    pub fn times_to_hold(&self, other: &Self) -> f64 {
        let apart = [0, 1, 2].map(|axis| other.middle[axis] - self.middle[axis]);
        (length(apart) + other.radius) / self.radius
    }

    /// Around a whole grid.
    pub fn whole(geometry: &Geometry) -> Self {
        Self::of(geometry, [-0.5; 3], geometry.shape().map(|n| n as f64 - 0.5))
    }
}

/// A camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    /// What it turns around: the middle of the picture.
    pub focus: Vec3,
    /// How far from there it is.
    pub distance: f64,
    /// What is to the right in the picture; of length 1.
    pub right: Vec3,
    /// What is up in the picture; of length 1 and square to `right`.
    pub up: Vec3,
}

impl Camera {
    /// From a side, with all of a ball in the picture.
    pub fn from(side: Side, bounds: Bounds) -> Self {
        let [back, up] = side.axes();
        Self { focus: bounds.middle, distance: fitting(bounds), right: cross(up, back), up }
    }

    /// The same direction, with all of a ball in the picture.
    #[must_use]
    pub fn fitted(self, bounds: Bounds) -> Self {
        Self { focus: bounds.middle, distance: fitting(bounds), ..self }
    }

    /// Towards the viewer; of length 1.
    pub fn back(&self) -> Vec3 {
        cross(self.right, self.up)
    }

    /// Where the viewer is.
    pub fn eye(&self) -> Vec3 {
        let back = self.back();
        [0, 1, 2].map(|axis| self.focus[axis] + self.distance * back[axis])
    }

    /// Turned as if the body was turned by hand: to the right and down, in radians.
    #[must_use]
    pub fn orbited(self, [right, down]: [f64; 2]) -> Self {
        let across = turned(self.right, self.up, -right);
        let up = turned(self.up, across, -down);
        // Small errors do not add up.
        let right = unit(cross(up, unit(cross(across, up))));
        Self { right, up: unit(cross(cross(right, up), right)), ..self }
    }

    /// Moved as if the body was moved by hand to the right and down, by shares of the picture's shorter side.
    #[must_use]
    pub fn panned(self, [right, down]: [f64; 2]) -> Self {
        let side = 2.0 * self.distance * HALF_ANGLE;
        let focus = [0, 1, 2].map(|axis| self.focus[axis] + side * (down * self.up[axis] - right * self.right[axis]));
        Self { focus, ..self }
    }

    /// Nearer by a factor.
    #[must_use]
    pub fn zoomed(self, factor: f64, bounds: Bounds) -> Self {
        let [near, far] = DISTANCES.map(|share| share * bounds.radius);
        Self { distance: (self.distance / factor).clamp(near, far), ..self }
    }

    /// Half the width and half the height of what is seen at a distance of 1, for a picture that is `aspect` times as wide as high.
    fn halves(aspect: f64) -> [f64; 2] {
        [HALF_ANGLE * aspect.max(1.0), HALF_ANGLE / aspect.min(1.0)]
    }

    /// From millimetres to clip space (x to the right, y up, depth from 0 to 1 times w), by rows.
    pub fn clip_from_world(&self, aspect: f64, bounds: Bounds) -> [[f64; 4]; 4] {
        let ([half_x, half_y], back, eye) = (Self::halves(aspect), self.back(), self.eye());
        let depth = dot(back, [0, 1, 2].map(|axis| eye[axis] - bounds.middle[axis]));
        let near = (depth - bounds.radius).max(bounds.radius * 0.01);
        let far = (depth + bounds.radius).max(near * 1.01);
        let row = |of: Vec3, scale: f64| [of[0] * scale, of[1] * scale, of[2] * scale, -dot(of, eye) * scale];
        let z = far / (near - far);
        let mut depths = row(back, z);
        depths[3] += near * z;
        [row(self.right, 1.0 / half_x), row(self.up, 1.0 / half_y), depths, row(back, -1.0)]
    }

    /// From voxels to the picture, by rows: x, y and w, of which x / w and y / w reach from -1 to 1 to the right and up.
    pub fn picture_from_voxel(&self, geometry: &Geometry, aspect: f64) -> [[f64; 4]; 3] {
        let world = geometry.world_from_voxel();
        let [x, y, _, w] = self.clip_from_world(aspect, Bounds::whole(geometry));
        [x, y, w].map(|row| {
            let along = |of: Vec3| dot([row[0], row[1], row[2]], of);
            let [i, j, k] = [0, 1, 2].map(|axis| along(world.column(axis)));
            [i, j, k, along(world.point([0.0; 3])) + row[3]]
        })
    }

    /// The ray of a place in the picture, which reaches from -1 to 1 to the right and up: where it begins, and its direction.
    pub fn ray(&self, [x, y]: [f64; 2], aspect: f64) -> [Vec3; 2] {
        let ([half_x, half_y], back) = (Self::halves(aspect), self.back());
        let along = |axis: usize| x * half_x * self.right[axis] + y * half_y * self.up[axis] - back[axis];
        [self.eye(), [0, 1, 2].map(along)]
    }

    /// Where a place (in millimetres) is in the picture, from -1 to 1 to the right and up; none behind the viewer.
    pub fn seen_at(&self, place: Vec3, aspect: f64) -> Option<[f64; 2]> {
        let eye = self.eye();
        let [x, y, towards] = self.seen([0, 1, 2].map(|axis| place[axis] - eye[axis]));
        let [half_x, half_y] = Self::halves(aspect);
        (towards < 0.0).then(|| [x / (-towards * half_x), y / (-towards * half_y)])
    }

    /// Where a direction of the patient points in the picture: right, up, towards the viewer.
    pub fn seen(&self, direction: Vec3) -> Vec3 {
        [self.right, self.up, self.back()].map(|axis| dot(axis, direction))
    }

    /// From normals in voxels to normals in the picture (right, up, towards the viewer), by rows; their lengths mean nothing.
    pub fn normals(&self, world_from_voxel: &Affine) -> [Vec3; 3] {
        // A normal is square to two edges; cross products follow a linear map by its cofactors.
        let [a, b, c] = [0, 1, 2].map(|axis| world_from_voxel.column(axis));
        let sign = world_from_voxel.determinant().signum();
        let columns = [cross(b, c), cross(c, a), cross(a, b)].map(|column| column.map(|part| sign * part));
        [self.right, self.up, self.back()].map(|axis| columns.map(|column| dot(axis, column)))
    }
}

/// The distance from which a ball just fits into the picture.
fn fitting(bounds: Bounds) -> f64 {
    // The sine of the half angle.
    bounds.radius * HALF_ANGLE.hypot(1.0) / HALF_ANGLE
}

fn length(v: Vec3) -> f64 {
    dot(v, v).sqrt()
}

fn unit(v: Vec3) -> Vec3 {
    let length = length(v);
    if length > 0.0 { v.map(|part| part / length) } else { v }
}

/// A direction turned around another one that is square to it, counterclockwise seen against it.
fn turned(v: Vec3, around: Vec3, angle: f64) -> Vec3 {
    let side = cross(around, v);
    [0, 1, 2].map(|axis| v[axis] * angle.cos() + side[axis] * angle.sin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds { middle: [10.0, -20.0, 30.0], radius: 50.0 };

    fn project(camera: &Camera, aspect: f64, p: Vec3) -> Vec3 {
        let [x, y, z, w] = camera.clip_from_world(aspect, BOUNDS).map(|row| dot([row[0], row[1], row[2]], p) + row[3]);
        [x / w, y / w, z / w]
    }

    fn is_near(a: Vec3, b: Vec3) -> bool {
        (0..3).all(|axis| (a[axis] - b[axis]).abs() < 1e-9)
    }

    #[test]
    fn from_the_front_the_patients_left_is_on_the_right_and_the_head_is_up() {
        let camera = Camera::from(Side::Anterior, BOUNDS);
        let at = |offset: Vec3| project(&camera, 1.0, [0, 1, 2].map(|axis| BOUNDS.middle[axis] + offset[axis]));
        let middle = at([0.0; 3]);
        assert!(middle[0].abs() < 1e-9 && middle[1].abs() < 1e-9 && (0.0..1.0).contains(&middle[2]));
        let left = at([-10.0, 0.0, 0.0]);
        assert!(left[0] > 0.1 && left[1].abs() < 1e-9);
        assert!(at([0.0, 0.0, 10.0])[1] > 0.1);
        assert!(at([0.0, 10.0, 0.0])[2] < middle[2], "the front is nearer");
        // By the matrix of a perspective of 30 degrees: 10 mm at a distance of 50 / sin 15.
        let known = 10.0 / (50.0 / 15.0f64.to_radians().sin() * 15.0f64.to_radians().tan());
        assert!((left[0] - known).abs() < 1e-9, "{} {known}", left[0]);
    }

    #[test]
    fn every_side_has_its_letter_towards_the_viewer_and_letters_as_radiology_has_them() {
        let rights = Side::ALL.map(|side| {
            let camera = Camera::from(side, BOUNDS);
            let sign = |letter: &str| match letter {
                "R" => [1.0, 0.0, 0.0],
                "L" => [-1.0, 0.0, 0.0],
                "A" => [0.0, 1.0, 0.0],
                "P" => [0.0, -1.0, 0.0],
                "S" => [0.0, 0.0, 1.0],
                _ => [0.0, 0.0, -1.0],
            };
            assert!(is_near(camera.back(), sign(side.letter())), "{side:?}");
            ["R", "L", "A", "P", "S", "I"].into_iter().find(|letter| is_near(camera.right, sign(letter)))
        });
        assert_eq!(rights, [Some("A"), Some("P"), Some("L"), Some("R"), Some("R"), Some("L")]);
    }

    #[test]
    fn a_ball_touches_the_edges_of_the_picture_that_it_fits() {
        for aspect in [0.5, 1.0, 2.0] {
            let camera = Camera::from(Side::Left, BOUNDS);
            // A tangent from the eye to the ball: square to the radius.
            let (sin, cos) = 15.0f64.to_radians().sin_cos();
            let (back, along) = (camera.back(), if aspect < 1.0 { camera.right } else { camera.up });
            let tangent = [0, 1, 2].map(|axis| BOUNDS.middle[axis] + 50.0 * (sin * back[axis] + cos * along[axis]));
            let at = project(&camera, aspect, tangent);
            assert!((at[usize::from(aspect >= 1.0)] - 1.0).abs() < 1e-9, "{aspect}: {at:?}");
        }
    }

    #[test]
    fn a_ball_is_large_enough_for_what_lies_wholly_in_it() {
        let ball = |x: f64, radius: f64| Bounds { middle: [x, 0.0, 0.0], radius };
        let of = |other: Bounds| ball(0.0, 3.0).times_to_hold(&other);
        assert_eq!([ball(0.0, 3.0), ball(-2.0, 1.0), ball(-5.0, 1.0), ball(0.0, 1.5)].map(of), [1.0, 1.0, 2.0, 0.5]);
    }

    #[test]
    fn normals_stand_square_on_planes_of_skewed_and_mirrored_grids() {
        for mirror in [1.0, -1.0] {
            let affine = Affine::from_columns([[0.7 * mirror, 0.2, 0.0], [-0.1, 0.9, 0.3], [0.0, 0.4, 3.0]], [5.0; 3]);
            let camera = Camera::from(Side::Superior, BOUNDS).orbited([0.4, 0.3]);
            let rows = camera.normals(&affine);
            let normal = [1.0, 2.0, -0.5];
            let seen = rows.map(|row| dot(row, normal));
            for edge in [[2.0, -1.0, 0.0], [0.5, 0.0, 1.0]] {
                let edge = camera.seen(affine.direction(edge));
                assert!(dot(seen, edge).abs() < 1e-9);
            }
            assert!(dot(seen, camera.seen(affine.direction(normal))) > 0.0, "it still points outward");
        }
    }

    proptest! {
        #[test]
        fn a_ray_goes_through_all_that_is_seen_at_its_place(
            at in prop::array::uniform2(-1.0f64..1.0), turn in prop::array::uniform2(-3.0f64..3.0),
            far in 20.0f64..300.0, aspect in 0.3f64..3.0,
        ) {
            let camera = Camera::from(Side::Right, BOUNDS).orbited(turn).panned([0.2, -0.1]);
            let [eye, direction] = camera.ray(at, aspect);
            let place = [0, 1, 2].map(|axis| eye[axis] + far * direction[axis]);
            let seen = project(&camera, aspect, place);
            let known = camera.seen_at(place, aspect).unwrap();
            prop_assert!((known[0] - at[0]).abs() < 1e-9 && (known[1] - at[1]).abs() < 1e-9);
            prop_assert!(camera.seen_at([0, 1, 2].map(|axis| eye[axis] - far * direction[axis]), aspect).is_none());
            prop_assert!((seen[0] - at[0]).abs() < 1e-9 && (seen[1] - at[1]).abs() < 1e-9);
        }

        #[test]
        fn a_camera_stays_square_however_it_is_turned(turns in prop::collection::vec(prop::array::uniform2(-2.0f64..2.0), 1..200)) {
            let start = Camera::from(Side::Anterior, BOUNDS);
            let camera = turns.iter().fold(start, |camera, turn| camera.orbited(*turn));
            prop_assert!(dot(camera.right, camera.up).abs() < 1e-9);
            prop_assert!((length(camera.right) - 1.0).abs() < 1e-9 && (length(camera.up) - 1.0).abs() < 1e-9);
            prop_assert_eq!((camera.focus, camera.distance), (start.focus, start.distance));
        }

        #[test]
        fn what_is_grabbed_follows_the_hand(move_by in prop::array::uniform2(-0.5f64..0.5), turn in prop::array::uniform2(-3.0f64..3.0)) {
            let camera = Camera::from(Side::Inferior, BOUNDS).orbited(turn);
            let seen = project(&camera.panned(move_by), 1.0, camera.focus);
            prop_assert!((seen[0] - 2.0 * move_by[0]).abs() < 1e-9 && (seen[1] + 2.0 * move_by[1]).abs() < 1e-9);
        }
    }

    #[test]
    fn dragging_to_the_right_turns_what_is_near_to_the_right() {
        let camera = Camera::from(Side::Anterior, BOUNDS);
        let back = camera.back();
        let near = [0, 1, 2].map(|axis| BOUNDS.middle[axis] + 20.0 * back[axis]);
        let turned = camera.orbited([0.2, 0.0]);
        assert!(project(&turned, 1.0, near)[0] > 0.05);
        assert!(project(&camera.orbited([0.0, 0.2]), 1.0, near)[1] < -0.05);
    }
}
