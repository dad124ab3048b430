//! What tells images of a series apart, compared as what it is: numbers with a tolerance, absent values as unknown.

use std::collections::{BTreeSet, HashSet};

use super::Member;
use crate::formats::dicom::frame::Frame;
use crate::work::numbers::real;

/// A header field that separates images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    PatientId,
    PatientName,
    BirthDate,
    Sex,
    Study,
    FrameOfReference,
    SeriesUid,
    SeriesNumber,
    EchoTime,
    EchoNumber,
    ImageType,
    Photometric,
    Kernel,
    Thickness,
    View,
    Energy,
    Kvp,
    Matrix,
    Samples,
    BitsAllocated,
    Signed,
    PixelSpacing,
    Orientation,
    AcquisitionNumber,
    Dimension,
    TemporalPosition,
    TriggerTime,
    BValue,
    ReferenceTime,
    InversionTime,
    FlipAngle,
    AcquisitionTime,
    ContentTime,
    InstanceNumber,
}

/// Fields whose values make volumes of their own.
pub const KINDS: &[Feature] = &[
    Feature::PatientName,
    Feature::BirthDate,
    Feature::Sex,
    Feature::SeriesNumber,
    Feature::EchoTime,
    Feature::EchoNumber,
    Feature::ImageType,
    Feature::Photometric,
    Feature::Kernel,
    Feature::View,
    Feature::Energy,
    Feature::Kvp,
    Feature::Thickness,
];

/// Fields that number passes, phases and time points.
pub const TIMES: &[Feature] = &[
    Feature::AcquisitionNumber,
    Feature::TemporalPosition,
    Feature::BValue,
    Feature::TriggerTime,
    Feature::ReferenceTime,
    Feature::InversionTime,
    Feature::FlipAngle,
    Feature::AcquisitionTime,
    Feature::ContentTime,
];

/// Fields that put the images at one place in order, the most telling first.
pub const FRAME_ORDER: &[Feature] = &[
    Feature::Dimension,
    Feature::TemporalPosition,
    Feature::AcquisitionNumber,
    Feature::TriggerTime,
    Feature::BValue,
    Feature::ReferenceTime,
    Feature::InversionTime,
    Feature::FlipAngle,
    Feature::AcquisitionTime,
    Feature::ContentTime,
    Feature::InstanceNumber,
];

const ALL: &[Feature] = &[
    Feature::PatientId,
    Feature::PatientName,
    Feature::BirthDate,
    Feature::Sex,
    Feature::Study,
    Feature::FrameOfReference,
    Feature::SeriesUid,
    Feature::Matrix,
    Feature::Samples,
    Feature::BitsAllocated,
    Feature::Signed,
    Feature::PixelSpacing,
    Feature::Orientation,
    Feature::SeriesNumber,
    Feature::EchoTime,
    Feature::EchoNumber,
    Feature::ImageType,
    Feature::Photometric,
    Feature::Kernel,
    Feature::Thickness,
    Feature::View,
    Feature::Energy,
    Feature::Kvp,
    Feature::AcquisitionNumber,
    Feature::TemporalPosition,
    Feature::BValue,
    Feature::TriggerTime,
    Feature::ReferenceTime,
    Feature::InversionTime,
    Feature::FlipAngle,
    Feature::AcquisitionTime,
    Feature::ContentTime,
];

/// A field's value in one image.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Unknown,
    Number(f64),
    Text(String),
}

fn text(value: Option<&String>) -> Value {
    value.map_or(Value::Unknown, |t| Value::Text(t.clone()))
}

fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Unknown, Value::Number)
}

