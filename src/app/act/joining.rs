//! Labels that come from a network, a file or the classifier of pixels are joined with a segmentation's in the background, by name, and
//! what that did is said.

use super::painting::apply;
use super::told::told;
use crate::app::state::joining::{Arrival, CorrectedSlices, Pending, Source, Why, Word};
use crate::app::state::saving::SavedFile;
use crate::app::state::studio::Studio;
use crate::formats::{needs_source, writer_for};
use crate::jobs::{JoinJob, Joined};
use crate::session::{Command, Edit, PaintRules, Painter, SegmentationId, SliceState, key};
use crate::volume::{Plane, PlaneLayout};

/// Takes labels that a job brought.
pub fn take(studio: &mut Studio, arrival: Arrival) {
    let Some(now) = studio.revision(arrival.of) else {
        return studio.notices.info("The segmentation was deleted meanwhile; what was computed for it is dropped.");
    };
    let is_painting = studio.hand.tool.labels().is_some_and(|(of, _)| of == arrival.of);
    if now.labels == arrival.made_on.labels && !is_painting && !is_joining(studio, arrival.of) {
        join(studio, arrival, CorrectedSlices::Ask);
    } else if let Some(view) = studio.label_views.get_mut(&arrival.of) {
        view.wait(Pending { arrival, why: Why::LabelsChanged });
    }
}

/// Joins labels with a segmentation's in the background.
fn join(studio: &mut Studio, arrival: Arrival, corrected: CorrectedSlices) {
    let of = arrival.of;
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let mut by_hand = segmentation.slices_in(SliceState::Corrected);
    if arrival.source == Source::Pixels
        && let Some((plane, slice)) = studio.label_views.get(&of).and_then(|view| view.painted)
    {
        // Its scribbles are what was classified from.
        let scribbled = (PlaneLayout::new(segmentation.labels().geometry(), plane), slice);
        by_hand.retain(|corrected| *corrected != scribbled);
    }
    let rules = match arrival.source {
        // What a file holds is opened whole.
        Source::File(_) => PaintRules::default(),
        _ => studio.rules.clone(),
    };
    let Some(painter) = Painter::new(studio.session.document(), of, &rules) else { return };
    let is_kept = corrected == CorrectedSlices::Keep;
    let job = JoinJob {
        painter: if is_kept { painter.keeping(&by_hand) } else { painter },
        incoming: arrival.labels.clone(),
        names: arrival.names.clone(),
        corrected: if corrected == CorrectedSlices::Ask { by_hand } else { Vec::new() },
    };
    studio.joining.push((arrival, corrected));
    studio.start_for(
        of,
        job,
        |_, ()| {},
        move |studio, result| {
            let at = studio.joining.iter().position(|(arrival, _)| arrival.of == of);
            let joining = at.map(|at| studio.joining.remove(at));
            if let (Some((arrival, corrected)), Some(joined)) = (joining, studio.told(result)) {
                finish(studio, arrival, corrected, joined);
            }
        },
    );
}

/// Makes what was joined the segmentation's labels: one undo step.
fn finish(studio: &mut Studio, arrival: Arrival, corrected: CorrectedSlices, joined: Joined) {
    let of = arrival.of;
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let now = segmentation.revision();
    let is_painting = studio.hand.tool.labels().is_some_and(|(other, _)| other == of);
    if now.labels != joined.made_on.labels || is_painting {
        if let Some(view) = studio.label_views.get_mut(&of) {
            view.wait(Pending { arrival, why: Why::LabelsChanged });
        }
        return;
    }
    if now != joined.made_on {
        // A label was renamed or locked meanwhile.
        join(studio, Arrival { made_on: now, ..arrival }, corrected);
        return;
    }
    if corrected == CorrectedSlices::Ask && joined.corrected > 0 {
        if let Some(view) = studio.label_views.get_mut(&of) {
            view.wait(Pending { arrival, why: Why::Corrected(joined.corrected) });
        }
        return;
    }
    let before = segmentation.table().clone();
    // Labels may have names already, of the case before say.
    let has_no_states = segmentation.states().next().is_none();
    let (states, makers) = if joined.was_empty && has_no_states && !arrival.states.is_empty() {
        // The segmentation as it was when it was saved.
        let makers = arrival.makers.iter().map(|(key, maker)| (*key, Some(maker.clone()))).collect();
        (arrival.states.clone(), makers)
    } else {
        let states = states_of(studio, &arrival, &joined);
        let makers = states.iter().map(|(key, _)| (*key, arrival.source.maker())).collect();
        (states, makers)
    };
    let told = told(&joined, &before, &arrival.source);
    let Joined { painted, counts, join, was_empty, kept_out, .. } = joined;
    let labels = painted.labels.clone();
    // What comes from elsewhere leaves the scribbles to the preview that is being taken.
    let scribbles = studio.pixels.taking.take_if(|_| arrival.source == Source::Pixels);
    let is_whole = was_empty && kept_out.is_empty() && join.moved().next().is_none();
    let edits = vec![
        Edit::Labels(painted),
        Edit::Table(of, join.table.clone()),
        Edit::States(of, states),
        Edit::Makers(of, makers),
    ];
    let command = Command { origin: arrival.source.origin(), ..Command::by_hand(arrival.source.step(), edits) };
    if apply(studio, command).is_err() {
        return;
    }
    let revision = studio.revision(of).unwrap_or_default();
    let Some(view) = studio.label_views.get_mut(&of) else { return };
    view.counted = (labels, counts);
    let is_there = join.table.get(view.active).is_some();
    if arrival.source != Source::Pixels && (was_empty || !is_there) {
        let first = join.labels.first().map(|label| label.value).or(join.table.0.first().map(|label| label.value));
        view.active = first.unwrap_or(view.active);
    }
    match &arrival.source {
        Source::File(path) if is_whole => {
            // The segmentation is what the file holds.
            let is_own_file = !needs_source(path) && writer_for(path).is_ok();
            view.file = is_own_file.then(|| SavedFile::new(path));
            studio.session.mark_saved(of, revision);
        }
        Source::Pixels => {
            // Its scribbles are kept for the other slices.
            let scribbles = scribbles.filter(|_| arrival.only.is_some());
            studio.pixels.taken = scribbles.map(|scribbles| (of, revision, scribbles));
        }
        _ => {}
    }
    if let Some((kind, text, details)) = told {
        studio.notices.push(kind, text, details);
    }
}

