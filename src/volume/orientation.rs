//! Which anatomical direction each voxel axis follows most closely.

#![allow(clippy::needless_range_loop, reason = "loops over axes index several arrays")]

use super::affine::{Affine, Vec3, length};

/// Letters of the positive and negative ends of the world axes: right, anterior, superior.
pub const RAS_LETTERS: [[char; 2]; 3] = [['R', 'L'], ['A', 'P'], ['S', 'I']];

/// The nearest signed permutation of an affine's 3x3 part: voxel axis -> world axis and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation {
    /// For each voxel axis (i, j, k) the world axis (0 = R, 1 = A, 2 = S) it follows.
    pub world_axis: [usize; 3],
    /// For each voxel axis, whether it leads to the positive end (R, A, S) of that world axis.
    pub positive: [bool; 3],
}

impl Orientation {
    /// The orientation of voxels that are already in R, A, S order.
    pub const RAS: Self = Self { world_axis: [0, 1, 2], positive: [true; 3] };

    /// Finds the nearest orientation of an invertible affine.
    ///
    /// The columns are scaled to unit length, the orthogonal polar factor is taken, and voxel axes choose their
    /// world axis in order of their largest component (as nibabel's `io_orientation` does).
    pub fn of(world_from_voxel: &Affine) -> Self {
        let rotation = polar_factor(unit_columns(world_from_voxel));
        let strongest = |voxel_axis: usize| (0..3).map(|world| rotation[world][voxel_axis].abs()).fold(0.0, f64::max);
        let mut order = [0, 1, 2];
        order.sort_by(|&a, &b| strongest(b).total_cmp(&strongest(a)));
        let mut found = Self::RAS;
        let mut free = [true; 3];
        for voxel_axis in order {
            let mut best = None;
            for world in (0..3).filter(|&w| free[w]) {
                let entry = rotation[world][voxel_axis];
                if best.is_none_or(|(_, value): (usize, f64)| entry.abs() > value.abs()) {
                    best = Some((world, entry));
                }
            }
            if let Some((world, entry)) = best {
                free[world] = false;
                found.world_axis[voxel_axis] = world;
                found.positive[voxel_axis] = entry >= 0.0;
            }
        }
        found
    }

    /// Three letters: where i, j and k lead, for example `LPS`.
    pub fn code(&self) -> String {
        (0..3).map(|axis| self.letters(axis)[0]).collect()
    }

    /// The letters at the far and the near end of a voxel axis.
    pub fn letters(&self, voxel_axis: usize) -> [char; 2] {
        let [plus, minus] = RAS_LETTERS[self.world_axis[voxel_axis]];
        if self.positive[voxel_axis] { [plus, minus] } else { [minus, plus] }
    }

    /// The voxel axis that follows a world axis.
    pub fn voxel_axis(&self, world_axis: usize) -> usize {
        self.world_axis.iter().position(|&w| w == world_axis).unwrap_or(world_axis)
    }
}

/// Letters of a direction, the strongest part first, without parts below a fifth of its length: "A", "AR", "SAL".
///
/// As DICOM's Patient Orientation (PS3.3, C.7.6.1.1.1) names a side of an oblique image, with R, A and S where DICOM has R, A and H.
pub fn direction_letters(direction: Vec3) -> String {
    const LEAST: f64 = 0.2;
    let whole = length(direction);
    let mut parts: Vec<usize> = (0..3).filter(|&axis| direction[axis].abs() > LEAST * whole).collect();
    parts.sort_by(|&a, &b| direction[b].abs().total_cmp(&direction[a].abs()));
    parts.into_iter().map(|axis| RAS_LETTERS[axis][usize::from(direction[axis] < 0.0)]).collect()
}

pub(super) fn unit_columns(map: &Affine) -> [[f64; 3]; 3] {
    let mut m = [[0.0; 3]; 3];
    for axis in 0..3 {
        let column = map.column(axis);
        let scale = length(column);
        for row in 0..3 {
            m[row][axis] = if scale > 0.0 { column[row] / scale } else { 0.0 };
        }
    }
    m
}

/// The orthogonal factor of the polar decomposition, by Newton's iteration `X <- (X + X^-T) / 2`
/// (Higham 1986). A singular matrix is returned as it came.
pub(super) fn polar_factor(start: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut x = start;
    for _ in 0..100 {
        let affine = Affine([
            [x[0][0], x[0][1], x[0][2], 0.0],
            [x[1][0], x[1][1], x[1][2], 0.0],
            [x[2][0], x[2][1], x[2][2], 0.0],
        ]);
        let Some(inverse) = affine.inverse() else { return start };
        let mut change: f64 = 0.0;
        let mut next = x;
        for r in 0..3 {
            for c in 0..3 {
                next[r][c] = 0.5 * (x[r][c] + inverse.0[c][r]);
                change = change.max((next[r][c] - x[r][c]).abs());
            }
        }
        x = next;
        if change < 1e-14 {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oblique_axes_go_to_their_nearest_letters() {
        let (s, c) = 30f64.to_radians().sin_cos();
        let map = Affine::from_columns([[-2.0, 0.0, 0.0], [0.0, -c, s], [0.0, s, c]], [0.0; 3]);
        assert_eq!(Orientation::of(&map).code(), "LPS");
    }

    #[test]
    fn all_48_signed_permutations_are_recognised() {
        let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for world_axis in permutations {
            for signs in 0..8 {
                let positive = [0, 1, 2].map(|bit| signs >> bit & 1 == 1);
                let columns = [0, 1, 2].map(|axis| {
                    let mut v = [0.0; 3];
                    v[world_axis[axis]] = if positive[axis] { 1.5 } else { -1.5 };
                    v
                });
                let found = Orientation::of(&Affine::from_columns(columns, [3.0, 4.0, 5.0]));
                assert_eq!(found, Orientation { world_axis, positive });
            }
        }
    }
}
