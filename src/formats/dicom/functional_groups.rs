//! What an enhanced object says of its frames: the Shared and the Per-frame Functional Groups, and its dimensions.
//! Source: DICOM PS3.3 section C.7.6.16 and C.7.6.17; legacy converted objects, section C.7.6.16.2.25.

use std::collections::{BTreeSet, HashSet};

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::fields::Fields;
use super::frame::FrameFacts;
use super::inside::{Around, Inside};
use super::instance::{Instance, Refusal};
use super::structure::RawValue;

/// More frames than any scanner makes; what is kept of each is a few hundred bytes.
pub const MAX_FRAMES: usize = 1 << 17;
/// More planes in one object than a scan around an axis has.
const MAX_PLANES: usize = 1024;

/// The groups that are used, and their elements in ascending order.
const GROUPS: &[(Tag, &[Tag])] = &[
    (tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE, &[tags::FLIP_ANGLE]),
    (tags::MR_ECHO_SEQUENCE, &[tags::EFFECTIVE_ECHO_TIME]),
    (tags::MR_DIFFUSION_SEQUENCE, &[tags::DIFFUSION_B_VALUE]),
    (tags::CARDIAC_SYNCHRONIZATION_SEQUENCE, &[tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME]),
    (tags::MR_IMAGE_FRAME_TYPE_SEQUENCE, &[tags::FRAME_TYPE, tags::COMPLEX_IMAGE_COMPONENT]),
    (tags::CT_RECONSTRUCTION_SEQUENCE, &[tags::CONVOLUTION_KERNEL]),
    (tags::CT_IMAGE_FRAME_TYPE_SEQUENCE, &[tags::FRAME_TYPE]),
    (tags::PET_FRAME_TYPE_SEQUENCE, &[tags::FRAME_TYPE]),
    (
        tags::FRAME_CONTENT_SEQUENCE,
        &[
            tags::FRAME_ACQUISITION_DATE_TIME,
            tags::FRAME_REFERENCE_DATE_TIME,
            tags::STACK_ID,
            tags::TEMPORAL_POSITION_INDEX,
            tags::FRAME_ACQUISITION_NUMBER,
            tags::DIMENSION_INDEX_VALUES,
        ],
    ),
    (tags::PLANE_POSITION_SEQUENCE, &[tags::IMAGE_POSITION_PATIENT]),
    (tags::PLANE_ORIENTATION_SEQUENCE, &[tags::IMAGE_ORIENTATION_PATIENT]),
    (tags::PLANE_POSITION_VOLUME_SEQUENCE, &[tags::IMAGE_POSITION_VOLUME]),
    (tags::PLANE_ORIENTATION_VOLUME_SEQUENCE, &[tags::IMAGE_ORIENTATION_VOLUME]),
    (tags::UNASSIGNED_SHARED_CONVERTED_ATTRIBUTES_SEQUENCE, CONVERTED),
    (tags::UNASSIGNED_PER_FRAME_CONVERTED_ATTRIBUTES_SEQUENCE, CONVERTED),
    (tags::PIXEL_MEASURES_SEQUENCE, &[tags::SLICE_THICKNESS, tags::SPACING_BETWEEN_SLICES, tags::PIXEL_SPACING]),
    (tags::FRAME_VOILUT_SEQUENCE, &[tags::WINDOW_CENTER, tags::WINDOW_WIDTH]),
    (tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, &[tags::RESCALE_INTERCEPT, tags::RESCALE_SLOPE]),
];

/// Fields of single images that a conversion takes over as they are.
const CONVERTED: &[Tag] = &[
    tags::ACQUISITION_DATE,
    tags::ACQUISITION_TIME,
    tags::ECHO_TIME,
    tags::INVERSION_TIME,
    tags::ECHO_NUMBERS,
    tags::TRIGGER_TIME,
    tags::FLIP_ANGLE,
    tags::DIFFUSION_B_VALUE,
    tags::ACQUISITION_NUMBER,
    tags::TEMPORAL_POSITION_IDENTIFIER,
    tags::FRAME_REFERENCE_TIME,
];

/// Dimensions that say where a frame lies.
const SPATIAL: &[Tag] = &[
    tags::STACK_ID,
    tags::IN_STACK_POSITION_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::IMAGE_POSITION_VOLUME,
    tags::IMAGE_ORIENTATION_VOLUME,
    tags::SLICE_LOCATION,
];

/// The groups of an object, as the walk passes by.
#[derive(Default)]
pub struct FunctionalGroups {
    shared: Vec<RawValue>,
    frames: Vec<Vec<RawValue>>,
    dimensions: Vec<Tag>,
}

impl Inside for FunctionalGroups {
    fn enters(&self, sequence: Tag) -> bool {
        [
            tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            tags::DIMENSION_INDEX_SEQUENCE,
        ]
        .contains(&sequence)
    }

    fn wants(&self, around: &[Around], tag: Tag) -> bool {
        match around {
            [outer] => outer.sequence == tags::DIMENSION_INDEX_SEQUENCE && tag == tags::DIMENSION_INDEX_POINTER,
            [_, group] => {
                group.item == 0
                    && GROUPS.iter().any(|(sequence, elements)| *sequence == group.sequence && elements.contains(&tag))
            }
            [_, group, inner] => {
                group.sequence == tags::MR_DIFFUSION_SEQUENCE
                    && inner.sequence == tags::DIFFUSION_GRADIENT_DIRECTION_SEQUENCE
                    && tag == tags::DIFFUSION_GRADIENT_ORIENTATION
            }
            _ => false,
        }
    }

