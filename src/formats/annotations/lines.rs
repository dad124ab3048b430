//! Labels line by line: ITK-SNAP's label descriptions, and plain lists of numbers and names.

use std::fmt::Write as _;

use super::{Listed, colour};
use crate::volume::{LabelTable, LabelValue};

/// What the second line of ITK-SNAP's label descriptions is.
pub const ITK_SNAP: &str = "# ITK-SnAP Label Description File";

/// Numbers before a name: index, red, green, blue, opacity, shown in slices, shown as a surface.
const COLUMNS: usize = 7;

/// A label description of ITK-SNAP as text, and the values of labels whose names had to be changed: a name ends at its first quote there.
pub fn written(table: &LabelTable) -> (String, Vec<LabelValue>) {
    let mut text = format!("{0}\n{ITK_SNAP}\n# IDX  -R-  -G-  -B-  -A-  VIS  MSH  LABEL\n{0}\n", "#".repeat(48));
    text.push_str("    0    0    0    0    0    0    0  \"Clear Label\"\n");
    let mut changed = Vec::new();
    for label in &table.0 {
        let plain = |c: char| match c {
            '"' => '\'',
            c if c.is_control() => ' ',
            c => c,
        };
        let name: String = label.name.trim().chars().map(plain).collect();
        if name != label.name.trim() {
            changed.push(label.value);
        }
        let ([r, g, b], shown) = (label.colour, u8::from(label.visible));
        let _ = writeln!(text, "{:5}{r:5}{g:5}{b:5}    1{shown:5}    1  \"{name}\"", label.value);
    }
    (text, changed)
}

/// A label description of ITK-SNAP: `IDX R G B A VIS MSH "LABEL"`; `None` where the second line is another.
pub fn itk_snap(text: &str) -> Option<Listed> {
    if text.lines().nth(1)?.trim_end() != ITK_SNAP {
        return None;
    }
    let mut listed = Listed::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((numbers, name)) = line.split_once('"') else {
            listed.left_out.push(super::shortened(line));
            continue;
        };
        // A name may have quotes of its own.
        let name = name.rfind('"').and_then(|end| name.get(..end)).unwrap_or(name);
        let fields: Vec<&str> = numbers.split_whitespace().collect();
        if fields.len() != COLUMNS {
            listed.left_out.push(super::shortened(line));
            continue;
        }
        let number = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok());
        let rgb = match (number(1), number(2), number(3)) {
            (Some(r), Some(g), Some(b)) => colour([r, g, b], false),
            _ => None,
        };
        let index = fields.first().copied().unwrap_or_default();
        if rgb.is_none() {
            listed.wrong_colours.push(format!("{} of label {index}", super::shortened(numbers.trim())));
        }
        listed.push(index, name, rgb, number(5) != Some(0.0));
    }
    Some(listed)
}

/// A plain list: a number and a name a line (`3: liver`, `3 liver 255 0 0 255`); `None` where a line is of another form.
///
/// Numbers and words alone (`3 T`) are a list of labels only where they count lines from 0 or 1.
pub fn numbered(text: &str) -> Option<Listed> {
    let mut listed = Listed::default();
    let mut is_list = true;
    let mut numbers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let digits = line.find(|c: char| !c.is_ascii_digit()).filter(|&at| at > 0)?;
        let (number, rest) = line.split_at_checked(digits)?;
        let name = rest.trim_start_matches(|c: char| c.is_whitespace() || ":=,;".contains(c));
        if name.len() == rest.len() || !name.contains(char::is_alphabetic) {
            return None;
        }
        // FreeSurfer and 3D Slicer write the colour behind the name.
        let words: Vec<&str> = name.split_whitespace().collect();
        let last: Vec<f64> = words.iter().rev().map_while(|word| word.parse().ok()).collect();
        let (name, rgb) = match last[..] {
            [_, b, g, r] | [b, g, r] => (words.get(..words.len() - last.len())?.join(" "), colour([r, g, b], false)),
            _ => (name.trim_matches('"').to_string(), None),
        };
        is_list &= rgb.is_some() || rest.trim_start_matches(' ').starts_with([':', '=', ',', ';', '\t']);
        numbers.push(number.parse::<usize>().ok()?);
        listed.push(number, &name, rgb, true);
    }
    let first = numbers.first().copied().unwrap_or_default();
    let in_turn = numbers.iter().enumerate().all(|(n, number)| *number == first + n);
    let counts = numbers.len() > 1 && first <= 1 && in_turn;
    ((is_list || counts) && !listed.labels.is_empty()).then_some(listed)
}
