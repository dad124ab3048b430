//! Scans of a folder as cases that are worked on one after the other.

use std::path::PathBuf;

use super::natural_order::NaturalOrder;
use super::saving::SavedFile;
use super::views::ScanView;
use crate::session::ScanId;
use crate::volume::{Completion, LabelTable, LabelValue, Window};

/// What an item of the data tree is among the scans of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// A scan to be worked on, if it was found in a folder.
    #[default]
    Scan,
    /// A segmentation that is read with its scan.
    Mask,
    /// A segmentation by its name that belongs to no scan, or a further channel of one.
    Companion,
}

/// What is known of an item as one of the scans of a folder.
#[derive(Debug, Default)]
pub struct Case {
    /// What its place follows from; none of what was opened by itself.
    pub order: Option<NaturalOrder>,
    /// Its place among all that were found in folders.
    pub rank: Option<usize>,
    /// What it is.
    pub role: Role,
    /// Where its segmentation may lie.
    pub places: Vec<PathBuf>,
    /// Files of masks that name it as the scan they were made on.
    pub attached: Vec<PathBuf>,
    /// How far the segmentation on disk is, while the scan is not open.
    pub on_disk: Option<Completion>,
    /// How it was left.
    pub left: Option<Left>,
    /// Why it could not be read.
    pub problem: Option<String>,
    /// Whether the user was asked for the size of its voxels, and gave none: a step goes on behind it.
    pub is_unsized: bool,
}

/// How a scan was left that is not open any more, to be found so again.
#[derive(Debug)]
pub struct Left {
    /// How it was looked at; its segmentation is not there any more.
    pub view: ScanView,
    /// Its segmentations that are in files.
    pub masks: Vec<LeftMask>,
}

/// A segmentation of a scan that was left.
#[derive(Debug)]
pub struct LeftMask {
    /// In the data tree.
    pub name: String,
    /// Its file.
    pub file: SavedFile,
    /// Its labels: a file does not keep which are locked or hidden.
    pub table: LabelTable,
    /// The label that was painted.
    pub active: LabelValue,
}

/// How far a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseState {
    /// There is no segmentation of it.
    NotBegun,
    /// Changes are not saved, or slices are a network's suggestion.
    Draft,
    /// Its segmentation is saved.
    Saved,
    /// It is saved, and all slices with labels are done.
    Done,
}

impl CaseState {
    /// Words shown to the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotBegun => "Not begun",
            Self::Draft => "Draft",
            Self::Saved => "Saved",
            Self::Done => "Done",
        }
    }
}

impl From<Completion> for CaseState {
    fn from(completion: Completion) -> Self {
        match completion {
            Completion::Draft => Self::Draft,
            Completion::Open => Self::Saved,
            Completion::Done => Self::Done,
        }
    }
}

/// From a case to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The next one.
    Next,
    /// The one before.
    Previous,
    /// The next one that is not done; behind the last one the first follows.
    NextOpen,
}

/// What goes along to the next case.
#[derive(Debug, Clone)]
pub struct Carried {
    /// The modality of the case that it comes from; windows of another one mean nothing.
    pub modality: String,
    /// The display window where the user has chosen one, and whether dark is bright.
    pub window: Option<(Window, bool)>,
    /// Names and colours of the labels.
    pub table: LabelTable,
    /// The label that is painted.
    pub active: LabelValue,
}

/// The folder of segmentations, seen from the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskFolder {
    /// Where the scan is.
    Beside,
    /// The folder of labels that belongs to the scan's folder of images.
    OfLabels,
    /// Another one, for scans of one folder.
    Chosen {
        /// It.
        folder: PathBuf,
        /// The folder of those scans.
        of: PathBuf,
    },
}

/// Where segmentations of cases are saved, as it was done with the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskPlace {
    /// The folder.
    pub folder: MaskFolder,
    /// Whether the name begins with the case's name without its channel.
    pub is_without_channel: bool,
    /// What stands behind it: `_seg.nii.gz`.
    pub rest: String,
}

/// The cases, and how one goes through them.
#[derive(Debug, Default)]
pub struct Cases {
    /// The items that are cases, in the order of the data tree.
    pub list: Vec<usize>,
    /// The item that is on its way because of a step, and which.
    pub going: Option<(usize, Way)>,
    /// What goes along from the last case on screen.
    pub carried: Option<Carried>,
    /// Where segmentations are saved.
    pub place: Option<MaskPlace>,
    /// Scans of cases that were on screen, the last one last.
    pub seen: Vec<ScanId>,
}
