//! DICOMDIR: the files that a medium lists. Source: DICOM PS3.3 annex F, PS3.10 section 8.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::inside::{Around, Inside};
use super::structure::{self, RawValue};

/// Records at most; a medium with more is damaged.
const MAX_RECORDS: usize = 1 << 20;
/// Parts of a file's name at most (PS3.10 section 8.2); some writers use more.
const MAX_PARTS: usize = 16;

/// The files of a directory.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Those that are there.
    pub files: Vec<PathBuf>,
    /// Those that are named but not there.
    pub missing: Vec<PathBuf>,
}

/// The records, as the walk passes by.
#[derive(Default)]
struct Records {
    /// By record: the name of its file, and whether it is in use.
    all: Vec<(Vec<u8>, bool)>,
}

impl Inside for Records {
    fn enters(&self, sequence: Tag) -> bool {
        sequence == tags::DIRECTORY_RECORD_SEQUENCE
    }

    fn wants(&self, around: &[Around], tag: Tag) -> bool {
        around.len() == 1 && [tags::REFERENCED_FILE_ID, tags::RECORD_IN_USE_FLAG].contains(&tag)
    }

    fn take(&mut self, around: &[Around], value: RawValue) -> Result<(), String> {
        let record = around.first().map_or(0, |a| a.item);
        if record >= MAX_RECORDS {
            return Err(format!("the directory has more than {MAX_RECORDS} records"));
        }
        if self.all.len() <= record {
            self.all.resize(record + 1, (Vec::new(), true));
        }
        let Some((name, is_used)) = self.all.get_mut(record) else { return Ok(()) };
        if value.tag == tags::REFERENCED_FILE_ID {
            *name = value.bytes;
        } else {
            *is_used = value.bytes != [0, 0];
        }
        Ok(())
    }
}

/// The files that a DICOMDIR lists.
///
/// # Errors
/// A sentence for files that are no directory of a medium.
pub fn listed(path: &Path) -> Result<Listed, String> {
    let mut records = Records::default();
    structure::walk_inside(path, &[], &mut records)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut listed = Listed::default();
    for (name, is_used) in records.all {
        let name = String::from_utf8_lossy(&name).into_owned();
        let parts: Vec<&str> = name.split('\\').map(|part| part.trim_matches([' ', '\0'])).collect();
        let is_plain = |part: &&str| !part.is_empty() && *part != ".." && *part != "." && !part.contains(['/', ':']);
        if !is_used || parts.len() > MAX_PARTS || !parts.iter().all(is_plain) {
            continue;
        }
        match find(folder, &parts) {
            Some(file) => listed.files.push(file),
            None => listed.missing.push(parts.iter().fold(folder.to_path_buf(), |path, part| path.join(part))),
        }
    }
    listed.files.sort();
    listed.files.dedup();
    Ok(listed)
}

/// The file of this name; copies from discs have small letters now and then, or an ending.
fn find(folder: &Path, parts: &[&str]) -> Option<PathBuf> {
    let exact = parts.iter().fold(folder.to_path_buf(), |path, part| path.join(part));
    if exact.is_file() {
        return Some(exact);
    }
    let small = parts.iter().fold(folder.to_path_buf(), |path, part| path.join(part.to_ascii_lowercase()));
    let with_ending = |path: &Path| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some(path.with_file_name(format!("{name}.dcm")))
    };
    [Some(small.clone()), with_ending(&exact), with_ending(&small)].into_iter().flatten().find(|path| path.is_file())
}
