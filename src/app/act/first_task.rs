//! Guided tasks: begun, followed, ended.

use super::scans::open_sample;
use crate::app::state::first_task::{FIRST_TASK, FirstTask, Guide};
use crate::app::state::studio::Studio;

/// Shows the first one from its beginning, on the scan on screen; without one the sample is opened.
pub fn begin(studio: &mut Studio) {
    lead(studio, &FIRST_TASK);
    if studio.shown.is_none() && studio.loading.is_none() {
        open_sample(studio);
    }
}

/// Shows one from its beginning.
pub fn lead(studio: &mut Studio, guide: &'static Guide) {
    studio.settings.panels = true;
    studio.first_task = Some(FirstTask::of(guide));
}

/// Hides it.
pub fn end(studio: &mut Studio) {
    studio.first_task = None;
}

/// Marks what has been reached since the last frame.
pub fn follow(studio: &mut Studio) {
    if let Some(task) = studio.first_task.take() {
        studio.first_task = Some(task.followed(studio));
    }
}
