//! Whether a scan is one that a model can know: said before it runs, as far as both tell.

use std::fmt;

use crate::model::{IntensityNormalisation, ModelSpec, SliceAxis};
use crate::volume::{Geometry, Volume};

/// Scans that are larger or smaller than those of the training by more than this factor are others.
const MOST_LARGER: f64 = 2.5;
/// Voxels that are coarser than those of the training by more than this factor show too little.
const MOST_COARSER: f64 = 2.5;

/// Something about a scan that a model did not learn.
#[derive(Debug, Clone, PartialEq)]
pub enum Misfit {
    /// The scan has another number of channels than the model takes: it cannot run.
    Channels {
        /// Of the model.
        needed: usize,
        /// Of the scan.
        present: usize,
    },
    /// One channel of a colour picture is seen.
    Colour,
    /// A single slice, and the model learned from volumes.
    Flat,
    /// Another kind of image.
    Modality {
        /// What the model learned from.
        learned: String,
        /// What the scan is.
        present: String,
    },
    /// Voxels are much coarser along an axis.
    Coarse {
        /// The axis.
        axis: SliceAxis,
        /// Spacing in the training.
        learned_mm: f64,
        /// Spacing of the scan.
        present_mm: f64,
    },
    /// The scan shows much more or much less than those of the training.
    Extent {
        /// Extent along R, A, S in the training.
        learned_mm: [f64; 3],
        /// Extent of the scan.
        present_mm: [f64; 3],
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = |mm: &[f64; 3]| format!("{:.0} \u{d7} {:.0} \u{d7} {:.0} mm", mm[0], mm[1], mm[2]);
        match self {
            Self::Channels { needed, present } => {
                write!(f, "The model needs {needed} channels and this image has {present}: it cannot run.")
            }
            Self::Colour => write!(f, "This is a colour picture; the model sees one of its channels."),
            Self::Flat => write!(f, "This is a single slice; the model learned from volumes."),
            Self::Modality { learned, present } => {
                write!(f, "The model learned from {learned} images, and this is {present}.")
            }
            Self::Coarse { axis, learned_mm, present_mm } => {
                let way = match axis {
                    SliceAxis::Sagittal => "from right to left",
                    SliceAxis::Coronal => "from back to front",
                    SliceAxis::Axial => "from feet to head",
                };
                write!(f, "Voxels are {present_mm:.1} mm long {way}; the model learned at {learned_mm:.1} mm.")
            }
            Self::Extent { learned_mm, present_mm } => write!(
                f,
                "The model learned from scans of about {}; this one is {}.",
                extent(learned_mm),
                extent(present_mm)
            ),
        }
    }
}

/// The axis along which a grid is one voxel thick, where it is that along this one alone.
pub fn flat_axis(geometry: &Geometry) -> Option<SliceAxis> {
    let shape = geometry.to_ras().shape();
    let axes = [SliceAxis::Sagittal, SliceAxis::Coronal, SliceAxis::Axial];
    let mut flat = axes.into_iter().filter(|axis| shape[axis.world_axis()] == 1);
    flat.next().filter(|_| flat.next().is_none())
}

/// The axes along which a model cuts a scan: those asked for, else its own; a single slice is not cut across.
pub fn cut_axes(spec: &ModelSpec, asked: Option<SliceAxis>, geometry: &Geometry) -> Vec<SliceAxis> {
    match (asked, flat_axis(geometry)) {
        (Some(axis), _) | (None, Some(axis)) => vec![axis],
        (None, None) if spec.fused_axes.len() > 1 => spec.fused_axes.clone(),
        (None, None) => vec![spec.slice_axis],
    }
}

/// The number of slices that a model sees of a scan.
pub fn slices_to_segment(spec: &ModelSpec, asked: Option<SliceAxis>, geometry: &Geometry) -> usize {
    let shape = geometry.to_ras().shape();
    cut_axes(spec, asked, geometry).into_iter().map(|axis| shape[axis.world_axis()]).sum()
}

