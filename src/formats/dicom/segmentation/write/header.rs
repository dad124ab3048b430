//! The header of a segmentation object that is written.

use dicom::core::VR;
use dicom::dictionary_std::tags;

use super::elements::{Elements, decimal, decimals, fitting};
use super::source::{Origin, SliceImage};
use super::{Object, with_meta};
use crate::formats::dicom::fresh;
use crate::formats::dicom::segmentation::cielab;
use crate::formats::dicom::segmentation::header::{OUR_MODEL, Pixels};
use crate::formats::dicom::segmentation::segments::{Algorithm, NO_MEANING, VALUE_IN_MASK};
use crate::volume::{Annotations, Code, Label, Maker, SourceImages, cross};

const BINARY_CLASS: &str = "1.2.840.10008.5.1.4.1.1.66.4";
const LABEL_MAP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.66.7";
/// Longest texts of the representations LO and SH.
const LONG: usize = 64;
const SHORT: usize = 16;
/// What is added to the number of the source's series.
const SERIES_AFTER: i64 = 1000;

impl Object<'_> {
    /// Everything before the pixel data.
    pub(super) fn header(
        &self,
        origin: &Origin,
        source: &SourceImages,
        images: &[Option<SliceImage>],
        orientation: &str,
        annotations: &Annotations,
    ) -> Vec<u8> {
        let class_uid = if self.pixels == Pixels::LabelMap { LABEL_MAP_CLASS } else { BINARY_CLASS };
        let instance_uid = fresh::uid();
        let mut set = Elements::default();
        put_general(&mut set, origin, source, class_uid, &instance_uid);
        self.put_dimensions(&mut set);
        self.put_image(&mut set, origin);
        let made = algorithm(annotations);
        let background = (self.pixels == Pixels::LabelMap).then(background);
        let segments = self.segments.iter().enumerate().map(|(n, label)| self.segment(n, label, &made));
        set.sequence(tags::SEGMENT_SEQUENCE, background.into_iter().chain(segments));
        set.text(tags::SEGMENTS_OVERLAP, VR::CS, "NO");
        set.text(tags::CONTENT_LABEL, VR::CS, "SEGMENTATION");
        set.text(tags::CONTENT_DESCRIPTION, VR::LO, "Research use only, not for diagnosis");
        set.text(tags::CONTENT_CREATOR_NAME, VR::PN, "");
        set.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, |shared| self.put_shared(shared, orientation));
        let frames = self.frames.iter().map(|frame| self.frame(*frame, images));
        set.sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
        with_meta(class_uid, &instance_uid, set)
    }

    fn put_dimensions(&self, set: &mut Elements) {
        let organization = fresh::uid();
        set.item(tags::DIMENSION_ORGANIZATION_SEQUENCE, |item| {
            item.text(tags::DIMENSION_ORGANIZATION_UID, VR::UI, &organization);
        });
        let index = |to, group, label| {
            let mut item = Elements::default();
            item.text(tags::DIMENSION_ORGANIZATION_UID, VR::UI, &organization);
            item.pointer(tags::DIMENSION_INDEX_POINTER, to);
            item.pointer(tags::FUNCTIONAL_GROUP_POINTER, group);
            item.text(tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label);
            item
        };
        let segment =
            index(tags::REFERENCED_SEGMENT_NUMBER, tags::SEGMENT_IDENTIFICATION_SEQUENCE, "Referenced Segment Number");
        let position = index(tags::IMAGE_POSITION_PATIENT, tags::PLANE_POSITION_SEQUENCE, "Image Position Patient");
        let is_binary = self.pixels == Pixels::Binary;
        set.sequence(tags::DIMENSION_INDEX_SEQUENCE, is_binary.then_some(segment).into_iter().chain([position]));
    }

    fn put_image(&self, set: &mut Elements, origin: &Origin) {
        let [columns, rows, _] = self.labels.geometry().shape().map(|size| u16::try_from(size).unwrap_or(u16::MAX));
        set.numbers(tags::SAMPLES_PER_PIXEL, &[1]);
        set.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        set.text(tags::NUMBER_OF_FRAMES, VR::IS, &self.frames.len().to_string());
        set.numbers(tags::ROWS, &[rows]);
        set.numbers(tags::COLUMNS, &[columns]);
        set.numbers(tags::BITS_ALLOCATED, &[self.bits]);
        set.numbers(tags::BITS_STORED, &[self.bits]);
        set.numbers(tags::HIGH_BIT, &[self.bits - 1]);
        set.numbers(tags::PIXEL_REPRESENTATION, &[0]);
        if self.pixels == Pixels::LabelMap {
            set.numbers(tags::PIXEL_PADDING_VALUE, &[0]);
        }
        // A mask of an image that has lost something shows it (PS3.3 C.8.20.2.1).
        let is_lossy = origin.text(tags::LOSSY_IMAGE_COMPRESSION) == "01";
        set.text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, if is_lossy { "01" } else { "00" });
        for (tag, vr) in [(tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS), (tags::LOSSY_IMAGE_COMPRESSION_METHOD, VR::CS)]
        {
            let text = origin.text(tag);
            if is_lossy && !text.is_empty() {
                set.text(tag, vr, &text);
            }
        }
        set.text(tags::SEGMENTATION_TYPE, VR::CS, if self.pixels == Pixels::LabelMap { "LABELMAP" } else { "BINARY" });
    }

    fn segment(&self, n: usize, label: &Label, (made, name): &(Algorithm, String)) -> Elements {
        let tissue = Code::snomed(NO_MEANING, "Tissue");
        let term = label.term.as_deref();
        let number = self.number(n);
        let mut item = Elements::default();
        let category = term.map_or(&tissue, |term| &term.category);
        item.item(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, |code| put_code(code, category));
        item.numbers(tags::SEGMENT_NUMBER, &[number]);
        let shown = fitting(&label.name, LONG);
        let unnamed = Label::unnamed(label.value).name;
        item.text(tags::SEGMENT_LABEL, VR::LO, if shown.is_empty() { &unnamed } else { &shown });
        if number != label.value {
            item.text(tags::SEGMENT_DESCRIPTION, VR::ST, &format!("{VALUE_IN_MASK}{}", label.value));
        }
        item.text(tags::SEGMENT_ALGORITHM_TYPE, VR::CS, made.code());
        if *made != Algorithm::Manual {
            item.text(tags::SEGMENT_ALGORITHM_NAME, VR::LO, &fitting(name, LONG));
        }
        item.numbers(tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE, &cielab::of_rgb(label.colour));
        item.item(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, |code| {
            put_code(code, term.map_or(&tissue, |term| &term.kind));
            if let Some(side) = term.and_then(|term| term.side.as_ref()) {
                code.item(tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE, |code| put_code(code, side));
            }
        });
        item
    }

    /// The Segment Number: BINARY ones count from 1 without a gap, those of a label map are its values.
    fn number(&self, n: usize) -> u16 {
        let value = self.segments.get(n).map_or(0, |label| label.value);
        if self.pixels == Pixels::LabelMap { value } else { u16::try_from(n + 1).unwrap_or(u16::MAX) }
    }

    fn put_shared(&self, shared: &mut Elements, orientation: &str) {
        let affine = self.labels.geometry().world_from_voxel();
        let [column, row, across] = self.labels.geometry().spacing_mm();
        let unit = |axis: usize, size: f64| affine.column(axis).map(|part| part / size);
        let normal = cross(unit(0, column), unit(1, row));
        // Across the slices, which is less than from voxel to voxel where they are tilted.
        let distance: f64 = normal.iter().zip(affine.column(2)).map(|(n, step)| n * step).sum::<f64>().abs();
        let distance = if distance > 0.0 { distance } else { across };
        shared.item(tags::PLANE_ORIENTATION_SEQUENCE, |item| {
            item.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, orientation);
        });
        shared.item(tags::PIXEL_MEASURES_SEQUENCE, |item| {
            item.text(tags::SLICE_THICKNESS, VR::DS, &decimal(distance));
            item.text(tags::SPACING_BETWEEN_SLICES, VR::DS, &decimal(distance));
            item.text(tags::PIXEL_SPACING, VR::DS, &decimals(&[row, column]));
        });
    }

    fn frame(&self, frame: super::FrameOf, images: &[Option<SliceImage>]) -> Elements {
        let mut group = Elements::default();
        let Some(image) = images.get(frame.k).and_then(Option::as_ref) else { return group };
        // Type 2: empty for a slice that fills a gap, which was derived from no image.
        let derivation = image.image.map(|(file, frame)| {
            let mut derivation = Elements::default();
            derivation.item(tags::SOURCE_IMAGE_SEQUENCE, |item| {
                item.text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, &file.class_uid);
                item.text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &file.instance_uid);
                if let Some(number) = frame {
                    item.text(tags::REFERENCED_FRAME_NUMBER, VR::IS, &number.to_string());
                }
                item.text(tags::SPATIAL_LOCATIONS_PRESERVED, VR::CS, "YES");
                item.item(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, |code| {
                    put_code(code, &dicom_code("121322", "Source image for image processing operation"));
                });
            });
            derivation
                .item(tags::DERIVATION_CODE_SEQUENCE, |code| put_code(code, &dicom_code("113076", "Segmentation")));
            derivation
        });
        group.sequence(tags::DERIVATION_IMAGE_SEQUENCE, derivation);
        let position = u32::try_from(frame.k + 1).unwrap_or(u32::MAX);
        let segment = frame.segment.map(|n| self.number(n));
        let index: Vec<u32> = segment.map(u32::from).into_iter().chain([position]).collect();
        group.item(tags::FRAME_CONTENT_SEQUENCE, |item| item.long_numbers(tags::DIMENSION_INDEX_VALUES, &index));
        group.item(tags::PLANE_POSITION_SEQUENCE, |item| {
            item.text(tags::IMAGE_POSITION_PATIENT, VR::DS, &image.position);
        });
        if let Some(number) = segment {
            group.item(tags::SEGMENT_IDENTIFICATION_SEQUENCE, |item| {
                item.numbers(tags::REFERENCED_SEGMENT_NUMBER, &[number]);
            });
        }
        group
    }
}

