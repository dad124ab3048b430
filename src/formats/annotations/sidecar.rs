//! Files beside a mask that say what its labels are.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Found, MAX_TEXT_BYTES, bids, in_text, lines, own, tsv};
use crate::disk::{open_regular_file, replace_file};
use crate::formats::error::{FormatError, Result};
use crate::formats::stem;
use crate::volume::Annotations;

/// Our own file beside a mask.
fn own_path(mask: &Path) -> PathBuf {
    mask.with_file_name(format!("{}.json", stem(mask)))
}

/// The text of a small regular file.
///
/// # Errors
/// When it cannot be read, or is longer than any list of labels.
pub fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let file = open_regular_file(path).map_err(|source| FormatError::read(path, source))?;
    file.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(|source| FormatError::read(path, source))?;
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        let reason = format!("the file is longer than {} MiB, as no list of labels is", MAX_TEXT_BYTES >> 20);
        return Err(FormatError::unsupported(path, reason));
    }
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').into())
}

/// A file's name without its folder.
pub fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Labels in a text file of any form that is known.
pub fn in_file(path: &Path) -> Option<Found> {
    in_text(&read(path).ok()?, &name_of(path))
}

/// Adds what files beside a mask say to what the mask itself says: the first that names labels is believed, those that differ are told of.
pub fn complete(mask: &Path, in_mask: Annotations) -> Found {
    let stem = stem(mask);
    let beside = |name: String| mask.with_file_name(name);
    let mut found = Found { annotations: in_mask, warnings: Vec::new() };
    let mut from = "the mask itself".to_string();
    let own = own_path(mask);
    if let Ok(text) = read(&own) {
        match own::from_json(text.trim()) {
            Some(Ok(annotations)) => {
                // The mask says the same, unless another program has written it since.
                if found.annotations.states.is_empty() {
                    found.annotations.states.clone_from(&annotations.states);
                    found.annotations.makers.clone_from(&annotations.makers);
                    found.annotations.fingerprint = annotations.fingerprint;
                }
                merge(&mut found, &mut from, annotations, &own);
            }
            Some(Err(problem)) => {
                found.warnings.push(format!("{} is damaged and was not used: {problem}.", name_of(&own)));
            }
            None => {}
        }
    }
    for path in [format!("{stem}.label"), format!("{stem}.txt")].map(beside) {
        if let Some(listed) = read(&path).ok().and_then(|text| lines::itk_snap(&text)) {
            take(&mut found, &mut from, listed.finish(&name_of(&path)), &path);
        }
    }
    let own_tables = [format!("{stem}.tsv"), format!("{stem}_dseg.tsv")].map(beside);
    for path in &own_tables {
        take_table(&mut found, &mut from, path);
    }
    // A table of the data set is for many masks, and the most specific one is for this one.
    let others = bids::tables_of(mask).into_iter().filter(|path| !own_tables.contains(path));
    if let Some(path) =
        others.into_iter().find(|path| path.is_file()).filter(|_| !own_tables.iter().any(|path| path.is_file()))
    {
        take_table(&mut found, &mut from, &path);
    }
    found
}

/// Takes a table of BIDS, where there is one.
fn take_table(found: &mut Found, from: &mut String, path: &Path) {
    if let Some(listed) = read(path).ok().and_then(|text| tsv::labels(&text)) {
        take(found, from, listed.finish(&name_of(path)), path);
    }
}

fn take(found: &mut Found, from: &mut String, other: Option<Found>, path: &Path) {
    if let Some(other) = other {
        found.warnings.extend(other.warnings);
        merge(found, from, other.annotations, path);
    }
}

/// Believes the first table, and tells where another one differs.
fn merge(found: &mut Found, from: &mut String, other: Annotations, path: &Path) {
    let table = &mut found.annotations.table;
    if table.0.is_empty() {
        *table = other.table;
        *from = name_of(path);
        return;
    }
    let differs = other.table.0.iter().find_map(|label| {
        let own = table.get(label.value).filter(|own| own.name != label.name)?;
        (!own.is_unnamed() && !label.is_unnamed()).then(|| (own.clone(), label.name.clone()))
    });
    if let Some((own, name)) = differs {
        found.warnings.push(format!(
            "Label {} is called {:?} in {from} and {name:?} in {}; the first is used.",
            own.value,
            own.name,
            name_of(path)
        ));
    }
}

/// Writes `NAME.json` beside a mask. A file of that name that is not ours stays; a sentence tells of it.
///
/// # Errors
/// When it cannot be written.
pub fn write_sidecar(mask: &Path, annotations: &Annotations) -> Result<Option<String>> {
    let path = own_path(mask);
    let is_there = std::fs::symlink_metadata(&path).is_ok();
    if is_there && !read(&path).is_ok_and(|text| matches!(own::from_json(text.trim()), Some(Ok(_)))) {
        return Ok(Some(format!(
            "{} belongs to another program and was left as it is; names, colours and finished slices are in {} alone.",
            name_of(&path),
            name_of(mask)
        )));
    }
    let text = own::to_json(annotations, Some("Labels and finished slices of the mask of this name (Lamella)".into()));
    let written = replace_file(&path, |file| std::io::Write::write_all(file, text.as_bytes()));
    written.map(|()| None).map_err(|source| FormatError::Write { path, source })
}
