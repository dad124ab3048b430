//! What the header of a segmentation object says. Source: DICOM PS3.3 A.51 (Segmentation), A.88 (Label Map Segmentation), C.8.20.

use std::path::{Path, PathBuf};

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::dataset::{DataSet, HeaderBytes};
use super::segments::{self, Segment};
use crate::formats::Belonging;
use crate::formats::dicom::functional_groups::MAX_FRAMES;
use crate::formats::dicom::structure::{self, PixelData, Structure, syntax};
use crate::volume::{FrameOfReference, Vec3, cross};

/// Bytes that a compressed byte can become at most.
const MAX_COMPRESSION: u64 = 8192;
/// An empty frame of this size may take a few hundred bytes only.
const SMALL_BYTES: u64 = 16 << 20;
/// Most letters of a UID (PS3.5 9.1).
const LONGEST_UID: usize = 64;
/// Name of the manufacturer's model that we write.
pub const OUR_MODEL: &str = "Lamella";

/// What the pixels of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    /// A bit a voxel, each frame of one segment.
    Binary,
    /// The part of a voxel, or the chance, in steps of 1 / `most`; each frame of one segment.
    Fractional {
        /// Maximum Fractional Value.
        most: u16,
    },
    /// Numbers of segments.
    LabelMap,
}

/// Where the pixels of a frame lie, LPS millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Centre of the first pixel.
    pub position: Vec3,
    /// Unit vectors along a row and along a column.
    pub directions: [Vec3; 2],
    /// Distance of rows and of columns.
    pub spacing: [f64; 2],
}

/// One frame.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Number of its segment; none in a label map.
    pub segment: Option<u16>,
    /// Where it lies, where the file says it.
    pub place: Option<Place>,
    /// The image that it was made on: its SOP Instance UID, and the number of the frame.
    pub source: Option<(String, Option<u32>)>,
}

/// A segmentation object, without its pixels.
#[derive(Debug, Clone)]
pub struct Segmentation {
    /// The file.
    pub path: PathBuf,
    /// Where the pixels are.
    pub structure: Structure,
    /// Where the frames of compressed pixels begin, where a table says it.
    pub offset_table: Vec<u64>,
    /// What the pixels are.
    pub pixels: Pixels,
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
    /// Bits of a pixel: 1, 8 or 16.
    pub bits: usize,
    /// The frames, in the order of the file.
    pub frames: Vec<Frame>,
    /// The segments, in the order of the file.
    pub segments: Vec<Segment>,
    /// Pixel Padding Value: no segment.
    pub padding: Option<u16>,
    /// Spacing Between Slices and Slice Thickness, where they are given.
    pub distances: [Option<f64>; 2],
    /// Whether the file says that no segments overlap.
    pub says_no_overlap: bool,
    /// Whether this program wrote it.
    pub is_ours: bool,
    /// SOP Instance UID.
    pub instance_uid: String,
    /// Series Instance UID.
    pub series_uid: String,
    /// Series Instance UID of the images that it was made on.
    pub source_series: Option<String>,
    /// Series Description, or what the object is.
    pub name: String,
    /// Whose it is.
    pub belongs_to: Belonging,
    /// The space of its coordinates.
    pub frame_of_reference: Option<FrameOfReference>,
    /// Fields to show.
    pub header: Vec<(String, String)>,
    /// What the user must know.
    pub warnings: Vec<String>,
}

