//! Outlines that are there twice, and such that cross each other: what the even-odd rule makes of them is not what was drawn.

use std::collections::HashSet;

use super::structure_set::{Contour, ContourKind, Roi};
use crate::volume::Vec3;
use crate::work::numbers::whole;

/// Points that round to the same multiples of this are one.
const SAME_POINT_MM: f64 = 0.01;
/// Most pairs of edges of a plane that are looked at.
const MOST_PAIRS: usize = 1 << 21;

/// Takes out what would cancel itself: outlines that a region has twice in one plane, from whatever point and in whatever direction, and the
/// further rounds of an outline that goes round more than once. Gives how many outlines were changed or taken out.
pub fn drop_repeated(roi: &mut Roi) -> usize {
    let mut known = HashSet::new();
    let mut count = 0;
    roi.contours.retain_mut(|contour| {
        if contour.kind != ContourKind::Closed || contour.points.len() < 3 {
            return true;
        }
        count += usize::from(go_round_once(contour));
        let is_new = known.insert(canonical(rounded(&contour.points)));
        count += usize::from(!is_new);
        is_new
    });
    count
}

fn rounded(points: &[Vec3]) -> Vec<[i64; 3]> {
    points.iter().map(|point| point.map(|at| whole((at / SAME_POINT_MM).round()))).collect()
}

/// Leaves one round of an outline that goes round several times.
fn go_round_once(contour: &mut Contour) -> bool {
    let points = rounded(&contour.points);
    let count = points.len();
    // A point that is there many times is no round.
    if points.first().is_none_or(|first| points.iter().all(|point| point == first)) {
        return false;
    }
    let is_round = |length: &usize| count.is_multiple_of(*length) && points[*length..] == points[..count - length];
    let shortest = (3..=count / 2).find(is_round);
    shortest.into_iter().for_each(|length| contour.points.truncate(length));
    shortest.is_some()
}

/// The same points from the least on, towards the lesser of its neighbours, without such as follow themselves.
fn canonical(mut points: Vec<[i64; 3]>) -> Vec<[i64; 3]> {
    points.dedup();
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let mut reversed = points.clone();
    reversed.reverse();
    let from_least = |points: Vec<[i64; 3]>| {
        let least = points.iter().min().copied();
        // An outline may touch its least point several times.
        let starts = (0..points.len()).filter(|start| points.get(*start).copied() == least);
        let turned = |start: usize| [&points[start..], &points[..start]].concat();
        starts.map(turned).min().unwrap_or_default()
    };
    from_least(points).min(from_least(reversed))
}

/// Whether two outlines of a plane cross each other; to touch is not to cross. Where there are too many edges to tell, none is said to.
pub fn any_cross(outlines: &[Vec<[f64; 2]>]) -> bool {
    let boxes: Vec<[[f64; 2]; 2]> = outlines.iter().map(|outline| bounds(outline)).collect();
    let mut pairs = 0;
    for (n, a) in outlines.iter().enumerate() {
        for (m, b) in outlines.iter().enumerate().skip(n + 1) {
            if !meet(&boxes[n], &boxes[m]) {
                pairs += 1;
                continue;
            }
            for edge in edges(a).filter(|edge| meet(&bounds(edge), &boxes[m])) {
                pairs += b.len();
                if pairs > MOST_PAIRS {
                    return false;
                }
                if edges(b).any(|other| cross(&edge, &other)) {
                    return true;
                }
            }
        }
    }
    false
}

fn edges(outline: &[[f64; 2]]) -> impl Iterator<Item = [[f64; 2]; 2]> {
    outline.iter().enumerate().map(|(n, from)| [*from, outline[(n + 1) % outline.len()]])
}

/// The least and the largest of both coordinates.
fn bounds(points: &[[f64; 2]]) -> [[f64; 2]; 2] {
    points.iter().fold([[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]], |[low, high], [x, y]| {
        [[low[0].min(*x), low[1].min(*y)], [high[0].max(*x), high[1].max(*y)]]
    })
}

fn meet([a_low, a_high]: &[[f64; 2]; 2], [b_low, b_high]: &[[f64; 2]; 2]) -> bool {
    (0..2).all(|axis| a_low[axis] < b_high[axis] && b_low[axis] < a_high[axis])
}

/// Whether the inner parts of two edges cross in one point.
fn cross([a, b]: &[[f64; 2]; 2], [c, d]: &[[f64; 2]; 2]) -> bool {
    let side = |p: &[f64; 2], q: &[f64; 2], r: &[f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
    let are_apart = |one: f64, other: f64| one * other < 0.0;
    are_apart(side(a, b, c), side(a, b, d)) && are_apart(side(c, d, a), side(c, d, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(points: &[[f64; 2]]) -> Contour {
        let points = points.iter().map(|[x, y]| [*x, *y, 7.0]).collect();
        Contour { kind: ContourKind::Closed, points, image: None }
    }

    #[test]
    fn an_outline_is_kept_once_from_whatever_point_and_in_whatever_direction() {
        let square = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];
        let turned = [[4.0, 4.0], [0.0, 4.0], [0.0, 0.0], [4.0, 0.001]];
        let back = [[0.0, 4.0], [4.0, 4.0], [4.0, 0.0], [0.0, 0.0]];
        let ended = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]];
        let other = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0]];
        let contours = [&square[..], &turned, &other, &back, &ended].map(closed).to_vec();
        let mut roi = Roi { contours, ..Roi::default() };
        assert_eq!(drop_repeated(&mut roi), 3);
        assert_eq!(roi.contours, [closed(&square), closed(&other)]);
        // The same outline in another plane is another.
        let mut above = closed(&square);
        above.points.iter_mut().for_each(|point| point[2] += 1.0);
        roi.contours.push(above);
        assert_eq!(drop_repeated(&mut roi), 0);
    }

    #[test]
    fn an_outline_goes_round_once() {
        let square = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];
        let mut roi = Roi { contours: vec![closed(&[square, square, square].concat())], ..Roi::default() };
        assert_eq!(drop_repeated(&mut roi), 1);
        assert_eq!(roi.contours, [closed(&square)]);
    }

    #[test]
    fn what_touches_or_lies_within_does_not_cross() {
        let square = |x: f64, size: f64| vec![[x, 0.0], [x + size, 0.0], [x + size, size], [x, size]];
        assert!(!any_cross(&[square(0.0, 4.0), square(4.0, 4.0)]));
        assert!(!any_cross(&[square(0.0, 4.0), square(1.0, 2.0)]), "a hole that touches the edge");
        assert!(any_cross(&[square(0.0, 4.0), vec![[2.0, 1.0], [9.0, 1.0], [9.0, 3.0], [2.0, 3.0]]]));
    }
}
