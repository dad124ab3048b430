//! Which files hold the data: the header's own, another one, or several in a row.

use std::path::Path;

use super::axes::Axes;
use super::header::Header;
use crate::formats::error::{FormatError, Result};
use crate::formats::stored::{Parts, Pattern};

/// The field that names files.
const FIELD: &str = "data file";

/// What the field says.
enum Named {
    Listed(Vec<String>),
    Numbered(Pattern),
}

/// Finds out which files there are.
///
/// # Errors
/// When the header ends without data, or the number of files does not fit the sizes.
pub fn parts(header: &Header, axes: &Axes, path: &Path) -> Result<Parts> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let all = axes.all.iter().fold(1usize, |product, axis| product.saturating_mul(axis.size));
    let Some(text) = header.get("data file") else {
        if !header.is_closed {
            return Err(bad(
                "the file ends inside the header, without a blank line and without data; copy it again".into()
            ));
        }
        return Ok(Parts::attached(path, header.bytes, all));
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let listed = || Named::Listed(header.listed.clone());
    let numbered = |name, numbers| Pattern::parse(FIELD, name, numbers).map(Named::Numbered).map_err(bad);
    let (names, dimensions) = match words[..] {
        ["LIST"] => (listed(), None),
        ["LIST", dimensions] if header.is_list() => (listed(), Some(dimensions)),
        [name, first, last, step] if name.contains('%') => (numbered(name, [first, last, step])?, None),
        [name, first, last, step, dimensions] if name.contains('%') => {
            (numbered(name, [first, last, step])?, Some(dimensions))
        }
        _ => (Named::Listed(vec![text.to_string()]), None),
    };
    let count = match &names {
        Named::Listed(names) => names.len(),
        Named::Numbered(pattern) => pattern.count,
    };
    if count == 0 {
        return Err(bad("`data file: LIST` is followed by no name of a file".into()));
    }
    let is_one = count == 1 && dimensions.is_none();
    let needed = if is_one { 1 } else { files_needed(axes, dimensions, count).map_err(bad)? };
    if needed != count {
        let sizes: Vec<usize> = axes.all.iter().map(|axis| axis.size).collect();
        return Err(bad(format!(
            "the field `data file` names {count} files; for the sizes {sizes:?} there must be {needed}"
        )));
    }
    Ok(match names {
        Named::Listed(names) => Parts::listed(FIELD, path, names, 0, all / count),
        Named::Numbered(pattern) => Parts::numbered(FIELD, path, pattern, 0, all / count),
    })
}

/// Number of files that these sizes ask for: each holds so many dimensions, all but the last where nothing is said.
fn files_needed(axes: &Axes, dimensions: Option<&str>, named: usize) -> std::result::Result<usize, String> {
    let of_array = axes.all.len();
    let dimensions = match dimensions {
        None => of_array.saturating_sub(1),
        Some(text) => text.parse::<usize>().ok().filter(|n| (1..=of_array).contains(n)).ok_or_else(|| {
            format!("the field `data file` says that a file has {text:?} dimensions; the array has {of_array}")
        })?,
    };
    if dimensions < of_array {
        let rest = axes.all.get(dimensions..).unwrap_or_default();
        return Ok(rest.iter().fold(1usize, |product, axis| product.saturating_mul(axis.size)));
    }
    // Each file is a slab along the last axis.
    let last = axes.all.last().map_or(1, |axis| axis.size);
    if named > 0 && last.is_multiple_of(named) {
        return Ok(named);
    }
    Err(format!("the field `data file` names {named} files, which do not share the last size, {last}, evenly"))
}
