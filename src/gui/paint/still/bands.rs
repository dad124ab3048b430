//! Which shapes of a frame fill the kept areas, band by band, and which are painted over them.

use std::ops::Range;

use crate::gui::egui;
use egui::Rect;
use egui::epaint::ClippedShape;

/// Height of a band in points: about two lines of a panel. Where one line changes, its band is painted anew and no more.
const BAND: f32 = 48.0;

/// The bands that areas are cut into from the top, and where those of each area are.
pub fn bands(areas: &[Rect]) -> (Vec<Rect>, Vec<Range<usize>>) {
    let mut bands = Vec::new();
    let cut = |area: &Rect| {
        let first = bands.len();
        let count = (area.height() / BAND).round().max(1.0) as usize;
        let edge = |n: usize| if n == count { area.bottom() } else { area.top() + n as f32 * BAND };
        let band = |n| Rect::from_min_max(egui::pos2(area.left(), edge(n)), egui::pos2(area.right(), edge(n + 1)));
        bands.extend((0..count).map(band));
        first..bands.len()
    };
    let of_areas = areas.iter().map(cut).collect();
    (bands, of_areas)
}

/// Takes the shapes of each band out of a frame's, to be painted before the rest; one that lies in several is cut.
///
/// A shape stays in the rest, and all later ones of its bands with it, once the rest has painted into them. The
/// outermost point of an area is left out of account: there panels have their borders.
pub fn take_apart(
    shapes: Vec<ClippedShape>,
    areas: &[Rect],
    bands: &[Rect],
    of_areas: &[Range<usize>],
) -> (Vec<Vec<ClippedShape>>, Vec<ClippedShape>) {
    let mut taken = vec![Vec::new(); bands.len()];
    let mut covered = vec![false; bands.len()];
    let mut rest = Vec::new();
    for shape in shapes {
        let seen = seen(&shape);
        let own = areas.iter().position(|area| belongs(&shape, *area)).map(|n| of_areas[n].clone());
        // Soft edges reach a little further.
        let reaches = |&n: &usize| seen.expand(1.0).intersect(bands[n]).is_positive();
        let own: Vec<usize> = own.into_iter().flatten().filter(reaches).collect();
        if let Some((&last, others)) = own.split_last()
            && own.iter().all(|&n| !covered[n])
        {
            let cut = |shape: ClippedShape, n: usize| {
                let clip_rect = if own.len() > 1 { shape.clip_rect.intersect(bands[n]) } else { shape.clip_rect };
                ClippedShape { clip_rect, ..shape }
            };
            others.iter().for_each(|&n| taken[n].push(cut(shape.clone(), n)));
            taken[last].push(cut(shape, last));
            continue;
        }
        for (area, of_area) in areas.iter().zip(of_areas) {
            for n in of_area.clone() {
                covered[n] |= seen.intersects(bands[n].intersect(area.shrink(1.0)));
            }
        }
        rest.push(shape);
    }
    (taken, rest)
}

/// Whether a shape is of what fills an area. egui lets the contents of a panel reach a few points over its edge; only
/// what does so is left to the rest.
fn belongs(shape: &ClippedShape, area: Rect) -> bool {
    let seen = seen(shape);
    let within = area.contains_rect(shape.clip_rect) || area.contains_rect(seen.expand(1.0));
    within && area.expand(4.0).contains_rect(shape.clip_rect)
}

/// Where a shape may paint.
pub fn seen(shape: &ClippedShape) -> Rect {
    shape.shape.visual_bounding_rect().intersect(shape.clip_rect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Color32, Shape, pos2, vec2};

    fn apart(shapes: Vec<ClippedShape>, area: Rect) -> (Vec<Vec<ClippedShape>>, Vec<ClippedShape>) {
        let (bands, of_areas) = bands(&[area]);
        take_apart(shapes, &[area], &bands, &of_areas)
    }

    fn patch(clip: Rect, place: Rect) -> ClippedShape {
        ClippedShape { clip_rect: clip, shape: Shape::rect_filled(place, 0.0, Color32::WHITE) }
    }

    #[test]
    fn what_is_painted_over_an_area_stays_over_it() {
        let area = Rect::from_min_size(pos2(10.0, 10.0), vec2(100.0, 60.0));
        let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 200.0));
        let within = area.shrink(20.0);
        let beside = Rect::from_min_size(pos2(200.0, 10.0), vec2(50.0, 50.0));
        let border = Rect::from_min_size(pos2(10.0, 9.5), vec2(100.0, 1.0));
        let below = patch(area, within);
        let menu = patch(window, within);
        let entry = patch(within, within);
        let shapes = vec![patch(window, beside), patch(window, border), below.clone(), menu.clone(), entry.clone()];
        let (taken, rest) = apart(shapes, area);
        assert_eq!(taken, vec![vec![below]]);
        assert_eq!(rest[2..], [menu, entry]);
    }

    #[test]
    fn contents_that_reach_over_the_edge_of_their_panel_are_left_to_the_rest() {
        let area = Rect::from_min_size(pos2(10.0, 10.0), vec2(100.0, 60.0));
        let clip = area.expand(3.0);
        let (label, mark) = (patch(clip, area.shrink(20.0)), patch(clip, area.translate(vec2(-2.0, 0.0))));
        let (taken, rest) = apart(vec![label.clone(), mark.clone()], area);
        assert_eq!((taken, rest), (vec![vec![label]], vec![mark]));
    }

    #[test]
    fn a_shape_that_lies_in_two_bands_is_cut_between_them() {
        let area = Rect::from_min_size(pos2(10.0, 10.0), vec2(100.0, 100.0));
        let (two, _) = bands(&[area]);
        assert_eq!(
            two.iter().map(|band| [band.top(), band.bottom()]).collect::<Vec<_>>(),
            [[10.0, 58.0], [58.0, 110.0]]
        );
        let (ground, line) =
            (patch(area, area.shrink(5.0)), patch(area, Rect::from_min_size(pos2(20.0, 70.0), vec2(9.0, 9.0))));
        // A line beside the area, and a menu over the upper band alone.
        let beside = patch(area.expand(30.0), Rect::from_min_size(pos2(112.0, 0.0), vec2(1.0, 130.0)));
        let menu = patch(area.expand(30.0), Rect::from_min_size(pos2(20.0, 20.0), vec2(20.0, 20.0)));
        let (taken, rest) =
            apart(vec![beside.clone(), ground.clone(), menu.clone(), line.clone(), ground.clone()], area);
        let cut = |n: usize| ClippedShape { clip_rect: two[n], ..ground.clone() };
        assert_eq!(taken, vec![vec![cut(0)], vec![cut(1), line]]);
        assert_eq!(rest, vec![beside, menu, ground]);
    }
}
