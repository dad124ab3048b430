//! One DICOM file: what its header says as a whole, and its frames.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dicom::core::Tag;
use dicom::core::dictionary::UidDictionary;
use dicom::dictionary_std::{StandardSopClassDictionary, tags};
use dicom::encoding::TransferSyntaxIndex;

use super::fields::{Fields, Unreadable, WANTED};
pub use super::format::PixelFormat;
use super::format::pixel_format;
use super::frame::{Frame, FrameFacts};
use super::functional_groups::MAX_FRAMES;
use super::modality_lut::ModalityLut;
use super::mosaic::Mosaic;
use super::palette::Palette;
use super::sequences::Sequences;
use super::structure::{self, PixelData, Structure};
use super::{dose, fragments, nuclear, pixels, spacing};

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
    /// Frames in the file.
    pub frame_count: usize,
    /// The first fragment of each frame and the one behind its last, where there are several frames of compressed pixels.
    pub frame_fragments: Vec<[usize; 2]>,
    /// Rows and columns of a sheet that holds several images; then [`Self::format`] is that of one of them.
    pub sheet: Option<[usize; 2]>,
    /// The colours that samples stand for.
    pub palette: Option<Palette>,
    /// The values that samples stand for.
    pub modality_lut: Option<ModalityLut>,
    /// Whether frames without a place follow each other in time.
    pub is_cine: bool,
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

/// Reads a file's header: its frames, in the order of the file.
///
/// # Errors
/// With a sentence for the user.
pub fn read(path: &Path) -> Result<Vec<Frame>, Failure> {
    let unknown = |refusal| Failure { refusal, series_uid: None };
    let mut sequences = Sequences::default();
    let (structure, values) =
        structure::walk_inside(path, WANTED, &mut sequences).map_err(|reason| unknown(Refusal::Malformed(reason)))?;
    let increment = values.iter().find(|value| value.tag == tags::FRAME_INCREMENT_POINTER);
    let increments = increment.map(|value| tags_in(&value.bytes)).unwrap_or_default();
    let fields = Fields::read(values).map_err(unknown)?;
    from_fields(path, structure, sequences, &increments, &fields)
        .map_err(|refusal| Failure { refusal, series_uid: fields.text(tags::SERIES_INSTANCE_UID) })
}

/// The elements that an element names.
fn tags_in(bytes: &[u8]) -> Vec<Tag> {
    let word = |pair: &[u8]| u16::from_le_bytes([pair[0], pair[1]]);
    bytes.chunks_exact(4).map(|four| Tag(word(&four[..2]), word(&four[2..]))).collect()
}