impl Feature {
    /// The field as DICOM names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PatientId => "Patient ID",
            Self::PatientName => "Patient's Name",
            Self::BirthDate => "Patient's Birth Date",
            Self::Sex => "Patient's Sex",
            Self::Study => "Study Instance UID",
            Self::FrameOfReference => "Frame of Reference UID",
            Self::SeriesUid => "Series Instance UID",
            Self::SeriesNumber => "Series Number",
            Self::EchoTime => "Echo Time",
            Self::EchoNumber => "Echo Numbers",
            Self::ImageType => "Image Type",
            Self::Photometric => "Photometric Interpretation",
            Self::Kernel => "Convolution Kernel",
            Self::Thickness => "Slice Thickness",
            Self::View => "Energy Window and Detector",
            Self::Energy => "Monoenergetic Energy Equivalent",
            Self::Kvp => "KVP",
            Self::Matrix => "Rows and Columns",
            Self::Samples => "Samples per Pixel",
            Self::BitsAllocated => "Bits Allocated",
            Self::Signed => "Pixel Representation",
            Self::PixelSpacing => "Pixel Spacing",
            Self::Orientation => "Image Orientation (Patient)",
            Self::AcquisitionNumber => "Acquisition Number",
            Self::Dimension => "Dimension Index Values",
            Self::TemporalPosition => "Temporal Position Identifier",
            Self::TriggerTime => "Trigger Time",
            Self::BValue => "Diffusion b-value",
            Self::ReferenceTime => "Frame Reference Time",
            Self::InversionTime => "Inversion Time",
            Self::FlipAngle => "Flip Angle",
            Self::AcquisitionTime => "Acquisition Time",
            Self::ContentTime => "Content Time",
            Self::InstanceNumber => "Instance Number",
        }
    }

    /// The value in an image.
    pub fn value(self, image: &Frame) -> Value {
        let (subject, acquisition) = (&image.subject, &image.acquisition);
        match self {
            Self::PatientId => text(subject.patient_id.as_ref()),
            Self::PatientName => text(subject.name.as_ref()),
            Self::BirthDate => text(subject.birth_date.as_ref()),
            Self::Sex => text(subject.sex.as_ref()),
            Self::Study => text(subject.study.as_ref()),
            Self::FrameOfReference => text(subject.frame_of_reference.as_ref()),
            Self::SeriesUid => Value::Text(image.series_uid.clone()),
            Self::SeriesNumber => number(acquisition.series_number),
            Self::EchoTime => number(acquisition.echo_ms),
            Self::EchoNumber => number(acquisition.echo_number),
            Self::ImageType => image_kind(image),
            Self::Photometric => Value::Text(image.format.photometric.clone()),
            Self::Kernel => text(acquisition.kernel.as_ref()),
            Self::Thickness => number(image.thickness),
            Self::View => number(acquisition.view),
            Self::Energy => number(acquisition.energy_kev),
            Self::Kvp => number(acquisition.kvp),
            Self::Matrix => Value::Text(format!("{} x {}", image.format.columns, image.format.rows)),
            Self::Samples => Value::Number(real(image.format.samples)),
            Self::BitsAllocated => Value::Number(real(image.format.bits_allocated)),
            Self::Signed => Value::Number(f64::from(u8::from(image.format.signed))),
            Self::PixelSpacing => image.pixel_spacing.map_or(Value::Unknown, |s| Value::Text(format!("{s:?}"))),
            Self::Orientation => image.directions.map_or(Value::Unknown, |d| Value::Text(format!("{d:?}"))),
            Self::AcquisitionNumber => number(acquisition.number),
            Self::Dimension => number(acquisition.dimension),
            Self::TemporalPosition => number(acquisition.temporal_position),
            Self::TriggerTime => number(acquisition.trigger_ms),
            Self::BValue => number(acquisition.b_value),
            Self::ReferenceTime => number(acquisition.reference_ms),
            Self::InversionTime => number(acquisition.inversion_ms),
            Self::FlipAngle => number(acquisition.flip_degrees),
            Self::AcquisitionTime => number(acquisition.acquired),
            Self::ContentTime => number(acquisition.created),
            Self::InstanceNumber => number(image.rank_value()),
        }
    }

    /// Values closer than this are one value, written twice.
    fn tolerance(self, value: f64) -> f64 {
        match self {
            Self::EchoTime => 0.005 + 1e-3 * value.abs(),
            Self::Thickness => 1e-3 + 0.01 * value.abs(),
            Self::BValue => 0.5,
            // A tube is set to whole kilovolts; what it had is written by some.
            Self::Kvp => 2.0,
            _ => 1e-6,
        }
    }

    /// Whether two images differ in this field for sure.
    pub fn differs(self, a: &Frame, b: &Frame) -> bool {
        let apart = |p: &[f64], q: &[f64], most: f64| p.iter().zip(q).any(|(x, y)| (x - y).abs() > most);
        match self {
            Self::PixelSpacing => {
                return a.pixel_spacing.zip(b.pixel_spacing).is_some_and(|(p, q)| apart(&p, &q, 1e-3 * p[0]));
            }
            Self::Orientation => {
                return a
                    .directions
                    .zip(b.directions)
                    .is_some_and(|(p, q)| apart(p.as_flattened(), q.as_flattened(), 2e-3));
            }
            _ => {}
        }
        match (self.value(a), self.value(b)) {
            (Value::Number(a), Value::Number(b)) => (a - b).abs() > self.tolerance(a),
            (Value::Text(a), Value::Text(b)) => a != b,
            _ => false,
        }
    }
}

