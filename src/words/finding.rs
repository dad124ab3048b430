//! Which template a finished text may be of: found by a word that stands in it, so that a long catalogue costs no more than a short one.

use super::catalogue::PLACEHOLDERS_WITH_TEXT;
use super::template::{Piece, cut_longest, cut_shortest, pieces};
use std::collections::{HashMap, HashSet};

/// Words with fewer letters stand in too many texts.
const SHORTEST_WORD: usize = 2;

/// Fixed letters that say something: more than " is ".
const MUCH: usize = 5;

/// A text with values in it.
pub struct Template {
    pieces: Vec<Piece<'static>>,
    /// Letters that have to stand there.
    pub fixed: usize,
    /// Whether a word stands there, and not only marks such as a colon.
    has_words: bool,
    pub translation: &'static str,
}

/// The values that a finished text has by a template.
pub struct Cut<'t, 'a> {
    /// Their names, and what stands there.
    pub values: Vec<(&'t str, &'a str)>,
    /// Whether the text alone does not tell that they are these.
    pub is_doubtful: bool,
}

impl Template {
    pub fn new(english: &'static str, translation: &'static str) -> Self {
        let pieces = pieces(english);
        let text_of = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
        let has_word = |piece: &Piece| matches!(piece, Piece::Text(text) if text.contains(is_of_word));
        Self { fixed: pieces.iter().map(text_of).sum(), has_words: pieces.iter().any(has_word), pieces, translation }
    }

    /// The ways in which a text can be of this template, the likeliest first: one, or two where the ends of values are not certain.
    pub fn cuts<'a>(&self, text: &'a str) -> Vec<Cut<'static, 'a>> {
        let both = [cut_shortest(&self.pieces, text), cut_longest(&self.pieces, text)];
        let is_clear = both[0].is_none() || both[1].is_none() || both[0] == both[1];
        let mut all: Vec<Cut> = Vec::with_capacity(2);
        for values in both.into_iter().flatten() {
            let is_doubtful = !is_clear || (!self.has_words && values.len() > 1);
            if all.last().is_none_or(|cut| cut.values != values) {
                all.push(Cut { values, is_doubtful });
            }
        }
        all
    }

    /// What is fixed of it, and which places between are those of sentences.
    fn shape(&self) -> String {
        let part = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Placeholder { name, .. } if PLACEHOLDERS_WITH_TEXT.contains(name) => "{text}".into(),
            Piece::Placeholder { .. } => "{}".into(),
        };
        self.pieces.iter().map(part).collect()
    }

    /// Whether so much of it is fixed that what fits it is meant by it.
    pub fn says_much(&self) -> bool {
        self.fixed >= MUCH
    }

    /// The words that stand as they are in every text of this template: those that no value can lengthen.
    fn words(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().enumerate().flat_map(|(at, piece)| {
            let text = if let Piece::Text(text) = piece { text.as_str() } else { "" };
            let inside = if at == 0 { text } else { text.trim_start_matches(is_of_word) };
            let is_last = at + 1 == self.pieces.len();
            words(if is_last { inside } else { inside.trim_end_matches(is_of_word) })
        })
    }
}

/// The templates of a catalogue.
pub struct Templates {
    /// Those with the most letters first.
    all: Vec<Template>,
    /// Those that have a word, by the one of theirs that the fewest have.
    by_word: HashMap<Box<str>, Vec<usize>>,
    /// Those without a word.
    without: Vec<usize>,
}

impl Templates {
    pub fn new(mut all: Vec<Template>) -> Self {
        all.sort_by_key(|template| std::cmp::Reverse(template.fixed));
        // Marks between sentences are the same whatever the sentences are called.
        let mut marks = HashSet::new();
        all.retain(|template| template.has_words || marks.insert(template.shape()));
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for word in all.iter().flat_map(Template::words) {
            *counts.entry(word).or_default() += 1;
        }
        let mut by_word: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        let mut without = Vec::new();
        for (at, template) in all.iter().enumerate() {
            match template.words().min_by_key(|word| counts.get(word)) {
                Some(word) => by_word.entry(word.into()).or_default().push(at),
                None => without.push(at),
            }
        }
        Self { all, by_word, without }
    }

    /// Those that a text can be of, those with the most letters first.
    pub fn of(&self, text: &str) -> Vec<&Template> {
        let mut found: Vec<usize> = words(text).filter_map(|word| self.by_word.get(word)).flatten().copied().collect();
        found.extend(&self.without);
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.all.get(at)).collect()
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
}

/// The words of a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_of_word(letter)).filter(|word| word.len() >= SHORTEST_WORD)
}
