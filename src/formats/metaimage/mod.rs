//! MetaImage, the format of `MetaIO` and ITK: `.mha`, and `.mhd` with its data in other files.
//!
//! Source: the documentation of `MetaIO` (`itk.org/Wiki/ITK/MetaIO/Documentation`), and what ITK 5.4 does where that is silent.

mod files;
mod header;
mod placement;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use super::registry::{Format, Kind, Save};
use super::{FileReader, each_file, has_extension};

/// The entry in the list of formats.
pub const FORMAT: Format = Format {
    id: "metaimage",
    name: "MetaImage",
    endings: &[".mha", ".mhd"],
    beside: &[".zraw"],
    kinds: &[Kind::Volume, Kind::Labels],
    is_picture: false,
    claims,
    scan: |paths, watch| each_file("metaimage", paths, READER, watch),
    saves: &[Save {
        name: "MetaImage",
        endings: &[".mha", ".mhd"],
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
    header::looks_like_metaimage(head) || has_extension(path, FORMAT.endings)
}
