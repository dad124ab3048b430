//! Undo and redo.

use super::{CommandEntry, Group};
use crate::app::act::traveling::travel;
use crate::app::state::studio::Studio;

const fn edit(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::Edit, deed).in_menu().repeating()
}

/// In the order of the menu.
pub const EDIT: &[CommandEntry] = &[
    edit("edit.undo", "Undo", |studio| travel(studio, false))
        .hint("Take the last change back, in whichever scan it was made")
        .keys(&["Ctrl+Z"])
        .unless(|studio| {
            (studio.session.undo_name().is_none() && !studio.hand.tool.is_busy()).then_some("Nothing to undo")
        }),
    edit("edit.redo", "Redo", |studio| travel(studio, true))
        .hint("Make the last undone change again")
        .keys(&["Ctrl+Shift+Z", "Ctrl+Y"])
        .unless(|studio| studio.session.redo_name().is_none().then_some("Nothing to redo")),
];
