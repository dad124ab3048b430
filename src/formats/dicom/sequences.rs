//! What is taken out of the sequences of an image, as the walk passes by.

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::functional_groups::FunctionalGroups;
use super::inside::{Around, Inside};
use super::modality_lut;
use super::structure::{Place, RawValue};

/// More detectors than a camera has, and more regions than a screen.
const MOST_ITEMS: usize = 64;

const REGION: &[Tag] = &[
    tags::REGION_SPATIAL_FORMAT,
    tags::REGION_LOCATION_MIN_X0,
    tags::REGION_LOCATION_MIN_Y0,
    tags::REGION_LOCATION_MAX_X1,
    tags::REGION_LOCATION_MAX_Y1,
    tags::PHYSICAL_UNITS_X_DIRECTION,
    tags::PHYSICAL_UNITS_Y_DIRECTION,
    tags::PHYSICAL_DELTA_X,
    tags::PHYSICAL_DELTA_Y,
];
const DETECTOR: &[Tag] = &[tags::IMAGE_POSITION_PATIENT, tags::IMAGE_ORIENTATION_PATIENT];

/// The sequences that an image is read by.
#[derive(Default)]
pub struct Sequences {
    /// The functional groups of an enhanced object.
    pub groups: FunctionalGroups,
    /// The Modality LUT.
    pub modality_lut: modality_lut::Parts,
    /// What is said of a gamma camera.
    pub camera: Camera,
    /// The regions of an ultrasound image.
    pub regions: Vec<Vec<RawValue>>,
}

/// The parts of a gamma camera, each with what is said of it.
#[derive(Debug, Default)]
pub struct Camera {
    /// Where its detectors lie.
    pub detectors: Vec<Vec<RawValue>>,
    /// Its energy windows.
    pub energy_windows: Vec<Vec<RawValue>>,
}

impl Sequences {
    fn is_own(sequence: Tag) -> bool {
        [
            tags::MODALITY_LUT_SEQUENCE,
            tags::DETECTOR_INFORMATION_SEQUENCE,
            tags::ENERGY_WINDOW_INFORMATION_SEQUENCE,
            tags::SEQUENCE_OF_ULTRASOUND_REGIONS,
        ]
        .contains(&sequence)
    }
}

impl Inside for Sequences {
    fn enters(&self, sequence: Tag) -> bool {
        Self::is_own(sequence) || self.groups.enters(sequence)
    }

    fn needs(&self, sequence: Tag) -> bool {
        sequence == tags::MODALITY_LUT_SEQUENCE || self.groups.enters(sequence)
    }

    fn wants(&self, around: &[Around], tag: Tag) -> bool {
        match around {
            [only] if only.sequence == tags::MODALITY_LUT_SEQUENCE => only.item == 0 && tag == tags::LUT_DESCRIPTOR,
            [only] if only.sequence == tags::DETECTOR_INFORMATION_SEQUENCE => DETECTOR.contains(&tag),
            [only] if only.sequence == tags::ENERGY_WINDOW_INFORMATION_SEQUENCE => tag == tags::ENERGY_WINDOW_NAME,
            [only] if only.sequence == tags::SEQUENCE_OF_ULTRASOUND_REGIONS => REGION.contains(&tag),
            _ => self.groups.wants(around, tag),
        }
    }

    fn wants_place(&self, around: &[Around], tag: Tag) -> bool {
        matches!(around, [only] if only.sequence == tags::MODALITY_LUT_SEQUENCE && only.item == 0)
            && tag == tags::LUT_DATA
    }

    fn take(&mut self, around: &[Around], value: RawValue) -> Result<(), String> {
        let item = around.first().map_or(0, |only| only.item);
        let values = match around.first().map(|outer| outer.sequence) {
            Some(tags::MODALITY_LUT_SEQUENCE) => &mut self.modality_lut.values,
            Some(tags::DETECTOR_INFORMATION_SEQUENCE) => match of_item(&mut self.camera.detectors, item) {
                Some(values) => values,
                None => return Ok(()),
            },
            Some(tags::ENERGY_WINDOW_INFORMATION_SEQUENCE) => match of_item(&mut self.camera.energy_windows, item) {
                Some(values) => values,
                None => return Ok(()),
            },
            Some(tags::SEQUENCE_OF_ULTRASOUND_REGIONS) => match of_item(&mut self.regions, item) {
                Some(values) => values,
                None => return Ok(()),
            },
            _ => return self.groups.take(around, value),
        };
        if !values.iter().any(|other| other.tag == value.tag) {
            values.push(value);
        }
        Ok(())
    }

    fn take_place(&mut self, place: Place) {
        self.modality_lut.data.get_or_insert(place);
    }
}

fn of_item(items: &mut Vec<Vec<RawValue>>, item: usize) -> Option<&mut Vec<RawValue>> {
    if item >= MOST_ITEMS {
        return None;
    }
    if items.len() <= item {
        items.resize_with(item + 1, Vec::new);
    }
    items.get_mut(item)
}
