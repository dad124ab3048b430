//! What a DICOM object is, whatever it holds, for whoever passes it on: its names, and whether its file is whole.

use std::collections::BTreeMap;
use std::path::Path;

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::fields::Fields;
use super::instance::Refusal;
use super::structure;

const WANTED: [Tag; 4] =
    [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID, tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID];

/// The names of a DICOM object and how its file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectNames {
    /// SOP Class UID.
    pub class_uid: String,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Study Instance UID; empty where the object has none.
    pub study_uid: String,
    /// Series Instance UID; empty where the object has none.
    pub series_uid: String,
    /// Transfer Syntax UID of the data set.
    pub transfer_syntax: String,
    /// Bytes of the file before those of the data set.
    pub head: u64,
}

/// The names of the object in a file of any class, after a walk up to its pixel data.
///
/// # Errors
/// A sentence for what is no DICOM object, has no name, or is cut.
pub fn object_names(path: &Path) -> Result<ObjectNames, String> {
    let (structure, values) = structure::walk(path, &WANTED)?;
    let fields = Fields::read(values).map_err(said)?;
    let text = |tag| fields.text(tag).unwrap_or_default();
    let or_else = |text: String, other: &str| if text.is_empty() { other.to_string() } else { text };
    let names = ObjectNames {
        class_uid: or_else(text(tags::SOP_CLASS_UID), &structure.media_class_uid),
        instance_uid: or_else(text(tags::SOP_INSTANCE_UID), &structure.media_instance_uid),
        study_uid: text(tags::STUDY_INSTANCE_UID),
        series_uid: text(tags::SERIES_INSTANCE_UID),
        transfer_syntax: structure.transfer_syntax,
        head: structure.head,
    };
    match (names.class_uid.is_empty(), names.instance_uid.is_empty()) {
        (true, _) => Err("it has no SOP Class UID".into()),
        (_, true) => Err("it has no SOP Instance UID".into()),
        _ if !structure.is_closed => Err("the end of its pixel data is missing".into()),
        _ => Ok(names),
    }
}

/// The texts of elements in a data set that lies in memory, by their tags; elements that are not there or hold no text are left out.
///
/// # Errors
/// A sentence for a data set that breaks the rules.
pub fn texts_of(
    data_set: Vec<u8>,
    transfer_syntax: &str,
    wanted: &[(u16, u16)],
) -> Result<BTreeMap<(u16, u16), String>, String> {
    let mut tags: Vec<Tag> = wanted.iter().map(|&(group, element)| Tag(group, element)).collect();
    tags.push(tags::SPECIFIC_CHARACTER_SET);
    tags.sort_unstable();
    let fields = Fields::read(structure::walk_bytes(data_set, transfer_syntax, &tags)?).map_err(said)?;
    let text = |&(group, element): &(u16, u16)| Some(((group, element), fields.text(Tag(group, element))?));
    Ok(wanted.iter().filter_map(text).collect())
}

fn said(refusal: Refusal) -> String {
    match refusal {
        Refusal::Malformed(text) | Refusal::OtherObject(text) => text,
        Refusal::Segmentation => "a segmentation".into(),
    }
}
