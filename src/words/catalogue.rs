//! The texts of a language.

use super::fill::filled;
use super::po::{CatalogueError, entries};
use super::template::{Piece, pieces, values};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex};

/// Values whose names say that they are sentences of the program and not data: they are translated too.
pub const PLACEHOLDERS_WITH_TEXT: &[&str] = &[
    "already", "ask", "cause", "depth", "during", "error", "fewer", "how", "known", "lacks", "left", "on_disk",
    "plane", "problem", "reason", "refused", "stack", "status", "taken", "usage", "wanted", "way", "what", "where_at",
    "why",
];

/// Those of them that are often empty: a text is known without them, too.
const OFTEN_EMPTY: &[&str] = &["already", "cause", "depth", "fewer", "on_disk", "ratio", "stack", "wanted"];

/// Finished texts that are remembered, at most.
const REMEMBERED: usize = 2000;

/// A text with values in it.
struct Template {
    pieces: Vec<Piece<'static>>,
    /// Letters that have to stand there.
    fixed: usize,
    translation: &'static str,
}

/// The texts of a language, by their English ones.
pub struct Catalogue {
    texts: HashMap<&'static str, &'static str>,
    /// Those with the most letters first.
    templates: Vec<Template>,
    /// What finished texts became: a window shows the same ones frame by frame.
    remembered: Mutex<HashMap<Box<str>, Option<Arc<str>>>>,
}

impl Catalogue {
    /// Reads a catalogue, which is kept until the program ends.
    ///
    /// # Errors
    /// See [`entries`].
    pub fn read(po: &str) -> Result<Self, CatalogueError> {
        Ok(Self::new(entries(po)?.into_iter().flat_map(|entry| {
            let translation: &'static str = entry.translation.leak();
            let is_shown = entry.is_shown;
            std::iter::once(entry.english).chain(entry.one).map(move |english| (english, translation, is_shown))
        })))
    }

    /// The English texts of a catalogue, each in ⟦ ⟧ but for the values in it: whatever then stands outside is not from the catalogue.
    ///
    /// # Errors
    /// See [`entries`].
    pub fn marked(po: &str) -> Result<Self, CatalogueError> {
        Ok(Self::new(entries(po)?.into_iter().flat_map(|entry| {
            let is_shown = entry.is_shown;
            std::iter::once(entry.english).chain(entry.one).map(move |english| {
                let marked: String = pieces(&english)
                    .into_iter()
                    .map(|piece| match piece {
                        Piece::Text(text) => format!("⟦{text}⟧"),
                        Piece::Placeholder { written, .. } => written.to_string(),
                    })
                    .collect();
                let marked: &'static str = marked.leak();
                (english, marked, is_shown)
            })
        })))
    }

    fn new(all: impl Iterator<Item = (String, &'static str, bool)>) -> Self {
        let mut texts = HashMap::new();
        let mut templates = Vec::new();
        for (english, translation, is_shown) in all {
            let english: &'static str = english.leak();
            texts.insert(english, translation);
            if is_shown {
                templates.extend(forms(english, translation).into_iter().map(|(english, translation)| {
                    let pieces = pieces(english);
                    let text_of = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
                    Template { fixed: pieces.iter().map(text_of).sum(), pieces, translation }
                }));
            }
        }
        templates.sort_by_key(|template| std::cmp::Reverse(template.fixed));
        Self { texts, templates, remembered: Mutex::default() }
    }

    /// The translation of a text that stands in the catalogue.
    pub fn text(&self, english: &str) -> Option<&'static str> {
        self.texts.get(english).copied()
    }

    /// A finished text: as a whole, or by its template, or sentence by sentence.
    pub fn shown<'a>(&self, english: &'a str) -> Cow<'a, str> {
        if let Some(fixed) = self.text(english) {
            return Cow::Borrowed(fixed);
        }
        let Ok(mut remembered) = self.remembered.lock() else { return Cow::Borrowed(english) };
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        let known = remembered.entry(english.into()).or_insert_with(|| self.composed(english).map(Arc::from));
        known.as_ref().map_or(Cow::Borrowed(english), |text| Cow::Owned(text.to_string()))
    }

    /// A finished text that is not fixed; none where nothing of it is known.
    fn composed(&self, english: &str) -> Option<String> {
        if let Some(text) = self.by_template(english) {
            return Some(text);
        }
        // A message of a room below begins with a small letter there, and with a capital where it is shown.
        let mut letters = english.chars();
        if let Some(first) = letters.next().filter(char::is_ascii_uppercase) {
            let small = format!("{}{}", first.to_ascii_lowercase(), letters.as_str());
            if let Some(text) = self.text(&small).map(str::to_string).or_else(|| self.by_template(&small)) {
                return Some(text);
            }
        }
        // A full stop may belong to the text or to who shows it.
        if let Some(inside) = english.strip_suffix('.')
            && let Some(text) = self.text(inside).map(str::to_string).or_else(|| self.by_template(inside))
        {
            return Some(format!("{text}。"));
        }
        let sentences: Vec<&str> = english.split_inclusive(". ").collect();
        let mut is_any_known = false;
        let mut all = String::new();
        for sentence in sentences.iter().filter(|_| sentences.len() > 1) {
            let whole = sentence.trim_end();
            let known = self.text(whole).map(str::to_string).or_else(|| self.by_template(whole));
            is_any_known |= known.is_some();
            all.push_str(known.as_deref().unwrap_or(sentence));
        }
        is_any_known.then_some(all)
    }

    fn by_template(&self, english: &str) -> Option<String> {
        self.templates.iter().find_map(|template| {
            let found = values(&template.pieces, english)?;
            // A name is no second sentence.
            if found.iter().any(|(name, value)| value.contains(". ") && !PLACEHOLDERS_WITH_TEXT.contains(name)) {
                return None;
            }
            let parts: Vec<(&str, Cow<str>)> =
                found.into_iter().map(|(name, value)| (name, self.value(name, value))).collect();
            let given: Vec<(&str, &dyn Display)> =
                parts.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
            // The decimals are there already.
            Some(filled(&without_decimals(template.translation), &given))
        })
    }

    /// A value in a finished text.
    fn value<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if !PLACEHOLDERS_WITH_TEXT.contains(&name) {
            return Cow::Borrowed(value);
        }
        match self.text(value) {
            Some(text) => Cow::Borrowed(text),
            None => self.composed(value).map_or(Cow::Borrowed(value), Cow::Owned),
        }
    }
}

/// A template and its translation, with and without each value that is often empty.
fn forms(english: &'static str, translation: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![(english, translation)];
    for name in OFTEN_EMPTY {
        let place = format!("{{{name}}}");
        let without = |text: &str| -> &'static str { text.replace(&place, "").leak() };
        let has: Vec<_> = all.iter().filter(|(english, _)| english.contains(&place)).copied().collect();
        all.extend(has.into_iter().map(|(english, translation)| (without(english), without(translation))));
    }
    all
}

/// A template whose places say only their names.
fn without_decimals(template: &str) -> String {
    pieces(template)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
            Piece::Placeholder { name, .. } => format!("{{{name}}}"),
        })
        .collect()
}
