//! What is edited: scans and their segmentations, by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kept_overlay::KeptOverlay;
use super::measurements::{Measurements, NONE};
use super::protection::Protection;
use super::reference::ScanReference;
use crate::volume::{
    Annotations, LabelMap, LabelTable, LabelValue, Maker, Plane, PlaneLayout, Rgb, SliceKey, SliceState, Volume,
};

/// A scan of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(pub(super) u32);

/// A segmentation of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentationId(pub(super) u32);

/// What of a segmentation a file holds, as numbers: the same number means the same content, also after undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Revision {
    /// Labels and slice states.
    pub labels: u64,
    /// Values, names and colours of the table.
    pub names: u64,
    /// What of the table keeps voxels as they are.
    pub locks: u64,
}

impl Revision {
    /// Whether a file with the content of the one holds that of the other.
    pub fn is_saved_as(self, other: Self) -> bool {
        (self.labels, self.names) == (other.labels, other.names)
    }
}

/// Labels on a scan's grid, with their names and how far their slices are.
#[derive(Debug, Clone)]
pub struct Segmentation {
    pub(super) scan: ScanId,
    pub(super) name: String,
    pub(super) labels: LabelMap,
    pub(super) table: LabelTable,
    pub(super) states: BTreeMap<SliceKey, SliceState>,
    pub(super) makers: BTreeMap<SliceKey, Maker>,
    pub(super) revision: Revision,
    pub(super) saved: Revision,
}

/// What of a label's entry is part of a file: whether it is shown or locked is not.
fn names(table: &LabelTable) -> impl Iterator<Item = (LabelValue, &str, Rgb)> {
    table.0.iter().map(|label| (label.value, label.name.as_str(), label.colour))
}

impl Segmentation {
    pub(super) fn empty(scan: ScanId, name: String, volume: &Volume) -> Self {
        Self {
            scan,
            name,
            labels: LabelMap::empty(volume.geometry.clone()),
            table: LabelTable::default(),
            states: BTreeMap::new(),
            makers: BTreeMap::new(),
            revision: Revision::default(),
            saved: Revision::default(),
        }
    }

    /// The scan that it belongs to.
    pub fn scan(&self) -> ScanId {
        self.scan
    }

    /// For the data tree.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The labels.
    pub fn labels(&self) -> &LabelMap {
        &self.labels
    }

    /// Names and colours.
    pub fn table(&self) -> &LabelTable {
        &self.table
    }

    /// What it is now, as numbers.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether labels, slice states, names or colours differ from what was saved last; false again where undo leads back there.
    pub fn is_modified(&self) -> bool {
        !self.revision.is_saved_as(self.saved)
    }

    /// Whether it has no label, no voxel and no slice state.
    pub fn is_empty(&self) -> bool {
        self.table.0.is_empty() && self.states.is_empty() && self.labels.voxel_counts().is_empty()
    }

    /// The state of a slice.
    pub fn state(&self, plane: Plane, slice: usize) -> SliceState {
        self.states.get(&key(plane, slice)).copied().unwrap_or_default()
    }

