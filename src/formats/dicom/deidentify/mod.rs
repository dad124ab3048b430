//! Taking out of DICOM files who the patient is.
//!
//! The rules are those of DICOM PS3.15 Annex E, Table E.1-1: the Basic Application Level Confidentiality Profile and some of its options. [`profile`]
//! is the table, [`decide`] what it means for one element, [`scrub`] goes through a data set.
//!
//! **Invariant:** what the table does not name is kept only if the dictionary of the standard knows it; private elements and elements
//! that nobody knows are removed.
//! **Invariant:** an identifier becomes the same new one wherever it stands, in all files of a run, so that masks still find their images.
//!
//! Deliberately absent: pixels. Text that is burned into them and faces that can be rendered are told of, not removed.

mod decide;
mod key;
mod lengths;
mod profile;
mod scrub;
mod studies;
mod values;
mod warnings;
mod words;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use dicom::core::{DataElement, PrimitiveValue, Tag, VR};
use dicom::dictionary_std::tags;
use dicom::object::{FileDicomObject, InMemDicomObject, OpenFileOptions};

pub use decide::{Dates, Kept, Wishes};
pub use key::Key;
pub use studies::{Studies, study_of};

use super::fields::Fields;
use super::fresh::IMPLEMENTATION_CLASS_UID;
use super::guess;
use super::structure::{self, PixelData, Structure};
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::work::memory;
use crate::work::numbers::index;
use scrub::Scrubber;

/// SOP class of directories of media, which name patients.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";
/// The first element behind Pixel Data.
const BEHIND_PIXELS: Tag = Tag(0x7FE0, 0x0011);
/// Application that wrote a file, in its file meta information.
const IMPLEMENTATION: &str = concat!("LAMELLA_", env!("CARGO_PKG_VERSION_MAJOR"), "_", env!("CARGO_PKG_VERSION_MINOR"));

/// What was done to one element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Where it stands, sequences first: "(0008,1140) > (0008,1155)".
    pub place: String,
    /// Its name in the standard; empty for private and unknown ones.
    pub name: String,
    /// What became of it.
    pub what: Done,
}

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Done {
    /// It is gone.
    Removed,
    /// It is there without a value.
    Emptied,
    /// It has a value that says nothing.
    Replaced,
    /// It has another identifier, the same everywhere.
    Renamed,
    /// Its date is earlier by as many days as all of this patient.
    Shifted,
    /// Words that tell who the patient is are gone from its text.
    Cleaned,
}

impl Done {
    /// The word for a list.
    pub fn word(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Replaced => "replaced",
            Self::Renamed => "new identifier",
            Self::Shifted => "date shifted",
            Self::Cleaned => "text cleaned",
        }
    }
}

/// A file without its patient.
pub struct Deidentified {
    object: FileDicomObject<InMemDicomObject>,
    /// What was changed, in the order of the elements.
    pub changes: Vec<Change>,
    /// What the user must look at.
    pub warnings: Vec<String>,
    /// Where it belongs in a folder of such files: patient, study, series, instance, all by their new names.
    pub place: PathBuf,
}

/// Why a file is not taken.
#[derive(Debug)]
pub enum Left {
    /// It is no DICOM file, or one that cannot be taken over; with the reason.
    Out(String),
    /// It should have been taken but cannot be.
    Failed(FormatError),
}

