//! What stands for strokes in a slice that has none: the middle of the structure in the slice beside it, and a line around it. The network has
//! learned from strokes, and answers a mask alone badly.

use super::touch_answer::{NOTHING, OFF, ON, SliceValues};
use crate::work::numbers::real;

/// Share of a piece's greatest depth from which on a pixel is in its middle.
const MIDDLE: f64 = 0.5;
/// How far outside the line around lies: at least so many pixels, and so much of the greatest depth more, where the structure may grow.
const BESIDE: u32 = 3;
const ROOM: f64 = 0.3;
/// Inside and around are told apart where their means differ by more than this share of the deviation inside.
const APART: f64 = 0.5;

/// Strokes for a slice beside one with this mask, row-major: the middle of every piece, or one pixel of it where it is thin, and a line around.
pub(super) fn guide(mask: &[u8], [rows, columns]: [usize; 2]) -> Vec<u8> {
    let inside = depths(mask.iter().map(|value| *value != 0), columns);
    let outside = depths(mask.iter().map(|value| *value == 0), columns);
    let mut strokes = vec![NOTHING; mask.len()];
    let mut deepest = 0;
    for piece in pieces(mask, [rows, columns]) {
        let depth = piece.iter().map(|at| inside[*at]).max().unwrap_or(0);
        deepest = depth.max(deepest);
        if depth < 2 {
            strokes[piece[piece.len() / 2]] = ON;
            continue;
        }
        let least = MIDDLE * f64::from(depth);
        piece.into_iter().filter(|at| f64::from(inside[*at]) > least).for_each(|at| strokes[at] = ON);
    }
    let beside = f64::from(BESIDE) + (ROOM * f64::from(deepest)).round();
    strokes.iter_mut().zip(&outside).filter(|(_, depth)| f64::from(**depth) == beside).for_each(|(at, _)| *at = OFF);
    strokes
}

/// What a structure looks like, beside what is around it.
pub(super) struct Look {
    inside: f64,
    around: f64,
    deviation: f64,
}

impl Look {
    /// Of a structure in a slice.
    pub(super) fn of(slice: &SliceValues, mask: &[u8]) -> Self {
        let outside = depths(mask.iter().map(|value| *value == 0), slice.size[1]);
        let [inside, deviation] = moments(slice.values.iter().zip(mask).filter(|(_, is_in)| **is_in != 0));
        let near = slice.values.iter().zip(&outside).filter(|(_, depth)| (1..=BESIDE).contains(*depth));
        let [around, _] = moments(near);
        Self { inside, around, deviation }
    }

    /// Whether what is under the strokes on it looks rather like what was around it. Where both look alike nobody can say.
    pub(super) fn is_gone(&self, slice: &SliceValues, strokes: &[u8]) -> bool {
        let [now, _] = moments(slice.values.iter().zip(strokes).filter(|(_, stroke)| **stroke == ON));
        let is_clear = (self.inside - self.around).abs() > APART * self.deviation;
        is_clear && (now - self.around).abs() < (now - self.inside).abs()
    }
}

/// Mean and deviation of values that are numbers; no number where there are none.
fn moments<'a, T: 'a>(values: impl Iterator<Item = (&'a f32, &'a T)>) -> [f64; 2] {
    let [mut count, mut sum, mut squares] = [0usize; 3].map(real);
    for value in values.map(|(value, _)| f64::from(*value)).filter(|value| value.is_finite()) {
        (count, sum, squares) = (count + 1.0, sum + value, squares + value * value);
    }
    let mean = sum / count;
    [mean, (squares / count - mean * mean).max(0.0).sqrt()]
}

