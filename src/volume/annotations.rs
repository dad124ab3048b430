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

/// Who made what is in a slice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Maker {
    /// The user's hand alone.
    Hand,
    /// A model of this name, as it left it.
    Model(String),
    /// A model of this name, and the user's hand after it.
    CorrectedModel(String),
}

impl Maker {
    /// Who it is once the user has changed the slice by hand.
    pub fn corrected(before: Option<&Self>) -> Self {
        match before {
            None | Some(Self::Hand) => Self::Hand,
            Some(Self::Model(name) | Self::CorrectedModel(name)) => Self::CorrectedModel(name.clone()),
        }
    }

    /// For a tooltip: "by hand", "by Hippocampus, corrected by hand".
    pub fn described(&self) -> String {
        match self {
            Self::Hand => "by hand".into(),
            Self::Model(name) => format!("by {name}"),
            Self::CorrectedModel(name) => format!("by {name}, corrected by hand"),
        }
    }
}

impl From<Maker> for String {
    fn from(maker: Maker) -> Self {
        match maker {
            Maker::Hand => "manual".into(),
            Maker::Model(name) => format!("model: {name}"),
            Maker::CorrectedModel(name) => format!("corrected: {name}"),
        }
    }
}

impl TryFrom<String> for Maker {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(": ") {
            None if text == "manual" => Ok(Self::Hand),
            Some(("model", name)) => Ok(Self::Model(name.into())),
            Some(("corrected", name)) => Ok(Self::CorrectedModel(name.into())),
            _ => Err(format!("{text:?} is nobody who makes slices: manual, model: NAME and corrected: NAME are")),
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
    /// Who made what is in slices, in the order of their keys.
    pub makers: Vec<(SliceKey, Maker)>,
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
        Self { table, states, makers: Vec::new(), fingerprint: None }
    }

    /// The same with who made what is in slices.
    #[must_use]
    pub fn with_makers(mut self, makers: impl IntoIterator<Item = (SliceKey, Maker)>) -> Self {
        self.makers = makers.into_iter().collect();
        self.makers.sort_unstable();
        self
    }

    /// The same where one made all that is in slices with a state.
    #[must_use]
    pub fn made_by(self, maker: &Maker) -> Self {
        let makers: Vec<_> = self.states.iter().map(|(key, _)| (*key, maker.clone())).collect();
        self.with_makers(makers)
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
        self.makers.retain(|(key, _)| is_there(*key));
        let is_stale = !self.states.is_empty() && self.fingerprint != Some(labels.fingerprint());
        if is_stale {
            self.states.clear();
            self.makers.clear();
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
            let mut stale = notes.clone().made_by(&Maker::Hand);
            assert_eq!(stale.makers.len(), 2);
            assert!(stale.drop_stale_states(&other) && stale.makers.is_empty());
        }
    }

    #[test]
    fn makers_are_written_as_they_are_read() {
        let named = [Maker::Hand, Maker::Model("A: b".into()), Maker::CorrectedModel(String::new())];
        for maker in named {
            assert_eq!(Maker::try_from(String::from(maker.clone())), Ok(maker));
        }
        for wrong in ["", "hand", "model:", "robot: x"] {
            assert!(Maker::try_from(wrong.to_string()).unwrap_err().contains("nobody"), "{wrong}");
        }
        let model = Maker::Model("Liver".into());
        assert_eq!(Maker::corrected(None), Maker::Hand);
        assert_eq!(Maker::corrected(Some(&Maker::corrected(Some(&model)))), Maker::CorrectedModel("Liver".into()));
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
