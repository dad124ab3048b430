//! `lamella licences`: whose work is in the program.

use clap::Args;
use serde_json::json;

use super::Result;
use crate::jobs::JobError;
use crate::licences::{Part, licences};

/// List the parts of the program with their licences, or print the texts.
#[derive(Args)]
pub struct Licences {
    /// Words of a name, version or licence: prints the texts of the parts that have all of them
    words: Vec<String>,
    /// Print the texts of all parts
    #[arg(long, conflicts_with = "words")]
    all: bool,
    /// Print one JSON document instead
    #[arg(long)]
    json: bool,
}

impl Licences {
    pub(super) fn run(self) -> Result {
        let licences = licences().map_err(|error| JobError::Other(error.to_string()))?;
        let words = self.words.join(" ");
        let found = licences.search(&words);
        if found.is_empty() {
            return Err(JobError::Other(format!("No part of the program has all of these words: {words}")));
        }
        // A whole name means that one alone: "png" is no word of "fdeflate-png".
        let exact: Vec<&Part> = found.iter().copied().filter(|part| part.name == words).collect();
        let found = if exact.is_empty() { found } else { exact };
        let wants_texts = self.all || !self.words.is_empty();
        if self.json {
            let part = |part: &Part| {
                let text = wants_texts.then(|| licences.text(part));
                json!({"kind": part.kind, "name": part.name, "version": part.version, "licence": part.licence,
                    "source": part.source, "note": part.note, "text": text})
            };
            return super::print_json(&found.into_iter().map(part).collect::<Vec<_>>());
        }
        let width = found.iter().map(|part| part.title().chars().count()).max().unwrap_or(0);
        for (n, part) in found.into_iter().enumerate() {
            if wants_texts {
                if n > 0 {
                    say!("\n========================================\n");
                }
                say!("{}", licences.text(part).trim_end());
            } else {
                say!("{:width$}  {:7}  {}", part.title(), part.kind.name(), part.licence);
            }
        }
        Ok(())
    }
}
