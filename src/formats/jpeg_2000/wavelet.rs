//! Undoing the reversible wavelet (ISO/IEC 15444-1 annex F): rows first, then columns, resolution by resolution.
//!
//! Sums wrap around: coefficients that do so were made up.

use super::area::Area;

/// Columns that are done at once.
const STRIP: usize = 16;

/// Undoes one decomposition: `plane` (rows of `stride`) holds at its upper left the low band with the others beside and below it, and
/// then the samples of `area`.
pub fn undo(plane: &mut [i32], stride: usize, area: Area) {
    let (width, height) = (area.width() as usize, area.height() as usize);
    if width == 0 || height == 0 {
        return;
    }
    // Samples at even places of the reference grid are low ones.
    let (is_odd_left, is_odd_top) = (area.left % 2 == 1, area.top % 2 == 1);
    let mut line = vec![0; width + 4];
    for row in plane.chunks_mut(stride).take(height) {
        undo_row(&mut row[..width], is_odd_left, &mut line);
    }
    let mut strip = vec![[0; STRIP]; height];
    for left in (0..width).step_by(STRIP) {
        let count = STRIP.min(width - left);
        let low_rows = if is_odd_top { height / 2 } else { height.div_ceil(2) };
        for (n, row) in plane.chunks(stride).take(height).enumerate() {
            let at = if n < low_rows {
                2 * n + usize::from(is_odd_top)
            } else {
                2 * (n - low_rows) + usize::from(!is_odd_top)
            };
            strip[at][..count].copy_from_slice(&row[left..left + count]);
        }
        undo_columns(&mut strip, is_odd_top);
        for (row, done) in plane.chunks_mut(stride).zip(&strip) {
            row[left..left + count].copy_from_slice(&done[..count]);
        }
    }
}

#[inline(always)]
fn low(sample: i32, before: i32, after: i32) -> i32 {
    sample.wrapping_sub(before.wrapping_add(after).wrapping_add(2) >> 2)
}

#[inline(always)]
fn high(sample: i32, before: i32, after: i32) -> i32 {
    sample.wrapping_add(before.wrapping_add(after) >> 1)
}

/// `line` is room for four more samples than the row has.
fn undo_row(row: &mut [i32], starts_odd: bool, line: &mut [i32]) {
    let width = row.len();
    if width == 1 {
        if starts_odd {
            row[0] /= 2;
        }
        return;
    }
    let odd = usize::from(starts_odd);
    let lows = width.div_ceil(2) - odd * (width % 2);
    let highs = width - lows;
    // Both bands with their outermost samples once more at each end.
    let (even, difference) = line.split_at_mut(lows + 2);
    difference[1..=highs].copy_from_slice(&row[lows..]);
    difference[0] = row[lows];
    difference[highs + 1] = row[width - 1];
    let (before, after) = (&difference[odd..odd + lows], &difference[odd + 1..]);
    for (((sample, &low_band), &before), &after) in even[1..].iter_mut().zip(&row[..lows]).zip(before).zip(after) {
        *sample = low(low_band, before, after);
    }
    even[0] = even[1];
    even[lows + 1] = even[lows];
    let first = &even[1 - odd..];
    for n in 0..width / 2 {
        let between = high(difference[n + 1], first[n], first[n + 1]);
        let pair = if starts_odd { [between, even[n + 1]] } else { [even[n + 1], between] };
        row[2 * n..2 * n + 2].copy_from_slice(&pair);
    }
    if width % 2 == 1 {
        row[width - 1] = if starts_odd { high(difference[highs], first[highs - 1], first[highs]) } else { even[lows] };
    }
}

/// The same for columns whose samples are already in their places.
fn undo_columns(rows: &mut [[i32; STRIP]], starts_odd: bool) {
    let height = rows.len();
    if height == 1 {
        if starts_odd {
            rows[0] = rows[0].map(|sample| sample / 2);
        }
        return;
    }
    lift(rows, usize::from(starts_odd), low);
    lift(rows, usize::from(!starts_odd), high);
}

#[inline(always)]
fn lift(rows: &mut [[i32; STRIP]], start: usize, step: impl Fn(i32, i32, i32) -> i32) {
    let height = rows.len();
    for at in (start..height).step_by(2) {
        let before = rows[if at == 0 { 1 } else { at - 1 }];
        let after = rows[if at + 1 == height { at - 1 } else { at + 1 }];
        for ((sample, before), after) in rows[at].iter_mut().zip(before).zip(after) {
            *sample = step(*sample, before, after);
        }
    }
}
