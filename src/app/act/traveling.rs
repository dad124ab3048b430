//! Undo and redo: they go to the scan and the segmentation that they change, so that what comes back is seen.

use super::scans::{add_label_view, show_segmentation};
use crate::app::state::studio::Studio;
use crate::session::Applied;
use crate::volume::LabelValue;

/// Takes the last change back, or makes it again.
pub fn travel(studio: &mut Studio, is_forward: bool) {
    if studio.hand.tool.abort() {
        // What was being drawn goes first.
        return;
    }
    let values = |studio: &Studio| -> Vec<LabelValue> {
        studio.segmentation().map(|s| s.table().0.iter().map(|label| label.value).collect()).unwrap_or_default()
    };
    let before = (studio.active(), values(studio));
    let applied = if is_forward { studio.session.redo() } else { studio.session.undo() };
    let Some(Applied { segmentations, measurements, .. }) = applied else { return };
    leave_what_is_gone(studio);
    if let Some(id) = segmentations.iter().find(|id| studio.session.document().segmentation(**id).is_some()) {
        add_label_view(studio, *id);
        show_segmentation(studio, *id);
    } else if let Some((scan, id)) = measurements.last() {
        super::measuring::show_changed(studio, *scan, *id);
    }
    if studio.active() == before.0 {
        follow_label(studio, &before.1);
    }
}

/// Takes several steps back, or makes several again where the number is negative.
pub fn travel_far(studio: &mut Studio, steps: isize) {
    for _ in 0..steps.unsigned_abs() {
        travel(studio, steps < 0);
    }
}

/// A label that has come is the active one; where the active one is gone, the one beside it is.
pub fn follow_label(studio: &mut Studio, before: &[LabelValue]) {
    let Some(segmentation) = studio.segmentation() else { return };
    let values: Vec<LabelValue> = segmentation.table().0.iter().map(|label| label.value).collect();
    let come: Vec<LabelValue> = values.iter().copied().filter(|value| !before.contains(value)).collect();
    let Some(view) = studio.label_view_mut() else { return };
    if let [only] = come[..] {
        view.active = only;
    }
    if values.contains(&view.active) {
        return;
    }
    let at = before.iter().position(|value| *value == view.active).unwrap_or(0).min(before.len());
    let beside = before[..at].iter().rev().chain(&before[at..]).find(|value| values.contains(value));
    view.active = beside.copied().or(values.first().copied()).unwrap_or(1);
}

/// Where the segmentation in hand is gone, another one of its scan is taken in hand. Its view stays: undo may bring it back with its file.
pub fn leave_what_is_gone(studio: &mut Studio) {
    let document = studio.session.document();
    for (scan, view) in &mut studio.scan_views {
        if document.segmentation(view.segmentation).is_none()
            && let Some((id, _)) = document.segmentations_of(*scan).last()
        {
            view.segmentation = id;
        }
    }
}
