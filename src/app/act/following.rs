//! What follows by itself, once a frame, from what has changed.

use std::time::Duration;

use super::{
    attention, body, cases, comparing, figures, first_task, highlighting, journaling, kept_overlay, measuring, models,
    numbers, operating, overlay, pixels, recent, recovery, reslicing, teach, templates,
};
use crate::app::state::studio::Studio;
use crate::app::state::tasks::TaskState;
use crate::jobs::{CountLabelsJob, FindScanJob, Job, JobKind, LoadJob, OpenDocumentJob, ScanJob};

/// Most bricks that are counted within a frame.
const FEW_BRICKS: usize = 64;

/// Jobs whose results may show another scan, which takes the tool out of the hand.
const SHOW_SCANS: [&JobKind; 4] = [ScanJob::KIND, LoadJob::KIND, OpenDocumentJob::KIND, FindScanJob::KIND];

/// Takes the news of jobs, then lets everything follow.
pub fn follow(studio: &mut Studio) {
    // What was computed of labels that are being painted waits, and so does what brings another scan to the screen: the stroke was begun before
    // it came.
    let painted = studio.hand.tool.labels().map(|(of, _)| of);
    let is_drawing = studio.hand.tool.is_busy() && studio.pressed.is_some();
    let waits = |task: &TaskState| {
        let is_of_painted = task.of.is_some_and(|of| Some(of) == painted);
        is_of_painted || (is_drawing && SHOW_SCANS.contains(&task.kind))
    };
    for deed in studio.tasks.drain_but(waits) {
        deed(studio);
    }
    studio.notices.age();
    models::fetch(studio);
    pixels::follow(studio);
    operating::follow(studio);
    range(studio);
    counts(studio);
    numbers::follow(studio);
    body::follow(studio);
    reslicing::follow(studio);
    measuring::follow(studio);
    comparing::follow(studio);
    attention::follow(studio);
    highlighting::follow(studio);
    figures::follow(studio);
    overlay::follow(studio);
    kept_overlay::follow(studio);
    teach::follow(studio);
    cases::follow(studio);
    recent::follow(studio);
    templates::follow(studio);
    first_task::follow(studio);
    undo_room(studio);
    journaling::keep(studio);
    recovery::follow(studio);
}

/// The time until something is looked at again that nothing else brings a frame for.
pub fn next_look(studio: &Studio) -> Option<Duration> {
    [journaling::next_look(studio), operating::next_look(studio)].into_iter().flatten().min()
}

/// Undo has as much room as the settings say; that steps fell off is told once.
fn undo_room(studio: &mut Studio) {
    let room = studio.settings.undo_mb;
    studio.session.set_undo_bytes(room << 20);
    if studio.session.dropped_steps() > 0 && !studio.knows_undo_is_full {
        studio.knows_undo_is_full = true;
        let steps = studio.session.undo_names().len();
        studio.notices.info(format!(
            "Undo goes back {steps} steps from here: older ones do not fit into {room} MB. The list beside Undo can give it more."
        ));
    }
}

/// The range of values is that of the frame on screen.
fn range(studio: &mut Studio) {
    let frame = studio.view().map(|view| view.frame);
    if let (Some((_, of)), Some(frame)) = (&mut studio.rules.range, frame) {
        *of = frame;
    }
}

/// Keeps the volumes beside the labels right: a few bricks at once, many in the background.
fn counts(studio: &mut Studio) {
    let is_counting = studio.tasks.find(CountLabelsJob::KIND).is_some();
    let (Some(of), Some(segmentation)) = (studio.active(), studio.segmentation()) else { return };
    let labels = match studio.hand.tool.labels() {
        Some((painted, labels)) if painted == of => labels.clone(),
        _ => segmentation.labels().clone(),
    };
    let Some(view) = studio.label_views.get_mut(&of) else { return };
    let (counted, counts) = &view.counted;
    if labels.is_same_snapshot(counted) {
        return;
    }
    if labels.changed_bricks(counted) <= FEW_BRICKS {
        view.counted = (labels.clone(), labels.recounted(counted, counts));
    } else if !is_counting {
        studio.start(
            CountLabelsJob { labels },
            |_, ()| {},
            move |studio, result| {
                if let Some(counted) = studio.told(result)
                    && let Some(view) = studio.label_views.get_mut(&of)
                {
                    view.counted = counted;
                }
            },
        );
    }
}
