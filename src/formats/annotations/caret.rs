//! Label tables in XML: `<Label Key="1" Red="1" Green="0" Blue="0" Alpha="1"><![CDATA[liver]]></Label>`.
//!
//! Connectome Workbench writes them into NIfTI volumes (code 30) and CIFTI files (code 32), `TotalSegmentator` 2 into its masks (code 0).
//! Source: GIFTI 1.0 and CIFTI-2, `LabelTable`. Only the elements that are needed are looked for; nothing is resolved or fetched.

use super::{Listed, colour};

/// The labels of the first table in a text.
pub fn labels(text: &str) -> Listed {
    let mut listed = Listed::default();
    // Files of several maps have a table for each; a mask is one map.
    let end = text.find("</LabelTable>").unwrap_or(text.len());
    let mut rest = text.get(..end).unwrap_or_default();
    while let Some(at) = rest.find("<Label") {
        rest = rest.get(at + "<Label".len()..).unwrap_or_default();
        // Not `<LabelTable>`.
        if !rest.starts_with(|c: char| c.is_whitespace()) {
            continue;
        }
        let Some(close) = end_of_tag(rest) else {
            listed.warnings.push("The table of label names ends inside a label; the rest is missing.".into());
            break;
        };
        let tag = rest.get(..close).unwrap_or_default();
        rest = rest.get(close + 1..).unwrap_or_default();
        let name = if tag.ends_with('/') {
            String::new()
        } else {
            let Some((name, after)) = content(rest) else {
                listed.warnings.push("The table of label names ends inside a name; the rest is missing.".into());
                break;
            };
            rest = after;
            name
        };
        let key = attribute(tag, "Key").or_else(|| attribute(tag, "Index")).unwrap_or_default();
        let number = |name: &str| attribute(tag, name).and_then(|v| v.trim().parse::<f64>().ok());
        let parts = ["Red", "Green", "Blue"].map(number);
        let visible = number("Alpha").is_none_or(|alpha| alpha > 0.0);
        let colour = match parts {
            [Some(r), Some(g), Some(b)] => colour([r, g, b], [r, g, b].iter().all(|v| *v <= 1.0)),
            _ => None,
        };
        listed.push(&key, &name, colour, visible);
    }
    listed
}

/// Where a tag's `>` is; one in quotes is none.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return Some(at),
            _ => {}
        }
    }
    None
}

/// An attribute's value in a tag.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        rest = rest.trim_start();
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| *c == '"' || *c == '\'')?;
        let (value, next) = after.get(1..)?.split_once(quote)?;
        if key.trim() == name {
            return Some(decoded(value));
        }
        rest = next;
    }
}

/// The text up to `</Label>`, and what follows it.
fn content(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let at = rest.find('<')?;
        name.push_str(&decoded(rest.get(..at)?));
        rest = rest.get(at..)?;
        if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let (data, after) = data.split_once("]]>")?;
            name.push_str(data);
            rest = after;
        } else if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->")?.1;
        } else {
            let (_, after) = rest.split_once('>')?;
            if rest.starts_with("</") {
                return Some((name, after));
            }
            rest = after;
        }
    }
}

/// The characters that XML writes as entities.
pub fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        // The longest entity has eight characters; looking no further keeps a text of ampersands cheap.
        let end = rest.bytes().take(10).position(|byte| byte == b';');
        let entity = end.and_then(|end| Some((rest.get(1..end)?, rest.get(end + 1..)?)));
        let character = entity.and_then(|(name, _)| match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)
            }
        });
        match (character, entity) {
            (Some(character), Some((_, after))) => {
                out.push(character);
                rest = after;
            }
            // A lone ampersand stands for itself.
            _ => {
                out.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}
