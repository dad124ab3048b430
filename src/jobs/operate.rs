//! Doing an operation on a segmentation.

use std::cell::Cell;
use std::time::Instant;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::edit::operations::{Order, Tally, operate};
use crate::session::{Incoming, Painted, Painter, Revision};
use crate::volume::{Label, LabelCounts, LabelMap};

/// Does an operation on a segmentation.
#[derive(Debug, Clone)]
pub struct OperateJob {
    /// The segmentation as it is, with what protects it, and its scan.
    pub painter: Painter,
    /// What is to be done.
    pub order: Order,
    /// Whether the scan may be looked at: a mask that is edited without its scan has none.
    pub has_image: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Operated {
    /// The segmentation as it was.
    pub made_on: Revision,
    /// The change of the segmentation, and its labels afterwards.
    pub painted: Painted,
    /// Voxels of each label afterwards.
    pub counts: LabelCounts,
    /// Labels that are new.
    pub added: Vec<Label>,
    /// What was found and done.
    pub tallies: Vec<Tally>,
    /// What the user should know besides.
    pub notes: Vec<String>,
    /// How long the operation itself took, in seconds.
    pub seconds: f64,
    /// Voxels that the operation would have changed, and that stay: locked labels, finished slices, or where may not be painted.
    pub withheld: usize,
    /// Per voxel axis, at which positions labels changed.
    pub changed: [Vec<bool>; 3],
}

impl Job for OperateJob {
    type Output = Operated;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "operate", is_kept_when_stopped: false };

    fn title(&self) -> String {
        self.order.operation.name.into()
    }

    fn run(self, work: &Work<()>) -> Result<Operated, JobError> {
        let Self { mut painter, order, has_image } = self;
        let watch = work.watch.stage(order.operation.name);
        let image = has_image.then(|| painter.volume());
        let started = Instant::now();
        let outcome = operate(&order, painter.before(), painter.table(), image, watch.part(0.0, 0.9))?;
        let seconds = started.elapsed().as_secs_f64();
        let wanted = outcome.labels.clone();
        watch.at(0.9)?;
        painter.take_watched(outcome.labels, &Incoming::default(), watch.part(0.9, 0.95))?;
        watch.at(0.95)?;
        let withheld = differing(painter.labels(), &wanted);
        let changed = painter.labels().changed_positions(painter.before());
        let counts = painter.labels().voxel_counts();
        let is_there = |label: &Label| counts.contains_key(&label.value);
        let added = outcome.added.into_iter().filter(is_there).collect();
        let (made_on, painted) = (painter.revision(), painter.finish());
        let (tallies, notes) = (outcome.tallies, outcome.notes);
        Ok(Operated { made_on, painted, counts, added, tallies, notes, seconds, withheld, changed })
    }
}

/// Voxels in which two maps differ.
fn differing(a: &LabelMap, b: &LabelMap) -> usize {
    let count = Cell::new(0);
    a.clone().take_from(b, |_, _, _| {
        count.set(count.get() + 1);
        false
    });
    count.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::operations::{Scope, Value, Values, find};
    use crate::jobs::run_here;
    use crate::session::{Command, Edit, PaintRules, Session, SliceState, key};
    use crate::volume::{Affine, Geometry, LabelTable, Plane, Rescale, Volume, Voxels};
    use crate::work::Signal;
    use std::sync::Arc;

    const SHAPE: [usize; 3] = [8, 4, 4];

    fn session(table: LabelTable) -> (Session, crate::session::SegmentationId) {
        let geometry = Geometry::new(SHAPE, Affine::IDENTITY).unwrap();
        let labels = LabelMap::from_fn(geometry.clone(), |[i, ..]| u16::from(i < 6) + u16::from(i < 2));
        let voxels = Voxels::U8(Arc::new(vec![0; 128]));
        let mut session = Session::default();
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new());
        let (_, of) = session.add_scan(Arc::new(volume));
        let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        painter.take(labels, &Incoming::default());
        let done = vec![(key(Plane::Axial, 1), SliceState::Done)];
        let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table), Edit::States(of, done)];
        session.apply(Command::by_hand("Begin", edits)).unwrap();
        (session, of)
    }

    #[test]
    fn what_is_protected_stays_and_is_counted() {
        let mut table = LabelTable(vec![Label::new(1, "One"), Label::new(2, "Two"), Label::new(3, "Three")]);
        table.get_mut(2).unwrap().locked = true;
        let (mut session, of) = session(table);
        let painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        let operation = find("exchange").unwrap();
        let values = Values::new(operation.parameters, [("label".into(), Value::Label(2))], SHAPE).unwrap();
        let order = Order { operation, values, selected: vec![1], scope: Scope::Volume, frame: 0 };
        let job = OperateJob { painter: painter.clone(), order: order.clone(), has_image: false };
        let operated = run_here(job, &Signal::default(), &|_| {}).unwrap();
        // 16 voxels of slice 1 are finished and labelled 1, 8 of it labelled 2; all others are locked.
        assert_eq!((operated.withheld, operated.painted.is_empty()), (96, true));
        let operation = find("clear").unwrap();
        let values = Values::new(operation.parameters, [], SHAPE).unwrap();
        let order = Order { operation, values, ..order };
        let job = OperateJob { painter, order, has_image: false };
        let operated = run_here(job.clone(), &Signal::default(), &|_| {}).unwrap();
        assert_eq!((operated.withheld, operated.counts), (16, LabelCounts::from([(1, 16), (2, 32)])));
        assert_eq!(operated.changed[2], [true, false, true, true]);
        session.apply(Command::by_hand("Clear", vec![Edit::Labels(operated.painted)])).unwrap();
        let again = run_here(job, &Signal::default(), &|_| {}).unwrap();
        let refused = session.apply(Command::by_hand("Clear", vec![Edit::Labels(again.painted)])).unwrap_err();
        assert_eq!(refused, crate::session::Refused::Stale);
    }
}
