//! All commands: what can be done, what it is called, its keys, and when it cannot be done. Menus, palette, tooltips, the Keys window and
//! the guide's table of keys come from this list.

mod body;
mod cases;
mod edit;
mod file;
mod labels;
mod look;
mod measurements;
mod operations;
mod profiles;
mod reslicing;
mod search;
mod segment;
mod teach;
mod templates;
mod tools;
mod window;
mod window_presets;

use std::fmt::Write;
use std::sync::OnceLock;

use super::state::keymap::{Chord, Keymap};
use super::state::studio::Studio;
use crate::words;
pub use profiles::{PROFILES, Profile, profile};
pub use search::search;
pub use window_presets::WINDOW_PRESETS;

/// What a command does.
#[derive(Clone, Copy)]
pub enum Deed {
    /// Changes the studio.
    Do(fn(&mut Studio)),
    /// Takes a tool in hand.
    Take(&'static crate::tools::ToolEntry),
    /// Chooses an operation on labels.
    Choose(&'static crate::edit::operations::Operation),
}

/// Where a command is found in the menus; the order of the palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Opening, saving, closing.
    File,
    /// Undo, redo.
    Edit,
    /// Tools.
    Tools,
    /// Cursor, window, tiles.
    View,
    /// Labels and slices.
    Labels,
    /// Networks.
    Segment,
    /// Training.
    Teach,
    /// Panels, palette, help.
    Window,
}

impl Group {
    /// For the menu and the guide.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::Tools => "Tools",
            Self::View => "View",
            Self::Labels => "Labels",
            Self::Segment => "Segment",
            Self::Teach => "Teach",
            Self::Window => "Window",
        }
    }
}

/// A command in the list.
#[derive(Clone, Copy)]
pub struct CommandEntry {
    /// Unique and stable: settings, keymaps and panels name it.
    pub id: &'static str,
    /// In the menu and the palette: a verb.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub hint: &'static str,
    /// Its menu.
    pub group: Group,
    /// Its keys where the user has chosen no others.
    pub keys: &'static [&'static str],
    /// Whether it is done again and again while its key is held.
    pub repeats: bool,
    /// Whether it is in its group's menu, too; all are in the palette.
    pub is_in_menu: bool,
    /// Why it cannot be done now.
    pub lacks: fn(&Studio) -> Option<&'static str>,
    /// What it does.
    pub deed: Deed,
}

impl CommandEntry {
    /// A command that can always be done.
    pub const fn new(id: &'static str, name: &'static str, group: Group, deed: fn(&mut Studio)) -> Self {
        Self {
            id,
            name,
            hint: "",
            group,
            keys: &[],
            repeats: false,
            is_in_menu: false,
            lacks: |_| None,
            deed: Deed::Do(deed),
        }
    }

    /// What it does, in one sentence.
    #[must_use]
    pub const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// Its keys where the user has chosen no others.
    #[must_use]
    pub const fn keys(self, keys: &'static [&'static str]) -> Self {
        Self { keys, ..self }
    }

    /// Done again and again while its key is held.
    #[must_use]
    pub const fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }

    /// In its group's menu, too.
    #[must_use]
    pub const fn in_menu(self) -> Self {
        Self { is_in_menu: true, ..self }
    }

    /// Not while there is a reason against it.
    #[must_use]
    pub const fn unless(self, lacks: fn(&Studio) -> Option<&'static str>) -> Self {
        Self { lacks, ..self }
    }
}

/// For commands that need a scan on screen.
fn no_scan(studio: &Studio) -> Option<&'static str> {
    studio.volume().is_none().then_some("Open a scan first")
}

/// For commands that act on the view under the pointer.
fn no_view(studio: &Studio) -> Option<&'static str> {
    no_scan(studio).or_else(|| studio.hover.is_none().then_some("Move the pointer over a view first"))
}

/// The lists, in the order of the menus.
const LISTS: &[&[CommandEntry]] = &[
    templates::TEMPLATES,
    file::FILE,
    cases::CASES,
    edit::EDIT,
    tools::TOOL_HELP,
    measurements::MEASUREMENTS,
    look::VIEW,
    body::BODY,
    reslicing::RESLICING,
    window_presets::WINDOWS,
    labels::LABELS,
    operations::CHOSEN,
    segment::SEGMENT,
    teach::TEACH,
    window::WINDOW,
];

