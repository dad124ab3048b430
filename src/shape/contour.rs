//! Which pixels belong to contours, as programs for radiotherapy draw them.

use std::ops::Range;

use super::polygon::spans_inside;

/// So near to an outline, in pixels, a centre lies on it: files keep a few decimals.
pub const ON_OUTLINE: f64 = 0.02;

/// Visits the pixels of closed contours in one plane, row by row; some more than once.
///
/// Points are in pixels: pixel `n` spans `n..n + 1`; `size` is columns and rows. A pixel belongs to the contours if
/// - its centre lies inside an odd number of them (a contour within another one is a hole), or
/// - its centre lies on one of them to within [`ON_OUTLINE`]: many programs draw from centre to centre of the outermost pixels, or
/// - a contour of one or two points ends in it: such programs write single pixels and short lines so.
pub fn fill_contours(contours: &[&[[f64; 2]]], size: [usize; 2], mut visit: impl FnMut(usize, Range<usize>)) {
    spans_inside(contours, size, &mut visit);
    for contour in contours.iter().filter(|contour| contour.iter().flatten().all(|at| at.is_finite())) {
        for (n, from) in contour.iter().enumerate() {
            pixels_on(*from, contour[(n + 1) % contour.len()], size, &mut visit);
        }
        if contour.len() < 3 {
            contour.iter().filter_map(|point| pixel_of(*point, size)).for_each(|[x, y]| visit(y, x..x + 1));
        }
    }
}

/// The pixel that a point lies in.
fn pixel_of(point: [f64; 2], size: [usize; 2]) -> Option<[usize; 2]> {
    let place = |axis: usize| {
        let at = point[axis].floor();
        (at >= 0.0 && at < size[axis] as f64).then_some(at as usize)
    };
    Some([place(0)?, place(1)?])
}

/// Visits the pixels whose centres lie on the line between two points.
fn pixels_on(from: [f64; 2], to: [f64; 2], size: [usize; 2], visit: &mut impl FnMut(usize, Range<usize>)) {
    // Along the longer axis there is one place on the line for every pixel.
    let long = usize::from((to[1] - from[1]).abs() > (to[0] - from[0]).abs());
    let short = 1 - long;
    let (start, end) = (from[long].min(to[long]), from[long].max(to[long]));
    let length = to[long] - from[long];
    let slope = if length == 0.0 { 0.0 } else { (to[short] - from[short]) / length };
    // Measured across the line, not along the axis.
    let reach = ON_OUTLINE * slope.hypot(1.0);
    let first = (start - 0.5 - ON_OUTLINE).ceil().max(0.0);
    let last = (end - 0.5 + ON_OUTLINE).floor().min(size[long] as f64 - 1.0);
    let mut at = first;
    while at <= last {
        let across = from[short] + (at + 0.5 - from[long]).clamp(-length.abs(), length.abs()) * slope - 0.5;
        let nearest = across.round();
        if (across - nearest).abs() <= reach && nearest >= 0.0 && nearest < size[short] as f64 {
            let mut pixel = [0; 2];
            pixel[long] = at as usize;
            pixel[short] = nearest as usize;
            visit(pixel[1], pixel[0]..pixel[0] + 1);
        }
        at += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(contours: &[&[[f64; 2]]]) -> Vec<String> {
        let mut rows = vec![vec![b'.'; 8]; 6];
        fill_contours(contours, [8, 6], |row, columns| rows[row][columns].fill(b'#'));
        rows.into_iter().map(|row| String::from_utf8(row).unwrap()).collect()
    }

    #[test]
    fn a_square_from_centre_to_centre_holds_its_border() {
        // cv2.fillPoly of (1, 1), (4, 1), (4, 3), (1, 3) gives the same twelve pixels.
        let square = [[1.5, 1.5], [4.5, 1.5], [4.5, 3.5], [1.5, 3.5]];
        assert_eq!(filled(&[&square]), ["........", ".####...", ".####...", ".####...", "........", "........"]);
        // A ten-thousandth of a pixel, which rounding takes off, changes nothing.
        let shifted = square.map(|[x, y]| [x + 1e-4, y - 1e-4]);
        assert_eq!(filled(&[&shifted]), filled(&[&square]));
        // A tenth does.
        let smaller = [[1.6, 1.6], [4.4, 1.6], [4.4, 3.4], [1.6, 3.4]];
        assert_eq!(filled(&[&smaller]), ["........", "........", "..##....", "........", "........", "........"]);
    }

    #[test]
    fn holes_points_and_lines() {
        let outer = [[0.5, 0.5], [6.5, 0.5], [6.5, 4.5], [0.5, 4.5]];
        let inner = [[2.5, 1.5], [4.5, 1.5], [4.5, 3.5], [2.5, 3.5]];
        // The outline of a hole goes through the pixels around it.
        assert_eq!(filled(&[&outer, &inner]), ["#######.", "#######.", "###.###.", "#######.", "#######.", "........"]);
        let (point, line, slanted): (&[_], &[_], &[_]) =
            (&[[7.2, 5.9]], &[[1.5, 1.5], [4.5, 1.5]], &[[0.5, 2.5], [2.5, 4.5]]);
        assert_eq!(
            filled(&[point, line, slanted]),
            ["........", ".####...", "#.......", ".#......", "..#.....", ".......#"]
        );
        assert_eq!(filled(&[&[[9.0, 1.0]], &[], &[[f64::NAN, 1.0]]]).concat(), ".".repeat(48));
    }
}
