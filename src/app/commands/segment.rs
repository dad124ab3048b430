//! Networks: run, refine, classify pixels.

use super::{CommandEntry, Group};
use crate::app::act::{pixels, refining, saving, scribbling, segmenting};
use crate::app::state::studio::Studio;
use crate::jobs::{Job, RefineJob, SegmentJob};

const fn segment(id: &'static str, name: &'static str, deed: fn(&mut Studio)) -> CommandEntry {
    CommandEntry::new(id, name, Group::Segment, deed).in_menu()
}

/// In the order of the menu.
pub const SEGMENT: &[CommandEntry] = &[
    segment("segment.run", "Segment", segmenting::segment)
        .hint("Run the model over the scan on screen; the result is one undo step")
        .keys(&["Ctrl+Enter"])
        .unless(segmenting::lacks),
    segment("segment.stop", "Stop the model", |studio| {
        studio.tasks.stop(SegmentJob::KIND);
        studio.tasks.stop(RefineJob::KIND);
    })
    .hint("Stop the network; nothing changes")
    .unless(|studio| {
        let is_running = studio.tasks.is_running(SegmentJob::KIND) || studio.tasks.is_running(RefineJob::KIND);
        (!is_running).then_some("No model is running")
    }),
    segment("segment.refine", "Refine", refining::refine)
        .hint("Adapt the model to the slices marked done and the scribbles for some seconds, and segment the others again; one undo step")
        .unless(refining::lacks),
    segment("segment.scribble", "Scribble", scribbling::scribble)
        .hint("Take the scribbles beside the mask in hand, or the mask again: what they mark is learned, all else stays unknown")
        .unless(super::no_scan),
    segment("segment.keep", "Keep the refined model", refining::keep)
        .hint("Save the adapted model under a name of its own, and continue with it")
        .unless(|studio| match () {
            () if studio.models.adapted.is_none() => Some("The model was not refined"),
            () if saving::is_saving(studio) => Some("A file is being written"),
            () => None,
        }),
    segment("segment.forget", "Forget the refined model", refining::forget)
        .hint("Use the model again as it was before it was refined")
        .unless(|studio| studio.models.adapted.is_none().then_some("The model was not refined")),
    segment("pixels.take", "Use the preview in this slice", pixels::take_preview)
        .hint("The classifier's preview becomes labels in place of the scribbles: one undo step")
        .unless(|studio| (!pixels::has_preview(studio)).then_some("There is no preview")),
    segment("pixels.all", "Classify all slices", |studio| pixels::classify(studio, true))
        .hint("Classify every slice of this plane from the scribbles; finished slices stay")
        .unless(|studio| {
            (!pixels::can_classify_all(studio)).then_some("Paint a little of two labels in one slice first")
        }),
    segment("pixels.live", "Preview while painting", |studio| {
        let is_live = !studio.pixels.form.is_live;
        let form = crate::app::state::pixels::PixelForm { is_live, ..studio.pixels.form.clone() };
        pixels::set_form(studio, form);
    })
    .hint("Show after every stroke what the classifier of pixels makes of the slice")
    .unless(super::no_scan),
];
