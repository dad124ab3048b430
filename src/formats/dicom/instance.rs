//! The header fields of one DICOM instance that decide where its pixels go.

use std::path::{Path, PathBuf};

use dicom::core::dictionary::UidDictionary;
use dicom::dictionary_std::{StandardSopClassDictionary, tags};
use dicom::encoding::TransferSyntaxIndex;

use super::fields::{Fields, Unreadable, WANTED, quoted};
use super::structure::{self, PixelData, Structure};
use crate::volume::{Vec3, Window};

/// Layout of the samples of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelFormat {
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
    /// 1 grey, 3 colour.
    pub samples: usize,
    /// Bits of storage per sample.
    pub bits_allocated: usize,
    /// Bits in use.
    pub bits_stored: usize,
    /// Highest bit in use.
    pub high_bit: usize,
    /// Two's complement.
    pub signed: bool,
    /// Colour planes one after the other instead of interleaved.
    pub planar: bool,
    /// Photometric Interpretation.
    pub photometric: String,
}

/// Whose image it is and in which space; never shown, only compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Patient ID.
    pub patient_id: Option<String>,
    /// Patient's Name, without the marks between its parts.
    pub name: Option<String>,
    /// Patient's Birth Date.
    pub birth_date: Option<String>,
    /// Patient's Sex.
    pub sex: Option<String>,
    /// Study Instance UID.
    pub study: Option<String>,
    /// Frame of Reference UID.
    pub frame_of_reference: Option<String>,
}

/// When and how the image was taken, as far as the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Acquisition {
    /// Acquisition Number.
    pub number: Option<f64>,
    /// Temporal Position Identifier.
    pub temporal_position: Option<f64>,
    /// Trigger Time in milliseconds.
    pub trigger_ms: Option<f64>,
    /// Acquisition Date and Time as one ascending number.
    pub acquired: Option<f64>,
    /// Content Date and Time as one ascending number.
    pub created: Option<f64>,
    /// Diffusion b-value.
    pub b_value: Option<f64>,
    /// Series Number.
    pub series_number: Option<f64>,
    /// Echo Time in milliseconds.
    pub echo_ms: Option<f64>,
    /// Echo Numbers, where it is one.
    pub echo_number: Option<f64>,
    /// Convolution Kernel.
    pub kernel: Option<String>,
}

/// One instance (a file), header only.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The file.
    pub path: PathBuf,
    /// Result of the walk.
    pub structure: Structure,
    /// Layout of its pixels.
    pub format: PixelFormat,
    /// SOP Class UID.
    pub class_uid: String,
    /// SOP Instance UID.
    pub uid: String,
    /// Series Instance UID, or empty.
    pub series_uid: String,
    /// Patient, study and space.
    pub subject: Subject,
    /// Series Description, or Protocol Name.
    pub description: String,
    /// Modality.
    pub modality: String,
    /// Instance Number.
    pub number: Option<i64>,
    /// When and how it was taken.
    pub acquisition: Acquisition,
    /// Image Type without the first value (ORIGINAL, DERIVED).
    pub image_type: Vec<String>,
    /// Image Position (Patient), LPS millimetres.
    pub position: Option<Vec3>,
    /// Row and column direction, LPS unit vectors.
    pub directions: Option<[Vec3; 2]>,
    /// Distance of rows and of columns in millimetres.
    pub pixel_spacing: Option<[f64; 2]>,
    /// Slice Thickness in millimetres.
    pub thickness: Option<f64>,
    /// Spacing Between Slices in millimetres.
    pub slice_spacing: Option<f64>,
    /// Slice Location in millimetres.
    pub slice_location: Option<f64>,
    /// Rescale Slope and Intercept, where the file gives them.
    pub rescale: Option<(f64, f64)>,
    /// Window Center and Width.
    pub window: Option<Window>,
    /// What the user must know about this file.
    pub warnings: Vec<String>,
    /// Fields that cannot be read; whoever needs one refuses.
    pub unreadable: Vec<Unreadable>,
    /// Fields to show.
    pub header: Vec<(String, String)>,
}

/// A file that is no image for us.
#[derive(Debug)]
pub enum Refusal {
    /// Broken.
    Malformed(String),
    /// Valid, but another kind of object.
    OtherObject(String),
    /// A mask, which has a reader of its own.
    Segmentation,
}

