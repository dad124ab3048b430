//! The outlines of a set of pixels.

/// How far an outline lies within its pixels' edges, in pixels.
///
/// On the edge itself it would be chance to which side a program rounds that fills from centre to centre. A hundredth within, every corner
/// lies in a pixel of the set, also at holes, and the area is right to a hundredth of a pixel for every pixel along the outline.
pub const OUTLINE_INSET: f64 = 0.01;

/// The ways along pixels' edges, each the right turn of the one before: to the right, down, left, up. The set is on the right hand.
const STEPS: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];
const RIGHT: usize = 0;
const DOWN: usize = 1;
const LEFT: usize = 2;
const UP: usize = 3;

/// Closed outlines of the pixels of a set along the pixels' edges, one for each part that hangs together by edges.
///
/// `mask` holds columns times rows, row by row; pixel `n` spans `n..n + 1`. A hole is reached by a channel without width through pixels of
/// the set (a keyhole), because not every program takes a second contour for a hole; the channel passes no pixel's centre. The last point
/// is joined to the first. Filled by any rule that takes the pixels whose centres lie inside, the outlines give the set back.
pub fn outlines(mask: &[bool], size: [usize; 2]) -> Vec<Vec<[f64; 2]>> {
    let mut tracing = Tracing { mask, size, nodes: Vec::new(), left_edges: vec![NONE; mask.len()] };
    let mut traced = vec![false; mask.len()];
    let (mut parts, mut holes) = (Vec::new(), Vec::new());
    for start in 0..mask.len() {
        let at = [signed(start % size[0]), signed(start / size[0])];
        // Every outline, also that of a hole, has an edge with a pixel of the set below.
        if mask[start] && !tracing.has([at[0], at[1] - 1]) && !traced[start] {
            let found = tracing.trace(at, &mut traced);
            if found.is_hole { holes.push(found) } else { parts.push(found) }
        }
    }
    holes.sort_by_key(|hole| hole.top_left.1);
    holes.iter().for_each(|hole| tracing.join(hole));
    parts.iter().map(|part| tracing.points(part.nodes.start)).collect()
}

const NONE: usize = usize::MAX;

fn signed(n: usize) -> isize {
    n as isize
}

/// A corner of an outline, or a pixel's corner along an edge that leads up.
struct Node {
    point: [f64; 2],
    next: usize,
}

/// A closed outline.
struct Outline {
    nodes: std::ops::Range<usize>,
    is_hole: bool,
    /// The node of the leftmost of its topmost corners, and its row and column.
    top_left: (usize, [isize; 2]),
}

struct Tracing<'a> {
    mask: &'a [bool],
    size: [usize; 2],
    nodes: Vec<Node>,
    /// For each pixel the node from which an outline leads up along its left edge.
    left_edges: Vec<usize>,
}

