//! A slice as it is shown, as a picture.

use super::annotations::annotate;
use super::figures::{DrawnFigure, draw_figures};
use super::overlay::OverlaySlice;
use super::place::{PICTURE_EDGE, PictureSize, Place};
use crate::formats::RgbPicture;
use crate::volume::{Border, LabelMap, LabelTable, PlaneLayout, Volume, Window, borders};

/// How a slice is shown.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "switches that the user sets one by one")]
pub struct Look {
    /// Display window.
    pub window: Window,
    /// Whether dark is bright.
    pub is_inverted: bool,
    /// Whether grey values are interpolated between voxels.
    pub is_smooth: bool,
    /// Opacity of the fill; 0 for none.
    pub opacity: f32,
    /// Whether labels have outlines.
    pub outline: bool,
    /// Whether labels are shown at all.
    pub labels: bool,
    /// Whether orientation letters and a scale bar are drawn.
    pub text: bool,
    /// How much larger than the picture the slice is; below 1 the whole slice is shown.
    pub zoom: f32,
    /// How far the slice is moved, in millimetres.
    pub pan_mm: [f32; 2],
    /// What was measured on the slice.
    pub figures: Vec<DrawnFigure>,
    /// How large the picture is.
    pub size: PictureSize,
}

impl Look {
    /// The whole slice through a window, its labels without fill and outlines, nothing written.
    pub fn plain(window: Window) -> Self {
        Self {
            window,
            is_inverted: false,
            is_smooth: false,
            opacity: 0.0,
            outline: false,
            labels: true,
            text: false,
            zoom: 1.0,
            pan_mm: [0.0; 2],
            figures: Vec::new(),
            size: PictureSize::ShorterSide(PICTURE_EDGE),
        }
    }
}

/// The two nearest pixels along an axis and the share of the second one.
fn neighbours(at: f64, count: usize, is_smooth: bool) -> [(usize, f64); 2] {
    let last = count.saturating_sub(1);
    if !is_smooth {
        return [((at as usize).min(last), 1.0), (0, 0.0)];
    }
    let middle = (at - 0.5).clamp(0.0, last as f64);
    let first = middle as usize;
    [(first, 1.0 - middle.fract()), ((first + 1).min(last), middle.fract())]
}

/// A picture of a slice with square pixels, another scan and labels laid over: the part of it that is shown.
pub fn picture(
    volume: &Volume,
    labels: &LabelMap,
    table: &LabelTable,
    layout: &PlaneLayout,
    (frame, slice): (usize, usize),
    look: &Look,
    over: Option<&OverlaySlice>,
) -> RgbPicture {
    let [columns, rows, _] = layout.size;
    let (mut grey, mut values) = (Vec::new(), Vec::new());
    layout.grey_slice(volume, frame, slice, look.window, &mut grey);
    if look.is_inverted {
        grey.iter_mut().for_each(|grey| *grey = !*grey);
    }
    layout.read_labels(labels, slice, &mut values);
    if !look.labels {
        values.fill(0);
    }
    let [width_mm, height_mm, _] = layout.pixel_mm(&volume.geometry);
    let place = Place::new([columns, rows], [width_mm, height_mm], look.size, (look.zoom, look.pan_mm));
    let over_colours: Vec<Option<[u8; 3]>> =
        over.map(|over| over.look.colour_all(&over.values).collect()).unwrap_or_default();
    let over_opacity = over.map_or(0.0, |over| f64::from(over.opacity.clamp(0.0, 1.0)));
    let mut rgb = Vec::with_capacity(place.size[0] * place.size[1] * 3);
    for y in 0..place.size[1] {
        let row = place.in_slice(1, y);
        for x in 0..place.size[0] {
            let column = place.in_slice(0, x);
            if !place.is_inside(0, column) || !place.is_inside(1, row) {
                rgb.extend([0; 3]);
                continue;
            }
            let (mut value, mut laid, mut covered) = (0.0, [0.0; 3], 0.0);
            for (r, of_row) in neighbours(row, rows, look.is_smooth) {
                for (c, of_column) in neighbours(column, columns, look.is_smooth) {
                    let (at, share) = (r * columns + c, of_row * of_column);
                    value += share * f64::from(grey.get(at).copied().unwrap_or(0));
                    if let Some(colour) = over_colours.get(at).copied().flatten() {
                        covered += share;
                        (0..3).for_each(|n| laid[n] += share * f64::from(colour[n]));
                    }
                }
            }
            let base = laid.map(|laid| (value * (1.0 - covered * over_opacity) + laid * over_opacity).round() as u8);
            let label = values.get(row as usize * columns + column as usize).copied().unwrap_or(0);
            let colour = table.get(label).filter(|l| l.visible).map(|l| l.colour);
            let mix = |n: usize, c: u8| (f32::from(base[n]) * (1.0 - look.opacity) + f32::from(c) * look.opacity) as u8;
            rgb.extend(colour.map_or(base, |c| [0, 1, 2].map(|n| mix(n, c[n]))));
        }
    }
    let mut picture = RgbPicture { width: place.size[0], height: place.size[1], rgb };
    if look.outline {
        for border in borders(&values, columns, rows) {
            if let Some(label) = table.get(border.label).filter(|l| l.visible) {
                draw_border(&mut picture, &border, &place, label.colour);
            }
        }
    }
    draw_figures(&mut picture, &place, &look.figures);
    if look.text {
        annotate(&mut picture, layout.letters, (place.step[0] * width_mm) as f32);
    }
    picture
}

