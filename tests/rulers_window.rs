//! Rulers, angles and regions in the window: drawn by mouse events on the sample, held against numbers that the test computes itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

#[path = "support/window.rs"]
mod window;

use eframe::egui::{self, Key, Modifiers, OutputCommand, Pos2, Vec2, accesskit::Role};
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::act::measuring;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::measure::{FigureMeasures, RegionValues};
use lamella::session::MeasurementId;
use lamella::volume::{Figure, Measurement, Plane, PlaneLayout};
use window::*;

/// A picture of the window, where a folder for them is given.
fn picture(harness: &mut Window, name: &str) {
    if let Some(folder) = std::env::var_os("LAMELLA_PICTURES") {
        let visuals = harness.ctx.global_style().visuals.clone();
        let ground = eframe::App::clear_color(harness.state(), &visuals);
        let mut image = harness.render().expect("the window is painted");
        for pixel in image.pixels_mut() {
            let through = 1.0 - f32::from(pixel[3]) / 255.0;
            for (value, ground) in pixel.0.iter_mut().zip(ground) {
                *value = (f32::from(*value) + 255.0 * through * ground).round().min(255.0) as u8;
            }
            pixel[3] = u8::MAX;
        }
        image.save(std::path::Path::new(&folder).join(format!("{name}.png"))).expect("the picture is written");
    }
}

fn middle(harness: &Window) -> Pos2 {
    harness.get_by_role_and_label(Role::Image, "Axial view").rect().center()
}

fn take(harness: &mut Window, modifiers: Modifiers, key: Key, id: &str) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(2);
    assert_eq!(harness.state().studio().hand.entry.id, id);
}

fn drag(harness: &mut Window, from: Pos2, by: Vec2) {
    harness.hover_at(from);
    harness.step();
    harness.drag_at(from);
    harness.step();
    for part in [0.4, 1.0] {
        harness.hover_at(from + by * part);
        harness.step();
    }
    harness.drop_at(from + by);
    harness.run_steps(3);
}

/// The pixel of the axial slice under a point of the screen, as the view says.
fn pixel(harness: &mut Window, at: Pos2) -> [f64; 2] {
    harness.hover_at(at);
    harness.run_steps(2);
    harness.state().studio().hover.unwrap().at
}

/// All measurements with what the window knows of them, oldest first.
fn all(harness: &Window) -> Vec<(MeasurementId, Measurement, Option<FigureMeasures>)> {
    let studio = harness.state().studio();
    let (scan, frame) = (studio.shown.unwrap(), studio.view().unwrap().frame);
    let own = studio.session.document().measurements(scan).iter();
    own.map(|(id, own)| {
        let known = studio.measuring.known(scan, id, own, frame);
        (id, own.clone(), known.and_then(|known| known.measures.clone()))
    })
    .collect()
}

fn count(harness: &Window) -> usize {
    all(harness).len()
}

/// Millimetres across and down of a pixel of the axial slice, and its layout.
fn axial(harness: &Window) -> ([f64; 2], PlaneLayout) {
    let geometry = &harness.state().studio().volume().unwrap().geometry;
    let layout = PlaneLayout::new(geometry, Plane::Axial);
    let [across, down, _] = layout.pixel_mm(geometry);
    ([across, down], layout)
}

/// A way on the slice in millimetres; the sample's grid is at right angles.
fn way(from: [f64; 2], to: [f64; 2], mm: [f64; 2]) -> [f64; 2] {
    [(to[0] - from[0]) * mm[0], (to[1] - from[1]) * mm[1]]
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-3 * b.abs().max(1.0)
}

