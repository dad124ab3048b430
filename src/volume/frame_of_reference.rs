//! The space that a file says its coordinates are of.

/// Frame of Reference UID (DICOM PS3.3, C.7.4.1): images with the same one have the same coordinates. It is compared, never shown, and
/// written only with a scan that the user keeps in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameOfReference(String);

impl FrameOfReference {
    /// Of a UID; an empty one says nothing.
    pub fn new(uid: &str) -> Option<Self> {
        let uid = uid.trim_matches(['\0', ' ']);
        (!uid.is_empty()).then(|| Self(uid.into()))
    }

    /// The UID.
    pub fn uid(&self) -> &str {
        &self.0
    }
}
