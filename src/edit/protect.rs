//! What a new segmentation must leave alone: locked labels and finished slices.

use crate::volume::{LabelMap, LabelTable, PlaneLayout};

/// Puts what is protected in `current` back into `incoming`: locked labels, which neither shrink nor grow, and whole slices that are done.
///
/// `done` lists slices by their plane's layout. Nothing is visited where nothing is protected.
pub fn keep_protected(incoming: &mut LabelMap, current: &LabelMap, table: &LabelTable, done: &[(PlaneLayout, usize)]) {
    if done.is_empty() && table.0.iter().all(|label| !label.locked) {
        return;
    }
    let mut finished = current.geometry().shape().map(|count| vec![false; count]);
    for (layout, slice) in done {
        let axis = layout.axes[2];
        finished[axis][layout.voxel([0, 0, *slice])[axis]] = true;
    }
    incoming.take_from(current, |voxel, new, old| {
        let is_done = (0..3).any(|axis| finished[axis][voxel[axis]]);
        is_done || table.is_locked(new) || table.is_locked(old)
    });
}

/// A table that has every label of both; entries of the first are kept as they are.
pub fn join_tables(own: &LabelTable, incoming: &LabelTable) -> LabelTable {
    let mut joined = incoming.clone();
    for label in &own.0 {
        match joined.0.iter_mut().find(|l| l.value == label.value) {
            Some(entry) => *entry = label.clone(),
            None => joined.0.push(label.clone()),
        }
    }
    joined
}

/// A table where labels that have no name of their own, as those of a mask, are called as they were.
pub fn keep_names(own: &LabelTable, mut incoming: LabelTable) -> LabelTable {
    for label in incoming.0.iter_mut().filter(|label| label.is_unnamed()) {
        if let Some(entry) = own.get(label.value) {
            *label = entry.clone();
        }
    }
    incoming
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Label, Plane};

    #[test]
    fn locked_labels_and_done_slices_stay() {
        let geometry = Geometry::new([6, 6, 6], Affine::IDENTITY).unwrap();
        let mut current = LabelMap::empty(geometry.clone());
        current.set([1, 1, 1], 1);
        current.set([2, 2, 2], 2);
        current.set([3, 3, 3], 2);
        let mut incoming = LabelMap::empty(geometry.clone());
        for voxel in [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 2]] {
            incoming.set(voxel, 3);
        }
        // What was erased of a locked label does not come back.
        current.set([5, 5, 5], 2);
        incoming.set([5, 5, 5], 1);
        incoming.set([0, 5, 5], 1);
        let mut table = LabelTable(vec![Label::new(1, "One"), Label::new(2, "Two")]);
        table.0[0].locked = true;
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        keep_protected(&mut incoming, &current, &table, &[(layout, 2)]);
        let labels = [[1, 1, 1], [2, 2, 2], [3, 3, 3], [4, 4, 2]].map(|voxel| incoming.get(voxel));
        assert_eq!(labels, [1, 2, 3, 0], "locked, done slice, free, done slice");
        assert_eq!([[5, 5, 5], [0, 5, 5]].map(|voxel| incoming.get(voxel)), [2, 0], "locked labels do not grow");
    }

    #[test]
    fn a_joined_table_keeps_own_entries() {
        let own = LabelTable(vec![Label::new(1, "Mine"), Label::new(5, "Also mine")]);
        let joined = join_tables(&own, &LabelTable(vec![Label::new(1, "Theirs"), Label::new(2, "New")]));
        let names: Vec<&str> = joined.0.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names, ["Mine", "New", "Also mine"]);
    }

    #[test]
    fn a_mask_without_names_does_not_take_them_away() {
        let own = LabelTable(vec![Label::new(1, "Liver"), Label::new(2, "Spleen"), Label::new(4, "Kidney")]);
        let incoming = LabelTable(vec![Label::new(1, "Label 1"), Label::new(2, "Anterior"), Label::new(3, "Label 3")]);
        let names: Vec<String> = keep_names(&own, incoming).0.into_iter().map(|label| label.name).collect();
        assert_eq!(names, ["Liver", "Anterior", "Label 3"]);
    }
}
