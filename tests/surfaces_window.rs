//! Surfaces of labels, exported from the window.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/window.rs"]
mod window;

use std::path::PathBuf;

use eframe::egui;
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use window::*;

#[test]
fn surfaces_are_written_for_each_label_and_foreign_files_stay() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut harness = painted_sample(egui::vec2(40.0, 0.0));
    find(&mut harness, "Export surfaces");
    harness.get_by_label_contains("Export surfaces");
    let folder = tempfile::tempdir().unwrap();
    let of = harness.state().studio().active().unwrap();
    let export = |harness: &mut Window, path: PathBuf| {
        let mode = Mode::Save(String::new(), vec![".stl", ".ply", ".obj"]);
        let answer = Answer { purpose: Purpose::SaveSurfaces(of), mode, path: Some(path) };
        harness.state_mut().request(Request::Answer(answer));
        harness.run_steps(2);
        settle(harness);
    };
    export(&mut harness, folder.path().join("one.stl"));
    let bytes = std::fs::read(folder.path().join("one.stl")).unwrap();
    let triangles = u32::from_le_bytes(bytes[80..84].try_into().unwrap());
    assert!(triangles > 100 && bytes.len() == 84 + 50 * triangles as usize, "{triangles}");
    assert!(bytes.windows(9).take(80).any(|part| part == b"SPACE=LPS"));
    // A second label: STL has a file for each, OBJ has both.
    harness.key_press(egui::Key::N);
    harness.run_steps(2);
    drag_in_axial_view(&mut harness, egui::vec2(0.0, 60.0));
    export(&mut harness, folder.path().join("two.stl"));
    let files = |part: &str| {
        let names =
            std::fs::read_dir(folder.path()).unwrap().flatten().map(|file| file.file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(part)).collect();
        names.sort();
        names
    };
    assert_eq!(files("two"), ["two_Label_1.stl", "two_Label_2.stl"]);
    export(&mut harness, folder.path().join("all.obj"));
    let text = std::fs::read_to_string(folder.path().join("all.obj")).unwrap();
    let groups: Vec<&str> = text.lines().filter(|line| line.starts_with("g ")).collect();
    assert_eq!(groups, ["g Label_1", "g Label_2"]);
    // Nobody was asked about the names of labels: what another program wrote there is not replaced.
    std::fs::write(folder.path().join("three_Label_2.stl"), "solid of another program").unwrap();
    export(&mut harness, folder.path().join("three.stl"));
    assert_eq!(files("three"), ["three_Label_2.stl"]);
    let told = harness.state().messages();
    assert!(told.iter().any(|text| text.contains("three_Label_2.stl")), "{told:?}");
}
