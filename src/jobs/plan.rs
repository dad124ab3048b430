//! Planning a training without carrying it out.

use super::error::JobError;
use super::job::{Job, JobKind, Warn, Work};
use super::training::{TrainJob, staged, unless_short_of_memory};
use crate::learn::{CaseFiles, FitEvent, Planned, interrupted};

/// Reads what a training would learn from, and makes its plan; nothing is written.
#[derive(Clone)]
pub struct PlanJob {
    /// The training.
    pub training: TrainJob,
}

impl Job for PlanJob {
    type Output = Planned;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "plan", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Planning".into()
    }

    fn run(self, work: &Work<()>) -> Result<Planned, JobError> {
        let job = self.training;
        let (watch, warn): (_, Warn) = (work.watch, &|text| work.warn(text));
        work.begin("looking at scans", Some("reading scans"));
        let begun = if job.resume { interrupted(&job.output, true)? } else { None };
        let training = job.training(begun, watch, warn)?;
        let load = |files: &CaseFiles| job.load(files, watch, warn);
        let mut on_event = |event| {
            if let FitEvent::Notice(notice) = event {
                work.warn(notice);
            }
        };
        unless_short_of_memory(|| staged(work, |watch| training.plan(&load, watch, &mut on_event)))
    }
}
