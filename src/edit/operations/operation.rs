//! What an operation is, what it is given, and what it gives.

use super::error::OperationError;
use super::parameter::{Parameter, Values};
use crate::volume::{Label, LabelMap, LabelTable, LabelValue, Volume};
use crate::work::Watch;

/// An operation in the list.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Unique and stable: the command line and settings name it.
    pub id: &'static str,
    /// A verb and its object, for lists and for the undo step.
    pub name: &'static str,
    /// What it does and by which definition, in at most two sentences.
    pub hint: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// On how many labels it works.
    pub works_on: WorksOn,
    /// Which labels it may change.
    pub changes: Changes,
    /// Whether it looks at the image.
    pub needs_image: bool,
    /// What the user chooses.
    pub parameters: &'static [Parameter],
    /// Does it.
    pub run: fn(&Inputs, Watch) -> Result<Outcome, OperationError>,
}

/// What operations belong together; in the order shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Connected parts of a label.
    Islands,
    /// What a label encloses.
    Holes,
    /// Between slices, from seeds, by the image.
    Fill,
    /// Larger, smaller, hollow.
    Margin,
    /// Rounder, without specks.
    Smoothing,
    /// Between labels.
    Logic,
}

impl Group {
    /// For the window and the guide.
    pub fn name(self) -> &'static str {
        match self {
            Self::Islands => "Islands",
            Self::Holes => "Holes",
            Self::Fill => "Fill and grow",
            Self::Margin => "Margin",
            Self::Smoothing => "Smoothing",
            Self::Logic => "Between labels",
        }
    }
}

/// On how many labels an operation works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorksOn {
    /// On exactly one.
    One,
    /// On every selected label, one after the other.
    Each,
    /// On the selected labels together.
    Together,
}

/// Which labels an operation may change. Voxels of all other labels stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// Those that are selected, and the background.
    Selected,
    /// Those that are selected or named by a parameter, and the background.
    Named,
    /// Any.
    Any,
}

/// The image, on the grid of the labels that are worked on.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    pub(super) volume: &'a Volume,
    pub(super) frame: usize,
    /// First voxel of the labels' grid in the image.
    pub(super) origin: [usize; 3],
}

impl Image<'_> {
    /// The value of a voxel in the image's own unit.
    pub fn value(&self, voxel: [usize; 3]) -> f64 {
        self.volume.value([0, 1, 2].map(|axis| self.origin[axis] + voxel[axis]), self.frame)
    }

    /// The scan, the frame, and the first voxel of the labels' grid in it, for whoever reads whole rows.
    pub fn parts(&self) -> (&Volume, usize, [usize; 3]) {
        (self.volume, self.frame, self.origin)
    }
}

/// What an operation is given.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The labels; a grid of their own where only a slice is worked on.
    pub labels: &'a LabelMap,
    /// Their names.
    pub table: &'a LabelTable,
    /// The image.
    pub image: Option<Image<'a>>,
    /// The labels that it works on; none is 0, and none is there twice.
    pub selected: &'a [LabelValue],
    /// A value for every parameter.
    pub values: &'a Values,
}

impl<'a> Inputs<'a> {
    /// The selected label of an operation that works on one.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn label(&self) -> Result<LabelValue, OperationError> {
        match self.selected {
            [] => Err(OperationError::NoLabel),
            [label] => Ok(*label),
            several => Err(OperationError::OneLabel(several.len())),
        }
    }

    /// The image of an operation that needs one.
    ///
    /// # Errors
    /// When there is none.
    pub fn image(&self) -> Result<Image<'a>, OperationError> {
        self.image.ok_or(OperationError::NoImage)
    }

    /// Another label than the selected one, chosen by a parameter.
    ///
    /// # Errors
    /// When it is the selected one.
    pub fn other_label(&self, id: &'static str) -> Result<LabelValue, OperationError> {
        let other = self.values.label(id)?;
        if self.selected.contains(&other) { Err(OperationError::SameLabel(other)) } else { Ok(other) }
    }
}

/// A number for the user: "3 islands".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: usize,
    /// What one of them is called.
    pub one: &'static str,
    /// What several of them are called.
    pub several: &'static str,
}

impl Tally {
    /// So many voxels, with what happened to them: "12 voxels removed".
    pub const fn new(count: usize, one: &'static str, several: &'static str) -> Self {
        Self { count, one, several }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.count, if self.count == 1 { self.one } else { self.several })
    }
}

/// What an operation gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The labels afterwards, on the grid that it was given.
    pub labels: LabelMap,
    /// Labels that are new, for the table.
    pub added: Vec<Label>,
    /// What was found and done, in numbers.
    pub tallies: Vec<Tally>,
    /// What the user should know besides: why nothing was done, for example.
    pub notes: Vec<String>,
}

impl Outcome {
    /// New labels, and nothing to tell.
    pub fn new(labels: LabelMap) -> Self {
        Self { labels, added: Vec::new(), tallies: Vec::new(), notes: Vec::new() }
    }
}
