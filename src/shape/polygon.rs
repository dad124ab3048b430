//! Which pixels lie inside a polygon.

use std::ops::Range;

/// Columns and rows of the pixels whose centres lie inside a closed polygon, row by row.
///
/// Points are in pixels: pixel `n` spans `n..n + 1`. The last point is joined to the first. Where outlines cross, the even-odd rule
/// decides. A centre exactly on an edge belongs to the polygon on its right or below, so that neighbours share no pixel and leave none out
/// (Foley, van Dam: Computer Graphics, 1990, section 3.6). `size` is columns and rows of the picture.
pub fn pixels_inside(polygon: &[[f64; 2]], size: [usize; 2]) -> Vec<[usize; 2]> {
    let mut inside = Vec::new();
    spans_inside(&[polygon], size, |row, columns| inside.extend(columns.map(|column| [column, row])));
    inside
}

/// An edge that crosses the lines of some rows.
struct Edge {
    rows: Range<usize>,
    from: [f64; 2],
    to: [f64; 2],
}

/// Visits the columns of every row that lie inside several closed polygons taken together, as [`pixels_inside`] takes one: what an even
/// number of them enclose is outside. Polygons of less than three points enclose nothing.
pub fn spans_inside(polygons: &[&[[f64; 2]]], size: [usize; 2], mut visit: impl FnMut(usize, Range<usize>)) {
    let mut edges = Vec::new();
    for polygon in polygons {
        let is_usable = polygon.len() >= 3 && polygon.iter().flatten().all(|at| at.is_finite());
        for (n, &from) in polygon.iter().enumerate().filter(|_| is_usable) {
            let to = polygon[(n + 1) % polygon.len()];
            // Half open, so that a corner on the line counts once.
            let rows = first_centre_from(from[1].min(to[1]), size[1])..first_centre_from(from[1].max(to[1]), size[1]);
            if !rows.is_empty() {
                edges.push(Edge { rows, from, to });
            }
        }
    }
    edges.sort_by_key(|edge| edge.rows.start);
    let Some(first) = edges.first().map(|edge| edge.rows.start) else { return };
    let (mut crossed, mut next, mut crossings): (Vec<&Edge>, usize, Vec<f64>) = (Vec::new(), 0, Vec::new());
    for row in first..size[1] {
        crossed.retain(|edge| edge.rows.contains(&row));
        while let Some(edge) = edges.get(next).filter(|edge| edge.rows.start == row) {
            crossed.push(edge);
            next += 1;
        }
        if crossed.is_empty() && next == edges.len() {
            return;
        }
        let y = row as f64 + 0.5;
        crossings.clear();
        crossings.extend(
            crossed.iter().map(|&Edge { from: [x0, y0], to: [x1, y1], .. }| x0 + (y - y0) / (y1 - y0) * (x1 - x0)),
        );
        crossings.sort_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let columns = first_centre_from(pair[0], size[0])..first_centre_from(pair[1], size[0]);
            if !columns.is_empty() {
                visit(row, columns);
            }
        }
    }
}

/// Number of the first of `count` pixels whose centre is not before a position.
fn first_centre_from(position: f64, count: usize) -> usize {
    (position - 0.5).ceil().clamp(0.0, count as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rectangle_a_hole_by_crossing_and_what_is_no_polygon() {
        let square = [[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]];
        assert_eq!(pixels_inside(&square, [9, 9]), [[1, 1], [2, 1], [3, 1], [1, 2], [2, 2], [3, 2]]);
        // Twice around is outside again.
        let twice: Vec<[f64; 2]> = square.iter().chain(&square).copied().collect();
        assert!(pixels_inside(&twice, [9, 9]).is_empty());
        // Half of it is beside the picture.
        assert_eq!(pixels_inside(&square.map(|[x, y]| [x - 3.0, y]), [9, 9]), [[0, 1], [0, 2]]);
        assert!(pixels_inside(&square[..2], [9, 9]).is_empty());
        assert!(pixels_inside(&[[0.0, 0.0], [f64::NAN, 4.0], [4.0, 4.0]], [9, 9]).is_empty());
    }

    /// The winding by angles: another way to say what is inside of an outline that does not cross itself.
    fn is_inside_by_angles(polygon: &[[f64; 2]], at: [f64; 2]) -> bool {
        let mut turn = 0.0;
        for (n, a) in polygon.iter().enumerate() {
            let b = polygon[(n + 1) % polygon.len()];
            let (u, v) = ([a[0] - at[0], a[1] - at[1]], [b[0] - at[0], b[1] - at[1]]);
            turn += (u[0] * v[1] - u[1] * v[0]).atan2(u[0] * v[0] + u[1] * v[1]);
        }
        turn.abs() > std::f64::consts::PI
    }

    proptest! {
        #[test]
        fn star_shaped_outlines_hold_what_their_angles_say(
            radii in prop::collection::vec(1.0f64..12.0, 3..24), centre in (5.0f64..20.0, 5.0f64..20.0)
        ) {
            let count = radii.len() as f64;
            let corner = |(n, radius): (usize, &f64)| {
                let angle = n as f64 / count * std::f64::consts::TAU;
                [centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin()]
            };
            let polygon: Vec<[f64; 2]> = radii.iter().enumerate().map(corner).collect();
            let inside = pixels_inside(&polygon, [25, 25]);
            for row in 0..25 {
                for column in 0..25 {
                    let at = [column as f64 + 0.5, row as f64 + 0.5];
                    prop_assert_eq!(inside.contains(&[column, row]), is_inside_by_angles(&polygon, at));
                }
            }
        }
    }
}
