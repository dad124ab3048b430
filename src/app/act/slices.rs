//! Labels of one slice are put into another one: copied and pasted, or carried along to the slice beside.

use std::collections::BTreeMap;

use super::painting::{apply, tell};
use crate::app::state::copied::CopiedSlice;
use crate::app::state::studio::Studio;
use crate::session::{Command, Edit, Painter, SliceState, key};
use crate::tools::Refusal;
use crate::volume::{LabelValue, Plane};
use crate::words::{self, say};

/// The labels of a slice in view.
fn copied(studio: &Studio, plane: Plane) -> Option<CopiedSlice> {
    let (of, slice, layout) = (studio.active()?, studio.slice(plane)?, studio.layout(plane)?);
    let mut labels = Vec::new();
    layout.read_labels(studio.segmentation()?.labels(), slice, &mut labels);
    Some(CopiedSlice { of, plane, labels })
}

/// Remembers the labels of the slice in view.
pub fn copy(studio: &mut Studio, plane: Plane) {
    let copy = copied(studio, plane);
    match &copy {
        Some(copy) if copy.labels.iter().any(|label| *label != 0) => {
            studio.notices.info(say!(
                "The labels of this {plane} slice are copied.",
                plane = words::text(plane.name()).to_lowercase()
            ));
        }
        _ => return studio.notices.info("There is no label in this slice to copy."),
    }
    studio.copied = copy;
}

/// Why nothing can be pasted into a slice of a plane.
pub fn lacks_copy(studio: &Studio, plane: Plane) -> Option<&'static str> {
    match &studio.copied {
        None => Some("Copy a slice first"),
        Some(copy) if Some(copy.of) != studio.active() => Some("The slice was copied from another segmentation"),
        Some(copy) if copy.plane != plane => Some("The slice was copied in another plane"),
        Some(_) => None,
    }
}

/// Puts the copied labels into the slice in view: one undo step. What has no label in the copy stays as it is.
pub fn paste(studio: &mut Studio, plane: Plane) {
    if let (Some(copy), Some(slice)) = (studio.copied.clone(), studio.slice(plane)) {
        put(studio, &copy, slice, "Paste slice");
    }
}

/// Puts the labels of the slice in view into the one beside it, and goes there: one undo step.
pub fn carry(studio: &mut Studio, plane: Plane, step: i64) {
    let (Some(copy), Some(slice), Some(layout)) = (copied(studio, plane), studio.slice(plane), studio.layout(plane))
    else {
        return;
    };
    let Some(beside) = usize::try_from(slice as i64 + step).ok().filter(|beside| *beside < layout.size[2]) else {
        return studio.notices.info("There is no slice beside this one.");
    };
    if copy.labels.iter().all(|label| *label == 0) {
        return studio.notices.info("There is no label in this slice to copy.");
    }
    put(studio, &copy, beside, "Copy slice");
    studio.view_mut().into_iter().for_each(|view| view.step_slice(&layout, step));
}

