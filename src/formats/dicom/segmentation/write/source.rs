//! What a mask takes over from the images it was made on: whose it is, and where each image lies. It is read from the files when the mask is
//! written, and kept nowhere.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use dicom::core::Tag;
use dicom::dictionary_std::tags;
use rayon::prelude::*;

use super::elements::{MOST_DIGITS, decimals};
use crate::formats::dicom::fields::Fields;
use crate::formats::dicom::structure::{self, Structure};
use crate::formats::error::{FormatError, Result};
use crate::volume::{Geometry, SourceFile, SourceImages, SourceSlice, Vec3};
use crate::work::Watch;
use crate::work::numbers::{real, share};

/// A source's own text for a place is taken where it is so near to the grid, in shares of the finest spacing.
const SAME: f64 = 0.5;
/// A direction's text is taken where its parts are so near.
const SAME_DIRECTION: f64 = 1e-4;

/// Elements of the patient, the study and the space, in ascending order.
const COPIED: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::PATIENT_AGE,
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::REPETITION_TIME,
    tags::ECHO_TIME,
    tags::PATIENT_POSITION,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::STUDY_ID,
    tags::SERIES_NUMBER,
    tags::FRAME_OF_REFERENCE_UID,
    tags::POSITION_REFERENCE_INDICATOR,
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
    tags::LOSSY_IMAGE_COMPRESSION_METHOD,
];

/// Elements of the place of an image, in ascending order.
const PLACED: &[Tag] =
    &[tags::SOP_INSTANCE_UID, tags::IMAGE_POSITION_PATIENT, tags::IMAGE_ORIENTATION_PATIENT, tags::ROWS, tags::COLUMNS];

/// Texts of the first image.
pub struct Origin(Fields);

impl Origin {
    /// Reads the first image's file.
    pub fn read(path: &Path, source: &SourceImages) -> Result<Self> {
        let file = source.files.first().ok_or_else(|| none_known(path))?;
        Ok(Self(fields(path, file, COPIED)?.0))
    }

    /// A text, empty where there is none.
    pub fn text(&self, tag: Tag) -> String {
        self.0.text(tag).unwrap_or_default()
    }
}

/// What is said where nothing is known of the images.
pub fn none_known(path: &Path) -> FormatError {
    FormatError::unsupported(
        path,
        "a DICOM segmentation names the images that the mask was made on, and none are known; give the DICOM scan too (on the command line with \
         --reference or --image), or end the name in .nii.gz or .nrrd",
    )
}

/// Elements of the file of an image, after making sure that it is still the same image.
fn fields(path: &Path, file: &SourceFile, wanted: &[Tag]) -> Result<(Fields, Structure)> {
    let gone = |problem: String| {
        let image = file.path.display();
        FormatError::unsupported(
            path,
            format!(
                "the header of a mask is made from the images of its scan, and {image} cannot be used: {problem}; open the scan again"
            ),
        )
    };
    let (structure, values) = structure::walk(&file.path, wanted).map_err(gone)?;
    let fields = Fields::read(values).map_err(|refusal| gone(format!("{refusal:?}")))?;
    let uid = fields.text(tags::SOP_INSTANCE_UID).unwrap_or_else(|| structure.media_instance_uid.clone());
    if uid != file.instance_uid {
        return Err(gone("it is another image now".into()));
    }
    if file.instance_uid.is_empty() || file.class_uid.is_empty() {
        return Err(gone(
            "it does not say its SOP Class UID and SOP Instance UID, by which masks name their images".into(),
        ));
    }
    Ok((fields, structure))
}

/// Numbers as the file has them in text, or anew where that text is none of DICOM: with decimal commas, or too long.
fn as_stated(text: Option<String>, numbers: &[f64]) -> String {
    let is_plain = |part: &str| part.len() <= MOST_DIGITS && part.trim().parse::<f64>().is_ok();
    text.filter(|text| text.split('\\').all(is_plain)).unwrap_or_else(|| decimals(numbers))
}

/// A slice, and the image that its frames name.
pub struct SliceImage<'a> {
    /// The image's file, and the number of its frame from 1; none for a slice that fills a gap between images.
    pub image: Option<(&'a SourceFile, Option<u32>)>,
    /// Image Position (Patient).
    pub position: String,
}

