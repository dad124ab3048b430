//! Keyboard: ITK-SNAP's keys.

use super::app::{Action, App};
use super::egui;
use super::viewer::{Tile, Tool, Viewer};
use crate::volume::Plane;
use egui::{Key, Modifiers};

const CTRL_SHIFT: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };

/// Keys with a modifier.
const SHORTCUTS: [(Modifiers, Key, Action); 11] = [
    (CTRL_SHIFT, Key::Z, Action::Redo),
    (Modifiers::COMMAND, Key::Z, Action::Undo),
    (Modifiers::COMMAND, Key::Y, Action::Redo),
    (Modifiers::COMMAND, Key::G, Action::OpenFile),
    (Modifiers::COMMAND, Key::O, Action::OpenLabels),
    (CTRL_SHIFT, Key::S, Action::SaveLabelsAs),
    (Modifiers::COMMAND, Key::S, Action::SaveLabels),
    (CTRL_SHIFT, Key::J, Action::ResetWindow),
    (Modifiers::COMMAND, Key::J, Action::AutoWindow),
    (Modifiers::COMMAND, Key::F, Action::FitViews),
    (Modifiers::COMMAND, Key::W, Action::CloseImage),
];

/// Keys that a focused control needs for itself.
const CONTROL_KEYS: [Key; 5] = [Key::Enter, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown];

/// Over a view, Tab hides and shows the panels; elsewhere it moves the focus, as everywhere.
pub fn take_tab(context: &egui::Context, input: &mut egui::RawInput, app: &mut App) {
    let over_view = app.viewer.as_ref().is_some_and(|v| v.hovered_view.is_some());
    if !over_view || context.text_edit_focused() {
        return;
    }
    let is_tab = |event: &egui::Event| matches!(event, egui::Event::Key { key: Key::Tab, pressed: true, modifiers, .. } if modifiers.is_none());
    let before = input.events.len();
    input.events.retain(|event| !is_tab(event));
    if input.events.len() < before {
        app.settings.panels = !app.settings.panels;
    }
}

/// Handles this frame's keys. Where text is typed, nothing is taken; where a control has the focus, it keeps its own keys.
pub fn handle_keys(ui: &egui::Ui, app: &mut App) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    let focused = ui.ctx().egui_wants_keyboard_input();
    for (modifiers, key, action) in SHORTCUTS {
        if ui.input_mut(|i| i.consume_key(modifiers, key)) {
            app.act(action, ui.ctx());
        }
    }
    let Some(viewer) = &mut app.viewer else { return };
    let pressed = |key: Key| {
        let free = !focused || !CONTROL_KEYS.contains(&key);
        free && ui.input(|i| i.key_pressed(key) && !i.modifiers.command && !i.modifiers.alt)
    };
    for (key, tool) in
        [(Key::Num1, Tool::Crosshair), (Key::Num2, Tool::ZoomPan), (Key::Num4, Tool::Brush), (Key::E, Tool::Eraser)]
    {
        if pressed(key) {
            viewer.tool = tool;
        }
    }
    let shift = ui.input(|i| i.modifiers.shift);
    if pressed(Key::Comma) {
        viewer.cycle_label(-1);
    }
    if pressed(Key::Period) {
        viewer.cycle_label(1);
    }
    if pressed(Key::S) {
        viewer.show_labels = !viewer.show_labels;
    }
    if pressed(Key::X) {
        if shift {
            viewer.show_crosshair = !viewer.show_crosshair
        } else {
            viewer.show_annotations = !viewer.show_annotations
        }
    }
    if pressed(Key::A) {
        app.settings.opacity = (app.settings.opacity - 0.05).max(0.0);
    }
    if pressed(Key::D) {
        app.settings.opacity = (app.settings.opacity + 0.05).min(1.0);
    }
    for (key, step) in [(Key::Minus, -0.5), (Key::Plus, 0.5), (Key::Equals, 0.5)] {
        if pressed(key) {
            app.settings.brush_mm = (app.settings.brush_mm + step).clamp(0.5, 100.0);
        }
    }
    // What switches to and fro does so once, however long the key is held.
    let first_pressed = |key: Key| {
        let is_first = |event: &egui::Event| matches!(event, egui::Event::Key { key: k, pressed: true, repeat: false, .. } if *k == key);
        pressed(key) && ui.input(|i| i.events.iter().any(is_first))
    };
    if pressed(Key::C) {
        viewer.views.iter_mut().for_each(|view| view.pan_mm = egui::Vec2::ZERO);
    }
    if first_pressed(Key::F) {
        let hovered = viewer.hovered_view.map(Tile::Slice);
        viewer.maximised = if viewer.maximised.is_some() { None } else { hovered };
    }
    if first_pressed(Key::Enter)
        && let Some(plane) = viewer.hovered_view
    {
        if shift { viewer.toggle_all_done(plane) } else { viewer.toggle_done(plane) }
    }
    move_cursor(viewer, &pressed, if shift { 5 } else { 1 });
}

/// Arrows move the cursor in the view under the pointer (axial beside the views), page keys step through its slices.
fn move_cursor(viewer: &mut Viewer, pressed: &dyn Fn(Key) -> bool, step: i64) {
    let plane = viewer.hovered_view.unwrap_or(Plane::Axial);
    for (key, columns, rows) in
        [(Key::ArrowLeft, -step, 0), (Key::ArrowRight, step, 0), (Key::ArrowUp, 0, -step), (Key::ArrowDown, 0, step)]
    {
        if pressed(key) {
            viewer.move_cursor(plane, columns, rows);
        }
    }
    for (key, slices) in [(Key::PageUp, step), (Key::PageDown, -step)] {
        if pressed(key) {
            viewer.step_slice(plane, slices);
        }
    }
}
