//! Whose study it is: masks and contours often lack the ID that the images of their study have.

use std::collections::HashMap;
use std::path::Path;

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use crate::formats::dicom::fields::Fields;
use crate::formats::dicom::structure;

const WANTED: [Tag; 4] = [tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE, tags::STUDY_INSTANCE_UID];

/// Who the patients of studies are.
#[derive(Debug, Default)]
pub struct Studies(HashMap<String, String>);

/// What tells one patient from another: the ID, else name and date of birth; nothing where neither is there.
pub fn known_by(id: &str, name: &str, birth_date: &str) -> String {
    let plain = |text: &str| text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_uppercase();
    let id = plain(id);
    if id.is_empty() && !plain(name).is_empty() { plain(name) + &plain(birth_date) } else { id }
}

impl Studies {
    /// Notes whose study a file is of; files that cannot be read say nothing.
    pub fn note(&mut self, found: Option<(String, String)>) {
        if let Some((study, patient)) = found {
            self.0.entry(study).or_insert(patient);
        }
    }

    /// The patient of a study, as [`known_by`] has it.
    pub fn patient(&self, study: &str) -> Option<&str> {
        self.0.get(study).map(String::as_str)
    }
}

/// The study of a file and its patient, where the header tells both.
pub fn study_of(path: &Path) -> Option<(String, String)> {
    let (_, values) = structure::walk(path, &WANTED).ok()?;
    let fields = Fields::read(values).ok()?;
    let text = |tag| fields.text(tag).unwrap_or_default();
    let patient = known_by(&text(tags::PATIENT_ID), &text(tags::PATIENT_NAME), &text(tags::PATIENT_BIRTH_DATE));
    let study = text(tags::STUDY_INSTANCE_UID);
    (!patient.is_empty() && !study.is_empty()).then_some((study, patient))
}
