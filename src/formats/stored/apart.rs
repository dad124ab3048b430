//! A header with its data in a file of their own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::{self, SliceStream};
use crate::formats::stem;

/// Names that are tried for data beside a header.
const MOST_NAMES: usize = 1000;

/// Writes the data into a new file of their own. The header that is replaced keeps its data until the new one has its name: at every
/// moment the header that is there has the data that it names.
///
/// `header` makes the header's text from the name of the data; `before` are the data of the header that is replaced.
///
/// # Errors
/// When a file cannot be written or the work was stopped.
pub fn write_apart(
    path: &Path,
    header: &dyn Fn(&str) -> String,
    before: Option<PathBuf>,
    content: &mut SliceStream,
) -> Result<()> {
    let name = data_name(path)?;
    let data = path.with_file_name(&name);
    let header = header(&name);
    let mut is_data_there = false;
    let written = replace_file(path, |file| {
        file.write_all(header.as_bytes())?;
        file.flush()?;
        let of_data = replace_file(&data, |file| io::copy(content, file).map(drop));
        is_data_there = of_data.is_ok();
        of_data.map_err(|error| io::Error::other(slices::explain(&data, error)))
    });
    let needless = if written.is_ok() { before } else { is_data_there.then_some(data) };
    // What cannot be removed is only litter.
    let _ = needless.map(fs::remove_file);
    written.map_err(|error| match error.downcast::<FormatError>() {
        Ok(of_data) => of_data,
        Err(error) => slices::explain(path, error),
    })
}

/// The names that data beside a header get, the first one that is free: `scan.raw`, `scan-1.raw`.
fn data_names(path: &Path) -> impl Iterator<Item = String> {
    let stem = stem(path);
    (0..MOST_NAMES).map(move |n| if n == 0 { format!("{stem}.raw") } else { format!("{stem}-{n}.raw") })
}

/// A name for the data that no file has.
fn data_name(path: &Path) -> Result<String> {
    let refused = |reason: String| Err(FormatError::unsupported(path, reason));
    let is_free = |name: &String| fs::symlink_metadata(path.with_file_name(name)).is_err();
    let Some(name) = data_names(path).find(is_free) else {
        return refused("too many files of data are beside it; choose another name".into());
    };
    // To readers these are lists or patterns of names, or another name.
    let is_list = name.strip_prefix("LIST").is_some_and(|rest| rest.starts_with(char::is_whitespace));
    if is_list || name.trim() != name || name.contains(['%', '\n', '\r']) {
        return refused(format!(
            "the name of the data, {name:?}, cannot stand in a header, because it begins with LIST or a blank or has a % or a line break \
             in it; choose another name"
        ));
    }
    Ok(name)
}

/// The file that a header names, if it is a file of a name that data get here.
pub fn named_beside(path: &Path, named: &str) -> Option<PathBuf> {
    let data = path.with_file_name(data_names(path).find(|name| name == named)?);
    fs::symlink_metadata(&data).is_ok_and(|file| file.is_file()).then_some(data)
}
