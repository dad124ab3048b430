//! Training.

use super::{CommandEntry, Group};
use crate::app::act::{saving, teach};
use crate::app::state::paths::Purpose;
use crate::app::state::settings::Task;
use crate::app::state::studio::Studio;
use crate::jobs::{Job, TrainJob};

const fn command(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::Teach, deed).in_menu()
}

fn not_running(studio: &Studio) -> Option<&'static str> {
    (!studio.tasks.is_running(TrainJob::KIND)).then_some("No training is running")
}

/// In the order of the menu.
pub const TEACH: &[CommandEntry] = &[
    command("teach.choose-dataset", "Choose labelled scans...", |studio| saving::ask(studio, Purpose::Dataset))
        .hint("Choose the folder of labelled scans to learn from"),
    command("teach.start", "Teach", |studio| teach::start(studio, false))
        .hint("Train in the background; the best model so far is always on disk")
        .unless(teach::lacks_start),
    command("teach.resume", "Continue the interrupted training", |studio| teach::start(studio, true))
        .hint("Continue where it was, with the choices that it was begun with")
        .unless(teach::lacks_resume),
    command("teach.discard", "Discard the interrupted training", teach::discard)
        .hint("Delete the state of the interrupted training; the best model that it saved stays")
        .unless(teach::lacks_interrupted),
    command("teach.plan", "Show the plan", teach::plan)
        .hint("Read the scans and say how they would be learned; nothing is trained yet")
        .unless(teach::lacks),
    command("teach.pause", "Pause or resume the training", |studio| studio.tasks.pause(TrainJob::KIND))
        .hint("The processor is free meanwhile, and the time does not count")
        .unless(not_running),
    command("teach.stop", "Stop the training and keep the best", |studio| studio.tasks.stop(TrainJob::KIND))
        .hint("The best model so far is kept; before the first measurement, what was learned until now")
        .unless(not_running),
    command("teach.add-scan", "Add this scan to a data set...", |studio| {
        if let Some(of) = studio.active() {
            saving::ask(studio, Purpose::AddToDataset(of));
        }
    })
    .hint("Write the scan and its finished slices into a folder, to learn from several scans together")
    .unless(|studio| studio.done_slices().is_empty().then_some("Mark a slice done first")),
    command("teach.report", "Save the training's report...", |studio| saving::ask(studio, Purpose::Report))
        .hint("Curve and cases as tables (CSV), the curve as a picture (SVG)")
        .unless(|studio| studio.teach.result.is_none().then_some("No model was taught yet")),
    command("teach.alone", "Teach without a scan", |studio| {
        studio.teach.is_alone = !studio.teach.is_alone;
        if studio.teach.is_alone {
            (studio.settings.panels, studio.settings.task) = (true, Task::Teach);
        }
    })
    .hint("Train a model on a folder of labelled scans; no image needs to be open"),
];