#[test]
fn a_ruler_is_drawn_moved_flipped_and_taken_away() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let (centre, by) = (middle(&harness), egui::vec2(90.0, 40.0));
    let (from, to) = (pixel(&mut harness, centre), pixel(&mut harness, centre + by));
    let (mm, _) = axial(&harness);
    let [x, y] = way(from, to, mm);
    take(&mut harness, Modifiers::NONE, Key::M, "ruler");
    drag(&mut harness, centre, by);
    let drawn = all(&harness);
    let [(_, ruler, Some(FigureMeasures::Length { length_mm }))] = &drawn[..] else { panic!("{drawn:?}") };
    assert!(is_near(*length_mm, x.hypot(y)), "{length_mm} is not {}", x.hypot(y));
    assert_eq!(ruler.name, "Ruler 1");
    picture(&mut harness, "ruler");

    // Its other end, by the crosshair, and back; in the middle of it Esc leaves everything.
    take(&mut harness, Modifiers::NONE, Key::Num1, "crosshair");
    let before = all(&harness);
    harness.drag_at(centre + by);
    harness.step();
    harness.hover_at(centre);
    harness.run_steps(2);
    assert!(harness.state().studio().hand.tool.is_busy());
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    harness.drop_at(centre);
    harness.run_steps(2);
    assert_eq!(all(&harness), before);
    drag(&mut harness, centre + by, egui::vec2(-60.0, 30.0));
    let end = pixel(&mut harness, centre + by + egui::vec2(-60.0, 30.0));
    let [x, y] = way(from, end, mm);
    let moved = all(&harness);
    let Some(FigureMeasures::Length { length_mm }) = moved[0].2 else { panic!("{moved:?}") };
    assert!(is_near(length_mm, x.hypot(y)), "{length_mm} is not {}", x.hypot(y));
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert_eq!(all(&harness), before);

    // In a mirrored view it lies at the mirrored place: the pointer finds it there, and its points are what they were.
    harness.hover_at(centre);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::H);
    harness.run_steps(3);
    let mirrored = centre + egui::vec2(-by.x, by.y) * 0.5;
    harness.hover_at(mirrored);
    harness.run_steps(3);
    assert_eq!(measuring::under_pointer(harness.state().studio()), Some(before[0].0));
    harness.hover_at(centre + by * 0.5);
    harness.run_steps(3);
    assert_eq!(measuring::under_pointer(harness.state().studio()), None);
    harness.key_press(Key::Backspace);
    harness.run_steps(2);
    assert_eq!(all(&harness), before, "nothing lies there");
    harness.hover_at(mirrored);
    harness.run_steps(2);
    picture(&mut harness, "ruler-mirrored");
    harness.key_press(Key::Delete);
    harness.run_steps(3);
    assert_eq!(count(&harness), 0);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(3);
    assert_eq!(all(&harness), before);
    harness.hover_at(mirrored);
    harness.run_steps(2);
    harness.key_press(Key::Backspace);
    harness.run_steps(3);
    assert_eq!(count(&harness), 0);
}

