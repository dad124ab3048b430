//! Data sets of queries and their answers: texts of elements.

use std::collections::BTreeMap;

use dicom_dictionary_std::uids;

use crate::formats::texts_of;

/// An element by its group and number.
pub type Element = (u16, u16);

/// Elements that queries name.
pub mod element {
    use super::Element;

    pub const CHARACTER_SET: Element = (0x0008, 0x0005);
    pub const CLASS: Element = (0x0008, 0x0016);
    pub const INSTANCE: Element = (0x0008, 0x0018);
    pub const STUDY_DATE: Element = (0x0008, 0x0020);
    pub const STUDY_TIME: Element = (0x0008, 0x0030);
    pub const ACCESSION: Element = (0x0008, 0x0050);
    pub const LEVEL: Element = (0x0008, 0x0052);
    pub const MODALITY: Element = (0x0008, 0x0060);
    pub const MODALITIES: Element = (0x0008, 0x0061);
    pub const STUDY_DESCRIPTION: Element = (0x0008, 0x1030);
    pub const SERIES_DESCRIPTION: Element = (0x0008, 0x103E);
    pub const PATIENT_NAME: Element = (0x0010, 0x0010);
    pub const PATIENT_ID: Element = (0x0010, 0x0020);
    pub const BIRTH_DATE: Element = (0x0010, 0x0030);
    pub const STUDY: Element = (0x0020, 0x000D);
    pub const SERIES: Element = (0x0020, 0x000E);
    pub const SERIES_NUMBER: Element = (0x0020, 0x0011);
    pub const SERIES_IN_STUDY: Element = (0x0020, 0x1206);
    pub const INSTANCES_IN_STUDY: Element = (0x0020, 0x1208);
    pub const INSTANCES_IN_SERIES: Element = (0x0020, 0x1209);
}

/// Most bytes of one answer.
pub const MOST_BYTES: usize = 1 << 20;

/// A query or an answer: texts by element; empty ones are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identifier(BTreeMap<Element, String>);

impl Identifier {
    /// The same with a text to match.
    #[must_use]
    pub fn with(mut self, element: Element, text: &str) -> Self {
        self.0.insert(element, text.into());
        self
    }

    /// The same, asking for elements too.
    #[must_use]
    pub fn asking(mut self, elements: &[Element]) -> Self {
        for &element in elements {
            self.0.entry(element).or_default();
        }
        self
    }

    /// The text of an element, empty where there is none.
    pub fn text(&self, element: Element) -> &str {
        self.0.get(&element).map(String::as_str).unwrap_or_default()
    }

    /// Its bytes in a transfer syntax of [`PLAIN`](super::kinds::PLAIN).
    pub fn encode(&self, syntax: &str) -> Vec<u8> {
        let is_implicit = syntax == uids::IMPLICIT_VR_LITTLE_ENDIAN;
        let mut all = self.0.clone();
        if all.values().any(|text| !text.is_ascii()) {
            all.insert(element::CHARACTER_SET, "ISO_IR 192".into());
        }
        let mut bytes = Vec::new();
        for ((group, element), text) in all {
            let vr = representation((group, element));
            let mut value = text.into_bytes();
            if value.len() % 2 == 1 {
                value.push(if vr == b"UI" { 0 } else { b' ' });
            }
            // What the user may write is short; the command line has its own limits.
            value.truncate(0xFFFE);
            bytes.extend(group.to_le_bytes());
            bytes.extend(element.to_le_bytes());
            if is_implicit {
                bytes.extend(u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
            } else {
                bytes.extend(vr);
                bytes.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
            }
            bytes.extend(value);
        }
        bytes
    }

    /// The texts of these elements in an answer.
    ///
    /// # Errors
    /// A sentence for bytes that are no data set.
    pub fn decode(bytes: Vec<u8>, syntax: &str, wanted: &[Element]) -> Result<Self, String> {
        texts_of(bytes, syntax, wanted).map(Self)
    }

    /// The elements that are asked for.
    pub fn elements(&self) -> Vec<Element> {
        self.0.keys().copied().collect()
    }
}

/// Value representations of the elements above (PS3.6).
fn representation(of: Element) -> &'static [u8; 2] {
    match of {
        element::CLASS | element::INSTANCE | element::STUDY | element::SERIES => b"UI",
        element::STUDY_DATE | element::BIRTH_DATE => b"DA",
        element::STUDY_TIME => b"TM",
        element::ACCESSION => b"SH",
        element::PATIENT_NAME => b"PN",
        element::STUDY_DESCRIPTION | element::SERIES_DESCRIPTION | element::PATIENT_ID => b"LO",
        element::SERIES_NUMBER
        | element::SERIES_IN_STUDY
        | element::INSTANCES_IN_STUDY
        | element::INSTANCES_IN_SERIES => b"IS",
        _ => b"CS",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_is_laid_out_as_the_standard_says() {
        let query = Identifier::default().with(element::LEVEL, "STUDY").asking(&[element::STUDY]);
        let explicit = b"\x08\x00\x52\x00CS\x06\x00STUDY \x20\x00\x0D\x00UI\x00\x00";
        assert_eq!(query.encode(uids::EXPLICIT_VR_LITTLE_ENDIAN), explicit);
        let implicit = b"\x08\x00\x52\x00\x06\x00\x00\x00STUDY \x20\x00\x0D\x00\x00\x00\x00\x00";
        assert_eq!(query.encode(uids::IMPLICIT_VR_LITTLE_ENDIAN), implicit);
    }

    #[test]
    fn names_come_back_in_every_character_set() {
        for syntax in super::super::kinds::PLAIN {
            let query = Identifier::default().with(element::PATIENT_NAME, "M\u{fc}ller^\u{160}a");
            let read = Identifier::decode(query.encode(syntax), syntax, &[element::PATIENT_NAME]).unwrap();
            assert_eq!(read, query);
        }
        let latin = b"\x08\x00\x05\x00CS\x0A\x00ISO_IR 100\x10\x00\x10\x00PN\x06\x00M\xFCller";
        let read =
            Identifier::decode(latin.to_vec(), uids::EXPLICIT_VR_LITTLE_ENDIAN, &[element::PATIENT_NAME]).unwrap();
        assert_eq!(read.text(element::PATIENT_NAME), "M\u{fc}ller");
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for syntax in super::super::kinds::PLAIN {
                let _ = Identifier::decode(bytes.clone(), syntax, &[element::PATIENT_NAME, element::SERIES_NUMBER]);
            }
        }
    }
}
