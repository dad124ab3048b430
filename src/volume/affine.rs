//! 3-D affine maps in double precision.

/// A point or direction, in the units of its space (voxels or millimetres).
pub type Vec3 = [f64; 3];

/// The top three rows of a 4x4 affine matrix, row-major: `y = m[..][0..3] x + m[..][3]`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Affine(pub [[f64; 4]; 3]);

impl Affine {
    /// The map that leaves every point where it is.
    pub const IDENTITY: Self = Self([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);

    /// Builds the map from the images of the three unit vectors and of the origin.
    #[inline]
    pub fn from_columns(columns: [Vec3; 3], origin: Vec3) -> Self {
        let mut m = [[0.0; 4]; 3];
        for (row, values) in m.iter_mut().enumerate() {
            *values = [columns[0][row], columns[1][row], columns[2][row], origin[row]];
        }
        Self(m)
    }

    /// Column `axis` (0..3) is where a step along that axis leads; column 3 is the origin.
    #[inline]
    pub fn column(&self, axis: usize) -> Vec3 {
        [self.0[0][axis], self.0[1][axis], self.0[2][axis]]
    }

    /// Maps a point.
    #[inline]
    pub fn point(&self, p: Vec3) -> Vec3 {
        let row = |r: &[f64; 4]| r[0] * p[0] + r[1] * p[1] + r[2] * p[2] + r[3];
        [row(&self.0[0]), row(&self.0[1]), row(&self.0[2])]
    }

    /// Maps a direction: the origin does not matter.
    #[inline]
    pub fn direction(&self, d: Vec3) -> Vec3 {
        let row = |r: &[f64; 4]| r[0] * d[0] + r[1] * d[1] + r[2] * d[2];
        [row(&self.0[0]), row(&self.0[1]), row(&self.0[2])]
    }

    /// `self` after `first`.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        Self::from_columns([0, 1, 2].map(|axis| self.direction(first.column(axis))), self.point(first.column(3)))
    }

    /// Determinant of the 3x3 part.
    pub fn determinant(&self) -> f64 {
        let m = &self.0;
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    }

    /// The inverse map, or `None` where the 3x3 part is singular or not finite.
    pub fn inverse(&self) -> Option<Self> {
        let det = self.determinant();
        if !det.is_finite() || det == 0.0 {
            return None;
        }
        let m = &self.0;
        let cofactor = |r: usize, c: usize| {
            let (r1, r2) = ((r + 1) % 3, (r + 2) % 3);
            let (c1, c2) = ((c + 1) % 3, (c + 2) % 3);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        let mut inverse = [[0.0; 4]; 3];
        for (r, row) in inverse.iter_mut().enumerate() {
            for (c, value) in row.iter_mut().take(3).enumerate() {
                *value = cofactor(c, r) / det;
            }
        }
        let linear = Self(inverse);
        let moved = linear.direction(self.column(3));
        for (row, shift) in inverse.iter_mut().zip(moved) {
            row[3] = -shift;
        }
        let inverse = Self(inverse);
        inverse.is_finite().then_some(inverse)
    }

    /// Whether every entry is a finite number.
    pub fn is_finite(&self) -> bool {
        self.0.iter().flatten().all(|v| v.is_finite())
    }
}

/// Euclidean length.
#[inline]
pub(super) fn length(v: Vec3) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// A direction with length 1; `None` where there is no direction, or a number is not finite.
#[must_use]
pub fn unit(v: Vec3) -> Option<Vec3> {
    let length = length(v);
    (length.is_finite() && length > 1e-12).then(|| v.map(|x| x / length))
}

/// Inner product.
#[must_use]
#[inline]
pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Outer product.
#[must_use]
#[inline]
pub fn cross(a: Vec3, b: Vec3) -> Vec3 {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inverse_undoes_the_map(entries in prop::array::uniform12(-50.0f64..50.0), p in prop::array::uniform3(-100.0f64..100.0)) {
            let map = Affine([
                [entries[0], entries[1], entries[2], entries[3]],
                [entries[4], entries[5], entries[6], entries[7]],
                [entries[8], entries[9], entries[10], entries[11]],
            ]);
            prop_assume!(map.determinant().abs() > 1.0);
            let inverse = map.inverse().unwrap();
            let back = inverse.point(map.point(p));
            for (a, b) in back.iter().zip(p) {
                prop_assert!((a - b).abs() < 1e-6, "{back:?} is not {p:?}");
            }
        }
    }

    #[test]
    fn a_singular_map_has_no_inverse() {
        let flat = Affine([[1.0, 2.0, 0.0, 0.0], [2.0, 4.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        assert!(flat.inverse().is_none());
    }
}
