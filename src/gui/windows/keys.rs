//! The Keys window: all commands with their keys, which the user can change.

use crate::app::commands::{self, CommandEntry, keys_of, search};
use crate::app::state::keymap::{Chord, Keymap};
use crate::app::{Outbox, Request, Studio};
use crate::gui::controls::icon_button;
use crate::gui::egui;
use crate::gui::input::{chord, is_modifier};
use crate::gui::theme::{self, UNIT};
use crate::words::{self, say};
use egui::{Event, Key};
use egui_phosphor::regular as icon;

/// A command that is given a key.
#[derive(Clone, Copy)]
struct Capture {
    id: &'static str,
    /// Whether its other keys stay.
    is_further: bool,
}

/// The Keys window, while it is open.
#[derive(Default)]
pub struct KeysWindow {
    text: String,
    has_focus: bool,
    /// What waits for a key.
    capture: Option<Capture>,
    /// A key that another command has, while the user is asked.
    taken: Option<(Capture, Chord)>,
}

impl KeysWindow {
    /// Shows it; whether it stays open.
    pub fn ui(&mut self, context: &egui::Context, studio: &Studio, outbox: &mut Outbox) -> bool {
        self.take_key(context, studio, outbox);
        let keymap = &studio.settings.keys;
        let mut is_open = true;
        let modal = egui::Modal::new(egui::Id::new("keys")).show(context, |ui| {
            ui.set_width(theme::OVER_WIDTH.min(ui.ctx().content_rect().width() - 16.0 * UNIT));
            ui.label(egui::RichText::new(say!("Keys")).heading());
            profile_ui(ui, keymap, outbox);
            self.field_ui(ui);
            self.said_ui(ui, keymap, outbox);
            ui.add_space(UNIT);
            let found = search(&self.text, keymap, &[]);
            let height = theme::OVER_LIST.min(ui.ctx().content_rect().height() - 56.0 * UNIT);
            let list = egui::ScrollArea::vertical().max_height(height).min_scrolled_height(height);
            let row = ui.spacing().interact_size.y;
            list.auto_shrink([false, false]).show_rows(ui, row, found.len(), |ui, rows| {
                for entry in found.get(rows).into_iter().flatten().copied() {
                    ui.horizontal(|ui| self.row_ui(ui, keymap, entry, outbox));
                }
            });
            ui.add_space(UNIT);
            ui.horizontal(|ui| {
                if ui.button(say!("Close")).on_hover_text(say!("Close (Esc)")).clicked() {
                    is_open = false;
                }
                let reset = ui.add_enabled(keymap.has_changes(), egui::Button::new(say!("Reset all keys")));
                let reset = reset.on_disabled_hover_text(say!("All keys are those of the profile"));
                if reset.on_hover_text(say!("Give every command the keys of the profile back")).clicked() {
                    let mut keymap = keymap.clone();
                    keymap.reset_all();
                    outbox.send(Request::Keys(keymap));
                }
            });
        });
        is_open && !modal.should_close()
    }

    /// The next key goes to the command that waits for one; Escape gives none. No control sees it.
    fn take_key(&mut self, context: &egui::Context, studio: &Studio, outbox: &mut Outbox) {
        let Some(capture) = self.capture else { return };
        let pressed = context.input_mut(|i| {
            let mut pressed = None;
            i.events.retain(|event| match event {
                Event::Key { key, pressed: true, modifiers, .. } if !is_modifier(*key) => {
                    pressed = pressed.or(Some((*key, *modifiers)));
                    false
                }
                Event::Key { .. } | Event::Text(_) | Event::Copy | Event::Cut | Event::Paste(_) => false,
                _ => true,
            });
            pressed
        });
        let Some((key, modifiers)) = pressed else { return };
        self.capture = None;
        if key == Key::Escape {
            return;
        }
        let chord = chord(key, modifiers);
        match commands::of_key(&studio.settings.keys, &chord) {
            Some(other) if other.id != capture.id => self.taken = Some((capture, chord)),
            _ => give(&studio.settings.keys, capture, chord, outbox),
        }
    }

    fn field_ui(&mut self, ui: &mut egui::Ui) {
        let name = say!("Search commands and keys");
        let hint = egui::RichText::new(name).color(theme::tokens(ui).dim);
        let field = ui.add(egui::TextEdit::singleline(&mut self.text).hint_text(hint).desired_width(f32::INFINITY));
        field.widget_info(|| {
            let mut info = egui::WidgetInfo::labeled(egui::WidgetType::TextEdit, true, name);
            info.current_text_value = Some(self.text.clone());
            info
        });
        if !self.has_focus {
            field.request_focus();
            self.has_focus = true;
        }
    }

    /// What is waited for, or whether a key is taken from another command.
    fn said_ui(&mut self, ui: &mut egui::Ui, keymap: &Keymap, outbox: &mut Outbox) {
        let t = theme::tokens(ui);
        ui.horizontal_wrapped(|ui| {
            ui.set_min_height(ui.spacing().interact_size.y);
            if let Some(entry) = self.capture.and_then(|capture| commands::find(capture.id)) {
                ui.label(say!("Press the new key for \"{command}\". Esc: leave it.", command = plain(entry)));
            } else if let Some((capture, chord)) = self.taken.clone() {
                let other = commands::of_key(keymap, &chord).map(plain).unwrap_or_default();
                ui.label(egui::RichText::new(say!("{chord} is the key of \"{other}\".", chord, other)).color(t.warn));
                if ui.button(say!("Use it here")).on_hover_text(say!("\"{other}\" loses it", other)).clicked() {
                    give(keymap, capture, chord, outbox);
                    self.taken = None;
                }
                if ui.button(say!("Leave it there")).on_hover_text(say!("No key changes")).clicked() {
                    self.taken = None;
                }
            } else {
                ui.label(egui::RichText::new(say!("Press Change, then the new key.")).small().color(t.dim));
            }
        });
    }

