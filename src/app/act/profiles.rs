//! Keys, and the profile that they lie on.

use super::painting::take_tool;
use crate::app::commands::profile;
use crate::app::state::keymap::Keymap;
use crate::app::state::studio::Studio;

/// Takes keys over. Another profile begins with the tool that its users expect in hand.
pub fn set_keys(studio: &mut Studio, keymap: Keymap) {
    let is_other = keymap.profile() != studio.settings.keys.profile();
    studio.settings.keys = keymap;
    let first = crate::tools::find(profile(studio.settings.keys.profile()).first_tool);
    if let Some(entry) = first.filter(|_| is_other) {
        take_tool(studio, entry);
    }
}
