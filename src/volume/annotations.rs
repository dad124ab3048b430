//! What a segmentation is besides its voxels: names and colours of labels, and how far its slices are.

use super::label_map::LabelMap;
use super::label_table::LabelTable;
use super::plane::{Plane, PlaneLayout};

/// How far a slice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SliceState {
    /// Nothing was done.
    #[default]
    Todo,
    /// A network's suggestion.
    Draft,
    /// Changed by hand.
    Corrected,
    /// Declared finished.
    Done,
}

impl SliceState {
    /// Word shown to the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::Todo => "To do",
            Self::Draft => "Draft",
            Self::Corrected => "Corrected",
            Self::Done => "Done",
        }
    }
}

/// A slice: the world axis that its plane is stacked along (0 = R, 1 = A, 2 = S) and its number, which grows towards R, A or S.
pub type SliceKey = (u8, usize);

/// What a file of labels says besides the voxels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Names and colours, also of labels without a voxel.
    pub table: LabelTable,
    /// Slices that are not to do, in the order of their keys.
    pub states: Vec<(SliceKey, SliceState)>,
    /// [`LabelMap::fingerprint`] of the labels that `states` tells of; none where there are no states.
    pub fingerprint: Option<u64>,
}

impl Annotations {
    /// Names and colours alone.
    pub fn of_table(table: LabelTable) -> Self {
        Self { table, ..Self::default() }
    }

    /// What is to be kept of a segmentation. [`Self::seal`] it before it is written.
    pub fn new(table: LabelTable, states: impl IntoIterator<Item = (SliceKey, SliceState)>) -> Self {
        let mut states: Vec<_> = states.into_iter().filter(|(_, state)| *state != SliceState::Todo).collect();
        states.sort_unstable();
        Self { table, states, fingerprint: None }
    }

    /// Notes which labels the states tell of. This looks at every labelled voxel.
    pub fn seal(&mut self, labels: &LabelMap) {
        self.fingerprint = (!self.states.is_empty()).then(|| labels.fingerprint());
    }

    /// Of labels that came all at once, from a model say: every slice that holds labels has the same state.
    pub fn of_labels(labels: &LabelMap, table: LabelTable, state: SliceState) -> Self {
        let occupied = labels.occupied();
        let mut states = Vec::new();
        for plane in Plane::ALL {
            let layout = PlaneLayout::new(labels.geometry(), plane);
            let axis = layout.axes[2];
            let holds_labels = |slice: &usize| occupied[axis][layout.voxel([0, 0, *slice])[axis]];
            let slices = (0..layout.size[2]).filter(holds_labels);
            states.extend(slices.map(|slice| ((plane.world_axis() as u8, slice), state)));
        }
        Self::new(table, states)
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.table.0.is_empty() && self.states.is_empty()
    }

    /// Drops the states where they tell of other labels: another program has changed the voxels and kept the header. Says whether it did.
    pub fn drop_stale_states(&mut self, labels: &LabelMap) -> bool {
        let sizes = Plane::ALL.map(|plane| (plane.world_axis(), PlaneLayout::new(labels.geometry(), plane).size[2]));
        let is_there =
            |(axis, slice): SliceKey| sizes.iter().any(|(world, size)| *world == usize::from(axis) && slice < *size);
        self.states.retain(|(key, _)| is_there(*key));
        let is_stale = !self.states.is_empty() && self.fingerprint != Some(labels.fingerprint());
        if is_stale {
            self.states.clear();
            self.fingerprint = None;
        }
        is_stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};

    #[test]
    fn states_belong_to_the_labels_that_they_were_given_for() {
        let geometry = Geometry::new([5, 4, 3], Affine::IDENTITY).unwrap();
        let mut labels = LabelMap::empty(geometry);
        labels.set([1, 2, 0], 7);
        let states = [((2, 1), SliceState::Done), ((0, 3), SliceState::Todo), ((0, 2), SliceState::Draft)];
        let mut notes = Annotations::new(LabelTable::default(), states);
        notes.seal(&labels);
        assert_eq!(notes.states, [((0, 2), SliceState::Draft), ((2, 1), SliceState::Done)]);
        assert!(!notes.clone().drop_stale_states(&labels));
        let mut moved = LabelMap::empty(labels.geometry().clone());
        moved.set([2, 2, 0], 7);
        let mut beyond = notes.clone();
        beyond.states.extend([((2, 3), SliceState::Done), ((7, 0), SliceState::Done)]);
        assert!(!beyond.drop_stale_states(&labels));
        assert_eq!(beyond, notes, "slices that are not there");
        for mut other in [LabelMap::empty(labels.geometry().clone()), moved] {
            other.compact();
            assert!(notes.clone().drop_stale_states(&other));
        }
    }

    #[test]
    fn the_storage_order_is_no_part_of_what_labels_are() {
        let at = |columns| Geometry::new([4, 4, 4], Affine::from_columns(columns, [0.0; 3])).unwrap();
        let mut ras = LabelMap::empty(at([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]));
        let mut stored = LabelMap::empty(at([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]));
        ras.set([1, 2, 0], 9);
        stored.set([3, 2, 2], 9);
        assert_eq!(ras.fingerprint(), stored.fingerprint());
        stored.set([3, 2, 2], 8);
        assert_ne!(ras.fingerprint(), stored.fingerprint());
    }
}
