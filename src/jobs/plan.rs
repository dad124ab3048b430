//! Planning a training without carrying it out.

use super::error::JobError;
use super::job::{Job, JobKind, Warn, Work};
use super::training::{Start, TrainJob, unless_short_of_memory};
use super::training_stage::TrainingStage;
use crate::learn::{self, CaseFiles, FitEvent, Planned};

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
        work.begin("looking at scans", Some(TrainingStage::READING));
        let mut start = Start::of(&job, true, watch, warn)?;
        let begun = start.begun.take();
        let Start { dataset, split, plan, .. } = &start;
        let load = |files: &CaseFiles| job.load(files, watch, warn);
        let mut stage = TrainingStage::default();
        let mut on_event = |event| {
            stage.follow(&event, work);
            if let FitEvent::Notice(notice) = event {
                work.warn(notice);
            }
        };
        let options = start.options(&job, begun);
        unless_short_of_memory(|| learn::plan(dataset, split, plan, &options, &load, watch, &mut on_event))
    }
}