/// Reads a file and takes out of it who the patient is.
///
/// # Errors
/// For files that are no DICOM, and for those that are damaged or stored in a way that cannot be written again.
pub fn deidentify(
    path: &Path,
    wishes: &Wishes,
    key: &Key,
    studies: &Studies,
) -> std::result::Result<Deidentified, Left> {
    let malformed = |problem: String| Left::Failed(FormatError::malformed(path, problem));
    let head = crate::formats::read_head(path).map_err(|e| Left::Failed(FormatError::read(path, e)))?;
    if head.get(128..132) != Some(b"DICM") {
        if guess::layout(&head).is_some() {
            let reason = "DICOM without preamble and file meta information; convert it to a complete file first";
            return Err(Left::Failed(FormatError::unsupported(path, reason)));
        }
        return Err(Left::Out("no DICOM file (the mark DICM is missing at byte 128)".into()));
    }
    // Lengths that lie never reach a parser that would trust them.
    let (structure, values) = structure::walk(path, &[tags::SOP_CLASS_UID]).map_err(malformed)?;
    let class = Fields::read(values).ok().and_then(|fields| fields.text(tags::SOP_CLASS_UID));
    if class.as_ref().unwrap_or(&structure.media_class_uid) == DIRECTORY {
        return Err(Left::Out("a DICOM directory, which names patients; make a new one for the new files".into()));
    }
    if structure.transfer_syntax == structure::syntax::DEFLATED {
        let reason = "its data set is deflated; convert it to an uncompressed transfer syntax first".to_string();
        return Err(Left::Failed(FormatError::unsupported(path, reason)));
    }
    check_pixel_length(path, &structure).map_err(malformed)?;
    lengths::check(path).map_err(malformed)?;
    let length = std::fs::metadata(path).map_err(|e| Left::Failed(FormatError::read(path, e)))?.len();
    memory::ensure::<u8>(index(length)).map_err(|e| Left::Failed(FormatError::memory(path, e)))?;
    // What follows the pixels is no image: signatures, and bytes that fill up.
    let opened = OpenFileOptions::new().read_until(BEHIND_PIXELS).open_file(path);
    let mut file = opened.map_err(|e| malformed(format!("the data set cannot be read: {why}", why = chain(&e))))?;
    let sets =
        file.get(tags::SPECIFIC_CHARACTER_SET).and_then(|e| e.value().to_multi_str().ok().map(|all| all.to_vec()));
    let has_many_sets = sets.is_some_and(|sets| sets.len() > 1);
    file.convert_to_utf8();
    let mut meta = file.meta().clone();
    let object = file.into_inner();
    let subject = key.subject(&object, studies);
    let mut warnings = warnings::of(&object);
    let mut scrubber = Scrubber::new(wishes, key, &subject, words::of(&object, wishes), has_many_sets);
    let mut object = scrubber.scrub(object, "");
    warnings.append(&mut scrubber.warnings);
    for place in scrubber.words.left_in(&object) {
        warnings
            .push(format!("{place} still holds a word that names the patient; look at it before you share the file"));
    }
    state(&mut object, wishes);
    let text = |tag| {
        let text = object.get(tag).and_then(|e| e.to_str().ok()).unwrap_or_default();
        text.trim_matches(['\0', ' ']).to_string()
    };
    let instance = if text(tags::SOP_INSTANCE_UID).is_empty() {
        key.uid(&meta.media_storage_sop_instance_uid)
    } else {
        text(tags::SOP_INSTANCE_UID)
    };
    let place = PathBuf::from(&subject.name)
        .join(format!("study-{}", key.short(&text(tags::STUDY_INSTANCE_UID))))
        .join(format!("series-{}", key.short(&text(tags::SERIES_INSTANCE_UID))))
        .join(format!("{}.dcm", plain(&instance)));
    meta.media_storage_sop_instance_uid = instance;
    meta.source_application_entity_title = None;
    meta.sending_application_entity_title = None;
    meta.receiving_application_entity_title = None;
    (meta.private_information_creator_uid, meta.private_information) = (None, None);
    meta.implementation_class_uid = IMPLEMENTATION_CLASS_UID.into();
    meta.implementation_version_name = Some(IMPLEMENTATION.into());
    meta.update_information_group_length();
    let changes = std::mem::take(&mut scrubber.changes);
    Ok(Deidentified { object: object.with_exact_meta(meta), changes, warnings, place })
}

impl Deidentified {
    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written, or its text cannot be encoded.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |e: std::io::Error| FormatError::Write { path: path.into(), source: e };
        replace_file(path, |file| self.object.write_all(file).map_err(std::io::Error::other)).map_err(failed)
    }
}

