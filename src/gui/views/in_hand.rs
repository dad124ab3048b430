//! What the tool in hand shows in a view: the outline that it draws, and its true footprint, also where that cuts other planes.

use super::frame::Frame;
use crate::app::Studio;
use crate::app::act::boxing;
use crate::app::state::studio::Hover;
use crate::gui::egui;
use crate::gui::theme;
use crate::tools::{Button, Handles};
use crate::volume::{LabelValue, Plane, PlaneLayout, VoxelRow, borders};
use egui::{Color32, Stroke};

/// The outline that a tool draws: dashed, since it is no label yet, with handles at its corners.
pub fn paint_outline(painter: &egui::Painter, frame: &Frame, place: (Plane, usize), studio: &Studio) {
    let outline = studio.hand.tool.outline().filter(|outline| (outline.plane, outline.slice) == place);
    // What a click would fill is shown only while the pointer is there.
    let is_shown = studio.hand.tool.is_busy() || studio.hover.is_some_and(|hover| hover.plane == place.0);
    let Some(outline) = outline.filter(|_| is_shown) else { return };
    let colour = active_colour(studio);
    let mut points: Vec<egui::Pos2> =
        outline.points.iter().map(|[x, y]| frame.to_screen([*x as f32, *y as f32])).collect();
    let corners = points.clone();
    points.extend(corners.first().copied());
    for (stroke, gap) in [(Stroke::new(3.0, Color32::from_black_alpha(0xa0)), 0.0), (Stroke::new(1.5, colour), 4.0)] {
        let shapes = if gap > 0.0 {
            egui::Shape::dashed_line(&points, stroke, 6.0, gap)
        } else {
            vec![egui::Shape::line(points.clone(), stroke)]
        };
        painter.extend(shapes);
    }
    let has_handle = |n: &usize| match &outline.handles {
        Handles::None => false,
        Handles::All => true,
        Handles::At(handles) => handles.contains(n),
    };
    for (n, at) in corners.into_iter().enumerate().filter(|(n, _)| has_handle(n)) {
        let radius = if outline.held == Some(n) { theme::HANDLE * 1.4 } else { theme::HANDLE };
        painter.circle(at, radius, colour, Stroke::new(1.0, Color32::BLACK));
    }
}

/// The lines that say what is on the structure, in the active label's colour, and what is not, in white.
pub fn paint_scribbles(painter: &egui::Painter, frame: &Frame, place: (Plane, usize), studio: &Studio) {
    let scribbles = studio.hand.tool.scribbles().filter(|lines| (lines.plane, lines.slice) == place);
    let Some(scribbles) = scribbles else { return };
    let on = active_colour(studio);
    for line in &scribbles.lines {
        let colour = if line.is_on { on } else { Color32::WHITE };
        let points: Vec<egui::Pos2> =
            line.points.iter().map(|[x, y]| frame.to_screen([*x as f32, *y as f32])).collect();
        for (width, colour) in [(4.0, Color32::from_black_alpha(0xa0)), (2.0, colour)] {
            match points.as_slice() {
                [at] => _ = painter.circle_filled(*at, width, colour),
                _ => _ = painter.add(egui::Shape::line(points.clone(), Stroke::new(width, colour))),
            }
        }
    }
}

fn active_colour(studio: &Studio) -> Color32 {
    let table = studio.segmentation().map(crate::session::Segmentation::table);
    let active = studio.label_view().map_or(1, |view| view.active);
    let colour = table.and_then(|table| table.get(active)).map(|label| label.colour);
    let [r, g, b] = colour.unwrap_or_else(|| crate::volume::default_colour(active));
    Color32::from_rgb(r, g, b)
}

/// The voxels that the tool would change where the pointer is, as far as they lie in a view's slice. `now` is what lies under the pointer in
/// this frame; views that were painted before it was known show what lay there in the last one.
pub fn paint_footprint(
    ui: &egui::Ui,
    painter: &egui::Painter,
    frame: &Frame,
    (plane, number): (Plane, usize),
    studio: &Studio,
    now: Option<Hover>,
) {
    let Some(hover) = now.or(studio.hover) else { return };
    let (Some(slice), Some(layout)) = (studio.tool_slice(hover.plane), studio.layout(plane)) else { return };
    let Some(rows) = studio.hand.tool.footprint(&slice, hover.at) else { return };
    let Some(cut) = Cut::new(&rows, &layout, number) else { return };
    let erases = studio.hand.entry.id == "eraser"
        || studio.pressed.is_some_and(|(_, button)| button == Button::Secondary)
        || ui.input(|i| i.pointer.secondary_down());
    let colour = if erases { Color32::WHITE } else { active_colour(studio) };
    let lines: Vec<[egui::Pos2; 2]> = cut.lines().map(|line| line.map(|at| frame.to_screen(at))).collect();
    for stroke in [Stroke::new(2.5, Color32::BLACK.gamma_multiply(0.6)), Stroke::new(1.0, colour)] {
        painter.extend(lines.iter().map(|points| egui::Shape::LineSegment { points: *points, stroke }));
    }
    if plane == hover.plane {
        painter.circle_filled(frame.to_screen(hover.at.map(|at| at as f32)), 1.0, colour);
    }
}

