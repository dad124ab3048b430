//! Which files hold the data: the header's own, another one, or several in a row.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::disk::FileId;
use crate::formats::error::{FormatError, Result};
use crate::work::Watch;

/// Files that hold the data, each the same number of values.
pub struct Parts {
    /// The field of the header that names them.
    field: &'static str,
    folder: PathBuf,
    names: Names,
    /// Where the data may begin in each of several files.
    offset: u64,
    /// Values of each file.
    pub values: usize,
}

enum Names {
    /// Behind the header.
    Attached(PathBuf, u64),
    Listed(Vec<String>),
    Numbered(Pattern),
}

/// A name with a number in it: `slice%03d.raw 1 50 1`.
pub struct Pattern {
    /// Number of names.
    pub count: usize,
    before: String,
    after: String,
    width: usize,
    is_filled: bool,
    first: i64,
    step: i64,
}

impl Parts {
    /// All values in one file, from a place in it on.
    pub fn attached(path: &Path, offset: u64, values: usize) -> Self {
        Self { field: "", folder: PathBuf::new(), names: Names::Attached(path.into(), offset), offset: 0, values }
    }

    /// Values in files beside a header, of which each holds the same number; `field` is the one that names them.
    pub fn listed(field: &'static str, header: &Path, names: Vec<String>, offset: u64, values: usize) -> Self {
        Self { field, folder: folder_of(header), names: Names::Listed(names), offset, values }
    }

    /// The same for files that are numbered.
    pub fn numbered(field: &'static str, header: &Path, pattern: Pattern, offset: u64, values: usize) -> Self {
        Self { field, folder: folder_of(header), names: Names::Numbered(pattern), offset, values }
    }

    /// Number of files.
    pub fn count(&self) -> usize {
        match &self.names {
            Names::Attached(..) => 1,
            Names::Listed(names) => names.len(),
            Names::Numbered(pattern) => pattern.count,
        }
    }

    /// A file, and where in it the data may begin. Names are relative to the folder of the header.
    pub fn file(&self, n: usize) -> (PathBuf, u64) {
        let name = match &self.names {
            Names::Attached(path, offset) => return (path.clone(), *offset),
            Names::Listed(names) => names.get(n).cloned().unwrap_or_default(),
            Names::Numbered(pattern) => pattern.name(n),
        };
        (self.folder.join(name), self.offset)
    }

    /// Makes sure that every file is there, and none twice: a few bytes must not stand for many.
    ///
    /// # Errors
    /// Names the file.
    pub fn check(&self, header: &Path, watch: Watch) -> Result<()> {
        if let Names::Attached(..) = self.names {
            return Ok(());
        }
        let mut seen = HashSet::new();
        for n in 0..self.count() {
            watch.check()?;
            let (file, _) = self.file(n);
            if !file.exists() {
                let problem =
                    format!("the voxels are in {}, which is not there; put it back beside the header", file.display());
                return Err(FormatError::malformed(header, problem));
            }
            if FileId::of(&file).is_some_and(|id| !seen.insert(id)) {
                let problem = format!("the field `{}` names {} twice", self.field, file.display());
                return Err(FormatError::malformed(header, problem));
            }
        }
        Ok(())
    }
}

impl Pattern {
    /// Takes a pattern apart; `numbers` are the first one, the last one and the step, and `field` is where it stands.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn parse(field: &str, text: &str, numbers: [&str; 3]) -> std::result::Result<Self, String> {
        let wrong =
            || format!("the field `{field}` has the pattern {text:?}; one number such as %d or %03d can stand in it");
        let (before, rest) = text.split_once('%').ok_or_else(wrong)?;
        let kind = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (digits, rest) = rest.split_at(kind);
        let after = rest.strip_prefix(['d', 'i', 'u']).ok_or_else(wrong)?;
        if before.contains('%') || after.contains('%') {
            return Err(wrong());
        }
        let width =
            if digits.is_empty() { 0 } else { digits.parse::<usize>().ok().filter(|w| *w <= 40).ok_or_else(wrong)? };
        let number =
            |word: &str| word.parse::<i64>().map_err(|_| format!("{word:?} in the field `{field}` is no whole number"));
        let [first, last, step] = [number(numbers[0])?, number(numbers[1])?, number(numbers[2])?];
        let span = i128::from(last) - i128::from(first);
        if step == 0 || (span != 0 && (span < 0) != (step < 0)) {
            return Err(format!(
                "the field `{field}` counts from {first} to {last} by {step}, which does not lead there"
            ));
        }
        let count = usize::try_from(span / i128::from(step) + 1).map_err(|_| wrong())?;
        let is_filled = digits.starts_with('0');
        Ok(Self { count, before: before.into(), after: after.into(), width, is_filled, first, step })
    }

    fn name(&self, n: usize) -> String {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let number = self.first.saturating_add(self.step.saturating_mul(n));
        let (before, after, width) = (&self.before, &self.after, self.width);
        if self.is_filled {
            format!("{before}{number:0width$}{after}")
        } else {
            format!("{before}{number:width$}{after}")
        }
    }
}

fn folder_of(header: &Path) -> PathBuf {
    header.parent().unwrap_or(Path::new("")).to_path_buf()
}
