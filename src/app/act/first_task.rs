//! The guided first task: begun, followed, ended.

use super::scans::open_sample;
use crate::app::state::first_task::FirstTask;
use crate::app::state::studio::Studio;

/// Shows it from its beginning, on the scan on screen; without one the sample is opened.
pub fn begin(studio: &mut Studio) {
    studio.settings.panels = true;
    studio.first_task = Some(FirstTask::default());
    if studio.shown.is_none() && studio.loading.is_none() {
        open_sample(studio);
    }
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
