//! Which labels of a scan count: those of the slices that the user has finished, and what was scribbled elsewhere.

use crate::volume::{LabelMap, LabelValue, PlaneLayout};

/// The labels with everything outside the slices that are done, and every label from `classes` on, set to `ignore`.
pub fn only_finished(labels: &LabelMap, done: &[(PlaneLayout, usize)], classes: u16, ignore: u16) -> LabelMap {
    let mut known = LabelMap::from_fn(labels.geometry().clone(), |_| ignore);
    for (layout, slice) in done {
        for row in 0..layout.size[1] {
            for column in 0..layout.size[0] {
                let voxel = layout.voxel([column, row, *slice]);
                let label = labels.get(voxel);
                known.set(voxel, if label < classes { label } else { ignore });
            }
        }
    }
    known
}

/// Marks of the user in a scan: what is marked is known, and of all around it nothing is.
#[derive(Debug, Clone)]
pub struct Scribbles {
    /// Marks with the values of the model's classes, on the scan's grid; other values but `outside` count nowhere, 0 is unmarked.
    pub labels: LabelMap,
    /// The value of marks that say: none of the model's labels is here.
    pub outside: Option<LabelValue>,
}

impl Scribbles {
    /// Calls `visit` with every voxel that is known by a mark, and its class; `class` finds that of a value of the model.
    pub fn for_each_known(
        &self,
        class: impl Fn(LabelValue) -> Option<LabelValue>,
        mut visit: impl FnMut([usize; 3], LabelValue),
    ) {
        self.labels.for_each_labelled(|voxel, value| {
            let known = if Some(value) == self.outside { Some(0) } else { class(value) };
            if let Some(known) = known {
                visit(voxel, known);
            }
        });
    }
}

/// The slices that hold a label below `classes` and are not done, along the plane of most slices that are, else along `usual`. Slices
/// without a label may be empty or not looked at yet; nobody knows.
pub fn drafted(
    labels: &LabelMap,
    done: &[(PlaneLayout, usize)],
    usual: PlaneLayout,
    classes: u16,
) -> Vec<(PlaneLayout, usize)> {
    let count = |layout: &PlaneLayout| done.iter().filter(|(other, _)| other == layout).count();
    let layout = &done.iter().map(|(layout, _)| *layout).max_by_key(count).unwrap_or(usual);
    let mut labelled = vec![false; layout.size[2]];
    labels.for_each_labelled(|voxel, label| {
        let is_done = || done.iter().any(|(layout, slice)| layout.screen(voxel)[2] == *slice);
        if label < classes && !labelled[layout.screen(voxel)[2]] && !is_done() {
            labelled[layout.screen(voxel)[2]] = true;
        }
    });
    labelled.into_iter().enumerate().filter(|(_, is)| *is).map(|(slice, _)| (*layout, slice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Plane};

    #[test]
    fn only_done_slices_and_the_models_labels_are_known() {
        let geometry = Geometry::new([4, 5, 6], Affine::IDENTITY).unwrap();
        let labels = LabelMap::from_fn(geometry.clone(), |[i, j, _]| if i == 1 { 2 } else { u16::from(j == 3) * 7 });
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        let slice = layout.screen([0, 0, 2])[2];
        let known = only_finished(&labels, &[(layout, slice)], 3, 3);
        let slices = |labels: &LabelMap| {
            drafted(labels, &[(layout, slice)], layout, 3).into_iter().map(|(_, n)| n).collect::<Vec<_>>()
        };
        assert_eq!(slices(&labels).len(), 5);
        let one = LabelMap::from_fn(geometry.clone(), |[i, _, k]| u16::from(i == 1 && k == 2));
        assert!(slices(&one).is_empty());
        assert_eq!(drafted(&one, &[], layout, 3), [(layout, slice)]);
        // Another slice is drafted; labels that the model does not have do not count, and empty slices neither.
        let two = LabelMap::from_fn(
            geometry.clone(),
            |[i, _, k]| if k == 5 { 3 } else { u16::from(i == 1 && (k == 2 || k == 4)) },
        );
        assert_eq!(slices(&two), [layout.screen([0, 0, 4])[2]]);
        assert_eq!([[1, 0, 2], [0, 0, 2], [0, 3, 2], [1, 0, 3]].map(|voxel| known.get(voxel)), [2, 0, 3, 3]);
    }

    #[test]
    fn marks_are_known_and_marks_outside_are_background() {
        let geometry = Geometry::new([5, 1, 1], Affine::IDENTITY).unwrap();
        // Nothing, two classes of the model, a label that it does not have, and a mark outside.
        let labels = LabelMap::from_fn(geometry, |[i, ..]| [0, 4, 6, 7, 9][i]);
        let known = |outside| {
            let mut known = Vec::new();
            let class = |value| [0, 4, 6].iter().position(|own| *own == value).map(|class| class as u16);
            Scribbles { labels: labels.clone(), outside }
                .for_each_known(class, |[i, ..], class| known.push((i, class)));
            known
        };
        assert_eq!(known(Some(9)), [(1, 1), (2, 2), (4, 0)]);
        assert_eq!(known(None), [(1, 1), (2, 2)]);
    }
}