/// What a scan is: its own word, or what its values say of CT; empty where nothing does.
fn modality(volume: &Volume) -> String {
    let own = volume.display.modality.trim().to_uppercase();
    if own.is_empty() && volume.is_ct() { "CT".into() } else { own }
}

/// What a model learned from, where that is known.
fn learned_modality(spec: &ModelSpec) -> String {
    match &spec.provenance.seen {
        Some(seen) => seen.modality.trim().to_uppercase(),
        // Only those of CT are clipped to a range of fixed values.
        None if matches!(spec.normalisation, IntensityNormalisation::Clip { .. }) => "CT".into(),
        None => String::new(),
    }
}

/// Whether a model learned from single pictures, each an image of its own. `false` where nothing is known of what it learned from.
pub fn learned_pictures(spec: &ModelSpec) -> bool {
    let across = spec.slice_axis.world_axis();
    spec.provenance.seen.as_ref().is_some_and(|seen| seen.extent_mm[across] <= 1.5 * seen.spacing_mm[across])
}

/// What of a scan a model did not learn, the weightiest first. Empty where nothing is known against it.
pub fn misfits(spec: &ModelSpec, volume: &Volume) -> Vec<Misfit> {
    let mut found = Vec::new();
    let (needed, present) = (spec.image_channels, volume.frame_count());
    if needed > 1 && needed != present {
        found.push(Misfit::Channels { needed, present });
    }
    let geometry = volume.geometry.to_ras();
    let (spacing, shape) = (geometry.spacing_mm(), geometry.shape());
    let extent = [0, 1, 2].map(|axis| spacing[axis] * shape[axis] as f64);
    let seen = spec.provenance.seen.as_ref();
    let flat = flat_axis(&volume.geometry);
    let learned_volumes = |axis: SliceAxis| match seen {
        Some(seen) => seen.extent_mm[axis.world_axis()] > 1.5 * seen.spacing_mm[axis.world_axis()],
        None => spec.neighbours > 0 || spec.fused_axes.len() > 1,
    };
    let is_flat = flat.is_some_and(learned_volumes);
    if is_flat {
        found.push(Misfit::Flat);
    }
    if needed == 1 && flat.is_some() && (3..=4).contains(&present) {
        found.push(Misfit::Colour);
    }
    let (learned, is) = (learned_modality(spec), modality(volume));
    if !learned.is_empty() && !is.is_empty() && learned != is {
        found.push(Misfit::Modality { learned, present: is });
    }
    if let Some(seen) = seen {
        let coarser = |axis: usize| spacing[axis] / seen.spacing_mm[axis];
        let axes = [SliceAxis::Sagittal, SliceAxis::Coronal, SliceAxis::Axial];
        let worst = axes.into_iter().max_by(|a, b| coarser(a.world_axis()).total_cmp(&coarser(b.world_axis())));
        if let Some(axis) = worst.filter(|axis| coarser(axis.world_axis()) > MOST_COARSER && flat != Some(*axis)) {
            let n = axis.world_axis();
            found.push(Misfit::Coarse { axis, learned_mm: seen.spacing_mm[n], present_mm: spacing[n] });
        }
        let is_other = |axis: usize| {
            let ratio = extent[axis] / seen.extent_mm[axis];
            !(1.0 / MOST_LARGER..=MOST_LARGER).contains(&ratio) && flat.is_none_or(|flat| flat.world_axis() != axis)
        };
        if (0..3).any(is_other) {
            found.push(Misfit::Extent { learned_mm: seen.extent_mm, present_mm: extent });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Rescale, Voxels};

    fn scan(shape: [usize; 3], spacing: [f64; 3], modality: &str, values: [i16; 2]) -> Volume {
        let columns = [[spacing[0], 0.0, 0.0], [0.0, spacing[1], 0.0], [0.0, 0.0, spacing[2]]];
        let geometry = Geometry::new(shape, Affine::from_columns(columns, [0.0; 3])).unwrap();
        let mut voxels = vec![values[0]; geometry.voxel_count()];
        voxels[0] = values[1];
        let mut volume = Volume::new(geometry, Voxels::I16(voxels.into()), vec![], Rescale::IDENTITY, String::new());
        volume.display.modality = modality.into();
        volume
    }

    fn said(spec: &ModelSpec, volume: &Volume) -> String {
        misfits(spec, volume).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_bundled_model_fits_a_hippocampus_and_is_warned_of_everything_else() {
        let spec = crate::model::find("hippocampus").unwrap().spec;
        // A cut-out as in the training, and one with voxels twice as long.
        for fitting in [
            scan([35, 50, 36], [1.0; 3], "MR", [0, 900]),
            scan([40, 44, 20], [0.9, 0.9, 1.8], "", [0, 255]),
            scan([70, 90, 60], [0.5, 0.5, 0.6], "mr", [-20, 3000]),
        ] {
            assert_eq!(said(&spec, &fitting), "");
        }
        let abdomen = said(&spec, &scan([300, 300, 90], [0.8, 0.8, 5.0], "CT", [-1024, 2000]));
        assert!(abdomen.contains("learned from MR images, and this is CT") && abdomen.contains("5.0 mm"), "{abdomen}");
        // A CT without a word of what it is.
        assert!(said(&spec, &scan([40, 50, 40], [1.0; 3], "", [-1024, 1200])).contains("CT"));
        let head = said(&spec, &scan([180, 220, 170], [1.0; 3], "MR", [0, 900]));
        assert!(head.contains("180 \u{d7} 220 \u{d7} 170 mm") && !head.contains("CT"), "{head}");
        let localizer = said(&spec, &scan([64, 64, 3], [4.0, 4.0, 20.0], "MR", [0, 900]));
        assert!(localizer.contains("20.0 mm long from feet to head"), "{localizer}");
        assert!(!learned_pictures(&spec));
        let picture = said(&spec, &scan([512, 400, 1], [1.0; 3], "", [0, 255]));
        assert!(picture.contains("single slice") && picture.contains("512"), "{picture}");
    }

    #[test]
    fn a_model_that_tells_less_is_warned_of_less() {
        let mut spec = crate::model::find("hippocampus").unwrap().spec;
        spec.provenance.seen = None;
        // Of volumes and of their kind nothing is known but what the specification says.
        assert_eq!(said(&spec, &scan([300, 300, 90], [0.8, 0.8, 5.0], "CT", [-1024, 2000])), "");
        assert!(said(&spec, &scan([512, 400, 1], [1.0; 3], "", [0, 255])).contains("single slice"));
        spec.normalisation = IntensityNormalisation::Clip { range: [-100.0, 240.0], mean: 80.0, std: 40.0 };
        assert!(said(&spec, &scan([200, 200, 90], [1.0; 3], "MR", [0, 900])).contains("learned from CT images"));
        spec.image_channels = 4;
        assert!(said(&spec, &scan([200, 200, 90], [1.0; 3], "CT", [0, 900])).contains("needs 4 channels"));
        (spec.neighbours, spec.image_channels) = (0, 1);
        spec.fused_axes.clear();
        let mut colour = scan([30, 20, 1], [1.0; 3], "", [0, 255]);
        colour.frame_dims = vec![3];
        assert_eq!(said(&spec, &colour), "This is a colour picture; the model sees one of its channels.");
    }

    #[test]
    fn slices_are_counted_as_they_are_cut() {
        let spec = crate::model::find("hippocampus").unwrap().spec;
        let count = |shape, asked| slices_to_segment(&spec, asked, &scan(shape, [1.0; 3], "", [0, 1]).geometry);
        assert_eq!(count([35, 50, 36], None), 121);
        assert_eq!(count([35, 50, 36], Some(SliceAxis::Coronal)), 50);
        // A picture is one slice, also where it stands upright.
        assert_eq!([[512, 512, 1], [512, 1, 512], [1, 512, 512]].map(|shape| count(shape, None)), [1, 1, 1]);
        assert_eq!(count([512, 512, 2], None), 1026);
        // A row of voxels is no slice.
        assert_eq!(count([512, 1, 1], None), 514);
    }
}
