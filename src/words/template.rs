//! Texts with places for values, written as Rust's `format!` has them, and which values a finished text has in them.

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands as it is.
    Text(String),
    /// Stands for a value.
    Placeholder {
        /// Its name; empty for the next one in order.
        name: &'a str,
        /// How many decimals it has, if that is said.
        decimals: Option<usize>,
        /// How it is written, with its braces.
        written: &'a str,
    },
}

/// The parts of a template.
pub fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if from.starts_with("{{") || from.starts_with("}}") {
            text.push_str(&from[..1]);
            rest = &from[2..];
            continue;
        }
        let Some(end) = from.find('}').filter(|_| from.starts_with('{')) else {
            text.push_str(&from[..1]);
            rest = &from[1..];
            continue;
        };
        let written = &from[..=end];
        let inside = &from[1..end];
        let (name, format) = inside.split_once(':').unwrap_or((inside, ""));
        if !text.is_empty() {
            all.push(Piece::Text(std::mem::take(&mut text)));
        }
        let decimals = format.strip_prefix('.').and_then(|decimals| decimals.parse().ok());
        all.push(Piece::Placeholder { name, decimals, written });
        rest = &from[end + 1..];
    }
    text.push_str(rest);
    if !text.is_empty() {
        all.push(Piece::Text(text));
    }
    all
}

/// How the places for values of a template are written, in alphabetical order.
pub fn placeholders(template: &str) -> Vec<String> {
    let mut all: Vec<String> = pieces(template)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Placeholder { written, .. } => Some(written.to_string()),
            Piece::Text(_) => None,
        })
        .collect();
    all.sort();
    all
}

/// The values that a finished text has where its template has places, each as short as it can be: their names and what stands there. None
/// where the text is not of this template.
pub fn cut_shortest<'a, 't>(template: &[Piece<'t>], text: &'a str) -> Option<Vec<(&'t str, &'a str)>> {
    cut(template, text, |text, known| text.find(known))
}

/// The same with each value as long as it can be.
pub fn cut_longest<'a, 't>(template: &[Piece<'t>], text: &'a str) -> Option<Vec<(&'t str, &'a str)>> {
    cut(template, text, |text, known| text.rfind(known))
}

/// One way to cut it: each value ends where `find` finds the text that follows it.
fn cut<'a, 't>(
    template: &[Piece<'t>],
    text: &'a str,
    find: fn(&str, &str) -> Option<usize>,
) -> Option<Vec<(&'t str, &'a str)>> {
    let mut rest = text;
    let mut found = Vec::new();
    let mut open: Option<&'t str> = None;
    let mut beside: Vec<&'t str> = Vec::new();
    for (at, piece) in template.iter().enumerate() {
        match piece {
            Piece::Text(known) => {
                let Some(name) = open.take() else {
                    rest = rest.strip_prefix(known.as_str())?;
                    continue;
                };
                let is_last = at + 1 == template.len();
                let end = if is_last { rest.strip_suffix(known.as_str())?.len() } else { find(rest, known)? };
                found.push((name, rest.get(..end).filter(|value| !value.is_empty())?));
                found.extend(beside.drain(..).map(|name| (name, "")));
                rest = rest.get(end + known.len()..)?;
            }
            // Two values without a text between them cannot be told apart; the first has it all.
            Piece::Placeholder { name, .. } if open.is_some() => beside.push(name),
            Piece::Placeholder { name, .. } => open = Some(name),
        }
    }
    match open {
        Some(name) if !rest.is_empty() => {
            found.push((name, rest));
            found.extend(beside.into_iter().map(|name| (name, "")));
        }
        None if rest.is_empty() => {}
        _ => return None,
    }
    Some(found)
}