/// All commands; the tools are among them.
pub fn all() -> &'static [CommandEntry] {
    static ALL: OnceLock<Vec<CommandEntry>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<CommandEntry> =
            LISTS.iter().flat_map(|list| list.iter().copied()).chain(tools::all()).chain(operations::all()).collect();
        all.sort_by_key(|entry| entry.group);
        all
    })
}

/// The command of an id.
pub fn find(id: &str) -> Option<&'static CommandEntry> {
    all().iter().find(|entry| entry.id == id)
}

/// The keys of a command.
pub fn keys_of(keymap: &Keymap, entry: &CommandEntry) -> Vec<Chord> {
    keymap.keys(entry.id, &profile(keymap.profile()).keys(entry))
}

/// The command of a key.
pub fn of_key(keymap: &Keymap, chord: &Chord) -> Option<&'static CommandEntry> {
    all().iter().find(|entry| keys_of(keymap, entry).contains(chord))
}

/// Gives a command a further key, and takes it from the one that has it.
pub fn assign(keymap: &mut Keymap, id: &'static str, chord: Chord) {
    // What a profile gives goes by itself, and comes back with the profile.
    if let Some(other) = of_key(keymap, &chord).filter(|other| keymap.is_changed(other.id)) {
        let left = keys_of(keymap, other).into_iter().filter(|key| *key != chord).collect();
        keymap.set(other.id, left);
    }
    if let Some(entry) = find(id) {
        keymap.set(id, vec![chord; 1].into_iter().chain(keys_of(keymap, entry)).take(2).collect());
    }
}

/// A hint with the command's keys: "Take the last change back (Ctrl+Z)".
pub fn tooltip(keymap: &Keymap, entry: &CommandEntry) -> String {
    let text = words::text(if entry.hint.is_empty() { entry.name } else { entry.hint });
    let keys: Vec<String> = keys_of(keymap, entry).iter().map(ToString::to_string).collect();
    if keys.is_empty() { text.into() } else { format!("{text} ({})", keys.join(", ")) }
}

/// Runs a command, unless it cannot be done now.
pub fn run(studio: &mut Studio, entry: &'static CommandEntry) {
    if let Some(lacks) = (entry.lacks)(studio) {
        studio.notices.info(format!("{}: {}.", entry.name, lacks));
        return;
    }
    remember(studio, entry);
    crate::home::note_step(entry.id);
    match entry.deed {
        Deed::Do(deed) => deed(studio),
        Deed::Take(tool) => super::act::painting::take_tool(studio, tool),
        Deed::Choose(operation) => super::act::operating::choose(studio, operation),
    }
}

/// Most commands that the palette remembers.
const RECENT: usize = 8;

/// Puts a command last among those that were used; what is repeated while a key is held is none that is looked for again.
fn remember(studio: &mut Studio, entry: &'static CommandEntry) {
    if entry.repeats || entry.id == "window.palette" {
        return;
    }
    studio.used.retain(|id| *id != entry.id);
    studio.used.push(entry.id);
    let surplus = studio.used.len().saturating_sub(RECENT);
    studio.used.drain(..surplus);
}

/// The guide's table of keys, in Markdown: a column for each profile.
pub fn table_of_keys(said: impl Fn(&'static str) -> String) -> String {
    let mut text = String::new();
    let shown = |entry: &CommandEntry, of: &Profile| {
        let keys: Vec<String> = of.keys(entry).iter().map(|key| format!("`{key}`")).collect();
        keys.join(", ")
    };
    let heads: Vec<&str> = PROFILES.iter().map(|of| of.name).collect();
    let rule = " --- |".repeat(heads.len() + 1);
    let mut group = None;
    for entry in all() {
        let keys: Vec<String> = PROFILES.iter().map(|of| shown(entry, of)).collect();
        if keys.iter().all(String::is_empty) {
            continue;
        }
        if group != Some(entry.group) {
            group = Some(entry.group);
            let (title, heads, last) = (said(entry.group.name()), heads.join(" | "), said("command"));
            let _ = write!(text, "\n### {title}\n\n| {heads} | {last} |\n|{rule}\n");
        }
        let (name, hint) = (said(entry.name), said(entry.hint));
        let both = crate::words::filled(&said("{name}: {hint}"), &[("name", &name), ("hint", &hint)]);
        let _ = writeln!(text, "| {} | {} |", keys.join(" | "), if hint.is_empty() { name } else { both });
    }
    text
}

#[cfg(test)]
mod tests;
