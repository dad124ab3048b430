//! The pointer over a slice view: it becomes events in slice space for the tool in hand, and moves of the view.

use super::frame::Frame;
use crate::app::commands;
use crate::app::state::studio::Hover;
use crate::app::state::views::{Pose, ScanView};
use crate::app::{Outbox, Request, Studio};
use crate::gui::egui;
use crate::tools::{BRUSH_SIZE, Button, OptionValue, Pointer, PointerCursor, PointerKind, Slice};
use crate::volume::{Plane, PlaneLayout};

/// Wheel travel (in points) of one slice.
const WHEEL_STEP: f32 = 30.0;

/// What the pointer lies over.
pub type Hovered = Option<Hover>;

/// Takes the pointer's events over a view.
pub fn pointer_ui(
    ui: &egui::Ui,
    response: &egui::Response,
    (plane, layout): (Plane, &PlaneLayout),
    frame: &Frame,
    (studio, view): (&Studio, &ScanView),
    outbox: &mut Outbox,
    hover: &mut Hovered,
    wheel: &mut f32,
) {
    use egui::PointerButton::{Middle, Primary, Secondary};
    if response.is_pointer_button_down_on() {
        // A button that was pressed before has the focus no longer, or Enter would press it again.
        ui.memory_mut(|memory| memory.focused().into_iter().for_each(|id| memory.surrender_focus(id)));
    }
    let slice = layout.screen(view.cursor)[2];
    let pixels_per_point = [0, 1].map(|axis| frame.size[axis] as f32 / frame.image.size()[axis]);
    if response.hovered() {
        if let Some(at) = response.hover_pos() {
            let under = frame.pixel_under(at);
            let voxel = under.map(|[column, row]| layout.voxel([column, row, slice]));
            *hover = Some(Hover { plane, voxel, at: frame.to_slice(at), pixels_per_point });
        }
        wheel_ui(ui, plane, studio, outbox, wheel);
    }
    if let Some(slice) = studio.tool_slice(plane) {
        response.clone().on_hover_cursor(cursor(studio, &slice));
    }
    let latest = || ui.input(|i| i.pointer.latest_pos());
    let at = response.interact_pointer_pos().or(response.hover_pos()).or_else(latest);
    let event_at = |kind: PointerKind, at: egui::Pos2, is_alt: bool| Pointer {
        kind,
        at: frame.to_slice(at),
        is_alt,
        moved_points: response.drag_delta().into(),
        mm_per_point: 1.0 / frame.scale,
        pixels_per_point,
    };
    let is_alt = ui.input(|i| i.modifiers.alt);
    let event = |kind: PointerKind| at.map(|at| event_at(kind, at, is_alt));
    // In the order in which they came: a quick click is pressed and released between two frames.
    let changes: Vec<(egui::PointerButton, bool, egui::Pos2, bool)> = ui.input(|i| {
        let changes = i.events.iter().filter_map(|event| match event {
            egui::Event::PointerButton { pos, button, pressed, modifiers } => {
                Some((*button, *pressed, *pos, modifiers.alt))
            }
            _ => None,
        });
        changes.collect()
    });
    let is_held = |button| {
        response.dragged_by(button)
            || (response.is_pointer_button_down_on() && ui.input(|i| i.pointer.button_down(button)))
    };
    let shift = ui.input(|i| i.modifiers.shift);
    let habits = commands::profile(studio.settings.keys.profile());
    let moves_by_shift = habits.shift_drag_moves && shift && studio.pressed.is_none();
    if habits.shift_moves_crosshair && shift && response.hovered() && is_moved_alone(ui) {
        let voxel = (*hover).filter(|hover| hover.plane == plane).and_then(|hover| hover.voxel);
        voxel.into_iter().for_each(|voxel| outbox.send(Request::Cursor(plane, voxel)));
    }
    for (button, name) in [(Primary, Button::Primary), (Secondary, Button::Secondary)] {
        // Clicks that place points of a path are the path's, and no tool's.
        if button == Primary && (moves_by_shift || studio.reslicing.is_placing) {
            continue;
        }
        let mut is_down = studio.pressed == Some((plane, name));
        let mut pressed_at = None;
        let is_hit = is_held(button) || response.clicked_by(button) || response.hovered();
        for (_, is_pressed, at, is_alt) in changes.iter().filter(|(changed, ..)| *changed == button) {
            let mut send = |kind| outbox.send(Request::Pointer(plane, event_at(kind, *at, *is_alt)));
            if *is_pressed && is_hit && response.rect.contains(*at) {
                send(PointerKind::Press(name));
                (is_down, pressed_at) = (true, Some(*at));
            } else if !is_pressed && is_down {
                if pressed_at.is_some_and(|pressed| pressed != *at) {
                    send(PointerKind::Drag(name));
                }
                send(PointerKind::Release(name));
                is_down = false;
            }
        }
        if is_held(button)
            && pressed_at.is_none()
            && let Some(event) = event(PointerKind::Drag(name))
        {
            outbox.send(Request::Pointer(plane, event));
        }
    }
    let follows = studio.hand.tool.is_busy() || studio.hand.tool.follows_pointer();
    if response.hovered() && follows && studio.pressed.is_none() {
        event(PointerKind::Hover).into_iter().for_each(|event| outbox.send(Request::Pointer(plane, event)));
    }
    if response.dragged_by(Middle) || (moves_by_shift && response.dragged_by(Primary)) {
        let [x, y] = view.pose(plane).pan_mm;
        let moved = response.drag_delta() / frame.scale;
        let pose = Pose { pan_mm: [x + moved.x, y + moved.y], ..view.pose(plane) };
        outbox.send(Request::Pose(plane, pose));
    }
}

