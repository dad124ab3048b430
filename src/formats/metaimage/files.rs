//! Which files hold the data, and how the numbers in them are written.

use std::path::Path;

use super::header::{DATA_FILE, Header};
use crate::formats::error::{FormatError, Result};
use crate::formats::stored::{Encoding, Layout, Parts, Pattern, shown};
use crate::volume::VoxelType;

/// What is in the files, as the header says.
pub struct Stored {
    /// The files.
    pub parts: Parts,
    /// How numbers are written in them.
    pub layout: Layout,
    /// Byte order.
    pub is_big_endian: bool,
}

/// Finds the files of an image of these sizes; with several values for each voxel, `values` are all of them.
///
/// # Errors
/// When the number of files does not fit the sizes, or a field cannot be understood.
pub fn stored(
    header: &Header,
    sizes: &[usize],
    values: usize,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Stored> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let kind =
        voxel_type(header.require("ElementType").map_err(bad)?).map_err(|e| FormatError::unsupported(path, e))?;
    let encoding = match (header.flag("BinaryData"), header.flag("CompressedData")) {
        (Some(false), _) => Encoding::Text,
        (_, Some(true)) => Encoding::Zlib,
        _ => Encoding::Raw,
    };
    let skip = header.whole("HeaderSize", 0).map_err(bad)?;
    let offset = u64::try_from(skip).ok();
    if offset.is_none() && skip != -1 {
        return Err(bad(format!("the field `HeaderSize` is {skip}; 0 and more, or -1, are possible")));
    }
    let mut layout = Layout::plain(encoding, kind);
    if offset.is_none() && encoding == Encoding::Raw {
        layout.byte_skip = None;
    }
    let parts = parts(header, sizes, values, offset.unwrap_or(0), path, warnings)?;
    Ok(Stored { parts, layout, is_big_endian: is_big_endian(header, layout, warnings) })
}

/// The files; `offset` is where the data begin in each, 0 where the header does not say it.
fn parts(
    header: &Header,
    sizes: &[usize],
    values: usize,
    offset: u64,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Parts> {
    let bad = |problem: String| FormatError::malformed(path, problem);
    let name = header.require(DATA_FILE).map_err(bad)?;
    if name.eq_ignore_ascii_case("LOCAL") {
        let offset = if offset > 0 { offset } else { header.bytes };
        return Ok(Parts::attached(path, offset, values));
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    if header.is_list() {
        let needed = files_needed(sizes, words.get(1).copied());
        let mut names = header.listed.clone();
        if names.len() < needed {
            let count = names.len();
            return Err(bad(format!(
                "the field `{DATA_FILE}` lists {count} files; for the sizes {sizes:?} there must be {needed}"
            )));
        }
        if names.len() > needed {
            warnings.push(format!(
                "The header lists {} files; the first {needed} hold the image, the others were not used.",
                names.len()
            ));
            names.truncate(needed);
        }
        return Ok(Parts::listed(DATA_FILE, path, names, offset, values / needed.max(1)));
    }
    let pattern = words.first().copied().filter(|word| word.contains('%'));
    if let Some(pattern) = pattern {
        let needed = files_needed(sizes, None);
        let mut pattern = numbered(pattern, words.get(1..).unwrap_or_default(), needed).map_err(bad)?;
        if pattern.count < needed {
            let count = pattern.count;
            return Err(bad(format!(
                "the field `{DATA_FILE}` names {count} files; for the sizes {sizes:?} there must be {needed}"
            )));
        }
        pattern.count = needed;
        return Ok(Parts::numbered(DATA_FILE, path, pattern, offset, values / needed.max(1)));
    }
    Ok(Parts::listed(DATA_FILE, path, vec![name.to_string()], offset, values))
}

/// A pattern of names with its first, last number and step, of which the last ones may be left out.
fn numbered(pattern: &str, numbers: &[&str], needed: usize) -> std::result::Result<Pattern, String> {
    let first = numbers.first().copied().unwrap_or("1");
    let last = match numbers.get(1) {
        Some(last) => (*last).to_string(),
        None => {
            let start: i64 = first
                .parse()
                .map_err(|_| format!("{:?} in the field `{DATA_FILE}` is no whole number", shown(first)))?;
            start.saturating_add(i64::try_from(needed).unwrap_or(i64::MAX)).saturating_sub(1).to_string()
        }
    };
    Pattern::parse(DATA_FILE, pattern, [first, &last, numbers.get(2).copied().unwrap_or("1")])
}

/// Number of files: each holds so many dimensions (`2` or `2D`), all but the last where nothing is said.
fn files_needed(sizes: &[usize], dimensions: Option<&str>) -> usize {
    let told = dimensions.and_then(|text| text.trim_end_matches(['D', 'd']).parse::<usize>().ok());
    let usual = sizes.len().saturating_sub(1);
    let dimensions = told.filter(|told| (1..=sizes.len()).contains(told)).unwrap_or(usual);
    sizes.get(dimensions..).unwrap_or_default().iter().fold(1usize, |product, size| product.saturating_mul(*size))
}

/// The type of a name. `MetaIO` stores long numbers in four bytes.
fn voxel_type(name: &str) -> std::result::Result<VoxelType, String> {
    let upper = name.to_ascii_uppercase();
    let plain = upper.strip_prefix("MET_").unwrap_or(&upper);
    Ok(match plain.strip_suffix("_ARRAY").unwrap_or(plain) {
        "CHAR" | "ASCII_CHAR" => VoxelType::I8,
        "UCHAR" => VoxelType::U8,
        "SHORT" => VoxelType::I16,
        "USHORT" => VoxelType::U16,
        "INT" | "LONG" => VoxelType::I32,
        "UINT" | "ULONG" => VoxelType::U32,
        "LONG_LONG" => VoxelType::I64,
        "ULONG_LONG" => VoxelType::U64,
        "FLOAT" => VoxelType::F32,
        "DOUBLE" => VoxelType::F64,
        _ => return Err(format!("the field `ElementType` is {:?}, which is no type of numbers", shown(name))),
    })
}

/// The order of bytes; where two fields say it, ITK believes this one first.
fn is_big_endian(header: &Header, layout: Layout, warnings: &mut Vec<String>) -> bool {
    if layout.encoding == Encoding::Text || layout.kind.bytes() == 1 {
        return false;
    }
    header.flag("BinaryDataByteOrderMSB").or_else(|| header.flag("ElementByteOrderMSB")).unwrap_or_else(|| {
        warnings.push(
            "The header does not say in which order the bytes of a number are; the usual one, little end first, is assumed."
                .into(),
        );
        false
    })
}