/// A file that cannot be read, and the series that misses it.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub refusal: Refusal,
    /// Series Instance UID, where the file can be read so far.
    pub series_uid: Option<String>,
}

/// Reads the header of a file.
///
/// # Errors
/// With a sentence for the user.
pub fn read(path: &Path) -> Result<Instance, Failure> {
    let unknown = |refusal| Failure { refusal, series_uid: None };
    let (structure, values) = structure::walk(path, WANTED).map_err(|reason| unknown(Refusal::Malformed(reason)))?;
    let fields = Fields::read(values).map_err(unknown)?;
    from_fields(path, structure, &fields)
        .map_err(|refusal| Failure { refusal, series_uid: fields.text(tags::SERIES_INSTANCE_UID) })
}

fn from_fields(path: &Path, structure: Structure, fields: &Fields) -> Result<Instance, Refusal> {
    let class_uid = fields.text(tags::SOP_CLASS_UID).unwrap_or_else(|| structure.media_class_uid.clone());
    let modality = fields.text(tags::MODALITY).unwrap_or_default();
    if super::segmentation::is_segmentation(&class_uid, &modality) {
        return Err(Refusal::Segmentation);
    }
    if let Some(kind) = other_object(&class_uid, &modality) {
        return Err(Refusal::OtherObject(kind));
    }
    if structure.pixel_data.is_none() {
        return Err(Refusal::OtherObject(match class_name(&class_uid) {
            Some(name) => format!("a DICOM object without an image: {name}"),
            None => "a DICOM object without an image (no Pixel Data)".into(),
        }));
    }
    let format = pixel_format(fields)?;
    let frames = match fields.whole(tags::NUMBER_OF_FRAMES, "Number of Frames")? {
        None => 1,
        Some(frames) if frames >= 1 => frames,
        Some(frames) => return Err(Refusal::Malformed(format!("Number of Frames is {frames}"))),
    };
    if frames > 1 || is_enhanced(&class_uid) {
        return Err(Refusal::OtherObject(format!(
            "a multi-frame image ({frames} frames); export it as single-frame (classic) DICOM or NIfTI to open it here"
        )));
    }
    let image_type: Vec<String> = fields.texts(tags::IMAGE_TYPE).iter().map(|t| t.to_uppercase()).collect();
    if image_type.iter().any(|t| t == "MOSAIC") {
        return Err(Refusal::OtherObject(
            "a Siemens mosaic (many slices tiled into one image); convert it to single slices or NIfTI to open it here"
                .into(),
        ));
    }
    let number = |tag, name| fields.if_readable(name, tag, fields.number(tag, name));
    let first_number = |tag, name| {
        fields.if_readable(name, tag, fields.numbers(tag, name)).and_then(|values: Vec<f64>| values.first().copied())
    };
    let single_number = |tag, name| {
        fields.if_readable(name, tag, fields.numbers(tag, name)).filter(|values: &Vec<f64>| values.len() == 1)
    };
    let acquisition = Acquisition {
        number: number(tags::ACQUISITION_NUMBER, "Acquisition Number"),
        temporal_position: number(tags::TEMPORAL_POSITION_IDENTIFIER, "Temporal Position Identifier"),
        trigger_ms: number(tags::TRIGGER_TIME, "Trigger Time"),
        acquired: fields.moment(tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
        created: fields.moment(tags::CONTENT_DATE, tags::CONTENT_TIME),
        b_value: number(tags::DIFFUSION_B_VALUE, "Diffusion b-value"),
        series_number: number(tags::SERIES_NUMBER, "Series Number"),
        echo_ms: number(tags::ECHO_TIME, "Echo Time"),
        echo_number: single_number(tags::ECHO_NUMBERS, "Echo Numbers").and_then(|values| values.first().copied()),
        kernel: fields.text(tags::CONVOLUTION_KERNEL),
    };
    let upper = |tag| fields.text(tag).map(|t| t.to_uppercase());
    let subject = Subject {
        patient_id: upper(tags::PATIENT_ID),
        name: upper(tags::PATIENT_NAME).map(|t| t.replace(['^', '=', ' '], "")).filter(|t| !t.is_empty()),
        birth_date: fields.text(tags::PATIENT_BIRTH_DATE),
        sex: upper(tags::PATIENT_SEX),
        study: fields.text(tags::STUDY_INSTANCE_UID),
        frame_of_reference: fields.text(tags::FRAME_OF_REFERENCE_UID),
    };
    let window = window(
        first_number(tags::WINDOW_CENTER, "Window Center"),
        first_number(tags::WINDOW_WIDTH, "Window Width"),
        fields,
    );
    let instance_number = fields.whole(tags::INSTANCE_NUMBER, "Instance Number");
    let mut instance = Instance {
        path: path.into(),
        uid: fields.text(tags::SOP_INSTANCE_UID).unwrap_or_else(|| structure.media_instance_uid.clone()),
        series_uid: fields.text(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        subject,
        description: fields
            .text(tags::SERIES_DESCRIPTION)
            .or_else(|| fields.text(tags::PROTOCOL_NAME))
            .unwrap_or_default(),
        number: fields.if_readable("Instance Number", tags::INSTANCE_NUMBER, instance_number),
        acquisition,
        image_type: image_type.into_iter().skip(1).collect(),
        position: position(fields)?,
        directions: directions(fields)?,
        pixel_spacing: pixel_spacing(fields)?,
        thickness: number(tags::SLICE_THICKNESS, "Slice Thickness").filter(|&v| v > 0.0),
        slice_spacing: number(tags::SPACING_BETWEEN_SLICES, "Spacing Between Slices")
            .map(f64::abs)
            .filter(|&v| v > 0.0),
        slice_location: number(tags::SLICE_LOCATION, "Slice Location"),
        rescale: rescale(fields)?,
        window,
        header: shown_fields(fields, &structure, &class_uid),
        class_uid,
        warnings: structure.warnings.clone(),
        unreadable: Vec::new(),
        modality,
        format,
        structure,
    };
    instance.warnings.extend(fields.warnings.take());
    instance.unreadable = fields.unreadable.take();
    Ok(instance)
}

/// A window that cannot be read is left to the values of the image; the pixels do not depend on it.
fn window(level: Option<f64>, width: Option<f64>, fields: &Fields) -> Option<Window> {
    for problem in fields.unreadable.borrow().iter().filter(|u| u.field.starts_with("Window")) {
        fields.warnings.borrow_mut().push(format!(
            "{} is {}, which is not a number; the window is chosen from the values.",
            problem.field,
            quoted(&problem.value)
        ));
    }
    match (level, width) {
        (Some(level), Some(width)) if width > 0.0 => Some(Window { level, width }),
        _ => None,
    }
}

fn rescale(fields: &Fields) -> Result<Option<(f64, f64)>, Refusal> {
    let both = [(tags::RESCALE_SLOPE, "Rescale Slope", 1.0), (tags::RESCALE_INTERCEPT, "Rescale Intercept", 0.0)];
    let mut values = [None; 2];
    for ((tag, name, neutral), value) in both.into_iter().zip(&mut values) {
        *value = fields.number(tag, name)?;
        if value.is_none() && fields.has(tag) {
            fields.warnings.borrow_mut().push(format!("{name} is empty; {neutral} is taken."));
        }
    }
    let [slope, intercept] = values;
    if slope == Some(0.0) {
        return Err(Refusal::Malformed("Rescale Slope is 0, which would make every value the same".into()));
    }
    Ok((slope.is_some() || intercept.is_some()).then(|| (slope.unwrap_or(1.0), intercept.unwrap_or(0.0))))
}

fn position(fields: &Fields) -> Result<Option<Vec3>, Refusal> {
    let name = "Image Position (Patient)";
    match fields.numbers(tags::IMAGE_POSITION_PATIENT, name)?.as_deref() {
        None => Ok(None),
        Some(&[x, y, z]) => Ok(Some([x, y, z])),
        Some(_) => Err(wrong_count(fields, tags::IMAGE_POSITION_PATIENT, name, "three")),
    }
}

fn wrong_count(fields: &Fields, tag: dicom::core::Tag, name: &str, needed: &str) -> Refusal {
    let text = fields.text(tag).unwrap_or_default();
    Refusal::Malformed(format!("{name} is {}; {needed} numbers are needed", quoted(&text)))
}

fn pixel_format(fields: &Fields) -> Result<PixelFormat, Refusal> {
    let required = |tag, name: &'static str| {
        fields.size(tag, name)?.ok_or_else(|| Refusal::Malformed(format!("{name} is missing")))
    };
    let assumed = |text: &str| fields.warnings.borrow_mut().push(text.to_string());
    let rows = required(tags::ROWS, "Rows")?;
    let columns = required(tags::COLUMNS, "Columns")?;
    let possible = 1..=usize::from(u16::MAX);
    if !possible.contains(&rows) || !possible.contains(&columns) {
        return Err(Refusal::Malformed(format!("the image has {rows} rows and {columns} columns")));
    }
    let samples = fields.size(tags::SAMPLES_PER_PIXEL, "Samples per Pixel")?.unwrap_or(1);
    let photometric = fields.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_else(|| "MONOCHROME2".into());
    let bits_allocated = required(tags::BITS_ALLOCATED, "Bits Allocated")?;
    if !matches!(bits_allocated, 8 | 16 | 32) {
        return Err(Refusal::Malformed(format!("Bits Allocated is {bits_allocated}; 8, 16 and 32 can be read")));
    }
    let bits_stored = fields.size(tags::BITS_STORED, "Bits Stored")?.unwrap_or_else(|| {
        assumed("The file gives no Bits Stored; all bits are taken for values.");
        bits_allocated
    });
    let high_bit = fields.size(tags::HIGH_BIT, "High Bit")?.unwrap_or(bits_stored.saturating_sub(1));
    if bits_stored == 0 || bits_stored > bits_allocated || high_bit >= bits_allocated || high_bit + 1 < bits_stored {
        return Err(Refusal::Malformed(format!(
            "Bits Stored {bits_stored} and High Bit {high_bit} do not fit Bits Allocated {bits_allocated}"
        )));
    }
    match (samples, photometric.as_str()) {
        (1, "MONOCHROME1" | "MONOCHROME2") => {}
        (3, "RGB" | "YBR_FULL" | "YBR_FULL_422" | "YBR_ICT" | "YBR_RCT") if bits_allocated <= 16 => {}
        _ => {
            return Err(Refusal::OtherObject(format!(
                "a colour image ({photometric}, {samples} samples per pixel, {bits_allocated} bits), which is not an intensity image"
            )));
        }
    }
    let signed = match fields.whole(tags::PIXEL_REPRESENTATION, "Pixel Representation")? {
        Some(value @ (0 | 1)) => value == 1,
        Some(value) => return Err(Refusal::Malformed(format!("Pixel Representation is {value}; 0 or 1 is needed"))),
        None => {
            assumed(
                "The file does not say whether its values are signed (Pixel Representation); they are taken for unsigned.",
            );
            false
        }
    };
    let planar = match fields.whole(tags::PLANAR_CONFIGURATION, "Planar Configuration") {
        _ if samples == 1 => false,
        Ok(Some(1)) => true,
        Ok(Some(0) | None) => false,
        Ok(Some(value)) => {
            return Err(Refusal::Malformed(format!("Planar Configuration is {value}; 0 or 1 is needed")));
        }
        Err(refusal) => return Err(refusal),
    };
    Ok(PixelFormat { rows, columns, samples, bits_allocated, bits_stored, high_bit, signed, planar, photometric })
}

fn directions(fields: &Fields) -> Result<Option<[Vec3; 2]>, Refusal> {
    let name = "Image Orientation (Patient)";
    let Some(values) = fields.numbers(tags::IMAGE_ORIENTATION_PATIENT, name)? else { return Ok(None) };
    let [a, b, c, d, e, f] = values[..] else {
        return Err(wrong_count(fields, tags::IMAGE_ORIENTATION_PATIENT, name, "six"));
    };
    let (row, column) = ([a, b, c], [d, e, f]);
    let length = |v: Vec3| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let cosine: f64 = row.iter().zip(column).map(|(x, y)| x * y).sum();
    if (length(row) - 1.0).abs() > 0.01 || (length(column) - 1.0).abs() > 0.01 || cosine.abs() > 0.01 {
        return Err(Refusal::Malformed(format!("{name} {values:?} is not two perpendicular unit vectors")));
    }
    Ok(Some([row, column]))
}

fn pixel_spacing(fields: &Fields) -> Result<Option<[f64; 2]>, Refusal> {
    for (tag, name) in [(tags::PIXEL_SPACING, "Pixel Spacing"), (tags::IMAGER_PIXEL_SPACING, "Imager Pixel Spacing")] {
        let Some(values) = fields.numbers(tag, name)? else { continue };
        return match values[..] {
            [rows, columns] if rows > 0.0 && columns > 0.0 => Ok(Some([rows, columns])),
            _ => {
                let text = fields.text(tag).unwrap_or_default();
                Err(Refusal::Malformed(format!("{name} is {}; two positive numbers are needed", quoted(&text))))
            }
        };
    }
    Ok(None)
}

fn is_enhanced(class_uid: &str) -> bool {
    matches!(
        class_uid,
        "1.2.840.10008.5.1.4.1.1.2.1"
            | "1.2.840.10008.5.1.4.1.1.4.1"
            | "1.2.840.10008.5.1.4.1.1.4.3"
            | "1.2.840.10008.5.1.4.1.1.130"
    )
}

/// Objects with pixels or contours that are no scans, and what to do with them.
fn other_object(class_uid: &str, modality: &str) -> Option<String> {
    // Its own reader takes it where it holds contours.
    let contours = "an RT structure set (RTSTRUCT): contours, not a scan";
    let kind = match class_uid {
        "1.2.840.10008.5.1.4.1.1.30" => "a parametric map, not a scan",
        "1.2.840.10008.5.1.4.1.1.481.2" => "an RT dose, not a scan",
        "1.2.840.10008.5.1.4.1.1.481.3" => contours,
        "1.2.840.10008.1.3.10" => "a DICOM directory (DICOMDIR)",
        _ if modality == "RTSTRUCT" => contours,
        _ => return None,
    };
    Some(kind.into())
}

fn class_name(class_uid: &str) -> Option<&'static str> {
    StandardSopClassDictionary.by_uid(class_uid).map(|entry| entry.name)
}

