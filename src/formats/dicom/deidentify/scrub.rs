//! Going through a data set, element by element and into sequences.

use dicom::core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom::core::header::{HasLength, Header};
use dicom::core::value::{DataSetSequence, Value};
use dicom::core::{DataElement, PrimitiveValue, Tag, VR};
use dicom::dictionary_std::{StandardDataDictionary, tags};
use dicom::object::InMemDicomObject;
use dicom::object::mem::InMemElement;

use super::decide::{Fate, Wishes, fate, is_text};
use super::key::{Key, Subject};
use super::values::{dummy, shifted};
use super::words::Words;
use super::{Change, Done, shown};

/// Begins the marks by which texts change their character set.
const ESCAPE: u8 = 0x1B;
/// Identifiers of the standard itself.
const OF_STANDARD: &str = "1.2.840.10008.";

/// Overlay Data, in any of the groups of overlays.
const OVERLAY_DATA: u16 = 0x3000;

/// Frees data sets of one patient.
pub struct Scrubber<'a> {
    wishes: &'a Wishes,
    key: &'a Key,
    subject: &'a Subject,
    /// Whether texts are in several character sets, of which dicom-rs reads the first.
    has_many_sets: bool,
    /// What names the patient.
    pub words: Words,
    /// What was done so far.
    pub changes: Vec<Change>,
    /// What could not be done as wished.
    pub warnings: Vec<String>,
}

impl<'a> Scrubber<'a> {
    pub fn new(wishes: &'a Wishes, key: &'a Key, subject: &'a Subject, words: Words, has_many_sets: bool) -> Self {
        Self { wishes, key, subject, has_many_sets, words, changes: Vec::new(), warnings: Vec::new() }
    }

    /// A data set without its patient; `above` are the sequences that it stands in.
    pub fn scrub(&mut self, object: InMemDicomObject, above: &str) -> InMemDicomObject {
        // An overlay without its data is none.
        let loses_data = |tag: Tag| tag.group() & 0xFF00 == 0x6000 && tag.element() == OVERLAY_DATA;
        let overlays: Vec<u16> = object.tags().filter(|tag| loses_data(*tag)).map(Tag::group).collect();
        let mut clean = InMemDicomObject::new_empty();
        for element in object {
            let tag = element.tag();
            if overlays.contains(&tag.group()) {
                self.note(tag, above, Done::Removed);
            } else if let Some(kept) = self.one(element, above) {
                clean.put(kept);
            }
        }
        clean
    }

    fn note(&mut self, tag: Tag, above: &str, what: Done) {
        let name = StandardDataDictionary.by_tag(tag).map_or("", DataDictionaryEntry::alias);
        let name = if tag.group() % 2 == 1 { "" } else { name };
        self.changes.push(Change { place: format!("{above}{}", shown(tag)), name: name.into(), what });
    }

    /// An element as it stays; none where it goes.
    fn one(&mut self, element: InMemElement, above: &str) -> Option<InMemElement> {
        let element = recognised(element);
        let (tag, vr) = (element.tag(), element.vr());
        // Names that the tables of hospitals go by are the same new name everywhere.
        if matches!(tag, tags::PATIENT_NAME | tags::PATIENT_ID) {
            self.note(tag, above, Done::Replaced);
            return Some(DataElement::new(tag, vr, PrimitiveValue::from(self.subject.name.as_str())));
        }
        match fate(tag, vr, self.wishes) {
            Fate::Goes => {
                self.note(tag, above, Done::Removed);
                None
            }
            Fate::Empty => {
                let is_empty = element.value().length().0 == 0;
                if !is_empty {
                    self.note(tag, above, Done::Emptied);
                }
                Some(empty(tag, vr))
            }
            Fate::Dummy => self.dummy(tag, vr, above),
            Fate::Uid if vr == VR::UI || is_text(vr) => Some(self.renamed(&element, above)),
            Fate::Uid if vr != VR::SQ => {
                self.note(tag, above, Done::Removed);
                None
            }
            // The letter U stands at sequences too: what is inside is looked at.
            Fate::Stays | Fate::Uid => self.kept(element, above),
            Fate::Shifted => self.shifted(element, above),
            Fate::Cleaned => Some(self.cleaned(element, above)),
        }
    }