/// A part of a path from a value of a file.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let text: String = text.trim_matches(|c: char| c == '\0' || c == ' ').chars().filter(|c| is_plain(*c)).collect();
    if text.trim_matches('.').is_empty() { "unnamed".into() } else { text }
}

/// Refuses pixels that claim more bytes than the file has; the walk passes over them without reading.
fn check_pixel_length(path: &Path, structure: &Structure) -> std::result::Result<(), String> {
    let Some(PixelData::Native { offset, .. }) = structure.pixel_data else { return Ok(()) };
    let failed = |e: std::io::Error| format!("cannot read the file: {e}");
    let mut file = crate::disk::open_regular_file(path).map_err(failed)?;
    let left = file.metadata().map_err(failed)?.len().saturating_sub(offset);
    let mut bytes = [0; 4];
    file.seek(SeekFrom::Start(offset.saturating_sub(4))).and_then(|_| file.read_exact(&mut bytes)).map_err(failed)?;
    let is_big = structure.transfer_syntax == structure::syntax::EXPLICIT_BIG;
    let claimed = if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    if u64::from(claimed) > left {
        return Err(format!("the pixel data are cut: {left} of {claimed} bytes; copy the file again"));
    }
    Ok(())
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// Says in the file what was done to it (PS3.15 E.1.1, PS3.16 CID 7050).
fn state(object: &mut InMemDicomObject, wishes: &Wishes) {
    let coded = |(value, meaning): &(&str, &str)| {
        InMemDicomObject::from_element_iter([
            DataElement::new(tags::CODE_VALUE, VR::SH, PrimitiveValue::from(*value)),
            DataElement::new(tags::CODING_SCHEME_DESIGNATOR, VR::SH, PrimitiveValue::from("DCM")),
            DataElement::new(tags::CODE_MEANING, VR::LO, PrimitiveValue::from(*meaning)),
        ])
    };
    // What was done to the file before stays said.
    let before = object.take(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE).and_then(|e| e.into_value().into_items());
    let mut items = before.unwrap_or_default().to_vec();
    let code = |item: &InMemDicomObject| {
        item.get(tags::CODE_VALUE).and_then(|e| e.to_str().ok()).map(|code| code.trim().to_string())
    };
    let known: Vec<String> = items.iter().filter_map(code).collect();
    items.extend(wishes.methods().iter().filter(|(value, _)| !known.iter().any(|code| code == value)).map(coded));
    let dates = match wishes.dates {
        Dates::Removed => "REMOVED",
        Dates::Shifted => "MODIFIED",
        Dates::Kept => "UNMODIFIED",
    };
    object.put(DataElement::new(tags::PATIENT_IDENTITY_REMOVED, VR::CS, PrimitiveValue::from("YES")));
    let method = "Lamella: DICOM PS3.15 Annex E, basic profile";
    object.put(DataElement::new(tags::DEIDENTIFICATION_METHOD, VR::LO, PrimitiveValue::from(method)));
    let sequence = dicom::core::value::DataSetSequence::from(items);
    object.put(DataElement::new(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, VR::SQ, sequence));
    object.put(DataElement::new(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, PrimitiveValue::from(dates)));
}

/// Changes of many files: how many files each was made in.
#[derive(Debug, Clone, Default)]
pub struct ChangeCounts(BTreeMap<Change, usize>);

impl ChangeCounts {
    /// Counts the changes of one more file; several of one kind count once.
    pub fn add(&mut self, changes: &[Change]) {
        let once: std::collections::BTreeSet<&Change> = changes.iter().collect();
        for change in once {
            if let Some(count) = self.0.get_mut(change) {
                *count += 1;
            } else {
                self.0.insert(change.clone(), 1);
            }
        }
    }

    /// The changes in the order of the elements, each with its number of files.
    pub fn iter(&self) -> impl Iterator<Item = (&Change, usize)> {
        self.0.iter().map(|(change, count)| (change, *count))
    }
}

/// "(0010,0010)".
fn shown(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}

#[cfg(test)]
mod tests;