/// Image Type as far as it makes another kind of image.
fn image_kind(image: &Frame) -> Value {
    if image.image_type.is_empty() {
        return Value::Unknown;
    }
    if image.modality == "CT" {
        // CT scanners vary the values behind AXIAL or LOCALIZER within one stack.
        return text(image.image_type.get(1));
    }
    let values: Vec<&str> = image.image_type.iter().map(String::as_str).filter(|t| !t.is_empty()).collect();
    Value::Text(values.join("\\"))
}

/// Sorts images into classes of equal values; gives the index of each image's class.
///
/// An image without a value joins the only class, or the only one that has no image at its place.
pub fn classes(feature: Feature, members: &[Member], place_of: &[usize]) -> Vec<usize> {
    let values: Vec<Value> = members.iter().map(|m| feature.value(m)).collect();
    let mut numbers: Vec<f64> =
        values.iter().filter_map(|v| if let Value::Number(n) = v { Some(*n) } else { None }).collect();
    numbers.sort_by(f64::total_cmp);
    let starts: Vec<f64> = numbers
        .iter()
        .enumerate()
        .filter(|&(n, &value)| n == 0 || value - numbers[n - 1] > feature.tolerance(value))
        .map(|(_, &value)| value)
        .collect();
    let texts: BTreeSet<&str> =
        values.iter().filter_map(|v| if let Value::Text(t) = v { Some(t.as_str()) } else { None }).collect();
    let known = |value: &Value| match value {
        Value::Unknown => None,
        Value::Number(n) => Some(starts.partition_point(|start| start <= n).saturating_sub(1)),
        Value::Text(t) => Some(starts.len() + texts.iter().position(|other| other == t).unwrap_or(0)),
    };
    let count = starts.len() + texts.len();
    let mut class: Vec<Option<usize>> = values.iter().map(known).collect();
    let mut taken: HashSet<(usize, usize)> =
        class.iter().zip(place_of).filter_map(|(class, place)| Some((*place, (*class)?))).collect();
    for unknown in (0..members.len()).filter(|&n| values[n] == Value::Unknown) {
        let mut free = (0..count).filter(|&candidate| !taken.contains(&(place_of[unknown], candidate)));
        class[unknown] = match (count, free.next(), free.next()) {
            (1, ..) => Some(0),
            (_, Some(only), None) => Some(only),
            _ => None,
        };
        taken.extend(class[unknown].map(|class| (place_of[unknown], class)));
    }
    class.into_iter().map(|c| c.unwrap_or(count)).collect()
}

/// The values of a field as people read them, for a message; nothing that names a person.
pub fn shown_values(feature: Feature, members: &[Member]) -> String {
    let mut shown: Vec<String> = Vec::new();
    for member in members {
        let value = match feature.value(member) {
            Value::Unknown => "none".to_string(),
            Value::Number(n) => n.to_string(),
            Value::Text(t) => t,
        };
        if !shown.contains(&value) {
            shown.push(value);
        }
    }
    let more = if shown.len() > 4 { ", ..." } else { "" };
    shown.truncate(4);
    format!("{}{more}", shown.join(", "))
}

/// Names of the fields in which two images differ for sure.
pub fn differences(a: &Frame, b: &Frame) -> Vec<&'static str> {
    ALL.iter().filter(|feature| feature.differs(a, b)).map(|feature| feature.name()).collect()
}
