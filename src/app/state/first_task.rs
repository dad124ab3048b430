//! The guided first task: what has been reached of it. It is read from what there is, never from a button "next".

use crate::session::{ScanId, SliceState};
use crate::volume::Maker;

use super::studio::Studio;

/// A step of the first task.
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
    is_reached: fn(&Studio) -> bool,
}

/// All steps, in order.
pub const FIRST_STEPS: &[FirstStep] = &[
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
    FirstStep {
        name: "Correct a slice",
        how: "Take the brush: the left button paints where the mask is too small, the right one erases. The wheel goes through the slices.",
        command: "brush",
        button: "Take the brush",
        is_reached: |studio| makers(studio, |maker| !matches!(maker, Maker::Model(_))),
    },
    FirstStep {
        name: "Mark it done",
        how: "With the pointer over the view. Nothing changes a slice that is done, and the model learns from it.",
        command: "labels.done",
        button: "Mark slice done",
        is_reached: |studio| studio.segmentation().is_some_and(|own| !own.slices_in(SliceState::Done).is_empty()),
    },
    FirstStep {
        name: "Refine the model",
        how: "It learns from the finished slice for ten seconds and segments the others again.",
        command: "segment.refine",
        button: "Refine from it",
        is_reached: |studio| studio.models.adapted.as_ref().is_some_and(|(of, _)| Some(*of) == studio.active()),
    },
    FirstStep {
        name: "Save the mask",
        how: "As NIfTI, DICOM SEG, NRRD and others: the ending of the name says which.",
        command: "file.save",
        button: "Save it",
        is_reached: |studio| studio.segmentation().is_some_and(|own| !own.is_empty() && !own.is_modified()),
    },
];

/// Whether any slice of the segmentation in hand was made so.
fn makers(studio: &Studio, is_so: fn(&Maker) -> bool) -> bool {
    studio.segmentation().is_some_and(|own| own.makers().any(|(_, maker)| is_so(maker)))
}

/// The first task, while it is shown.
#[derive(Debug, Clone, Default)]
pub struct FirstTask {
    /// The scan that it is done on, once there is one.
    scan: Option<ScanId>,
    /// Which steps have been reached; what was reached stays so, whatever is undone.
    reached: [bool; FIRST_STEPS.len()],
}

impl FirstTask {
    /// Whether a step, by its number in [`FIRST_STEPS`], has been reached.
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
            for (reached, step) in self.reached.iter_mut().zip(FIRST_STEPS) {
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

    #[test]
    fn every_step_leads_to_a_command_and_nothing_is_reached_without_a_scan() {
        for step in FIRST_STEPS {
            assert!(commands::find(step.command).is_some(), "{}: {}", step.name, step.command);
        }
        let studio = Studio::new(crate::app::Settings::default(), std::sync::Arc::new(|| {}));
        let task = FirstTask::default().followed(&studio);
        assert_eq!((task.next(), task.count()), (Some(0), 0));
    }
}
