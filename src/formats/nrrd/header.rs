//! The text of a header, taken apart: fields by their names, key/value pairs, and where the data begin.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::disk::open_regular_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::stored::shown;

/// A longer header is neither read nor written; 65535 labels, the most there can be, take half of it.
pub const MAX_BYTES: u64 = 64 << 20;
/// More lines than this are in no header; each costs more memory than its text. Each of 65535 labels takes nine.
const MAX_LINES: usize = 1 << 20;
/// Unknown fields that are named.
const MOST_UNKNOWN: usize = 5;
/// The first line of every version.
const MAGIC: [&str; 6] = ["NRRD0001", "NRRD0002", "NRRD0003", "NRRD0004", "NRRD0005", "NRRD00.01"];
/// Names of all fields, with the blanks that some have and that may be left out.
const FIELDS: [&str; 30] = [
    "dimension",
    "type",
    "block size",
    "encoding",
    "endian",
    "content",
    "min",
    "max",
    "old min",
    "old max",
    "data file",
    "line skip",
    "byte skip",
    "number",
    "sample units",
    "sizes",
    "spacings",
    "thicknesses",
    "axis mins",
    "axis maxs",
    "centers",
    "labels",
    "units",
    "kinds",
    "space",
    "space dimension",
    "space units",
    "space origin",
    "space directions",
    "measurement frame",
];

/// A header as it is written, its fields not yet understood.
#[derive(Debug, Default)]
pub struct Header {
    /// `NRRD0004`, say.
    pub magic: String,
    /// What the fields say.
    fields: BTreeMap<&'static str, String>,
    /// Keys and values, in order.
    pub pairs: Vec<(String, String)>,
    /// Files that are named behind `data file: LIST`.
    pub listed: Vec<String>,
    /// Bytes up to and with the blank line, where the data may begin.
    pub bytes: u64,
    /// Whether a blank line ends the header.
    pub is_closed: bool,
    /// Number of fields that are none of NRRD's, and the names of the first ones.
    unknown: (usize, Vec<String>),
}

/// Whether a file's first bytes are those of a header.
pub fn looks_like_nrrd(head: &[u8]) -> bool {
    head.starts_with(b"NRRD00")
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// When the file cannot be read, is no NRRD, or has a line that is neither a field nor a key with its value.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |e| FormatError::read(path, e);
        let file = open_regular_file(path).map_err(failed)?;
        Self::parse(&mut BufReader::new(file.take(MAX_BYTES)), path)
    }

    fn parse(reader: &mut dyn BufRead, path: &Path) -> Result<Self> {
        let bad = |problem: String| FormatError::malformed(path, problem);
        let mut header = Self::default();
        let mut line = Vec::new();
        for number in 1..=MAX_LINES {
            line.clear();
            let count = reader.read_until(b'\n', &mut line).map_err(|e| FormatError::read(path, e))?;
            header.bytes = header.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            if number == 1 {
                header.take_magic(text, path)?;
                continue;
            }
            if count == 0 {
                if header.bytes >= MAX_BYTES {
                    return Err(bad(format!(
                        "the header has more than {MAX_BYTES} bytes and no blank line at its end"
                    )));
                }
                return Ok(header);
            }
            if header.is_list() {
                if !text.trim().is_empty() {
                    header.listed.push(text.trim().to_string());
                }
                continue;
            }
            if text.is_empty() {
                header.is_closed = true;
                return Ok(header);
            }
            if !text.starts_with('#') {
                header.take_line(text, number).map_err(bad)?;
            }
        }
        Err(bad(format!("the header has more than {MAX_LINES} lines")))
    }

    fn take_magic(&mut self, text: &str, path: &Path) -> Result<()> {
        let text = text.trim_end();
        if MAGIC.contains(&text) {
            self.magic = text.to_string();
            return Ok(());
        }
        if text.starts_with("NRRD0") && text.len() <= "NRRD00.01".len() {
            let reason =
                format!("a header of the version {text}; NRRD0001 to NRRD0005 can be read, save it in one of them");
            return Err(FormatError::unsupported(path, reason));
        }
        let begins: String = text.chars().take(16).collect();
        Err(FormatError::malformed(
            path,
            format!("not a NRRD file: it begins with {begins:?}, not with NRRD0001 or the like"),
        ))
    }

    /// Takes a field or a pair; whichever sign comes first tells which it is.
    fn take_line(&mut self, text: &str, number: usize) -> std::result::Result<(), String> {
        let pair = text.find(":=");
        let field = text.find(": ");
        if let Some(at) = pair.filter(|pair| field.is_none_or(|field| *pair < field)) {
            let (key, value) = (text.get(..at).unwrap_or_default(), text.get(at + 2..).unwrap_or_default());
            self.pairs.push((unescaped(key).trim().to_string(), unescaped(value)));
            return Ok(());
        }
        let Some((name, value)) = text.split_once(':') else {
            let begins: String = text.chars().take(40).collect();
            return Err(format!(
                "line {number} of the header, {begins:?}, is neither a field nor a key with its value"
            ));
        };
        let plain: String = name.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        let plain = if plain == "centerings" { "centers" } else { plain.as_str() };
        let is_named = |known: &&str| known.chars().filter(|c| *c != ' ').eq(plain.chars());
        let Some(known) = FIELDS.into_iter().find(is_named) else {
            let (count, names) = &mut self.unknown;
            *count += 1;
            if names.len() < MOST_UNKNOWN {
                names.push(format!("{:?}", name.chars().take(40).collect::<String>()));
            }
            return Ok(());
        };
        match self.fields.insert(known, value.trim().to_string()) {
            Some(_) => Err(format!("the field `{}` comes twice in the header (line {number})", name.trim())),
            None => Ok(()),
        }
    }

    /// Whether the lines that follow are names of files: behind `LIST`, with or without a number of dimensions.
    pub fn is_list(&self) -> bool {
        let Some(("LIST", rest)) = self.get("data file").and_then(|text| text.split_at_checked(4)) else {
            return false;
        };
        rest.is_empty() || (rest.starts_with(char::is_whitespace) && rest.trim().parse::<i64>().is_ok())
    }

    /// That there are fields which are none of NRRD's.
    pub fn unknown_note(&self) -> Option<String> {
        let (count, names) = &self.unknown;
        let names = names.join(", ");
        match count {
            0 => None,
            1 => Some(format!("The header has a field {names}, which is none of NRRD's; it was not used.")),
            _ if *count <= MOST_UNKNOWN => {
                Some(format!("The header has {count} fields that are none of NRRD's ({names}); they were not used."))
            }
            _ => Some(format!(
                "The header has {count} fields that are none of NRRD's ({names}, ...); they were not used."
            )),
        }
    }

    /// What a field says; none where it says nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// A sentence that names it.
    pub fn require(&self, name: &str) -> std::result::Result<&str, String> {
        self.get(name).ok_or_else(|| format!("the header has no field `{name}`, which every NRRD needs"))
    }

    /// A field of one word for each axis.
    ///
    /// # Errors
    /// When there are more or fewer words than axes.
    pub fn words(&self, name: &str, axes: usize) -> std::result::Result<Option<Vec<&str>>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() == axes {
            return Ok(Some(words));
        }
        Err(format!("the field `{name}` has {} words for {axes} axes: {:?}", words.len(), shown(text)))
    }

    /// A whole number; `default` where the field is not there.
    ///
    /// # Errors
    /// When it is none.
    pub fn whole(&self, name: &str, default: i64) -> std::result::Result<i64, String> {
        match self.get(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| format!("the field `{name}` is {:?}, which is no whole number", shown(text)))
            }
        }
    }

    /// Texts in quotes, in order; none where the field is not there.
    ///
    /// # Errors
    /// When there are more or fewer than `count`, or other signs than blanks between them.
    pub fn quoted(&self, name: &str, count: usize) -> std::result::Result<Vec<String>, String> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        quotes(text).filter(|found| found.len() == count).ok_or_else(|| {
            format!(
                "the field `{name}` is {:?}; it must be {count} texts in quotes, with blanks between them",
                shown(text)
            )
        })
    }
}

