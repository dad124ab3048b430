//! The list of formats, and what follows from it: endings, names, who writes a file.

use std::path::Path;

use super::error::{FormatError, Result};
use super::found::Findings;
use super::mesh::Surface;
use crate::volume::{Annotations, Geometry, LabelMap, SourceImages, Volume, VoxelType};
use crate::work::Watch;

/// What a file can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A scan.
    Volume,
    /// A label map.
    Labels,
    /// Outlines of structures.
    Contours,
    /// Surfaces.
    Mesh,
    /// Numbers in rows and columns.
    Table,
}

/// A file format.
pub struct Format {
    /// Identifier, in [`Entry::format`](super::Entry::format).
    pub id: &'static str,
    /// The name that users know.
    pub name: &'static str,
    /// Endings of the files that are opened, in small letters and with their dot.
    pub endings: &'static [&'static str],
    /// Endings of files that hold the data of another one, and are not opened by themselves.
    pub beside: &'static [&'static str],
    /// What its files can hold.
    pub kinds: &'static [Kind],
    /// Whether its files are pictures, which have no place in a patient: beside scans they are left out.
    pub is_picture: bool,
    /// Whether a file is of this format, by its name and its first bytes (512, or all of a shorter file).
    pub claims: fn(&Path, &[u8]) -> bool,
    /// Sorts claimed files into entries, each of which knows how it is loaded. Reads headers only.
    pub scan: fn(&[std::path::PathBuf], Watch) -> Result<Findings>,
    /// How files are written, the preferred way first; nothing where they are only read.
    pub saves: &'static [Save],
}

/// A way in which files of a format are written.
pub struct Save {
    /// What such a file is called, for dialogs.
    pub name: &'static str,
    /// Endings, the preferred one first.
    pub endings: &'static [&'static str],
    /// Writes a scan on its own grid; none where the format cannot hold one.
    pub volume: Option<WriteVolume>,
    /// Writes a label map with what is known of the labels; none where the format cannot hold one.
    pub labels: Option<WriteLabels>,
    /// Writes surfaces; none where the format cannot hold them.
    pub mesh: Option<SaveMesh>,
    /// What the user must be told of a file that was written with this grid, of a scan with values of this type.
    pub notices: fn(&Path, &Geometry, Option<VoxelType>) -> Vec<String>,
    /// Whether it names the DICOM images that a mask was made on, and cannot be written without them.
    pub needs_source: bool,
    /// Reads a written mask back and compares it; none where that is left to the tests.
    pub check: Option<CheckLabels>,
}

/// Writes a scan.
pub type WriteVolume = fn(&Path, &Volume, Watch) -> Result<()>;
/// Writes a label map with what is known of the labels.
pub type WriteLabels = fn(&Path, &Mask, Watch) -> Result<()>;

/// Compares a written mask with what was meant, and says the result.
pub type CheckLabels = fn(&Path, &Mask, Watch) -> Result<String>;

/// A mask that is written.
#[derive(Clone, Copy)]
pub struct Mask<'a> {
    /// The labels.
    pub labels: &'a LabelMap,
    /// Names, colours and states of slices.
    pub annotations: &'a Annotations,
    /// The DICOM images that it was made on; none where it was made on other files.
    pub source: Option<&'a SourceImages>,
}

/// How surfaces are written.
#[derive(Clone, Copy)]
pub struct SaveMesh {
    /// Writes surfaces of labels.
    pub write: fn(&Path, &[Surface], Watch) -> Result<()>,
    /// Whether a file tells the surfaces of several labels apart.
    pub holds_many: bool,
}

/// Every format, asked in this order whether a file is theirs. The first that can be written is the one that is proposed.
pub const FORMATS: &[Format] = &[
    super::dicom::FORMAT, // First, because its files may have any name.
    super::nifti::FORMAT,
    super::nrrd::FORMAT,
    super::metaimage::FORMAT,
    super::mgh::FORMAT,
    super::gipl::FORMAT,
    super::picture::FORMAT,
    super::mesh::STL,
    super::mesh::PLY,
    super::mesh::OBJ,
];

/// What endings are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Files that are opened.
    Opening,
    /// Files that are written.
    Saving,
}

