//! A mask on another grid than the scan: the window asks, and resamples or leaves everything as it was.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use egui_kittest::kittest::Queryable;
use lamella::formats::write_labels;
use lamella::volume::{Affine, Annotations, Geometry, LabelMap};
use lamella::work::Watch;
use window::*;

#[test]
fn a_mask_of_another_grid_is_resampled_when_the_user_agrees() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let grid = harness.state().document().unwrap().labels().geometry().clone();
    let [ni, nj, nk] = grid.shape();
    // Voxels twice as long along the first two axes, with the same corner.
    let own = grid.world_from_voxel();
    let columns = [own.column(0).map(|c| 2.0 * c), own.column(1).map(|c| 2.0 * c), own.column(2)];
    let coarse =
        Geometry::new([ni / 2, nj / 2, nk], Affine::from_columns(columns, own.point([0.5, 0.5, 0.0]))).unwrap();
    let mask = LabelMap::from_fn(coarse, |[i, j, k]| u16::from(i < 5 && j < 4 && k < 3) * 7);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("coarse.nii.gz");
    write_labels(&path, &mask, &Annotations::default(), Watch::unwatched()).unwrap();
    let open = |harness: &mut Window| {
        harness.state_mut().open_labels(path.clone());
        settle(harness);
        harness.get_by_label("Resample the mask onto the scan?");
    };
    let counts = |harness: &Window| harness.state().document().unwrap().labels().counts();
    open(&mut harness);
    harness.get_by_label("Cancel").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Resample the mask onto the scan?").is_none());
    assert!(counts(&harness).is_empty(), "nothing is resampled unasked");
    open(&mut harness);
    harness.get_by_label("Nearest voxel").click();
    harness.run_steps(2);
    settle(&mut harness);
    // Every voxel of the mask is four of the scan.
    assert_eq!(counts(&harness).into_values().collect::<Vec<_>>(), [4 * 5 * 4 * 3]);
    assert!(harness.query_by_label("Resample the mask onto the scan?").is_none());
}
