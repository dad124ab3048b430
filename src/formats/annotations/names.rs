//! Files of names and colours alone: label descriptions of ITK-SNAP, and tables of BIDS.

use std::fmt::Write as _;
use std::path::Path;

use super::sidecar::{name_of, read};
use super::{Found, in_text, lines, shortened, tsv};
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::registry::has_extension;
use crate::volume::LabelTable;

/// Endings of files that names can be written to, the preferred one first.
pub const NAME_ENDINGS: &[&str] = &[".label", ".txt", ".tsv"];
/// Endings of tables of BIDS.
const BIDS: &[&str] = &[".tsv"];

/// Whether a file holds names of labels and no voxels, by its name.
pub fn is_names_file(path: &Path) -> bool {
    has_extension(path, NAME_ENDINGS)
}

/// Reads names and colours from a label description of ITK-SNAP, a table of BIDS, or any other list that is read beside masks.
///
/// # Errors
/// When the file cannot be read, is too long, or lists no labels.
pub fn read_names(path: &Path) -> Result<Found> {
    let text = read(path)?;
    let found = in_text(&text, &name_of(path)).filter(|found| !found.annotations.table.0.is_empty());
    found.ok_or_else(|| {
        let start = shortened(text.lines().next().unwrap_or_default().trim());
        FormatError::malformed(
            path,
            format!(
                "the file lists no labels (it begins with {start:?}); a label description of ITK-SNAP has {:?} in its second line, a \
                 table of BIDS the columns \"index\" and \"name\"",
                lines::ITK_SNAP
            ),
        )
    })
}

/// Writes names and colours: a table of BIDS where the name ends in `.tsv`, else a label description of ITK-SNAP. What could not be written
/// as it is comes back as sentences.
///
/// # Errors
/// When the file cannot be written.
pub fn write_names(path: &Path, table: &LabelTable) -> Result<Vec<String>> {
    let (text, changed) = if has_extension(path, BIDS) { tsv::written(table) } else { lines::written(table) };
    let written = replace_file(path, |file| std::io::Write::write_all(file, text.as_bytes()));
    written.map_err(|source| FormatError::Write { path: path.into(), source })?;
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = String::new();
    for value in &changed {
        let _ = write!(values, "{}{value}", if values.is_empty() { "" } else { ", " });
    }
    Ok(vec![format!(
        "{} cannot hold quotes, tabs and line breaks in names; they are ' or blanks in the names of {}.",
        name_of(path),
        shortened(&values)
    )])
}
