//! The header fields of one DICOM instance that decide where its pixels go.

use std::path::{Path, PathBuf};

use dicom_core::Tag;
use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::{StandardSopClassDictionary, tags};
use dicom_object::{DefaultDicomObject, OpenFileOptions};

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

/// One instance (a file), header only.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The file.
    pub path: PathBuf,
    /// Result of the walk.
    pub structure: Structure,
    /// Layout of its pixels.
    pub format: PixelFormat,
    /// SOP Instance UID.
    pub uid: String,
    /// Series Instance UID, or empty.
    pub series_uid: String,
    /// Series Description, or Protocol Name.
    pub description: String,
    /// Modality.
    pub modality: String,
    /// Instance Number.
    pub number: i64,
    /// Acquisition Number.
    pub acquisition: i64,
    /// Temporal Position Identifier, Trigger Time or Acquisition/Content Time, to put time points in order.
    pub time: f64,
    /// Echo Time in milliseconds and Echo Number.
    pub echo: (String, String),
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
    /// Rescale Slope and Intercept.
    pub rescale: (f64, f64),
    /// Window Center and Width.
    pub window: Option<Window>,
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
}

/// Reads the header of a file.
///
/// # Errors
/// With a sentence for the user.
pub fn read(path: &Path) -> Result<Instance, Refusal> {
    let structure = structure::walk(path).map_err(Refusal::Malformed)?;
    let object = OpenFileOptions::new()
        .read_until(tags::PIXEL_DATA)
        .open_file(path)
        .map_err(|e| Refusal::Malformed(format!("the DICOM header cannot be read: {}", chain(&e))))?;
    from_object(path, structure, &object)
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

struct Fields<'a>(&'a DefaultDicomObject);

impl Fields<'_> {
    fn text(&self, tag: Tag) -> Option<String> {
        let element = self.0.element_opt(tag).ok()??;
        let text = element.to_str().ok()?;
        let text = text.trim_matches(['\0', ' ']).to_string();
        (!text.is_empty()).then_some(text)
    }

    fn texts(&self, tag: Tag) -> Vec<String> {
        self.text(tag).map(|t| t.split('\\').map(|s| s.trim().to_string()).collect()).unwrap_or_default()
    }

    fn number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag).first().copied()
    }

    /// All values, or none if one of them is no finite number.
    fn numbers(&self, tag: Tag) -> Vec<f64> {
        let Ok(Some(element)) = self.0.element_opt(tag) else { return Vec::new() };
        let values = element.to_multi_float64().unwrap_or_default();
        if values.iter().all(|v| v.is_finite()) { values } else { Vec::new() }
    }

    fn required(&self, tag: Tag, name: &str) -> Result<usize, Refusal> {
        let element = self.0.element_opt(tag).ok().flatten();
        let element = element.ok_or_else(|| Refusal::Malformed(format!("{name} is missing")))?;
        element
            .to_int::<u32>()
            .map(|v| v as usize)
            .map_err(|_| Refusal::Malformed(format!("{name} is not a whole number")))
    }
}

