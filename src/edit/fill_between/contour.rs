//! From one shape to another by morphology: the median of both, then the medians on both sides of it.
//!
//! Source: Albu, Beugeling, Laurendeau, "A morphology-based approach for interslice interpolation of anatomical slices from volumetric
//! images", 2008, which ITK's `MorphologicalContourInterpolator` follows; the median set by distances is that of Serra, "Hausdorff distances
//! and interpolations", 1998: what lies nearer to the part that both shapes share than to the outside of both.

use super::picture::{Deep, Pixels, Window};
use crate::work::{Stopped, Watch};

/// The shapes of the slices between two that are `gap` slices apart; `None` where the shapes share nothing after they were moved together.
/// Only shapes that do not overlap are moved.
pub(super) fn between(
    shapes: &[Pixels; 2],
    gap: usize,
    spacing_mm: [f64; 2],
    watch: Watch,
) -> Result<Option<Vec<Deep>>, Stopped> {
    let [a, b] = shapes;
    if a.is_empty() || b.is_empty() {
        return Ok(None);
    }
    let way = if overlaps(a, b) {
        [0; 2]
    } else {
        let (from, to) = (a.centre(), b.centre());
        [0, 1].map(|axis| (to[axis] - from[axis]).round() as i64)
    };
    let b = b.moved(way.map(|by| -by));
    if !overlaps(a, &b) {
        return Ok(None);
    }
    let window = Window::around(a.0.iter().chain(&b.0), 1);
    let mut between = vec![Vec::new(); gap - 1];
    fill(&Ends { window, spacing_mm, watch }, [&window.mask(a), &window.mask(&b)], [0, gap], &mut between)?;
    let place = |(n, mask): (usize, Vec<bool>)| {
        let share = (n + 1) as f64 / gap as f64;
        let by = way.map(|way| (way as f64 * share).round() as i64);
        let pixels = mask.iter().enumerate().filter(|(_, is_in)| **is_in).map(|(at, _)| window.pixel(at));
        // Nothing is known of depths here; of equals the lower label has the voxel.
        pixels.map(|[x, y]| ([x + by[0], y + by[1]], 0.0)).collect()
    };
    Ok(Some(between.into_iter().enumerate().map(place).collect()))
}

fn overlaps(a: &Pixels, b: &Pixels) -> bool {
    let pixels: std::collections::BTreeSet<&[i64; 2]> = a.0.iter().collect();
    b.0.iter().any(|pixel| pixels.contains(pixel))
}

/// What all medians of a pair have in common.
struct Ends<'a> {
    window: Window,
    spacing_mm: [f64; 2],
    watch: Watch<'a>,
}

/// Fills the slices between `at[0]` and `at[1]`; slice n is at `out[n - 1]`.
fn fill(ends: &Ends, shapes: [&[bool]; 2], at: [usize; 2], out: &mut [Vec<bool>]) -> Result<(), Stopped> {
    let middle = at[0].midpoint(at[1]);
    if middle == at[0] {
        return Ok(());
    }
    let median = median(ends, shapes)?;
    fill(ends, [shapes[0], &median], [at[0], middle], out)?;
    fill(ends, [&median, shapes[1]], [middle, at[1]], out)?;
    out[middle - 1] = median;
    Ok(())
}

fn median(ends: &Ends, [a, b]: [&[bool]; 2]) -> Result<Vec<bool>, Stopped> {
    let shared = ends.window.distances(ends.spacing_mm, |at| a[at] && b[at], ends.watch)?;
    let outside = ends.window.distances(ends.spacing_mm, |at| !a[at] && !b[at], ends.watch)?;
    Ok((0..a.len()).map(|at| (a[at] || b[at]) && shared[at] <= outside[at]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_becomes_a_larger_one_by_steps() {
        let disc = |radius: i64| {
            let all = (0..441).map(|n| [n % 21 - 10, n / 21 - 10]);
            Pixels(all.filter(|[x, y]| x * x + y * y <= radius * radius).collect())
        };
        let shapes = [disc(2), disc(9)];
        let between = between(&shapes, 4, [1.0; 2], Watch::unwatched()).unwrap().unwrap();
        let areas: Vec<usize> = between.iter().map(Vec::len).collect();
        assert_eq!(areas.len(), 3);
        assert!(shapes[0].len() < areas[0] && areas[0] < areas[1] && areas[1] < areas[2] && areas[2] < shapes[1].len());
        // Half way between the borders.
        let wanted = disc(6).len();
        assert!(areas[1].abs_diff(wanted) * 5 < wanted, "{areas:?} {wanted}");
    }

    #[test]
    fn shapes_that_share_nothing_are_moved_together() {
        let square = |x: i64, y: i64| Pixels((0..9).map(|n| [x + n % 3, y + n / 3]).collect());
        let between = between(&[square(0, 0), square(9, -6)], 3, [1.0; 2], Watch::unwatched()).unwrap().unwrap();
        let places = |n: usize| between[n].iter().map(|(pixel, _)| *pixel).collect::<Vec<_>>();
        assert_eq!((places(0), places(1)), (square(3, -2).0, square(6, -4).0));
    }
}
