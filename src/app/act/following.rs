//! What follows by itself, once a frame, from what has changed.

use super::{attention, comparing, models, numbers, pixels, recent, teach};
use crate::app::state::studio::Studio;
use crate::jobs::CountLabelsJob;
use crate::jobs::Job;

/// Most bricks that are counted within a frame.
const FEW_BRICKS: usize = 64;

/// Takes the news of jobs, then lets everything follow.
pub fn follow(studio: &mut Studio) {
    for deed in studio.tasks.drain() {
        deed(studio);
    }
    studio.notices.age();
    models::fetch(studio);
    pixels::follow(studio);
    range(studio);
    counts(studio);
    numbers::follow(studio);
    comparing::follow(studio);
    attention::follow(studio);
    teach::follow(studio);
    recent::follow(studio);
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
