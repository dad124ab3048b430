//! The region that a click would paint, which takes longer than a frame to find.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::tools::HighlightWork;
use crate::volume::{LabelMap, LabelValue, PlaneLayout};

/// Finds the pixels of a slice that a click would change.
pub struct HighlightJob {
    /// What finds the labels afterwards.
    pub run: HighlightWork,
    /// The labels before.
    pub before: LabelMap,
    /// How slices lie.
    pub layout: PlaneLayout,
    /// Which slice.
    pub slice: usize,
}

impl Job for HighlightJob {
    /// 1 for each pixel that would change, row by row, 0 for the others.
    type Output = Vec<LabelValue>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "highlight", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Looking under the pointer".into()
    }

    fn run(self, work: &Work<()>) -> Result<Vec<LabelValue>, JobError> {
        let Self { run, before, layout, slice } = self;
        let after = run(work.watch)?;
        let (mut was, mut is) = (Vec::new(), Vec::new());
        layout.read_labels(&before, slice, &mut was);
        layout.read_labels(&after, slice, &mut is);
        work.watch.check()?;
        is.iter_mut().zip(was).for_each(|(is, was)| *is = LabelValue::from(*is != was));
        Ok(is)
    }
}
