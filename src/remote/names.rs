//! Names that DICOM gives to things: checked once, where they come in.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::error::RemoteError;

/// Title of an application entity: 1 to 16 characters of ASCII without `\`, no spaces around it (PS3.5, value representation AE).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AeTitle(String);

impl AeTitle {
    /// Most characters of a title.
    const LONGEST: usize = 16;

    /// A title as the user wrote it.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for what is no title.
    pub fn new(text: &str) -> Result<Self, RemoteError> {
        let title = text.trim();
        let is_title = (1..=Self::LONGEST).contains(&title.len())
            && title.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\\');
        if is_title {
            return Ok(Self(title.to_string()));
        }
        Err(RemoteError::Wrong(format!(
            "{text:?} is no AE title: it has 1 to {} letters, digits and signs of ASCII, and no backslash",
            Self::LONGEST
        )))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AeTitle {
    /// How the program calls itself unless the user says otherwise.
    fn default() -> Self {
        Self("LAMELLA".into())
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AeTitle {
    type Error = RemoteError;

    fn try_from(text: String) -> Result<Self, RemoteError> {
        Self::new(&text)
    }
}

impl From<AeTitle> for String {
    fn from(title: AeTitle) -> Self {
        title.0
    }
}

/// A unique identifier of a study, series or instance. Letters and `-` are taken too, for there are archives that have them; what could
/// lead a file name elsewhere is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uid(String);

impl Uid {
    /// Most characters of an identifier (PS3.5, value representation UI).
    const LONGEST: usize = 64;

    /// An identifier, without the zeros and spaces that pad it.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for what is none.
    pub fn new(text: &str) -> Result<Self, RemoteError> {
        let uid = text.trim_matches(['\0', ' ']);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if (1..=Self::LONGEST).contains(&uid.len())
            && !uid.starts_with('.')
            && !uid.ends_with('.')
            && uid.bytes().all(is_plain)
        {
            return Ok(Self(uid.to_string()));
        }
        let shown: String = uid.chars().take(80).collect();
        Err(RemoteError::Wrong(format!("{shown:?} is no UID: it has 1 to {} digits and dots", Self::LONGEST)))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its text as a name of a file or folder: signs other than digits and dots are written by their codes, for there are file systems that
    /// do not tell capitals, and words that no file may be called by.
    pub fn on_disk(&self) -> String {
        let mut name = String::new();
        for byte in self.0.bytes() {
            if byte.is_ascii_digit() || byte == b'.' {
                name.push(char::from(byte));
            } else {
                // Writing into a text cannot fail.
                let _ = write!(name, "_{byte:02x}");
            }
        }
        name
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Uid {
    type Error = RemoteError;

    fn try_from(text: String) -> Result<Self, RemoteError> {
        Self::new(&text)
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_identifiers_are_checked_where_they_come_in() {
        assert_eq!(AeTitle::new(" ORTHANC ").unwrap().as_str(), "ORTHANC");
        for wrong in ["", "   ", "SEVENTEEN_LETTERS", "A\\B", "Ä", "A\nB"] {
            assert!(AeTitle::new(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(Uid::new("1.2.840\0").unwrap().as_str(), "1.2.840");
        let long = "1".repeat(65);
        for wrong in ["", "..", "../x", "1/2", "1\\2", ".1", "1.", "1 2", long.as_str()] {
            assert!(Uid::new(wrong).is_err(), "{wrong:?}");
        }
        assert!(serde_json::from_str::<Uid>("\"../x\"").is_err());
    }
}
