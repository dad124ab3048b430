//! Flat figures in space: their area and direction, and their points in the plane.

use crate::volume::{Vec3, cross, dot};

/// The area of a closed figure as a vector along its normal, in square units of the points: Newell's method (Graphics Gems III, 1992). The
/// zero vector for points and lines.
pub fn area_vector(points: &[Vec3]) -> Vec3 {
    let Some(first) = points.first() else { return [0.0; 3] };
    // From the first point, so that nothing is lost far from the origin.
    let from_first = |point: &Vec3| [0, 1, 2].map(|axis| point[axis] - first[axis]);
    points.windows(2).fold([0.0; 3], |sum, pair| {
        let part = cross(from_first(&pair[0]), from_first(&pair[1]));
        [0, 1, 2].map(|axis| sum[axis] + part[axis] / 2.0)
    })
}

/// Two unit vectors at right angles to a unit normal and to each other.
pub fn tangents(normal: Vec3) -> [Vec3; 2] {
    let smallest = [0, 1, 2].into_iter().min_by(|a, b| normal[*a].abs().total_cmp(&normal[*b].abs())).unwrap_or(0);
    let mut other = [0.0; 3];
    other[smallest] = 1.0;
    let u = cross(normal, other);
    let length = dot(u, u).sqrt();
    let u = u.map(|part| part / length);
    [u, cross(normal, u)]
}

/// Points in a plane with this unit normal, along its [`tangents`].
pub fn flattened(points: &[Vec3], normal: Vec3) -> Vec<[f64; 2]> {
    let axes = tangents(normal);
    points.iter().map(|point| axes.map(|axis| dot(*point, axis))).collect()
}

/// The area inside an odd number of outlines that do not cross each other.
pub fn even_odd_area(outlines: &[Vec<[f64; 2]>]) -> f64 {
    let around = |inner: usize| {
        let Some(point) = outlines[inner].first() else { return 0 };
        let is_around = |(n, outline): (usize, &Vec<[f64; 2]>)| n != inner && holds(outline, *point);
        outlines.iter().enumerate().filter(|outline| is_around(*outline)).count()
    };
    let signed = |n: usize| if around(n).is_multiple_of(2) { area(&outlines[n]) } else { -area(&outlines[n]) };
    (0..outlines.len()).map(signed).sum()
}

fn area(outline: &[[f64; 2]]) -> f64 {
    let first = outline.first().copied().unwrap_or_default();
    let part = |pair: &[[f64; 2]]| {
        (pair[0][0] - first[0]) * (pair[1][1] - first[1]) - (pair[1][0] - first[0]) * (pair[0][1] - first[1])
    };
    (outline.windows(2).map(part).sum::<f64>() / 2.0).abs()
}

/// Whether a point lies inside an outline by the even-odd rule.
fn holds(outline: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let crosses = |n: usize| {
        let ([x0, y0], [x1, y1]) = (outline[n], outline[(n + 1) % outline.len()]);
        (y0 <= y) != (y1 <= y) && x0 + (y - y0) / (y1 - y0) * (x1 - x0) > x
    };
    (0..outline.len()).filter(|n| crosses(*n)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_of_a_slanted_ring() {
        let normal = [0.6, 0.0, 0.8];
        let [u, v] = tangents(normal);
        let square = |half: f64| {
            let corner = |(a, b): (f64, f64)| [0, 1, 2].map(|axis| 500.0 + half * (a * u[axis] + b * v[axis]));
            [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(corner)
        };
        let found = area_vector(&square(2.0));
        assert!((dot(found, normal).abs() - 16.0).abs() < 1e-9 && (dot(found, found) - 256.0).abs() < 1e-9);
        let flat = |half: f64| flattened(&square(half), normal);
        assert!((even_odd_area(&[flat(2.0)]) - 16.0).abs() < 1e-9);
        // A ring with an island in its hole.
        assert!((even_odd_area(&[flat(0.5), flat(2.0), flat(1.0)]) - (16.0 - 4.0 + 1.0)).abs() < 1e-9);
        assert_eq!((even_odd_area(&[vec![]]), area_vector(&[[1.0; 3], [2.0; 3]])), (0.0, [0.0; 3]));
    }
}
