//! Typed access to header fields: what is absent is `None`, what is there but cannot be read is never a default.

use std::borrow::Cow;
use std::cell::RefCell;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use dicom::object::InMemDicomObject;
use dicom::transfer_syntax::entries::EXPLICIT_VR_LITTLE_ENDIAN;

use super::characters::CharacterSets;
use super::instance::Refusal;
use super::structure::{RawValue, dictionary_vr};
use crate::work::numbers::whole;

/// Every element that is used, in ascending order.
pub const WANTED: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::ACQUISITION_DATE,
    tags::CONTENT_DATE,
    tags::ACQUISITION_DATE_TIME,
    tags::ACQUISITION_TIME,
    tags::CONTENT_TIME,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::BODY_PART_EXAMINED,
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::REPETITION_TIME,
    tags::ECHO_TIME,
    tags::INVERSION_TIME,
    tags::ECHO_NUMBERS,
    tags::MAGNETIC_FIELD_STRENGTH,
    tags::SPACING_BETWEEN_SLICES,
    tags::PROTOCOL_NAME,
    tags::TRIGGER_TIME,
    tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR,
    tags::IMAGER_PIXEL_SPACING,
    tags::CONVOLUTION_KERNEL,
    tags::FLIP_ANGLE,
    tags::NOMINAL_SCANNED_PIXEL_SPACING,
    tags::PATIENT_POSITION,
    tags::DIFFUSION_B_VALUE,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::SERIES_NUMBER,
    tags::ACQUISITION_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::TEMPORAL_POSITION_IDENTIFIER,
    tags::SLICE_LOCATION,
    tags::VOLUME_FRAME_OF_REFERENCE_UID,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::NUMBER_OF_FRAMES,
    tags::FRAME_INCREMENT_POINTER,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::PIXEL_ASPECT_RATIO,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::ENERGY_WINDOW_VECTOR,
    tags::DETECTOR_VECTOR,
    tags::PHASE_VECTOR,
    tags::ROTATION_VECTOR,
    tags::RR_INTERVAL_VECTOR,
    tags::TIME_SLOT_VECTOR,
    tags::SLICE_VECTOR,
    tags::ANGULAR_VIEW_VECTOR,
    tags::TIME_SLICE_VECTOR,
    tags::FRAME_REFERENCE_TIME,
    tags::DOSE_UNITS,
    tags::DOSE_TYPE,
    tags::DOSE_SUMMATION_TYPE,
    tags::GRID_FRAME_OFFSET_VECTOR,
    tags::DOSE_GRID_SCALING,
];

/// Notes that are taken over from the frames of a file; more would say nothing new.
const MAX_NOTES: usize = 32;

/// A field whose value cannot be read; whoever needs it refuses, whoever does not goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The field's name.
    pub field: &'static str,
    /// Its value as it stands in the file.
    pub value: String,
}

/// The fields of one file.
pub struct Fields {
    object: InMemDicomObject,
    /// The elements that are there, in ascending order: dicom-rs takes its time to say that one is not.
    present: Vec<Tag>,
    /// What was read although it is not by the standard.
    pub warnings: RefCell<Vec<String>>,
    /// What could not be read and was not needed so far.
    pub unreadable: RefCell<Vec<Unreadable>>,
}

fn is_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UI, UR, UT};
    matches!(vr, AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UI | UR | UT)
}

/// Bytes of one value of a binary number.
fn number_bytes(vr: VR) -> Option<usize> {
    match vr {
        VR::US | VR::SS => Some(2),
        VR::UL | VR::SL | VR::FL => Some(4),
        VR::FD => Some(8),
        _ => None,
    }
}

/// Bytes of a text that has at most 64 characters by the standard, with room for several values and for what programs make of it.
const LONGEST_SHORT_TEXT: usize = 1024;

/// Whether a text is short by the standard; each frame of an object may keep it.
fn is_short_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DT, LO, PN, SH, TM, UI};
    matches!(vr, AE | AS | CS | DA | DT | LO | PN | SH | TM | UI)
}

/// A text that is too long, as far as it is kept: not into the middle of a character that has several bytes.
fn cut(bytes: &[u8]) -> &[u8] {
    let kept = bytes.get(..LONGEST_SHORT_TEXT).unwrap_or(bytes);
    match std::str::from_utf8(kept) {
        Ok(_) => return kept,
        // UTF-8 as far as it goes.
        Err(end) if end.error_len().is_none() => return &kept[..end.valid_up_to()],
        Err(_) => {}
    }
    // A switch to another character set has up to four bytes.
    let tail = kept.len().saturating_sub(4);
    let kept = kept.iter().skip(tail).position(|&byte| byte == 0x1B).map_or(kept, |at| &kept[..tail + at]);
    let end = kept.iter().rposition(u8::is_ascii).map_or(0, |at| at + 1);
    &kept[..end]
}

