//! Where a network looks: choices, and what was found.

use std::sync::Arc;

use super::picture::Picture;
use crate::model::{Model, SliceAxis};
use crate::pipeline::AttentionView;
use crate::session::ScanId;
use crate::volume::Plane;

/// Choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttentionForm {
    /// Whether it is shown.
    pub is_on: bool,
    /// Which block.
    pub block: usize,
}

/// What a run looks at.
#[derive(Clone)]
pub struct Asked {
    /// The scan.
    pub scan: ScanId,
    /// Its frame.
    pub frame: usize,
    /// The model.
    pub model: Arc<Model>,
    /// Axis of its slices.
    pub axis: SliceAxis,
    /// The slice.
    pub slice: usize,
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.model, &other.model)
            && (self.scan, self.frame, self.axis, self.slice) == (other.scan, other.frame, other.axis, other.slice)
    }
}

/// What is laid over a slice.
#[derive(Debug, Clone)]
pub struct Heat {
    /// The scan.
    pub scan: ScanId,
    /// The plane.
    pub plane: Plane,
    /// The slice.
    pub slice: usize,
    /// One pixel for each of the slice's, or fewer where it is large.
    pub picture: Picture,
}

/// State of the overlay.
#[derive(Default)]
pub struct Attending {
    /// Choices.
    pub form: AttentionForm,
    /// What the blocks of the shown slice weigh.
    pub view: Option<Arc<AttentionView>>,
    /// The model that was looked at last, and whether it has attention.
    pub known: Option<(Arc<Model>, bool)>,
    /// What the view was asked for.
    pub asked: Option<Asked>,
    /// Block and voxel that the overlay was made for.
    pub shown: Option<(usize, [usize; 3])>,
    /// The overlay.
    pub heat: Option<Heat>,
}

impl Attending {
    /// Whether a model has blocks of attention, as far as it was looked at.
    pub fn has_attention(&self, model: &Arc<Model>) -> bool {
        self.known.as_ref().is_some_and(|(of, has)| Arc::ptr_eq(of, model) && *has)
    }
}