    fn take(&mut self, around: &[Around], value: RawValue) -> Result<(), String> {
        let Some(outer) = around.first() else { return Ok(()) };
        if outer.sequence == tags::DIMENSION_INDEX_SEQUENCE {
            if let [a, b, c, d] = value.bytes[..] {
                self.dimensions.push(Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])));
            }
            return Ok(());
        }
        let values = if outer.sequence == tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE {
            &mut self.shared
        } else {
            if outer.item >= MAX_FRAMES {
                return Err(format!("the object describes more than {MAX_FRAMES} frames, more than can be read"));
            }
            if self.frames.len() <= outer.item {
                self.frames.resize_with(outer.item + 1, Vec::new);
            }
            let Some(values) = self.frames.get_mut(outer.item) else { return Ok(()) };
            values
        };
        if !values.iter().any(|other| other.tag == value.tag) {
            values.push(value);
        }
        Ok(())
    }
}

impl FunctionalGroups {
    /// Whether the object has none.
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.frames.is_empty()
    }

    /// Whether places are those in the space of an ultrasound volume, and none that of the patient.
    pub fn lie_in_volume(&self) -> bool {
        let has = |tag| self.frames.iter().flatten().chain(&self.shared).any(|value| value.tag == tag);
        has(tags::IMAGE_POSITION_VOLUME) && !has(tags::IMAGE_POSITION_PATIENT)
    }

    /// What is said of each of `count` frames; `top` is what the file says outside of the groups.
    ///
    /// Warnings go to the instance, those of fields and unreadable fields to `fields`.
    ///
    /// # Errors
    /// Names the frame whose place or values cannot be read, or says that groups and frames differ in number.
    pub fn frames(
        self,
        count: usize,
        instance: &mut Instance,
        mut top: FrameFacts,
        fields: &Fields,
    ) -> Result<Vec<FrameFacts>, Refusal> {
        if count > 1 && self.is_empty() {
            // A film shows one place all the time.
            let is_placed = instance.is_cine && top.directions.is_some();
            if !is_placed && top.position.take().is_some() && !instance.is_cine {
                instance.warnings.push(format!(
                    "The file gives one Image Position (Patient) for its {count} frames; where each of them lies is unknown."
                ));
            }
            return Ok(vec![top; count]);
        }
        if self.frames.len() > count {
            return Err(Refusal::Malformed(format!(
                "the file has {count} frames, but describes {} (Per-frame Functional Groups)",
                self.frames.len()
            )));
        }
        let shared_fields = Fields::read(self.shared)?;
        let shared = FrameFacts::read(&shared_fields)?.or(&top);
        fields.adopt(&shared_fields);
        if self.frames.is_empty() {
            return Ok(vec![shared; count]);
        }
        let mut indices = Vec::with_capacity(count);
        let mut found = Vec::with_capacity(count);
        // Frames at the end may have nothing of their own.
        let own_values = self.frames.into_iter().chain(std::iter::repeat_with(Vec::new)).take(count);
        for (n, values) in own_values.enumerate() {
            let own = Fields::read(values).map_err(|refusal| of_frame(n, refusal))?;
            let facts = FrameFacts::read(&own).map_err(|refusal| of_frame(n, refusal))?;
            indices.push(other_dimensions(&self.dimensions, &own));
            fields.adopt(&own);
            found.push(facts.or(&shared));
        }
        number_dimensions(&indices, &mut found);
        check_planes(&found)?;
        Ok(found)
    }
}

fn of_frame(n: usize, refusal: Refusal) -> Refusal {
    let of = |text: String| format!("{text} (frame {})", n + 1);
    match refusal {
        Refusal::Malformed(text) => Refusal::Malformed(of(text)),
        Refusal::OtherObject(text) => Refusal::OtherObject(of(text)),
        Refusal::Segmentation => Refusal::Segmentation,
    }
}

/// A frame's Dimension Index Values without those that say where it lies.
fn other_dimensions(dimensions: &[Tag], own: &Fields) -> Option<Vec<i64>> {
    let values = own.numbers(tags::DIMENSION_INDEX_VALUES, "Dimension Index Values").ok()??;
    if values.len() != dimensions.len() {
        return None;
    }
    let others = values.iter().zip(dimensions).filter(|(_, pointer)| !SPATIAL.contains(pointer));
    Some(others.map(|(&value, _)| crate::work::numbers::whole(value)).collect())
}

/// Numbers the frames by their other dimensions, where all give them.
fn number_dimensions(indices: &[Option<Vec<i64>>], frames: &mut [FrameFacts]) {
    let Some(all) = indices.iter().map(Option::as_ref).collect::<Option<Vec<&Vec<i64>>>>() else { return };
    let order: Vec<&Vec<i64>> = all.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    for (frame, index) in frames.iter_mut().zip(all) {
        frame.acquisition.dimension = order.binary_search(&index).ok().map(crate::work::numbers::real);
    }
}

/// Refuses objects whose frames are turned in more ways than a scan has.
fn check_planes(frames: &[FrameFacts]) -> Result<(), Refusal> {
    let mut planes = HashSet::new();
    for (directions, frame) in frames.iter().filter_map(|frame| Some((frame.directions?, frame))) {
        let turned = directions.map(|v| v.map(|x| crate::work::numbers::whole((x * 1e3).round())));
        planes.insert((turned, frame.pixel_spacing.map(|mm| mm.map(f64::to_bits))));
        if planes.len() > MAX_PLANES {
            return Err(Refusal::OtherObject(format!(
                "a multi-frame image whose frames lie in more than {MAX_PLANES} different planes, which is no volume"
            )));
        }
    }
    Ok(())
}