    /// An element that stays; text that cannot be read rightly goes.
    fn kept(&mut self, element: InMemElement, above: &str) -> Option<InMemElement> {
        let (tag, vr) = (element.tag(), element.vr());
        // The outermost data set says how all text is written.
        if tag == tags::SPECIFIC_CHARACTER_SET && !above.is_empty() {
            return None;
        }
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii() && byte != ESCAPE);
        if self.has_many_sets && is_text(vr) && !element.to_str().is_ok_and(|text| is_plain(&text)) {
            self.note(tag, above, Done::Emptied);
            return Some(empty(tag, vr));
        }
        Some(self.looked_into(element, above))
    }

    fn looked_into(&mut self, element: InMemElement, above: &str) -> InMemElement {
        let (tag, vr) = (element.tag(), element.vr());
        if element.items().is_none() {
            return element;
        }
        let inside = format!("{above}{} > ", shown(tag));
        let items = element.into_value().into_items().unwrap_or_default();
        let items: Vec<InMemDicomObject> = items.into_iter().map(|item| self.scrub(item, &inside)).collect();
        DataElement::new(tag, vr, DataSetSequence::from(items))
    }

    fn dummy(&mut self, tag: Tag, vr: VR, above: &str) -> Option<InMemElement> {
        self.note(tag, above, Done::Replaced);
        if vr == VR::SQ {
            return Some(DataElement::new(tag, vr, DataSetSequence::from(vec![InMemDicomObject::new_empty()])));
        }
        if vr == VR::UI {
            return Some(DataElement::new(tag, vr, PrimitiveValue::from(self.key.uid(&shown(tag)))));
        }
        dummy(vr).map(|value| DataElement::new(tag, vr, value))
    }

    fn renamed(&mut self, element: &InMemElement, above: &str) -> InMemElement {
        let (tag, vr) = (element.tag(), element.vr());
        let old = element.value().to_multi_str().map(|all| all.to_vec()).unwrap_or_default();
        let is_empty = |uid: &String| uid.trim_matches(|c: char| c == '\0' || c == ' ').is_empty();
        if old.iter().all(is_empty) {
            return empty(tag, vr);
        }
        self.note(tag, above, Done::Renamed);
        let is_of_standard = |uid: &String| uid.starts_with(OF_STANDARD);
        let new = |uid: &String| match uid {
            uid if is_empty(uid) => String::new(),
            uid if is_of_standard(uid) => uid.clone(),
            uid => self.key.uid(uid),
        };
        let new: Vec<String> = old.iter().map(new).collect();
        DataElement::new(tag, vr, PrimitiveValue::Strs(new.into()))
    }

    /// The time of day alone tells no day, and stays.
    fn shifted(&mut self, element: InMemElement, above: &str) -> Option<InMemElement> {
        let (tag, vr) = (element.tag(), element.vr());
        if vr == VR::TM || element.value().length().0 == 0 {
            return Some(element);
        }
        let old = element.value().to_multi_str().map(|all| all.to_vec()).unwrap_or_default();
        let new: Option<Vec<String>> = old.iter().map(|date| shifted(date, self.subject.days)).collect();
        match new {
            Some(new) if !new.is_empty() => {
                self.note(tag, above, Done::Shifted);
                Some(DataElement::new(tag, vr, PrimitiveValue::Strs(new.into())))
            }
            _ => {
                self.warnings.push(format!("{above}{} is no date that can be shifted and was replaced", shown(tag)));
                self.dummy(tag, vr, above)
            }
        }
    }

    fn cleaned(&mut self, element: InMemElement, above: &str) -> InMemElement {
        let (tag, vr) = (element.tag(), element.vr());
        let Ok(old) = element.value().to_multi_str().map(|all| all.to_vec()) else { return empty(tag, vr) };
        let new: Vec<String> = old.iter().map(|text| self.words.cleaned(text)).collect();
        if new == old {
            return element;
        }
        self.note(tag, above, Done::Cleaned);
        DataElement::new(tag, vr, PrimitiveValue::Strs(new.into()))
    }
}

/// An element whose representation a program did not know, with the one that the standard gives it. Such values are little-endian bytes
/// (PS3.5 6.2.2); those of sequences stay as they are.
fn recognised(element: InMemElement) -> InMemElement {
    let tag = element.tag();
    let known = StandardDataDictionary.by_tag(tag).map(|entry| entry.vr().relaxed());
    match (element.vr(), known, element.value().primitive()) {
        (VR::UN, Some(vr), Some(value)) if !matches!(vr, VR::SQ | VR::UN) => {
            let bytes = value.to_bytes().into_owned();
            let is_words =
                is_text(vr) || matches!(vr, VR::UI | VR::DA | VR::TM | VR::DT | VR::AS | VR::DS | VR::IS | VR::UR);
            let value = if is_words {
                PrimitiveValue::from(String::from_utf8_lossy(&bytes).into_owned())
            } else {
                PrimitiveValue::U8(bytes.into())
            };
            DataElement::new(tag, vr, value)
        }
        _ => element,
    }
}

fn empty(tag: Tag, vr: VR) -> InMemElement {
    let value = if vr == VR::SQ { Value::from(DataSetSequence::empty()) } else { Value::from(PrimitiveValue::Empty) };
    DataElement::new(tag, vr, value)
}