/// Whether a text is in the character sets that the file names; the others have ASCII alone.
fn has_character_set(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT)
}

/// Unicode as UTF-8, which texts are brought to for dicom-rs.
const UNICODE: &[u8] = b"ISO_IR 192";

/// As many bytes of a text as an element has room for.
fn fitting(text: String) -> Vec<u8> {
    let mut end = text.len().min(usize::from(u16::MAX) - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut bytes = text.into_bytes();
    bytes.truncate(end);
    bytes
}

/// The values as a data set of explicit elements with lengths that are right, for dicom-rs to read; texts are Unicode in it.
fn clean_data_set(values: &[RawValue], sets: &CharacterSets, warnings: &mut Vec<String>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut put = |tag: Tag, vr: VR, value: &[u8]| -> Result<(), Refusal> {
        let length = u16::try_from(value.len() + value.len() % 2);
        let length = length.map_err(|_| Refusal::Malformed(format!("element {tag} is too long")))?;
        bytes.extend(tag.0.to_le_bytes());
        bytes.extend(tag.1.to_le_bytes());
        // Long texts of newer representations have other headers; their content is the same.
        bytes.extend(if matches!(vr, VR::UC | VR::UR | VR::UT) { VR::LT } else { vr }.to_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(value);
        if value.len() % 2 == 1 {
            bytes.push(if vr == VR::UI { 0 } else { b' ' });
        }
        Ok(())
    };
    put(tags::SPECIFIC_CHARACTER_SET, VR::CS, UNICODE)?;
    for value in values.iter().filter(|value| value.tag != tags::SPECIFIC_CHARACTER_SET) {
        let given = value.vr.filter(|&vr| is_text(vr) || number_bytes(vr).is_some());
        // Names of other elements are neither text nor number.
        let Some(expected) = dictionary_vr(value.tag).filter(|&vr| vr != VR::AT) else { continue };
        // Text is read by what the field holds (with or without a character set), numbers by how they are stored.
        let vr = match given {
            Some(vr) if !(is_text(vr) && is_text(expected)) => vr,
            _ => expected,
        };
        let is_decoded = has_character_set(vr) && !CharacterSets::is_plain(&value.bytes);
        let mut content = if is_decoded {
            Cow::Owned(fitting(sets.decode(&value.bytes, vr == VR::PN)))
        } else {
            Cow::Borrowed(value.bytes.as_slice())
        };
        if is_short_text(vr) && content.len() > LONGEST_SHORT_TEXT {
            let count = value.bytes.len();
            content = cut(&content).to_vec().into();
            warnings.push(format!(
                "The text of element {} is cut: it has {count} bytes, too many for its kind ({vr}).",
                value.tag
            ));
        }
        if number_bytes(vr).is_some_and(|width| content.len() % width != 0) {
            let count = content.len();
            return Err(Refusal::Malformed(format!(
                "element {} has {count} bytes, which is no {vr} number",
                value.tag
            )));
        }
        put(value.tag, vr, &content)?;
    }
    Ok(bytes)
}

impl Fields {
    /// Reads what the walk took out of the file.
    pub fn read(mut values: Vec<RawValue>) -> Result<Self, Refusal> {
        values.sort_by_key(|value| value.tag);
        let set = values.iter().find(|value| value.tag == tags::SPECIFIC_CHARACTER_SET);
        let sets = CharacterSets::read(set.map(|value| value.bytes.as_slice()));
        let mut warnings = Vec::new();
        let bytes = clean_data_set(&values, &sets, &mut warnings)?;
        let object = InMemDicomObject::read_dataset_with_ts(bytes.as_slice(), &EXPLICIT_VR_LITTLE_ENDIAN.erased())
            .map_err(|e| Refusal::Malformed(format!("the DICOM header cannot be read: {}", chain(&e))))?;
        let present = values.iter().map(|value| value.tag).collect();
        warnings.extend(sets.warning());
        Ok(Self { object, present, warnings: warnings.into(), unreadable: RefCell::default() })
    }

    /// Whether the element is there, be it empty.
    pub fn has(&self, tag: Tag) -> bool {
        self.present.binary_search(&tag).is_ok()
    }

    /// The value as text without padding; `None` where there is nothing but padding.
    pub fn text(&self, tag: Tag) -> Option<String> {
        if !self.has(tag) {
            return None;
        }
        let element = self.object.element_opt(tag).ok()??;
        let text = element.to_str().ok()?;
        let text = text.trim_matches(is_padding).to_string();
        (!text.is_empty()).then_some(text)
    }

    /// The values of a text, without padding.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        self.text(tag).map(|t| t.split('\\').map(|s| s.trim_matches(is_padding).into()).collect()).unwrap_or_default()
    }

    /// All values as numbers.
    ///
    /// # Errors
    /// Names the field and its value where one of them is no finite number.
    pub fn numbers(&self, tag: Tag, name: &'static str) -> Result<Option<Vec<f64>>, Refusal> {
        let Some(text) = self.text(tag) else { return Ok(None) };
        let parsed: Option<Vec<(f64, bool)>> = text.split('\\').map(number).collect();
        let parsed = parsed.ok_or_else(|| not_a_number(name, &text))?;
        if parsed.iter().any(|&(_, has_comma)| has_comma) {
            let values: Vec<String> = parsed.iter().map(|(value, _)| value.to_string()).collect();
            self.warnings.borrow_mut().push(format!(
                "{name} is {} with a decimal comma, which DICOM does not know; it is read as {}.",
                quoted(&text),
                values.join(" \\ ")
            ));
        }
        Ok(Some(parsed.into_iter().map(|(value, _)| value).collect()))
    }

    /// The one value as a number.
    ///
    /// # Errors
    /// Also where there are several that differ.
    pub fn number(&self, tag: Tag, name: &'static str) -> Result<Option<f64>, Refusal> {
        let Some(values) = self.numbers(tag, name)? else { return Ok(None) };
        match values[..] {
            [first, ref rest @ ..] if rest.iter().all(|&v| v == first) => Ok(Some(first)),
            _ => Err(Refusal::Malformed(format!(
                "{name} is {}; one value is needed",
                quoted(&self.text(tag).unwrap_or_default())
            ))),
        }
    }

    /// The first value as a number; others are told.
    ///
    /// # Errors
    /// Where one of them is no number.
    pub fn first_number(&self, tag: Tag, name: &'static str) -> Result<Option<f64>, Refusal> {
        let values = self.numbers(tag, name)?.unwrap_or_default();
        let first = values.first().copied();
        if values.iter().any(|&value| Some(value) != first) {
            let text = quoted(&self.text(tag).unwrap_or_default());
            self.warnings.borrow_mut().push(format!("{name} is {text}, where one value belongs; the first is taken."));
        }
        Ok(first)
    }

    /// The one value as a whole number.
    ///
    /// # Errors
    /// Also where it is no whole number.
    pub fn whole(&self, tag: Tag, name: &'static str) -> Result<Option<i64>, Refusal> {
        match self.number(tag, name)? {
            Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => Ok(Some(whole(value))),
            Some(value) => Err(Refusal::Malformed(format!("{name} is {value}; a whole number is needed"))),
            None => Ok(None),
        }
    }

    /// A count or size that the file must give.
    ///
    /// # Errors
    /// Also where it is absent or negative.
    pub fn size(&self, tag: Tag, name: &'static str) -> Result<Option<usize>, Refusal> {
        let negative = |value: i64| Refusal::Malformed(format!("{name} is {value}; it cannot be negative"));
        self.whole(tag, name)?.map(|value| usize::try_from(value).map_err(|_| negative(value))).transpose()
    }

    /// The outcome of a reading that is needed only in some stacks: failures are noted.
    pub fn if_readable<T>(&self, field: &'static str, tag: Tag, outcome: Result<Option<T>, Refusal>) -> Option<T> {
        outcome.unwrap_or_else(|_| {
            self.unreadable.borrow_mut().push(Unreadable { field, value: self.text(tag).unwrap_or_default() });
            None
        })
    }

    /// Takes over what other fields of the same file have to say.
    pub fn adopt(&self, other: &Self) {
        let (mut warnings, mut unreadable) = (self.warnings.borrow_mut(), self.unreadable.borrow_mut());
        for warning in other.warnings.take() {
            if warnings.len() < MAX_NOTES && !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        for field in other.unreadable.take() {
            if unreadable.len() < MAX_NOTES && !unreadable.contains(&field) {
                unreadable.push(field);
            }
        }
    }

    /// A date with its time in one element, as [`Self::moment`] gives it; the offset from UTC is left out.
    pub fn date_time(&self, tag: Tag) -> Option<f64> {
        let text = self.text(tag)?;
        let digits = text.split(['+', '-', '&']).next()?;
        if digits.len() < 8 {
            return None;
        }
        number(&format!("{digits:0<14}")).map(|(value, _)| value)
    }

    /// Date and time as one ascending number: `yyyymmddhhmmss.f`, the date left out where the file gives none.
    pub fn moment(&self, date: Tag, time: Tag) -> Option<f64> {
        let digits = |tag| self.text(tag).map(|t| t.replace([':', '.'], "")).filter(|t| t.len() >= 6);
        let time = self.text(time)?.replace(':', "");
        let time = number(&time).map(|(value, _)| value)?;
        let date = digits(date).and_then(|t| t.get(..8)?.parse::<f64>().ok()).unwrap_or(0.0);
        Some(date * 1e6 + time)
    }
}

fn is_padding(character: char) -> bool {
    character == '\0' || character.is_whitespace()
}

/// A value in quotes, cut where it is long.
pub fn quoted(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("{short:?}{dots}")
}

fn not_a_number(name: &str, text: &str) -> Refusal {
    Refusal::Malformed(format!("{name} is {}, which is not a number", quoted(text)))
}

/// A decimal number, and whether it was written with a comma.
pub fn number(text: &str) -> Option<(f64, bool)> {
    let text = text.trim_matches(is_padding);
    // The language's own reader also takes words such as "inf".
    if !text.bytes().all(|b| b.is_ascii_digit() || b"+-.,eE".contains(&b)) {
        return None;
    }
    let has_comma = text.contains(',');
    let value: f64 = if has_comma {
        if text.contains('.') || text.matches(',').count() > 1 {
            return None;
        }
        text.replace(',', ".").parse().ok()?
    } else {
        text.parse().ok()?
    };
    value.is_finite().then_some((value, has_comma))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_fields_is_in_order() {
        assert!(WANTED.is_sorted());
    }

    #[test]
    fn decimal_numbers_are_read_and_all_else_is_refused() {
        for (text, value) in
            [("1", 1.0), (" -1024.50 ", -1024.5), ("+2.5E-1", 0.25), (".5", 0.5), ("3.", 3.0), ("-0", -0.0)]
        {
            assert_eq!(number(text), Some((value, false)), "{text}");
        }
        for (text, value) in [("-1024,0", -1024.0), ("0,488", 0.488), ("1,5e1", 15.0), (",5", 0.5)] {
            assert_eq!(number(text), Some((value, true)), "{text}");
        }
        for text in
            ["", "1 HU", "1.0e", "1,024.0", "1,024,0", "1.2.3", "nan", "inf", "0x10", "1e999", "--1", "1-", "\u{661}"]
        {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn dicom_rs_reads_what_the_walk_took_out_and_nothing_else() {
        let mut seed = 0x1234_5678_9ABC_DEF1u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        let vrs =
            [None, Some(VR::DS), Some(VR::LO), Some(VR::US), Some(VR::FD), Some(VR::UN), Some(VR::SQ), Some(VR::UT)];
        let mut read = 0;
        for _ in 0..3000 {
            let values: Vec<RawValue> = (0..=random(5))
                .map(|n| {
                    let (tag, vr) = (WANTED[n * 9 + random(9)], vrs[random(vrs.len())]);
                    let is_text = random(2) == 0;
                    let byte = |any: usize| if is_text { b"0123456789."[any % 11] } else { any as u8 };
                    RawValue { tag, vr, bytes: (0..random(24)).map(|_| byte(random(256))).collect() }
                })
                .collect();
            let Ok(fields) = Fields::read(values.clone()) else { continue };
            read += 1;
            for value in values.iter().filter(|v| v.tag != tags::SPECIFIC_CHARACTER_SET) {
                assert!(fields.has(value.tag), "{value:?}");
                let is_plain = value.bytes.iter().all(|b| b.is_ascii_digit() || *b == b'.');
                if is_plain && value.vr == Some(VR::LO) && dictionary_vr(value.tag).is_some_and(is_text) {
                    let expected = String::from_utf8(value.bytes.clone()).unwrap();
                    assert_eq!(fields.text(value.tag).unwrap_or_default(), expected, "{value:?}");
                }
            }
            let known = values.iter().filter(|v| v.tag != tags::SPECIFIC_CHARACTER_SET).count();
            assert_eq!(fields.object.iter().count(), known + 1);
        }
        assert!(read > 300, "{read}");
    }
}
