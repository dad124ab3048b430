//! A command for every operation on labels, and those that preview and apply the chosen one.

use super::{CommandEntry, Deed, Group, no_scan};
use crate::app::act::operating;
use crate::app::state::studio::Studio;
use crate::edit::operations::{OPERATIONS, Operation};

const fn operate(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::Labels, deed).unless(operating::lacks)
}

/// What is done with the operation that is chosen in the panel.
pub const CHOSEN: &[CommandEntry] = &[
    operate("operations.apply", "Apply the operation", operating::take)
        .hint("Do the operation that is chosen in the Annotate task; one undo step")
        .keys(&["Ctrl+Shift+Enter"])
        .in_menu(),
    operate("operations.preview", "Preview the operation", operating::preview)
        .hint("Show, hatched, what the operation that is chosen in the Annotate task would do; it follows the choices and the cursor, and nothing changes yet"),
    operate("operations.drop", "Drop the preview of the operation", operating::drop_preview)
        .hint("Take the preview off the screen; nothing was changed")
        .unless(|studio| (!operating::has_preview(studio)).then_some("There is no preview")),
];

/// The commands that choose operations.
pub fn all() -> impl Iterator<Item = CommandEntry> {
    OPERATIONS.iter().map(of_operation)
}

fn of_operation(operation: &'static Operation) -> CommandEntry {
    CommandEntry {
        id: operation.id,
        name: operation.name,
        hint: operation.hint,
        group: Group::Labels,
        keys: &[],
        repeats: false,
        is_in_menu: false,
        lacks: no_scan,
        deed: Deed::Choose(operation),
    }
}
