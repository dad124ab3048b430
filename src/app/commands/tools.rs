//! A command for every tool.

use super::{CommandEntry, Deed, Group, no_scan};
use crate::tools::{TOOLS, ToolEntry};

/// The commands that take tools in hand.
pub fn all() -> impl Iterator<Item = CommandEntry> {
    TOOLS.iter().map(of_tool)
}

fn of_tool(entry: &'static ToolEntry) -> CommandEntry {
    CommandEntry {
        id: entry.id,
        name: entry.name,
        hint: entry.hint,
        group: Group::Tools,
        keys: std::slice::from_ref(&entry.key),
        repeats: false,
        is_in_menu: true,
        lacks: no_scan,
        deed: Deed::Take(entry),
    }
}