/// Reads the header of a segmentation object.
///
/// # Errors
/// A sentence with the field and its value.
pub fn read(path: &Path) -> Result<Segmentation, String> {
    let (structure, _) = structure::walk(path, &[])?;
    let Some(pixel_data) = &structure.pixel_data else { return Err("there are no pixel data".into()) };
    let bytes = HeaderBytes::read(path, &structure)?;
    let data_set = bytes.data_set();
    let mut warnings = structure.warnings.clone();
    let size = |tag, name: &str| data_set.count(tag, name)?.ok_or_else(|| format!("{name} is missing"));
    let (rows, columns) = (size(tags::ROWS, "Rows")?, size(tags::COLUMNS, "Columns")?);
    let possible = 1..=usize::from(u16::MAX);
    if !possible.contains(&rows) || !possible.contains(&columns) {
        return Err(format!("the frames have {rows} rows and {columns} columns"));
    }
    let bits = size(tags::BITS_ALLOCATED, "Bits Allocated")?;
    let pixels = pixels(data_set, bits)?;
    let frame_count = data_set.count(tags::NUMBER_OF_FRAMES, "Number of Frames")?.unwrap_or(1);
    check_size(pixel_data, &structure.transfer_syntax, rows * columns * bits, frame_count)?;
    let character_set = data_set.code(tags::SPECIFIC_CHARACTER_SET);
    let character_set = character_set.as_deref();
    let segments = segments::read(data_set, character_set, pixels == Pixels::LabelMap)?;
    for segment in data_set.items(tags::SEGMENT_SEQUENCE) {
        let doubts = segment.texts(&[tags::SEGMENT_LABEL], character_set).map(|texts| texts.warnings.take());
        let new = doubts.into_iter().flatten().filter(|doubt| !warnings.contains(doubt)).collect::<Vec<_>>();
        warnings.extend(new);
    }
    let frames = frames(data_set, frame_count, pixels)?;
    let described = data_set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).len();
    if described > frame_count {
        warnings.push(format!(
            "The header describes {described} frames, but there are {frame_count}; the others are not there."
        ));
    }
    check_numbers(&frames, &segments)?;
    if let Pixels::Fractional { .. } = pixels {
        let kind = data_set.code(tags::SEGMENTATION_FRACTIONAL_TYPE).unwrap_or_else(|| "of an unknown kind".into());
        warnings.push(format!(
            "The file holds fractions ({kind}), not a mask; a voxel belongs to a segment where its fraction is at least a half."
        ));
    }
    if bytes.writer.starts_with("dcmjs") {
        warnings.push(
            "The file was written by dcmjs, which can lay a mask on the slices in the wrong order without a trace in the file; look whether \
             it fits the scan."
                .into(),
        );
    }
    let texts = data_set.texts(TEXTS, character_set);
    let text = |tag: Tag| texts.as_ref().and_then(|texts| texts.text(tag));
    let measures = groups(data_set).find_map(|group| group.item(tags::PIXEL_MEASURES_SEQUENCE));
    let distance = |tag| {
        let inside = measures.and_then(|measures| measures.exactly::<1>(tag, "").ok().flatten());
        inside.map(|[value]| value.abs()).filter(|value| *value > 0.0)
    };
    let padding = data_set.count(tags::PIXEL_PADDING_VALUE, "Pixel Padding Value")?;
    Ok(Segmentation {
        path: path.into(),
        offset_table: bytes.offset_table(),
        pixels,
        rows,
        columns,
        bits,
        padding: padding.and_then(|value| u16::try_from(value).ok()),
        distances: [distance(tags::SPACING_BETWEEN_SLICES), distance(tags::SLICE_THICKNESS)],
        says_no_overlap: data_set.code(tags::SEGMENTS_OVERLAP).as_deref() == Some("NO"),
        is_ours: text(tags::MANUFACTURER_MODEL_NAME).as_deref() == Some(OUR_MODEL),
        instance_uid: data_set.code(tags::SOP_INSTANCE_UID).unwrap_or_default(),
        series_uid: data_set.code(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        source_series: data_set
            .item(tags::REFERENCED_SERIES_SEQUENCE)
            .and_then(|series| series.code(tags::SERIES_INSTANCE_UID)),
        name: text(tags::SERIES_DESCRIPTION).unwrap_or_else(|| "Segmentation".into()),
        belongs_to: Belonging {
            patient: text(tags::PATIENT_ID).or_else(|| text(tags::PATIENT_NAME)).unwrap_or_default().to_uppercase(),
            study: data_set.code(tags::STUDY_INSTANCE_UID).unwrap_or_default(),
        },
        frame_of_reference: data_set.code(tags::FRAME_OF_REFERENCE_UID).and_then(|uid| FrameOfReference::new(&uid)),
        header: shown(data_set, &structure, &segments, text),
        frames,
        segments,
        warnings,
        structure,
    })
}

impl Segmentation {
    /// Takes pixels of 1 for whole voxels of a segment, whatever part the header says that they are.
    pub fn take_ones_for_whole(&mut self) {
        if let Pixels::Fractional { most } = &mut self.pixels {
            self.warnings.push(format!(
                "The pixels are 0 and 1, but the header says that {most} is a whole voxel, as dcmjs and older web viewers write masks that \
                 they compress; 1 is taken for a whole voxel."
            ));
            *most = 1;
        }
    }
}

/// Texts that are read in the character set of the file.
const TEXTS: &[Tag] = &[
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::CONTENT_DESCRIPTION,
];