/// States of the slices that change. A file says nothing about states where it keeps none.
fn states_of(studio: &Studio, arrival: &Arrival, joined: &Joined) -> Vec<(crate::session::SliceKey, SliceState)> {
    let Some(segmentation) = studio.session.document().segmentation(arrival.of) else { return Vec::new() };
    let is_opened = matches!(arrival.source, Source::File(_)) && joined.was_empty;
    let mut states = Vec::new();
    for plane in Plane::ALL.into_iter().filter(|_| !is_opened) {
        let layout = PlaneLayout::new(segmentation.labels().geometry(), plane);
        let changed = &joined.changed[layout.axes[2]];
        for slice in 0..layout.size[2] {
            let is_changed = changed[layout.voxel([0, 0, slice])[layout.axes[2]]];
            let is_touched = arrival.only.is_none_or(|only| only == (plane, slice));
            if is_changed && is_touched && segmentation.state(plane, slice) != SliceState::Done {
                states.push((key(plane, slice), arrival.state));
            }
        }
    }
    states
}

/// Does what the user wants with a result that waited.
pub fn answer(studio: &mut Studio, word: Word) {
    let Some(of) = studio.active().filter(|of| !is_joining(studio, *of)) else { return };
    let waiting = studio.label_views.get_mut(&of).map(|view| &mut view.pending).filter(|waiting| !waiting.is_empty());
    let Some(Pending { arrival, .. }) = waiting.map(|waiting| waiting.remove(0)) else { return };
    if let Word::Take(corrected) = word {
        let made_on = studio.revision(of).unwrap_or_default();
        join(studio, Arrival { made_on, ..arrival }, corrected);
    }
}

/// Whether labels of a segmentation are being joined.
fn is_joining(studio: &Studio, of: SegmentationId) -> bool {
    studio.joining.iter().any(|(arrival, _)| arrival.of == of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::{SHAPE, settle, studio_of};
    use crate::jobs::Names;
    use crate::volume::{Affine, Geometry, Label, LabelMap, LabelTable};

    #[test]
    fn scribbles_of_a_preview_that_is_taken_are_not_used_up_by_a_models_labels() {
        let folder = tempfile::tempdir().unwrap();
        let mut studio = studio_of(folder.path(), &["a.nii"]);
        let of = studio.active().unwrap();
        let labels = LabelMap::from_fn(Geometry::new(SHAPE, Affine::IDENTITY).unwrap(), |[i, ..]| u16::from(i == 2));
        let arrival = |source, made_on| Arrival {
            source,
            of,
            made_on,
            labels: labels.clone(),
            names: Names::Own(LabelTable(vec![Label::new(1, "Liver")])),
            state: SliceState::Draft,
            states: Vec::new(),
            makers: Vec::new(),
            only: None,
        };
        for (source, is_left) in [(Source::Model("m".into()), true), (Source::Pixels, false)] {
            studio.pixels.taking = Some(labels.clone());
            let made_on = studio.revision(of).unwrap();
            take(&mut studio, arrival(source, made_on));
            settle(&mut studio);
            assert_eq!(studio.pixels.taking.is_some(), is_left);
        }
        assert_eq!(studio.session.undo_names().len(), 2);
    }
}