/// Patient, study, series, equipment and space.
fn put_general(set: &mut Elements, origin: &Origin, source: &SourceImages, class_uid: &str, instance_uid: &str) {
    let (date, time) = fresh::date_and_time();
    let number = origin.text(tags::SERIES_NUMBER).parse::<i64>().unwrap_or(0);
    let number = number.clamp(0, i64::from(i32::MAX) - SERIES_AFTER) + SERIES_AFTER;
    let copy = |set: &mut Elements, tag, vr| set.text(tag, vr, &origin.text(tag));
    set.text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
    set.text(tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY");
    set.text(tags::SOP_CLASS_UID, VR::UI, class_uid);
    set.text(tags::SOP_INSTANCE_UID, VR::UI, instance_uid);
    copy(set, tags::STUDY_DATE, VR::DA);
    set.text(tags::SERIES_DATE, VR::DA, &date);
    set.text(tags::CONTENT_DATE, VR::DA, &date);
    copy(set, tags::STUDY_TIME, VR::TM);
    set.text(tags::SERIES_TIME, VR::TM, &time);
    set.text(tags::CONTENT_TIME, VR::TM, &time);
    copy(set, tags::ACCESSION_NUMBER, VR::SH);
    set.text(tags::MODALITY, VR::CS, "SEG");
    set.text(tags::MANUFACTURER, VR::LO, "Lamella (open source)");
    copy(set, tags::REFERRING_PHYSICIAN_NAME, VR::PN);
    copy(set, tags::STUDY_DESCRIPTION, VR::LO);
    set.text(tags::SERIES_DESCRIPTION, VR::LO, "Segmentation");
    set.text(tags::MANUFACTURER_MODEL_NAME, VR::LO, OUR_MODEL);
    let image = |file: &crate::volume::SourceFile| {
        let mut item = Elements::default();
        item.text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, &file.class_uid);
        item.text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &file.instance_uid);
        item
    };
    set.item(tags::REFERENCED_SERIES_SEQUENCE, |series| {
        let named = source.files.iter().filter(|file| !file.instance_uid.is_empty());
        series.sequence(tags::REFERENCED_INSTANCE_SEQUENCE, named.map(image));
        let uid = if source.series_uid.is_empty() {
            origin.text(tags::SERIES_INSTANCE_UID)
        } else {
            source.series_uid.clone()
        };
        series.text(tags::SERIES_INSTANCE_UID, VR::UI, &uid);
    });
    copy(set, tags::PATIENT_NAME, VR::PN);
    copy(set, tags::PATIENT_ID, VR::LO);
    copy(set, tags::PATIENT_BIRTH_DATE, VR::DA);
    copy(set, tags::PATIENT_SEX, VR::CS);
    if !origin.text(tags::PATIENT_AGE).is_empty() {
        copy(set, tags::PATIENT_AGE, VR::AS);
    }
    set.text(tags::DEVICE_SERIAL_NUMBER, VR::LO, "1");
    set.text(tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"));
    let study = origin.text(tags::STUDY_INSTANCE_UID);
    set.text(tags::STUDY_INSTANCE_UID, VR::UI, &if study.is_empty() { fresh::uid() } else { study });
    set.text(tags::SERIES_INSTANCE_UID, VR::UI, &fresh::uid());
    copy(set, tags::STUDY_ID, VR::SH);
    set.text(tags::SERIES_NUMBER, VR::IS, &number.to_string());
    set.text(tags::INSTANCE_NUMBER, VR::IS, "1");
    let space = origin.text(tags::FRAME_OF_REFERENCE_UID);
    set.text(
        tags::FRAME_OF_REFERENCE_UID,
        VR::UI,
        &if space.is_empty() || !source.is_placed { fresh::uid() } else { space },
    );
    copy(set, tags::POSITION_REFERENCE_INDICATOR, VR::LO);
}

