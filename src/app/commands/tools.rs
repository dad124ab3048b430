//! A command for every tool, and what helps with tools.

use super::{CommandEntry, Deed, Group, no_scan, no_view};
use crate::app::act::painting;
use crate::app::act::painting::take_tool;
use crate::app::state::studio::Studio;
use crate::tools::{PAINTED_VALUES, TOOLS, ToolEntry};

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

fn no_range(studio: &Studio) -> Option<&'static str> {
    no_view(studio).or_else(|| {
        let has_range = studio.hand.entry.has(&PAINTED_VALUES);
        (!has_range).then_some("Take the threshold brush first")
    })
}

/// What can be done with any tool in hand, or with some.
pub const TOOL_HELP: &[CommandEntry] = &[
    CommandEntry::new("tools.pick-label", "Pick the label under the pointer", Group::Tools, painting::pick_label)
        .hint("Paint with the label under the pointer, whatever the tool")
        .keys(&["Q"])
        .unless(no_view),
    CommandEntry::new("tools.pick-values", "Pick the values under the brush", Group::Tools, painting::pick_values)
        .hint("The threshold brush paints the values that it covers now")
        .keys(&["Shift+T"])
        .unless(no_range),
];
