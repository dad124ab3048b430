//! Writing masks as structure sets.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::Path;

use dicom::dictionary_std::tags;

use super::codes::code;
use super::encode::{Encoder, write_file};
use super::origin::{ImagePlane, Origin};
use super::read::CLASS_UID;
use super::source::{Names, listed};
use crate::formats::Mask;
use crate::formats::dicom::fresh;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::explain;
use crate::shape::outlines;
use crate::volume::{
    Annotations, Geometry, Label, LabelMap, LabelValue, Maker, Region, SourceFile, SourceImages, SourceSlice, dot,
};
use crate::work::numbers::{natural, real, share, whole};
use crate::work::{Stopped, Watch};

/// Longest ROI Name (LO).
const LONGEST_NAME: usize = 64;
/// Detached Study Management, by which studies are referred to (retired, and written by all).
const STUDY_CLASS_UID: &str = "1.2.840.10008.3.1.2.3.1";

/// A structure that is written.
struct Structure {
    label: Label,
    /// The box of its voxels.
    region: Region,
}

/// Where the slices of a mask are images.
struct Slices {
    /// The axis across the images, and the two within them.
    axes: [usize; 3],
    /// The image of every slice along that axis.
    images: Vec<Option<SourceSlice>>,
    /// Whether the slice fills a gap between images: contours on it name none.
    is_filled: Vec<bool>,
    /// Distance of a slice without an image from the nearest one, in millimetres, for messages.
    apart_mm: Vec<f64>,
}

/// Writes the outlines of every label on every image.
///
/// # Errors
/// Where no source images are known or their files cannot be read, where slices with labels are no images of them, for a mask without
/// labels, and where the file cannot be written.
pub fn write_labels(path: &Path, mask: &Mask, watch: Watch) -> Result<()> {
    let Mask { labels, annotations, source } = *mask;
    let source = source.filter(|source| !source.files.is_empty()).ok_or_else(|| {
        FormatError::unsupported(
            path,
            "contours name the DICOM images that they are drawn on, and this mask was made on other files; name the DICOM series with \
             --reference SCAN",
        )
    })?;
    let structures = structures(labels, annotations);
    if structures.is_empty() {
        return Err(FormatError::unsupported(
            path,
            "the mask has no label with a voxel, so there is nothing to outline",
        ));
    }
    let origins = origins(path, source, watch.part(0.0, 0.2))?;
    let slices = slices(labels.geometry(), source, &origins).map_err(|e| FormatError::unsupported(path, e))?;
    check_slices(&structures, &slices).map_err(|e| FormatError::unsupported(path, e))?;
    let Some(origin) = origins.values().next() else { return Err(FormatError::Stopped(Stopped)) };
    let uid = fresh::uid();
    let frame_of_reference =
        Some(origin.text(tags::FRAME_OF_REFERENCE_UID)).filter(|uid| source.is_placed && !uid.is_empty());
    let file = StructureSetFile {
        labels,
        annotations,
        source,
        structures: &structures,
        slices: &slices,
        origin,
        uid: &uid,
        frame_of_reference: frame_of_reference.unwrap_or_else(fresh::uid),
        watch: watch.part(0.2, 1.0),
    };
    write_file(path, [CLASS_UID, &uid], |out| file.write(out)).map_err(|error| explain(path, error))
}

/// What a mask loses or changes as contours.
pub fn losses(mask: &Mask) -> Vec<String> {
    let Mask { labels, annotations, .. } = *mask;
    let written = structures(labels, annotations);
    let mut notices = Vec::new();
    let empty: Vec<&str> = (annotations.table.0.iter())
        .filter(|label| !written.iter().any(|structure| structure.label.value == label.value))
        .map(|label| label.name.as_str())
        .collect();
    if !empty.is_empty() {
        notices.push(format!("Labels without a voxel are left out of contours: {}.", listed(&empty)));
    }
    let renamed: Vec<String> = (written.iter())
        .filter_map(|structure| {
            let own = annotations.table.get(structure.label.value)?;
            (own.name != structure.label.name).then(|| format!("{} as {}", own.name, structure.label.name))
        })
        .collect();
    if !renamed.is_empty() {
        let renamed: Vec<&str> = renamed.iter().map(String::as_str).collect();
        notices
            .push(format!("Structures need different names of at most {LONGEST_NAME} letters: {}.", listed(&renamed)));
    }
    notices
}