/// Technical fields for the information panel; nothing that names a person.
fn shown(
    data_set: DataSet,
    structure: &Structure,
    segments: &[Segment],
    text: impl Fn(Tag) -> Option<String>,
) -> Vec<(String, String)> {
    let mut shown = vec![
        ("Segmentation Type".to_string(), data_set.code(tags::SEGMENTATION_TYPE).unwrap_or_default()),
        ("Transfer Syntax".to_string(), structure.transfer_syntax.clone()),
    ];
    for (name, tag) in [
        ("Series Description", tags::SERIES_DESCRIPTION),
        ("Manufacturer", tags::MANUFACTURER),
        ("Model", tags::MANUFACTURER_MODEL_NAME),
    ] {
        shown.extend(text(tag).map(|value| (name.to_string(), value)));
    }
    shown
        .extend(segments.iter().filter(|s| !s.is_background).map(|s| (format!("Segment {}", s.number), s.described())));
    shown
}

fn pixels(data_set: DataSet, bits: usize) -> Result<Pixels, String> {
    let kind = data_set.code(tags::SEGMENTATION_TYPE);
    let pixels = match kind.as_deref() {
        Some("BINARY") => Pixels::Binary,
        Some("FRACTIONAL") => {
            let most = data_set.count(tags::MAXIMUM_FRACTIONAL_VALUE, "Maximum Fractional Value")?.unwrap_or(255);
            match u16::try_from(most) {
                Ok(most @ 1..=255) => Pixels::Fractional { most },
                _ => return Err(format!("Maximum Fractional Value is {most}; 1 to 255 are possible")),
            }
        }
        Some("LABELMAP") => Pixels::LabelMap,
        Some(other) => {
            return Err(format!("Segmentation Type is {other:?}; BINARY, FRACTIONAL and LABELMAP can be read"));
        }
        None => return Err("Segmentation Type is missing".into()),
    };
    let possible: &[usize] = match pixels {
        Pixels::Binary => &[1],
        Pixels::Fractional { .. } => &[8],
        Pixels::LabelMap => &[8, 16],
    };
    if !possible.contains(&bits) {
        let kind = kind.unwrap_or_default();
        return Err(format!(
            "Bits Allocated is {bits}, which a {kind} segmentation cannot have; {possible:?} can be read"
        ));
    }
    let samples = data_set.count(tags::SAMPLES_PER_PIXEL, "Samples per Pixel")?.unwrap_or(1);
    if samples != 1 {
        return Err(format!("Samples per Pixel is {samples}; 1 is needed"));
    }
    Ok(pixels)
}

/// Refuses frames that the bytes in the file cannot fill.
fn check_size(pixel_data: &PixelData, transfer_syntax: &str, frame_bits: usize, frames: usize) -> Result<(), String> {
    let needed = (frame_bits as u64).checked_mul(frames as u64).ok_or("the sizes overflow")?.div_ceil(8);
    match pixel_data {
        PixelData::Native { length, .. } if *length < needed => {
            Err(format!("the pixel data are cut: {length} of {needed} bytes; copy the file again"))
        }
        PixelData::Native { .. } if !syntax::is_native(transfer_syntax) => Err(format!(
            "the transfer syntax {transfer_syntax} says that the pixel data are compressed, but they are not; convert the file with the \
             program it comes from"
        )),
        PixelData::Native { .. } => Ok(()),
        PixelData::Encapsulated(fragments) => {
            let present: u64 = fragments.iter().map(|(_, length)| length).sum();
            if fragments.len() < frames || (needed > SMALL_BYTES && needed / MAX_COMPRESSION > present) {
                let count = fragments.len();
                return Err(format!(
                    "{frames} frames of {needed} bytes cannot come from {present} bytes in {count} fragments"
                ));
            }
            Ok(())
        }
    }
}

/// The shared groups, then those of each frame.
fn groups(data_set: DataSet<'_>) -> impl Iterator<Item = DataSet<'_>> {
    let shared = data_set.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    shared.into_iter().chain(data_set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).into_iter().take(1))
}

fn frames(data_set: DataSet, count: usize, pixels: Pixels) -> Result<Vec<Frame>, String> {
    if count > MAX_FRAMES {
        return Err(format!("Number of Frames is {count}; {MAX_FRAMES} can be read"));
    }
    // What is shared is read once: looked for in every frame, a long header would take hours.
    let shared = data_set.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).map(Groups::read).unwrap_or_default();
    let own = data_set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    if own.len() < count {
        let items = own.len();
        return Err(format!(
            "Number of Frames is {count}, but the Per-Frame Functional Groups Sequence has {items} items"
        ));
    }
    let read = |(n, own): (usize, DataSet)| {
        frame(&Groups::read(own), &shared, pixels).map_err(|why| format!("frame {}: {why}", n + 1))
    };
    own.into_iter().take(count).enumerate().map(read).collect()
}

/// A field in the first item of a group: none where the group is absent, what is wrong with it, or its value where it has one.
type InGroup<T> = Option<Result<Option<T>, String>>;

