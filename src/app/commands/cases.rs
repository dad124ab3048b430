//! From one scan of a folder to the next.

use super::{CommandEntry, Group, no_scan};
use crate::app::act::{cases, labels};
use crate::app::state::cases::Way;

/// In the order of the menu.
pub const CASES: &[CommandEntry] = &[
    CommandEntry::new("cases.next", "Next case", Group::File, |studio| cases::step(studio, Way::Next))
        .hint("Show the next scan of the folder; window and labels go along, and what is not saved stays open")
        .keys(&["Ctrl+Right"])
        .unless(|studio| cases::lacks(studio, Way::Next))
        .in_menu(),
    CommandEntry::new("cases.previous", "Previous case", Group::File, |studio| cases::step(studio, Way::Previous))
        .hint("Show the scan before it in the folder")
        .keys(&["Ctrl+Left"])
        .unless(|studio| cases::lacks(studio, Way::Previous))
        .in_menu(),
    CommandEntry::new("cases.next-open", "Next case not done", Group::File, |studio| {
        cases::step(studio, Way::NextOpen);
    })
    .hint("Show the next scan of the folder that is not done; behind the last one the first follows")
    .keys(&["Ctrl+Shift+Right"])
    .unless(|studio| cases::lacks(studio, Way::NextOpen))
    .in_menu(),
    CommandEntry::new("cases.done", "Mark case done", Group::File, labels::toggle_case_done)
        .hint("Declare all axial slices of the segmentation in hand finished and save it; or take that back")
        .keys(&["Ctrl+D"])
        .unless(|studio| no_scan(studio).or_else(|| cases::is_drawing(studio)))
        .in_menu(),
];