impl Tracing<'_> {
    fn place(&self, [x, y]: [isize; 2]) -> Option<usize> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < self.size[0] && y < self.size[1]).then(|| y * self.size[0] + x)
    }

    fn has(&self, pixel: [isize; 2]) -> bool {
        self.place(pixel).is_some_and(|place| self.mask[place])
    }

    /// Whether an outline leads from a pixel's upper left corner this way.
    fn leads(&self, [x, y]: [isize; 2], way: usize) -> bool {
        let (right_hand, left_hand) = match way {
            RIGHT => ([x, y], [x, y - 1]),
            DOWN => ([x - 1, y], [x, y]),
            LEFT => ([x - 1, y - 1], [x - 1, y]),
            _ => ([x, y - 1], [x - 1, y - 1]),
        };
        self.has(right_hand) && !self.has(left_hand)
    }

    /// Follows the outline that begins at the upper left corner of a pixel and leads to the right.
    fn trace(&mut self, start: [isize; 2], traced: &mut [bool]) -> Outline {
        let first = self.nodes.len();
        let (mut at, mut way) = (start, RIGHT);
        let mut twice_area = 0;
        let mut top_left = (first, [isize::MAX; 2]);
        loop {
            if way == RIGHT
                && let Some(place) = self.place(at)
            {
                traced[place] = true;
            }
            let to = [at[0] + STEPS[way][0], at[1] + STEPS[way][1]];
            twice_area += at[0] * to[1] - to[0] * at[1];
            at = to;
            // Where two pixels touch by a corner, the outline stays with its own.
            let turns = [(way + 1) % 4, way, (way + 3) % 4];
            let next = turns.into_iter().find(|next| self.leads(at, *next)).unwrap_or(way);
            if next != way || next == UP {
                if [at[1], at[0]] < top_left.1 {
                    top_left = (self.nodes.len(), [at[1], at[0]]);
                }
                if next == UP
                    && let Some(place) = self.place([at[0], at[1] - 1])
                {
                    self.left_edges[place] = self.nodes.len();
                }
                self.nodes.push(Node { point: corner(at, [way, next]), next: self.nodes.len() + 1 });
            }
            way = next;
            if at == start && way == RIGHT {
                break;
            }
        }
        if let Some(last) = self.nodes.last_mut() {
            last.next = first;
        }
        Outline { nodes: first..self.nodes.len(), is_hole: twice_area < 0, top_left }
    }

    /// Joins a hole's outline to the next one on its left by a channel through the row of pixels above the hole.
    fn join(&mut self, hole: &Outline) {
        let (node, [row, column]) = hole.top_left;
        let above = row - 1;
        let mut x = column - 1;
        while self.has([x - 1, above]) {
            x -= 1;
        }
        let Some(edge) = self.place([x, above]).map(|place| self.left_edges[place]).filter(|edge| *edge != NONE) else {
            return;
        };
        let point = self.nodes[node].point;
        let mouth = [x as f64 + OUTLINE_INSET, point[1]];
        let before = if node == hole.nodes.start { hole.nodes.end - 1 } else { node - 1 };
        let (there, back, out) = (self.nodes.len(), self.nodes.len() + 1, self.nodes.len() + 2);
        self.nodes.push(Node { point: mouth, next: node });
        self.nodes.push(Node { point, next: out });
        self.nodes.push(Node { point: mouth, next: self.nodes[edge].next });
        self.nodes[before].next = back;
        self.nodes[edge].next = there;
    }

    /// The points of an outline without those that lie between two others.
    fn points(&self, start: usize) -> Vec<[f64; 2]> {
        let mut points: Vec<[f64; 2]> = Vec::new();
        let mut node = start;
        loop {
            push(&mut points, self.nodes[node].point);
            node = self.nodes[node].next;
            if node == start {
                break;
            }
        }
        // Around the end, too.
        while points.len() > 3 && goes_on([points[points.len() - 2], points[points.len() - 1], points[0]]) {
            points.pop();
        }
        while points.len() > 3 && goes_on([points[points.len() - 1], points[0], points[1]]) {
            points.remove(0);
        }
        points
    }
}

/// Where an outline turns at a pixel's corner.
fn corner([x, y]: [isize; 2], ways: [usize; 2]) -> [f64; 2] {
    let mut point = [x as f64, y as f64];
    for way in ways {
        match way {
            RIGHT => point[1] = y as f64 + OUTLINE_INSET,
            DOWN => point[0] = x as f64 - OUTLINE_INSET,
            LEFT => point[1] = y as f64 - OUTLINE_INSET,
            _ => point[0] = x as f64 + OUTLINE_INSET,
        }
    }
    point
}

fn push(points: &mut Vec<[f64; 2]>, point: [f64; 2]) {
    if let [.., a, b] = points[..]
        && goes_on([a, b, point])
    {
        points.pop();
    }
    if points.last() != Some(&point) {
        points.push(point);
    }
}

