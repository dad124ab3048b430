//! Words in a picture, in any size, with smooth edges.

use std::sync::OnceLock;

use super::typeface::{DROID, Outline, ROBOTO, Typeface};
use crate::formats::RgbPicture;

/// Lines that a row of pixels is cut into.
const LINES: usize = 4;
/// What stands for a letter that no font has.
const MISSING: char = '\u{25a1}';

/// The program's fonts; a letter is looked for in one after the other.
fn typefaces() -> &'static [Typeface] {
    static ALL: OnceLock<Vec<Typeface>> = OnceLock::new();
    ALL.get_or_init(|| [ROBOTO, DROID].into_iter().filter_map(Typeface::of).collect())
}

/// Letters of a text that no font has.
pub fn missing(text: &str) -> Vec<char> {
    text.chars().filter(|letter| typefaces().iter().all(|face| face.glyph(*letter).is_none())).collect()
}

/// A letter's font and glyph; a box or nothing where no font has it.
fn find(letter: char) -> Option<(&'static Typeface, u16)> {
    let of = |letter: char| typefaces().iter().find_map(|face| Some((face, face.glyph(letter)?)));
    of(letter).or_else(|| of(MISSING)).or_else(|| of('?'))
}

/// How wide a text of this size is, in pixels.
pub fn width(text: &str, size: f32) -> f32 {
    text.chars().filter_map(find).map(|(face, glyph)| face.width(glyph) * size / face.units).sum()
}

/// A text cut to a width, with an ellipsis where it was too long.
pub fn cut(text: &str, size: f32, room: f32) -> String {
    if width(text, size) <= room {
        return text.into();
    }
    let mut short = String::new();
    for letter in text.chars() {
        if width(&format!("{short}{letter}\u{2026}"), size) > room {
            break;
        }
        short.push(letter);
    }
    format!("{}\u{2026}", short.trim_end())
}

/// Height of a line of this size.
pub fn line_height(size: f32) -> f32 {
    size * 1.3
}

/// Writes a text whose line begins at the left, its letters standing within a line's height below the top.
pub fn write(picture: &mut RgbPicture, [left, top]: [f32; 2], text: &str, size: f32, ink: [u8; 3]) {
    let Some(main) = typefaces().first() else { return };
    // The body of a letter is in the middle of the line.
    let body = (main.ascent - main.descent) * size / main.units;
    let base = top + (line_height(size) - body) / 2.0 + main.ascent * size / main.units;
    let mut at = left;
    for (face, glyph) in text.chars().filter_map(find) {
        let scale = size / face.units;
        let mut outlines = face.outlines(glyph);
        outlines.iter_mut().flatten().for_each(|point| *point = [at + point[0] * scale, base - point[1] * scale]);
        fill(picture, &outlines, ink);
        at += face.width(glyph) * scale;
    }
}

/// Fills what lies within closed lines, by their winding, in pixels of the picture.
fn fill(picture: &mut RgbPicture, outlines: &[Outline], ink: [u8; 3]) {
    let points = || outlines.iter().flatten();
    let top = points().map(|point| point[1]).fold(f32::MAX, f32::min);
    let bottom = points().map(|point| point[1]).fold(f32::MIN, f32::max);
    if top >= bottom {
        return;
    }
    let within = |at: f32| (at.max(0.0) as usize).min(picture.height);
    let mut cover = vec![0.0f32; picture.width];
    for y in within(top.floor())..within(bottom.ceil()) {
        cover.fill(0.0);
        for line in 0..LINES {
            let at = y as f32 + (line as f32 + 0.5) / LINES as f32;
            add_spans(&crossings(outlines, at), &mut cover);
        }
        for (x, cover) in cover.iter().enumerate().filter(|(_, cover)| **cover > 0.0) {
            let share = (cover / LINES as f32).min(1.0);
            if let Some(pixel) = picture.rgb.get_mut(3 * (y * picture.width + x)..).and_then(|rest| rest.get_mut(..3)) {
                for (value, ink) in pixel.iter_mut().zip(ink) {
                    *value = (f32::from(*value) * (1.0 - share) + f32::from(ink) * share).round() as u8;
                }
            }
        }
    }
}

/// Where a level line crosses the outlines, from the left, and in which direction those run there.
fn crossings(outlines: &[Outline], at: f32) -> Vec<(f32, i32)> {
    let mut all = Vec::new();
    for outline in outlines {
        for (from, to) in outline.iter().zip(outline.iter().cycle().skip(1)) {
            if (from[1] <= at) != (to[1] <= at) {
                let x = from[0] + (at - from[1]) / (to[1] - from[1]) * (to[0] - from[0]);
                all.push((x, if from[1] <= at { 1 } else { -1 }));
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// Adds what a line covers of every pixel.
fn add_spans(crossings: &[(f32, i32)], cover: &mut [f32]) {
    let mut winding = 0;
    for pair in crossings.windows(2) {
        let [(from, direction), (to, _)] = *pair else { continue };
        winding += direction;
        if winding == 0 {
            continue;
        }
        let (from, to) = (from.max(0.0), to.min(cover.len() as f32));
        let (first, last) = (from.floor() as usize, to.ceil() as usize);
        for (x, cover) in cover.iter_mut().enumerate().take(last).skip(first) {
            *cover += (to.min(x as f32 + 1.0) - from.max(x as f32)).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn white(width: usize, height: usize) -> RgbPicture {
        RgbPicture { width, height, rgb: vec![255; width * height * 3] }
    }

    #[test]
    fn what_lines_enclose_is_filled_by_its_share_of_every_pixel() {
        let mut picture = white(6, 4);
        let outer = vec![[0.5, 1.0], [5.0, 1.0], [5.0, 3.0], [0.5, 3.0]];
        // The other way round: a hole.
        let inner = vec![[2.0, 1.0], [2.0, 3.0], [3.0, 3.0], [3.0, 1.0]];
        fill(&mut picture, &[outer, inner], [0; 3]);
        let row = |y: usize| picture.rgb[18 * y..18 * (y + 1)].chunks_exact(3).map(|p| p[0]).collect::<Vec<_>>();
        assert_eq!(row(0), [255; 6]);
        assert_eq!(row(1), [128, 0, 255, 0, 0, 255]);
        assert_eq!(row(2), row(1));
    }

    #[test]
    fn a_word_has_its_ink_within_its_width_and_line() {
        let (size, text) = (20.0, "Liver \u{809d} 12");
        let mut picture = white(200, 60);
        write(&mut picture, [10.0, 15.0], text, size, [0; 3]);
        let dark: Vec<usize> = (0..200 * 60).filter(|n| picture.rgb[3 * n] < 128).collect();
        let (left, right) = (dark.iter().map(|n| n % 200).min().unwrap(), dark.iter().map(|n| n % 200).max().unwrap());
        let (top, bottom) = (dark[0] / 200, dark[dark.len() - 1] / 200);
        let end = 10.0 + width(text, size);
        assert!((10..14).contains(&left) && right as f32 <= end && right as f32 > end - 5.0, "{left} {right} {end}");
        assert!(top >= 15 && bottom as f32 <= 15.0 + line_height(size), "{top} {bottom}");
        assert!(missing(text).is_empty());
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let room = width("Left hip", 10.0);
        let short = cut("Left hippocampus", 10.0, room);
        assert!(short.ends_with('\u{2026}') && short.starts_with("Left") && width(&short, 10.0) <= room, "{short}");
        assert_eq!(cut("Left", 10.0, room), "Left");
    }
}