/// What the functional groups of a frame, or those that all share, say.
#[derive(Default)]
struct Groups {
    segment: InGroup<usize>,
    position: InGroup<[f64; 3]>,
    orientation: InGroup<[f64; 6]>,
    spacing: InGroup<[f64; 2]>,
    source: InGroup<(String, Option<u32>)>,
}

impl Groups {
    fn read(set: DataSet) -> Self {
        let plane = set.item(tags::PLANE_POSITION_SEQUENCE);
        let turn = set.item(tags::PLANE_ORIENTATION_SEQUENCE);
        let measures = set.item(tags::PIXEL_MEASURES_SEQUENCE);
        let number = set.item(tags::SEGMENT_IDENTIFICATION_SEQUENCE);
        Self {
            segment: number.map(|item| item.count(tags::REFERENCED_SEGMENT_NUMBER, "Referenced Segment Number")),
            position: plane.map(|item| item.exactly(tags::IMAGE_POSITION_PATIENT, "Image Position (Patient)")),
            orientation: turn.map(|item| item.exactly(tags::IMAGE_ORIENTATION_PATIENT, "Image Orientation (Patient)")),
            spacing: measures.map(|item| item.exactly(tags::PIXEL_SPACING, "Pixel Spacing")),
            source: set.item(tags::DERIVATION_IMAGE_SEQUENCE).map(|item| Ok(source(item))),
        }
    }
}

/// A field of the frame itself, or else of all.
fn either<T: Clone>(
    own: Option<&Result<Option<T>, String>>,
    shared: Option<&Result<Option<T>, String>>,
) -> Result<Option<T>, String> {
    own.or(shared).cloned().transpose().map(Option::flatten)
}

fn frame(own: &Groups, shared: &Groups, pixels: Pixels) -> Result<Frame, String> {
    let segment =
        if pixels == Pixels::LabelMap { None } else { either(own.segment.as_ref(), shared.segment.as_ref())? };
    let segment = segment.and_then(|number| u16::try_from(number).ok());
    if segment.is_none() && pixels != Pixels::LabelMap {
        return Err("Referenced Segment Number is missing".into());
    }
    let source = either(own.source.as_ref(), shared.source.as_ref())?;
    Ok(Frame { segment, place: place(own, shared)?, source })
}

fn place(own: &Groups, shared: &Groups) -> Result<Option<Place>, String> {
    if own.position.is_none() && shared.position.is_none() {
        return Ok(None);
    }
    let position = either(own.position.as_ref(), shared.position.as_ref())?;
    let orientation = either(own.orientation.as_ref(), shared.orientation.as_ref())?;
    let spacing = either(own.spacing.as_ref(), shared.spacing.as_ref())?;
    let (Some(position), Some([a, b, c, d, e, f]), Some(spacing)) = (position, orientation, spacing) else {
        return Ok(None);
    };
    let directions = [[a, b, c], [d, e, f]];
    let size = |v: Vec3| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let is_unit = |v: Vec3| (size(v) - 1.0).abs() < 0.01;
    if !directions.into_iter().all(is_unit) || !is_unit(cross(directions[0], directions[1])) {
        return Err(format!("Image Orientation (Patient) {directions:?} is not two perpendicular unit vectors"));
    }
    if !spacing.iter().all(|value| *value > 0.0) {
        return Err(format!("Pixel Spacing is {spacing:?}; two positive numbers are needed"));
    }
    Ok(Some(Place { position, directions, spacing }))
}

/// The image that a frame was made on. A text that is longer than a UID can be is none, so that no frame keeps it.
fn source(derivation: DataSet) -> Option<(String, Option<u32>)> {
    let image = derivation.item(tags::SOURCE_IMAGE_SEQUENCE)?;
    let uid = image.code(tags::REFERENCED_SOP_INSTANCE_UID).filter(|uid| uid.len() <= LONGEST_UID)?;
    let frame = image.numbers(tags::REFERENCED_FRAME_NUMBER, "").ok().flatten();
    let frame = frame.and_then(|all| all.first().copied()).map(crate::work::numbers::whole);
    Some((uid, frame.and_then(|number| u32::try_from(number).ok())))
}

/// Refuses frames of segments that the file does not describe.
fn check_numbers(frames: &[Frame], segments: &[Segment]) -> Result<(), String> {
    let known: std::collections::HashSet<u16> = segments.iter().map(|segment| segment.number).collect();
    let unknown = frames.iter().position(|frame| frame.segment.is_some_and(|number| !known.contains(&number)));
    match unknown {
        Some(n) => Err(format!(
            "frame {} is of segment {}, which the Segment Sequence does not have",
            n + 1,
            frames.get(n).and_then(|frame| frame.segment).unwrap_or_default()
        )),
        None => Ok(()),
    }
}
