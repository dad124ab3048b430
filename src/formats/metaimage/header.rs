//! The text of a header: keys and values, the last of which says where the data are.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::disk::open_regular_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::stored::shown;

/// A longer header is neither read nor written; names of 65535 labels, the most there can be, take half of it.
pub const MAX_BYTES: u64 = 32 << 20;
/// More lines than this are in no header; each costs more memory than its text.
const MAX_LINES: usize = 1 << 20;
/// The field that ends a header.
pub const DATA_FILE: &str = "ElementDataFile";

/// A header as it is written, its fields not yet understood.
#[derive(Debug, Default)]
pub struct Header {
    /// Keys and values, in order.
    pub fields: Vec<(String, String)>,
    /// Files that are named behind `ElementDataFile = LIST`.
    pub listed: Vec<String>,
    /// Bytes up to and with the last line, where the data may begin.
    pub bytes: u64,
}

/// Whether a file's first bytes are those of a header.
pub fn looks_like_metaimage(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut words = text.split(|c: char| c.is_whitespace() || c == '=' || c == ':').filter(|word| !word.is_empty());
    words.next() == Some("ObjectType") && words.next() == Some("Image")
}

impl Header {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// When the file cannot be read, or has a line that is no key with its value, or does not say where its data are.
    pub fn read(path: &Path) -> Result<Self> {
        let file = open_regular_file(path).map_err(|e| FormatError::read(path, e))?;
        Self::parse(&mut BufReader::new(file.take(MAX_BYTES)), path)
    }

    fn parse(reader: &mut dyn BufRead, path: &Path) -> Result<Self> {
        let bad = |problem: String| FormatError::malformed(path, problem);
        let mut header = Self::default();
        let mut line = Vec::new();
        let mut lists = false;
        for number in 1..=MAX_LINES {
            line.clear();
            let count = reader.read_until(b'\n', &mut line).map_err(|e| FormatError::read(path, e))?;
            if count == 0 {
                return header.ended(path);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            if lists {
                if !text.is_empty() {
                    header.listed.push(text.to_string());
                }
                continue;
            }
            header.bytes = header.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if text.is_empty() {
                continue;
            }
            let Some((key, value)) = text.split_once(['=', ':']) else {
                let begins: String = text.chars().take(40).collect();
                return Err(bad(format!("line {number} of the header, {begins:?}, is no field with its value")));
            };
            let is_last = key.trim().eq_ignore_ascii_case(DATA_FILE);
            header.fields.push((key.trim().to_string(), value.trim().to_string()));
            lists = is_last && header.is_list();
            if is_last && !lists {
                return Ok(header);
            }
        }
        Err(bad(format!("the header has more than {MAX_LINES} lines")))
    }

    fn ended(self, path: &Path) -> Result<Self> {
        if self.get(DATA_FILE).is_some() {
            return Ok(self);
        }
        let problem = if self.bytes >= MAX_BYTES {
            format!("the header has more than {MAX_BYTES} bytes and no field `{DATA_FILE}` at its end")
        } else if self.fields.is_empty() {
            "the file has no header of a MetaImage".into()
        } else {
            format!("the file ends inside the header, without the field `{DATA_FILE}`; copy it again")
        };
        Err(FormatError::malformed(path, problem))
    }

    /// Whether the lines that follow are names of files.
    pub fn is_list(&self) -> bool {
        self.get(DATA_FILE).and_then(|text| text.split_whitespace().next()) == Some("LIST")
    }

    /// What a field says, the last one where it comes twice; none where it says nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.named(&[name]).map(|(_, value)| value)
    }

    /// The last of several fields that mean the same, with its name.
    pub fn named(&self, names: &[&str]) -> Option<(&str, &str)> {
        let is_one = |key: &str| names.iter().any(|name| key.eq_ignore_ascii_case(name));
        let found = self.fields.iter().rev().find(|(key, value)| is_one(key) && !value.is_empty());
        found.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// A sentence that names it.
    pub fn require(&self, name: &str) -> std::result::Result<&str, String> {
        self.get(name).ok_or_else(|| format!("the header has no field `{name}`, which every MetaImage needs"))
    }

    /// A field that is true or false; none where it is not there.
    pub fn flag(&self, name: &str) -> Option<bool> {
        // `MetaIO` looks at the first letter.
        self.get(name).map(|text| text.starts_with(['T', 't', '1']))
    }

    /// A whole number; `default` where the field is not there.
    ///
    /// # Errors
    /// When it is none.
    pub fn whole(&self, name: &str, default: i64) -> std::result::Result<i64, String> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().map_err(|_| format!("the field `{name}` is {:?}, which is no whole number", shown(text)))
    }

    /// Finite numbers of the last of several fields that mean the same; none where none is there.
    ///
    /// # Errors
    /// When there are more or fewer than `count` of them.
    pub fn numbers(&self, names: &[&str], count: usize) -> std::result::Result<Option<Vec<f64>>, String> {
        let Some((name, text)) = self.named(names) else { return Ok(None) };
        let numbers: Option<Vec<f64>> =
            text.split_whitespace().map(|word| word.parse::<f64>().ok().filter(|value| value.is_finite())).collect();
        let numbers = numbers.filter(|numbers| numbers.len() == count);
        numbers.map(Some).ok_or_else(|| format!("the field `{name}` is {:?}; it must be {count} numbers", shown(text)))
    }
}
