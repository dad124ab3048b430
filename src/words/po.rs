//! Catalogues as gettext writes them: the part of the PO format that this program's catalogues use (gettext manual, "The Format of PO
//! Files"). Contexts, obsolete entries and fuzzy ones are refused, so that nothing is passed over silently.

use thiserror::Error;

/// A catalogue that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} of the catalogue {problem}")]
pub struct CatalogueError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// A text and its translation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The English text; for several things where there is also one for one.
    pub english: String,
    /// The English text for one thing.
    pub one: Option<String>,
    /// The translation.
    pub translation: String,
    /// Whether it is found by its template in finished texts: `#. shown` stands above it.
    pub is_shown: bool,
    /// Line where it begins, counted from 1.
    pub line: usize,
}

/// Above a text that is not said by the window itself: it comes from below with its values in it.
const SHOWN: &str = "#. shown";

/// Which string the next one continues.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    English,
    Plural,
    Translation,
}

/// The entries of a catalogue, without its header.
///
/// # Errors
/// Whatever is not a comment, a blank line, or a whole entry.
pub fn entries(po: &str) -> Result<Vec<Entry>, CatalogueError> {
    let mut all: Vec<Entry> = Vec::new();
    let mut part = None;
    let mut is_shown = false;
    for (at, line) in po.lines().enumerate() {
        let line_number = at + 1;
        let refuse = |problem: &str| CatalogueError { line: line_number, problem: problem.into() };
        let line = line.trim();
        is_shown |= line == SHOWN;
        if line.is_empty() || line.starts_with("# ") || line == "#" || line.starts_with("#.") || line.starts_with("#:")
        {
            continue;
        }
        if line.starts_with("#,") && !line.contains("fuzzy") {
            continue;
        }
        let (keyword, quoted) = line.split_once('"').map_or((line, ""), |(keyword, _)| line.split_at(keyword.len()));
        let text = unquoted(quoted).ok_or_else(|| refuse("has no string in quotation marks"))?;
        match (keyword.trim(), part) {
            ("msgid", None | Some(Part::Translation)) => {
                all.push(Entry { line: line_number, is_shown: std::mem::take(&mut is_shown), ..Entry::default() });
                part = Some(Part::English);
            }
            ("msgid_plural", Some(Part::English)) => {
                if let Some(entry) = all.last_mut() {
                    entry.one = Some(std::mem::take(&mut entry.english));
                }
                part = Some(Part::Plural);
            }
            ("msgstr", Some(Part::English)) | ("msgstr[0]", Some(Part::Plural)) => part = Some(Part::Translation),
            ("", Some(_)) => {}
            _ => return Err(refuse(&format!("has {:?} where it cannot stand", keyword.trim()))),
        }
        if let (Some(entry), Some(part)) = (all.last_mut(), part) {
            let of = if part == Part::Translation { &mut entry.translation } else { &mut entry.english };
            of.push_str(&text);
        }
    }
    if part.is_some_and(|part| part != Part::Translation) {
        return Err(CatalogueError { line: po.lines().count(), problem: "ends within an entry".into() });
    }
    all.retain(|entry| !entry.english.is_empty());
    Ok(all)
}

/// The text between quotation marks, with its escapes resolved; none where it is not one.
fn unquoted(quoted: &str) -> Option<String> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => text.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                escaped @ ('"' | '\\') => escaped,
                _ => return None,
            }),
            letter => text.push(letter),
        }
    }
    Some(text)
}
