//! What a structure set takes over from the images that it was drawn on: whose they are, and where each lies. It is read from their files when
//! it is needed and kept nowhere else.

use std::collections::BTreeMap;
use std::path::Path;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::elements::{Element, Elements, Span};
use crate::formats::dicom::characters::CharacterSets;
use crate::formats::dicom::fields::{number, quoted};
use crate::formats::dicom::structure::dictionary_vr;
use crate::volume::{Vec3, cross, dot};

/// Texts that are taken over.
const KEPT: &[Tag] = &[
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
    tags::FRAME_OF_REFERENCE_UID,
    tags::POSITION_REFERENCE_INDICATOR,
];

/// The plane of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImagePlane {
    /// Unit normal, RAS.
    pub normal: Vec3,
    /// Distance from the origin along the normal in millimetres.
    pub offset_mm: f64,
}

/// The header of an image's file.
#[derive(Default)]
pub struct Origin {
    texts: BTreeMap<Tag, Vec<u8>>,
    /// Media Storage SOP Instance UID.
    media_instance_uid: String,
    charset: Option<Vec<u8>>,
    position: Option<Vec3>,
    directions: Option<[Vec3; 2]>,
    /// Position and directions of each frame, where the file says them frame by frame.
    frames: Vec<(Option<Vec3>, Option<[Vec3; 2]>)>,
}

impl Origin {
    /// Reads a file up to its pixels.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut elements = Elements::open(path)?;
        let whole = elements.whole();
        let mut origin = Self { media_instance_uid: elements.media_instance_uid().into(), ..Self::default() };
        while let Some(element) = elements.next(whole)? {
            match element.tag {
                tags::SPECIFIC_CHARACTER_SET => origin.charset = Some(elements.bytes(&element)?),
                tags::IMAGE_POSITION_PATIENT => origin.position = position(&mut elements, &element)?,
                tags::IMAGE_ORIENTATION_PATIENT => origin.directions = directions(&mut elements, &element)?,
                tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE | tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE => {
                    let sequence = elements.sequence(&element, whole)?;
                    while let Some(item) = elements.item(sequence)? {
                        let frame = frame(&mut elements, item)?;
                        if element.tag == tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE {
                            origin.position = frame.0.or(origin.position);
                            origin.directions = frame.1.or(origin.directions);
                        } else {
                            origin.frames.push(frame);
                        }
                    }
                }
                tag if KEPT.contains(&tag) => {
                    origin.texts.insert(tag, elements.bytes(&element)?);
                }
                tag if tag >= tags::PIXEL_DATA => break,
                _ => elements.skip(&element, whole)?,
            }
        }
        Ok(origin)
    }

    /// SOP Instance UID, or that by which the file is stored; empty where it has neither.
    pub fn instance_uid(&self) -> String {
        let own = self.text(tags::SOP_INSTANCE_UID);
        if own.is_empty() { self.media_instance_uid.clone() } else { own }
    }

    /// A text, empty where the file has none.
    pub fn text(&self, tag: Tag) -> String {
        let Some(bytes) = self.texts.get(&tag) else { return String::new() };
        let text = match self.charset.as_ref().filter(|_| !CharacterSets::is_plain(bytes)) {
            Some(charset) => CharacterSets::read(Some(charset)).decode(bytes, dictionary_vr(tag) == Some(VR::PN)),
            None => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_string()
    }

    /// The plane of the image, or of a frame counted from 1; none where the file does not say it.
    pub fn plane(&self, frame: Option<u32>) -> Option<ImagePlane> {
        let of_frame = frame.and_then(|frame| self.frames.get(usize::try_from(frame).ok()?.checked_sub(1)?));
        let (position, directions) = of_frame.copied().unwrap_or_default();
        let (position, directions) = (position.or(self.position)?, directions.or(self.directions)?);
        let normal = cross(directions[0], directions[1]);
        let length = dot(normal, normal).sqrt();
        let normal = normal.map(|part| part / length);
        (length > 0.5).then(|| ImagePlane { normal, offset_mm: dot(normal, position) })
    }
}

/// Position and directions in the functional groups of a frame (PS3.3, C.7.6.16.2.3 and C.7.6.16.2.4).
fn frame(elements: &mut Elements, groups: Span) -> Result<(Option<Vec3>, Option<[Vec3; 2]>), String> {
    let mut found = (None, None);
    while let Some(group) = elements.next(groups)? {
        if ![tags::PLANE_POSITION_SEQUENCE, tags::PLANE_ORIENTATION_SEQUENCE].contains(&group.tag) {
            elements.skip(&group, groups)?;
            continue;
        }
        let sequence = elements.sequence(&group, groups)?;
        while let Some(item) = elements.item(sequence)? {
            while let Some(element) = elements.next(item)? {
                match element.tag {
                    tags::IMAGE_POSITION_PATIENT => found.0 = position(elements, &element)?,
                    tags::IMAGE_ORIENTATION_PATIENT => found.1 = directions(elements, &element)?,
                    _ => elements.skip(&element, item)?,
                }
            }
        }
    }
    Ok(found)
}

/// From left, posterior, superior to right, anterior, superior.
fn ras([x, y, z]: Vec3) -> Vec3 {
    [-x, -y, z]
}

/// Numbers as the scan was read, which may have decimal commas.
fn numbers(elements: &mut Elements, element: &Element, name: &str) -> Result<Vec<f64>, String> {
    let bytes = elements.bytes(element)?;
    let text = String::from_utf8_lossy(&bytes);
    numbers_in(&text).ok_or_else(|| format!("{name} is {}, which is not a number", quoted(&text)))
}

fn numbers_in(text: &str) -> Option<Vec<f64>> {
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split('\\').map(|part| number(part).map(|(value, _)| value)).collect()
}

fn position(elements: &mut Elements, element: &Element) -> Result<Option<Vec3>, String> {
    let values = numbers(elements, element, "Image Position (Patient)")?;
    Ok(values.first_chunk().copied().map(ras))
}

fn directions(elements: &mut Elements, element: &Element) -> Result<Option<[Vec3; 2]>, String> {
    let values = numbers(elements, element, "Image Orientation (Patient)")?;
    let row = values.first_chunk::<3>().copied();
    let column = values.get(3..).and_then(|rest| rest.first_chunk::<3>()).copied();
    Ok(row.zip(column).map(|(row, column)| [ras(row), ras(column)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_with_decimal_commas_are_read_as_the_scan_is() {
        assert_eq!(numbers_in("-12,5\\0\\3.25 \0"), Some(vec![-12.5, 0.0, 3.25]));
        assert_eq!(numbers_in(" \0"), Some(Vec::new()));
        for text in ["1,5,2", "1.5,2", "inf", "1\\\\2", "x"] {
            assert_eq!(numbers_in(text), None, "{text}");
        }
    }
}
