//! Measuring the labels of a segmentation.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::measure::{Measured, Measuring, Wanted, measure};
use crate::volume::{LabelMap, Volume};

/// Measures labels.
#[derive(Clone)]
pub struct MeasureJob {
    /// The labels.
    pub labels: LabelMap,
    /// The image on the same grid and its frame, for statistics of values.
    pub image: Option<(Arc<Volume>, usize)>,
    /// Which labels.
    pub wanted: Wanted,
    /// Whether surfaces and diameters are measured too.
    pub forms: bool,
    /// Labels that were measured before, and their numbers: only those that changed since are measured again.
    pub since: Option<(LabelMap, Measured)>,
}

impl Job for MeasureJob {
    /// What was measured, and the numbers of its labels.
    type Output = (LabelMap, Measured);
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "measure", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Measuring labels".into()
    }

    fn run(self, work: &Work<()>) -> Result<Self::Output, JobError> {
        let image = self.image.as_ref().map(|(volume, frame)| (volume.as_ref(), *frame));
        let what = Measuring { image, forms: self.forms };
        let Self { labels, wanted, since, .. } = self;
        let Some((before, numbers)) = since else {
            let measured = measure(&labels, &wanted, what, work.watch.stage("Measuring"))?;
            return Ok((labels, measured));
        };
        let changed = labels.changed_labels(&before);
        let unchanged = numbers.into_iter().filter(|(label, _)| !changed.contains(label));
        let mut measured: Measured = unchanged.collect();
        measured.extend(measure(&labels, &Wanted::These(changed), what, work.watch.stage("Measuring"))?);
        Ok((labels, measured))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::volume::{Affine, Geometry};
    use crate::work::Signal;

    #[test]
    fn only_what_changed_is_measured_again_and_what_is_gone_is_gone() {
        let mut labels = LabelMap::empty(Geometry::new([40, 5, 5], Affine::IDENTITY).unwrap());
        for (i, label) in [(1, 1), (2, 1), (3, 2), (35, 3)] {
            labels.set([i, 2, 2], label);
        }
        let run = |labels: &LabelMap, since: Option<(LabelMap, Measured)>| {
            let job = MeasureJob { labels: labels.clone(), image: None, wanted: Wanted::All, forms: true, since };
            run_here(job, &Signal::default(), &|_| {}).unwrap()
        };
        let (before, mut numbers) = run(&labels, None);
        // What is kept is seen by a number that nothing would measure.
        numbers.get_mut(&3).unwrap().voxels = 99;
        labels.set([3, 2, 2], 0);
        labels.set([4, 2, 2], 1);
        let (_, after) = run(&labels, Some((before, numbers)));
        assert_eq!(after.iter().map(|(label, m)| (*label, m.voxels)).collect::<Vec<_>>(), [(1, 3), (3, 99)]);
        assert_eq!(after[&1].form.unwrap().diameter.mm, 3.0);
    }
}
