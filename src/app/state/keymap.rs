//! Keys: what a key with its modifiers is called, and which the user has chosen instead of the defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A key with modifiers, written "Ctrl+Shift+P". On macOS, Ctrl stands for the command key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chord {
    /// Ctrl (macOS: command).
    pub ctrl: bool,
    /// Alt (macOS: option).
    pub alt: bool,
    /// Shift.
    pub shift: bool,
    /// The key's name, for example "P", "1", "Comma", "Enter", "F1".
    pub key: String,
}

/// Signs of keys whose names are words.
const SIGNS: [(&str, &str); 12] = [
    ("Comma", ","),
    ("Period", "."),
    ("Plus", "+"),
    ("Minus", "-"),
    ("Equals", "="),
    ("Slash", "/"),
    ("Semicolon", ";"),
    ("Quote", "'"),
    ("OpenBracket", "["),
    ("CloseBracket", "]"),
    ("Backslash", "\\"),
    ("Backtick", "`"),
];

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (is_held, name) in [(self.ctrl, "Ctrl+"), (self.alt, "Alt+"), (self.shift, "Shift+")] {
            if is_held {
                f.write_str(name)?;
            }
        }
        let sign = SIGNS.iter().find(|(name, _)| *name == self.key).map(|(_, sign)| *sign);
        f.write_str(sign.unwrap_or(&self.key))
    }
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key; keys are written like Ctrl+Shift+P")]
pub struct NoKey(String);

impl FromStr for Chord {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let mut chord = Self { ctrl: false, alt: false, shift: false, key: String::new() };
        let mut rest = text.trim();
        loop {
            let taken = [("Ctrl+", &mut chord.ctrl), ("Alt+", &mut chord.alt), ("Shift+", &mut chord.shift)]
                .into_iter()
                .find_map(|(name, held)| Some((rest.strip_prefix(name)?, held)));
            match taken {
                Some((after, held)) if !*held => {
                    *held = true;
                    rest = after;
                }
                _ => break,
            }
        }
        let name = SIGNS.iter().find(|(_, sign)| *sign == rest).map_or(rest, |(name, _)| *name);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(NoKey(text.into()));
        }
        chord.key = name.into();
        Ok(chord)
    }
}

impl TryFrom<String> for Chord {
    type Error = NoKey;

    fn try_from(text: String) -> Result<Self, NoKey> {
        text.parse()
    }
}

impl From<Chord> for String {
    fn from(chord: Chord) -> Self {
        chord.to_string()
    }
}

/// Whose keys are used where the user has chosen no others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "&str")]
pub enum ProfileId {
    /// ITK-SNAP.
    #[default]
    ItkSnap,
    /// 3D Slicer.
    Slicer,
    /// OHIF.
    Ohif,
}

impl ProfileId {
    /// In settings.
    fn id(self) -> &'static str {
        match self {
            Self::ItkSnap => "itk-snap",
            Self::Slicer => "slicer",
            Self::Ohif => "ohif",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl From<String> for ProfileId {
    /// A name of another version is the default; it must not cost the other settings.
    fn from(name: String) -> Self {
        [Self::ItkSnap, Self::Slicer, Self::Ohif].into_iter().find(|profile| profile.id() == name).unwrap_or_default()
    }
}

impl From<ProfileId> for &str {
    fn from(profile: ProfileId) -> Self {
        profile.id()
    }
}

/// The profile, and the user's own keys by the command's id; commands that are not in it have the profile's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keymap {
    /// The profile. No command is called like this field.
    #[serde(default, skip_serializing_if = "ProfileId::is_default")]
    profile: ProfileId,
    #[serde(flatten)]
    own: BTreeMap<String, Vec<Chord>>,
}

impl Keymap {
    /// The profile that the user's keys lie on.
    pub fn profile(&self) -> ProfileId {
        self.profile
    }

    /// Takes another profile; the user's own keys stay.
    pub fn set_profile(&mut self, profile: ProfileId) {
        self.profile = profile;
    }

    /// The keys of a command; of `defaults` those that the user has not given to another one.
    pub fn keys(&self, id: &str, defaults: &[&str]) -> Vec<Chord> {
        if let Some(own) = self.own.get(id) {
            return own.clone();
        }
        let is_free = |key: &Chord| !self.own.values().flatten().any(|given| given == key);
        defaults.iter().filter_map(|text| text.parse().ok()).filter(is_free).collect()
    }

    /// Whether the user has chosen the keys of a command.
    pub fn is_changed(&self, id: &str) -> bool {
        self.own.contains_key(id)
    }

    /// Whether the user has chosen any keys.
    pub fn has_changes(&self) -> bool {
        !self.own.is_empty()
    }

    /// Gives a command other keys; none take them away.
    pub fn set(&mut self, id: &str, keys: Vec<Chord>) {
        self.own.insert(id.into(), keys);
    }

    /// Gives a command its defaults back.
    pub fn reset(&mut self, id: &str) {
        self.own.remove(id);
    }

    /// Gives all commands the profile's keys back.
    pub fn reset_all(&mut self) {
        self.own.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in ["Ctrl+Shift+P", "A", "Ctrl+,", "Shift+Enter", "Ctrl++", "-", "F1", "Alt+Shift+X", "1"] {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string(), text);
            assert_eq!(serde_json::from_value::<Chord>(serde_json::to_value(&chord).unwrap()).unwrap(), chord);
        }
        let plus: Chord = "Ctrl++".parse().unwrap();
        assert_eq!((plus.ctrl, plus.key.as_str()), (true, "Plus"));
        for wrong in ["", "Ctrl+", "Ctrl+Ctrl+P", "Hyper+P", "Ctrl+Shift"] {
            // A modifier alone is read as a key of that name only where it stands alone.
            assert!(wrong.parse::<Chord>().is_err() || wrong == "Ctrl+Shift", "{wrong}");
        }
    }

    #[test]
    fn the_users_keys_go_before_the_defaults() {
        let mut keymap = Keymap::default();
        let defaults = ["Ctrl+Z"];
        assert_eq!(keymap.keys("undo", &defaults), ["Ctrl+Z".parse().unwrap()]);
        keymap.set("undo", vec!["U".parse().unwrap()]);
        assert_eq!(keymap.keys("undo", &defaults), ["U".parse().unwrap()]);
        let stored = serde_json::to_string(&keymap).unwrap();
        assert_eq!(stored, r#"{"undo":["U"]}"#);
        keymap.set("undo", Vec::new());
        assert!(keymap.keys("undo", &defaults).is_empty() && keymap.is_changed("undo"));
        keymap.reset("undo");
        assert_eq!(keymap, Keymap::default());
    }

    #[test]
    fn the_profile_is_kept_with_the_users_keys_and_a_strange_one_costs_nothing() {
        let mut keymap = Keymap::default();
        keymap.set_profile(ProfileId::Slicer);
        keymap.set("undo", vec!["U".parse().unwrap()]);
        let stored = serde_json::to_string(&keymap).unwrap();
        assert_eq!(stored, r#"{"profile":"slicer","undo":["U"]}"#);
        assert_eq!(serde_json::from_str::<Keymap>(&stored).unwrap(), keymap);
        let other: Keymap = serde_json::from_str(r#"{"profile":"of tomorrow","undo":["U"]}"#).unwrap();
        assert_eq!((other.profile(), other.is_changed("undo")), (ProfileId::ItkSnap, true));
        // A key that the user gives to one command is no other one's.
        assert!(keymap.keys("redo", &["U"]).is_empty());
        keymap.reset_all();
        assert_eq!((keymap.profile(), keymap.has_changes()), (ProfileId::Slicer, false));
    }
}
