//! Joining labels that came in with those of a document: which label is which, what stays, and what that kept out.

use std::collections::BTreeSet;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::edit::{Join, KeptOutBy, Protection, join, protect};
use crate::volume::{LabelCounts, LabelMap, LabelTable, LabelValue, PlaneLayout};
use crate::work::Watch;

/// What the values of labels that came in mean.
#[derive(Debug, Clone)]
pub enum Names {
    /// Those of this table; they are joined with the document's by name.
    Own(LabelTable),
    /// The document's labels, of which these were told apart.
    Documents(Vec<LabelValue>),
}

/// What to join.
#[derive(Clone)]
pub struct JoinJob {
    /// The document's labels.
    pub current: LabelMap,
    /// Their names and locks.
    pub table: LabelTable,
    /// The labels that came in, on the same grid.
    pub incoming: LabelMap,
    /// What they mean.
    pub names: Names,
    /// Finished slices, which stay as they are.
    pub done: Vec<(PlaneLayout, usize)>,
    /// Slices corrected by hand: where they would change, nothing is joined, and the user must be asked.
    pub corrected: Vec<(PlaneLayout, usize)>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The document's labels afterwards.
    pub labels: LabelMap,
    /// Voxels of each.
    pub counts: LabelCounts,
    /// Which label became which, and the document's table afterwards.
    pub join: Join,
    /// Labels that what came in does not know, with the voxels that stay.
    pub kept: Vec<(LabelValue, usize)>,
    /// Whether the document had no voxel of any label.
    pub was_empty: bool,
    /// Voxels of a label that were kept out, and by what.
    pub kept_out: Vec<(LabelValue, KeptOutBy, usize)>,
    /// Slices corrected by hand that change.
    pub corrected: usize,
    /// Per voxel axis, at which positions labels changed.
    pub changed: [Vec<bool>; 3],
}

impl Job for JoinJob {
    type Output = Joined;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "join", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Joining labels".into()
    }

    fn run(self, work: &Work<()>) -> Result<Joined, JobError> {
        join_labels(&self, work.watch.stage("Joining labels"))
    }
}

fn join_labels(job: &JoinJob, watch: Watch) -> Result<Joined, JobError> {
    watch.at(0.0)?;
    let before = job.current.voxel_counts();
    let used: BTreeSet<LabelValue> = before.keys().copied().collect();
    let (join, known) = match &job.names {
        Names::Own(names) => {
            let mut names = names.clone();
            names.cover(job.incoming.voxel_counts().into_keys());
            let join = join(&job.table, &used, &names).map_err(|error| JobError::Other(error.to_string()))?;
            let known = join.known();
            (join, known)
        }
        Names::Documents(known) => {
            (Join { labels: Vec::new(), table: job.table.clone() }, known.iter().copied().collect())
        }
    };
    watch.at(0.2)?;
    let value = |value| join.value(value).or_else(|| matches!(job.names, Names::Documents(_)).then_some(value));
    let mut labels = job
        .incoming
        .mapped(value)
        .map_err(|value| JobError::Other(format!("label {value} has no entry in the table that came with it")))?;
    watch.at(0.4)?;
    // What a file says of locks is not yet the user's word.
    let mut locks = join.table.clone();
    locks.0.iter_mut().for_each(|label| label.locked = job.table.is_locked(label.value));
    let rule =
        Protection { table: locks, done: job.done.clone(), known: known.clone(), corrected: job.corrected.clone() };
    let withheld = protect(&mut labels, &job.current, &rule);
    labels.compact();
    watch.at(0.8)?;
    let was_empty = before.is_empty();
    let kept = before.into_iter().filter(|(value, _)| !known.contains(value)).collect();
    let kept_out = withheld.kept_out.into_iter().map(|((label, by), voxels)| (label, by, voxels)).collect();
    let changed = labels.changed_positions(&job.current);
    let counts = labels.voxel_counts();
    let corrected = withheld.corrected;
    Ok(Joined { labels, counts, join, kept, was_empty, kept_out, corrected, changed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Fate;
    use crate::volume::{Affine, Geometry, Label};

    fn map(voxels: &[([usize; 3], LabelValue)]) -> LabelMap {
        let mut labels = LabelMap::empty(Geometry::new([40, 6, 6], Affine::IDENTITY).unwrap());
        voxels.iter().for_each(|(voxel, label)| labels.set(*voxel, *label));
        labels
    }

    fn joined(job: &JoinJob) -> Joined {
        join_labels(job, Watch::unwatched()).unwrap()
    }

    #[test]
    fn a_models_class_of_a_locked_labels_number_is_not_lost() {
        let tumour = Label { locked: true, ..Label::new(1, "Tumour") };
        let job = JoinJob {
            current: map(&[([0, 0, 0], 1), ([1, 0, 0], 1)]),
            table: LabelTable(vec![tumour]),
            incoming: map(&[([1, 0, 0], 1), ([2, 0, 0], 1), ([39, 0, 0], 2)]),
            names: Names::Own(LabelTable(vec![Label::new(1, "Anterior"), Label::new(2, "Posterior")])),
            done: Vec::new(),
            corrected: Vec::new(),
        };
        let joined = joined(&job);
        assert_eq!(joined.counts, LabelCounts::from([(1, 2), (2, 1), (3, 1)]));
        assert_eq!(joined.labels.get([2, 0, 0]), 3, "Anterior has another number");
        assert_eq!(joined.join.labels[0].fate, Fate::Renumbered);
        assert_eq!(joined.kept, [(1, 2)]);
        assert_eq!(joined.kept_out, [(3, KeptOutBy::Lock(1), 1)]);
        assert!(joined.changed[0][39] && joined.changed[0][2] && !joined.changed[0][1]);
    }

    #[test]
    fn labels_of_a_classifier_of_pixels_keep_their_values_and_leave_others_alone() {
        let job = JoinJob {
            current: map(&[([0, 0, 0], 1), ([1, 0, 0], 2), ([2, 0, 0], 5)]),
            table: LabelTable(vec![Label::new(1, "A"), Label::new(2, "B"), Label::new(5, "C")]),
            incoming: map(&[([3, 0, 0], 1), ([2, 0, 0], 1)]),
            names: Names::Documents(vec![1, 2]),
            done: Vec::new(),
            corrected: Vec::new(),
        };
        assert_eq!(joined(&job).counts, LabelCounts::from([(1, 1), (5, 1)]));
    }

    #[test]
    fn values_without_an_entry_are_labels_without_a_name() {
        let job = JoinJob {
            current: map(&[([0, 0, 0], 7)]),
            table: LabelTable(vec![Label::new(7, "Lung")]),
            incoming: map(&[([1, 0, 0], 7)]),
            names: Names::Own(LabelTable::default()),
            done: Vec::new(),
            corrected: Vec::new(),
        };
        let joined = joined(&job);
        assert_eq!(joined.counts, LabelCounts::from([(7, 1), (8, 1)]));
        assert_eq!(joined.join.table.get(8).unwrap().name, "Label 8");
    }
}