/// The labels that have voxels, with names that differ.
fn structures(labels: &LabelMap, annotations: &Annotations) -> Vec<Structure> {
    let mut names = Names::default();
    let mut table = annotations.table.clone();
    table.cover(labels.counts().into_keys());
    let mut found: Vec<Structure> = Vec::new();
    for mut label in table.0 {
        let Some(region) = labels.region_of(label.value) else { continue };
        label.name = names.different(&shortened(&label.name, label.value));
        found.push(Structure { label, region });
    }
    found
}

/// A name that fits its element, without what would divide it. There is room for a number behind it.
fn shortened(name: &str, value: LabelValue) -> String {
    let name: String = name.chars().map(|c| if c == '\\' || c.is_control() { ' ' } else { c }).collect();
    let name = name.trim();
    if name.is_empty() {
        return format!("Label {value}");
    }
    if name.chars().count() <= LONGEST_NAME { name.into() } else { name.chars().take(LONGEST_NAME - 8).collect() }
}

/// The headers of the files that hold images, by their place in the list.
fn origins(path: &Path, source: &SourceImages, watch: Watch) -> Result<BTreeMap<usize, Origin>> {
    let wanted: BTreeSet<usize> = source.slices.iter().flatten().map(|slice| slice.file).collect();
    let mut origins = BTreeMap::new();
    for (n, file) in wanted.iter().enumerate() {
        watch.at(share(n, wanted.len()))?;
        let Some(image) = source.files.get(*file) else { continue };
        let origin = origin(image, &source.series_uid).map_err(|problem| {
            let image = image.path.display();
            FormatError::unsupported(
                path,
                format!("contours name the images of their scan, and {image} cannot be named: {problem}; open the scan again"),
            )
        })?;
        origins.insert(*file, origin);
    }
    Ok(origins)
}

/// The header of an image's file, after making sure that it is still the same image and has all by which it is named.
fn origin(image: &SourceFile, series_uid: &str) -> std::result::Result<Origin, String> {
    let origin = Origin::read(&image.path)?;
    if origin.instance_uid() != image.instance_uid {
        return Err("it is another image now".into());
    }
    let names = [
        ("SOP Instance UID", image.instance_uid.as_str()),
        ("SOP Class UID", image.class_uid.as_str()),
        ("Series Instance UID", series_uid),
    ];
    match names.into_iter().find(|(_, uid)| uid.is_empty()) {
        Some((name, _)) => Err(format!("it does not say its {name}")),
        None => Ok(origin),
    }
}

/// Finds the image of every slice by where it lies.
fn slices(
    grid: &Geometry,
    source: &SourceImages,
    origins: &BTreeMap<usize, Origin>,
) -> std::result::Result<Slices, String> {
    // One image for several slices is a mosaic, which says where the sheet lies and not the slices.
    let is_mosaic = source.slices.windows(2).any(|pair| pair[0].is_some() && pair[0] == pair[1]);
    let plane_of = |slice: &SourceSlice| origins.get(&slice.file).and_then(|origin| origin.plane(slice.frame));
    let planes: Option<Vec<(ImagePlane, SourceSlice)>> =
        source.slices.iter().flatten().map(|slice| Some((plane_of(slice)?, *slice))).collect();
    let shape = grid.shape();
    let is_gap = |axis: usize, n: usize| {
        axis == 2 && source.slices.len().is_multiple_of(shape[2]) && source.slices.get(n) == Some(&None)
    };
    let Some(planes) = planes.filter(|planes| !planes.is_empty() && !is_mosaic) else {
        if source.slices.len() < shape[2] {
            return Err("the images do not say where they lie, and the mask has other slices than they are".into());
        }
        let images = source.slices.iter().take(shape[2]).copied().collect();
        let is_filled = (0..shape[2]).map(|n| is_gap(2, n)).collect();
        return Ok(Slices { axes: [2, 0, 1], images, is_filled, apart_mm: vec![0.0; shape[2]] });
    };
    let normal = planes[0].0.normal;
    let affine = grid.world_from_voxel();
    let spacing = grid.spacing_mm();
    let along = [0, 1, 2].map(|axis| (dot(affine.column(axis), normal) / spacing[axis]).abs());
    let is_within = |axis: usize| along[axis] < 1e-3;
    let axes =
        [[2, 0, 1], [1, 0, 2], [0, 1, 2]].into_iter().find(|[_, across, down]| is_within(*across) && is_within(*down));
    let Some(axes) = axes else {
        return Err("the mask's slices are turned against the images; resample it to the scan first".into());
    };
    let step_mm = spacing[axes[0]] * along[axes[0]];
    let tolerance = 0.02 * step_mm + 1e-3;
    let middle = grid.shape().map(|n| real(n - 1) / 2.0);
    let mut found = Slices { axes, images: Vec::new(), is_filled: Vec::new(), apart_mm: Vec::new() };
    for n in 0..shape[axes[0]] {
        let mut at = middle;
        at[axes[0]] = real(n);
        let offset = dot(affine.point(at), normal);
        let apart = |plane: &ImagePlane| (plane.offset_mm * dot(plane.normal, normal).signum() - offset).abs();
        let nearest = planes.iter().min_by(|a, b| apart(&a.0).total_cmp(&apart(&b.0)));
        let apart = nearest.map_or(f64::INFINITY, |(plane, _)| apart(plane));
        found.images.push(nearest.filter(|_| apart <= tolerance).map(|(_, slice)| *slice));
        found.is_filled.push(is_gap(axes[0], n));
        found.apart_mm.push(apart);
    }
    Ok(found)
}

