//! Two scans of one patient: turning between them, and one laid over the other.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "byte strings of two letters are references")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/made_dicom.rs"]
mod made_dicom;
#[path = "support/window.rs"]
mod window;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::{self, Key, Modifiers, accesskit::Role};
use egui_kittest::kittest::Queryable;
use image::RgbaImage;
use lamella::app::Request;
use lamella::app::state::overlay::Fit;
use lamella::formats::write_volume;
use lamella::volume::{Affine, Geometry, Plane, Rescale, Volume, Voxels};
use lamella::work::Watch;
use window::*;

/// Writes a scan of one value, whose first voxel's centre lies at `first` and whose i and j run to the left and the back.
fn write(folder: &Path, name: &str, shape: [usize; 3], spacing: f64, first: [f64; 3], value: i16) -> PathBuf {
    let columns = [[-spacing, 0.0, 0.0], [0.0, -spacing, 0.0], [0.0, 0.0, spacing]];
    let geometry = Geometry::new(shape, Affine::from_columns(columns, first)).unwrap();
    let voxels = Voxels::I16(Arc::new(vec![value; geometry.voxel_count()]));
    let path = folder.join(format!("{name}.nii"));
    let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, name.into());
    write_volume(&path, &volume, Watch::unwatched()).unwrap();
    path
}

/// A box of 64 mm from R 32 to L 32, A 32 to P 32, I 32 to S 32, and one of 24 x 16 x 20 mm within it: from R 20 to L 4, A 24 to A 8, I 10 to S 10.
fn two_scans(folder: &Path) -> Window {
    let large = write(folder, "large", [64, 64, 64], 1.0, [31.5, 31.5, -31.5], 100);
    let small = write(folder, "small", [12, 8, 10], 2.0, [19.0, 23.0, -9.0], 500);
    let mut harness = window(vec![large, small]);
    settle(&mut harness);
    turn(&mut harness, "small");
    turn(&mut harness, "large");
    harness
}

/// Shows a scan of the list on the left.
fn turn(harness: &mut Window, name: &str) {
    harness.get_by_role_and_label(Role::Button, name).click();
    harness.step();
    settle(harness);
}

fn cursor(harness: &Window) -> ([usize; 3], [f64; 3]) {
    let studio = harness.state().studio();
    let cursor = studio.view().unwrap().cursor;
    (cursor, studio.volume().unwrap().geometry.world_at(cursor))
}

/// The picture of the window; nothing is drawn over the images.
fn picture(harness: &mut Window) -> RgbaImage {
    harness.run_steps(3);
    harness.render().unwrap()
}

/// A place over nothing that shows a tooltip.
const AWAY: egui::Pos2 = egui::pos2(1100.0, 560.0);

/// Whether a pixel is the grey of the large scan.
fn is_image(picture: &RgbaImage, x: u32, y: u32) -> bool {
    let [r, g, b, _] = picture.get_pixel(x, y).0;
    r == g && g == b && (125..=130).contains(&r)
}

/// Left, top, right and bottom of the pixels of a view that are so.
fn bounds(harness: &Window, plane: Plane, is_meant: impl Fn(u32, u32) -> bool) -> Option<[f32; 4]> {
    let view = harness.get_by_role_and_label(Role::Image, &format!("{} view", plane.name())).rect().shrink(3.0);
    let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
    for y in view.top().ceil() as u32..view.bottom().floor() as u32 {
        for x in (view.left().ceil() as u32..view.right().floor() as u32).filter(|x| is_meant(*x, y)) {
            low = [low[0].min(x as f32), low[1].min(y as f32)];
            high = [high[0].max(x as f32 + 1.0), high[1].max(y as f32 + 1.0)];
        }
    }
    (low[0] < high[0]).then_some([low[0], low[1], high[0], high[1]])
}

/// Where the overlay has to lie in each view, as shares of the large scan's image: left, top, right, bottom.
const PLACES: [(Plane, [f32; 4]); 3] = [
    // R 20 to L 4 from R 32 on; A 24 to A 8 from A 32 on.
    (Plane::Axial, [12.0 / 64.0, 8.0 / 64.0, 36.0 / 64.0, 24.0 / 64.0]),
    (Plane::Coronal, [12.0 / 64.0, 22.0 / 64.0, 36.0 / 64.0, 42.0 / 64.0]),
    (Plane::Sagittal, [8.0 / 64.0, 22.0 / 64.0, 24.0 / 64.0, 42.0 / 64.0]),
];

