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

/// The user's keys, by the command's id; commands that are not in it have their defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Keymap(BTreeMap<String, Vec<Chord>>);

impl Keymap {
    /// The keys of a command.
    pub fn keys(&self, id: &str, defaults: &[&str]) -> Vec<Chord> {
        self.0.get(id).cloned().unwrap_or_else(|| defaults.iter().filter_map(|text| text.parse().ok()).collect())
    }

    /// Whether the user has chosen the keys of a command.
    pub fn is_changed(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Gives a command other keys; none take them away.
    pub fn set(&mut self, id: &str, keys: Vec<Chord>) {
        self.0.insert(id.into(), keys);
    }

    /// Gives a command its defaults back.
    pub fn reset(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Gives all commands their defaults back.
    pub fn reset_all(&mut self) {
        self.0.clear();
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
}
