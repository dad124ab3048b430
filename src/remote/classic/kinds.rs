//! Kinds of objects and how their data sets are laid out, as associations name them.

use dicom::core::dictionary::UidDictionary as _;
use dicom_dictionary_std::{StandardSopClassDictionary, uids};

/// Layouts of files that are taken, in the order of preference. Compressed pixels are kept as they are.
pub const SYNTAXES: [&str; 15] = [
    uids::EXPLICIT_VR_LITTLE_ENDIAN,
    uids::IMPLICIT_VR_LITTLE_ENDIAN,
    uids::JPEG2000_LOSSLESS,
    uids::JPEG2000,
    uids::JPEG_LOSSLESS_SV1,
    uids::JPEG_LOSSLESS,
    uids::JPEGLS_LOSSLESS,
    uids::JPEGLS_NEAR_LOSSLESS,
    uids::RLE_LOSSLESS,
    uids::JPEG_BASELINE8_BIT,
    uids::JPEG_EXTENDED12_BIT,
    uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_BIG,
    uids::HTJ2K_LOSSLESS,
    uids::HTJ2K,
];

/// Explicit VR Big Endian, retired.
const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

/// Layouts of queries and answers.
pub const PLAIN: [&str; 2] = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN];

/// Verification: C-ECHO.
pub const VERIFICATION: &str = uids::VERIFICATION;
/// C-FIND, study root.
pub const FIND: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_FIND;
/// C-GET, study root.
pub const GET: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_GET;
/// C-MOVE, study root.
pub const MOVE: &str = uids::STUDY_ROOT_QUERY_RETRIEVE_INFORMATION_MODEL_MOVE;

/// The name of a kind of object, with its UID.
pub fn name_of(class: &str) -> String {
    match StandardSopClassDictionary.by_uid(class) {
        Some(entry) => format!("{} ({class})", entry.name),
        None => format!("the class {class}"),
    }
}

/// Whether a class may be one of stored objects: those of the standard and of makers, not those of services.
pub fn may_be_stored(class: &str) -> bool {
    const STORAGE: [&str; 2] = ["1.2.840.10008.5.1.4.1.1.", "1.2.840.10008.5.1.4.34."];
    !class.starts_with("1.2.840.10008.") || STORAGE.iter().any(|start| class.starts_with(start))
}
