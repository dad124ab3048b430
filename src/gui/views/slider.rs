//! The slider at the right edge of a view: where its slice is, and how far every slice is.

use super::frame::Frame;
use crate::app::state::views::ScanView;
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::gui::theme::{self, UNIT};
use crate::session::{Segmentation, SliceState};
use crate::volume::{Maker, Plane, PlaneLayout};
use crate::words::{self, say};
use egui::{Color32, Rect, Sense, pos2};

/// Its width.
pub const WIDTH: f32 = 3.0 * UNIT;
/// Room above and below it: text at the corners.
const ENDS: f32 = 7.0 * UNIT;
/// Least height of a view that has one.
const LEAST: f32 = 30.0 * UNIT;

/// How a state is painted: its colour, and how much of the width it has, so that states differ for every eye.
fn tick(state: SliceState) -> Option<(Color32, f32)> {
    match state {
        SliceState::Todo => None,
        SliceState::Draft => Some((theme::DRAFT, 0.35)),
        SliceState::Corrected => Some((theme::CORRECTED, 0.65)),
        SliceState::Done => Some((theme::DONE, 1.0)),
    }
}

/// Runs of slices in one state: first and last slice.
fn runs(segmentation: &Segmentation, plane: Plane) -> Vec<(usize, usize, SliceState)> {
    let mut runs: Vec<(usize, usize, SliceState)> = Vec::new();
    let of_plane = segmentation.states().filter(|((axis, _), _)| usize::from(*axis) == plane.world_axis());
    for ((_, slice), state) in of_plane {
        match runs.last_mut() {
            Some((_, last, same)) if *same == state && *last + 1 == slice => *last = slice,
            _ => runs.push((slice, slice, state)),
        }
    }
    runs
}

/// The slice at a height of the bar; the highest number is at the top.
fn slice_at(bar: Rect, y: f32, count: usize) -> usize {
    let share = ((bar.bottom() - y) / bar.height()).clamp(0.0, 1.0);
    ((share * count as f32) as usize).min(count.saturating_sub(1))
}

/// The heights of slices, from the bottom of the first to the top of the last.
fn span(bar: Rect, first: usize, last: usize, count: usize) -> egui::Rangef {
    let y = |slice: usize| bar.bottom() - bar.height() * slice as f32 / count.max(1) as f32;
    egui::Rangef::new(y(last + 1), y(first))
}

/// Shows it; dragging it and arrow keys change the slice.
pub fn slider_ui(
    ui: &mut egui::Ui,
    plane: Plane,
    frame: &Frame,
    layout: &PlaneLayout,
    (studio, view): (&Studio, &ScanView),
    outbox: &mut Outbox,
) {
    let (count, slice) = (layout.size[2], layout.screen(view.cursor)[2]);
    let tile = frame.rect;
    if count < 2 || tile.height() < LEAST {
        return;
    }
    let bar = Rect::from_min_max(
        pos2((tile.right() - WIDTH).round(), (tile.top() + ENDS).round()),
        pos2((tile.right() - 1.0).floor(), (tile.bottom() - ENDS).round()),
    );
    let response = ui.interact(bar, ui.id().with(("slices", plane.name())), Sense::click_and_drag());
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::slider(
            true,
            (slice + 1) as f64,
            say!("{plane} slices", plane = words::text(plane.name())),
        );
        info.current_text_value = Some(described(studio.segmentation(), plane, slice, count));
        info
    });
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) {
        step_to(plane, slice, slice_at(bar, at.y, count), outbox);
    }
    keys_ui(ui, &response, plane, outbox);
    let painter = ui.painter_at(tile);
    // One mesh without soft edges: it is painted in every frame of scrolling, and rounded corners would be most of its triangles.
    let mut mesh = egui::Mesh::default();
    mesh.add_colored_rect(bar, theme::VIEW_VEIL);
    if let Some(segmentation) = studio.segmentation() {
        for (first, last, state) in runs(segmentation, plane) {
            let Some((colour, share)) = tick(state) else { continue };
            let heights = span(bar, first, last, count);
            // A slice of hundreds is still seen.
            let heights = egui::Rangef::new(heights.min, heights.max.max(heights.min + 1.0));
            let left = bar.right() - bar.width() * share;
            mesh.add_colored_rect(Rect::from_x_y_ranges(left..=bar.right(), heights), colour);
        }
    }
    let here = span(bar, slice, slice, count);
    let middle = f32::midpoint(here.min, here.max).round();
    let mark =
        Rect::from_center_size(pos2(bar.center().x, middle), egui::vec2(bar.width(), (here.max - here.min).max(3.0)));
    let lit = response.hovered() || response.has_focus();
    let border = if lit { theme::plane_colour(plane) } else { theme::plane_colour(plane).gamma_multiply(0.35) };
    add_outline(&mut mesh, bar, border);
    add_outline(&mut mesh, mark.expand(1.0), theme::VIEW_TEXT);
    painter.add(mesh);
    if let Some(at) = response.hover_pos() {
        let under = slice_at(bar, at.y, count);
        response.on_hover_text_at_pointer(described(studio.segmentation(), plane, under, count));
    }
}

