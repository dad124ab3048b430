//! The headers of the images of a derived series.

use std::collections::BTreeMap;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use super::pixels::{Coded, text};
use crate::formats::dicom::fresh;
use crate::formats::dicom::segmentation::elements::{Elements, decimals, fitting};
use crate::formats::dicom::segmentation::source::Origin;
use crate::formats::dicom::segmentation::with_meta;
use crate::volume::{SourceImages, Vec3, Volume, cross, dot};
use crate::work::numbers::real;

/// Longest text of the representation LO.
const LONG: usize = 64;
/// What is added to the number of the source's series.
const SERIES_AFTER: i64 = 2000;

/// Texts of the scan's first image that are taken over.
const TAKEN: [Tag; 20] = [
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::KVP,
    tags::REPETITION_TIME,
    tags::ECHO_TIME,
    tags::PATIENT_POSITION,
    tags::STUDY_ID,
    tags::SERIES_NUMBER,
    tags::FRAME_OF_REFERENCE_UID,
    tags::POSITION_REFERENCE_INDICATOR,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
    tags::LOSSY_IMAGE_COMPRESSION_METHOD,
];

/// What kind of image a scan becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ct,
    Mr,
    /// A secondary capture.
    Other,
}

impl Kind {
    fn class_uid(self) -> &'static str {
        match self {
            Self::Ct => "1.2.840.10008.5.1.4.1.1.2",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::Other => "1.2.840.10008.5.1.4.1.1.7",
        }
    }
}

/// What all images of a series have in common.
pub struct Series<'a> {
    volume: &'a Volume,
    /// Those of the scan's first image.
    texts: BTreeMap<Tag, String>,
    coded: &'a Coded<'a>,
    kind: Kind,
    modality: String,
    study_uid: String,
    own_uid: String,
    space_uid: String,
    made: (String, String),
    /// What the user must know.
    pub notes: Vec<String>,
}

impl<'a> Series<'a> {
    /// A new series.
    pub fn new(volume: &'a Volume, origin: Option<&Origin>, coded: &'a Coded<'a>) -> Self {
        let stated = volume.display.modality.trim().to_uppercase();
        let modality = match stated.as_str() {
            "" if volume.is_ct() => "CT".into(),
            "" => "OT".into(),
            other => fitting(other, 16),
        };
        let kind = match modality.as_str() {
            "CT" => Kind::Ct,
            "MR" => Kind::Mr,
            _ => Kind::Other,
        };
        let own = |tag| origin.map(|origin| origin.text(tag)).filter(|uid| !uid.is_empty());
        let mut notes = Vec::new();
        if kind == Kind::Other {
            notes.push(format!("Images of the modality {modality} are written as secondary captures with a place; some viewers do not show these in 3-D."));
        }
        if origin.is_none() {
            notes.push("The scan was not read from DICOM: the series has no patient and a study of its own.".into());
        }
        if volume.geometry.is_size_assumed() {
            notes.push("Nobody knows how large the voxels are; 1 mm is written.".into());
        }
        Self {
            volume,
            texts: origin.map(|origin| TAKEN.iter().map(|tag| (*tag, origin.text(*tag))).collect()).unwrap_or_default(),
            coded,
            kind,
            modality,
            study_uid: own(tags::STUDY_INSTANCE_UID).unwrap_or_else(fresh::uid),
            own_uid: fresh::uid(),
            space_uid: own(tags::FRAME_OF_REFERENCE_UID).unwrap_or_else(fresh::uid),
            made: fresh::date_and_time(),
            notes,
        }
    }

    /// A text of the scan's first image, empty where it has none.
    fn own(&self, tag: Tag) -> &str {
        self.texts.get(&tag).map(String::as_str).unwrap_or_default()
    }

    /// The file of a slice.
    pub fn image(&self, k: usize) -> Vec<u8> {
        let (class_uid, uid) = (self.kind.class_uid(), fresh::uid());
        let mut set = Elements::default();
        self.put_general(&mut set, class_uid, &uid, k);
        self.put_acquisition(&mut set);
        self.put_place(&mut set, k);
        self.put_pixels(&mut set, k);
        with_meta(class_uid, &uid, set)
    }

