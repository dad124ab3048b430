//! How far a segmentation is as a whole, by the states of its slices.

use std::collections::BTreeSet;

use super::annotations::{SliceKey, SliceState};
use super::label_map::LabelMap;
use super::plane::{Plane, PlaneLayout};

/// How far a segmentation is as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Slices of it are a network's suggestion.
    Draft,
    /// Neither a draft nor finished.
    Open,
    /// In one plane every slice with labels is declared finished; where there is no label at all, every slice of the plane.
    Done,
}

impl Completion {
    /// Of labels and the states of their slices. Where a slice is done this looks at every labelled voxel.
    pub fn of(labels: &LabelMap, states: impl Iterator<Item = (SliceKey, SliceState)>) -> Self {
        let mut done = BTreeSet::new();
        for (key, state) in states {
            match state {
                SliceState::Draft => return Self::Draft,
                SliceState::Done => drop(done.insert(key)),
                SliceState::Todo | SliceState::Corrected => {}
            }
        }
        if !done.is_empty() && is_done(labels, &done) { Self::Done } else { Self::Open }
    }
}

fn is_done(labels: &LabelMap, done: &BTreeSet<SliceKey>) -> bool {
    let occupied = labels.occupied();
    let has_labels = occupied.iter().flatten().any(|is_occupied| *is_occupied);
    Plane::ALL.into_iter().any(|plane| {
        let layout = PlaneLayout::new(labels.geometry(), plane);
        let along = layout.axes[2];
        let counts = |slice: &usize| !has_labels || occupied[along][layout.voxel([0, 0, *slice])[along]];
        let is_done = |slice| done.contains(&(plane.world_axis() as u8, slice));
        (0..layout.size[2]).filter(counts).all(is_done)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};

    fn labels(voxels: &[[usize; 3]]) -> LabelMap {
        let mut labels = LabelMap::empty(Geometry::new([5, 4, 3], Affine::IDENTITY).unwrap());
        voxels.iter().for_each(|voxel| labels.set(*voxel, 1));
        labels
    }

    fn of(labels: &LabelMap, states: &[(SliceKey, SliceState)]) -> Completion {
        Completion::of(labels, states.iter().copied())
    }

    #[test]
    fn done_is_where_every_slice_with_labels_is_in_one_plane() {
        use SliceState::{Corrected, Done, Draft};
        let two = labels(&[[1, 2, 0], [1, 3, 2]]);
        assert_eq!(of(&two, &[]), Completion::Open);
        assert_eq!(of(&two, &[((2, 0), Done)]), Completion::Open, "the other axial slice is missing");
        assert_eq!(of(&two, &[((2, 0), Done), ((2, 2), Done)]), Completion::Done);
        assert_eq!(of(&two, &[((2, 0), Done), ((2, 1), Done)]), Completion::Open, "one without labels counts nothing");
        assert_eq!(of(&two, &[((0, 1), Done)]), Completion::Done, "all of it lies in one sagittal slice");
        assert_eq!(of(&two, &[((2, 0), Done), ((1, 3), Done)]), Completion::Open, "half of two planes is no plane");
        assert_eq!(of(&two, &[((0, 1), Done), ((2, 1), Corrected)]), Completion::Done);
        assert_eq!(of(&two, &[((0, 1), Done), ((2, 1), Draft)]), Completion::Draft);
    }

    #[test]
    fn a_case_without_a_label_is_done_by_all_slices_of_a_plane() {
        let none = labels(&[]);
        let axial = |count| (0..count).map(|slice| ((2, slice), SliceState::Done)).collect::<Vec<_>>();
        assert_eq!([of(&none, &axial(2)), of(&none, &axial(3))], [Completion::Open, Completion::Done]);
    }
}