#[test]
fn an_angle_and_a_region_have_the_numbers_of_their_pixels() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let centre = middle(&harness);
    let (mm, layout) = axial(&harness);
    take(&mut harness, Modifiers::SHIFT, Key::M, "angle");
    let places = [centre, centre + egui::vec2(60.0, 5.0), centre + egui::vec2(20.0, 70.0)];
    let [a, corner, b] = places.map(|place| pixel(&mut harness, place));
    places.into_iter().for_each(|place| click_at(&mut harness, place));
    let ([ax, ay], [bx, by]) = (way(corner, a, mm), way(corner, b, mm));
    let expected = ((ax * bx + ay * by) / ax.hypot(ay) / bx.hypot(by)).acos().to_degrees();
    let drawn = all(&harness);
    let [(_, _, Some(FigureMeasures::Angle { angle_degrees: Some(degrees) }))] = &drawn[..] else {
        panic!("{drawn:?}")
    };
    assert!(is_near(*degrees, expected), "{degrees} is not {expected}");

    take(&mut harness, Modifiers::SHIFT, Key::R, "roi");
    let (from, by) = (centre + egui::vec2(-80.0, -60.0), egui::vec2(75.0, 50.0));
    let (low, high) = (pixel(&mut harness, from), pixel(&mut harness, from + by));
    drag(&mut harness, from, by);
    settle(&mut harness);
    let drawn = all(&harness);
    let (_, region, Some(FigureMeasures::Region { area_mm2, values: Some(values) })) = &drawn[1] else {
        panic!("{drawn:?}")
    };
    assert!(matches!(region.figure, Figure::Ellipse(_)));
    let [width, height] = way(low, high, mm);
    assert!(is_near(*area_mm2, std::f64::consts::PI / 4.0 * width * height));
    // Every voxel of the slice, whether its centre lies inside.
    let studio = harness.state().studio();
    let (volume, slice) = (studio.volume().unwrap(), studio.slice(Plane::Axial).unwrap());
    let mut inside = Vec::new();
    for row in 0..layout.size[1] {
        for column in 0..layout.size[0] {
            let off =
                |at: usize, axis: usize| (2.0 * (at as f64 + 0.5) - low[axis] - high[axis]) / (high[axis] - low[axis]);
            if off(column, 0).powi(2) + off(row, 1).powi(2) <= 1.0 {
                inside.push(volume.value(layout.voxel([column, row, slice]), 0));
            }
        }
    }
    let mean = inside.iter().sum::<f64>() / inside.len() as f64;
    inside.sort_by(f64::total_cmp);
    let RegionValues { voxels, statistics: Some(own), .. } = values else { panic!("{values:?}") };
    assert_eq!(*voxels, inside.len() as u64);
    assert!(inside.len() > 20 && is_near(own.mean, mean), "{own:?} {mean}");
    assert_eq!([own.min, own.max], [inside[0], inside[inside.len() - 1]]);
    picture(&mut harness, "angle-region");

    // A rectangle by its option, and all steps back and forth.
    task(&mut harness, ANNOTATE);
    harness.get_by_role_and_label(Role::ComboBox, "Shape").click();
    harness.run_steps(3);
    harness.get_by_label("Rectangle").click();
    harness.run_steps(3);
    drag(&mut harness, centre + egui::vec2(-80.0, 30.0), egui::vec2(60.0, 40.0));
    let three = all(&harness);
    assert!(three.len() == 3 && matches!(three[2].1.figure, Figure::Rectangle(_)));
    for left in [2, 1, 0] {
        harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        harness.run_steps(2);
        assert_eq!(count(&harness), left);
    }
    for _ in 0..3 {
        harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        harness.run_steps(2);
    }
    settle(&mut harness);
    assert_eq!(all(&harness), three);
}

/// What was put on the clipboard in the last frame.
fn copied(harness: &Window) -> Option<String> {
    harness.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn the_list_leads_to_a_measurement_renames_copies_and_deletes_it() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = sample();
    let centre = middle(&harness);
    take(&mut harness, Modifiers::NONE, Key::M, "ruler");
    drag(&mut harness, centre, egui::vec2(50.0, 0.0));
    take(&mut harness, Modifiers::SHIFT, Key::R, "roi");
    drag(&mut harness, centre + egui::vec2(-60.0, -60.0), egui::vec2(50.0, 40.0));
    task(&mut harness, EXPORT);
    find(&mut harness, "Copy measurements CSV");
    picture(&mut harness, "measurements-list");
    let slice = |harness: &Window| harness.state().studio().slice(Plane::Axial).unwrap();
    let drawn_in = slice(&harness);
    harness.hover_at(centre);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::PageUp);
    harness.run_steps(3);
    assert_ne!(slice(&harness), drawn_in);
    harness.get_by_label("Ruler 1").click();
    harness.run_steps(3);
    assert_eq!(slice(&harness), drawn_in, "a click goes to its slice");

    let id = all(&harness)[0].0;
    harness.state_mut().request(Request::RenameMeasurement(id, "Long axis, left".into()));
    harness.run_steps(3);
    harness.get_by_label("Long axis, left");
    harness.get_by_label("Copy measurements CSV").click();
    let text = (0..4).find_map(|_| {
        harness.step();
        copied(&harness)
    });
    let text = text.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let Some(FigureMeasures::Length { length_mm }) = all(&harness)[0].2 else { panic!() };
    assert!(lines[0].starts_with("scan,name,kind,plane,slice,length_mm,angle_degrees,area_mm2,voxels"), "{text}");
    let row = format!(",\"Long axis, left\",ruler,axial,{},{length_mm},", drawn_in + 1);
    assert!(lines[1].contains(&row), "{} in {}", row, lines[1]);
    assert!(lines[2].contains(",ROI 1,ellipse,axial,"), "{text}");
    harness.get_by_label("Delete ROI 1").click();
    harness.run_steps(3);
    assert_eq!(count(&harness), 1);
}