    /// Slices with a state other than to do.
    pub fn states(&self) -> impl Iterator<Item = (SliceKey, SliceState)> + '_ {
        self.states.iter().filter(|(_, state)| **state != SliceState::Todo).map(|(key, state)| (*key, *state))
    }

    /// Who made what is in a slice, where that is known.
    pub fn maker(&self, plane: Plane, slice: usize) -> Option<&Maker> {
        self.makers.get(&key(plane, slice))
    }

    /// Slices whose maker is known.
    pub fn makers(&self) -> impl Iterator<Item = (SliceKey, &Maker)> + '_ {
        self.makers.iter().map(|(key, maker)| (*key, maker))
    }

    /// Slices of all planes that are in a state, each with its plane's layout.
    pub fn slices_in(&self, wanted: SliceState) -> Vec<(PlaneLayout, usize)> {
        let layouts = Plane::ALL.map(|plane| (plane.world_axis(), PlaneLayout::new(self.labels.geometry(), plane)));
        let found = self.states().filter(|(_, state)| *state == wanted);
        let with_layout = |((axis, slice), _): (SliceKey, SliceState)| {
            let layout = layouts.iter().find(|(world, _)| *world == usize::from(axis))?;
            Some((layout.1, slice))
        };
        found.filter_map(with_layout).collect()
    }

    /// Slices to do become drafts where labels changed by no hand: at the positions along each voxel axis that `changed` says.
    pub fn drafts_where(&self, changed: &[Vec<bool>; 3]) -> Vec<(SliceKey, SliceState)> {
        let mut drafts = Vec::new();
        for plane in Plane::ALL {
            let layout = PlaneLayout::new(self.labels.geometry(), plane);
            let axis = layout.axes[2];
            let is_changed = |slice: usize| changed[axis].get(layout.voxel([0, 0, slice])[axis]) == Some(&true);
            let is_fresh = |slice: &usize| is_changed(*slice) && self.state(plane, *slice) == SliceState::Todo;
            drafts.extend((0..layout.size[2]).filter(is_fresh).map(|slice| (key(plane, slice), SliceState::Draft)));
        }
        drafts
    }

    /// Slices that are as a model made them, and in which other labels of the same grid differ.
    pub(super) fn of_models_where(&self, other: &LabelMap) -> Vec<SliceKey> {
        let is_of_model = |plane: Plane, slice: usize| matches!(self.maker(plane, slice), Some(Maker::Model(_)));
        if !self.makers.values().any(|maker| matches!(maker, Maker::Model(_))) {
            return Vec::new();
        }
        let changed = other.changed_positions(&self.labels);
        let of_plane = |plane: Plane| {
            let layout = PlaneLayout::new(self.labels.geometry(), plane);
            let axis = layout.axes[2];
            let is_changed = |slice: usize| changed[axis][layout.voxel([0, 0, slice])[axis]];
            let touched = (0..layout.size[2]).filter(|slice| is_changed(*slice) && is_of_model(plane, *slice));
            touched.map(|slice| key(plane, slice)).collect::<Vec<_>>()
        };
        Plane::ALL.into_iter().flat_map(of_plane).collect()
    }

    /// What a file of the labels says besides their voxels.
    pub fn annotations(&self) -> Annotations {
        let makers = self.makers().map(|(key, maker)| (key, maker.clone()));
        Annotations::new(self.table.clone(), self.states()).with_makers(makers)
    }

    /// Voxels that must stay as they are.
    pub fn protection(&self) -> Protection {
        Protection::new(&self.labels, &self.table, &self.slices_in(SliceState::Done))
    }

    /// Exchanges the table and tells which of its numbers change.
    pub(super) fn set_table(&mut self, table: LabelTable, next: u64) -> LabelTable {
        if !names(&table).eq(names(&self.table)) {
            self.revision.names = next;
        }
        let locked = |table: &LabelTable| table.0.iter().filter(|l| l.locked).map(|l| l.value).collect::<Vec<_>>();
        if locked(&table) != locked(&self.table) {
            self.revision.locks = next;
        }
        std::mem::replace(&mut self.table, table)
    }

    /// Exchanges makers of slices.
    pub(super) fn set_makers(&mut self, makers: Vec<(SliceKey, Option<Maker>)>) -> Vec<(SliceKey, Option<Maker>)> {
        let exchange = |(key, maker): (SliceKey, Option<Maker>)| {
            let before = match maker {
                Some(maker) => self.makers.insert(key, maker),
                None => self.makers.remove(&key),
            };
            (key, before)
        };
        makers.into_iter().map(exchange).collect()
    }

    /// Exchanges states; a slice that had none gets [`SliceState::Todo`] back.
    pub(super) fn set_states(&mut self, states: Vec<(SliceKey, SliceState)>) -> Vec<(SliceKey, SliceState)> {
        states.into_iter().map(|(key, state)| (key, self.states.insert(key, state).unwrap_or_default())).collect()
    }
}

/// The key of a slice of a plane.
pub fn key(plane: Plane, slice: usize) -> SliceKey {
    (plane.world_axis() as u8, slice)
}

/// Scans and segmentations.
#[derive(Debug, Clone, Default)]
pub struct Document {
    pub(super) scans: BTreeMap<ScanId, Arc<Volume>>,
    /// What each scan is and where it lies.
    pub(super) references: BTreeMap<ScanId, ScanReference>,
    pub(super) segmentations: BTreeMap<SegmentationId, Segmentation>,
    /// What was measured on each scan, once something was.
    pub(super) measurements: BTreeMap<ScanId, Measurements>,
    /// What is laid over each scan, where something is.
    pub(super) overlays: BTreeMap<ScanId, KeptOverlay>,
    /// Whether a file of it holds the scans too.
    pub(super) keeps_scans: bool,
}

impl Document {
    /// A scan, while it is open.
    pub fn scan(&self, id: ScanId) -> Option<&Arc<Volume>> {
        self.scans.get(&id)
    }

    /// All scans that are open, oldest first.
    pub fn scans(&self) -> impl Iterator<Item = (ScanId, &Arc<Volume>)> {
        self.scans.iter().map(|(id, volume)| (*id, volume))
    }

    /// What a scan is and where it lies, while it is open.
    pub fn reference(&self, id: ScanId) -> Option<&ScanReference> {
        self.references.get(&id)
    }

    /// A segmentation, while it is there.
    pub fn segmentation(&self, id: SegmentationId) -> Option<&Segmentation> {
        self.segmentations.get(&id)
    }

    /// All segmentations, oldest first.
    pub fn segmentations(&self) -> impl Iterator<Item = (SegmentationId, &Segmentation)> {
        self.segmentations.iter().map(|(id, segmentation)| (*id, segmentation))
    }

    /// What is laid over a scan.
    pub fn overlay(&self, of: ScanId) -> Option<&KeptOverlay> {
        self.overlays.get(&of)
    }

    /// Whether a `.lamella` file of it holds the scans too, and not only where they lie.
    pub fn keeps_scans(&self) -> bool {
        self.keeps_scans
    }

    /// What was measured on a scan.
    pub fn measurements(&self, of: ScanId) -> &Measurements {
        self.measurements.get(&of).unwrap_or(&NONE)
    }

    /// The segmentations of a scan, oldest first.
    pub fn segmentations_of(&self, scan: ScanId) -> impl Iterator<Item = (SegmentationId, &Segmentation)> {
        self.segmentations().filter(move |(_, segmentation)| segmentation.scan == scan)
    }
}
