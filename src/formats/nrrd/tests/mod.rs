//! Headers written by hand, and what hostile ones cost.

mod detached;
mod hostile;
mod placed;
mod written;

use std::path::{Path, PathBuf};

use crate::formats::{FormatError, open_one};
use crate::volume::Volume;
use crate::work::Watch;

/// A header of unsigned bytes with further fields, and data behind it.
fn file(folder: &Path, name: &str, fields: &str, data: &[u8]) -> PathBuf {
    let path = folder.join(name);
    let mut bytes = format!("NRRD0004\n{fields}\n").into_bytes();
    bytes.extend_from_slice(data);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn open(path: &Path) -> Result<Volume, FormatError> {
    open_one(path, None, Watch::unwatched())
}

fn values(volume: &Volume) -> Vec<f64> {
    (0..volume.voxels.len()).filter_map(|n| volume.voxels.get(n)).collect()
}

/// Opens a file of six bytes, 1 to 6, in a grid of 3 x 2 x 1.
fn opened(more: &str) -> Result<Volume, FormatError> {
    let folder = tempfile::tempdir().unwrap();
    let fields = format!("type: uchar\ndimension: 3\nsizes: 3 2 1\nencoding: raw\n{more}");
    open(&file(folder.path(), "a.nrrd", &fields, &[1, 2, 3, 4, 5, 6]))
}

fn refusal(more: &str) -> String {
    opened(more).err().map(|error| error.to_string()).unwrap_or_default()
}
