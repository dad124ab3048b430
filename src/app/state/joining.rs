//! Labels that come from a network, a file or the classifier of pixels, on their way into a segmentation.

use std::path::PathBuf;

use crate::jobs::Names;
use crate::session::{Maker, Origin, Revision, SegmentationId, SliceKey, SliceState};
use crate::volume::{LabelMap, Plane};

/// Where labels come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A model, by its title.
    Model(String),
    /// A model that was adapted to finished slices, by its title.
    Refined(String),
    /// A file.
    File(PathBuf),
    /// The classifier of pixels.
    Pixels,
}

impl Source {
    /// What the undo step is called.
    pub fn step(&self) -> &'static str {
        match self {
            Self::Model(_) => "Segment",
            Self::Refined(_) => "Refine",
            Self::File(_) => "Open segmentation",
            Self::Pixels => "Classify pixels",
        }
    }

    /// What it is called in a sentence.
    pub fn name(&self) -> String {
        match self {
            Self::Model(title) | Self::Refined(title) => title.clone(),
            Self::File(path) => super::saving::file_name(path),
            Self::Pixels => "the classifier".into(),
        }
    }

    /// Who made what is in the slices that change; of a file that is not known.
    pub fn maker(&self) -> Option<Maker> {
        match self {
            Self::Model(title) | Self::Refined(title) => Some(Maker::Model(title.clone())),
            Self::Pixels => Some(Maker::Model("the classifier of pixels".into())),
            Self::File(_) => None,
        }
    }

    /// Who changes the labels.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Model(_) | Self::Refined(_) => Origin::Network,
            Self::File(_) => Origin::File,
            Self::Pixels => Origin::Classifier,
        }
    }
}

/// Labels that came in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Where from.
    pub source: Source,
    /// The segmentation that they are for.
    pub of: SegmentationId,
    /// What that was when they were asked for.
    pub made_on: Revision,
    /// The labels, on the scan's grid.
    pub labels: LabelMap,
    /// What their values mean.
    pub names: Names,
    /// State of the slices that change.
    pub state: SliceState,
    /// States of slices that a file keeps; they are the segmentation's where that was empty.
    pub states: Vec<(SliceKey, SliceState)>,
    /// Who made what is in slices, as a file keeps it.
    pub makers: Vec<(SliceKey, Maker)>,
    /// The only slice that changes, where it is one.
    pub only: Option<(Plane, usize)>,
}

/// What becomes of slices that were corrected by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectedSlices {
    /// The user is asked if they would change.
    Ask,
    /// They stay.
    Keep,
    /// They change like others.
    Change,
}

/// Why a result waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The labels changed while it was computed.
    LabelsChanged,
    /// So many slices that were corrected by hand would change.
    Corrected(usize),
}

/// A result that waits for the user's word.
#[derive(Debug)]
pub struct Pending {
    /// The result.
    pub arrival: Arrival,
    /// Why it waits.
    pub why: Why,
}

/// The user's word on a result that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It is taken.
    Take(CorrectedSlices),
    /// It is dropped.
    Drop,
}