impl Format {
    fn holds(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether its files can be opened.
    fn is_readable(&self) -> bool {
        self.holds(Kind::Volume) || self.holds(Kind::Labels)
    }

    fn saves_of(&'static self, kind: Kind) -> impl Iterator<Item = &'static Save> {
        self.saves.iter().filter(move |save| match kind {
            Kind::Volume => save.volume.is_some(),
            Kind::Labels => save.labels.is_some(),
            Kind::Mesh => save.mesh.is_some(),
            Kind::Contours | Kind::Table => false,
        })
    }
}

/// Endings of files of a kind, the preferred ones first.
pub fn endings_of(kind: Kind, purpose: For) -> Vec<&'static str> {
    let of_format = |format: &'static Format| match purpose {
        For::Opening if format.holds(kind) => format.endings.to_vec(),
        For::Saving | For::Opening => Vec::new(),
    };
    let opened = FORMATS.iter().flat_map(of_format);
    let saved = ways_of(kind).filter(|_| purpose == For::Saving).flat_map(|save| save.endings).copied();
    opened.chain(saved).collect()
}

/// The ways of saving a kind; those come last that not every mask can be saved in.
fn ways_of(kind: Kind) -> impl Iterator<Item = &'static Save> {
    let that = move |needs_source: bool| {
        FORMATS
            .iter()
            .flat_map(move |format| format.saves_of(kind))
            .filter(move |save| save.needs_source == needs_source)
    };
    that(false).chain(that(true))
}

/// Names of the formats of a kind: "NIfTI and NRRD".
pub fn names_of(kind: Kind, purpose: For) -> String {
    let of_format = |format: &'static Format| match purpose {
        For::Opening if format.holds(kind) => vec![format.name.to_string()],
        For::Saving | For::Opening => Vec::new(),
    };
    let saved = ways_of(kind).filter(|_| purpose == For::Saving).map(|save| save.name.to_string());
    listed(&FORMATS.iter().flat_map(of_format).chain(saved).collect::<Vec<_>>(), "and")
}

/// Everything that can be opened, with its endings.
pub fn readable_names() -> String {
    let with_endings = |format: &Format| format!("{} ({})", format.name, format.endings.join(", "));
    listed(&FORMATS.iter().filter(|format| format.is_readable()).map(with_endings).collect::<Vec<_>>(), "and")
}

/// "a, b and c".
fn listed(words: &[String], joint: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {joint} {last}", first.join(", ")),
    }
}

