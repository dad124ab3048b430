//! Rulers, angles and regions of a slice, drawn into a saved picture.

use super::annotations::{text_size, write};
use super::place::Place;
use crate::formats::RgbPicture;

/// A measurement as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnFigure {
    /// Its line, in pixels of the slice as it is shown, mirrored where the view is.
    pub outline: Vec<[f64; 2]>,
    /// What it gives.
    pub lines: Vec<String>,
}

/// Half of the line's thickness in pixels of the picture, and that of the dark line below it.
const THICKNESS: [f64; 2] = [1.0, 2.5];
const INK: [u8; 3] = [0xff; 3];
/// How much of the image the dark line hides.
const VEIL: f64 = 0.6;
/// Pixels of the picture for a pixel of a letter.
const DOT: usize = 2;
/// Between the figure and its text.
const GAP: f64 = 8.0;

/// Draws figures with what they give beside them.
pub fn draw_figures(picture: &mut RgbPicture, place: &Place, figures: &[DrawnFigure]) {
    for figure in figures {
        let points: Vec<[f64; 2]> =
            figure.outline.iter().map(|at| [0, 1].map(|axis| place.on_picture(axis, at[axis]))).collect();
        for (half, colour, share) in [(THICKNESS[1], [0; 3], VEIL), (THICKNESS[0], INK, 1.0)] {
            for pair in points.windows(2) {
                if let [from, to] = pair {
                    draw_line(picture, (*from, *to), half, (colour, share));
                }
            }
        }
        write_beside(picture, &points, &figure.lines);
    }
}

/// Draws a straight line whose edges are smooth.
fn draw_line(picture: &mut RgbPicture, (from, to): ([f64; 2], [f64; 2]), half: f64, (colour, share): ([u8; 3], f64)) {
    let size = [picture.width, picture.height];
    let range = |axis: usize| {
        let (low, high) = (from[axis].min(to[axis]) - half - 1.0, from[axis].max(to[axis]) + half + 1.0);
        let within = |at: f64| at.clamp(0.0, size[axis] as f64) as usize;
        within(low.floor())..within(high.ceil())
    };
    let way = [to[0] - from[0], to[1] - from[1]];
    let length2 = way[0] * way[0] + way[1] * way[1];
    for y in range(1) {
        for x in range(0) {
            let off = [x as f64 + 0.5 - from[0], y as f64 + 0.5 - from[1]];
            let along =
                if length2 > 0.0 { ((off[0] * way[0] + off[1] * way[1]) / length2).clamp(0.0, 1.0) } else { 0.0 };
            let distance = (off[0] - along * way[0]).hypot(off[1] - along * way[1]);
            let cover = (half + 0.5 - distance).clamp(0.0, 1.0) * share;
            if let Some(pixel) = picture.rgb.get_mut((y * size[0] + x) * 3..).and_then(|rest| rest.get_mut(..3)) {
                for (value, ink) in pixel.iter_mut().zip(colour) {
                    *value = (f64::from(*value) * (1.0 - cover) + f64::from(ink) * cover).round() as u8;
                }
            }
        }
    }
}

/// Writes lines to the right of a figure, or to its left where there is no room, always within the picture.
fn write_beside(picture: &mut RgbPicture, points: &[[f64; 2]], lines: &[String]) {
    let by_x = |a: &&[f64; 2], b: &&[f64; 2]| a[0].total_cmp(&b[0]);
    let (Some(right), Some(left)) = (points.iter().max_by(by_x), points.iter().min_by(by_x)) else { return };
    let sizes = lines.iter().map(|line| text_size(line, DOT));
    let (width, height) = sizes.fold((0, 0), |(width, height), [w, h]| (width.max(w), height + h));
    let room = |whole: usize, part: usize| whole.saturating_sub(part) as f64;
    let beside = right[0] + GAP;
    let (x, y) = if beside > room(picture.width, width) && left[0] - GAP - width as f64 >= 0.0 {
        (left[0] - GAP - width as f64, left[1])
    } else {
        (beside, right[1])
    };
    let x = x.clamp(0.0, room(picture.width, width)) as usize;
    let mut y = (y - height as f64 / 2.0).clamp(0.0, room(picture.height, height)) as usize;
    for line in lines {
        let [_, height] = text_size(line, DOT);
        write(picture, [x + DOT, y + DOT], line, DOT);
        y += height;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slice of 64 x 64 pixels, eight pixels of the picture wide each.
    fn drawn(figures: &[DrawnFigure]) -> RgbPicture {
        let mut picture = RgbPicture { width: 512, height: 512, rgb: vec![0x40; 512 * 512 * 3] };
        let place = Place { slice: [64; 2], size: [512; 2], start: [0.0; 2], step: [0.125; 2] };
        draw_figures(&mut picture, &place, figures);
        picture
    }

    fn grey(picture: &RgbPicture, x: usize, y: usize) -> u8 {
        picture.rgb[(y * 512 + x) * 3]
    }

    #[test]
    fn a_ruler_is_a_light_line_on_a_dark_one_from_end_to_end() {
        let ruler = DrawnFigure { outline: vec![[10.0, 20.0], [40.0, 20.0]], lines: vec![] };
        let picture = drawn(&[ruler]);
        // From pixel 80 to 320 of the picture at height 160; two pixels are light, and one and a half beside them are dark.
        for x in [81, 200, 318] {
            let column: Vec<u8> = (155..165).map(|y| grey(&picture, x, y)).collect();
            assert_eq!(column, [0x40, 0x40, 45, 26, 255, 255, 26, 45, 0x40, 0x40], "column {x}");
        }
        assert_eq!([grey(&picture, 70, 160), grey(&picture, 330, 160)], [0x40; 2], "beyond its ends there is nothing");
    }

    #[test]
    fn what_a_figure_gives_is_written_beside_it_and_within_the_picture() {
        let at = |x: f64, y: f64, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_string()).collect();
            drawn(&[DrawnFigure { outline: vec![[x, y], [x + 4.0, y]], lines }])
        };
        let ink = |picture: &RgbPicture| {
            let light = (0..512 * 512).filter(|n| picture.rgb[n * 3] == 0xd6);
            let (mut low, mut high, mut count) = ([512; 2], [0; 2], 0);
            for n in light {
                for (axis, at) in [n % 512, n / 512].into_iter().enumerate() {
                    (low[axis], high[axis]) = (low[axis].min(at), high[axis].max(at));
                }
                count += 1;
            }
            (low, high, count)
        };
        let (low, _, count) = ink(&at(10.0, 20.0, &["30.0 mm"]));
        assert!(low[0] >= 112 && low[0] < 130 && low[1].abs_diff(160) < 20 && count > 200, "{low:?} {count}");
        let (low, high, _) = ink(&at(58.0, 1.0, &["Mean -101.3 HU  SD 12.3", "24.0 mm2, 96 voxels"]));
        assert!(high[0] < 464 && low[1] > 0 && high[1] < 60, "{low:?} {high:?}");
    }
}