/// Steps along rows and columns to the nearest pixel that is not in a set; pixels that are not in it have 0. Beyond the border is no pixel.
fn depths(is_in: impl Iterator<Item = bool>, columns: usize) -> Vec<u32> {
    let mut depths: Vec<u32> = is_in.map(|is_in| if is_in { u32::MAX } else { 0 }).collect();
    let count = depths.len();
    for at in 0..count {
        let left = if at % columns > 0 { depths[at - 1] } else { u32::MAX };
        let above = if at >= columns { depths[at - columns] } else { u32::MAX };
        depths[at] = depths[at].min(left.saturating_add(1)).min(above.saturating_add(1));
    }
    for at in (0..count).rev() {
        let right = if (at + 1) % columns > 0 { depths[at + 1] } else { u32::MAX };
        let below = if at + columns < count { depths[at + columns] } else { u32::MAX };
        depths[at] = depths[at].min(right.saturating_add(1)).min(below.saturating_add(1));
    }
    depths
}

/// The pixels of each connected piece, by rows, columns and corners, in rising order.
fn pieces(mask: &[u8], [rows, columns]: [usize; 2]) -> Vec<Vec<usize>> {
    let mut is_left: Vec<bool> = mask.iter().map(|value| *value != 0).collect();
    let mut found = Vec::new();
    for start in 0..mask.len() {
        if !std::mem::take(&mut is_left[start]) {
            continue;
        }
        let (mut piece, mut next) = (Vec::new(), vec![start]);
        while let Some(at) = next.pop() {
            piece.push(at);
            let (row, column) = (at / columns, at % columns);
            for row in row.saturating_sub(1)..=(row + 1).min(rows - 1) {
                for column in column.saturating_sub(1)..=(column + 1).min(columns - 1) {
                    if std::mem::take(&mut is_left[row * columns + column]) {
                        next.push(row * columns + column);
                    }
                }
            }
        }
        piece.sort_unstable();
        found.push(piece);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square of 9 pixels a side, and a thin line.
    fn mask() -> Vec<u8> {
        let is_in = |row, column| {
            (10..19).contains(&row) && (5..14).contains(&column) || row == 30 && (20..27).contains(&column)
        };
        (0..40 * 32).map(|n| u8::from(is_in(n / 32, n % 32))).collect()
    }

    #[test]
    fn the_middle_is_on_and_a_line_around_is_off() {
        let strokes = guide(&mask(), [40, 32]);
        let at = |row: usize, column: usize| strokes[row * 32 + column];
        // The depth is 5: on are the 25 pixels of 3 and more.
        assert_eq!([at(14, 9), at(12, 7), at(11, 7), at(10, 5)], [ON, ON, NOTHING, NOTHING]);
        let on: usize = strokes.iter().map(|stroke| usize::from(*stroke == ON)).sum();
        assert_eq!(on, 25 + 1);
        assert_eq!(at(30, 23), ON);
        // Five pixels outside of the nearest.
        assert_eq!([at(5, 9), at(6, 9), at(4, 9), at(35, 23)], [OFF, NOTHING, NOTHING, OFF]);
        assert!(guide(&[0; 12], [3, 4]).iter().all(|stroke| *stroke == NOTHING));
        assert_eq!(guide(&[1], [1, 1]), [ON]);
    }

    #[test]
    fn what_looks_like_its_surroundings_is_gone() {
        let (mask, size) = (mask(), [40, 32]);
        let slice = |inside: f32, noise: f32| SliceValues {
            values: (0..1280)
                .map(|n| if mask[n] != 0 { inside } else { 10.0 } + noise * (n * 7919 % 13) as f32)
                .collect(),
            size,
            spacing_mm: [1.0; 2],
        };
        let strokes = guide(&mask, size);
        let look = Look::of(&slice(50.0, 0.5), &mask);
        assert!(!look.is_gone(&slice(42.0, 0.5), &strokes) && look.is_gone(&slice(15.0, 0.5), &strokes));
        // By the mean alone they are not told apart.
        let alike = Look::of(&slice(11.0, 9.0), &mask);
        assert!(!alike.is_gone(&slice(10.0, 9.0), &strokes));
    }
}
