//! Words that tell who the patient is: taken from the elements that name people and places, looked for everywhere else.

use std::collections::BTreeSet;

use dicom::core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom::core::header::Header;
use dicom::core::{Tag, VR};
use dicom::dictionary_std::{StandardDataDictionary, tags};
use dicom::object::InMemDicomObject;

use super::decide::{Dates, Kept, Wishes, is_text};
use super::shown;

/// Words of fewer letters say nothing; in names two are enough.
const SHORTEST: usize = 3;
const SHORTEST_OF_NAME: usize = 2;
/// A date with marks in it: digits where there are nines.
const DATES_WITH_MARKS: [&str; 2] = ["9999-99-99", "99-99-9999"];
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
    /// Names and numbers as they stand, which may have marks in them, and words of scripts that write without blanks: found also within
    /// other words.
    whole: BTreeSet<String>,
    /// Whether dates are taken out of texts.
    takes_dates: bool,
}

/// The words in an object.
pub fn of(object: &InMemDicomObject, wishes: &Wishes) -> Words {
    let mut words = Words { takes_dates: wishes.dates != Dates::Kept, ..Words::default() };
    words.take(object, wishes, 0);
    words.all.extend(words.of_patient.iter().cloned());
    words
}

fn texts(object: &InMemDicomObject, tag: Tag) -> Vec<String> {
    let Some(element) = object.get(tag) else { return Vec::new() };
    element.value().to_multi_str().map(|all| all.to_vec()).unwrap_or_default()
}

/// Words in capitals, long enough to mean something.
fn parts(text: &str, shortest: usize) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).map(str::to_uppercase);
    words.filter(|word| word.chars().count() >= shortest).collect()
}

/// Whether a text begins with a date that has marks in it, and how many characters that is.
fn date_with_marks(text: &[char]) -> Option<usize> {
    let fits = |(c, wanted): (&char, char)| match wanted {
        '9' => c.is_ascii_digit(),
        _ => matches!(c, '-' | '.' | '/'),
    };
    DATES_WITH_MARKS.iter().map(|form| form.len()).zip(DATES_WITH_MARKS).find_map(|(length, form)| {
        let begin = text.get(..length)?;
        begin.iter().zip(form.chars()).all(fits).then_some(length)
    })
}

impl Words {
    fn take(&mut self, object: &InMemDicomObject, wishes: &Wishes, depth: usize) {
        for element in object {
            let tag = element.tag();
            if let Some(items) = element.items() {
                if depth < DEEPEST {
                    items.iter().for_each(|item| self.take(item, wishes, depth + 1));
                }
                continue;
            }
            let is_place = OF_PLACE.contains(&tag) && !wishes.kept.contains(&Kept::Institution);
            let (is_patient, is_name) = (OF_PATIENT.contains(&tag), element.vr() == VR::PN);
            if !(is_patient || is_name || is_place) {
                continue;
            }
            for text in texts(object, tag) {
                let words = parts(&text, if is_name { SHORTEST_OF_NAME } else { SHORTEST });
                let is_within = |word: &&String| !word.is_ascii() && word.chars().count() >= SHORTEST_OF_NAME;
                self.whole.extend(words.iter().filter(is_within).cloned());
                let plain = text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_uppercase();
                if is_patient && !is_name && plain.chars().count() >= SHORTEST {
                    self.whole.insert(plain);
                }
                if is_patient { self.of_patient.extend(words) } else { self.all.extend(words) }
            }
        }
    }

    /// Whether a text holds a word of the patient.
    fn names_patient(&self, text: &str) -> bool {
        let text = text.to_uppercase();
        parts(&text, SHORTEST_OF_NAME).iter().any(|word| self.of_patient.contains(word))
            || self.whole.iter().any(|word| text.contains(word.as_str()))
    }

    /// A text without them, and without numbers that may be a patient's or a date.
    pub fn cleaned(&self, text: &str) -> String {
        let text = self.without_wholes(text);
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

    /// A text without what is found also within words, and without dates.
    fn without_wholes(&self, text: &str) -> String {
        // Capitals that are as many as the letters that they are of, so that places agree.
        let capital = |c: char| c.to_uppercase().next().filter(|_| c.to_uppercase().count() == 1).unwrap_or(c);
        let (letters, capitals): (Vec<char>, Vec<char>) = text.chars().map(|c| (c, capital(c))).unzip();
        let wholes: Vec<Vec<char>> = self.whole.iter().map(|word| word.chars().collect()).collect();
        let mut clean = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(c) = letters.get(at) {
            let rest = capitals.get(at..).unwrap_or_default();
            let is_inside_number = at > 0 && letters.get(at - 1).is_some_and(char::is_ascii_digit);
            let date = date_with_marks(rest).filter(|_| self.takes_dates && !is_inside_number);
            let word = wholes.iter().filter(|word| rest.starts_with(word)).map(Vec::len).max();
            match date.max(word) {
                Some(length) => {
                    clean.push_str(BLANK);
                    at += length;
                }
                None => {
                    clean.push(*c);
                    at += 1;
                }
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
            let holds = |text: &String| self.names_patient(text);
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
        assert_eq!(words.cleaned("müller, ANN: annual; 4711 Li by Dr. Grey"), "***, ***: annual; *** *** by Dr. ***");
        assert_eq!(words.cleaned("AB-4711 Liver"), "*** Liver");
        assert_eq!(words.cleaned("T1 2024-01-02 20240102 2.1.2024 Somewhere"), "T1 *** *** 2.1.2024 ***");
        let dated = Wishes { dates: Dates::Kept, ..Wishes::default() };
        assert_eq!(of(&object, &dated).cleaned("T1 2024-01-02"), "T1 2024-01-02");
        object.put_str(tags::OTHER_PATIENT_NAMES, VR::PN, "王小明");
        assert_eq!(of(&object, &Wishes::default()).cleaned("王小明头部 T1"), "***头部 T1");
        let kept = Wishes { kept: [Kept::Institution].into(), ..Wishes::default() };
        assert_eq!(of(&object, &kept).cleaned("Somewhere"), "Somewhere");
        let mut other = InMemDicomObject::new_empty();
        other.put_str(tags::SERIES_DESCRIPTION, VR::LO, "for Ann");
        other.put_str(tags::PROTOCOL_NAME, VR::LO, "for Grey");
        assert_eq!(words.left_in(&other), ["(0008,103E) SeriesDescription"]);
    }
}
