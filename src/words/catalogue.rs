//! The texts of a language.

use super::fill::filled;
use super::finding::{Cut, Template, Templates};
use super::po::{CatalogueError, entries};
use super::template::{Piece, pieces};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex};

/// Values whose names say that they are sentences of the program and not data: they are translated too.
pub const PLACEHOLDERS_WITH_TEXT: &[&str] = &[
    "0", "already", "ask", "cause", "depth", "during", "e", "error", "far", "fewer", "frames", "from", "given", "how",
    "kind", "known", "lacks", "left", "more", "of", "on_disk", "on_scan", "origin", "other", "plane", "problem",
    "reason", "refused", "said", "samples", "software", "source", "stack", "status", "taken", "text", "usage",
    "wanted", "way", "what", "where_at", "why", "words",
];

/// Those of them that are often empty: a text is known without them, too.
const OFTEN_EMPTY: &[&str] = &[
    "already", "cause", "depth", "far", "fewer", "more", "of", "on_disk", "ratio", "samples", "software", "stack",
    "wanted",
];

/// Finished texts that are remembered, at most.
const REMEMBERED: usize = 2000;

/// The texts of a language, by their English ones.
pub struct Catalogue {
    texts: HashMap<&'static str, &'static str>,
    templates: Templates,
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
                templates.extend(
                    forms(english, translation).into_iter().map(|(english, text)| Template::new(english, text)),
                );
            }
        }
        Self { texts, templates: Templates::new(templates), remembered: Mutex::default() }
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
        let known = remembered
            .entry(english.into())
            .or_insert_with(|| self.shown_anew(english).map(|reading| Arc::from(reading.text)));
        known.as_ref().map_or(Cow::Borrowed(english), |text| Cow::Owned(text.to_string()))
    }

    /// A finished text that is not fixed. None where nothing of it is known.
    fn shown_anew(&self, english: &str) -> Option<Reading> {
        let read = &mut Readings::new();
        let as_it_is = self.composed(english, read);
        // A message of a room below begins with a small letter there, and with a capital where it is shown.
        let mut letters = english.chars();
        let first = letters.next().filter(char::is_ascii_uppercase);
        let small = first.map(|first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()));
        let in_small = small.and_then(|small| self.sentence(&small, read));
        as_it_is.into_iter().chain(in_small).reduce(Reading::better)
    }

    /// A text that is not fixed: of all its readings the one that explains the most letters.
    fn composed(&self, english: &str, read: &mut Readings) -> Option<Reading> {
        if let Some(known) = read.get(english) {
            return known.clone();
        }
        // A full stop may belong to the text or to who shows it.
        let stopped = english.strip_suffix('.').and_then(|inside| self.whole(inside, read));
        let all = [
            self.by_template(english, read),
            stopped.map(|reading| Reading { text: format!("{}。", reading.text), ..reading }),
            self.by_sentences(english, read),
        ];
        let best = all.into_iter().flatten().reduce(Reading::better);
        read.insert(english.into(), best.clone());
        best
    }

    /// A text as it stands: fixed, or by a template.
    fn whole(&self, english: &str, read: &mut Readings) -> Option<Reading> {
        match self.text(english) {
            Some(text) => Some(Reading { text: text.into(), letters: english.len() }),
            None => self.by_template(english, read),
        }
    }

    /// Several sentences, of which some are known.
    fn by_sentences(&self, english: &str, read: &mut Readings) -> Option<Reading> {
        let sentences: Vec<&str> = english.split_inclusive(". ").collect();
        let mut all = Reading { text: String::new(), letters: 0 };
        for sentence in sentences.iter().filter(|_| sentences.len() > 1) {
            match self.whole(sentence.trim_end(), read) {
                Some(known) => {
                    all.text.push_str(&known.text);
                    all.letters += known.letters;
                }
                None => all.text.push_str(sentence),
            }
        }
        (all.letters > 0).then_some(all)
    }

    fn by_template(&self, english: &str, read: &mut Readings) -> Option<Reading> {
        let mut best: Option<Reading> = None;
        for template in self.templates.of(english) {
            for reading in template.cuts(english).into_iter().filter_map(|cut| self.filled(template, cut, read)) {
                best = Some(best.map_or(reading.clone(), |best| best.better(reading)));
            }
        }
        best
    }

    /// The translation of a template with the values of a cut; none where they cannot be meant.
    fn filled(&self, template: &Template, cut: Cut, read: &mut Readings) -> Option<Reading> {
        let is_text = |name: &str| PLACEHOLDERS_WITH_TEXT.contains(&name);
        // A name is no second sentence, and where nearly nothing stands around names they have to read like some.
        let says_much = template.says_much() || cut.values.iter().any(|(name, _)| is_text(name));
        let is_name = |value: &str| !value.contains(". ") && (says_much || is_like_a_name(value));
        if cut.values.iter().any(|(name, value)| !is_text(name) && !is_name(value)) {
            return None;
        }
        let mut parts: Vec<(&str, Cow<str>)> = Vec::with_capacity(cut.values.len());
        let mut known = 0;
        let mut letters = template.fixed;
        for (name, value) in cut.values {
            let reading = if is_text(name) { self.sentence(value, read) } else { None };
            // Where neither the words of the template nor its one possible cut tell, the sentences in it have to.
            if reading.is_none() && is_text(name) && cut.is_doubtful {
                return None;
            }
            known += usize::from(reading.is_some());
            letters += reading.as_ref().map_or(0, |reading| reading.letters);
            parts.push((name, reading.map_or(Cow::Borrowed(value), |reading| Cow::Owned(reading.text))));
        }
        if cut.is_doubtful && known == 0 {
            return None;
        }
        let given: Vec<(&str, &dyn Display)> =
            parts.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        // The decimals are there already.
        Some(Reading { text: filled(&without_decimals(template.translation), &given), letters })
    }

    /// A sentence that stands as a value in a finished text.
    fn sentence(&self, value: &str, read: &mut Readings) -> Option<Reading> {
        match self.text(value) {
            Some(text) => Some(Reading { text: text.into(), letters: value.len() }),
            None => self.composed(value, read),
        }
    }
}

/// What was read of one text so far: its parts come again in other readings.
type Readings = HashMap<Box<str>, Option<Reading>>;

/// What a finished text may say.
#[derive(Clone)]
struct Reading {
    /// Its translation.
    text: String,
    /// How many letters of the English one are words of the catalogue.
    letters: usize,
}

impl Reading {
    /// The one that explains more; the first of two that explain as much.
    fn better(self, other: Self) -> Self {
        if other.letters > self.letters { other } else { self }
    }
}

/// Whether a value reads like a name or a number, such as `Number of Frames`, and not like a part of a sentence.
fn is_like_a_name(value: &str) -> bool {
    let is_part = |word: &str| {
        matches!(word, "of" | "and" | "to" | "x") || !word.starts_with(|letter: char| letter.is_ascii_lowercase())
    };
    value.split(' ').all(is_part)
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
