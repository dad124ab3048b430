//! The classifier of pixels: a preview that follows every stroke, then labels.

use super::joining;
use super::labels::add_named;
use crate::app::state::joining::{Arrival, Source};
use crate::app::state::pixels::{Asked, PixelForm};
use crate::app::state::studio::Studio;
use crate::app::state::views::Live;
use crate::jobs::{AllPixelsJob, Classified, Job, Names, PixelJob};
use crate::session::{SegmentationId, SliceState};
use crate::volume::{LabelMap, LabelValue};

/// Name of the label that stands for the background.
const BACKGROUND: &str = "Background";
const TOO_LITTLE: &str = "Paint a little of two labels in one slice";

/// Takes over changed choices.
pub fn set_form(studio: &mut Studio, form: PixelForm) {
    if form.is_live != studio.pixels.form.is_live {
        end_preview(studio);
    }
    studio.pixels.form = form;
}

/// Adds a label that stands for the background.
pub fn add_background(studio: &mut Studio) {
    if let Some(value) = add_named(studio, BACKGROUND) {
        studio.pixels.form.background = Some((value, BACKGROUND.into()));
    }
}

/// The label that stands for the background in the segmentation in hand.
pub fn background(studio: &Studio) -> Option<LabelValue> {
    studio.pixels.background(studio.segmentation()?.table())
}

fn wanted(studio: &Studio) -> Option<Asked> {
    Some(Asked {
        of: studio.active()?,
        revision: studio.segmentation()?.revision(),
        rule: studio.pixels.form.rule,
        background: background(studio),
        frame: studio.view()?.frame,
    })
}

/// Starts a preview where something has changed since the last one.
pub fn follow(studio: &mut Studio) {
    if !studio.pixels.form.is_live || studio.hand.tool.is_busy() {
        return;
    }
    // All slices are being classified: that is not broken off for a preview.
    if studio.tasks.find(AllPixelsJob::KIND).is_some() {
        return;
    }
    let Some(wanted) = wanted(studio) else { return };
    if studio.pixels.asked == Some(wanted) {
        return;
    }
    if studio.pixels.asked.is_some_and(|asked| (asked.of, asked.frame) != (wanted.of, wanted.frame)) {
        // What was found in another frame is not shown over this one.
        studio.label_views.values_mut().for_each(|view| view.preview = None);
    }
    studio.pixels.asked = Some(wanted);
    classify(studio, false);
}

/// The scribbles of the preview that was taken last, while nothing has changed since.
fn taken_scribbles(studio: &Studio) -> Option<&LabelMap> {
    let (active, revision) = (studio.active()?, studio.segmentation()?.revision());
    let taken = studio.pixels.taken.as_ref().filter(|(of, at, _)| *of == active && at.labels == revision.labels);
    taken.map(|(.., labels)| labels)
}

/// Classifies the slice that was painted last, or all slices of its plane.
pub fn classify(studio: &mut Studio, is_all: bool) {
    let (Some(of), Some(volume), Some(segmentation)) = (studio.active(), studio.volume(), studio.segmentation()) else {
        return;
    };
    let (Some(view), Some(frame)) = (studio.label_view(), studio.view().map(|view| view.frame)) else { return };
    let Some((plane, slice)) = view.painted else {
        studio.pixels.lacks = Some(TOO_LITTLE);
        return;
    };
    let job = PixelJob {
        volume: volume.clone(),
        frame,
        layout: crate::volume::PlaneLayout::new(&volume.geometry, plane),
        slice,
        scribbles: taken_scribbles(studio).unwrap_or(segmentation.labels()).clone(),
        labels: segmentation.labels().clone(),
        background: background(studio),
        rule: studio.pixels.form.rule,
    };
    let made_on = segmentation.revision();
    studio.tasks.stop(PixelJob::KIND);
    studio.tasks.stop(AllPixelsJob::KIND);
    if is_all {
        studio.start_for(
            of,
            AllPixelsJob(job),
            |_, ()| {},
            move |studio, result| {
                if let Some(found) = studio.told(result) {
                    classified(studio, of, made_on, found, true);
                }
            },
        );
    } else {
        studio.start(
            job,
            |_, ()| {},
            move |studio, result| {
                if let Some(found) = studio.told(result) {
                    classified(studio, of, made_on, found, false);
                }
            },
        );
    }
}

/// Shows a preview, or takes the labels of all slices.
fn classified(
    studio: &mut Studio,
    of: SegmentationId,
    made_on: crate::session::Revision,
    found: Classified,
    is_all: bool,
) {
    let is_same = studio.revision(of).is_some_and(|now| now.labels == made_on.labels);
    // A stroke under way was begun on other labels.
    if !is_same || studio.hand.tool.is_busy() {
        studio.pixels.asked = None;
        if is_all {
            let text = "The labels were changed while all slices were classified; press \"Use in all slices\" again.";
            studio.notices.warn(text);
        }
        return;
    }
    studio.pixels.lacks = found.labels.is_none().then_some(TOO_LITTLE);
    studio.pixels.known = found.known;
    if let Some(view) = studio.label_views.get_mut(&of) {
        view.preview = found.labels.map(|labels| Live { labels, revision: made_on, table: None });
    }
    if is_all {
        take_preview_of(studio, of, true);
    }
}

/// Whether all slices can be classified as the one with the scribbles was.
pub fn can_classify_all(studio: &Studio) -> bool {
    let is_working = studio.tasks.is_running(AllPixelsJob::KIND);
    has_preview(studio) || (taken_scribbles(studio).is_some() && !studio.pixels.form.is_live && !is_working)
}

/// Whether there is a preview to be taken.
pub fn has_preview(studio: &Studio) -> bool {
    let (Some(view), Some(segmentation)) = (studio.label_view(), studio.segmentation()) else { return false };
    let is_shown = view.preview.as_ref().is_some_and(|live| live.revision.labels == segmentation.revision().labels);
    let is_working = studio.tasks.is_running(PixelJob::KIND) || studio.tasks.is_running(AllPixelsJob::KIND);
    studio.pixels.form.is_live && is_shown && !is_working
}

/// Makes the preview the segmentation's labels: one undo step. Finished slices, locked labels, and labels that the scribbles do not have
/// stay.
pub fn take_preview(studio: &mut Studio) {
    if let Some(of) = studio.active() {
        take_preview_of(studio, of, false);
    }
}

fn take_preview_of(studio: &mut Studio, of: SegmentationId, is_all: bool) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let (made_on, scribbles) = (segmentation.revision(), segmentation.labels().clone());
    let Some(view) = studio.label_views.get_mut(&of) else { return };
    let Some(live) = view.preview.take() else { return };
    let only = view.painted.filter(|_| !is_all);
    let names = Names::Documents(studio.pixels.known.clone());
    end_preview(studio);
    studio.pixels.taking = Some(scribbles);
    joining::take(
        studio,
        Arrival {
            source: Source::Pixels,
            of,
            made_on,
            labels: live.labels,
            names,
            state: SliceState::Draft,
            states: Vec::new(),
            makers: Vec::new(),
            only,
        },
    );
}

/// Takes the preview off the screen.
pub fn end_preview(studio: &mut Studio) {
    studio.tasks.stop(PixelJob::KIND);
    studio.pixels.form.is_live = false;
    studio.pixels.asked = None;
    studio.pixels.lacks = None;
    // Whatever made it: a preview of an operation is not left without a picture.
    (studio.operating.ready, studio.operating.asked) = (None, None);
    studio.label_views.values_mut().for_each(|view| view.preview = None);
}