/// Paints the labels of a copy into a slice of its plane.
fn put(studio: &mut Studio, copy: &CopiedSlice, slice: usize, name: &str) {
    let Some(layout) = studio.layout(copy.plane) else { return };
    studio.hand.tool.abort();
    let Some(mut painter) = Painter::new(studio.session.document(), copy.of, &studio.rules) else { return };
    let mut voxels: BTreeMap<LabelValue, Vec<[usize; 3]>> = BTreeMap::new();
    for (n, label) in copy.labels.iter().enumerate().filter(|(_, label)| **label != 0) {
        let [columns, ..] = layout.size;
        voxels.entry(*label).or_default().push(layout.voxel([n % columns, n / columns, slice]));
    }
    let changes: Vec<bool> = voxels.iter().map(|(label, voxels)| painter.fill(voxels, *label)).collect();
    let painted = painter.finish();
    let kept = painted.kept.keys().copied().collect::<Vec<_>>();
    if changes.contains(&true) {
        let states = vec![(key(copy.plane, slice), SliceState::Corrected)];
        let edits = vec![Edit::Labels(painted), Edit::States(copy.of, states)];
        if apply(studio, Command::by_hand(name, edits)).is_ok()
            && let Some(view) = studio.label_views.get_mut(&copy.of)
        {
            view.painted = Some((copy.plane, slice));
        }
    }
    if !kept.is_empty() {
        tell(studio, Some(copy.of), Refusal::Kept(kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Settings;
    use crate::app::act::scans::add_label_view;
    use crate::app::state::views::ScanView;
    use crate::session::PaintRules;
    use crate::volume::{Affine, Geometry, LabelMap, Rescale, Volume, Voxels};
    use std::sync::Arc;

    fn studio() -> Studio {
        let geometry = Geometry::new([6, 5, 4], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 120]));
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new()));
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        let (scan, of) = studio.session.add_scan(volume.clone());
        studio.scan_views.insert(scan, ScanView { cursor: [2, 2, 1], ..ScanView::new(&volume, of) });
        add_label_view(&mut studio, of);
        studio.shown = Some(scan);
        let mut painter = Painter::new(studio.session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(&[[1, 1, 1], [2, 1, 1]], 1);
        painter.fill(&[[4, 3, 1]], 2);
        painter.fill(&[[0, 0, 2], [4, 3, 2]], 3);
        studio.session.apply(Command::by_hand("Begin", vec![Edit::Labels(painter.finish())])).unwrap();
        studio
    }

    fn labels(studio: &Studio) -> LabelMap {
        studio.segmentation().unwrap().labels().clone()
    }

    #[test]
    fn a_slice_is_carried_to_the_one_beside_it_in_one_step() {
        let mut studio = studio();
        let before = labels(&studio);
        carry(&mut studio, Plane::Axial, 1);
        let after = labels(&studio);
        let found = [[1, 1, 2], [2, 1, 2], [4, 3, 2], [0, 0, 2], [1, 1, 1], [1, 1, 3]].map(|voxel| after.get(voxel));
        assert_eq!(found, [1, 1, 2, 3, 1, 0], "what the other slice has besides stays");
        assert_eq!(studio.view().unwrap().cursor, [2, 2, 2]);
        assert_eq!(studio.segmentation().unwrap().state(Plane::Axial, 2), SliceState::Corrected);
        studio.session.undo();
        assert!(labels(&studio).same_labels(&before));
        studio.view_mut().unwrap().cursor = [2, 2, 3];
        carry(&mut studio, Plane::Axial, 1);
        assert!(labels(&studio).same_labels(&before), "there is no slice beside the last one");
    }

    #[test]
    fn what_was_copied_is_pasted_in_its_plane_and_finished_slices_stay() {
        let mut studio = studio();
        assert_eq!(lacks_copy(&studio, Plane::Axial), Some("Copy a slice first"));
        copy(&mut studio, Plane::Axial);
        assert_eq!(lacks_copy(&studio, Plane::Coronal), Some("The slice was copied in another plane"));
        assert_eq!(lacks_copy(&studio, Plane::Axial), None);
        studio.view_mut().unwrap().cursor = [2, 2, 3];
        paste(&mut studio, Plane::Axial);
        let pasted = labels(&studio);
        assert_eq!([[1, 1, 3], [4, 3, 3], [0, 0, 3]].map(|voxel| pasted.get(voxel)), [1, 2, 0]);
        let of = studio.active().unwrap();
        let done = vec![(key(Plane::Axial, 0), SliceState::Done)];
        studio.session.apply(Command::by_hand("Done", vec![Edit::States(of, done)])).unwrap();
        studio.view_mut().unwrap().cursor = [2, 2, 0];
        paste(&mut studio, Plane::Axial);
        assert!(labels(&studio).same_labels(&pasted));
        assert!(studio.notices.all().last().unwrap().text.contains("Finished slices stay"));
    }
}