/// A transfer syntax by its name, where the standard has one.
fn syntax_name(uid: &str) -> String {
    let known = dicom::transfer_syntax::TransferSyntaxRegistry.get(uid).map(dicom::encoding::TransferSyntax::name);
    known.map_or_else(|| uid.to_string(), |name| format!("{name} ({uid})"))
}

/// Technical fields for the information panel; nothing that names a person, place or date of birth.
fn shown_fields(fields: &Fields, structure: &Structure, class_uid: &str) -> Vec<(String, String)> {
    let mut shown = vec![
        ("SOP Class".to_string(), class_name(class_uid).unwrap_or(class_uid).to_string()),
        ("Transfer Syntax".to_string(), syntax_name(&structure.transfer_syntax)),
    ];
    for (name, tag) in [
        ("Modality", tags::MODALITY),
        ("Series Description", tags::SERIES_DESCRIPTION),
        ("Series Number", tags::SERIES_NUMBER),
        ("Manufacturer", tags::MANUFACTURER),
        ("Model", tags::MANUFACTURER_MODEL_NAME),
        ("Body Part", tags::BODY_PART_EXAMINED),
        ("Protocol", tags::PROTOCOL_NAME),
        ("Image Type", tags::IMAGE_TYPE),
        ("Field Strength (T)", tags::MAGNETIC_FIELD_STRENGTH),
        ("Repetition Time (ms)", tags::REPETITION_TIME),
        ("Echo Time (ms)", tags::ECHO_TIME),
        ("KVP", tags::KVP),
        ("Kernel", tags::CONVOLUTION_KERNEL),
        ("Slice Thickness (mm)", tags::SLICE_THICKNESS),
        ("Patient Position", tags::PATIENT_POSITION),
        ("Photometric", tags::PHOTOMETRIC_INTERPRETATION),
        ("Bits Stored", tags::BITS_STORED),
    ] {
        if let Some(value) = fields.text(tag) {
            shown.push((name.to_string(), value));
        }
    }
    shown
}

impl Instance {
    /// The place of the pixels; [`read`] refuses files without.
    pub fn pixel_data(&self) -> Option<&PixelData> {
        self.structure.pixel_data.as_ref()
    }
}