/// Lines of one point inside the edges of a rectangle.
fn add_outline(mesh: &mut egui::Mesh, rect: Rect, colour: Color32) {
    let inner = rect.shrink(1.0);
    for side in [
        Rect::from_min_max(rect.min, pos2(rect.right(), inner.top())),
        Rect::from_min_max(pos2(rect.left(), inner.bottom()), rect.max),
        Rect::from_min_max(pos2(rect.left(), inner.top()), pos2(inner.left(), inner.bottom())),
        Rect::from_min_max(pos2(inner.right(), inner.top()), pos2(rect.right(), inner.bottom())),
    ] {
        mesh.add_colored_rect(side, colour);
    }
}

/// Arrow keys move it while it has the focus.
fn keys_ui(ui: &egui::Ui, response: &egui::Response, plane: Plane, outbox: &mut Outbox) {
    if !response.has_focus() {
        return;
    }
    let filter = egui::EventFilter { vertical_arrows: true, ..egui::EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let (up, down) = ui.input(|i| (i.num_presses(egui::Key::ArrowUp), i.num_presses(egui::Key::ArrowDown)));
    let steps = up as i64 - down as i64;
    if steps != 0 {
        outbox.send(Request::Step(plane, steps));
    }
}

fn step_to(plane: Plane, from: usize, to: usize, outbox: &mut Outbox) {
    if from != to {
        outbox.send(Request::Step(plane, to as i64 - from as i64));
    }
}

/// A slice, how far it is, and who made what is in it.
fn described(segmentation: Option<&Segmentation>, plane: Plane, slice: usize, count: usize) -> String {
    let place = say!("Slice {slice} of {count}", slice = slice + 1, count);
    let Some(segmentation) = segmentation else { return place };
    let state = words::text(segmentation.state(plane, slice).name());
    match segmentation.maker(plane, slice) {
        Some(maker) => {
            let who = match maker {
                Maker::Hand => say!("by hand").to_string(),
                Maker::Model(name) => say!("by {name}", name),
                Maker::CorrectedModel(name) => say!("by {name}, corrected by hand", name),
            };
            format!("{place}: {state}, {who}")
        }
        None => format!("{place}: {state}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_of_the_bar_is_a_slice_and_a_slice_has_its_height() {
        let bar = Rect::from_min_max(pos2(0.0, 10.0), pos2(10.0, 110.0));
        assert_eq!([slice_at(bar, 200.0, 20), slice_at(bar, 109.9, 20), slice_at(bar, 10.0, 20)], [0, 0, 19]);
        for slice in 0..20 {
            let heights = span(bar, slice, slice, 20);
            assert_eq!(slice_at(bar, f32::midpoint(heights.min, heights.max), 20), slice);
        }
        let all = span(bar, 0, 19, 20);
        assert_eq!((all.min, all.max), (10.0, 110.0));
        let shares: Vec<f32> = [SliceState::Draft, SliceState::Corrected, SliceState::Done]
            .into_iter()
            .filter_map(|state| tick(state).map(|(_, share)| share))
            .collect();
        assert!(shares.len() == 3 && shares.is_sorted_by(|a, b| a < b), "states differ without colours: {shares:?}");
    }
}
