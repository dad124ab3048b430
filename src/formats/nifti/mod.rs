//! NIfTI-1 and NIfTI-2: `.nii`, `.nii.gz`, `.hdr`/`.img` pairs.
//!
//! Headers are parsed here and not by the `nifti` crate, because bounded memory on hostile files, NIfTI-2, and the
//! order sform, qform, pixdim with its warnings have to be under our control.
//! Source: nifti1.h and nifti2.h of the NIfTI Data Format Working Group.

mod extension;
mod header;
mod placement;
mod read;
mod write;

use std::path::{Path, PathBuf};

use super::error::Result;
use super::{Entry, Findings, Reader, Source, has_extension, stem};
use crate::work::Watch;

pub use read::{facts, read, twin};
pub use write::{shear_notice, write_labels, write_volume};

/// The entry in the list of readers.
pub const READER: Reader = Reader { name: "NIfTI", claims, collect };

fn claims(path: &Path, head: &[u8]) -> bool {
    if has_extension(path, &[".img", ".img.gz"]) {
        return false;
    }
    let named = has_extension(path, &[".nii", ".nii.gz", ".hdr", ".hdr.gz"]);
    named || header::looks_like_nifti(head)
}

#[allow(clippy::unnecessary_wraps, reason = "the list of readers wants one signature")]
fn collect(paths: &[PathBuf], _watch: Watch) -> Result<Findings> {
    let entries = paths
        .iter()
        .map(|path| Entry {
            id: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            name: stem(path),
            modality: String::new(),
            file_count: 1,
            shape: read::peek_shape(path).unwrap_or_default(),
            path: path.clone(),
            source: Source::Nifti(path.clone()),
        })
        .collect();
    Ok(Findings { entries, skipped: Vec::new() })
}