/// Whether the second of three points lies on the straight way from the first to the third. All edges lead along a row or a column.
fn goes_on([a, b, c]: [[f64; 2]; 3]) -> bool {
    [0, 1].into_iter().any(|axis| {
        a[axis] == b[axis] && b[axis] == c[axis] && (b[1 - axis] - a[1 - axis]) * (c[1 - axis] - b[1 - axis]) >= 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{fill_contours, pixels_inside};
    use proptest::prelude::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, [usize; 2]) {
        (rows.concat().bytes().map(|byte| byte == b'#').collect(), [rows[0].len(), rows.len()])
    }

    /// By our own rule for contours, outlines together.
    fn refilled(found: &[Vec<[f64; 2]>], size: [usize; 2]) -> Vec<bool> {
        let mut filled = vec![false; size[0] * size[1]];
        let found: Vec<&[[f64; 2]]> = found.iter().map(Vec::as_slice).collect();
        fill_contours(&found, size, |row, columns| filled[row * size[0]..][columns].fill(true));
        filled
    }

    fn area(outline: &[[f64; 2]]) -> f64 {
        let part = |(n, a): (usize, &[f64; 2])| {
            let b = outline[(n + 1) % outline.len()];
            a[0] * b[1] - b[0] * a[1]
        };
        outline.iter().enumerate().map(part).sum::<f64>() / 2.0
    }

    #[test]
    fn one_pixel_has_four_corners_a_hundredth_within() {
        let (one, size) = mask(&["...", ".#.", "..."]);
        let found = outlines(&one, size);
        assert_eq!(found, [[[1.99, 1.01], [1.99, 1.99], [1.01, 1.99], [1.01, 1.01]]]);
        assert!(outlines(&[false; 9], [3, 3]).is_empty());
        assert!(outlines(&[], [0, 0]).is_empty());
    }

    #[test]
    fn a_hole_is_reached_by_a_channel_and_pixels_that_touch_by_a_corner_are_two_parts() {
        let (ring, size) = mask(&["#####", "#...#", "#.#.#", "#...#", "#####"]);
        let found = outlines(&ring, size);
        assert_eq!(found.len(), 2);
        // 25 - 9 + 1 pixels, without a hundredth along 20 + 12 and 4 edges.
        assert!((area(&found[0]) - (16.0 - 0.32)).abs() < 0.01, "{}", area(&found[0]));
        assert!((area(&found[1]) - (1.0 - 0.04)).abs() < 0.001);
        // The channel goes on along the upper edge of the hole.
        assert_eq!(found[0].len(), 4 + 4 + 2);
        let (touching, size) = mask(&["#.", ".#"]);
        assert_eq!(outlines(&touching, size).len(), 2);
        // The background goes through between pixels that touch by a corner: no hole, one outline.
        let (open, size) = mask(&["####", "#..#", "#.#.", "####"]);
        assert_eq!(outlines(&open, size).len(), 1);
    }

    proptest! {
        #[test]
        fn outlines_of_any_pixels_give_them_back(
            (mask, size) in (1usize..14, 1usize..14, 0.1f64..0.95).prop_flat_map(|(w, h, share)| {
                (prop::collection::vec(prop::bool::weighted(share), w * h), Just([w, h]))
            })
        ) {
            let found = outlines(&mask, size);
            prop_assert_eq!(&refilled(&found, size), &mask);
            // One after the other, and without the pixels that lie on outlines.
            let mut alone = vec![false; mask.len()];
            for outline in &found {
                for [column, row] in pixels_inside(outline, size) {
                    prop_assert!(!alone[row * size[0] + column], "two outlines hold one pixel");
                    alone[row * size[0] + column] = true;
                }
                // From centre to centre, as programs fill that round points to pixels.
                for [x, y] in outline {
                    prop_assert!(mask[y.floor() as usize * size[0] + x.floor() as usize], "a corner beside the set");
                }
                let next = |n: usize| outline[(n + 1) % outline.len()];
                let is_straight = |(n, a): (usize, &[f64; 2])| a[0] == next(n)[0] || a[1] == next(n)[1];
                prop_assert!(outline.iter().enumerate().all(is_straight));
            }
            prop_assert_eq!(&alone, &mask);
        }
    }
}
