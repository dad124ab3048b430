//! What a data set cannot be freed of: what its pixels show.

use dicom::core::Tag;
use dicom::core::header::Header;
use dicom::dictionary_std::{tags, uids};
use dicom::object::InMemDicomObject;

/// Modalities whose images often have text in their pixels.
const OFTEN_WRITTEN_ON: [&str; 11] = ["US", "ES", "XC", "OT", "SC", "GM", "OP", "RF", "XA", "DOC", "IVUS"];
/// Modalities from which a face can be rendered.
const OF_FACES: [&str; 4] = ["CT", "MR", "PT", "NM"];
/// Parts of the body, as they are written in headers, that have no face.
const WITHOUT_FACE: [&str; 20] = [
    "ABDOMEN", "PELVIS", "CHEST", "THORAX", "KNEE", "ANKLE", "FOOT", "LEG", "HAND", "WRIST", "ELBOW", "SHOULDER",
    "HIP", "LSPINE", "TSPINE", "BREAST", "HEART", "LIVER", "PROSTATE", "KIDNEY",
];

/// What the user must look at before the file is shared.
pub fn of(object: &InMemDicomObject) -> Vec<String> {
    let text = |tag: Tag| {
        let text = object.get(tag).and_then(|e| e.to_str().ok()).unwrap_or_default();
        text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_uppercase()
    };
    let mut warnings = Vec::new();
    let modality = text(tags::MODALITY);
    let has_pixels = object.get(tags::PIXEL_DATA).is_some();
    let is_capture = text(tags::SOP_CLASS_UID).starts_with(uids::SECONDARY_CAPTURE_IMAGE_STORAGE);
    match text(tags::BURNED_IN_ANNOTATION).as_str() {
        "YES" => {
            warnings.push("the file says that text is burned into the pixels (Burned In Annotation is YES)".into());
        }
        "NO" => {}
        _ if has_pixels && (is_capture || OFTEN_WRITTEN_ON.contains(&modality.as_str())) => warnings.push(format!(
            "{} often have text burned into the pixels; look at them",
            if is_capture { "secondary captures".into() } else { format!("images of modality {modality}") }
        )),
        _ => {}
    }
    let part = text(tags::BODY_PART_EXAMINED);
    let shows_no_face = WITHOUT_FACE.iter().any(|known| part.contains(known));
    if text(tags::RECOGNIZABLE_VISUAL_FEATURES) == "YES" {
        warnings.push("the file says that a person can be recognised (Recognizable Visual Features is YES)".into());
    } else if has_pixels && OF_FACES.contains(&modality.as_str()) && !shows_no_face {
        let part = if part.is_empty() { "the body part is not stated".into() } else { format!("body part {part}") };
        warnings.push(format!(
            "a face could be rendered from a {modality} of the head ({part}); deface it if it shows one"
        ));
    }
    let is_embedded = |element: &&dicom::object::mem::InMemElement| {
        let tag = element.tag();
        tag.group() & 0xFF00 == 0x6000 && tag.element() == 0x0102 && element.to_int::<u16>().is_ok_and(|bit| bit > 0)
    };
    if object.iter().any(|element| is_embedded(&element)) {
        warnings.push("an overlay is kept in unused bits of the pixels and may show text".into());
    }
    warnings
}
