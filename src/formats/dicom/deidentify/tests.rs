//! Data sets without their patients.

use dicom::core::value::DataSetSequence;
use dicom::core::{DataElement, PrimitiveValue, Tag, VR};
use dicom::dictionary_std::{tags, uids};
use dicom::object::{FileMetaTableBuilder, InMemDicomObject};

use super::*;

fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    Some(object.get(tag)?.to_str().ok()?.trim_end_matches('\0').to_string())
}

/// A file with a name in every kind of place.
fn written(path: &Path) {
    let reference = InMemDicomObject::from_element_iter([
        DataElement::new(tags::REFERENCED_SOP_CLASS_UID, VR::UI, PrimitiveValue::from(uids::CT_IMAGE_STORAGE)),
        DataElement::new(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, PrimitiveValue::from("1.2.3.4.6")),
        DataElement::new(tags::RETRIEVE_AE_TITLE, VR::AE, PrimitiveValue::from("ROENTGEN")),
    ]);
    let mut object = InMemDicomObject::new_empty();
    for (tag, vr, value) in [
        (tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE),
        (tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4.5"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.4"),
        (tags::STUDY_DATE, VR::DA, "20240301"),
        (tags::STUDY_TIME, VR::TM, "101112"),
        (tags::ACQUISITION_DATE_TIME, VR::DT, "20240301101112.5"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::PATIENT_NAME, VR::PN, "Doe^Jane"),
        (tags::PATIENT_ID, VR::LO, "4711007"),
        (tags::PATIENT_BIRTH_DATE, VR::DA, "19500505"),
        (tags::PATIENT_SEX, VR::CS, "F"),
        (tags::PATIENT_AGE, VR::AS, "074Y"),
        (tags::INSTITUTION_NAME, VR::LO, "Bay Clinic"),
        (tags::MANUFACTURER, VR::LO, "Maker"),
        (tags::DEVICE_SERIAL_NUMBER, VR::LO, "SN-1"),
        (tags::SERIES_DESCRIPTION, VR::LO, "Thorax Doe 5 mm"),
        (tags::BODY_PART_EXAMINED, VR::CS, "CHEST"),
        (tags::ROWS, VR::US, ""),
    ] {
        if !value.is_empty() {
            object.put_str(tag, vr, value);
        }
    }
    object.put(DataElement::new(tags::ROWS, VR::US, PrimitiveValue::from(2_u16)));
    object.put(DataElement::new(Tag(0x0009, 0x0010), VR::LO, PrimitiveValue::from("MAKER")));
    object.put(DataElement::new(Tag(0x0009, 0x1001), VR::LO, PrimitiveValue::from("Doe^Jane")));
    object.put(DataElement::new(Tag(0x6000, 0x0010), VR::US, PrimitiveValue::from(2_u16)));
    object.put(DataElement::new(Tag(0x6000, 0x3000), VR::OB, PrimitiveValue::U8(vec![1, 2].into())));
    object.put(DataElement::new(Tag(0x0008, 0x0FFE), VR::LO, PrimitiveValue::from("nobody knows this one")));
    object.put(DataElement::new(tags::REFERENCED_IMAGE_SEQUENCE, VR::SQ, DataSetSequence::from(vec![reference])));
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8(vec![9, 8, 7, 6].into())));
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid("1.2.3.4.5")
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .source_application_entity_title("JANE");
    object.with_meta(meta).unwrap().write_to_file(path).unwrap();
}

fn scrubbed(wishes: &Wishes) -> (InMemDicomObject, Deidentified) {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("a.dcm"), folder.path().join("b.dcm"));
    written(&path);
    let clean = deidentify(&path, wishes, &Key::of(b"k"), &Studies::default()).unwrap();
    clean.write(&out).unwrap();
    let bytes = std::fs::read(&out).unwrap();
    assert!(!bytes.windows(4).any(|w| w == b"JANE" || w == b"Jane"));
    let read = dicom::object::open_file(&out).unwrap();
    assert_eq!(
        Some(read.meta().media_storage_sop_instance_uid.trim_end_matches('\0').to_string()),
        text(&read, tags::SOP_INSTANCE_UID)
    );
    (read.into_inner(), clean)
}

