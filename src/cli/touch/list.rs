//! A list of pairs: a CSV file with the columns image, strokes and output.

use std::path::{Path, PathBuf};

use crate::cli::Result;
use crate::jobs::JobError;

/// The columns that a list must have.
const COLUMNS: [&str; 3] = ["image", "strokes", "output"];

/// An image with strokes, and where its mask goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub image: PathBuf,
    pub strokes: PathBuf,
    pub output: PathBuf,
}

/// Reads a list. Paths are taken as they stand there, so relative to where the program runs.
pub fn read_list(path: &Path) -> Result<Vec<Pair>> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| JobError::Other(format!("the list {} cannot be read: {e}", path.display())))?;
    parsed(&text).map_err(|problem| JobError::Other(format!("the list {}: {problem}", path.display())))
}

fn parsed(text: &str) -> std::result::Result<Vec<Pair>, String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let header = lines.next().map(|(_, line)| fields(line)).unwrap_or_default();
    let place = |name: &str| {
        let named = |field: &String| field.trim().eq_ignore_ascii_case(name);
        header
            .iter()
            .position(named)
            .ok_or_else(|| format!("its first line must name the columns {}; there is no {name:?}", COLUMNS.join(", ")))
    };
    let [image, strokes, output] = [place(COLUMNS[0])?, place(COLUMNS[1])?, place(COLUMNS[2])?];
    let mut pairs = Vec::new();
    for (n, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields = fields(line);
        let field = |place: usize| {
            let text = fields.get(place).map(|field| field.trim()).filter(|field| !field.is_empty());
            text.map(PathBuf::from).ok_or_else(|| format!("line {} has too few columns", n + 1))
        };
        pairs.push(Pair { image: field(image)?, strokes: field(strokes)?, output: field(output)? });
    }
    if pairs.is_empty() { Err("it has no pairs".into()) } else { Ok(pairs) }
}

/// The fields of a line; those in quotation marks may hold commas, and two of them for one (RFC 4180).
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut fields, '"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => push(&mut fields, other),
        }
    }
    fields
}

fn push(fields: &mut [String], character: char) {
    if let Some(last) = fields.last_mut() {
        last.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_in_any_order_and_names_may_hold_commas() {
        let pairs = parsed("output,Image,note,strokes\nm.png,\"a, b.png\",x,\"s\"\"1\"\".png\"\n\n").unwrap();
        let pair = Pair { image: "a, b.png".into(), strokes: "s\"1\".png".into(), output: "m.png".into() };
        assert_eq!(pairs, [pair]);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let refused = |text: &str| parsed(text).unwrap_err();
        assert!(refused("image,strokes\na,b").contains("output"));
        assert!(refused("image,strokes,output\na,b\n").contains("line 2"));
        assert!(refused("image,strokes,output\n").contains("no pairs"));
        assert!(refused("").contains("image"));
    }
}
