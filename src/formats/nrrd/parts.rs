//! Which files hold the data: the header's own, another one, or several in a row.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::axes::Axes;
use super::header::Header;
use crate::disk::FileId;
use crate::formats::error::{FormatError, Result};
use crate::work::Watch;

/// Files that hold the data, each the same number of values.
pub struct Parts {
    folder: PathBuf,
    names: Names,
    /// Values of each file.
    pub values: usize,
}

enum Names {
    /// Behind the header.
    Attached(PathBuf, u64),
    Listed(Vec<String>),
    Numbered(Pattern, usize),
}

/// A name with a number in it: `slice%03d.raw 1 50 1`.
struct Pattern {
    before: String,
    after: String,
    width: usize,
    is_filled: bool,
    first: i64,
    step: i64,
}

impl Parts {
    /// Finds out which files there are.
    ///
    /// # Errors
    /// When the header ends without data, or the number of files does not fit the sizes.
    pub fn of(header: &Header, axes: &Axes, path: &Path) -> Result<Self> {
        let bad = |problem: String| FormatError::malformed(path, problem);
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let all = axes.all.iter().fold(1usize, |product, axis| product.saturating_mul(axis.size));
        let Some(text) = header.get("data file") else {
            if !header.is_closed {
                return Err(bad(
                    "the file ends inside the header, without a blank line and without data; copy it again".into(),
                ));
            }
            return Ok(Self { folder, names: Names::Attached(path.into(), header.bytes), values: all });
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (names, count, dimensions) = match words[..] {
            ["LIST"] => (Names::Listed(header.listed.clone()), header.listed.len(), None),
            ["LIST", dimensions] if header.is_list() => {
                (Names::Listed(header.listed.clone()), header.listed.len(), Some(dimensions))
            }
            [name, first, last, step] if name.contains('%') => {
                Pattern::parse(name, [first, last, step], None).map_err(bad)?
            }
            [name, first, last, step, dimensions] if name.contains('%') => {
                Pattern::parse(name, [first, last, step], Some(dimensions)).map_err(bad)?
            }
            _ => (Names::Listed(vec![text.to_string()]), 1, None),
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
        Ok(Self { folder, names, values: all / count })
    }

    /// Number of files.
    pub fn count(&self) -> usize {
        match &self.names {
            Names::Attached(..) => 1,
            Names::Listed(names) => names.len(),
            Names::Numbered(_, count) => *count,
        }
    }

    /// A file, and where in it the data may begin. Names are relative to the folder of the header.
    pub fn file(&self, n: usize) -> (PathBuf, u64) {
        let name = match &self.names {
            Names::Attached(path, offset) => return (path.clone(), *offset),
            Names::Listed(names) => names.get(n).cloned().unwrap_or_default(),
            Names::Numbered(pattern, _) => pattern.name(n),
        };
        (self.folder.join(name), 0)
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
                let problem = format!("the field `data file` names {} twice", file.display());
                return Err(FormatError::malformed(header, problem));
            }
        }
        Ok(())
    }
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

impl Pattern {
    /// The names, their number, and what is said of the dimensions of each.
    fn parse<'a>(
        text: &str,
        numbers: [&str; 3],
        dimensions: Option<&'a str>,
    ) -> std::result::Result<(Names, usize, Option<&'a str>), String> {
        let wrong =
            || format!("the field `data file` has the pattern {text:?}; one number such as %d or %03d can stand in it");
        let (before, rest) = text.split_once('%').ok_or_else(wrong)?;
        let kind = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (digits, rest) = rest.split_at(kind);
        let after = rest.strip_prefix(['d', 'i', 'u']).ok_or_else(wrong)?;
        if before.contains('%') || after.contains('%') {
            return Err(wrong());
        }
        let width =
            if digits.is_empty() { 0 } else { digits.parse::<usize>().ok().filter(|w| *w <= 40).ok_or_else(wrong)? };
        let number = |word: &str| {
            word.parse::<i64>().map_err(|_| format!("{word:?} in the field `data file` is no whole number"))
        };
        let [first, last, step] = [number(numbers[0])?, number(numbers[1])?, number(numbers[2])?];
        let span = i128::from(last) - i128::from(first);
        if step == 0 || (span != 0 && (span < 0) != (step < 0)) {
            return Err(format!(
                "the field `data file` counts from {first} to {last} by {step}, which does not lead there"
            ));
        }
        let count = usize::try_from(span / i128::from(step) + 1).map_err(|_| wrong())?;
        let pattern =
            Self { before: before.into(), after: after.into(), width, is_filled: digits.starts_with('0'), first, step };
        Ok((Names::Numbered(pattern, count), count, dimensions))
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