#[test]
fn the_basic_profile_leaves_images_and_takes_people_places_and_dates() {
    let key = Key::of(b"k");
    let (object, clean) = scrubbed(&Wishes::default());
    for gone in [
        tags::PATIENT_AGE,
        tags::SERIES_DESCRIPTION,
        Tag(0x0009, 0x0010),
        Tag(0x0009, 0x1001),
        Tag(0x6000, 0x0010),
        Tag(0x6000, 0x3000),
        Tag(0x0008, 0x0FFE),
    ] {
        assert!(object.get(gone).is_none(), "{gone}");
    }
    for empty in [tags::PATIENT_BIRTH_DATE, tags::PATIENT_SEX, tags::STUDY_DATE] {
        assert_eq!(text(&object, empty).as_deref(), Some(""), "{empty}");
    }
    assert_eq!(text(&object, tags::INSTITUTION_NAME).as_deref(), Some("ANONYMIZED"));
    let name = text(&object, tags::PATIENT_NAME).unwrap();
    assert!(name.starts_with("P-") && text(&object, tags::PATIENT_ID) == Some(name.clone()));
    assert_eq!(text(&object, tags::STUDY_INSTANCE_UID), Some(key.uid("1.2.3")));
    assert_eq!(text(&object, tags::SOP_CLASS_UID).as_deref(), Some(uids::CT_IMAGE_STORAGE));
    assert_eq!(object.get(tags::ROWS).unwrap().to_int::<u16>().unwrap(), 2);
    assert_eq!(object.get(tags::PIXEL_DATA).unwrap().to_bytes().unwrap().as_ref(), [9, 8, 7, 6]);
    let reference = &object.get(tags::REFERENCED_IMAGE_SEQUENCE).unwrap().items().unwrap()[0];
    assert_eq!(text(reference, tags::REFERENCED_SOP_INSTANCE_UID), Some(key.uid("1.2.3.4.6")));
    assert_eq!(text(reference, tags::REFERENCED_SOP_CLASS_UID).as_deref(), Some(uids::CT_IMAGE_STORAGE));
    assert!(reference.get(tags::RETRIEVE_AE_TITLE).is_none());
    assert_eq!(text(&object, tags::PATIENT_IDENTITY_REMOVED).as_deref(), Some("YES"));
    assert_eq!(text(&object, tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED).as_deref(), Some("REMOVED"));
    assert!(clean.place.starts_with(&name) && clean.warnings.is_empty(), "{:?}", clean.warnings);
    let change = |place: &str| clean.changes.iter().find(|c| c.place == place).map(|c| (c.name.as_str(), c.what));
    assert_eq!(change("(0010,0030)"), Some(("PatientBirthDate", Done::Emptied)));
    assert_eq!(change("(0008,1140) > (0008,1155)"), Some(("ReferencedSOPInstanceUID", Done::Renamed)));
    assert_eq!(change("(0009,1001)"), Some(("", Done::Removed)));
    assert_eq!(change("(0028,0010)"), None);
}

#[test]
fn options_keep_what_they_say() {
    let kept = [Kept::Device, Kept::Institution, Kept::Patient, Kept::Descriptors, Kept::Uids].into();
    let (object, clean) = scrubbed(&Wishes { dates: Dates::Shifted, kept });
    assert_eq!(text(&object, tags::SERIES_DESCRIPTION).as_deref(), Some("Thorax *** 5 mm"));
    assert_eq!(text(&object, tags::INSTITUTION_NAME).as_deref(), Some("Bay Clinic"));
    assert_eq!(text(&object, tags::DEVICE_SERIAL_NUMBER).as_deref(), Some("SN-1"));
    assert_eq!(text(&object, tags::PATIENT_AGE).as_deref(), Some("074Y"));
    assert_eq!(text(&object, tags::SOP_INSTANCE_UID).as_deref(), Some("1.2.3.4.5"));
    assert_eq!(text(&object, tags::STUDY_TIME).as_deref(), Some("101112"));
    let days = Key::of(b"k").subject(
        &{
            let mut who = InMemDicomObject::new_empty();
            who.put_str(tags::PATIENT_ID, VR::LO, "4711007");
            who
        },
        &Studies::default(),
    );
    let wanted = values::shifted("20240301", days.days);
    assert_eq!(text(&object, tags::STUDY_DATE), wanted);
    assert!(text(&object, tags::ACQUISITION_DATE_TIME).unwrap().ends_with("101112.5"));
    assert_eq!(text(&object, tags::PATIENT_BIRTH_DATE).as_deref(), Some(""));
    let codes = object.get(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE).unwrap().items().unwrap();
    let codes: Vec<String> = codes.iter().filter_map(|item| text(item, tags::CODE_VALUE)).collect();
    assert_eq!(codes, ["113100", "113107", "113110", "113109", "113112", "113108", "113105"]);
    assert!(clean.changes.iter().any(|change| change.what == Done::Shifted));
}

#[test]
fn what_cannot_be_taken_over_is_told_apart_from_what_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "no image").unwrap();
    assert!(matches!(deidentify(&path, &Wishes::default(), &Key::of(b"k"), &Studies::default()), Err(Left::Out(_))));
    written(&path);
    let bytes = std::fs::read(&path).unwrap();
    for cut in (140..bytes.len()).step_by(7) {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        match deidentify(&path, &Wishes::default(), &Key::of(b"k"), &Studies::default()) {
            Err(Left::Failed(error)) => assert!(error.to_string().contains("a.txt"), "{error}"),
            Err(Left::Out(reason)) => panic!("{cut}: {reason}"),
            // A file that ends between two elements is a whole one.
            Ok(_) => {}
        }
    }
}

#[test]
fn lengths_that_only_the_parser_sees_are_held_against_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letters.dcm");
    written(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let is_modality = |window: &[u8]| window == b"\x08\0\x60\0CS\x02\0CT";
    let at = bytes.windows(10).position(is_modality).unwrap();
    // The walk takes two letters that are no value representation for a short element; to the parser the value is the length.
    bytes[at + 4..at + 10].copy_from_slice(b"XX\x04\0ab");
    bytes.splice(at + 10..at + 10, *b"cd");
    std::fs::write(&path, &bytes).unwrap();
    assert!(structure::walk(&path, &[]).is_ok(), "the walk reads it");
    let outcome = deidentify(&path, &Wishes::default(), &Key::of(b"0123456789abcdef"), &Studies::default());
    let Err(Left::Failed(error)) = outcome else { panic!("it must be refused") };
    let text = error.to_string();
    // "abcd" as a number.
    assert!(text.contains("(0008,0060) claims 1684234849 bytes") && text.contains("letters.dcm"), "{text}");
}
