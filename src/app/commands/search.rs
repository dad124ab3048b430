//! Finding commands by what is typed: in the palette and in the Keys window.

use super::{CommandEntry, all, keys_of};
use crate::app::state::keymap::Keymap;
use crate::words;

/// What a word that is found in each place is worth; the names come first, and there the beginnings of words.
const NAME_START: u32 = 100;
const WORD_START: u32 = 80;
const IN_NAME: u32 = 60;
const KEY: u32 = 50;
const GROUP: u32 = 40;
const IN_HINT: u32 = 20;
const SCATTERED: u32 = 10;

/// The commands that have every word of a text in their name, group, keys or hint, the best first. An empty text finds all: those of
/// `recent` first, the last one of it foremost, then the order of the list.
pub fn search(text: &str, keymap: &Keymap, recent: &[&'static str]) -> Vec<&'static CommandEntry> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut found: Vec<(u32, &CommandEntry)> = all()
        .iter()
        .filter_map(|entry| {
            let last_use = recent.iter().position(|id| *id == entry.id).map_or(0, |at| at as u32 + 1);
            if words.is_empty() {
                return Some((last_use, entry));
            }
            let each: Option<Vec<u32>> = words.iter().map(|word| worth(entry, keymap, word)).collect();
            // Of equals, the one that is used goes first.
            each.map(|each| (100 * each.iter().sum::<u32>() + last_use, entry))
        })
        .collect();
    found.sort_by_key(|(worth, _)| std::cmp::Reverse(*worth));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// What a word is worth; none where it is nowhere. Commands are found by their English names too.
fn worth(entry: &CommandEntry, keymap: &Keymap, word: &str) -> Option<u32> {
    let has_key = || keys_of(keymap, entry).iter().any(|key| key.to_string().to_lowercase() == word);
    let said = [true, false].map(|is_translated| {
        let say = |english: &'static str| if is_translated { words::text(english) } else { english };
        let name = say(entry.name).to_lowercase();
        match () {
            () if name.starts_with(word) => Some(NAME_START),
            () if name.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word)) => Some(WORD_START),
            () if name.contains(word) => Some(IN_NAME),
            () if has_key() => Some(KEY),
            () if say(entry.group.name()).to_lowercase().starts_with(word) => Some(GROUP),
            () if say(entry.hint).to_lowercase().contains(word) => Some(IN_HINT),
            () if word.chars().count() > 1 && is_scattered(&name, word) => Some(SCATTERED),
            () => None,
        }
    });
    said.into_iter().max().flatten()
}

/// Whether the letters of a word come in their order in a text.
fn is_scattered(text: &str, word: &str) -> bool {
    let mut letters = text.chars();
    word.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<&'static str> {
        search(text, &Keymap::default(), &["edit.redo", "file.save"]).into_iter().map(|entry| entry.id).collect()
    }

    #[test]
    fn an_empty_text_finds_all_and_what_was_used_last_comes_first() {
        let found = ids("");
        assert_eq!(found.len(), all().len());
        assert_eq!(found[..3], ["file.save", "edit.redo", all()[0].id]);
    }

    #[test]
    fn the_best_match_comes_first() {
        assert_eq!(ids("undo").first(), Some(&"edit.undo"));
        assert_eq!(ids("ctrl+z").first(), Some(&"edit.undo"));
        assert_eq!(ids("next label").first(), Some(&"labels.next"));
        assert_eq!(ids("label next").first(), Some(&"labels.next"));
        // Scattered letters: [p]re[v]ious s[l]ice.
        assert!(ids("pvl").contains(&"view.previous-slice"));
        assert!(ids("no command has this").is_empty());
        // A hint is found, after names.
        let found = ids("png");
        assert!(found.contains(&"file.picture-axial"), "{found:?}");
    }
}
