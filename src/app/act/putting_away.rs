//! Of a folder of many scans only as many stay open as there is room for. One that is saved is closed, and read again when it is shown.

use super::cases::{completion_of, is_case};
use super::scans::close;
use crate::app::state::cases::{Left, LeftMask};
use crate::app::state::studio::Studio;
use crate::jobs::{Job, SaveDocumentJob};
use crate::session::{ScanId, Segmentation, SegmentationId};

/// Bytes of voxels and labels that open cases may take together; where one alone has more, it alone stays.
const ROOM_BYTES: usize = 2 << 30;

/// A case is on screen: others go where there is no room for all, those first that were on screen longest ago.
pub(super) fn make_room(studio: &mut Studio, shown: ScanId) {
    studio.cases.seen.retain(|scan| *scan != shown);
    studio.cases.seen.push(shown);
    make_room_within(studio, ROOM_BYTES);
}

fn make_room_within(studio: &mut Studio, room: usize) {
    let document = studio.session.document();
    studio.cases.seen.retain(|scan| document.scan(*scan).is_some());
    let bytes_of = |scan: ScanId| {
        let labels: usize = document.segmentations_of(scan).map(|(_, own)| own.labels().byte_count()).sum();
        document.scan(scan).map_or(0, |volume| volume.byte_count()) + labels
    };
    let mut bytes: usize = document.scans().map(|(scan, _)| bytes_of(scan)).sum();
    let mut going = Vec::new();
    for scan in studio.cases.seen.iter().copied() {
        if bytes <= room {
            break;
        }
        if can_go(studio, scan) {
            bytes -= bytes_of(scan);
            going.push(scan);
        }
    }
    going.into_iter().for_each(|scan| put_away(studio, scan));
}

/// Whether nothing is lost by closing a scan, but its undo steps.
fn can_go(studio: &Studio, scan: ScanId) -> bool {
    let is_listed = is_case(studio.item_of(scan));
    // A document is of all that is open, and what comes back from a journal is on its way to a scan.
    let is_held =
        studio.document.is_some() || studio.tasks.is_running(SaveDocumentJob::KIND) || !studio.bringing.all.is_empty();
    // Rulers and regions are in no file but a document's; a scan that lies over the one on screen is in use.
    let measurements = studio.session.document().measurements(scan);
    let is_measured = !measurements.is_empty() || measurements.is_modified();
    let is_over = studio.view().and_then(|view| view.overlay.laid).is_some_and(|laid| laid.scan == scan);
    let mut own = studio.session.document().segmentations_of(scan);
    is_listed
        && !(is_held || is_measured || is_over)
        && studio.shown != Some(scan)
        && own.all(|(id, own)| is_safe(studio, id, own))
}

/// Whether a segmentation is in its file as it is, or there is nothing in it.
fn is_safe(studio: &Studio, id: SegmentationId, segmentation: &Segmentation) -> bool {
    let Some(view) = studio.label_views.get(&id) else { return false };
    let is_there = view.file.as_ref().is_some_and(|file| file.path.is_file() && !file.is_changed());
    let is_empty = || view.counted.1.is_empty() && segmentation.states().next().is_none();
    let is_busy = !view.pending.is_empty()
        || view.live.is_some()
        || studio.joining.iter().any(|(arrival, _)| arrival.of == id)
        || studio.being_saved.iter().any(|saving| saving.of == id)
        || studio.tasks.is_computing(|of| of == id);
    !segmentation.is_modified() && !is_busy && (is_there || is_empty())
}

fn put_away(studio: &mut Studio, scan: ScanId) {
    let name = studio.item_of(scan).map(|item| item.entry.name.clone()).unwrap_or_default();
    let steps = |studio: &Studio| studio.session.undo_names().len() + studio.session.redo_names().len();
    let before = steps(studio);
    // It comes back as it was, with the labels that were drawn on it.
    let at = studio.items.iter().position(|item| item.scan == Some(scan));
    let renewed = at.and_then(|at| studio.items.get_mut(at)).and_then(|item| item.renewed.take());
    close(studio, scan);
    at.and_then(|at| studio.items.get_mut(at)).into_iter().for_each(|item| item.renewed.clone_from(&renewed));
    if steps(studio) < before {
        studio.notices.info(format!(
            "Closed {name} to make room. It is saved, and is read again when you show it; its steps cannot be undone any more."
        ));
    }
}

/// How a case is left that is closed now is kept with its item. The item, where the disk must tell how far it is.
pub(super) fn remember(studio: &mut Studio, scan: ScanId) -> Option<usize> {
    let n = studio.items.iter().position(|item| item.scan == Some(scan))?;
    let item = studio.items.get(n).filter(|item| is_case(Some(item)))?;
    let is_saved = studio.session.document().segmentations_of(scan).all(|(_, own)| !own.is_modified());
    let on_disk = completion_of(studio, item).filter(|_| is_saved);
    let view = studio.scan_views.get(&scan).cloned()?;
    let of_one = |(id, own): (SegmentationId, &Segmentation)| {
        let view = studio.label_views.get(&id)?;
        let file = view.file.clone()?;
        Some(LeftMask { name: own.name().into(), file, table: own.table().clone(), active: view.active })
    };
    let masks = studio.session.document().segmentations_of(scan).filter_map(of_one).collect();
    let case = &mut studio.items.get_mut(n)?.case;
    (case.left, case.on_disk) = (Some(Left { view, masks }), on_disk);
    (!is_saved).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::{paint, studio_of};
    use crate::app::state::cases::CaseState;

    #[test]
    fn cases_that_are_saved_make_room_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut studio = studio_of(folder.path(), &["a.nii", "b.nii", "c.nii", "d.nii"]);
        let scans: Vec<ScanId> = studio.items.iter().filter_map(|item| item.scan).collect();
        let of = |studio: &Studio, scan: ScanId| studio.session.document().segmentations_of(scan).next().unwrap().0;
        // The first is painted and saved, the second painted alone, the third untouched; the fourth is on screen.
        paint(&mut studio, 0);
        paint(&mut studio, 1);
        let (first, path) = (of(&studio, scans[0]), folder.path().join("a_seg.nii"));
        std::fs::write(&path, b"a mask").unwrap();
        let revision = studio.revision(first).unwrap();
        studio.session.mark_saved(first, revision);
        studio.label_views.get_mut(&first).unwrap().file = Some(crate::app::state::saving::SavedFile::new(&path));
        studio.cases.seen = scans.clone();
        studio.shown = Some(scans[3]);
        assert_eq!(studio.session.undo_names().len(), 2);
        make_room_within(&mut studio, 1 << 30);
        assert_eq!(studio.session.document().scans().count(), 4, "there is room for all");
        make_room_within(&mut studio, 0);
        let open: Vec<bool> = studio.items.iter().map(|item| item.scan.is_some()).collect();
        assert_eq!(open, [false, true, false, true]);
        assert_eq!(studio.session.undo_names().len(), 1, "the step of the saved case went with it");
        assert!(studio.notices.all().iter().any(|notice| notice.text.starts_with("Closed a to make room")));
        let left = studio.items[0].case.left.as_ref().unwrap();
        assert_eq!(left.masks.iter().map(|mask| mask.file.path.clone()).collect::<Vec<_>>(), [path]);
        let states: Vec<CaseState> =
            studio.items.iter().map(|item| crate::app::act::cases::state_of(&studio, item)).collect();
        assert_eq!(states, [CaseState::Saved, CaseState::Draft, CaseState::NotBegun, CaseState::NotBegun]);
    }
}
