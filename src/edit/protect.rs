//! What a new segmentation must leave alone: locked labels, finished slices, and labels that it does not know.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::volume::{LabelMap, LabelTable, LabelValue, PlaneLayout};

/// Puts what is protected in `current` back into `incoming`: locked labels, which neither shrink nor grow, and whole slices that are done.
///
/// `done` lists slices by their plane's layout. Nothing is visited where nothing is protected.
pub fn keep_protected(incoming: &mut LabelMap, current: &LabelMap, table: &LabelTable, done: &[(PlaneLayout, usize)]) {
    if done.is_empty() && table.0.iter().all(|label| !label.locked) {
        return;
    }
    let finished = positions(current, done);
    incoming.take_from(current, |voxel, new, old| {
        let is_done = (0..3).any(|axis| finished[axis][voxel[axis]]);
        is_done || table.is_locked(new) || table.is_locked(old)
    });
}

/// Per voxel axis, which positions along it are slices of the list.
fn positions(labels: &LabelMap, slices: &[(PlaneLayout, usize)]) -> [Vec<bool>; 3] {
    let mut found = labels.geometry().shape().map(|count| vec![false; count]);
    for (layout, slice) in slices {
        let axis = layout.axes[2];
        if let Some(is_in) = found[axis].get_mut(layout.voxel([0, 0, *slice])[axis]) {
            *is_in = true;
        }
    }
    found
}

/// What of a document a new segmentation may not change, and what must be asked about.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    /// Names and locks.
    pub table: LabelTable,
    /// Finished slices.
    pub done: Vec<(PlaneLayout, usize)>,
    /// Labels that the new segmentation knows; the voxels of all others stay.
    pub known: BTreeSet<LabelValue>,
    /// Slices that were corrected by hand; where they would change the user is asked.
    pub corrected: Vec<(PlaneLayout, usize)>,
}

/// What kept a voxel of a new segmentation out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptOutBy {
    /// The label itself is locked, and does not grow.
    OwnLock,
    /// A locked label lies there.
    Lock(LabelValue),
    /// A label lies there that the new segmentation does not know.
    Unknown(LabelValue),
}

/// What became of a new segmentation that met a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Voxels of the new labels that were kept out, and by what. Finished slices are left out: they are expected to stay.
    pub kept_out: BTreeMap<(LabelValue, KeptOutBy), usize>,
    /// Slices corrected by hand that change, each counted once.
    pub corrected: usize,
}

/// Puts what is protected in `current` back into `incoming`, and tells what that kept out.
pub fn protect(incoming: &mut LabelMap, current: &LabelMap, rule: &Protection) -> Withheld {
    let finished = positions(current, &rule.done);
    let corrected = positions(current, &rule.corrected);
    let flags = |is: &dyn Fn(LabelValue) -> bool| (0..=LabelValue::MAX).map(is).collect::<Vec<bool>>();
    let locked = flags(&|value| value != 0 && rule.table.is_locked(value));
    let known = flags(&|value| value == 0 || rule.known.contains(&value));
    // Where a label of this segmentation is there already, what was erased by hand counts as corrected too.
    let is_again = current.voxel_counts().keys().any(|value| known[usize::from(*value)]);
    let kept_out = RefCell::new(BTreeMap::new());
    let last = Cell::new(None);
    let changed = RefCell::new(corrected.clone().map(|flags| vec![false; flags.len()]));
    incoming.take_from(current, |voxel, new, old| {
        if (0..3).any(|axis| finished[axis][voxel[axis]]) {
            return true;
        }
        let by = match () {
            () if locked[usize::from(old)] => Some(KeptOutBy::Lock(old)),
            () if locked[usize::from(new)] => Some(KeptOutBy::OwnLock),
            () if !known[usize::from(old)] => Some(KeptOutBy::Unknown(old)),
            () => None,
        };
        if let Some(by) = by {
            if new != 0 {
                count(&kept_out, &last, (new, by));
            }
            return true;
        }
        if old != 0 || is_again {
            for axis in 0..3 {
                if corrected[axis][voxel[axis]] {
                    changed.borrow_mut()[axis][voxel[axis]] = true;
                }
            }
        }
        false
    });
    let mut kept_out = kept_out.into_inner();
    if let Some((key, voxels)) = last.into_inner() {
        *kept_out.entry(key).or_insert(0) += voxels;
    }
    let corrected = changed.into_inner().iter().flatten().filter(|is| **is).count();
    Withheld { kept_out, corrected }
}

type Key = (LabelValue, KeptOutBy);

/// Counts a voxel; those of one kind follow each other, so that the table is looked up once for a run.
fn count(counts: &RefCell<BTreeMap<Key, usize>>, last: &Cell<Option<(Key, usize)>>, key: Key) {
    match last.get() {
        Some((same, voxels)) if same == key => last.set(Some((key, voxels + 1))),
        other => {
            if let Some((key, voxels)) = other {
                *counts.borrow_mut().entry(key).or_insert(0) += voxels;
            }
            last.set(Some((key, 1)));
        }
    }
}