#[test]
fn a_document_keeps_measurements_and_leaving_without_one_is_asked_about() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scan = folder.path().join("head.nii.gz");
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    std::fs::copy(sample, &scan).unwrap();
    let path = folder.path().join("case.lamella");
    let mut harness = window(vec![scan]);
    settle(&mut harness);
    take(&mut harness, Modifiers::SHIFT, Key::R, "roi");
    let centre = middle(&harness);
    drag(&mut harness, centre, egui::vec2(60.0, 45.0));
    settle(&mut harness);
    let drawn = all(&harness);
    assert!(drawn.len() == 1 && harness.state().studio().is_unsaved());
    harness.state_mut().request(Request::Run("file.quit"));
    harness.run_steps(3);
    harness.get_by_label_contains("measurements of head");
    harness.get_by_label("Save document and close");
    picture(&mut harness, "measurements-leaving");
    harness.get_by_label("Keep working").click();
    harness.run_steps(3);
    let mode = Mode::Save("Lamella document".into(), vec![".lamella"]);
    let answer = Answer { purpose: Purpose::SaveDocument, mode, path: Some(path.clone()) };
    harness.state_mut().request(Request::Answer(answer));
    harness.run_steps(2);
    settle(&mut harness);
    assert!(!harness.state().studio().is_unsaved(), "{:?}", harness.state().messages());
    drop(harness);

    let mut second = window(vec![path]);
    settle(&mut second);
    let again = all(&second);
    assert_eq!((&again[0].1, &again[0].2), (&drawn[0].1, &drawn[0].2));
    assert!(!second.state().studio().is_unsaved());
}

/// The picture of the guide; drawn by hand movements as a user makes them.
#[test]
fn measurements_in_view_are_pictured_for_the_guide() {
    let _alone = alone();
    if std::env::var_os("LAMELLA_PICTURES").is_none() || !can_render() {
        return;
    }
    let mut harness: Window = egui_kittest::Harness::builder()
        .with_size(Vec2::new(1280.0, 720.0))
        .wgpu()
        .build_eframe(|context| lamella::gui::App::ephemeral(context, Vec::new()));
    harness.run_steps(2);
    harness.get_by_label("Try the sample").click();
    harness.step();
    settle(&mut harness);
    let mut settings = harness.state().studio().settings.clone();
    settings.tiles[3] = lamella::app::state::tiles::TileContent::Numbers;
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    task(&mut harness, ANNOTATE);
    let centre = middle(&harness);
    take(&mut harness, Modifiers::SHIFT, Key::R, "roi");
    drag(&mut harness, centre + egui::vec2(-75.0, -70.0), egui::vec2(60.0, 40.0));
    take(&mut harness, Modifiers::SHIFT, Key::M, "angle");
    for by in [egui::vec2(-90.0, 110.0), egui::vec2(-60.0, 40.0), egui::vec2(-10.0, 100.0)] {
        click_at(&mut harness, centre + by);
    }
    take(&mut harness, Modifiers::NONE, Key::M, "ruler");
    drag(&mut harness, centre + egui::vec2(5.0, 10.0), egui::vec2(60.0, 25.0));
    harness.hover_at(centre + egui::vec2(20.0, 16.5));
    settle(&mut harness);
    picture(&mut harness, "tool-ruler-1280-dark");
    assert_eq!(count(&harness), 3);
}
