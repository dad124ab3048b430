//! What goes along from case to case: the window, the labels' names and colours, the label that is painted. A case with a segmentation of
//! its own keeps that one's labels.

use crate::app::state::cases::{Carried, Left, LeftMask};
use crate::app::state::saving::SavedFile;
use crate::app::state::studio::Studio;
use crate::app::state::views::LabelView;
use crate::formats::{needs_source, writer_for};
use crate::jobs::LoadedMask;
use crate::session::{KeptSegmentation, ScanId, SegmentationId};
use crate::volume::{LabelMap, LabelTable, LabelValue, Volume};

/// What a segmentation is called that nobody gave a name.
const NAME: &str = "Segmentation";

/// What goes along from the case on screen.
fn of_shown(studio: &Studio) -> Option<Carried> {
    let item = studio.shown_item().filter(|item| super::cases::is_case(Some(item)))?;
    let (view, volume) = (studio.view()?, studio.volume()?);
    // A window that was made for its scan alone fits no other.
    let is_chosen = view.window != volume.default_window() || view.inverted;
    let mut table = studio.segmentation()?.table().clone();
    table.0.iter_mut().for_each(|label| (label.locked, label.visible) = (false, true));
    Some(Carried {
        modality: item.entry.modality.clone(),
        window: is_chosen.then_some((view.window, view.inverted)),
        table,
        active: studio.label_view()?.active,
    })
}

/// A case leaves the screen: what goes along from it is kept.
pub(super) fn leave(studio: &mut Studio) {
    if let Some(carried) = of_shown(studio) {
        studio.cases.carried = Some(carried);
    }
}

/// The segmentations with which a scan is opened: those of its files, else an empty one with the labels of the case before.
pub(super) fn kept(studio: &Studio, n: usize, volume: &Volume, masks: &[LoadedMask]) -> Vec<KeptSegmentation> {
    let Some(item) = studio.items.get(n) else { return Vec::new() };
    let left = item.case.left.as_ref();
    if !masks.is_empty() {
        // What was read from files is in the segmentations, whatever the item has become meanwhile.
        let is_one = masks.len() == 1;
        let name = |mask: &LoadedMask| if is_one { NAME.to_string() } else { mask.name.clone() };
        let kept = |mask| of_file(mask, name(mask), left.and_then(|left| left_mask(left, mask)));
        return masks.iter().map(kept).collect();
    }
    let carried = studio.cases.carried.as_ref().filter(|_| super::cases::is_case(Some(item)));
    let table = carried.map(|carried| carried.table.clone()).unwrap_or_default();
    if table.0.is_empty() { Vec::new() } else { vec![fresh(volume, table)] }
}

fn left_mask<'a>(left: &'a Left, mask: &LoadedMask) -> Option<&'a LeftMask> {
    left.masks.iter().find(|left| left.file.path == mask.path)
}

/// Without a voxel. Nothing in it was done by the user, so nothing can be lost.
fn fresh(volume: &Volume, table: LabelTable) -> KeptSegmentation {
    KeptSegmentation {
        name: NAME.into(),
        labels: LabelMap::empty(volume.geometry.clone()),
        table,
        states: std::collections::BTreeMap::new(),
        makers: std::collections::BTreeMap::new(),
        is_saved: true,
    }
}

fn of_file(mask: &LoadedMask, name: String, left: Option<&LeftMask>) -> KeptSegmentation {
    let mut table = mask.opened.table.clone();
    for label in &mut table.0 {
        let before = left.and_then(|left| left.table.get(label.value)).filter(|before| before.name == label.name);
        if let Some(before) = before {
            (label.locked, label.visible) = (before.locked, before.visible);
        }
    }
    KeptSegmentation {
        name: left.map_or(name, |left| left.name.clone()),
        labels: mask.opened.labels.clone(),
        table,
        states: mask.opened.states.iter().copied().collect(),
        makers: mask.opened.makers.iter().cloned().collect(),
        is_saved: true,
    }
}

/// Makes the views of a scan that was opened with its segmentations as they were, or as the case before was looked at.
pub(super) fn arrive(studio: &mut Studio, n: usize, scan: ScanId, ids: &[SegmentationId], masks: Vec<LoadedMask>) {
    let Some(item) = studio.items.get_mut(n) else { return };
    let (left, modality) = (item.case.left.take(), item.entry.modality.clone());
    let is_case = super::cases::is_case(studio.items.get(n));
    let carried = studio.cases.carried.clone().filter(|_| is_case);
    let has_own = !masks.is_empty();
    for (id, mask) in ids.iter().zip(masks) {
        let active = left.as_ref().and_then(|left| left_mask(left, &mask)).map(|left| left.active);
        take_mask(studio, *id, mask, active);
    }
    let first = ids.first().filter(|_| !has_own);
    if let (Some(id), Some(carried)) = (first, &carried) {
        super::scans::add_label_view(studio, *id);
        activate(studio, *id, Some(carried.active));
    }
    let Some(volume) = studio.session.document().scan(scan).cloned() else { return };
    let Some(view) = studio.scan_views.get_mut(&scan) else { return };
    let alike = carried.filter(|carried| carried.modality == modality);
    if let Some(left) = left {
        *view = crate::app::state::views::ScanView { segmentation: view.segmentation, ..left.view };
        view.keep_inside(&volume);
    } else if let Some((window, inverted)) = alike.and_then(|carried| carried.window) {
        (view.window, view.inverted) = (window, inverted);
    }
}

/// The view of a segmentation that came from a file.
fn take_mask(studio: &mut Studio, id: SegmentationId, mask: LoadedMask, active: Option<LabelValue>) {
    let Some(segmentation) = studio.session.document().segmentation(id) else { return };
    let mut view = LabelView::counted(segmentation.labels(), mask.counts);
    // An object of an archive, and a file that holds more than this, are not written over.
    let is_own_file = mask.is_whole_file && !needs_source(&mask.path) && writer_for(&mask.path).is_ok();
    view.file = is_own_file.then(|| SavedFile::as_it_was(&mask.path, mask.stamp));
    studio.label_views.insert(id, view);
    activate(studio, id, active);
}

/// Paints with a label where there is such a one, else with the first.
pub(super) fn activate(studio: &mut Studio, id: SegmentationId, wanted: Option<LabelValue>) {
    let Some(table) = studio.session.document().segmentation(id).map(|own| own.table().clone()) else { return };
    let wanted = wanted.filter(|value| table.get(*value).is_some());
    let first = table.0.first().map(|label| label.value);
    if let (Some(view), Some(value)) = (studio.label_views.get_mut(&id), wanted.or(first)) {
        view.active = value;
    }
}