#[test]
fn turning_between_scans_keeps_the_place() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = two_scans(folder.path());
    let before = cursor(&harness);
    assert_eq!(before.0, [32; 3], "without a word nothing is linked");
    task(&mut harness, LOOK);
    press(&mut harness, "Also without a frame of reference");
    // From R -0.5, A -0.5, S 0.5 to R 9.5, A 10.5, S 3.5.
    for (key, count) in [(Key::ArrowLeft, 10), (Key::ArrowUp, 11), (Key::PageUp, 3)] {
        (0..count).for_each(|_| {
            harness.key_press(key);
            harness.step();
        });
    }
    harness.run_steps(2);
    let (voxel, place) = cursor(&harness);
    assert_eq!(place, [9.5, 10.5, 3.5]);
    turn(&mut harness, "small");
    // Voxel 4.75, 6.25, 6.25 of the small scan.
    assert_eq!(cursor(&harness).0, [5, 6, 6]);
    turn(&mut harness, "large");
    assert_eq!(cursor(&harness).0, voxel);
    // R 9.5, A -0.5 lies in none of its voxels: 8.5 mm behind its box.
    (0..11).for_each(|_| {
        harness.key_press(Key::ArrowDown);
        harness.step();
    });
    harness.run_steps(2);
    turn(&mut harness, "small");
    assert_eq!(cursor(&harness).0, [5, 7, 6]);
    let messages = harness.state().messages();
    assert!(messages.iter().any(|text| text.contains("8.5 mm outside of small")), "{messages:?}");
    turn(&mut harness, "large");
    assert_eq!(cursor(&harness).1, [9.5, -0.5, 3.5]);
}

#[test]
fn an_overlay_covers_its_box_and_nothing_else() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = two_scans(folder.path());
    for (key, count) in [(Key::ArrowLeft, 10), (Key::ArrowUp, 11)] {
        (0..count).for_each(|_| {
            harness.key_press(key);
            harness.step();
        });
    }
    let show = |harness: &mut Window, texts: bool| {
        let display = harness.state().studio().display;
        harness.state_mut().request(Request::Display(lamella::app::state::studio::Display {
            annotations: texts,
            crosshair: texts,
            ..display
        }));
        harness.run_steps(2);
    };
    show(&mut harness, false);
    harness.hover_at(AWAY);
    let plain = picture(&mut harness);
    harness.key_press(Key::O);
    settle(&mut harness);
    let studio = harness.state().studio();
    assert_eq!(studio.overlay().map(|(.., fit)| fit), Some(Fit::ByCoordinates));
    assert_eq!(studio.overlay_value([22, 21, 32]), Some(500.0));
    assert_eq!(studio.overlay_value([0, 0, 0]), None);
    let laid = picture(&mut harness);
    check_places(&harness, &plain, &laid, false);
    // Values in the middle of their windows: grey 127, and hot at 127 of 255, which is (255, 84, 0); half of each.
    let axial = harness.get_by_role_and_label(Role::Image, "Axial view").rect();
    let image = bounds(&harness, Plane::Axial, |x, y| is_image(&plain, x, y)).unwrap();
    let at = |share: [f32; 2]| {
        let [left, top, right, bottom] = image;
        laid.get_pixel((left + (right - left) * share[0]) as u32, (top + (bottom - top) * share[1]) as u32).0
    };
    assert!(axial.contains(egui::pos2(image[0], image[1])));
    let (inside, outside) = (at([24.0 / 64.0, 16.0 / 64.0]), at([24.0 / 64.0, 40.0 / 64.0]));
    assert!([191u8, 106, 64].iter().zip(inside).all(|(a, b)| a.abs_diff(b) <= 2), "{inside:?}");
    assert!([127u8; 3].iter().zip(outside).all(|(a, b)| a.abs_diff(b) <= 1), "{outside:?}");
    // Fainter: what is under it shows more. Shift+A five times is a quarter.
    for _ in 0..5 {
        harness.key_press_modifiers(Modifiers::SHIFT, Key::A);
        harness.step();
    }
    let fainter = picture(&mut harness);
    let pixel = fainter
        .get_pixel((image[0] + (image[2] - image[0]) * 0.375) as u32, (image[1] + (image[3] - image[1]) * 0.25) as u32);
    assert!([159u8, 116, 95].iter().zip(pixel.0).all(|(a, b)| a.abs_diff(b) <= 2), "{pixel:?}");
    // A view that is mirrored mirrors the overlay with the image.
    harness.hover_at(axial.center());
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::H);
    harness.hover_at(AWAY);
    let flipped = picture(&mut harness);
    check_place(&harness, &plain, &flipped, PLACES[0], true);
    harness.key_press(Key::O);
    settle(&mut harness);
    let off = picture(&mut harness);
    assert!(bounds(&harness, Plane::Axial, |x, y| off.get_pixel(x, y) != plain.get_pixel(x, y)).is_none());
    // Beyond the small scan's box there is nothing to lay over.
    harness.key_press(Key::O);
    (0..20).for_each(|_| {
        harness.key_press(Key::PageUp);
        harness.step();
    });
    settle(&mut harness);
    let beyond = picture(&mut harness);
    assert!(bounds(&harness, Plane::Axial, |x, y| beyond.get_pixel(x, y) != plain.get_pixel(x, y)).is_none());
    show(&mut harness, true);
    task(&mut harness, LOOK);
    keep_picture(&mut harness, "overlay");
}