/// Refuses labels where there is no image to name.
fn check_slices(structures: &[Structure], slices: &Slices) -> std::result::Result<(), String> {
    let axis = slices.axes[0];
    for structure in structures {
        for n in structure.region.start[axis]..structure.region.end[axis] {
            if slices.images.get(n).copied().flatten().is_none() && slices.is_filled.get(n) != Some(&true) {
                let apart = slices.apart_mm.get(n).copied().unwrap_or(f64::INFINITY);
                return Err(format!(
                    "slice {} of the mask lies on no image of the scan, the nearest is {apart:.2} mm away; resample the mask to the scan first",
                    n + 1
                ));
            }
        }
    }
    Ok(())
}

/// A file that is written.
struct StructureSetFile<'a> {
    labels: &'a LabelMap,
    annotations: &'a Annotations,
    source: &'a SourceImages,
    structures: &'a [Structure],
    slices: &'a Slices,
    origin: &'a Origin,
    uid: &'a str,
    frame_of_reference: String,
    watch: Watch<'a>,
}

impl StructureSetFile<'_> {
    fn write(&self, out: &mut Encoder) -> io::Result<()> {
        let (date, time) = fresh::date_and_time();
        let kept = |tag| self.origin.text(tag);
        out.text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192")?;
        out.text(tags::INSTANCE_CREATION_DATE, &date)?;
        out.text(tags::INSTANCE_CREATION_TIME, &time)?;
        out.uid(tags::SOP_CLASS_UID, CLASS_UID)?;
        out.uid(tags::SOP_INSTANCE_UID, self.uid)?;
        out.text(tags::STUDY_DATE, &kept(tags::STUDY_DATE))?;
        out.text(tags::STUDY_TIME, &kept(tags::STUDY_TIME))?;
        out.text(tags::ACCESSION_NUMBER, &kept(tags::ACCESSION_NUMBER))?;
        out.text(tags::MODALITY, "RTSTRUCT")?;
        out.text(tags::MANUFACTURER, "Lamella")?;
        out.text(tags::REFERRING_PHYSICIAN_NAME, &kept(tags::REFERRING_PHYSICIAN_NAME))?;
        if !kept(tags::STUDY_DESCRIPTION).is_empty() {
            out.text(tags::STUDY_DESCRIPTION, &kept(tags::STUDY_DESCRIPTION))?;
        }
        out.text(tags::SERIES_DESCRIPTION, "Contours, for research use only")?;
        out.text(tags::OPERATORS_NAME, "")?;
        out.text(tags::MANUFACTURER_MODEL_NAME, "Lamella")?;
        out.text(tags::PATIENT_NAME, &kept(tags::PATIENT_NAME))?;
        out.text(tags::PATIENT_ID, &kept(tags::PATIENT_ID))?;
        out.text(tags::PATIENT_BIRTH_DATE, &kept(tags::PATIENT_BIRTH_DATE))?;
        out.text(tags::PATIENT_SEX, &kept(tags::PATIENT_SEX))?;
        out.text(tags::SOFTWARE_VERSIONS, env!("CARGO_PKG_VERSION"))?;
        out.uid(tags::STUDY_INSTANCE_UID, &self.study_uid())?;
        out.uid(tags::SERIES_INSTANCE_UID, &fresh::uid())?;
        out.text(tags::STUDY_ID, &kept(tags::STUDY_ID))?;
        out.text(tags::SERIES_NUMBER, "1")?;
        out.text(tags::INSTANCE_NUMBER, "1")?;
        out.uid(tags::FRAME_OF_REFERENCE_UID, &self.frame_of_reference)?;
        out.text(tags::POSITION_REFERENCE_INDICATOR, &kept(tags::POSITION_REFERENCE_INDICATOR))?;
        out.text(tags::STRUCTURE_SET_LABEL, "Lamella research")?;
        out.text(tags::STRUCTURE_SET_NAME, "Contours of a mask, for research use only")?;
        out.text(tags::STRUCTURE_SET_DESCRIPTION, "For research use only. Outlines of voxels along their edges.")?;
        out.text(tags::STRUCTURE_SET_DATE, &date)?;
        out.text(tags::STRUCTURE_SET_TIME, &time)?;
        self.referenced_images(out)?;
        self.names(out)?;
        self.contours(out)?;
        self.observations(out)?;
        out.text(tags::APPROVAL_STATUS, "UNAPPROVED")
    }

    fn study_uid(&self) -> String {
        let own = self.origin.text(tags::STUDY_INSTANCE_UID);
        if own.is_empty() { self.source.study_uid.clone() } else { own }
    }

    /// Frame of reference, study, series, images.
    fn referenced_images(&self, out: &mut Encoder) -> io::Result<()> {
        let images = |out: &mut Encoder| -> io::Result<()> {
            let mut named = HashSet::new();
            for slice in self.source.slices.iter().flatten().filter(|slice| named.insert(slice.file)) {
                self.image(out, SourceSlice { frame: None, ..*slice })?;
            }
            Ok(())
        };
        let series = |out: &mut Encoder| -> io::Result<()> {
            out.item(|out| {
                out.uid(tags::SERIES_INSTANCE_UID, &self.source.series_uid)?;
                out.sequence(tags::CONTOUR_IMAGE_SEQUENCE, images)
            })
        };
        let study = |out: &mut Encoder| -> io::Result<()> {
            out.item(|out| {
                out.uid(tags::REFERENCED_SOP_CLASS_UID, STUDY_CLASS_UID)?;
                out.uid(tags::REFERENCED_SOP_INSTANCE_UID, &self.study_uid())?;
                out.sequence(tags::RT_REFERENCED_SERIES_SEQUENCE, series)
            })
        };
        out.sequence(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, |out| {
            out.item(|out| {
                out.uid(tags::FRAME_OF_REFERENCE_UID, &self.frame_of_reference)?;
                out.sequence(tags::RT_REFERENCED_STUDY_SEQUENCE, study)
            })
        })
    }

    /// An item that names an image.
    fn image(&self, out: &mut Encoder, slice: SourceSlice) -> io::Result<()> {
        let Some(file) = self.source.files.get(slice.file) else { return Ok(()) };
        out.item(|out| {
            out.uid(tags::REFERENCED_SOP_CLASS_UID, &file.class_uid)?;
            out.uid(tags::REFERENCED_SOP_INSTANCE_UID, &file.instance_uid)?;
            match slice.frame {
                Some(frame) => out.text(tags::REFERENCED_FRAME_NUMBER, &frame.to_string()),
                None => Ok(()),
            }
        })
    }

    fn names(&self, out: &mut Encoder) -> io::Result<()> {
        let algorithm = algorithm(self.annotations);
        out.sequence(tags::STRUCTURE_SET_ROI_SEQUENCE, |out| {
            for Structure { label, .. } in self.structures {
                out.item(|out| {
                    out.text(tags::ROI_NUMBER, &label.value.to_string())?;
                    out.uid(tags::REFERENCED_FRAME_OF_REFERENCE_UID, &self.frame_of_reference)?;
                    out.text(tags::ROI_NAME, &label.name)?;
                    out.text(tags::ROI_GENERATION_ALGORITHM, algorithm)
                })?;
            }
            Ok(())
        })
    }

    fn contours(&self, out: &mut Encoder) -> io::Result<()> {
        out.sequence(tags::ROI_CONTOUR_SEQUENCE, |out| {
            for (n, structure) in self.structures.iter().enumerate() {
                self.watch.at(share(n, self.structures.len())).map_err(io::Error::other)?;
                let [red, green, blue] = structure.label.colour;
                out.item(|out| {
                    out.text(tags::ROI_DISPLAY_COLOR, &format!("{red}\\{green}\\{blue}"))?;
                    out.sequence(tags::CONTOUR_SEQUENCE, |out| self.contours_of(out, structure))?;
                    out.text(tags::REFERENCED_ROI_NUMBER, &structure.label.value.to_string())
                })?;
            }
            Ok(())
        })
    }

    fn contours_of(&self, out: &mut Encoder, structure: &Structure) -> io::Result<()> {
        let [axis, across, down] = self.slices.axes;
        let Region { start, end } = structure.region;
        let size = [end[across] - start[across], end[down] - start[down]];
        let affine = self.labels.geometry().world_from_voxel();
        let decimals = decimals(self.labels.geometry());
        let mut mask = vec![false; size[0] * size[1]];
        let mut number = 0;
        for n in start[axis]..end[axis] {
            self.watch.check().map_err(io::Error::other)?;
            let image = self.slices.images.get(n).copied().flatten();
            if axis == 2 {
                self.labels.mark_slice(structure.label.value, structure.region, n, &mut mask);
            } else {
                let mut voxel = start;
                voxel[axis] = n;
                for (place, is_in) in mask.iter_mut().enumerate() {
                    voxel[across] = start[across] + place % size[0];
                    voxel[down] = start[down] + place / size[0];
                    *is_in = self.labels.get(voxel) == structure.label.value;
                }
            }
            for outline in outlines(&mask, size) {
                number += 1;
                let mut data = String::new();
                for [x, y] in &outline {
                    let mut at = [0.0; 3];
                    at[axis] = real(n);
                    // A pixel's centre is half a pixel from its edge.
                    at[across] = real(start[across]) + x - 0.5;
                    at[down] = real(start[down]) + y - 0.5;
                    let [r, a, s] = affine.point(at);
                    for value in [-r, -a, s] {
                        if !data.is_empty() {
                            data.push('\\');
                        }
                        data.push_str(&decimal(value, decimals));
                    }
                }
                out.item(|out| {
                    if let Some(image) = image {
                        out.sequence(tags::CONTOUR_IMAGE_SEQUENCE, |out| self.image(out, image))?;
                    }
                    out.text(tags::CONTOUR_GEOMETRIC_TYPE, "CLOSED_PLANAR")?;
                    out.text(tags::NUMBER_OF_CONTOUR_POINTS, &outline.len().to_string())?;
                    out.text(tags::CONTOUR_NUMBER, &number.to_string())?;
                    out.text(tags::CONTOUR_DATA, &data)
                })?;
            }
        }
        Ok(())
    }

    fn observations(&self, out: &mut Encoder) -> io::Result<()> {
        out.sequence(tags::RTROI_OBSERVATIONS_SEQUENCE, |out| {
            for (n, Structure { label, .. }) in self.structures.iter().enumerate() {
                out.item(|out| {
                    if let Some(term) = &label.term {
                        out.sequence(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, |out| {
                            code(out, &term.category, None)
                        })?;
                    }
                    out.text(tags::OBSERVATION_NUMBER, &(n + 1).to_string())?;
                    out.text(tags::REFERENCED_ROI_NUMBER, &label.value.to_string())?;
                    if let Some(term) = &label.term {
                        out.sequence(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE, |out| {
                            code(out, &term.kind, term.side.as_ref())
                        })?;
                    }
                    out.text(tags::RTROI_INTERPRETED_TYPE, "ORGAN")?;
                    out.text(tags::ROI_INTERPRETER, "")
                })?;
            }
            Ok(())
        })
    }
}

