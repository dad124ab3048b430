//! Panels, tasks, palette, help.

use super::{CommandEntry, Group};
use crate::app::act::first_task;
use crate::app::state::request::{Dialog, Effect};
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::words::Language;

fn show(studio: &mut Studio, task: Task) {
    (studio.settings.panels, studio.settings.task) = (true, task);
}

const fn window(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::Window, deed).in_menu()
}

/// In the order of the menu.
pub const WINDOW: &[CommandEntry] = &[
    window("window.palette", "All commands...", |studio| studio.effects.push(Effect::Show(Dialog::Palette)))
        .hint("Search all commands")
        .keys(&["Ctrl+Shift+P"]),
    window("window.look", "Look", |studio| show(studio, Task::Look))
        .hint("Window, interpolation, attention")
        .keys(&["F1"]),
    window("window.annotate", "Annotate", |studio| show(studio, Task::Annotate))
        .hint("Labels and how they are painted")
        .keys(&["F2"]),
    window("window.segment", "Segment", |studio| show(studio, Task::Segment))
        .hint("Run and refine a model")
        .keys(&["F3"]),
    window("window.teach", "Teach", |studio| show(studio, Task::Teach)).hint("Train a model").keys(&["F4"]),
    window("window.export", "Export", |studio| show(studio, Task::Export))
        .hint("Write masks, images and pictures")
        .keys(&["F5"]),
    window("window.panels", "Show panels", |studio| studio.settings.panels = !studio.settings.panels)
        .hint("Hide or show the panels on both sides")
        .keys(&["Tab"]),
    window("window.theme", "Dark or light theme", |studio| studio.settings.dark = !studio.settings.dark)
        .keys(&["Ctrl+Shift+L"]),
    window("window.english", "Language: English", |studio| studio.settings.language = Some(Language::English))
        .hint("Show the window in English"),
    window("window.chinese", "Language: 中文", |studio| studio.settings.language = Some(Language::Chinese))
        .hint("Show the window in Chinese"),
    window("window.first-task", "First steps", first_task::begin)
        .hint("Run the model, correct a slice, refine, save: six steps beside the images, in under three minutes"),
    CommandEntry::new("window.end-first-task", "End the first steps", Group::Window, first_task::end)
        .hint("Hide the first steps")
        .unless(|studio| studio.first_task.is_none().then_some("They are not shown")),
    window("window.keys", "Keys...", |studio| studio.effects.push(Effect::Show(Dialog::Keys)))
        .hint("See and change the keys of all commands")
        .keys(&["Ctrl+K"]),
    window("window.licences", "Licences...", |studio| studio.effects.push(Effect::Show(Dialog::Licences)))
        .hint("Whose work is in the program: crates, fonts and models, with the texts of their licences"),
    window("window.about", "About Lamella...", |studio| studio.effects.push(Effect::Show(Dialog::About))),
];
