//! A 4-D series in the window: the scrubber moves, playing moves it, and each frame is another picture.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use std::path::Path;
use std::time::{Duration, Instant};

use eframe::egui::{Key, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use window::*;

/// The pixels of the axial view.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "points of the window")]
fn axial(harness: &mut Window) -> Vec<u8> {
    let rect = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
    let image = harness.render().unwrap();
    let at = |x: f32| x.round() as u32;
    let part = image::imageops::crop_imm(&image, at(rect.left()), at(rect.top()), at(rect.width()), at(rect.height()));
    part.to_image().into_raw()
}

fn frame(harness: &Window) -> usize {
    harness.state().studio().view().unwrap().frame
}

/// Frames of one value each, so that each is another grey.
fn write_frames(path: &Path) {
    use lamella::volume::{Affine, Geometry, Rescale, Volume, Voxels};
    let geometry = Geometry::new([20, 18, 6], Affine::IDENTITY).unwrap();
    let count = geometry.voxel_count();
    // A corner holds the range, so that no frame is flat.
    let of = |frame: i16| (0..count).map(move |n| if n == 0 { 0 } else { 100 + 100 * frame });
    let voxels = Voxels::I16(std::sync::Arc::new((0..5).flat_map(of).collect()));
    let volume = Volume::new(geometry, voxels, vec![5], Rescale::IDENTITY, "times".into());
    lamella::formats::write_volume(path, &volume, lamella::work::Watch::unwatched()).unwrap();
}

#[test]
fn the_scrubber_and_playing_change_the_picture() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("times.nii.gz");
    write_frames(&path);
    let mut harness = window(vec![path]);
    settle(&mut harness);
    task(&mut harness, LOOK);
    let first = axial(&mut harness);
    // The slider by its keys, from frame to frame.
    let mut pictures = vec![first];
    for wanted in 1..5 {
        harness.get_by_role_and_label(Role::Slider, "Frame").focus();
        harness.run_steps(1);
        harness.key_press(Key::ArrowRight);
        harness.run_steps(3);
        settle(&mut harness);
        assert_eq!(frame(&harness), wanted);
        pictures.push(axial(&mut harness));
    }
    for (n, picture) in pictures.iter().enumerate() {
        assert!(pictures[..n].iter().all(|other| other != picture), "frame {n} looks like another");
    }
    picture(&mut harness, "frames");
    harness.state_mut().request(Request::Frame(0));
    harness.run_steps(3);
    assert!(axial(&mut harness) == pictures[0], "back at the first frame");
    // Playing goes from frame to frame, and comes round.
    harness.state_mut().request(Request::Run("view.cine-frames"));
    let begun = Instant::now();
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{seen:?}");
        harness.step();
        seen.insert(frame(&harness));
        std::thread::sleep(Duration::from_millis(5));
    }
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    let stopped = frame(&harness);
    std::thread::sleep(Duration::from_millis(300));
    harness.run_steps(3);
    assert_eq!(frame(&harness), stopped, "a key ends playing");
}

/// What scanners send: two times in mosaics, and frames of an enhanced object.
#[test]
fn series_of_scanners_have_frames_that_differ() {
    let _alone = alone();
    let Some(data) = std::env::var_os("LAMELLA_TEST_DATA") else {
        eprintln!("skipped: LAMELLA_TEST_DATA is not set");
        return;
    };
    if !can_render() {
        return;
    }
    for (series, count) in [("ax_fourd_classic", 2), ("ax_mosaic", 2)] {
        let path = Path::new(&data).join("data/dicom/series").join(series);
        let mut harness = window(vec![path]);
        settle(&mut harness);
        assert_eq!(harness.state().studio().volume().unwrap().frame_count(), count, "{series}");
        let first = axial(&mut harness);
        task(&mut harness, LOOK);
        harness.get_by_role_and_label(Role::Slider, "Frame").focus();
        harness.run_steps(1);
        harness.key_press(Key::ArrowRight);
        harness.run_steps(3);
        assert_eq!(frame(&harness), 1, "{series}");
        assert!(axial(&mut harness) != first, "{series}");
        picture(&mut harness, &format!("frames-{series}"));
    }
}