/// Writes a picture of the window where pictures are asked for.
fn keep_picture(harness: &mut Window, name: &str) {
    if let Some(folder) = std::env::var_os("LAMELLA_PICTURES") {
        let image = picture(harness);
        image.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

fn check_places(harness: &Window, plain: &RgbaImage, laid: &RgbaImage, is_flipped: bool) {
    PLACES.iter().for_each(|place| check_place(harness, plain, laid, *place, is_flipped));
}

/// What has changed in a view is the overlay's box.
fn check_place(
    harness: &Window,
    plain: &RgbaImage,
    laid: &RgbaImage,
    (plane, [left, top, right, bottom]): (Plane, [f32; 4]),
    is_flipped: bool,
) {
    let [x0, y0, x1, y1] = bounds(harness, plane, |x, y| is_image(plain, x, y)).unwrap();
    let changed = bounds(harness, plane, |x, y| plain.get_pixel(x, y) != laid.get_pixel(x, y)).unwrap();
    let (left, right) = if is_flipped { (1.0 - right, 1.0 - left) } else { (left, right) };
    let wanted = [x0 + (x1 - x0) * left, y0 + (y1 - y0) * top, x0 + (x1 - x0) * right, y0 + (y1 - y0) * bottom];
    // Edges are interpolated over a pixel of the slice.
    let pixel = (x1 - x0) / 64.0;
    let near = wanted.iter().zip(changed).all(|(a, b)| (a - b).abs() <= pixel);
    assert!(near, "{plane:?}: {changed:?}, not {wanted:?}");
}

#[test]
fn the_overlay_is_there_in_every_slice_that_is_played() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut harness = two_scans(folder.path());
    harness.key_press(Key::O);
    harness.run_steps(3);
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::C);
    harness.step();
    let mut slices = std::collections::BTreeSet::new();
    let began = std::time::Instant::now();
    while slices.len() < 4 {
        harness.step();
        let studio = harness.state().studio();
        let slice = studio.slice(Plane::Axial).unwrap();
        assert!(studio.cine.is_some() && studio.laid_slice(Plane::Axial, slice).is_some(), "slice {slice}");
        slices.insert(slice);
        assert!(began.elapsed().as_secs() < 30, "nothing is played");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn frames_of_reference_decide() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let all = [
        ("1.2.3.21", "1.2.3.3"),
        ("1.2.3.22", "1.2.3.3"),
        ("1.2.3.23", "1.2.3.4"),
        ("1.2.3.24", ""),
        // Another one in each image, as some anonymisers write it.
        ("1.2.3.25", "each"),
    ];
    for (series, frame) in all {
        for n in 0..3i64 {
            let frame = if frame == "each" { format!("1.2.3.9.{n}") } else { frame.into() };
            let mut made = made_dicom::slice(n + 1, 2.0 * n as f64, 10);
            made.text((0x0008, 0x0018), b"UI", &format!("{series}.{n}"));
            made.text((0x0020, 0x000E), b"UI", series).text((0x0020, 0x0052), b"UI", &frame);
            made.text((0x0008, 0x103E), b"LO", &format!("series {}", &series[6..]));
            made.save(&folder.path().join(format!("{series}_{n}.dcm")));
        }
    }
    let mut harness = window(vec![folder.path().to_path_buf()]);
    settle(&mut harness);
    for name in ["series 22", "series 23", "series 24", "series 25", "series 21"] {
        turn(&mut harness, name);
    }
    let others = lamella::app::act::overlay::others(harness.state().studio());
    let fits: Vec<(String, Fit)> = others.iter().map(|(_, name, fit)| ((*name).to_string(), *fit)).collect();
    let scans: Vec<_> = others.iter().map(|(scan, ..)| *scan).collect();
    let mut sorted = fits.clone();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let wanted = [
        ("series 22", Fit::SameSpace),
        ("series 23", Fit::OtherSpace),
        ("series 24", Fit::ByCoordinates),
        ("series 25", Fit::ByCoordinates),
    ];
    assert_eq!(sorted, wanted.map(|(name, fit)| (name.to_string(), fit)));
    let scan_of = |name: &str| scans[fits.iter().position(|(own, _)| own == name).unwrap()];
    task(&mut harness, LOOK);
    for (name, text) in [
        ("series 22", "Same frame of reference."),
        ("series 24", "No frame of reference stated: placed by their coordinates."),
    ] {
        harness.state_mut().request(Request::ChooseOverlay(Some(scan_of(name))));
        settle(&mut harness);
        find(&mut harness, text);
        assert!(harness.state().studio().overlay().is_some(), "{name}");
    }
    harness.state_mut().request(Request::ChooseOverlay(Some(scan_of("series 23"))));
    settle(&mut harness);
    find(&mut harness, "The files state different frames of reference");
    assert!(harness.state().studio().overlay().is_none(), "it is refused with the reason");
    press(&mut harness, "Lay it over all the same");
    assert_eq!(harness.state().studio().overlay().map(|(.., fit)| fit), Some(Fit::OtherSpace));
    keep_picture(&mut harness, "overlay-other-frame");
}
