//! NIfTI-1 and NIfTI-2: `.nii`, `.nii.gz`, `.hdr`/`.img` pairs; and Analyze 7.5, from which the pairs come, read only.
//!
//! Headers are parsed here and not by the `nifti` crate, because bounded memory on hostile files, NIfTI-2, and the
//! order sform, qform, pixdim with its warnings have to be under our control.
//! Source: nifti1.h and nifti2.h of the NIfTI Data Format Working Group.

mod extension;
mod header;
mod placement;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::registry::{Format, Kind, Save};
use super::{FileReader, each_file, has_extension};

/// The entry in the list of formats.
pub const FORMAT: Format = Format {
    id: "nifti",
    name: "NIfTI",
    endings: &[".nii.gz", ".nii", ".hdr", ".hdr.gz"],
    beside: &[".img", ".img.gz"],
    kinds: &[Kind::Volume, Kind::Labels],
    is_picture: false,
    claims,
    scan: |paths, watch| each_file("nifti", &headers_of(paths), READER, watch),
    saves: &[Save {
        name: "NIfTI",
        endings: &[".nii.gz", ".nii"],
        volume: Some(write::write_volume),
        labels: Some(write::write_labels),
        mesh: None,
        notices: |path, geometry, _| write::shear_notice(geometry).into_iter().chain(read::twin(path)).collect(),
        needs_source: false,
        check: None,
    }],
};

const READER: FileReader = FileReader { shape: read::peek_shape, facts: |path, _| read::facts(path), load: read::read };

fn claims(path: &Path, head: &[u8]) -> bool {
    if has_extension(path, FORMAT.beside) {
        return header_of(path).is_some();
    }
    has_extension(path, FORMAT.endings) || header::looks_like_nifti(head)
}

/// The header that lies beside the voxels of a pair, which users choose as well.
fn header_of(data: &Path) -> Option<PathBuf> {
    let name = data.file_name()?.to_str()?;
    let length =
        FORMAT.beside.iter().filter(|ending| has_extension(data, &[ending])).map(|ending| ending.len()).max()?;
    let stem = name.get(..name.len() - length)?;
    let headers = FORMAT.endings.iter().filter(|ending| ending.starts_with(".hdr"));
    headers.map(|ending| data.with_file_name(format!("{stem}{ending}"))).find(|header| header.is_file())
}

/// The headers of pairs in place of their voxels, each once.
fn headers_of(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut known = HashSet::new();
    let header = |path: &PathBuf| {
        let is_data = has_extension(path, FORMAT.beside);
        header_of(path).filter(|_| is_data).unwrap_or_else(|| path.clone())
    };
    paths.iter().map(header).filter(|path| known.insert(path.clone())).collect()
}
