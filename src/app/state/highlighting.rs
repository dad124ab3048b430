//! The region that a click would paint where the pointer is.

use std::sync::Arc;

use crate::session::{PaintRules, Revision, SegmentationId};
use crate::tools::ToolOptions;
use crate::volume::{LabelValue, Plane, Window};

/// What a region follows from; equal keys give equal regions.
#[derive(Debug, Clone, PartialEq)]
pub struct HighlightKey {
    /// The tool in hand.
    pub tool: &'static str,
    /// What was chosen about tools.
    pub options: ToolOptions,
    /// The segmentation in hand.
    pub of: SegmentationId,
    /// Its labels and locks.
    pub revision: Revision,
    /// The label that is painted.
    pub label: LabelValue,
    /// Labels that are not shown: rules may spare them.
    pub hidden: Vec<LabelValue>,
    /// Where may be painted.
    pub rules: PaintRules,
    /// The view, and its slice.
    pub place: (Plane, usize),
    /// Where the pointer is, in pixels of the slice.
    pub at: [f64; 2],
    /// The frame in the view.
    pub frame: usize,
    /// Its window.
    pub window: Window,
}

/// A region.
#[derive(Debug, Clone)]
pub struct Highlight {
    /// Of what.
    pub key: HighlightKey,
    /// The lines around it, in pixels of the slice, those near the pointer first.
    pub lines: Arc<Vec<[[f32; 2]; 2]>>,
}

/// The region under the pointer.
#[derive(Debug, Default)]
pub struct Highlighting {
    /// What was found last.
    pub ready: Option<Highlight>,
    /// What a job looks for.
    pub asked: Option<HighlightKey>,
    /// Where nothing is to be found: it is not looked for again.
    pub empty: Option<HighlightKey>,
}