/// Takes a label off a map, but not off finished slices. Whether some of it is left there.
pub fn erase_label(labels: &LabelMap, value: LabelValue, done: &[(PlaneLayout, usize)]) -> (LabelMap, bool) {
    // Every value has its place.
    let mut erased =
        labels.mapped(|other| Some(if other == value { 0 } else { other })).unwrap_or_else(|_| labels.clone());
    let finished = positions(labels, done);
    let is_left = Cell::new(false);
    if !done.is_empty() {
        erased.take_from(labels, |voxel, _, _| {
            let is_done = (0..3).any(|axis| finished[axis][voxel[axis]]);
            is_left.set(is_left.get() || is_done);
            is_done
        });
        erased.compact();
    }
    (erased, is_left.get())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Label, Plane};

    fn map(voxels: &[([usize; 3], LabelValue)]) -> LabelMap {
        let mut labels = LabelMap::empty(Geometry::new([6, 6, 6], Affine::IDENTITY).unwrap());
        voxels.iter().for_each(|(voxel, label)| labels.set(*voxel, *label));
        labels
    }

    #[test]
    fn locked_labels_and_done_slices_stay() {
        // What was erased of a locked label does not come back.
        let current = map(&[([1, 1, 1], 1), ([2, 2, 2], 2), ([3, 3, 3], 2), ([5, 5, 5], 2)]);
        let all = [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 2]];
        let mut incoming = map(&all.map(|voxel| (voxel, 3)));
        incoming.set([5, 5, 5], 1);
        incoming.set([0, 5, 5], 1);
        let mut table = LabelTable(vec![Label::new(1, "One"), Label::new(2, "Two")]);
        table.0[0].locked = true;
        let layout = PlaneLayout::new(current.geometry(), Plane::Axial);
        keep_protected(&mut incoming, &current, &table, &[(layout, 2)]);
        assert_eq!(all.map(|voxel| incoming.get(voxel)), [1, 2, 3, 0], "locked, done slice, free, done slice");
        assert_eq!([[5, 5, 5], [0, 5, 5]].map(|voxel| incoming.get(voxel)), [2, 0], "locked labels do not grow");
    }

    #[test]
    fn what_a_segmentation_does_not_know_stays_and_what_that_kept_out_is_counted() {
        // 1 tumour, by hand; 2 liver, known; 3 spleen, known and locked; 4 vessel, locked.
        let current = map(&[([0, 0, 0], 1), ([1, 0, 0], 1), ([0, 1, 1], 2), ([0, 2, 2], 4), ([0, 3, 3], 3)]);
        let mut table = LabelTable((1..5).map(|value| Label::new(value, format!("L{value}"))).collect());
        (table.0[2].locked, table.0[3].locked) = (true, true);
        let rule = Protection { table, known: BTreeSet::from([2, 3]), ..Protection::default() };
        let mut incoming = map(&[([0, 0, 0], 2), ([0, 2, 2], 2), ([5, 5, 5], 3), ([4, 4, 4], 2), ([3, 3, 3], 2)]);
        let withheld = protect(&mut incoming, &current, &rule);
        assert_eq!(incoming.counts(), BTreeMap::from([(1, 2), (2, 2), (3, 1), (4, 1)]));
        assert_eq!(
            withheld.kept_out,
            BTreeMap::from([
                ((2, KeptOutBy::Unknown(1)), 1),
                ((2, KeptOutBy::Lock(4)), 1),
                ((3, KeptOutBy::OwnLock), 1),
            ])
        );
    }

    #[test]
    fn corrected_slices_that_would_change_are_counted() {
        let current = map(&[([1, 1, 1], 1), ([1, 1, 4], 2)]);
        let layout = PlaneLayout::new(current.geometry(), Plane::Axial);
        let slice = |k: usize| (layout, layout.screen([0, 0, k])[2]);
        let rule = |known: &[LabelValue]| Protection {
            known: known.iter().copied().collect(),
            corrected: vec![slice(1), slice(3), slice(4)],
            ..Protection::default()
        };
        let other = map(&[([2, 2, 1], 1), ([2, 2, 3], 1), ([1, 1, 4], 2)]);
        // Slice 1 loses a voxel and gains one, slice 3 gains what may have been erased, slice 4 stays as it is.
        assert_eq!(protect(&mut other.clone(), &current, &rule(&[1, 2])).corrected, 2);
        // Of labels that were never there nothing was corrected.
        assert_eq!(protect(&mut map(&[([0, 0, 3], 9)]), &current, &rule(&[9])).corrected, 0);
    }

    #[test]
    fn a_label_is_erased_but_in_finished_slices() {
        let current = map(&[([1, 1, 1], 1), ([2, 2, 2], 1), ([3, 3, 3], 2)]);
        let layout = PlaneLayout::new(current.geometry(), Plane::Axial);
        let (erased, is_left) = erase_label(&current, 1, &[(layout, layout.screen([0, 0, 2])[2])]);
        assert_eq!((erased.counts(), is_left), (BTreeMap::from([(1, 1), (2, 1)]), true));
        let (erased, is_left) = erase_label(&current, 1, &[]);
        assert_eq!((erased.counts(), is_left), (BTreeMap::from([(2, 1)]), false));
    }
}