    /// Study, series, equipment, what it was made from, and the patient.
    fn put_general(&self, set: &mut Elements, class_uid: &str, uid: &str, k: usize) {
        let (date, time) = &self.made;
        let copy = |set: &mut Elements, tag, vr| set.text(tag, vr, self.own(tag));
        set.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        let third = if self.kind == Kind::Mr { "OTHER" } else { "AXIAL" };
        set.text(tags::IMAGE_TYPE, VR::CS, &format!("DERIVED\\SECONDARY\\{third}"));
        set.text(tags::SOP_CLASS_UID, VR::UI, class_uid);
        set.text(tags::SOP_INSTANCE_UID, VR::UI, uid);
        copy(set, tags::STUDY_DATE, VR::DA);
        set.text(tags::SERIES_DATE, VR::DA, date);
        set.text(tags::CONTENT_DATE, VR::DA, date);
        copy(set, tags::STUDY_TIME, VR::TM);
        set.text(tags::SERIES_TIME, VR::TM, time);
        set.text(tags::CONTENT_TIME, VR::TM, time);
        copy(set, tags::ACCESSION_NUMBER, VR::SH);
        set.text(tags::MODALITY, VR::CS, &self.modality);
        if self.kind == Kind::Other {
            set.text(tags::CONVERSION_TYPE, VR::CS, "WSD");
        }
        set.text(tags::MANUFACTURER, VR::LO, "Lamella (open source)");
        copy(set, tags::REFERRING_PHYSICIAN_NAME, VR::PN);
        if !self.own(tags::STUDY_DESCRIPTION).is_empty() {
            copy(set, tags::STUDY_DESCRIPTION, VR::LO);
        }
        let name = fitting(&self.volume.name, LONG - " (derived)".len());
        set.text(tags::SERIES_DESCRIPTION, VR::LO, &format!("{name} (derived)"));
        set.text(tags::MANUFACTURER_MODEL_NAME, VR::LO, "Lamella series");
        set.text(tags::DERIVATION_DESCRIPTION, VR::ST, "Written by Lamella. Research use only, not for diagnosis");
        if let Some(source) = self.volume.source.as_deref()
            && let Some(item) = source_image(source, k)
        {
            set.sequence(tags::SOURCE_IMAGE_SEQUENCE, [item]);
        }
        copy(set, tags::PATIENT_NAME, VR::PN);
        copy(set, tags::PATIENT_ID, VR::LO);
        copy(set, tags::PATIENT_BIRTH_DATE, VR::DA);
        copy(set, tags::PATIENT_SEX, VR::CS);
    }

