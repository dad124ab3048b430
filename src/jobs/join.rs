//! Joining labels that came in with those of a document: which label is which, what stays, and what that kept out.

use std::collections::BTreeSet;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::edit::{Join, join};
use crate::session::{Incoming, KeptBy, Painted, Painter, Revision};
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
    /// The segmentation as it is, with what protects it.
    pub painter: Painter,
    /// The labels that came in, on the same grid.
    pub incoming: LabelMap,
    /// What they mean.
    pub names: Names,
    /// Slices corrected by hand: where they would change, nothing is joined, and the user must be asked.
    pub corrected: Vec<(PlaneLayout, usize)>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The segmentation as it was.
    pub made_on: Revision,
    /// The change of the segmentation, and its labels afterwards.
    pub painted: Painted,
    /// Voxels of each.
    pub counts: LabelCounts,
    /// Which label became which, and the document's table afterwards.
    pub join: Join,
    /// Labels that what came in does not know, with the voxels that stay.
    pub kept: Vec<(LabelValue, usize)>,
    /// Whether the document had no voxel of any label.
    pub was_empty: bool,
    /// Voxels of a label that were kept out, and by what.
    pub kept_out: Vec<(LabelValue, KeptBy, usize)>,
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
        joined(self, work.watch.stage("Joining labels"))
    }
}

fn joined(job: JoinJob, watch: Watch) -> Result<Joined, JobError> {
    watch.at(0.0)?;
    let table = job.painter.table().clone();
    let before = job.painter.before().voxel_counts();
    let used: BTreeSet<LabelValue> = before.keys().copied().collect();
    let (join, known) = match &job.names {
        Names::Own(names) => {
            let mut names = names.clone();
            names.cover(job.incoming.voxel_counts().into_keys());
            let join = join(&table, &used, &names).map_err(|error| JobError::Other(error.to_string()))?;
            let known = join.known();
            (join, known)
        }
        Names::Documents(known) => (Join { labels: Vec::new(), table }, known.iter().copied().collect()),
    };
    watch.at(0.2)?;
    let value = |value| join.value(value).or_else(|| matches!(job.names, Names::Documents(_)).then_some(value));
    let labels = job
        .incoming
        .mapped(value)
        .map_err(|value| JobError::Other(format!("label {value} has no entry in the table that came with it")))?;
    watch.at(0.4)?;
    let was_empty = before.is_empty();
    let kept = before.into_iter().filter(|(value, _)| !known.contains(value)).collect();
    let JoinJob { mut painter, corrected, .. } = job;
    let incoming = Incoming { known: Some(known), corrected };
    let withheld = painter.take_watched(labels, &incoming, watch.part(0.4, 0.8))?;
    watch.at(0.8)?;
    let kept_out = withheld.kept_out.into_iter().map(|((label, by), voxels)| (label, by, voxels)).collect();
    let changed = painter.labels().changed_positions(painter.before());
    let counts = painter.labels().voxel_counts();
    let (made_on, painted, corrected) = (painter.revision(), painter.finish(), withheld.corrected);
    Ok(Joined { made_on, painted, counts, join, kept, was_empty, kept_out, corrected, changed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Fate;
    use crate::jobs::run_here;
    use crate::session::{Command, Edit, PaintRules, Session};
    use crate::volume::{Affine, Geometry, Label, Rescale, Volume, Voxels};
    use crate::work::Signal;
    use std::sync::Arc;

    const SHAPE: [usize; 3] = [40, 6, 6];

    fn map(voxels: &[([usize; 3], LabelValue)]) -> LabelMap {
        let mut labels = LabelMap::empty(Geometry::new(SHAPE, Affine::IDENTITY).unwrap());
        voxels.iter().for_each(|(voxel, label)| labels.set(*voxel, *label));
        labels
    }

    /// A painter over a segmentation with these labels.
    fn painter(current: &[([usize; 3], LabelValue)], table: LabelTable) -> Painter {
        let geometry = Geometry::new(SHAPE, Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; SHAPE.iter().product()]));
        let mut session = Session::default();
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new());
        let (_, of) = session.add_scan(Arc::new(volume));
        let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        painter.take(map(current), &Incoming::default());
        let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table)];
        session.apply(Command::by_hand("Begin", edits)).unwrap();
        Painter::new(session.document(), of, &PaintRules::default()).unwrap()
    }

    fn joined(job: JoinJob) -> Joined {
        run_here(job, &Signal::default(), &|_| {}).unwrap()
    }

    #[test]
    fn a_models_class_of_a_locked_labels_number_is_not_lost() {
        let tumour = Label { locked: true, ..Label::new(1, "Tumour") };
        let job = JoinJob {
            painter: painter(&[([0, 0, 0], 1), ([1, 0, 0], 1)], LabelTable(vec![tumour])),
            incoming: map(&[([1, 0, 0], 1), ([2, 0, 0], 1), ([39, 0, 0], 2)]),
            names: Names::Own(LabelTable(vec![Label::new(1, "Anterior"), Label::new(2, "Posterior")])),
            corrected: Vec::new(),
        };
        let joined = joined(job);
        assert_eq!(joined.counts, LabelCounts::from([(1, 2), (2, 1), (3, 1)]));
        assert_eq!(joined.painted.labels.get([2, 0, 0]), 3, "Anterior has another number");
        assert_eq!(joined.join.labels[0].fate, Fate::Renumbered);
        assert_eq!(joined.kept, [(1, 2)]);
        assert_eq!(joined.kept_out, [(3, KeptBy::Lock(1), 1)]);
        assert!(joined.changed[0][39] && joined.changed[0][2] && !joined.changed[0][1]);
    }

    #[test]
    fn labels_of_a_classifier_of_pixels_keep_their_values_and_leave_others_alone() {
        let table = LabelTable(vec![Label::new(1, "A"), Label::new(2, "B"), Label::new(5, "C")]);
        let job = JoinJob {
            painter: painter(&[([0, 0, 0], 1), ([1, 0, 0], 2), ([2, 0, 0], 5)], table),
            incoming: map(&[([3, 0, 0], 1), ([2, 0, 0], 1)]),
            names: Names::Documents(vec![1, 2]),
            corrected: Vec::new(),
        };
        assert_eq!(joined(job).counts, LabelCounts::from([(1, 1), (5, 1)]));
    }

    #[test]
    fn values_without_an_entry_are_labels_without_a_name() {
        let job = JoinJob {
            painter: painter(&[([0, 0, 0], 7)], LabelTable(vec![Label::new(7, "Lung")])),
            incoming: map(&[([1, 0, 0], 7)]),
            names: Names::Own(LabelTable::default()),
            corrected: Vec::new(),
        };
        let joined = joined(job);
        assert_eq!(joined.counts, LabelCounts::from([(7, 1), (8, 1)]));
        assert_eq!(joined.join.table.get(8).unwrap().name, "Label 8");
    }
}
