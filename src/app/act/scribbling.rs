//! Scribbles: marks in a segmentation of their own beside the one that is refined, so that a mask which is segmented again does not take
//! them away.

use super::painting::apply;
use super::scans::show_segmentation;
use crate::app::state::studio::Studio;
use crate::jobs::{OUTSIDE, ScribbledLabels};
use crate::session::{Edit, Segmentation, SegmentationId, SliceState};
use crate::volume::{Label, LabelTable, PlaneLayout, Rgb};

/// The name of the segmentation that holds the scribbles on a scan.
const SCRIBBLES: &str = "Scribbles";

/// The colour of marks where none of the labels is.
const OUTSIDE_COLOUR: Rgb = [150, 150, 150];

fn is_scribbles(segmentation: &Segmentation) -> bool {
    segmentation.name().trim() == SCRIBBLES
}

/// The segmentation of the scan on screen that holds the scribbles.
fn scribbles(studio: &Studio) -> Option<(SegmentationId, &Segmentation)> {
    studio.session.document().segmentations_of(studio.shown?).find(|(_, segmentation)| is_scribbles(segmentation))
}

/// Other segmentations of the scan on screen, oldest first.
fn masks(studio: &Studio) -> impl Iterator<Item = (SegmentationId, &Segmentation)> {
    let of_scan = studio.shown.into_iter().flat_map(|scan| studio.session.document().segmentations_of(scan));
    of_scan.filter(|(_, segmentation)| !is_scribbles(segmentation))
}

/// The segmentation that is refined: the one in hand or, while the scribbles are in hand, the other one where there is just one.
pub fn refined(studio: &Studio) -> Option<(SegmentationId, &Segmentation)> {
    let (active, segmentation) = (studio.active()?, studio.segmentation()?);
    if !is_scribbles(segmentation) {
        return Some((active, segmentation));
    }
    let mut others = masks(studio);
    others.next().filter(|_| others.next().is_none())
}

/// Whether the scribbles are in hand.
pub fn is_scribbling(studio: &Studio) -> bool {
    studio.segmentation().is_some_and(is_scribbles)
}

/// The finished slices of the segmentation that is refined.
pub fn done_slices(studio: &Studio) -> Vec<(PlaneLayout, usize)> {
    let refined = refined(studio);
    refined.map(|(_, segmentation)| segmentation.slices_in(SliceState::Done)).unwrap_or_default()
}

/// How many voxels the scribbles mark.
pub fn marked_voxels(studio: &Studio) -> usize {
    let counts = |(_, scribbles): (_, &Segmentation)| scribbles.labels().voxel_counts().into_values().sum();
    scribbles(studio).map(counts).unwrap_or_default()
}

/// What a model learns from, where something is marked.
pub fn marks(studio: &Studio) -> Option<ScribbledLabels> {
    let (_, scribbles) = scribbles(studio)?;
    let is_marked = !scribbles.labels().voxel_counts().is_empty();
    is_marked.then(|| ScribbledLabels::new(scribbles.labels().clone(), scribbles.table().clone()))
}

/// The labels to scribble with: those of the mask or, where it has none, of the model, and one for where none of them is.
fn table(studio: &Studio) -> LabelTable {
    let own = refined(studio).map(|(_, segmentation)| segmentation.table().clone()).unwrap_or_default();
    let classes = studio.models.model().map(|model| model.spec.label_table());
    let mut table = if own.0.is_empty() { classes.unwrap_or_default() } else { own };
    for label in &mut table.0 {
        (label.locked, label.visible) = (false, true);
    }
    if !table.0.iter().any(|label| label.name.trim().eq_ignore_ascii_case(OUTSIDE))
        && let Some(value) = table.next_value()
    {
        table.0.push(Label { colour: OUTSIDE_COLOUR, ..Label::new(value, OUTSIDE) });
    }
    table
}

/// Takes the scribbles in hand, which are made where there are none, or the mask again where the scribbles are in hand.
pub fn scribble(studio: &mut Studio) {
    let Some(scan) = studio.shown else { return };
    if is_scribbling(studio) {
        let mask = masks(studio).next().map(|(id, _)| id);
        if let Some(id) = mask {
            show_segmentation(studio, id);
        }
        return;
    }
    if let Some(id) = scribbles(studio).map(|(id, _)| id) {
        show_segmentation(studio, id);
        return;
    }
    let table = table(studio);
    let Some((id, mut command)) = studio.session.new_segmentation(scan, SCRIBBLES) else { return };
    command.name = "Scribble".into();
    command.edits.push(Edit::Table(id, table));
    if apply(studio, command).is_ok() {
        show_segmentation(studio, id);
    }
}
