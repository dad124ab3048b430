//! The segments of a file: names, colours, meanings and who made them. Source: DICOM PS3.3 C.8.20.4.

use std::collections::HashSet;

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::cielab;
use super::dataset::DataSet;
use crate::volume::{Code, Label, LabelValue, Maker, Rgb, Term};

/// What dcmqi and 3D Slicer write where nobody has said what a segment means: tissue.
pub const NO_MEANING: &str = "85756007";
/// How a description of ours begins: the label's value in the mask, where the segment has another number.
pub const VALUE_IN_MASK: &str = "Label ";

/// Segment Algorithm Type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// By hand.
    Manual,
    /// By a program and a hand.
    SemiAutomatic,
    /// By a program alone.
    Automatic,
}

impl Algorithm {
    /// As DICOM writes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::SemiAutomatic => "SEMIAUTOMATIC",
            Self::Automatic => "AUTOMATIC",
        }
    }
}

/// A segment.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Segment Number; a value in the pixels of a LABELMAP.
    pub number: u16,
    /// Segment Label.
    pub name: String,
    /// Its colour, where the file gives one.
    pub colour: Option<Rgb>,
    /// What it means, where the file says more than "tissue".
    pub term: Option<Term>,
    /// How it was made, where the file says it.
    pub algorithm: Option<Algorithm>,
    /// Segment Algorithm Name.
    pub algorithm_name: Option<String>,
    /// Segment Description.
    pub description: Option<String>,
    /// Whether it is the background of a LABELMAP.
    pub is_background: bool,
}

/// Reads the Segment Sequence.
///
/// # Errors
/// Names the field and its value.
pub fn read(data_set: DataSet, character_set: Option<&str>, is_label_map: bool) -> Result<Vec<Segment>, String> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut numbers = HashSet::new();
    for item in data_set.items(tags::SEGMENT_SEQUENCE) {
        let segment = segment(item, character_set, is_label_map)?;
        if !numbers.insert(segment.number) {
            return Err(format!("Segment Number {} is there twice", segment.number));
        }
        segments.push(segment);
    }
    if segments.is_empty() {
        return Err("the Segment Sequence is missing or empty".into());
    }
    Ok(segments)
}

fn segment(item: DataSet, character_set: Option<&str>, is_label_map: bool) -> Result<Segment, String> {
    let number = item.count(tags::SEGMENT_NUMBER, "Segment Number")?.ok_or("a segment has no Segment Number")?;
    let number = u16::try_from(number).map_err(|_| format!("Segment Number is {number}; 65535 is the largest"))?;
    if number == 0 && !is_label_map {
        return Err("Segment Number is 0; segments count from 1".into());
    }
    let wanted = [tags::SEGMENT_LABEL, tags::SEGMENT_DESCRIPTION, tags::SEGMENT_ALGORITHM_NAME];
    let texts = item.texts(&wanted, character_set);
    let text = |tag: Tag| texts.as_ref().and_then(|texts| texts.text(tag));
    let category = code(item, tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, character_set);
    let kind_item = item.item(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE);
    let kind = code(item, tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, character_set);
    let modifier = tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE;
    let side = kind_item.and_then(|kind| code(kind, modifier, character_set));
    let is_background = is_label_map && number == 0;
    let term = match (category, kind) {
        (Some(category), Some(kind)) if kind.value != NO_MEANING && !is_background => {
            Some(Term { category, kind, side })
        }
        _ => None,
    };
    // A colour that cannot be read is no reason to lose the mask.
    let lab = item.exactly::<3>(tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE, "colour").ok().flatten();
    let algorithm = item.code(tags::SEGMENT_ALGORITHM_TYPE).and_then(|text| {
        [Algorithm::Manual, Algorithm::SemiAutomatic, Algorithm::Automatic].into_iter().find(|a| a.code() == text)
    });
    Ok(Segment {
        number,
        name: text(tags::SEGMENT_LABEL).unwrap_or_else(|| format!("Segment {number}")),
        colour: lab.map(cielab::to_rgb),
        term,
        algorithm,
        algorithm_name: text(tags::SEGMENT_ALGORITHM_NAME),
        description: text(tags::SEGMENT_DESCRIPTION),
        is_background,
    })
}

/// The first code of a sequence.
fn code(item: DataSet, sequence: Tag, character_set: Option<&str>) -> Option<Code> {
    let code = item.item(sequence)?;
    let texts = code.texts(
        &[tags::CODE_VALUE, tags::CODING_SCHEME_DESIGNATOR, tags::CODE_MEANING, tags::LONG_CODE_VALUE],
        character_set,
    )?;
    Some(Code {
        scheme: texts.text(tags::CODING_SCHEME_DESIGNATOR)?,
        value: texts.text(tags::CODE_VALUE).or_else(|| texts.text(tags::LONG_CODE_VALUE))?,
        meaning: texts.text(tags::CODE_MEANING).unwrap_or_default(),
    })
}

impl Segment {
    /// The value that its voxels get.
    pub fn value(&self, is_ours: bool) -> LabelValue {
        let kept = self.description.as_deref().filter(|_| is_ours).and_then(|text| text.strip_prefix(VALUE_IN_MASK));
        kept.and_then(|value| value.parse().ok()).filter(|value| *value > 0).unwrap_or(self.number)
    }

    /// Its entry in the table of labels.
    pub fn label(&self, value: LabelValue) -> Label {
        let mut label = Label::new(value, self.name.clone());
        label.colour = self.colour.unwrap_or(label.colour);
        label.term = self.term.clone().map(Box::new);
        label
    }

    /// Who made it, where the file says it.
    pub fn maker(&self) -> Option<Maker> {
        let name = || self.algorithm_name.clone().unwrap_or_else(|| "a program".into());
        Some(match self.algorithm? {
            Algorithm::Manual => Maker::Hand,
            Algorithm::SemiAutomatic => Maker::CorrectedModel(name()),
            Algorithm::Automatic => Maker::Model(name()),
        })
    }

    /// For the information panel: "Liver (SEMIAUTOMATIC, dcmqi; SRT T-62000, Liver)".
    pub fn described(&self) -> String {
        let mut parts = vec![self.algorithm.map_or("made in an unknown way", Algorithm::code).to_string()];
        parts.extend(self.algorithm_name.clone());
        let meaning = self.term.as_ref().map(|term| format!("; {}", term.described())).unwrap_or_default();
        format!("{} ({}{meaning})", self.name, parts.join(", "))
    }
}