/// Whether the pointer moves with no button down.
fn is_moved_alone(ui: &egui::Ui) -> bool {
    ui.input(|i| !i.pointer.any_down() && i.pointer.delta() != egui::Vec2::ZERO)
}

fn cursor(studio: &Studio, slice: &Slice) -> egui::CursorIcon {
    match studio.hand.tool.cursor(slice) {
        PointerCursor::Crosshair => egui::CursorIcon::Crosshair,
        PointerCursor::Hand => egui::CursorIcon::Grab,
        PointerCursor::Adjust => egui::CursorIcon::AllScroll,
        PointerCursor::Footprint => egui::CursorIcon::None,
        PointerCursor::NotAllowed => egui::CursorIcon::NotAllowed,
    }
}

fn wheel_ui(ui: &egui::Ui, plane: Plane, studio: &Studio, outbox: &mut Outbox, wheel: &mut f32) {
    let (zoom, shift) = ui.input(|i| (i.zoom_delta(), i.modifiers.shift));
    if zoom != 1.0 {
        outbox.send(Request::Zoom(plane, zoom));
        return;
    }
    let steps = wheel_steps(ui, wheel);
    if steps == 0 {
    } else if shift && studio.hand.entry.has(&BRUSH_SIZE) {
        let diameter = studio.settings.tools.number(&BRUSH_SIZE) + 0.5 * steps as f64;
        outbox.send(Request::ToolOption(&BRUSH_SIZE, OptionValue::Number(diameter)));
    } else {
        outbox.send(Request::Step(plane, steps));
    }
}

/// Whole steps of the wheel since the last frame; `wheel` keeps what is not a whole step yet.
pub fn wheel_steps(ui: &egui::Ui, wheel: &mut f32) -> i64 {
    let mut travel = 0.0;
    ui.input(|i| {
        for event in &i.events {
            if let egui::Event::MouseWheel { unit, delta, modifiers, .. } = event {
                if modifiers.command || modifiers.ctrl {
                    continue;
                }
                let along = if delta.y == 0.0 { delta.x } else { delta.y };
                travel += match unit {
                    egui::MouseWheelUnit::Point => along / WHEEL_STEP,
                    egui::MouseWheelUnit::Line | egui::MouseWheelUnit::Page => along,
                };
            }
        }
    });
    // A touchpad or a fine wheel sends parts of a step; they add up. A change of direction starts anew.
    *wheel = if *wheel * travel < 0.0 { travel } else { *wheel + travel };
    let steps = wheel.trunc() as i64;
    *wheel -= steps as f32;
    steps
}
