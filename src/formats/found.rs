//! What looking at files finds: entries that can be loaded, and files that cannot.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Result;
use super::labels::LabelsInFile;
use super::registry::{Kind, stem};
use super::voxel_size::{GivenSize, SizeSaid};
use crate::volume::{FrameOfReference, Geometry, SourceImages, Volume, VoxelType};
use crate::work::Watch;

/// How an entry is read: what the scan of a format remembers of its files.
pub trait Source: fmt::Debug + Send + Sync {
    /// What the headers tell, without the voxels; `None` where only loading can tell.
    ///
    /// # Errors
    /// For headers that cannot be honoured. Damage in the voxels is not seen.
    fn facts(&self, watch: Watch) -> Result<Option<Facts>>;

    /// Reads the voxels.
    ///
    /// # Errors
    /// For everything that cannot be shown rightly, and when the work was stopped.
    fn load(&self, watch: Watch) -> Result<Volume>;

    /// What a mask of it must know. Formats whose headers tell it read no voxels.
    ///
    /// # Errors
    /// As [`Source::load`]; damage in the voxels is not seen where only headers are read.
    fn ground(&self, watch: Watch) -> Result<Ground> {
        self.load(watch).map(|volume| Ground::of(&volume))
    }

    /// Reads it as labels: on the grid of `on` where the format can place them there, else on their own.
    ///
    /// # Errors
    /// As [`Source::load`], for values that are no labels, and for contours where there is no grid to paint them on.
    fn labels(&self, on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
        let _ = on;
        LabelsInFile::of(self.load(watch)?, self.path())
    }

    /// The Series Instance UID of the scan that a mask was made on, where its file names it.
    fn refers_to(&self) -> Option<&str> {
        None
    }

    /// Whether its file says that a model made all of its labels. `None` where only the labels themselves, on their grid, can tell.
    fn is_all_by_model(&self) -> Option<bool> {
        None
    }

    /// The pictures that it is a stack of, each as an entry of its own; empty for everything else.
    ///
    /// # Errors
    /// When one cannot be read.
    fn pictures(&self, watch: Watch) -> Result<Vec<Entry>> {
        watch.check()?;
        Ok(Vec::new())
    }

    /// The file, or the first of several, for errors.
    fn path(&self) -> &Path;

    /// What loading does to the image that the user must agree to first, after what is wrong with it; `None` for images that are
    /// shown as they are.
    fn asks(&self) -> Option<&str> {
        None
    }

    /// What its files say of the size of a voxel, and whether the user is asked for the rest; `None` for formats that always say it.
    fn size_said(&self) -> Option<&SizeSaid> {
        None
    }

    /// The same with voxels of the size that the user says; `None` for formats that always say it.
    fn of_size(&self, given: GivenSize) -> Option<Arc<dyn Source>> {
        let _ = given;
        None
    }
}

/// Whose an entry is: keys that tell patients and studies apart. They are compared and never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Belonging {
    /// The patient.
    pub patient: String,
    /// The study.
    pub study: String,
}

/// One thing that can be loaded: a DICOM series or a file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// [`Format::id`](super::Format::id) of its format.
    pub format: &'static str,
    /// What it is, where its header tells it: a [`Kind::Volume`] may be a mask as well.
    pub kind: Kind,
    /// Series Instance UID (with a suffix where a series was split) or the file's name.
    pub id: String,
    /// Series description or file name.
    pub name: String,
    /// Modality, empty where unknown.
    pub modality: String,
    /// Number of files behind it.
    pub file_count: usize,
    /// Grid size as the headers tell it; zeros where only loading can tell.
    pub shape: [usize; 3],
    /// Where it comes from: the file, or the folder of the first file.
    pub path: PathBuf,
    /// Whose it is, where its files say so.
    pub belongs_to: Option<Belonging>,
    /// How it is read.
    pub source: Arc<dyn Source>,
}

/// A file that is not an image for us, and why.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// What it is or what is wrong with it.
    pub reason: String,
}

/// What a path holds.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What can be loaded, in the order found.
    pub entries: Vec<Entry>,
    /// What was refused or is no image.
    pub skipped: Vec<Skipped>,
}

/// What headers alone tell of a volume.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Grid and placement.
    pub geometry: Geometry,
    /// Sizes of the dimensions beyond the third.
    pub frame_dims: Vec<usize>,
    /// The stored type.
    pub voxel_type: VoxelType,
    /// Series description or file stem.
    pub name: String,
    /// Header fields worth showing, in order.
    pub header: Vec<(String, String)>,
    /// What the user must be told, as far as the headers tell it.
    pub warnings: Vec<String>,
}

impl Facts {
    /// What is told of a loaded volume.
    pub fn of(volume: &Volume) -> Self {
        Self {
            geometry: volume.geometry.clone(),
            frame_dims: volume.frame_dims.clone(),
            voxel_type: volume.voxels.voxel_type(),
            name: volume.name.clone(),
            header: volume.header.clone(),
            warnings: volume.warnings.clone(),
        }
    }

    /// Bytes that the voxels take in memory.
    pub fn byte_count(&self) -> u64 {
        let count = self.frame_dims.iter().fold(self.geometry.voxel_count(), |n, &size| n.saturating_mul(size));
        (count as u64).saturating_mul(self.voxel_type.bytes() as u64)
    }
}

/// What a mask must know of its scan: where it lies, and the images that it was made of.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Grid and placement.
    pub geometry: Geometry,
    /// The images of the slices, where a mask can name them.
    pub source: Option<Arc<SourceImages>>,
    /// The space of its coordinates.
    pub frame_of_reference: Option<FrameOfReference>,
    /// What the user must be told of the scan.
    pub warnings: Vec<String>,
}

impl Ground {
    /// That of a loaded scan.
    pub fn of(volume: &Volume) -> Self {
        Self {
            geometry: volume.geometry.clone(),
            source: volume.source.clone(),
            frame_of_reference: volume.frame_of_reference.clone(),
            warnings: volume.warnings.clone(),
        }
    }
}

/// How a format reads files that are a volume each.
#[derive(Clone, Copy)]
pub struct FileReader {
    /// The grid's size, from the header alone.
    pub shape: fn(&Path) -> Result<[usize; 3]>,
    /// What the header tells.
    pub facts: fn(&Path, Watch) -> Result<Facts>,
    /// Reads the voxels.
    pub load: fn(&Path, Watch) -> Result<Volume>,
}

/// A file that is a volume by itself.
struct OneFile {
    path: PathBuf,
    reader: FileReader,
}

impl fmt::Debug for OneFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl Source for OneFile {
    fn facts(&self, watch: Watch) -> Result<Option<Facts>> {
        (self.reader.facts)(&self.path, watch).map(Some)
    }

    fn load(&self, watch: Watch) -> Result<Volume> {
        (self.reader.load)(&self.path, watch)
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// An entry for each file, for the scan of formats whose files are a volume each. What is wrong with a file is told when it is loaded.
///
/// # Errors
/// When the work was stopped.
pub fn each_file(format: &'static str, paths: &[PathBuf], reader: FileReader, watch: Watch) -> Result<Findings> {
    let mut findings = Findings::default();
    for path in paths {
        watch.check()?;
        findings.entries.push(Entry {
            format,
            kind: Kind::Volume,
            id: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            name: stem(path),
            modality: String::new(),
            file_count: 1,
            shape: (reader.shape)(path).unwrap_or_default(),
            path: path.clone(),
            belongs_to: None,
            source: Arc::new(OneFile { path: path.clone(), reader }),
        });
    }
    Ok(findings)
}
