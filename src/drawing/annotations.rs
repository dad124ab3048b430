//! Orientation letters and the scale bar of a saved picture.

use super::glyphs;
use super::scale_bar::{bar_mm, bar_name};
use crate::formats::RgbPicture;

/// Pixels of the picture for a pixel of a letter.
const DOT: usize = 3;
/// Distance from the edge.
const MARGIN: usize = 4 * DOT;
/// Colour of letters and bar.
const INK: [u8; 3] = [0xd6, 0xda, 0xdf];
/// Share of the picture's width that the bar may have.
const SHARE: f32 = 0.25;

/// Draws the letters at the left, right, top and bottom edge, and a bar; `mm` is the width of a pixel of the picture.
pub fn annotate(picture: &mut RgbPicture, letters: [char; 4], mm: f32) {
    let [width, height] = [picture.width, picture.height];
    let [letter_width, letter_height] = glyphs::SIZE.map(|dots| dots * DOT);
    let far = |whole: usize, part: usize| whole.saturating_sub(part + MARGIN);
    let middle = [width.saturating_sub(letter_width) / 2, height.saturating_sub(letter_height) / 2];
    let places = [
        [MARGIN, middle[1]],
        [far(width, letter_width), middle[1]],
        [middle[0], MARGIN],
        [middle[0], far(height, letter_height)],
    ];
    for (letter, at) in letters.into_iter().zip(places) {
        write(picture, at, &letter.to_string(), DOT);
    }
    draw_bar(picture, mm);
}

/// A bar at the lower left, with its length beside it.
fn draw_bar(picture: &mut RgbPicture, mm: f32) {
    let Some(length_mm) = bar_mm(picture.width as f32 * SHARE * mm) else { return };
    let length = (length_mm / mm).round() as usize;
    let bottom = picture.height.saturating_sub(MARGIN);
    let ends = [MARGIN, MARGIN + length];
    let tick = 2 * DOT;
    let mut shapes = vec![([ends[0], bottom.saturating_sub(DOT)], [length, DOT])];
    shapes.extend(ends.map(|x| ([x.saturating_sub(DOT / 2), bottom.saturating_sub(DOT + tick)], [DOT, DOT + tick])));
    for (at, size) in &shapes {
        fill(picture, [at[0].saturating_sub(1), at[1].saturating_sub(1)], size.map(|side| side + 2), [0; 3]);
    }
    for (at, size) in shapes {
        fill(picture, at, size, INK);
    }
    let text_at = [ends[1] + 2 * DOT, bottom.saturating_sub(glyphs::SIZE[1] * DOT)];
    write(picture, text_at, &bar_name(length_mm), DOT);
}

/// Width and height of a text with the ground that it is written on; `dot` pixels of the picture are one of a letter.
pub fn text_size(text: &str, dot: usize) -> [usize; 2] {
    [(text.chars().count() * (glyphs::SIZE[0] + 1) + 1) * dot, (glyphs::SIZE[1] + 2) * dot]
}

/// Writes a text on a dark ground, which keeps it readable over bright tissue.
pub fn write(picture: &mut RgbPicture, [x, y]: [usize; 2], text: &str, dot: usize) {
    let step = (glyphs::SIZE[0] + 1) * dot;
    fill(picture, [x.saturating_sub(dot), y.saturating_sub(dot)], text_size(text, dot), [0; 3]);
    for (n, letter) in text.chars().enumerate() {
        for (row, bits) in glyphs::rows(letter).into_iter().flatten().enumerate() {
            for column in (0..glyphs::SIZE[0]).filter(|column| bits >> (glyphs::SIZE[0] - 1 - column) & 1 == 1) {
                fill(picture, [x + n * step + column * dot, y + row * dot], [dot, dot], INK);
            }
        }
    }
}

/// Fills a rectangle; what lies beside the picture is left out.
fn fill(picture: &mut RgbPicture, at: [usize; 2], size: [usize; 2], colour: [u8; 3]) {
    for y in at[1]..(at[1] + size[1]).min(picture.height) {
        for x in at[0]..(at[0] + size[0]).min(picture.width) {
            let first = 3 * (y * picture.width + x);
            if let Some(pixel) = picture.rgb.get_mut(first..first + 3) {
                pixel.copy_from_slice(&colour);
            }
        }
    }
}
