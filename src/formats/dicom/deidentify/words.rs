//! Words that tell who the patient is: taken from the elements that name people and places, looked for everywhere else.

use std::collections::BTreeSet;

use dicom::core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom::core::header::Header;
use dicom::core::{Tag, VR};
use dicom::dictionary_std::{StandardDataDictionary, tags};
use dicom::object::InMemDicomObject;

use super::decide::{Kept, Wishes, is_text};
use super::shown;

/// Words of fewer letters are in other words by chance.
const SHORTEST: usize = 3;
/// Digits in a row that may be a number of a patient.
const LONG_NUMBER: usize = 6;
/// Instead of a word.
const BLANK: &str = "***";
/// How deep sequences are looked through; the walk over the file has refused deeper ones.
const DEEPEST: usize = 64;

/// Other Patient IDs: retired, and still in files.
const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);

const OF_PATIENT: [Tag; 9] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::OTHER_PATIENT_NAMES,
    OTHER_PATIENT_IDS,
    tags::PATIENT_BIRTH_NAME,
    tags::PATIENT_MOTHER_BIRTH_NAME,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_ADDRESS,
    tags::ACCESSION_NUMBER,
];

const OF_PLACE: [Tag; 2] = [tags::INSTITUTION_NAME, tags::INSTITUTION_ADDRESS];

/// What tells who the patient is, in capitals.
#[derive(Debug, Default, Clone)]
pub struct Words {
    all: BTreeSet<String>,
    of_patient: BTreeSet<String>,
}

/// The words in an object.
pub fn of(object: &InMemDicomObject, wishes: &Wishes) -> Words {
    let mut words = Words::default();
    for tag in OF_PATIENT {
        words.of_patient.extend(texts(object, tag).iter().flat_map(|text| parts(text)));
    }
    words.all.clone_from(&words.of_patient);
    let people = object.iter().filter(|element| element.vr() == VR::PN).map(Header::tag);
    let places = OF_PLACE.into_iter().filter(|_| !wishes.kept.contains(&Kept::Institution));
    for tag in people.chain(places) {
        words.all.extend(texts(object, tag).iter().flat_map(|text| parts(text)));
    }
    words
}

fn texts(object: &InMemDicomObject, tag: Tag) -> Vec<String> {
    let Some(element) = object.get(tag) else { return Vec::new() };
    element.value().to_multi_str().map(|all| all.to_vec()).unwrap_or_default()
}

/// Words in capitals, long enough to mean something.
fn parts(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_uppercase);
    words.filter(|word| word.chars().count() >= SHORTEST).collect()
}

impl Words {
    /// A text without them, and without numbers that may be a patient's or a date.
    pub fn cleaned(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars().chain(['\0']) {
            if c.is_alphanumeric() {
                word.push(c);
                continue;
            }
            let digits = word.chars().filter(char::is_ascii_digit).count();
            let tells = self.all.contains(&word.to_uppercase()) || digits >= LONG_NUMBER;
            clean.push_str(if tells { BLANK } else { &word });
            word.clear();
            if c != '\0' {
                clean.push(c);
            }
        }
        clean
    }

    /// Where words of the patient still stand: elements by tag and name.
    pub fn left_in(&self, object: &InMemDicomObject) -> Vec<String> {
        let mut found = Vec::new();
        self.look(object, "", 0, &mut found);
        found
    }

    fn look(&self, object: &InMemDicomObject, above: &str, depth: usize, found: &mut Vec<String>) {
        for element in object {
            let place = format!("{above}{}", shown(element.tag()));
            if let Some(items) = element.items() {
                if depth < DEEPEST {
                    items.iter().for_each(|item| self.look(item, &format!("{place} > "), depth + 1, found));
                }
                continue;
            }
            let is_looked_at = is_text(element.vr()) && element.vr() != VR::CS;
            let holds = |text: &String| parts(text).iter().any(|word| self.of_patient.contains(word));
            if is_looked_at && element.value().to_multi_str().is_ok_and(|all| all.iter().any(holds)) {
                let name = StandardDataDictionary.by_tag(element.tag()).map_or("", DataDictionaryEntry::alias);
                found.push(format!("{place} {name}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_patient_go_whole_and_others_stay() {
        let mut object = InMemDicomObject::new_empty();
        object.put_str(tags::PATIENT_NAME, VR::PN, "Müller^Ann Li");
        object.put_str(tags::PATIENT_ID, VR::LO, "AB-4711");
        object.put_str(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Grey^M");
        object.put_str(tags::INSTITUTION_NAME, VR::LO, "St. Somewhere");
        let words = of(&object, &Wishes::default());
        assert_eq!(words.cleaned("müller, ANN: annual; 4711 Li by Dr. Grey"), "***, ***: annual; *** Li by Dr. ***");
        assert_eq!(words.cleaned("T1 2024-01-02 20240102 Somewhere"), "T1 2024-01-02 *** ***");
        let kept = Wishes { kept: [Kept::Institution].into(), ..Wishes::default() };
        assert_eq!(of(&object, &kept).cleaned("Somewhere"), "Somewhere");
        let mut other = InMemDicomObject::new_empty();
        other.put_str(tags::SERIES_DESCRIPTION, VR::LO, "for Ann");
        other.put_str(tags::PROTOCOL_NAME, VR::LO, "for Grey");
        assert_eq!(words.left_in(&other), ["(0008,103E) SeriesDescription"]);
    }
}
