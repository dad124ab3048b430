//! New names from old ones: the same for the same, and without the key nobody can tell which was which.

use std::io::Read as _;
use std::path::Path;

use dicom::dictionary_std::tags;
use dicom::object::InMemDicomObject;
use sha2::{Digest, Sha256};

use super::studies::{Studies, known_by};
use crate::disk::open_regular_file;

/// Fewest and most days that dates are shifted by.
const FEWEST_DAYS: i64 = 31;
const MOST_DAYS: i64 = 3650;
/// Longest key that is read from a file.
const LONGEST_KEY: u64 = 1 << 16;
/// Names that do not tell who an old one was.
const DIGITS: usize = 10;

/// The secret from which all new names are made.
#[derive(Clone)]
pub struct Key([u8; 32]);

/// Whose file it is, by its new name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Instead of the name and the ID.
    pub name: String,
    /// How many days dates become earlier.
    pub days: i64,
}

impl Key {
    /// A key that nobody knows.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn random() -> Result<Self, String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| format!("the system gives no random numbers: {e}"))?;
        Ok(Self(bytes))
    }

    /// The key that a text gives, for several runs that shall make the same names.
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The key that a file holds, without the space around it.
    ///
    /// # Errors
    /// When it cannot be read, is empty or too long.
    pub fn read(path: &Path) -> Result<Self, String> {
        let failed = |why: String| format!("cannot read the key {}: {why}", path.display());
        let file = open_regular_file(path).map_err(|e| failed(e.to_string()))?;
        let mut text = Vec::new();
        file.take(LONGEST_KEY + 1).read_to_end(&mut text).map_err(|e| failed(e.to_string()))?;
        let text = text.trim_ascii();
        if text.is_empty() || text.len() as u64 > LONGEST_KEY {
            return Err(failed(format!("a key has 1 to {LONGEST_KEY} bytes, this one {}", text.len())));
        }
        Ok(Self::of(text))
    }

    fn digest(&self, purpose: &str, text: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(purpose);
        hasher.update([0]);
        hasher.update(text);
        // Once more, so that nothing can be appended to a text whose digest is known.
        Sha256::new().chain_update(self.0).chain_update(hasher.finalize()).finalize().into()
    }

    /// The new identifier of an old one: a UUID of version 8 under 2.25 (PS3.5 B.2, RFC 9562 5.8).
    pub fn uid(&self, old: &str) -> String {
        let digest = self.digest("uid", trimmed(old));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes[6] = bytes[6] & 0x0F | 0x80;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        format!("2.25.{}", u128::from_be_bytes(bytes))
    }

    /// A short name for a folder.
    pub fn short(&self, text: &str) -> String {
        hex(&self.digest("folder", trimmed(text)))
    }

    /// Whose object it is: by the ID, else by name and date of birth, else by the patient of its study, else by the study.
    pub fn subject(&self, object: &InMemDicomObject, studies: &Studies) -> Subject {
        let text = |tag| {
            let text = object.get(tag).and_then(|e| e.to_str().ok()).unwrap_or_default();
            trimmed(&text).to_string()
        };
        let own = known_by(&text(tags::PATIENT_ID), &text(tags::PATIENT_NAME), &text(tags::PATIENT_BIRTH_DATE));
        let study = text(tags::STUDY_INSTANCE_UID);
        let of_study = studies.patient(&study).unwrap_or(&study);
        let known = if own.is_empty() { of_study } else { &own };
        let digest = self.digest("subject", known);
        let mut number = [0; 8];
        number.copy_from_slice(&digest[24..]);
        let span = u64::from_be_bytes(number) % (MOST_DAYS - FEWEST_DAYS + 1).unsigned_abs();
        Subject { name: format!("P-{}", hex(&digest)), days: FEWEST_DAYS + i64::try_from(span).unwrap_or(0) }
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).take(DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_key_and_the_old_name_alone() {
        let (a, b) = (Key::of(b"a"), Key::of(b"b"));
        assert_eq!(a.uid("1.2.3"), a.uid("1.2.3\0"));
        assert_ne!(a.uid("1.2.3"), b.uid("1.2.3"));
        assert_ne!(a.uid("1.2.3"), a.uid("1.2.31"));
        for n in 0..200 {
            let uid = a.uid(&n.to_string());
            assert!(uid.len() <= 64 && uid.starts_with("2.25.") && !uid.starts_with("2.25.0"), "{uid}");
        }
        let mut object = InMemDicomObject::new_empty();
        object.put_str(tags::PATIENT_ID, dicom::core::VR::LO, "A 7 ");
        let none = Studies::default();
        let subject = a.subject(&object, &none);
        assert!((31..=3650).contains(&subject.days));
        object.put_str(tags::PATIENT_ID, dicom::core::VR::LO, "a 7");
        object.put_str(tags::PATIENT_NAME, dicom::core::VR::PN, "X");
        assert_eq!(a.subject(&object, &none), subject);
        assert_ne!(b.subject(&object, &none).name, subject.name);
        // A mask without an ID is of the patient whose study it names.
        let mut studies = Studies::default();
        studies.note(Some(("1.2".into(), known_by("a 7", "", ""))));
        let mut mask = InMemDicomObject::new_empty();
        mask.put_str(tags::STUDY_INSTANCE_UID, dicom::core::VR::UI, "1.2");
        assert_eq!(a.subject(&mask, &studies), subject);
        assert_ne!(a.subject(&mask, &none), subject);
    }
}