    fn row_ui(&mut self, ui: &mut egui::Ui, keymap: &Keymap, entry: &'static CommandEntry, outbox: &mut Outbox) {
        let dim = theme::tokens(ui).dim;
        let name = plain(entry);
        let keys = keys_of(keymap, entry);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if keymap.is_changed(entry.id) {
                let reset = icon_button(ui, icon::ARROW_COUNTER_CLOCKWISE, &say!("Reset the keys of {name}", name));
                if reset.on_hover_text(say!("Give it the keys of the profile back")).clicked() {
                    let mut keymap = keymap.clone();
                    keymap.reset(entry.id);
                    outbox.send(Request::Keys(keymap));
                }
            }
            if !keys.is_empty() {
                let remove = icon_button(ui, icon::X, &say!("Remove the keys of {name}", name));
                if remove.on_hover_text(say!("Take its keys away")).clicked() {
                    let mut keymap = keymap.clone();
                    keymap.set(entry.id, Vec::new());
                    outbox.send(Request::Keys(keymap));
                }
                self.capture_button(ui, entry, say!("Add"), true, say!("Press a second key, which does the same"));
            }
            self.capture_button(ui, entry, say!("Change"), false, say!("Press this, then the new key"));
            let shown: Vec<String> = keys.iter().map(ToString::to_string).collect();
            ui.label(egui::RichText::new(shown.join("  ")).strong());
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.label(egui::RichText::new(words::text(entry.group.name())).small().color(dim));
                let label = ui.add(egui::Label::new(name).truncate());
                if !words::text(entry.hint).is_empty() {
                    label.on_hover_text(entry.hint);
                }
            });
        });
    }

    fn capture_button(
        &mut self,
        ui: &mut egui::Ui,
        entry: &'static CommandEntry,
        text: &str,
        is_further: bool,
        hint: &str,
    ) {
        let button = ui.add(egui::Button::selectable(
            self.capture.is_some_and(|capture| capture.id == entry.id && capture.is_further == is_further),
            text,
        ));
        let label = say!("{text} the key of {command}", text, command = plain(entry));
        button.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, true, &label));
        if button.on_hover_text(hint).clicked() {
            self.capture = Some(Capture { id: entry.id, is_further });
            self.taken = None;
        }
    }
}

/// Whose keys are used where the user has chosen no others.
fn profile_ui(ui: &mut egui::Ui, keymap: &Keymap, outbox: &mut Outbox) {
    ui.horizontal(|ui| {
        ui.label(say!("Keys of"));
        for of in commands::PROFILES {
            let is_chosen = of.id == keymap.profile();
            let button = ui.add(egui::Button::selectable(is_chosen, of.name));
            let name = say!("Keys of {profile}", profile = of.name);
            button.widget_info(|| egui::WidgetInfo::selected(egui::WidgetType::RadioButton, true, is_chosen, &name));
            let hint =
                say!("Use the keys of {profile}; keys that you have changed stay as they are", profile = of.name);
            if button.on_hover_text(hint).clicked() && !is_chosen {
                let mut keymap = keymap.clone();
                keymap.set_profile(of.id);
                outbox.send(Request::Keys(keymap));
            }
        }
    });
}

fn plain(entry: &CommandEntry) -> &'static str {
    words::text(entry.name).trim_end_matches("...")
}

/// Gives a command a key, instead of those that it has or beside them.
fn give(keymap: &Keymap, capture: Capture, chord: Chord, outbox: &mut Outbox) {
    if !capture.is_further {
        let mut keymap = keymap.clone();
        keymap.set(capture.id, Vec::new());
        outbox.send(Request::Keys(keymap));
    }
    outbox.send(Request::AssignKey(capture.id, chord));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::commands::all;

    #[test]
    fn every_key_of_the_list_is_a_key_of_the_keyboard() {
        for entry in all() {
            for text in entry.keys {
                let chord: Chord = text.parse().unwrap();
                let key = Key::from_name(&chord.key);
                assert_eq!(key.map(Key::name), Some(chord.key.as_str()), "{text} of {}", entry.id);
            }
        }
    }

    #[test]
    fn every_key_of_the_keyboard_can_be_written_and_read_again() {
        for key in Key::ALL {
            let chord = chord(*key, egui::Modifiers::CTRL);
            assert_eq!(chord.to_string().parse::<Chord>().as_ref(), Ok(&chord));
        }
    }

    #[test]
    fn a_changed_key_replaces_and_a_further_one_joins() {
        let mut studio = Studio::new(crate::app::Settings::default(), std::sync::Arc::new(|| {}));
        let mut press = |capture, text: &str| {
            let mut outbox = Outbox::default();
            give(&studio.settings.keys, capture, text.parse().unwrap(), &mut outbox);
            outbox.take().into_iter().for_each(|request| crate::app::handle(&mut studio, request));
            let undo = commands::find("edit.undo").unwrap();
            keys_of(&studio.settings.keys, undo).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let change = Capture { id: "edit.undo", is_further: false };
        assert_eq!(press(change, "U"), ["U"]);
        assert_eq!(press(Capture { is_further: true, ..change }, "Ctrl+U"), ["Ctrl+U", "U"]);
        // A key of another command is that command's no more.
        assert_eq!(press(change, "Ctrl+Y"), ["Ctrl+Y"]);
        let redo = commands::find("edit.redo").unwrap();
        let left: Vec<String> = keys_of(&studio.settings.keys, redo).iter().map(ToString::to_string).collect();
        assert_eq!(left, ["Ctrl+Shift+Z"]);
    }
}
