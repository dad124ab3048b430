//! Values put into a translated text.

use super::template::{Piece, pieces};
use std::fmt::{Display, Write};

/// A text with its values: `{name}` stands for the value of that name, `{name:.2}` for it with two decimals, `{}` for the next one. What is
/// not given stays as it is written.
pub fn filled(template: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut text = String::with_capacity(template.len() + 16);
    let mut next = 0;
    for piece in pieces(template) {
        match piece {
            Piece::Text(piece) => text.push_str(&piece),
            Piece::Placeholder { name, decimals, written } => {
                let value = if name.is_empty() {
                    next += 1;
                    values.iter().filter(|(known, _)| known.is_empty()).nth(next - 1)
                } else {
                    values.iter().find(|(known, _)| *known == name)
                };
                // Writing into a string does not fail.
                let _ = match (value, decimals) {
                    (Some((_, value)), Some(decimals)) => write!(text, "{value:.decimals$}"),
                    (Some((_, value)), None) => write!(text, "{value}"),
                    (None, _) => text.write_str(written),
                };
            }
        }
    }
    text
}
