//! Tables of BIDS, `NAME_dseg.tsv`: columns `index` and `name`, and where they are there `abbreviation`, `color` as `#RRGGBB`, and
//! `mapping`, the number of a standard label.
//!
//! Source: BIDS 1.10, derivatives, imaging data types, "Common image-derived labels".

use std::fmt::Write as _;

use super::Listed;
use crate::volume::{LabelTable, LabelValue, Rgb};

/// The standard labels: what `mapping` means, with names and abbreviations.
const STANDARD: [(&str, &str); 12] = [
    ("Background", "BG"),
    ("Gray Matter", "GM"),
    ("White Matter", "WM"),
    ("Cerebrospinal Fluid", "CSF"),
    ("Bone", "B"),
    ("Soft Tissue", "ST"),
    ("Non-brain", "NB"),
    ("Lesion", "L"),
    ("Cortical Gray Matter", "CGM"),
    ("Subcortical Gray Matter", "SGM"),
    ("Brainstem", "BS"),
    ("Cerebellum", "CBM"),
];
/// What stands where there is nothing.
const NOTHING: &str = "n/a";

/// The labels of a table; `None` where it has no columns of these names.
pub fn labels(text: &str) -> Option<Listed> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    let heads: Vec<String> = lines.next()?.split('\t').map(|head| head.trim().to_ascii_lowercase()).collect();
    let column = |names: &[&str]| heads.iter().position(|head| names.contains(&head.as_str()));
    let (index, name) = (column(&["index"])?, column(&["name"])?);
    let (color, abbreviation, mapping) =
        (column(&["color", "colour"]), column(&["abbreviation"]), column(&["mapping"]));
    let mut listed = Listed::default();
    for line in lines {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let field = |n: usize| unquoted(fields.get(n).copied().filter(|field| *field != NOTHING).unwrap_or_default());
        let standard = || {
            let number = mapping.and_then(|n| field(n).parse::<usize>().ok())?;
            STANDARD.get(number).map(|(name, _)| *name)
        };
        let named = match field(name) {
            "" => standard().or(abbreviation.map(field)).unwrap_or_default(),
            name => name,
        };
        let text = color.map(field).filter(|text| !text.is_empty());
        let rgb = text.and_then(hex);
        if let Some(text) = text.filter(|_| rgb.is_none()) {
            listed.wrong_colours.push(format!("{} of label {}", super::shortened(text), field(index)));
        }
        listed.push(field(index), named, rgb, true);
    }
    Some(listed)
}

fn unquoted(field: &str) -> &str {
    field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(field)
}

/// A colour as `#RRGGBB`.
fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = number.to_be_bytes();
    Some([r, g, b])
}

/// A table as text, and the values of labels whose names had to be changed. Standard labels are known by their names.
pub fn written(table: &LabelTable) -> (String, Vec<LabelValue>) {
    let mut text = String::from("index\tname\tabbreviation\tcolor\tmapping\n");
    let mut changed = Vec::new();
    for label in &table.0 {
        let name: String =
            label.name.trim().chars().map(|c| if c.is_control() || c == '"' { ' ' } else { c }).collect();
        if name != label.name.trim() {
            changed.push(label.value);
        }
        let plain = name.trim().to_lowercase().replace("grey", "gray");
        let standard = STANDARD.iter().position(|(standard, _)| standard.to_lowercase() == plain);
        let abbreviation = standard.and_then(|n| STANDARD.get(n)).map_or(NOTHING, |(_, short)| short);
        let mapping = standard.map_or_else(|| NOTHING.to_string(), |n| n.to_string());
        let name = if name.is_empty() { NOTHING } else { &name };
        let [r, g, b] = label.colour;
        let _ = writeln!(text, "{}\t{name}\t{abbreviation}\t#{r:02x}{g:02x}{b:02x}\t{mapping}", label.value);
    }
    (text, changed)
}
