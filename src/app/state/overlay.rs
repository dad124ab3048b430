//! A second scan that is laid over the one on screen: what is chosen, whether the two fit, and slices of it that are ready.

use std::sync::Arc;

use super::studio::Studio;
use crate::session::ScanId;
use crate::volume::{Plane, Space, Volume, Window, boxes_overlap, space_of};

/// A scan to be laid over another one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laid {
    /// Which.
    pub scan: ScanId,
    /// Its frame.
    pub frame: usize,
    /// Its display window.
    pub window: Window,
    /// Whether it is shown although its file states another frame of reference: the user's explicit word.
    pub in_other_space: bool,
}

/// What is laid over a scan.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OverlayForm {
    /// Whether it is shown.
    pub is_on: bool,
    /// What was chosen.
    pub laid: Option<Laid>,
}

/// Whether a scan can be laid over another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Both state one frame of reference.
    SameSpace,
    /// Not both state a frame of reference: they are placed by their coordinates.
    ByCoordinates,
    /// They state different frames of reference.
    OtherSpace,
    /// Their boxes have nothing in common.
    Apart,
}

impl Fit {
    /// Whether `over` can be laid over `base`.
    pub fn of(base: &Volume, over: &Volume) -> Self {
        match space_of(base, over) {
            _ if !boxes_overlap(&base.geometry, &over.geometry) => Self::Apart,
            Space::Same => Self::SameSpace,
            Space::Unstated => Self::ByCoordinates,
            Space::Other => Self::OtherSpace,
        }
    }

    /// For the panel.
    pub fn text(self) -> &'static str {
        match self {
            Self::SameSpace => "Same frame of reference.",
            Self::ByCoordinates => "No frame of reference stated: placed by their coordinates.",
            Self::OtherSpace => {
                "The files state different frames of reference: the same coordinates are different places of the patient."
            }
            Self::Apart => "It shares no place with the scan on screen.",
        }
    }
}

/// What a slice of the overlay is made of; equal keys give equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaidKey {
    /// The scan below.
    pub base: ScanId,
    /// The scan above.
    pub over: ScanId,
    /// The frame of the scan above.
    pub frame: usize,
    /// The plane of the scan below.
    pub plane: Plane,
    /// The slice of the scan below.
    pub slice: usize,
}

/// Values of the overlay at the pixels of a slice.
#[derive(Debug, Clone)]
pub struct LaidSlice {
    /// Of what.
    pub key: LaidKey,
    /// So many pixels along either side are one, where the slice is not finished.
    pub thinning: usize,
    /// Columns and rows.
    pub size: [usize; 2],
    /// Rescaled values, row by row; NaN where there is none.
    pub values: Arc<Vec<f32>>,
}

/// Slices of the overlay.
#[derive(Debug)]
pub struct Overlaying {
    /// Of the axial, coronal and sagittal view.
    pub slices: [Option<LaidSlice>; 3],
    /// The slice that a job computes.
    pub asked: Option<LaidKey>,
    /// What could not be computed: it is not tried again.
    pub failed: Vec<LaidKey>,
    /// How long a pixel takes, in nanoseconds, by plane: rows of a sagittal slice lie far apart in memory.
    pub pixel_nanos: [f64; 3],
    /// When the document was told last what lies over its scans.
    pub remembered: Option<std::time::Instant>,
}

impl Default for Overlaying {
    fn default() -> Self {
        Self { slices: [const { None }; 3], asked: None, failed: Vec::new(), pixel_nanos: [30.0; 3], remembered: None }
    }
}

impl Studio {
    /// The overlay of the scan on screen: what was chosen, its voxels, and whether they fit. None where it is off, closed or refused.
    pub fn overlay(&self) -> Option<(Laid, &Arc<Volume>, Fit)> {
        let form = self.view()?.overlay;
        let laid = form.laid.filter(|_| form.is_on)?;
        let over = self.session.document().scan(laid.scan)?;
        let fit = Fit::of(self.volume()?, over);
        let is_shown = match fit {
            Fit::SameSpace | Fit::ByCoordinates => true,
            Fit::OtherSpace => laid.in_other_space,
            Fit::Apart => false,
        };
        is_shown.then_some((laid, over, fit))
    }

    /// The overlay's values at a slice of the scan on screen, where they are ready.
    pub fn laid_slice(&self, plane: Plane, slice: usize) -> Option<&LaidSlice> {
        let (laid, ..) = self.overlay()?;
        let key = LaidKey { base: self.shown?, over: laid.scan, frame: laid.frame, plane, slice };
        self.overlaying.slices[plane as usize].as_ref().filter(|ready| ready.key == key)
    }

    /// The overlay's value at the middle of a voxel of the scan on screen; none outside of its box or where no overlay is shown.
    pub fn overlay_value(&self, voxel: [usize; 3]) -> Option<f64> {
        let (laid, over, _) = self.overlay()?;
        over.value_at_place(self.volume()?.geometry.world_at(voxel), laid.frame)
    }
}
