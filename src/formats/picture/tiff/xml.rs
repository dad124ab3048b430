//! Tags of an XML text with their attributes, as much of it as OME's description needs.

/// A tag or a text between tags.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Name without prefix, attributes, and whether it ends at once.
    Open(String, Vec<(String, String)>, bool),
    Close(String),
    Text(String),
}

/// The pieces of a text one after the other; a text that is no XML gives an error.
pub fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let between = rest[..at].trim();
        if !between.is_empty() {
            found.push(Piece::Text(decoded(between)));
        }
        rest = &rest[at..];
        let skip = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")];
        if let Some((_, end)) = skip.iter().find(|(start, _)| rest.starts_with(start)) {
            let length = rest.find(end).ok_or("a comment without an end")?;
            rest = &rest[length + end.len()..];
            continue;
        }
        let length = tag_length(rest).ok_or("a tag without an end")?;
        let inside = &rest[1..length - 1];
        rest = &rest[length..];
        found.push(match inside.strip_prefix('/') {
            Some(name) => Piece::Close(local(name.trim()).to_string()),
            None => {
                let is_empty = inside.ends_with('/');
                let inside = inside.trim_end_matches('/');
                let name = inside.split(char::is_whitespace).next().unwrap_or_default();
                Piece::Open(local(name).to_string(), attributes(&inside[name.len()..])?, is_empty)
            }
        });
    }
    Ok(found)
}

/// Bytes up to the end of a tag; `>` in quotes does not count.
fn tag_length(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').ok_or_else(|| format!("the attribute {rest:?} has no value"))?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|&c| c == '"' || c == '\'');
        let quote = quote.ok_or_else(|| format!("the attribute {name:?} has no quotes"))?;
        let (value, after) =
            value[1..].split_once(quote).ok_or_else(|| format!("the attribute {name:?} does not end"))?;
        found.push((local(name.trim()).to_string(), decoded(value)));
        rest = after.trim_start();
    }
    Ok(found)
}

/// With `&amp;`, `&#181;` and the like replaced.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(';').filter(|&end| end <= 10);
        let letter = end.and_then(|end| match &rest[1..end] {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "micro" => Some('\u{b5}'),
            code => {
                let number = code.strip_prefix('#')?;
                let value = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                char::from_u32(value.ok()?)
            }
        });
        match (letter, end) {
            (Some(letter), Some(end)) => {
                out.push(letter);
                rest = &rest[end + 1..];
            }
            _ => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_attributes_and_letters_are_read() {
        let text = "<?xml version='1.0'?><!-- <a b='c'> --><ome:OME x:y = \"1 > 0\"><A u='&#xB5;m&amp;&#181;'/>n &lt;</ome:OME>";
        let pairs =
            |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>();
        assert_eq!(
            pieces(text).unwrap(),
            [
                Piece::Open("OME".into(), pairs(&[("y", "1 > 0")]), false),
                Piece::Open("A".into(), pairs(&[("u", "\u{b5}m&\u{b5}")]), true),
                Piece::Text("n <".into()),
                Piece::Close("OME".into()),
            ]
        );
        for broken in ["<a", "<a b>", "<a b=c>", "<a b='c>", "<!-- a", "<a b=\u{b5}>"] {
            assert!(pieces(broken).is_err(), "{broken}");
        }
    }
}