/// What the files of slices say of their places, read on all threads. A file of many frames is looked at once, for the first of them that
/// is wanted; the places of the others are those of the grid.
fn headers_of_slices(
    path: &Path,
    source: &SourceImages,
    count: usize,
    is_wanted: &dyn Fn(usize) -> bool,
    watch: Watch,
) -> Result<Vec<Option<Fields>>> {
    let mut looked_at = None;
    let mut is_read = |(k, slice): (usize, &Option<SourceSlice>)| {
        let slice = slice.as_ref()?;
        let is_next = is_wanted(k) && (slice.frame.is_none() || looked_at != Some(slice.file));
        if is_next {
            looked_at = Some(slice.file);
        }
        is_next.then_some(slice.file)
    };
    let files: Vec<Option<usize>> = source.slices.iter().take(count).enumerate().map(&mut is_read).collect();
    let done = AtomicUsize::new(0);
    let read = |file: Option<usize>| {
        watch.at(share(done.fetch_add(1, Ordering::Relaxed), count))?;
        let Some(file) = file else { return Ok(None) };
        let file = source.files.get(file).ok_or_else(|| none_known(path))?;
        fields(path, file, PLACED).map(|(fields, _)| Some(fields))
    };
    files.into_par_iter().map(read).collect()
}

/// The images of the slices of a grid, and Image Orientation (Patient) of all.
pub fn slice_images<'a>(
    path: &Path,
    source: &'a SourceImages,
    geometry: &Geometry,
    is_wanted: &dyn Fn(usize) -> bool,
    watch: Watch,
) -> Result<(Vec<Option<SliceImage<'a>>>, String)> {
    let [ni, nj, nk] = geometry.shape();
    if source.slices.len() < nk || !source.slices.len().is_multiple_of(nk) {
        let count = source.slices.len();
        return Err(FormatError::unsupported(
            path,
            format!("the mask has {nk} slices, but its scan was read from {count} images"),
        ));
    }
    let affine = geometry.world_from_voxel();
    let unit = |axis: usize| {
        let [r, a, s] = affine.column(axis);
        let size = (r * r + a * a + s * s).sqrt();
        [-r / size, -a / size, s / size]
    };
    let directions = [unit(0), unit(1)].concat();
    let mut orientation = decimals(&directions);
    let mut images = Vec::with_capacity(nk);
    let mut headers = headers_of_slices(path, source, nk, is_wanted, watch)?;
    for (k, slice) in source.slices.iter().take(nk).enumerate() {
        if !is_wanted(k) {
            images.push(None);
            continue;
        }
        let [r, a, s] = affine.point([0.0, 0.0, real(k)]);
        let here: Vec3 = [-r, -a, s];
        let mut position = decimals(&here);
        let Some(slice) = slice else {
            images.push(Some(SliceImage { image: None, position }));
            continue;
        };
        let file = source.files.get(slice.file).ok_or_else(|| none_known(path))?;
        let image = Some((file, slice.frame));
        let Some(fields) = headers.get_mut(k).and_then(Option::take) else {
            images.push(Some(SliceImage { image, position }));
            continue;
        };
        let numbers = |tag| fields.numbers(tag, "").ok().flatten().unwrap_or_default();
        let is_whole_image =
            slice.frame.is_none() && numbers(tags::COLUMNS) == [real(ni)] && numbers(tags::ROWS) == [real(nj)];
        if is_whole_image && let Ok(stated) = <[f64; 3]>::try_from(numbers(tags::IMAGE_POSITION_PATIENT)) {
            let off = stated.iter().zip(here).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            if off > SAME * geometry.finest_mm() {
                let image = file.path.display();
                return Err(FormatError::unsupported(
                    path,
                    format!(
                        "slice {} of the mask lies {off:.3} mm beside its image {image}; the mask was made on another grid",
                        k + 1
                    ),
                ));
            }
            // The text of the file has no rounding of ours.
            position = as_stated(fields.text(tags::IMAGE_POSITION_PATIENT), &stated);
            let stated = numbers(tags::IMAGE_ORIENTATION_PATIENT);
            let is_same =
                stated.len() == 6 && stated.iter().zip(&directions).all(|(a, b)| (a - b).abs() < SAME_DIRECTION);
            if is_same {
                orientation = as_stated(fields.text(tags::IMAGE_ORIENTATION_PATIENT), &stated);
            }
        }
        images.push(Some(SliceImage { image, position }));
    }
    Ok((images, orientation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_of_the_standard_are_taken_as_they_are() {
        let numbers = [-12.5, 0.0, 3.25];
        for (text, taken) in [
            ("-12.50\\0\\3.25", "-12.50\\0\\3.25"),
            ("-12,5\\0\\3,25", "-12.5\\0\\3.25"),
            ("-12.5000000000000000\\0\\3.25", "-12.5\\0\\3.25"),
        ] {
            assert_eq!(as_stated(Some(text.into()), &numbers), taken);
        }
        assert_eq!(as_stated(None, &numbers), "-12.5\\0\\3.25");
    }
}
