//! Guided tasks, the first one among them: what has been reached. It is read from what there is, never from a button "next".

use crate::session::{ScanId, SliceState};
use crate::volume::Maker;

use super::studio::Studio;

/// A task that the user is led through.
pub struct Guide {
    /// Over its steps.
    pub title: &'static str,
    /// Its steps, in order.
    pub steps: &'static [FirstStep],
    /// Said when all have been reached.
    pub end: &'static str,
}

/// A step of a guided task.
pub struct FirstStep {
    /// What is done: a verb.
    pub name: &'static str,
    /// How, in a sentence or two.
    pub how: &'static str,
    /// The command that does it, or helps with it.
    pub command: &'static str,
    /// What its button says.
    pub button: &'static str,
    /// Whether it has been reached in the segmentation in hand.
    pub(super) is_reached: fn(&Studio) -> bool,
}

/// The first task.
pub const FIRST_TASK: Guide = Guide {
    title: "First steps",
    steps: &[
        FirstStep {
            name: "Open the sample",
            how: "A small made MR volume around a hippocampus.",
            command: "file.sample",
            button: "Open the sample",
            is_reached: |studio| studio.volume().is_some(),
        },
        FirstStep {
            name: "Run the model",
            how: "The button at the foot of the Segment task; the mask appears slice by slice, over every view.",
            command: "segment.run",
            button: "Run the model",
            is_reached: |studio| makers(studio, |maker| !matches!(maker, Maker::Hand)),
        },
        CORRECT_SLICE,
        MARK_DONE,
        FirstStep {
            name: "Refine the model",
            how: "It learns from the finished slice for ten seconds and segments the others again.",
            command: "segment.refine",
            button: "Refine from it",
            is_reached: |studio| studio.models.adapted.as_ref().is_some_and(|(of, _)| Some(*of) == studio.active()),
        },
        SAVE_MASK,
    ],
    end: "That was all of it. The same steps work on a scan of your own, with a model for it.",
};

/// A slice is corrected by hand.
pub(super) const CORRECT_SLICE: FirstStep = FirstStep {
    name: "Correct a slice",
    how: "Take the brush: the left button paints where the mask is too small, the right one erases. The wheel goes through the slices.",
    command: "brush",
    button: "Take the brush",
    is_reached: |studio| makers(studio, |maker| !matches!(maker, Maker::Model(_))),
};

/// A slice is finished.
pub(super) const MARK_DONE: FirstStep = FirstStep {
    name: "Mark it done",
    how: "With the pointer over the view. Nothing changes a slice that is done, and the model learns from it.",
    command: "labels.done",
    button: "Mark slice done",
    is_reached: |studio| studio.segmentation().is_some_and(|own| !own.slices_in(SliceState::Done).is_empty()),
};

/// The mask is in a file.
pub(super) const SAVE_MASK: FirstStep = FirstStep {
    name: "Save the mask",
    how: "As NIfTI, DICOM SEG, NRRD and others: the ending of the name says which.",
    command: "file.save",
    button: "Save it",
    is_reached: |studio| has_voxels(studio) && studio.segmentation().is_some_and(|own| !own.is_modified()),
};

/// Whether the segmentation in hand has a voxel.
pub(super) fn has_voxels(studio: &Studio) -> bool {
    studio.segmentation().is_some_and(|own| !own.labels().voxel_counts().is_empty())
}

/// Whether any slice of the segmentation in hand was made so.
fn makers(studio: &Studio, is_so: fn(&Maker) -> bool) -> bool {
    studio.segmentation().is_some_and(|own| own.makers().any(|(_, maker)| is_so(maker)))
}

/// A guided task, while it is shown.
#[derive(Clone)]
pub struct FirstTask {
    /// Which.
    pub guide: &'static Guide,
    /// The scan that it is done on, once there is one.
    scan: Option<ScanId>,
    /// Which steps have been reached; what was reached stays so, whatever is undone.
    reached: Vec<bool>,
}

impl FirstTask {
    /// A task of which nothing has been reached.
    pub fn of(guide: &'static Guide) -> Self {
        Self { guide, scan: None, reached: vec![false; guide.steps.len()] }
    }

    /// Whether a step, by its number, has been reached.
    pub fn is_reached(&self, step: usize) -> bool {
        self.reached.get(step).copied().unwrap_or(false)
    }

    /// The number of the step that comes next; `None` when all have been reached.
    pub fn next(&self) -> Option<usize> {
        self.reached.iter().position(|reached| !reached)
    }

    /// How many steps have been reached.
    pub fn count(&self) -> usize {
        self.reached.iter().filter(|reached| **reached).count()
    }

    /// What has been reached by now. Other scans than the first one do not count.
    #[must_use]
    pub fn followed(mut self, studio: &Studio) -> Self {
        self.scan = self.scan.or(studio.shown);
        if self.scan.is_none() || self.scan == studio.shown {
            for (reached, step) in self.reached.iter_mut().zip(self.guide.steps) {
                *reached |= (step.is_reached)(studio);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::commands;
    use crate::app::state::common_jobs::COMMON_JOBS;

    #[test]
    fn every_step_leads_to_a_command_and_nothing_is_reached_without_a_scan() {
        for guide in COMMON_JOBS.iter().map(|job| &job.guide).chain([&FIRST_TASK]) {
            for step in guide.steps {
                assert!(commands::find(step.command).is_some(), "{}: {}", step.name, step.command);
            }
            let studio = Studio::new(crate::app::Settings::default(), std::sync::Arc::new(|| {}));
            let task = FirstTask::of(guide).followed(&studio);
            assert_eq!((task.next(), task.count()), (Some(0), 0), "{}", guide.title);
        }
    }
}
