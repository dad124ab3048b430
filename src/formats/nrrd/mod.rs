//! NRRD, the nearly raw raster data of Teem, ITK and 3D Slicer: `.nrrd`, and `.nhdr` with its data in other files.
//!
//! Source: "Definition of NRRD File Format", teem.sourceforge.net/nrrd/format.html, and the reader of Teem where that is silent.

mod axes;
mod header;
mod layout;
mod parts;
mod placement;
mod read;
mod segments;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use super::registry::{Format, Kind, Save};
use super::{FileReader, each_file, has_extension};

/// The entry in the list of formats.
pub const FORMAT: Format = Format {
    id: "nrrd",
    name: "NRRD",
    endings: &[".nrrd", ".seg.nrrd", ".nhdr"],
    beside: &[],
    kinds: &[Kind::Volume, Kind::Labels],
    is_picture: false,
    claims,
    scan: |paths, watch| each_file("nrrd", paths, READER, watch),
    saves: &[Save {
        name: "NRRD",
        endings: &[".nrrd", ".nhdr"],
        volume: Some(write::write_volume),
        labels: Some(write::write_labels),
        mesh: None,
        notices: |_, _, _| Vec::new(),
        needs_source: false,
        check: None,
    }],
};

const READER: FileReader = FileReader { shape: read::shape, facts: read::facts, load: read::read };

fn claims(path: &Path, head: &[u8]) -> bool {
    header::looks_like_nrrd(head) || has_extension(path, FORMAT.endings)
}