/// ROI Generation Algorithm: by hand, by a model, or by both; empty where nobody knows.
fn algorithm(annotations: &Annotations) -> &'static str {
    let makers = || annotations.makers.iter().map(|(_, maker)| maker);
    match () {
        () if annotations.makers.is_empty() => "",
        () if makers().all(|maker| matches!(maker, Maker::Hand)) => "MANUAL",
        () if makers().all(|maker| matches!(maker, Maker::Model(_))) => "AUTOMATIC",
        () => "SEMIAUTOMATIC",
    }
}

/// Decimals by which a point is right to a ten-thousandth of a voxel.
fn decimals(grid: &Geometry) -> usize {
    const MOST: usize = 12;
    natural(whole((4.0 - grid.finest_mm().log10()).ceil())).clamp(3, MOST)
}

/// A number of at most sixteen letters, as a decimal string must be (PS3.5, 6.2).
fn decimal(value: f64, decimals: usize) -> String {
    const LONGEST: usize = 16;
    let trimmed = |text: String| {
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if text == "-0" { "0".to_string() } else { text.to_string() }
    };
    let fitting = (0..=decimals).rev().map(|n| trimmed(format!("{value:.n$}"))).find(|text| text.len() <= LONGEST);
    fitting.unwrap_or_else(|| format!("{value:.8e}"))
}