fn dicom_code(value: &str, meaning: &str) -> Code {
    Code { scheme: "DCM".into(), value: value.into(), meaning: meaning.into() }
}

fn put_code(item: &mut Elements, code: &Code) {
    // A backslash would part the value in two.
    let value = fitting(&code.value, usize::MAX);
    let is_short = value.len() <= SHORT;
    if is_short {
        item.text(tags::CODE_VALUE, VR::SH, &value);
    }
    item.text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, &fitting(&code.scheme, SHORT));
    let meaning = fitting(if code.meaning.trim().is_empty() { &value } else { &code.meaning }, LONG);
    item.text(tags::CODE_MEANING, VR::LO, &meaning);
    if !is_short {
        item.put(tags::LONG_CODE_VALUE, VR::UC, value.as_bytes());
    }
}

/// The background of a label map.
fn background() -> Elements {
    let code = dicom_code("125040", "Background");
    let mut item = Elements::default();
    item.item(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, |item| put_code(item, &code));
    item.numbers(tags::SEGMENT_NUMBER, &[0]);
    item.text(tags::SEGMENT_LABEL, VR::LO, "Background");
    item.text(tags::SEGMENT_ALGORITHM_TYPE, VR::CS, Algorithm::Manual.code());
    item.item(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, |item| put_code(item, &code));
    item
}

/// How the labels were made, and by which programs: by hand where nobody else is known.
fn algorithm(annotations: &Annotations) -> (Algorithm, String) {
    let makers = || annotations.makers.iter().map(|(_, maker)| maker);
    let mut names: Vec<&str> = makers()
        .filter_map(|maker| match maker {
            Maker::Hand => None,
            Maker::Model(name) | Maker::CorrectedModel(name) => Some(name.as_str()),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let kind = match () {
        () if names.is_empty() => Algorithm::Manual,
        () if makers().all(|maker| matches!(maker, Maker::Model(_))) => Algorithm::Automatic,
        () => Algorithm::SemiAutomatic,
    };
    (kind, names.join(", "))
}
