//! Whose work is in the program, and under which licences, with their texts.
//!
//! The list is made by `packaging/licences.sh` of Cargo.lock, the sources of the crates and `packaging/licences/parts.json`.
//!
//! **Invariant:** whatever is built into the program on any of its systems is in the list, with at least one text or, where its licence may be
//! named by an address, with that.
//!
//! Deliberately absent: what the licences mean.

use std::io::Read as _;

use serde::{Deserialize, Serialize};

/// The list, as gzip of JSON.
const PACKED: &[u8] = include_bytes!("../../assets/licences.json.gz");
/// Most bytes that it may have unpacked.
const MOST: u64 = 1 << 24;

/// What a part of the program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The program itself.
    Program,
    /// The library of the language that it is written in.
    Library,
    /// A crate.
    Crate,
    /// A font.
    Font,
    /// Weights of a network.
    Model,
    /// The sample.
    Sample,
}

impl Kind {
    /// For the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Library => "library",
            Self::Crate => "crate",
            Self::Font => "font",
            Self::Model => "model",
            Self::Sample => "sample",
        }
    }
}

/// A part of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its version; empty where it has none.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// Where it comes from; empty where that is here.
    pub source: String,
    /// What else is to be said of it: who made it, where its texts are from.
    pub note: String,
    /// Files of this project that it lies in, from the root.
    #[serde(default)]
    pub files: Vec<String>,
    /// Numbers of its texts.
    texts: Vec<usize>,
}

impl Part {
    /// Name and version.
    pub fn title(&self) -> String {
        if self.version.is_empty() { self.name.clone() } else { format!("{} {}", self.name, self.version) }
    }
}

/// All parts and their texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Licences {
    /// CRC-32 of the foreign crates of the Cargo.lock that it was made of: a line "NAME VERSION" each, in order.
    pub lock: u32,
    /// The parts: the program and what is no crate first.
    pub parts: Vec<Part>,
    texts: Vec<String>,
}

/// Why the list cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum LicencesError {
    /// It cannot be unpacked.
    #[error("The list of licences in the program is damaged: {0}")]
    Packed(#[from] std::io::Error),
    /// It is not what it should be.
    #[error("The list of licences in the program is damaged: {0}")]
    Json(#[from] serde_json::Error),
}

/// The list of this program.
///
/// # Errors
/// Fails if the program's file is damaged.
pub fn licences() -> Result<Licences, LicencesError> {
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(PACKED).take(MOST).read_to_end(&mut json)?;
    let mut licences: Licences = serde_json::from_slice(&json)?;
    // Hundreds of crates would hide the others.
    licences.parts.sort_by_key(|part| part.kind == Kind::Crate);
    Ok(licences)
}

impl Licences {
    /// The parts whose name, version or licence has all of these words, in any case.
    pub fn search(&self, words: &str) -> Vec<&Part> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let has_all = |part: &&Part| {
            let text = format!("{} {} {}", part.title(), part.licence, part.kind.name()).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.parts.iter().filter(has_all).collect()
    }

    /// What is said of a part, and its licences' texts, ready to be read.
    pub fn text(&self, of: &Part) -> String {
        let mut text = format!("{} ({})\n{}\n", of.title(), of.kind.name(), of.licence);
        for line in [&of.source, &of.note].into_iter().filter(|line| !line.is_empty()) {
            text += line;
            text.push('\n');
        }
        for own in of.texts.iter().filter_map(|n| self.texts.get(*n)) {
            text += "\n----------------------------------------\n\n";
            text += own;
        }
        text
    }
}

#[cfg(test)]
mod tests;
