//! The only room that knows file formats.
//!
//! **Invariant:** every reader survives truncated, empty, lying and hostile files: it reports the file and the field,
//! and never allocates more than a small multiple of the bytes that are really there.
//! **Invariant:** world coordinates leave this room as RAS millimetres, whatever the file uses.
//! **Invariant:** what cannot be shown rightly is refused with a plain message, never shown wrongly.
//!
//! **Invariant:** a format is one entry in [`FORMATS`]; endings, names, filters of dialogs and texts of errors come from that list, and one
//! test runs over it.
//!
//! Deliberately absent: dialogs, progress bars, and any knowledge of the session.

mod annotations;
mod dicom;
mod ending;
mod error;
mod found;
mod gipl;
mod gzip;
mod inflate;
pub mod jpeg_2000;
mod labels;
mod mesh;
mod metaimage;
mod mgh;
mod nifti;
mod nrrd;
mod path_points;
mod picture;
mod plain;
mod registry;
mod scan;
mod slices;
mod stored;
#[cfg(test)]
mod tests;
mod voxel_size;

pub use annotations::{
    Found, NAME_ENDINGS, complete as complete_annotations, is_names_file, read_names, write_names, write_sidecar,
};
pub use dicom::deidentify;
pub use dicom::{Contour, ContourKind, ReferencedSeries, Roi, StructureSet, read_contours};
pub use dicom::{IMPLEMENTATION_CLASS_UID, ImplicitReader, ObjectNames, object_names, texts_of, write_series};
pub use ending::with_ending;
pub use error::{FormatError, Result};
pub use found::{Belonging, Entry, Facts, FileReader, Findings, Ground, Skipped, Source, each_file};
pub use labels::{
    LabelsInFile, read_annotated_labels, read_annotated_layers, read_chosen_labels, read_labels, read_labels_in_file,
    read_layers,
};
pub use mesh::{SURFACE_STARTS, Surface};
pub use path_points::read_path_points;
pub use picture::{
    PixelType, RgbPicture, SLICE_ENDINGS, Scale, SlicePictures, animation_bytes, picture_bytes, write_bytes,
    write_mask_picture, write_pages, write_picture, write_slice,
};
pub use registry::{
    FORMATS, For, Format, Kind, Mask, Save, SaveMesh, check_written, endings_of, is_picture, labels_writer_for,
    names_of, needs_source, notices_of_writing, readable_names, stem, surfaces_in, write_labels, write_mask,
    write_surfaces, write_volume, writer_for,
};
pub use scan::{INCOMING, facts, ground_of_one, list_files, load, of_size, open_of_size, open_one, scan, scan_all};
pub use voxel_size::{GivenSize, SizeSaid};

use registry::has_extension;
use scan::read_head;
