//! What a painter did becomes one step: the labels, the slices that are corrected now, and an entry for a label that has none.

use super::tool::{Refusal, Reply};
use crate::session::{Command, Edit, KeptBy, Painter, SegmentationId, SliceState, key};
use crate::volume::{Label, LabelValue, Plane, PlaneLayout};

/// What was done, besides voxels.
pub(super) struct Gesture {
    /// For the list of steps.
    pub name: &'static str,
    /// Whose labels changed.
    pub of: SegmentationId,
    /// The plane that it was done in.
    pub plane: Plane,
    /// The slices that were corrected, the one that the pointer was in first.
    pub slices: Vec<usize>,
    /// The label that voxels got; 0 where they lost theirs.
    pub label: LabelValue,
}

impl Gesture {
    /// Ends the work of a painter that may have gone through all slices: those are corrected that changed, the pointer's first.
    pub(super) fn end_through(self, painter: Painter, is_changed: bool) -> Reply {
        let layout = PlaneLayout::new(painter.labels().geometry(), self.plane);
        let axis = layout.axes[2];
        let changed = &painter.labels().changed_positions(painter.before())[axis];
        let has_changed = |slice: &usize| changed.get(layout.voxel([0, 0, *slice])[axis]) == Some(&true);
        let mut slices: Vec<usize> = (0..layout.size[2]).filter(has_changed).collect();
        slices.sort_by_key(|slice| !self.slices.contains(slice));
        Self { slices, ..self }.end(painter, is_changed)
    }

    /// Ends the painter's work: one command where something changed, and a word about what was kept.
    pub(super) fn end(self, painter: Painter, is_changed: bool) -> Reply {
        let mut table = painter.table().clone();
        let painted = painter.finish();
        let kept: Vec<KeptBy> = painted.kept.keys().copied().collect();
        let refusal = (!kept.is_empty()).then_some(Refusal::Kept(kept));
        if !is_changed {
            return Reply { refusal, ..Reply::default() };
        }
        let states = self.slices.iter().map(|slice| (key(self.plane, *slice), SliceState::Corrected));
        let mut edits = vec![Edit::Labels(painted), Edit::States(self.of, states.collect())];
        if self.label != 0 && table.get(self.label).is_none() {
            table.0.push(Label::unnamed(self.label));
            edits.push(Edit::Table(self.of, table));
        }
        Reply { commands: vec![Command::by_hand(self.name, edits)], refusal, ..Reply::default() }
    }
}
