//! Profiles of keys: those of ITK-SNAP are the commands' own, those of other programs say where they differ.
//!
//! Three layers: the user's own keys, the profile's, the commands' own. A key belongs to the highest layer that gives it, so a command
//! whose key is given to another one is without it, and no key is ever that of two commands.

use super::CommandEntry;
use crate::app::state::keymap::ProfileId;

/// A profile.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// For settings.
    pub id: ProfileId,
    /// For the list and the guide.
    pub name: &'static str,
    /// Keys of commands that differ from the commands' own, by the command's id.
    pub keys: &'static [(&'static str, &'static [&'static str])],
    /// The tool that is in hand when the profile is chosen.
    pub first_tool: &'static str,
    /// Whether dragging with the left button and Shift moves the image, whatever tool is in hand.
    pub shift_drag_moves: bool,
    /// Whether the crosshair follows the pointer while Shift is held.
    pub shift_moves_crosshair: bool,
    /// Whether dragging with the right button zooms, whatever tool is in hand; it erases in tools that paint otherwise.
    pub right_zooms: bool,
}

/// The profiles, the first one by default.
pub const PROFILES: &[Profile] = &[
    Profile {
        id: ProfileId::ItkSnap,
        name: "ITK-SNAP",
        keys: &[],
        first_tool: "crosshair",
        shift_drag_moves: false,
        shift_moves_crosshair: false,
        right_zooms: false,
    },
    // Segment Editor and slice views of 3D Slicer 5.
    Profile {
        id: ProfileId::Slicer,
        name: "3D Slicer",
        keys: &[
            ("labels.previous", &["Q"]),
            ("labels.next", &["W"]),
            ("edit.undo", &["Ctrl+Z", "Z"]),
            ("edit.redo", &["Ctrl+Y", "Y"]),
            ("crosshair", &["Escape"]),
            ("tools.last", &["Space"]),
            ("brush", &["1"]),
            ("polygon", &["2"]),
            ("eraser", &["3"]),
            ("view.previous-slice", &["B", "PageDown"]),
            ("view.next-slice", &["F", "PageUp"]),
            ("view.fit", &["R", "Ctrl+F"]),
            ("view.labels", &["G"]),
        ],
        first_tool: "crosshair",
        shift_drag_moves: true,
        shift_moves_crosshair: true,
        right_zooms: true,
    },
    // OHIF 3, "General" of its preferences; its window presets 1 to 4 are those of CT.
    Profile {
        id: ProfileId::Ohif,
        name: "OHIF",
        keys: &[
            ("hand", &["Z"]),
            ("view.flip-horizontal", &["H"]),
            ("view.flip-vertical", &["V"]),
            ("view.invert", &["I"]),
            ("view.smooth", &["Shift+I"]),
            ("view.cine", &["C"]),
            ("view.next-slice", &["Down", "PageUp"]),
            ("view.previous-slice", &["Up", "PageDown"]),
            ("view.window-abdomen", &["1"]),
            ("view.window-lung", &["2"]),
            ("view.window-liver", &["3"]),
            ("view.window-bone", &["4"]),
            ("view.zoom-in", &["+"]),
            ("view.zoom-out", &["-"]),
            ("view.fit", &["=", "Space"]),
            ("labels.larger-brush", &["]"]),
            ("labels.smaller-brush", &["["]),
            ("crosshair", &["0"]),
            ("window-level", &["W"]),
            ("brush", &["B"]),
        ],
        first_tool: "window-level",
        shift_drag_moves: false,
        shift_moves_crosshair: false,
        right_zooms: true,
    },
];

/// The profile of an id.
pub fn profile(id: ProfileId) -> &'static Profile {
    PROFILES.iter().find(|profile| profile.id == id).unwrap_or(&PROFILES[0])
}

impl Profile {
    /// A command's keys in this profile, the user's own aside.
    pub fn keys(&self, entry: &CommandEntry) -> Vec<&'static str> {
        if let Some((_, keys)) = self.keys.iter().find(|(id, _)| *id == entry.id) {
            return keys.to_vec();
        }
        let is_given = |key: &str| self.keys.iter().any(|(_, keys)| keys.contains(&key));
        entry.keys.iter().copied().filter(|key| !is_given(key)).collect()
    }
}
