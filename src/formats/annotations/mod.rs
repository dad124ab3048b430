//! What files say about labels besides their voxels: names, colours, finished slices.
//!
//! Ours stand in the mask (a header extension of NIfTI) and in `NAME.json` beside it. Those of other programs are read: label tables in XML of
//! Connectome Workbench and `TotalSegmentator`, AFNI's tables, label descriptions of ITK-SNAP, tables of BIDS, plain lists of numbers and
//! names.
//!
//! **Invariant:** what cannot be understood is a warning and never an error; the voxels are worth more than their names.
//! **Invariant:** a text of n bytes costs memory of a small multiple of n.

mod afni;
mod bids;
mod caret;
mod lines;
mod names;
mod own;
mod sidecar;
mod tsv;

use std::collections::BTreeSet;

use crate::volume::{Annotations, Label, LabelTable, LabelValue, Rgb, Term};
use crate::work::numbers::whole;

pub use names::{NAME_ENDINGS, is_names_file, read_names, write_names};
pub use own::to_json;
pub use sidecar::{complete, in_file, write_sidecar};

/// Longest text that is looked through for labels.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Labels as a text lists them, before they are made sure of.
#[derive(Debug, Default)]
pub struct Listed {
    labels: Vec<Label>,
    warnings: Vec<String>,
    seen: BTreeSet<LabelValue>,
    left_out: Vec<String>,
    wrong_colours: Vec<String>,
}

impl Listed {
    /// Takes a label whose number is given as text; what is none is told of in the end.
    pub fn push(&mut self, number: &str, name: &str, colour: Option<Rgb>, visible: bool) {
        let name = name.trim();
        // Some programs write 3.0 for 3.
        let whole = number.trim();
        let whole = whole.split_once('.').filter(|(_, rest)| rest.bytes().all(|b| b == b'0')).map_or(whole, |(n, _)| n);
        match whole.parse::<i64>().map(LabelValue::try_from) {
            // 0 is what no label covers.
            Ok(Ok(0)) => {}
            Ok(Ok(value)) if self.seen.insert(value) => {
                let mut label = if name.is_empty() { Label::unnamed(value) } else { Label::new(value, name) };
                label.colour = colour.unwrap_or(label.colour);
                label.visible = visible;
                self.labels.push(label);
            }
            Ok(Ok(value)) => self.left_out.push(format!("{value} a second time")),
            Ok(Err(_)) | Err(_) => self.left_out.push(format!("{:?}", shortened(number))),
        }
    }

    /// The same for a label whose meaning is given too.
    pub fn push_meaning(&mut self, number: &str, name: &str, colour: Option<Rgb>, term: Option<Term>) {
        let count = self.labels.len();
        self.push(number, name, colour, true);
        if let Some(label) = self.labels.get_mut(count) {
            label.term = term.map(Box::new);
        }
    }

    /// Labels and warnings; `None` where there are neither.
    pub fn finish(mut self, from: &str) -> Option<Found> {
        if !self.left_out.is_empty() {
            self.warnings.push(format!(
                "{from} lists labels that cannot be used ({}); numbers from 1 to 65535 can, each once.",
                shortened(&self.left_out.join(", "))
            ));
        }
        if !self.wrong_colours.is_empty() {
            self.warnings.push(format!(
                "{from} has colours that cannot be read ({}); those labels have default colours.",
                shortened(&self.wrong_colours.join(", "))
            ));
        }
        let annotations = Annotations::of_table(LabelTable(self.labels));
        (!annotations.is_empty() || !self.warnings.is_empty()).then_some(Found { annotations, warnings: self.warnings })
    }
}

/// What a text says about labels.
#[derive(Debug, Default)]
pub struct Found {
    /// Names, colours and states.
    pub annotations: Annotations,
    /// What could not be understood.
    pub warnings: Vec<String>,
}

/// Looks for labels in the text of a header extension; `None` where it is about something else.
pub fn in_extension(text: &[u8], from: &str) -> Option<Found> {
    let text = String::from_utf8_lossy(trimmed(text));
    let text = text.trim_start_matches('\u{feff}').trim();
    match own::from_json(text) {
        Some(Ok(annotations)) => return Some(Found { annotations, warnings: Vec::new() }),
        Some(Err(problem)) => {
            return Some(Found {
                annotations: Annotations::default(),
                warnings: vec![format!("{from} has labels that cannot be read: {problem}.")],
            });
        }
        None => {}
    }
    if text.contains("<Label") {
        return caret::labels(text).finish(from);
    }
    if text.contains("VALUE_LABEL_DTABLE") || text.contains("ATLAS_LABEL_TABLE") || text.contains("ATLAS_POINT") {
        return afni::labels(text).finish(from);
    }
    if let Some(listed) = own::foreign_json(text) {
        return listed.finish(from);
    }
    lines::itk_snap(text).or_else(|| lines::numbered(text))?.finish(from)
}

/// Labels in the text of a file of any form that is known.
fn in_text(text: &str, from: &str) -> Option<Found> {
    match tsv::labels(text) {
        Some(listed) => listed.finish(from),
        None => in_extension(text.as_bytes(), from),
    }
}

/// Whether a text is of our own form.
pub fn is_own(text: &[u8]) -> bool {
    matches!(own::from_json(String::from_utf8_lossy(trimmed(text)).trim()), Some(Ok(_)))
}

/// Without the zeros that fill an extension.
fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
    text.get(..end).unwrap_or_default()
}

/// The beginning of a text that may be long.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push_str(" ...");
    }
    short
}

/// A colour of three numbers from 0 to 255, or from 0 to 1 where none is larger.
pub fn colour(parts: [f64; 3], of_one: bool) -> Option<Rgb> {
    let factor = if of_one { 255.0 } else { 1.0 };
    let scaled = parts.map(|v| (v * factor).round());
    scaled.iter().all(|v| (0.0..=255.0).contains(v)).then(|| scaled.map(|v| u8::try_from(whole(v)).unwrap_or(u8::MAX)))
}
