//! Which background labels close off, and to which label each hole belongs.

use std::collections::BTreeMap;

use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::Inputs;
use crate::shape::{Components, Neighbours, components};
use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::{Stopped, Watch};

/// Holes of a box of labels.
pub struct Holes {
    /// All background of the box.
    pub background: Components,
    /// The label that a part of it belongs to, where it is a hole of a selected label.
    pub labels: BTreeMap<usize, LabelValue>,
}

/// Runs between two looks at the stop flag.
const STOP_EVERY: usize = 1 << 14;

/// Finds the holes: parts of the background, connected by faces, that do not reach the border of the box. Along an axis of one voxel the
/// box has no border. A hole belongs to the label that most of its faces touch, of equal ones to the lowest; it counts where that label
/// is selected.
pub fn holes(inputs: &Inputs, region: Region, watch: Watch) -> Result<Holes, OperationError> {
    let is_background = |label: LabelValue| LabelValue::from(label == 0);
    let background = components(inputs.labels, region, Neighbours::Faces, is_background, watch.part(0.0, 0.8))?;
    let open = open_parts(&background);
    let mut faces: BTreeMap<usize, BTreeMap<LabelValue, usize>> = BTreeMap::new();
    let mut stopped = Ok(());
    let mut seen = 0;
    background.for_each_run(|start, length, part| {
        if open[part] || stopped.is_err() {
            return;
        }
        seen += 1;
        if seen % STOP_EVERY == 0 {
            stopped = watch.check();
        }
        count_faces(inputs.labels, region, start, length, faces.entry(part).or_default());
    });
    stopped?;
    let owner = |touched: BTreeMap<LabelValue, usize>| {
        let most = touched.iter().max_by_key(|(label, faces)| (**faces, std::cmp::Reverse(**label)));
        most.map(|(label, _)| *label).filter(|label| inputs.selected.contains(label))
    };
    let labels = faces.into_iter().filter_map(|(part, touched)| Some((part, owner(touched)?))).collect();
    Ok(Holes { background, labels })
}

/// Which parts reach the border of their box.
fn open_parts(background: &Components) -> Vec<bool> {
    let region = background.region();
    let is_thick = region.shape().map(|n| n > 1);
    let mut open = vec![false; background.parts().len()];
    background.for_each_run(|[i, j, k], length, part| {
        let (first, last) = ([i, j, k], [i + length, j + 1, k + 1]);
        open[part] |=
            (0..3).any(|axis| is_thick[axis] && (first[axis] == region.start[axis] || last[axis] == region.end[axis]));
    });
    open
}

/// Counts the faces between a run of background and labels.
fn count_faces(
    labels: &LabelMap,
    region: Region,
    [i, j, k]: [usize; 3],
    length: usize,
    faces: &mut BTreeMap<LabelValue, usize>,
) {
    let mut count = |voxel: [usize; 3]| {
        let label = if region.contains(voxel) { labels.get(voxel) } else { 0 };
        if label != 0 {
            *faces.entry(label).or_insert(0) += 1;
        }
    };
    count([i.wrapping_sub(1), j, k]);
    count([i + length, j, k]);
    for i in i..i + length {
        for beside in [[i, j.wrapping_sub(1), k], [i, j + 1, k], [i, j, k.wrapping_sub(1)], [i, j, k + 1]] {
            count(beside);
        }
    }
}

impl Holes {
    /// Voxels of all holes.
    pub fn voxels(&self) -> usize {
        self.labels.keys().map(|part| self.background.parts()[*part].voxels).sum()
    }

    /// The labels with the holes filled.
    pub fn filled(&self, labels: &LabelMap, watch: Watch) -> Result<LabelMap, Stopped> {
        self.background.painted(labels, |part| self.labels.get(&part).copied(), watch)
    }
}
