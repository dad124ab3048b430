//! The languages of the window.
//!
//! English stands in the code and is the key, as in gettext; the catalogues (`assets/languages/*.po`) have the other languages. What the
//! window says itself is said by [`say!`] and [`plural!`]. What is declared once (commands, tools, options), and what comes from rooms
//! below (messages, names of steps, titles of jobs), is English there and in files, and is translated where it is shown: by [`text`] where
//! it is fixed, by [`shown`] where values stand in it.
//!
//! **Invariant:** in English nothing is looked up. Data (names of files, labels, patients) is never looked up.
//!
//! Deliberately absent: egui; the command line and files, which stay English.

mod catalogue;
mod fill;
mod finding;
mod language;
mod po;
mod system;
mod template;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

pub use catalogue::{Catalogue, PLACEHOLDERS_WITH_TEXT};
pub use fill::filled;
pub use language::Language;
pub use po::{CatalogueError, Entry, entries};
pub use system::SAID_BY_SYSTEM;
pub use template::placeholders;

/// The language in force, by its place among [`Language::ALL`] and then [`Language::Marked`].
static IN_FORCE: AtomicU8 = AtomicU8::new(0);
static CHINESE: OnceLock<Catalogue> = OnceLock::new();
static MARKED: OnceLock<Catalogue> = OnceLock::new();

/// The catalogue of Simplified Chinese, as translators' tools open it.
pub const CHINESE_PO: &str = include_str!("../../assets/languages/zh-Hans.po");

/// Puts a language in force, from the next text on.
///
/// # Errors
/// Where its catalogue cannot be read; English is in force then.
pub fn set_language(language: Language) -> Result<(), CatalogueError> {
    let read = |place: &'static OnceLock<Catalogue>, read: fn(&'static str) -> Result<Catalogue, CatalogueError>| {
        if place.get().is_none() {
            let _ = place.set(read(CHINESE_PO)?);
        }
        Ok(())
    };
    let prepared = match language {
        Language::English => Ok(()),
        Language::Chinese => read(&CHINESE, Catalogue::read),
        Language::Marked => read(&MARKED, Catalogue::marked),
    };
    let in_force = if prepared.is_ok() { language } else { Language::English };
    IN_FORCE.store(in_force as u8, Ordering::Relaxed);
    prepared
}

/// The language in force.
pub fn language() -> Language {
    match IN_FORCE.load(Ordering::Relaxed) {
        1 => Language::Chinese,
        2 => Language::Marked,
        _ => Language::English,
    }
}

/// The catalogue in force; none for English.
fn catalogue() -> Option<&'static Catalogue> {
    match language() {
        Language::English => None,
        Language::Chinese => CHINESE.get(),
        Language::Marked => MARKED.get(),
    }
}

/// What a fixed text is in the language in force; the text itself where the catalogue has none.
pub fn text(english: &str) -> &str {
    translated(english).unwrap_or(english)
}

/// What the catalogue in force has for a text; none in English.
pub fn translated(english: &str) -> Option<&'static str> {
    catalogue()?.text(english)
}

/// A text whose values stand in it already, such as a message, the name of a step or the title of a job: matched with the templates of the
/// catalogue. English where it has none, and where it is not certain which part of it is which value.
pub fn shown(english: &str) -> Cow<'_, str> {
    match catalogue() {
        None => Cow::Borrowed(english),
        Some(catalogue) => catalogue.shown(english),
    }
}

/// A text of the window in the language in force: `say!("Open")` is a `&'static str`, `say!("Case {n} of {count}", n = at + 1, count)` a
/// `String`. Values are named; what needs more than a number of decimals is formatted before.
macro_rules! say {
    ($english:literal $(,)?) => { $crate::words::text($english) };
    ($english:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {
        match $crate::words::translated($english) {
            None => format!($english, $($name = $crate::words::value!($name $(, $value)?)),+),
            Some(template) => $crate::words::filled(
                template,
                &[$((stringify!($name), &$crate::words::value!($name $(, $value)?) as &dyn std::fmt::Display)),+],
            ),
        }
    };
}

/// A value of [`say!`]: what is given, or the variable of that name.
macro_rules! value {
    ($name:ident) => {
        $name
    };
    ($name:ident, $value:expr) => {
        $value
    };
}

/// A text about a number of things: `plural!(count, "1 file", "{count} files", count)`. English has two forms and the catalogue one; a
/// language with others needs its rule here.
macro_rules! plural {
    ($number:expr, $one:literal, $many:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        if $number == 1 && $crate::words::language() == $crate::words::Language::English {
            $crate::words::one!($one $(, $name $(= $value)?)*)
        } else {
            $crate::words::say!($many $(, $name $(= $value)?)*)
        }
    };
}

/// The form for one of [`plural!`], which need not name all values.
macro_rules! one {
    ($one:literal $(, $name:ident $(= $value:expr)?)*) => {
        $crate::words::filled($one, &[$((stringify!($name), &$crate::words::value!($name $(, $value)?) as &dyn std::fmt::Display)),*])
    };
}

pub(crate) use {one, plural, say, value};