    /// How it was taken, which a derived image does not know in full.
    fn put_acquisition(&self, set: &mut Elements) {
        if self.kind == Kind::Mr {
            set.text(tags::SCANNING_SEQUENCE, VR::CS, "RM");
            set.text(tags::SEQUENCE_VARIANT, VR::CS, "NONE");
            set.text(tags::SCAN_OPTIONS, VR::CS, "");
            set.text(tags::MR_ACQUISITION_TYPE, VR::CS, "");
        }
        set.text(tags::SLICE_THICKNESS, VR::DS, &text(self.step_mm()));
        match self.kind {
            Kind::Ct => set.text(tags::KVP, VR::DS, self.own(tags::KVP)),
            Kind::Mr => {
                set.text(tags::REPETITION_TIME, VR::DS, self.own(tags::REPETITION_TIME));
                set.text(tags::ECHO_TIME, VR::DS, self.own(tags::ECHO_TIME));
                set.text(tags::SPACING_BETWEEN_SLICES, VR::DS, &text(self.step_mm()));
                set.text(tags::ECHO_TRAIN_LENGTH, VR::IS, "");
            }
            Kind::Other => {}
        }
        set.text(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"));
        if self.kind != Kind::Other {
            set.text(tags::PATIENT_POSITION, VR::CS, self.own(tags::PATIENT_POSITION));
        }
    }

    /// The distance of slices along their normal.
    fn step_mm(&self) -> f64 {
        let [row, column] = self.directions();
        let step = self.lps(2);
        dot(cross(row, column), step).abs().max(1e-6)
    }

    /// An axis of the grid in the directions of DICOM, in millimetres a voxel.
    fn lps(&self, axis: usize) -> Vec3 {
        let [right, front, head] = self.volume.geometry.world_from_voxel().column(axis);
        [-right, -front, head]
    }

    fn directions(&self) -> [Vec3; 2] {
        let unit = |axis: Vec3| {
            let length = dot(axis, axis).sqrt();
            axis.map(|part| part / length)
        };
        let row = unit(self.lps(0));
        // At right angles to the last digit.
        let column = self.lps(1);
        let along = dot(column, row);
        [row, unit([0, 1, 2].map(|n| column[n] - along * row[n]))]
    }

    fn put_place(&self, set: &mut Elements, k: usize) {
        set.text(tags::STUDY_INSTANCE_UID, VR::UI, &self.study_uid);
        set.text(tags::SERIES_INSTANCE_UID, VR::UI, &self.own_uid);
        set.text(tags::STUDY_ID, VR::SH, self.own(tags::STUDY_ID));
        let number = self.own(tags::SERIES_NUMBER).parse::<i64>().unwrap_or(0);
        let number = number.clamp(0, i64::from(i32::MAX) - SERIES_AFTER) + SERIES_AFTER;
        set.text(tags::SERIES_NUMBER, VR::IS, &number.to_string());
        if self.kind != Kind::Other {
            set.text(tags::ACQUISITION_NUMBER, VR::IS, "");
        }
        set.text(tags::INSTANCE_NUMBER, VR::IS, &(k + 1).to_string());
        // Both must be there, and nobody knows them.
        if self.kind == Kind::Other {
            set.text(tags::PATIENT_ORIENTATION, VR::CS, "");
        }
        let [right, front, head] = self.volume.geometry.world_from_voxel().point([0.0, 0.0, real(k)]);
        set.text(tags::IMAGE_POSITION_PATIENT, VR::DS, &decimals(&[-right, -front, head]));
        set.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &decimals(&self.directions().concat()));
        set.text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.space_uid);
        set.text(tags::LATERALITY, VR::CS, "");
        set.text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, self.own(tags::POSITION_REFERENCE_INDICATOR));
    }

    fn put_pixels(&self, set: &mut Elements, k: usize) {
        let [ni, nj, _] = self.volume.geometry.shape();
        let size = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        set.numbers(tags::SAMPLES_PER_PIXEL, &[1]);
        let photometric = if self.volume.display.inverted { "MONOCHROME1" } else { "MONOCHROME2" };
        set.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric);
        set.numbers(tags::ROWS, &[size(nj)]);
        set.numbers(tags::COLUMNS, &[size(ni)]);
        let [column, row, _] = self.volume.geometry.spacing_mm();
        set.text(tags::PIXEL_SPACING, VR::DS, &format!("{}\\{}", text(row), text(column)));
        set.numbers(tags::BITS_ALLOCATED, &[16]);
        set.numbers(tags::BITS_STORED, &[16]);
        set.numbers(tags::HIGH_BIT, &[15]);
        set.numbers(tags::PIXEL_REPRESENTATION, &[u16::from(self.coded.is_signed)]);
        // DICOM has no window that is narrower; readers choose one where there is none.
        let window = Some(self.volume.default_window()).filter(|window| window.width >= 1.0);
        if let Some(window) = window {
            set.text(tags::WINDOW_CENTER, VR::DS, &text(window.level));
            set.text(tags::WINDOW_WIDTH, VR::DS, &text(window.width));
        }
        let (slope, intercept) = self.coded.rescale(k);
        set.text(tags::RESCALE_INTERCEPT, VR::DS, &text(intercept));
        set.text(tags::RESCALE_SLOPE, VR::DS, &text(slope));
        set.text(tags::RESCALE_TYPE, VR::LO, if self.kind == Kind::Ct { "HU" } else { "US" });
        if self.own(tags::LOSSY_IMAGE_COMPRESSION) == "01" {
            set.text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01");
            for (tag, vr) in
                [(tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS), (tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS)]
            {
                set.text(tag, vr, self.own(tag));
            }
        }
        set.put(tags::PIXEL_DATA, VR::OW, &self.coded.slice(k));
    }
}

/// The image that a slice was read from.
fn source_image(source: &SourceImages, k: usize) -> Option<Elements> {
    let slice = source.slices.get(k).copied().flatten()?;
    let file =
        source.files.get(slice.file).filter(|file| !file.instance_uid.is_empty() && !file.class_uid.is_empty())?;
    let mut item = Elements::default();
    item.text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, &file.class_uid);
    item.text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &file.instance_uid);
    if let Some(number) = slice.frame {
        item.text(tags::REFERENCED_FRAME_NUMBER, VR::IS, &number.to_string());
    }
    item.item(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, |code| {
        code.text(tags::CODE_VALUE, VR::SH, "121322");
        code.text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM");
        code.text(tags::CODE_MEANING, VR::LO, "Source image for image processing operation");
    });
    Some(item)
}