/// Texts in quotes with blanks between them; `\"` is a quote in a text.
fn quotes(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let inner = rest.strip_prefix('"')?;
        let mut is_escaped = false;
        let end = inner.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        })?;
        let (quoted, after) = inner.split_at_checked(end)?;
        found.push(quoted.replace("\\\"", "\""));
        rest = after.strip_prefix('"')?.trim_start();
    }
    Some(found)
}

/// Vectors in brackets, `none` for an axis that has none.
///
/// # Errors
/// A sentence that names the field and shows what is no vector.
pub fn vectors(field: &str, text: &str) -> std::result::Result<Vec<Option<Vec<f64>>>, String> {
    let wrong = |what: String| format!("the field `{field}` is {:?}; {what}", shown(text));
    let mut vectors = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('(') {
            let (inner, after) = inner.split_once(')').ok_or_else(|| wrong("a bracket is not closed".into()))?;
            let number = |part: &str| {
                part.trim().parse::<f64>().map_err(|_| wrong(format!("{:?} is no number", shown(part.trim()))))
            };
            let numbers = inner.split(',').map(number).collect::<std::result::Result<Vec<f64>, _>>()?;
            // Teem writes a vector of NaN where an axis has none.
            let is_none = numbers.iter().all(|value| value.is_nan());
            if !is_none && !numbers.iter().all(|value| value.is_finite()) {
                return Err(wrong(format!("({}) has a part that is not finite", shown(inner))));
            }
            vectors.push((!is_none).then_some(numbers));
            rest = after.trim_start();
        } else {
            let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if !word.eq_ignore_ascii_case("none") {
                return Err(wrong(format!("{:?} is neither a vector in brackets nor `none`", shown(word))));
            }
            vectors.push(None);
            rest = after.trim_start();
        }
    }
    Ok(vectors)
}

/// A key or value as it was meant: a line break is written as `\n`, a backslash as `\\`.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('\\') | None => out.push('\\'),
            // Windows paths in values of careless programs.
            Some(other) => out.extend(['\\', other]),
        }
    }
    out
}

/// The same the other way.
pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "")
}
