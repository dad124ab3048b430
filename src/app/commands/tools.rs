//! A command for every tool.

use super::{CommandEntry, Deed, Group, no_scan};
use crate::app::act::painting::take_tool;
use crate::tools::{TOOLS, ToolEntry};

/// The commands that take tools in hand.
pub fn all() -> impl Iterator<Item = CommandEntry> {
    TOOLS.iter().map(of_tool).chain([LAST])
}

const LAST: CommandEntry = CommandEntry::new("tools.last", "The tool before", Group::Tools, |studio| {
    if let Some(entry) = studio.last_tool {
        take_tool(studio, entry);
    }
})
.hint("Take the tool in hand that was there before; again to come back")
.unless(|studio| no_scan(studio).or_else(|| studio.last_tool.is_none().then_some("No other tool was in hand yet")));

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