/// The box in which is painted, where it reaches a slice.
pub fn paint_box(painter: &egui::Painter, frame: &Frame, layout: &PlaneLayout, slice: usize, studio: &Studio) {
    let Some(region) = studio.rules.region else { return };
    let Some([[left, top], [right, bottom]]) = boxing::cut(&region, layout, slice) else { return };
    let corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
    let line: Vec<egui::Pos2> = corners.iter().map(|at| frame.to_screen(at.map(|at| at as f32))).collect();
    painter.add(egui::Shape::line(line.clone(), Stroke::new(2.0 * theme::OUTLINE, theme::VIEW_VEIL)));
    painter.extend(egui::Shape::dashed_line(&line, Stroke::new(theme::OUTLINE, theme::VIEW_TEXT), 6.0, 4.0));
}

/// The region that a click would paint where the pointer is, around its voxels: dashed, since it is no label yet.
pub fn paint_highlight(painter: &egui::Painter, frame: &Frame, place: (Plane, usize), studio: &Studio) {
    let Some(highlight) = studio.highlight().filter(|highlight| highlight.key.place == place) else { return };
    let colour = active_colour(studio);
    let view = painter.clip_rect();
    let lines: Vec<[egui::Pos2; 2]> = (highlight.lines.iter().map(|line| line.map(|at| frame.to_screen(at))))
        .filter(|line| view.intersects(egui::Rect::from_points(line).expand(1.0)))
        .collect();
    let dark = Stroke::new(3.0, Color32::from_black_alpha(0xa0));
    painter.extend(lines.iter().map(|points| egui::Shape::LineSegment { points: *points, stroke: dark }));
    let light = Stroke::new(1.5, colour);
    painter.extend(lines.iter().flat_map(|points| egui::Shape::dashed_line(points, light, 4.0, 2.0)));
}

/// The pixels of a slice that rows of voxels cover, in the box around them.
struct Cut {
    /// Left and top.
    start: [usize; 2],
    /// Columns and rows.
    size: [usize; 2],
    is_in: Vec<LabelValue>,
}

impl Cut {
    /// `None` where the rows do not come into the slice.
    fn new(rows: &[VoxelRow], layout: &PlaneLayout, slice: usize) -> Option<Self> {
        let through = layout.axes[2];
        let at = layout.voxel([0, 0, slice])[through];
        // The parts of the rows in the slice, as their first and last pixel.
        let mut parts: Vec<[[usize; 2]; 2]> = Vec::new();
        for row in rows.iter().filter(|row| row.count > 0) {
            let last = [row.start[0] + row.count - 1, row.start[1], row.start[2]];
            if (row.start[through]..=last[through]).contains(&at) {
                let mut ends = [row.start, last];
                ends.iter_mut().for_each(|end| end[through] = at);
                let [a, b] = ends.map(|end| layout.screen(end));
                parts.push([[a[0].min(b[0]), a[1].min(b[1])], [a[0].max(b[0]), a[1].max(b[1])]]);
            }
        }
        let first = [0, 1].map(|axis| parts.iter().map(|part| part[0][axis]).min());
        let last = [0, 1].map(|axis| parts.iter().map(|part| part[1][axis]).max());
        let ([Some(left), Some(top)], [Some(right), Some(bottom)]) = (first, last) else { return None };
        let (start, size) = ([left, top], [right + 1 - left, bottom + 1 - top]);
        let mut is_in = vec![0; size[0] * size[1]];
        for [from, to] in parts {
            for y in from[1]..=to[1] {
                let line = (y - top) * size[0];
                is_in[line + from[0] - left..=line + to[0] - left].fill(1);
            }
        }
        Some(Self { start, size, is_in })
    }

    /// The lines around them, in pixels of the slice.
    fn lines(&self) -> impl Iterator<Item = [[f32; 2]; 2]> {
        let [left, top] = self.start.map(|at| at as f32);
        let shifted = move |[x, y]: [f32; 2]| [x + left, y + top];
        borders(&self.is_in, self.size[0], self.size[1])
            .into_iter()
            .map(move |line| [shifted(line.from), shifted(line.to)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};

    #[test]
    fn a_ball_is_seen_in_every_plane_that_it_cuts() {
        let geometry = Geometry::new([20, 20, 20], Affine::IDENTITY).unwrap();
        // A box of 5 x 3 x 2 voxels.
        let rows: Vec<VoxelRow> = (0..6).map(|n| VoxelRow { start: [4, 6 + n % 3, 8 + n / 3], count: 5 }).collect();
        for (plane, cuts, size) in
            [(Plane::Axial, 9, [5, 3]), (Plane::Coronal, 7, [5, 2]), (Plane::Sagittal, 6, [3, 2])]
        {
            let layout = PlaneLayout::new(&geometry, plane);
            let cut = Cut::new(&rows, &layout, cuts).unwrap();
            assert_eq!((cut.size, cut.is_in.iter().all(|is| *is == 1)), (size, true), "{plane:?}");
            let corner = layout.screen([4, 6, 8]);
            assert!(cut.start[0].abs_diff(corner[0]) < size[0] && cut.start[1].abs_diff(corner[1]) < size[1]);
            assert_eq!(cut.lines().count(), 4, "{plane:?}");
            assert!(Cut::new(&rows, &layout, cuts + 6).is_none(), "{plane:?}");
        }
    }
}