/// Draws a border two pixels thick.
fn draw_border(picture: &mut RgbPicture, border: &Border, place: &Place, colour: [u8; 3]) {
    let range = |axis: usize| {
        let at = |v: f32| place.in_picture(axis, f64::from(v));
        let within = |v: f64| v.clamp(0.0, place.size[axis] as f64) as usize;
        within(at(border.from[axis]) - 1.0)..within(at(border.to[axis]) + 1.0)
    };
    for y in range(1) {
        for x in range(0) {
            picture.rgb[(y * place.size[0] + x) * 3..][..3].copy_from_slice(&colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_shows_what_the_view_shows() {
        use crate::volume::{Affine, Geometry, Label, Plane, Rescale, Voxels};
        let geometry = Geometry::new([4, 4, 1], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(std::sync::Arc::new(vec![100; 16]));
        let volume = Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, String::new());
        let mut labels = LabelMap::empty(geometry.clone());
        labels.set([1, 1, 0], 1);
        let mut table = LabelTable(vec![Label::new(1, "One")]);
        table.0[0].colour = [255, 0, 0];
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let red = |opacity: f32, outline: bool, labels_shown: bool| {
            let window = Window { level: 100.0, width: 100.0 };
            let look = Look { opacity, outline, labels: labels_shown, ..Look::plain(window) };
            let picture = picture(&volume, &labels, &table, &layout, (0, 0), &look, None);
            assert_eq!((picture.width, picture.height), (512, 512));
            picture.rgb.chunks_exact(3).filter(|p| p[0] > p[1] + 20).count()
        };
        assert_eq!(red(0.4, false, true), 128 * 128, "the fill covers its voxel exactly");
        let outlined = red(0.0, true, true);
        assert!((4 * 128 * 2 - 16..=4 * 128 * 2 + 16).contains(&outlined), "{outlined}");
        assert_eq!(red(0.4, true, false), 0, "hidden labels leave no trace");
    }

    /// Two columns, black and white, 10 mm wide each.
    fn black_and_white(look: &Look) -> RgbPicture {
        laid_over(look, None)
    }

    /// The same with something laid over.
    fn laid_over(look: &Look, over: Option<&OverlaySlice>) -> RgbPicture {
        use crate::volume::{Affine, Geometry, Plane, Rescale, Voxels};
        let geometry = Geometry::new(
            [2, 2, 1],
            Affine::from_columns([[10.0, 0.0, 0.0], [0.0, 10.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]),
        )
        .unwrap();
        let voxels = Voxels::U8(std::sync::Arc::new(vec![200, 0, 200, 0]));
        let volume = Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, String::new());
        let labels = LabelMap::empty(geometry.clone());
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        picture(&volume, &labels, &LabelTable(Vec::new()), &layout, (0, 0), look, over)
    }

    fn look() -> Look {
        let window = Window { level: 100.0, width: 200.0 };
        Look { is_smooth: true, ..Look::plain(window) }
    }

    fn row(picture: &RgbPicture) -> Vec<u8> {
        let first = 3 * picture.width * (picture.height / 4);
        picture.rgb[first..first + 3 * picture.width].chunks_exact(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn grey_values_are_interpolated_where_the_view_does() {
        let smooth = row(&black_and_white(&look()));
        // From the middle of the left voxel (a quarter of the picture) to that of the right one.
        assert_eq!([smooth[0], smooth[127], smooth[384], smooth[511]], [0, 0, 255, 255]);
        assert!(smooth.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(smooth[256].abs_diff(128) <= 1, "{}", smooth[256]);
        let blocks = row(&black_and_white(&Look { is_smooth: false, ..look() }));
        assert_eq!([blocks[0], blocks[255], blocks[256], blocks[511]], [0, 0, 255, 255]);
        let inverted = row(&black_and_white(&Look { is_smooth: false, is_inverted: true, ..look() }));
        assert_eq!([inverted[0], inverted[255], inverted[256], inverted[511]], [255, 255, 0, 0]);
    }

    #[test]
    fn a_scan_that_is_laid_over_is_saved_with_the_slice() {
        use super::super::colour_map::ColourMap;
        use super::super::overlay::OverlayLook;
        let over = OverlaySlice {
            values: vec![f32::NAN, 0.375, f32::NAN, 0.375],
            look: OverlayLook {
                window: Window::spanning(0.0, 1.0),
                colours: ColourMap::Hot,
                is_inverted: false,
                hides_low: false,
            },
            opacity: 0.25,
        };
        let picture = laid_over(&Look { is_smooth: false, ..look() }, Some(&over));
        let pixel = |x: usize| &picture.rgb[3 * (128 * 512 + x)..][..3];
        // A quarter of hot's red over white; black where there is nothing to lay over.
        assert_eq!([pixel(100), pixel(400)], [&[0, 0, 0][..], &[255, 191, 191]]);
    }

    #[test]
    fn the_part_in_view_is_saved() {
        let blocks =
            |zoom: f32, pan: f32| row(&black_and_white(&Look { is_smooth: false, zoom, pan_mm: [pan, 0.0], ..look() }));
        let share = |row: &[u8]| row.iter().map(|grey| usize::from(*grey == 255)).sum::<usize>();
        assert_eq!(share(&blocks(2.0, 0.0)), 256);
        // Twice as large, 10 mm of 20 are in view; moved by 2.5 mm to the right, the white part loses a quarter of the picture.
        assert_eq!(share(&blocks(2.0, 2.5)), 128);
        assert_eq!(share(&blocks(0.5, 2.5)), 256, "a small image is saved whole");
    }

    #[test]
    fn letters_and_a_bar_of_the_right_length_are_drawn() {
        let plain = black_and_white(&look());
        let picture = black_and_white(&Look { text: true, ..look() });
        assert_eq!((picture.width, picture.height), (512, 512));
        assert_ne!(plain.rgb, picture.rgb);
        // 20 mm are 512 pixels; the longest bar within a quarter of that is 5 mm: 128 pixels.
        let ink = |y: usize| {
            let line = picture.rgb[3 * 512 * y..][..3 * 512].chunks_exact(3);
            line.filter(|pixel| *pixel == [0xd6, 0xda, 0xdf]).count()
        };
        let bar = (480..512).map(ink).max().unwrap();
        assert!((128..128 + 40).contains(&bar), "{bar}");
        // A letter at each edge: the left one's rows have ink only near the edge.
        assert!(ink(256) > 0);
    }
}