fn from_fields(
    path: &Path,
    structure: Structure,
    sequences: Sequences,
    increments: &[Tag],
    fields: &Fields,
) -> Result<Vec<Frame>, Refusal> {
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
    let mut format = pixel_format(fields)?;
    let frame_count = frame_count(fields)?;
    if structure.pixel_data.as_ref().is_some_and(|stored| format.is_full_in_truth(stored, frame_count)) {
        fields.warnings.borrow_mut().push(
            "Photometric Interpretation is YBR_FULL_422, but all pixels have colours of their own; they are read so."
                .into(),
        );
        format.photometric = "YBR_FULL".into();
    }
    let instance_number = fields.whole(tags::INSTANCE_NUMBER, "Instance Number");
    let palette = if format.is_palette() { Some(Palette::read(fields)?) } else { None };
    let is_grey = format.samples == 1 && palette.is_none();
    let modality_lut = if is_grey { ModalityLut::read(sequences.modality_lut, format.signed)? } else { None };
    let is_timed = matches!(increments, [tags::FRAME_TIME | tags::FRAME_TIME_VECTOR]);
    let mut instance = Instance {
        path: path.into(),
        uid: fields.text(tags::SOP_INSTANCE_UID).unwrap_or_else(|| structure.media_instance_uid.clone()),
        series_uid: fields.text(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        subject: subject(fields),
        description: fields
            .text(tags::SERIES_DESCRIPTION)
            .or_else(|| fields.text(tags::PROTOCOL_NAME))
            .unwrap_or_default(),
        number: fields.if_readable("Instance Number", tags::INSTANCE_NUMBER, instance_number),
        frame_count,
        frame_fragments: Vec::new(),
        sheet: None,
        palette,
        modality_lut,
        is_cine: is_timed && frame_count > 1,
        header: shown_fields(fields, &structure, &class_uid),
        class_uid,
        warnings: structure.warnings.clone(),
        unreadable: Vec::new(),
        modality,
        format,
        structure,
    };
    if let Some(lut) = instance.modality_lut {
        instance.header.push(("Modality LUT".into(), format!("{} values", lut.entries)));
    }
    if frame_count > 1 {
        let note = instance.find_frames().map_err(Refusal::Malformed)?;
        instance.warnings.extend(note);
    }
    let mut top = FrameFacts::read(fields)?;
    if instance.modality_lut.is_some() && top.rescale.take().is_some_and(|rescale| rescale != (1.0, 0.0)) {
        instance
            .warnings
            .push("The file gives a Modality LUT and a Rescale Slope and Intercept; the LUT is taken.".into());
    }
    let image_types: Vec<String> = fields.texts(tags::IMAGE_TYPE).iter().map(|t| t.to_uppercase()).collect();
    let mosaic =
        if image_types.iter().any(|t| t == "MOSAIC") { Some(Mosaic::read(&mut instance, &top)?) } else { None };
    let is_dose = instance.class_uid == RT_DOSE;
    let groups = sequences.groups;
    if groups.lie_in_volume() {
        instance.subject.frame_of_reference = fields.text(tags::VOLUME_FRAME_OF_REFERENCE_UID);
        instance.warnings.push(
            "The frames give places in the space of an ultrasound volume, not of the patient; left, front and up may \
             be others."
                .into(),
        );
    }
    let mut facts = if is_dose {
        dose::frames(&mut instance, top, fields)?
    } else if groups.is_empty() && nuclear::is_numbered(&instance.class_uid, increments) {
        nuclear::frames(&mut instance, top, fields, increments, sequences.camera)?
    } else {
        groups.frames(frame_count, &mut instance, top, fields)?
    };
    if facts.iter().any(|facts| facts.pixel_spacing.is_none())
        && let Some(mm) = spacing::elsewhere(fields, sequences.regions)?
    {
        facts.iter_mut().for_each(|facts| facts.pixel_spacing = facts.pixel_spacing.or(Some(mm)));
    }
    instance.warnings.extend(fields.warnings.take());
    instance.unreadable = fields.unreadable.take();
    let file = Arc::new(instance);
    if let Some(mosaic) = mosaic {
        return Ok(facts.into_iter().enumerate().flat_map(|(n, facts)| mosaic.tiles(&file, n, &facts)).collect());
    }
    Ok(facts.into_iter().enumerate().map(|(n, facts)| Frame::new(&file, n, facts)).collect())
}

fn frame_count(fields: &Fields) -> Result<usize, Refusal> {
    match fields.whole(tags::NUMBER_OF_FRAMES, "Number of Frames")? {
        None => Ok(1),
        Some(frames) if frames >= 1 => Ok(usize::try_from(frames).unwrap_or(usize::MAX)),
        Some(frames) => Err(Refusal::Malformed(format!("Number of Frames is {frames}"))),
    }
}

fn subject(fields: &Fields) -> Subject {
    let upper = |tag| fields.text(tag).map(|t| t.to_uppercase());
    Subject {
        patient_id: upper(tags::PATIENT_ID),
        name: upper(tags::PATIENT_NAME).map(|t| t.replace(['^', '=', ' '], "")).filter(|t| !t.is_empty()),
        birth_date: fields.text(tags::PATIENT_BIRTH_DATE),
        sex: upper(tags::PATIENT_SEX),
        study: fields.text(tags::STUDY_INSTANCE_UID),
        frame_of_reference: fields.text(tags::FRAME_OF_REFERENCE_UID),
    }
}

/// RT Structure Set Storage, which is read in a room of its own.
const RT_STRUCTURE_SET: &str = "1.2.840.10008.5.1.4.1.1.481.3";

/// RT Dose Storage.
const RT_DOSE: &str = "1.2.840.10008.5.1.4.1.1.481.2";

/// Objects with pixels that are no scans.
fn other_object(class_uid: &str, modality: &str) -> Option<String> {
    let kind = match class_uid {
        "1.2.840.10008.5.1.4.1.1.30" => "a parametric map, not a scan",
        "1.2.840.10008.5.1.4.1.1.77.1.6" => "a whole-slide image, whose tiles are no slices",
        "1.2.840.10008.1.3.10" => "a DICOM directory (DICOMDIR)",
        _ if class_uid == RT_STRUCTURE_SET || modality == "RTSTRUCT" => {
            "an RT structure set (RTSTRUCT): contours, not a scan"
        }
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
        ("Frames in the File", tags::NUMBER_OF_FRAMES),
        ("Dose Units", tags::DOSE_UNITS),
        ("Dose Type", tags::DOSE_TYPE),
        ("Dose Summation", tags::DOSE_SUMMATION_TYPE),
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

    /// Bits of the values that samples stand for, where those are in a table.
    pub fn table_bits(&self) -> Option<usize> {
        self.palette.map(|palette| palette.bits).or(self.modality_lut.map(|lut| lut.bits))
    }

    /// Checks that the declared frames can be there, and finds where each of them is; answers with what the user must know.
    fn find_frames(&mut self) -> Result<Option<String>, String> {
        let count = self.frame_count;
        let note = match self.pixel_data() {
            Some(PixelData::Encapsulated(_)) => {
                let (found, note) = fragments::of_frames(self)?;
                self.frame_fragments = found;
                note
            }
            _ => None,
        };
        pixels::check_size(self)?;
        if count > MAX_FRAMES {
            return Err(format!("the file has {count} frames; up to {MAX_FRAMES} can be read"));
        }
        Ok(note)
    }
}