fn from_object(path: &Path, structure: Structure, object: &DefaultDicomObject) -> Result<Instance, Refusal> {
    let fields = Fields(object);
    let class_uid = fields.text(tags::SOP_CLASS_UID).unwrap_or_else(|| structure.media_class_uid.clone());
    let modality = fields.text(tags::MODALITY).unwrap_or_default();
    if let Some(kind) = other_object(&class_uid, &modality) {
        return Err(Refusal::OtherObject(kind));
    }
    if structure.pixel_data.is_none() {
        return Err(Refusal::OtherObject(match class_name(&class_uid) {
            Some(name) => format!("a DICOM object without an image: {name}"),
            None => "a DICOM object without an image (no Pixel Data)".into(),
        }));
    }
    let format = pixel_format(&fields)?;
    let frames = match fields.0.element_opt(tags::NUMBER_OF_FRAMES) {
        Ok(Some(element)) => {
            let text = element.to_str().unwrap_or_default().trim_matches(['\0', ' ']).to_string();
            match text.parse::<i64>() {
                _ if text.is_empty() => 1,
                Ok(n) if n >= 1 => n,
                _ => return Err(Refusal::Malformed(format!("Number of Frames is {text:?}"))),
            }
        }
        _ => 1,
    };
    if frames > 1 || is_enhanced(&class_uid) {
        return Err(Refusal::OtherObject(format!(
            "a multi-frame image ({frames} frames); export it as single-frame (classic) DICOM or NIfTI to open it here"
        )));
    }
    let image_type = fields.texts(tags::IMAGE_TYPE);
    if image_type.iter().any(|t| t == "MOSAIC") {
        return Err(Refusal::OtherObject(
            "a Siemens mosaic (many slices tiled into one image); convert it to single slices or NIfTI to open it here"
                .into(),
        ));
    }
    let rescale_slope = fields.number(tags::RESCALE_SLOPE).unwrap_or(1.0);
    if rescale_slope == 0.0 {
        return Err(Refusal::Malformed("Rescale Slope is 0, which would make every value the same".into()));
    }
    let directions = directions(&fields)?;
    let position = match fields.numbers(tags::IMAGE_POSITION_PATIENT)[..] {
        [x, y, z] => Some([x, y, z]),
        _ if fields.text(tags::IMAGE_POSITION_PATIENT).is_some() => {
            return Err(Refusal::Malformed("Image Position (Patient) is not three finite numbers".into()));
        }
        _ => None,
    };
    let window = match (fields.number(tags::WINDOW_CENTER), fields.number(tags::WINDOW_WIDTH)) {
        (Some(level), Some(width)) if width > 0.0 => Some(Window { level, width }),
        _ => None,
    };
    Ok(Instance {
        path: path.into(),
        uid: fields.text(tags::SOP_INSTANCE_UID).unwrap_or_else(|| structure.media_instance_uid.clone()),
        series_uid: fields.text(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        description: fields
            .text(tags::SERIES_DESCRIPTION)
            .or_else(|| fields.text(tags::PROTOCOL_NAME))
            .unwrap_or_default(),
        number: fields.number(tags::INSTANCE_NUMBER).unwrap_or(0.0) as i64,
        acquisition: fields.number(tags::ACQUISITION_NUMBER).unwrap_or(0.0) as i64,
        time: [tags::TEMPORAL_POSITION_IDENTIFIER, tags::TRIGGER_TIME, tags::ACQUISITION_TIME, tags::CONTENT_TIME]
            .into_iter()
            .find_map(|tag| fields.text(tag).and_then(|t| t.parse().ok()))
            .unwrap_or(0.0),
        echo: (fields.text(tags::ECHO_TIME).unwrap_or_default(), fields.text(tags::ECHO_NUMBERS).unwrap_or_default()),
        image_type: image_type.into_iter().skip(1).collect(),
        position,
        directions,
        pixel_spacing: pixel_spacing(&fields)?,
        thickness: fields.number(tags::SLICE_THICKNESS).filter(|&v| v > 0.0),
        slice_spacing: fields.number(tags::SPACING_BETWEEN_SLICES).map(f64::abs).filter(|&v| v > 0.0),
        rescale: (rescale_slope, fields.number(tags::RESCALE_INTERCEPT).unwrap_or(0.0)),
        window,
        header: shown_fields(&fields, &structure, &class_uid),
        modality,
        format,
        structure,
    })
}

fn pixel_format(fields: &Fields) -> Result<PixelFormat, Refusal> {
    let rows = fields.required(tags::ROWS, "Rows")?;
    let columns = fields.required(tags::COLUMNS, "Columns")?;
    let possible = 1..=usize::from(u16::MAX);
    if !possible.contains(&rows) || !possible.contains(&columns) {
        return Err(Refusal::Malformed(format!("the image has {rows} rows and {columns} columns")));
    }
    let samples = fields
        .required(tags::SAMPLES_PER_PIXEL, "Samples per Pixel")
        .or_else(|e| if fields.text(tags::SAMPLES_PER_PIXEL).is_none() { Ok(1) } else { Err(e) })?;
    let photometric = fields.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_else(|| "MONOCHROME2".into());
    let bits_allocated = fields.required(tags::BITS_ALLOCATED, "Bits Allocated")?;
    let bits_stored = fields.required(tags::BITS_STORED, "Bits Stored").unwrap_or(bits_allocated);
    let high_bit = fields.required(tags::HIGH_BIT, "High Bit").unwrap_or(bits_stored.saturating_sub(1));
    if !matches!(bits_allocated, 8 | 16 | 32) {
        return Err(Refusal::Malformed(format!("Bits Allocated is {bits_allocated}; 8, 16 and 32 can be read")));
    }
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
    let signed = fields.required(tags::PIXEL_REPRESENTATION, "Pixel Representation").unwrap_or(0) == 1;
    let planar = fields.number(tags::PLANAR_CONFIGURATION) == Some(1.0);
    Ok(PixelFormat { rows, columns, samples, bits_allocated, bits_stored, high_bit, signed, planar, photometric })
}

fn directions(fields: &Fields) -> Result<Option<[Vec3; 2]>, Refusal> {
    let values = fields.numbers(tags::IMAGE_ORIENTATION_PATIENT);
    let [a, b, c, d, e, f] = values[..] else {
        return if fields.text(tags::IMAGE_ORIENTATION_PATIENT).is_some() {
            Err(Refusal::Malformed("Image Orientation (Patient) is not six finite numbers".into()))
        } else {
            Ok(None)
        };
    };
    let (row, column) = ([a, b, c], [d, e, f]);
    let length = |v: Vec3| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let cosine: f64 = row.iter().zip(column).map(|(x, y)| x * y).sum();
    if (length(row) - 1.0).abs() > 0.01 || (length(column) - 1.0).abs() > 0.01 || cosine.abs() > 0.01 {
        return Err(Refusal::Malformed(format!(
            "Image Orientation (Patient) {values:?} is not two perpendicular unit vectors"
        )));
    }
    Ok(Some([row, column]))
}

fn pixel_spacing(fields: &Fields) -> Result<Option<[f64; 2]>, Refusal> {
    for (tag, name) in [(tags::PIXEL_SPACING, "Pixel Spacing"), (tags::IMAGER_PIXEL_SPACING, "Imager Pixel Spacing")] {
        let Some(text) = fields.text(tag) else { continue };
        return match fields.numbers(tag)[..] {
            [rows, columns] if rows > 0.0 && columns > 0.0 => Ok(Some([rows, columns])),
            _ => Err(Refusal::Malformed(format!("{name} is {text:?}; two positive numbers are needed"))),
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

/// Objects with pixels or contours that are no scans.
fn other_object(class_uid: &str, modality: &str) -> Option<String> {
    match class_uid {
        "1.2.840.10008.5.1.4.1.1.66.4" | "1.2.840.10008.5.1.4.1.1.66.7" => {
            Some("a DICOM segmentation (SEG), not a scan".into())
        }
        "1.2.840.10008.5.1.4.1.1.30" => Some("a parametric map, not a scan".into()),
        "1.2.840.10008.5.1.4.1.1.481.2" => Some("an RT dose, not a scan".into()),
        "1.2.840.10008.5.1.4.1.1.481.3" => Some("an RT structure set (contours), not a scan".into()),
        "1.2.840.10008.1.3.10" => Some("a DICOM directory (DICOMDIR)".into()),
        _ if modality == "SEG" => Some("a DICOM segmentation (SEG), not a scan".into()),
        _ => None,
    }
}

fn class_name(class_uid: &str) -> Option<&'static str> {
    StandardSopClassDictionary.by_uid(class_uid).map(|entry| entry.name)
}

/// Technical fields for the information panel; nothing that names a person, place or date of birth.
fn shown_fields(fields: &Fields, structure: &Structure, class_uid: &str) -> Vec<(String, String)> {
    let mut shown = vec![
        ("SOP Class".to_string(), class_name(class_uid).unwrap_or(class_uid).to_string()),
        ("Transfer Syntax".to_string(), structure.transfer_syntax.clone()),
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