/// The format of a file name, and where in the name its ending begins.
fn ending_of(name: &str) -> Option<(&'static Format, usize)> {
    let all = FORMATS.iter().flat_map(|format| format.endings.iter().chain(format.beside).map(move |e| (format, *e)));
    let lower = name.to_ascii_lowercase();
    let fits = |(_, ending): &(&Format, &str)| name.len() > ending.len() && lower.ends_with(ending);
    let (format, ending) = all.filter(fits).max_by_key(|(_, ending)| ending.len())?;
    Some((format, name.len() - ending.len()))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A file's name without the ending of its format.
pub fn stem(path: &Path) -> String {
    let mut name = file_name(path);
    if let Some((_, end)) = ending_of(&name) {
        name.truncate(end);
    }
    name
}

/// Whether a file is a picture by its name.
pub fn is_picture(path: &Path) -> bool {
    ending_of(&file_name(path)).is_some_and(|(format, _)| format.is_picture)
}

/// Whether a file name ends in one of these, in any case.
pub(super) fn has_extension(path: &Path, endings: &[&str]) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// The format and its ending that a file is written in, by its name.
///
/// # Errors
/// When the ending belongs to no format that is written; the message lists those that do.
pub fn writer_for(path: &Path) -> Result<(&'static Format, &'static str)> {
    way_of_saving(path).map(|(format, _, ending)| (format, ending))
}

/// The same for a mask on its grid, which surfaces and pictures are not.
///
/// # Errors
/// As [`writer_for`]; the message lists the endings of masks alone.
pub fn labels_writer_for(path: &Path) -> Result<(&'static Format, &'static str)> {
    match way_of_saving(path) {
        Ok((format, save, ending)) if save.labels.is_some() => Ok((format, ending)),
        _ => {
            let endings = endings_of(Kind::Labels, For::Saving).join(" or ");
            Err(FormatError::unsupported(path, format!("cannot hold a mask; end the name in {endings}")))
        }
    }
}

fn way_of_saving(path: &Path) -> Result<(&'static Format, &'static Save, &'static str)> {
    let name = file_name(path).to_ascii_lowercase();
    let ways = || FORMATS.iter().flat_map(|format| format.saves.iter().map(move |save| (format, save)));
    let written = ways().flat_map(|(format, save)| save.endings.iter().map(move |ending| (format, save, *ending)));
    let found = written.filter(|(_, _, ending)| name.ends_with(ending)).max_by_key(|(_, _, ending)| ending.len());
    found.ok_or_else(|| {
        let endings: Vec<&str> = ways().flat_map(|(_, save)| save.endings).copied().collect();
        let reason = format!("cannot write this file type; end the name in {}", endings.join(" or "));
        FormatError::unsupported(path, reason)
    })
}

/// Writes a scan on its own grid.
///
/// # Errors
/// When the ending belongs to no format that can hold a scan, the file cannot be written, or the work was stopped.
pub fn write_volume(path: &Path, volume: &Volume, watch: Watch) -> Result<()> {
    let (_, save, _) = way_of_saving(path)?;
    let write = save.volume.ok_or_else(|| cannot_hold(path, save, "a scan", Kind::Volume))?;
    write(path, volume, watch)
}

/// Writes a label map on its own grid, with names, colours and states of slices where the format has a place for them.
///
/// # Errors
/// When the ending belongs to no format that can hold labels, the file cannot be written, or the work was stopped.
pub fn write_labels(path: &Path, labels: &LabelMap, annotations: &Annotations, watch: Watch) -> Result<()> {
    write_mask(path, &Mask { labels, annotations, source: None }, watch)
}

/// Writes a mask on its own grid, with what the format has a place for.
///
/// # Errors
/// As [`write_labels`], and where the format refers to the images that the mask was made on and none are known.
pub fn write_mask(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let (_, save, _) = way_of_saving(path)?;
    let write = save.labels.ok_or_else(|| cannot_hold(path, save, "labels", Kind::Labels))?;
    write(path, mask, watch)
}

/// Whether a file of this name holds surfaces, and whether those of several labels.
pub fn surfaces_in(path: &Path) -> Option<SaveMesh> {
    way_of_saving(path).ok().and_then(|(_, save, _)| save.mesh)
}

/// Writes surfaces of labels in patient millimetres.
///
/// # Errors
/// When the ending belongs to no format that can hold surfaces, the file cannot be written, or the work was stopped.
pub fn write_surfaces(path: &Path, surfaces: &[Surface], watch: Watch) -> Result<()> {
    let (_, save, _) = way_of_saving(path)?;
    let mesh = save.mesh.ok_or_else(|| cannot_hold(path, save, "surfaces", Kind::Mesh))?;
    (mesh.write)(path, surfaces, watch)
}

fn cannot_hold(path: &Path, save: &Save, what: &str, kind: Kind) -> FormatError {
    let endings = endings_of(kind, For::Saving).join(" or ");
    FormatError::unsupported(path, format!("{} files cannot hold {what}; end the name in {endings}", save.name))
}

/// Whether files of this name name the DICOM images that a mask was made on, and cannot be written without them.
pub fn needs_source(path: &Path) -> bool {
    way_of_saving(path).is_ok_and(|(_, save, _)| save.needs_source)
}

/// Reads a mask back that [`write_mask`] has written, compares it, and says the result; none for formats that have no such check.
///
/// # Errors
/// When it cannot be read, or is not what was meant.
pub fn check_written(path: &Path, mask: &Mask, watch: Watch) -> Result<Option<String>> {
    let (_, save, _) = way_of_saving(path)?;
    save.check.map(|check| check(path, mask, watch)).transpose()
}

/// What the user must be told of a file that was written with this grid; `kind` is that of a scan's values.
pub fn notices_of_writing(path: &Path, geometry: &Geometry, kind: Option<VoxelType>) -> Vec<String> {
    way_of_saving(path).map(|(_, save, _)| (save.notices)(path, geometry, kind)).unwrap_or_default()
}
