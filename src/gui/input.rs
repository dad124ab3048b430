//! Keys become commands by the keymap; files that hang over the window light it up.

use super::egui;
use super::theme::{self, UNIT};
use crate::app::state::keymap::Chord;
use crate::app::state::reslicing::ResliceRequest;
use crate::app::{Outbox, Request, Studio, commands};
use crate::tools::ToolKey;
use crate::words::say;
use egui::{Key, Modifiers};

/// Keys that a focused control needs for itself.
const CONTROL_KEYS: [Key; 7] =
    [Key::Enter, Key::Space, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown, Key::Tab];

/// What a key with its modifiers is called.
pub fn chord(key: Key, modifiers: Modifiers) -> Chord {
    // Signs that need Shift on some keyboards are named by themselves.
    let is_sign = matches!(key, Key::Plus | Key::Questionmark | Key::Exclamationmark | Key::Colon | Key::Pipe);
    Chord {
        ctrl: modifiers.command || modifiers.ctrl,
        alt: modifiers.alt,
        shift: modifiers.shift && !is_sign,
        key: key.name().into(),
    }
}

/// Over a view, Tab is a command; elsewhere, and where text is typed, it moves the focus, as everywhere.
pub fn take_tab(context: &egui::Context, input: &mut egui::RawInput, studio: &Studio, outbox: &mut Outbox) {
    if context.text_edit_focused() {
        return;
    }
    let tab = Chord { ctrl: false, alt: false, shift: false, key: Key::Tab.name().into() };
    let Some(entry) = commands::of_key(&studio.settings.keys, &tab).filter(|_| studio.hover.is_some()) else { return };
    let is_tab = |event: &egui::Event| matches!(event, egui::Event::Key { key: Key::Tab, pressed: true, modifiers, .. } if modifiers.is_none());
    let is_new = |event: &egui::Event| matches!(event, egui::Event::Key { repeat: false, .. }) && is_tab(event);
    let is_pressed = input.events.iter().any(is_new);
    input.events.retain(|event| !is_tab(event));
    if is_pressed {
        outbox.run(entry.id);
    }
}

/// Handles this frame's keys. Where text is typed, nothing is taken; where a control has the focus, it keeps its own keys.
pub fn handle_keys(ui: &egui::Ui, studio: &Studio, outbox: &mut Outbox) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    let is_focused = ui.ctx().egui_wants_keyboard_input();
    // The modifiers of each event count, not those at the end of the frame.
    let pressed: Vec<(Key, Modifiers, bool)> = ui.input(|i| {
        let keys = i.events.iter().filter_map(|event| match event {
            egui::Event::Key { key, pressed: true, repeat, modifiers, .. } => Some((*key, *modifiers, *repeat)),
            _ => None,
        });
        keys.collect()
    });
    if studio.cine.is_some() && pressed.iter().any(|(key, ..)| !is_modifier(*key)) {
        outbox.send(Request::EndCine);
        return;
    }
    for (key, modifiers, is_repeat) in pressed {
        let chord = chord(key, modifiers);
        if studio.hand.tool.is_busy()
            && let Some(key) = tool_key(key, modifiers)
        {
            outbox.send(Request::ToolKey(key));
            continue;
        }
        if studio.reslicing.is_placing && modifiers.is_none() && matches!(key, Key::Escape | Key::Backspace) {
            let is_end = key == Key::Escape;
            let request = if is_end { ResliceRequest::Placing(false) } else { ResliceRequest::TakeBack };
            outbox.send(Request::Reslice(request));
            continue;
        }
        let is_busy = studio.hand.tool.is_busy() || !studio.body.lasso.is_empty();
        if is_busy && key == Key::Escape {
            outbox.send(Request::Abort);
            continue;
        }
        if is_focused && CONTROL_KEYS.contains(&key) && !chord.ctrl {
            continue;
        }
        // What is given with Ctrl is given beside a focused control, too.
        if let Some(entry) = commands::of_key(&studio.settings.keys, &chord)
            && (entry.repeats || !is_repeat)
        {
            // Why it cannot be done is said where it was asked for on purpose, and not at every step of a key that is held.
            let is_asked_for = chord.ctrl || (key.name().len() == 1 && !entry.repeats);
            if is_asked_for || (entry.lacks)(studio).is_none() {
                outbox.run(entry.id);
            }
        }
    }
}

/// Keys that are held while another one is pressed.
pub fn is_modifier(key: Key) -> bool {
    let name = key.name();
    ["Shift", "Control", "Alt", "Super", "Command"].iter().any(|modifier| name.starts_with(modifier))
}

fn tool_key(key: Key, modifiers: Modifiers) -> Option<ToolKey> {
    match key {
        Key::Enter if modifiers.shift => Some(ToolKey::ConfirmErasing),
        Key::Enter => Some(ToolKey::Confirm),
        Key::Backspace => Some(ToolKey::Back),
        _ => None,
    }
}

/// Lights up the window while files hang over it.
pub fn drop_target_ui(ui: &egui::Ui) {
    if ui.input(|i| i.raw.hovered_files.is_empty()) {
        return;
    }
    let t = theme::tokens(ui);
    let rect = ui.ctx().content_rect();
    let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::new("drop")));
    painter.rect_filled(rect, 0.0, t.ground.gamma_multiply(0.7));
    painter.rect_stroke(rect.shrink(UNIT), 6.0, egui::Stroke::new(2.0, t.accent), egui::StrokeKind::Inside);
    let font = egui::FontId::proportional(theme::TITLE);
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, say!("Drop to open"), font, t.text);
}
