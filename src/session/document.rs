//! What is edited, and the ways it can change.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::volume::{Annotations, LabelMap, LabelTable, Plane, SliceKey, SliceState, Volume};

/// A volume's segmentation.
#[derive(Debug, Clone)]
pub struct Document {
    /// The scan the labels lie on.
    pub volume: Arc<Volume>,
    /// The labels.
    pub labels: LabelMap,
    /// Names and colours.
    pub table: LabelTable,
    states: BTreeMap<SliceKey, SliceState>,
}

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// New labels, and the slices whose state changes with them.
    Labels {
        /// The labels afterwards.
        labels: LabelMap,
        /// States afterwards.
        states: Vec<(SliceKey, SliceState)>,
    },
    /// New labels with a new table.
    Segmentation {
        /// The labels afterwards.
        labels: LabelMap,
        /// The table afterwards.
        table: LabelTable,
        /// States afterwards.
        states: Vec<(SliceKey, SliceState)>,
    },
    /// A new table.
    Table(LabelTable),
    /// New slice states.
    States(Vec<(SliceKey, SliceState)>),
}

/// A named change, one undo step.
#[derive(Debug, Clone)]
pub struct Command {
    /// What the user did, for example "Brush".
    pub name: String,
    /// What changes.
    pub change: Change,
}

impl Document {
    pub(super) fn new(volume: Arc<Volume>) -> Self {
        let labels = LabelMap::empty(volume.geometry.clone());
        Self { volume, labels, table: LabelTable::default(), states: BTreeMap::new() }
    }

    /// The state of a slice.
    pub fn state(&self, plane: Plane, slice: usize) -> SliceState {
        self.states.get(&(u8::try_from(plane.world_axis()).unwrap_or(u8::MAX), slice)).copied().unwrap_or_default()
    }

    /// Slices with a state other than to do.
    pub fn states(&self) -> impl Iterator<Item = (SliceKey, SliceState)> + '_ {
        self.states.iter().map(|(key, state)| (*key, *state))
    }

    /// What a file of the labels says besides their voxels.
    pub fn annotations(&self) -> Annotations {
        Annotations::new(self.table.clone(), self.states())
    }

    fn set_states(&mut self, states: Vec<(SliceKey, SliceState)>) -> Vec<(SliceKey, SliceState)> {
        states.into_iter().map(|(key, state)| (key, self.states.insert(key, state).unwrap_or_default())).collect()
    }

    /// Makes the change and returns the one that undoes it.
    pub(super) fn exchange(&mut self, change: Change) -> Change {
        match change {
            Change::Labels { labels, states } => {
                let labels = std::mem::replace(&mut self.labels, labels);
                Change::Labels { labels, states: self.set_states(states) }
            }
            Change::Segmentation { labels, table, states } => {
                let labels = std::mem::replace(&mut self.labels, labels);
                let table = std::mem::replace(&mut self.table, table);
                Change::Segmentation { labels, table, states: self.set_states(states) }
            }
            Change::Table(table) => Change::Table(std::mem::replace(&mut self.table, table)),
            Change::States(states) => Change::States(self.set_states(states)),
        }
    }
}
