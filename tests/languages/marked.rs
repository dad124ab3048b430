//! The window with every text of the catalogue in ⟦ ⟧: whatever has words outside of them does not come from it, or is data.

use std::collections::BTreeSet;

use eframe::egui::{self, Key};
use egui_kittest::kittest::{NodeT, Queryable};
use lamella::app::{Request, Task};
use lamella::edit::operations::OPERATIONS;
use lamella::tools::TOOLS;
use lamella::words::Language;

use super::window::{Window, alone, can_render, picture, settle, window};

/// Names, which are the same in every language: of the sample and its labels, of networks, programs and formats, of keys and units.
const NAMES: &[&str] = &[
    "synthetic",
    "hippocampus",
    "Hippocampus",
    "Lamella",
    "English",
    "auto",
    "cpu",
    "MIT",
    "Apache",
    "OR",
    "CSV",
    "TIFF",
    "PNG",
    "DICOM",
    "DICOMweb",
    "JSON",
    "GET",
    "MOVE",
    "ITK",
    "SNAP",
    "Slicer",
    "OHIF",
    "unet",
    "LAMELLA",
    "ORTHANC",
    "Dice",
    "anterior",
    "posterior",
    "lamella",
    "CT",
    "Anterior",
    "Posterior",
    "nii",
    "gz",
    "seg",
    "RAS",
    "LAS",
    "LPS",
    "MR",
    // Keys.
    "Ctrl",
    "Shift",
    "Alt",
    "Enter",
    "Esc",
    "Escape",
    "Delete",
    "Backspace",
    "Space",
    "Tab",
    "Home",
    "End",
    "Left",
    "Right",
    "Up",
    "Down",
    "PageUp",
    "PageDown",
    // Units.
    "mm",
    "mL",
    "MB",
    "dpi",
    "ms",
    "min",
];

/// Whole texts that are data: what can be typed, identifiers of networks, names that the program proposes.
const DATA: &[&str] = &[
    // The format, and fields of its header as the standard calls them.
    "NIfTI-1 (little-endian)",
    "dim",
    "pixdim",
    "qform code",
    "sform code",
    "scl_slope",
    "scl_inter",
    "all",
    "none",
    "plain",
    "my-model",
    "Segmentation",
    "Label 1",
    "light",
    "in-plane",
    "full",
    "strong",
    "z-score",
];

/// What the program calls a segmentation and a label that have no other name: names, which the user changes.
const PROPOSED: &[&str] = &["Segmentation", "Label 1"];

/// The words of a text that are neither marked nor data.
fn foreign_words(text: &str) -> Vec<String> {
    let mut outside = String::new();
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            '⟦' => depth += 1,
            '⟧' => {
                depth -= 1;
                outside.push(' ');
            }
            letter if depth == 0 => outside.push(letter),
            _ => {}
        }
    }
    PROPOSED.iter().for_each(|name| outside = outside.replace(name, " "));
    outside
        .split_whitespace()
        .filter(|word| !word.contains('/'))
        .flat_map(|word| word.split(|letter: char| !letter.is_ascii_alphanumeric()))
        .filter(|word| {
            word.len() > 1 && word.chars().all(|letter| letter.is_ascii_alphabetic()) && !NAMES.contains(word)
        })
        .map(str::to_string)
        .collect()
}

/// The texts that have foreign words, with where they were seen.
#[derive(Default)]
struct Found(BTreeSet<String>);

impl Found {
    fn look(&mut self, harness: &Window, place: &str) {
        for node in harness.query_all_by(|_| true) {
            let node = node.accesskit_node();
            for text in [node.label(), node.value(), node.placeholder().map(str::to_string)].into_iter().flatten() {
                let words = foreign_words(&text);
                // A place of the file dialog is called as its folder.
                let is_data = DATA.contains(&text.as_str()) || text.starts_with("⟦Place ⟧");
                if !is_data && !words.is_empty() {
                    self.0.insert(format!("{place}: {text:?} has {}", words.join(", ")));
                }
            }
        }
    }

    /// Does a command, looks at what there is then, and closes what it has opened.
    fn run(&mut self, harness: &mut Window, id: &'static str) {
        harness.state_mut().request(Request::Run(id));
        harness.run_steps(6);
        self.look(harness, id);
    }

    fn close(harness: &mut Window) {
        harness.key_press(Key::Escape);
        harness.run_steps(3);
    }
}

fn marked(paths: Vec<std::path::PathBuf>) -> Window {
    let mut harness = window(paths);
    harness.run_steps(2);
    let settings = &harness.state().studio().settings;
    // Nothing is folded, so that everything is seen.
    let settings = lamella::app::Settings { language: Some(Language::Marked), folded: Vec::new(), ..settings.clone() };
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    harness.run_steps(3);
    harness
}

fn open_task(harness: &mut Window, task: Task) {
    let settings = lamella::app::Settings { task, ..harness.state().studio().settings.clone() };
    harness.state_mut().request(Request::Settings(Box::new(settings)));
    harness.run_steps(5);
}

fn english_again(harness: &mut Window) {
    harness.state_mut().request(Request::Run("window.english"));
    harness.run_steps(2);
}

#[test]
fn every_text_of_the_window_is_from_the_catalogue() {
    let _alone = alone();
    let mut found = Found::default();
    let mut harness = marked(Vec::new());
    found.look(&harness, "welcome");
    harness.get_by_label("⟦Not for diagnosis⟧");
    found.run(&mut harness, "teach.alone");
    harness.state_mut().request(Request::Run("teach.alone"));
    harness.state_mut().request(Request::Run("file.sample"));
    harness.step();
    settle(&mut harness);
    for menu in ["File", "Edit", "View", "Labels", "Menu Segment", "Menu Teach", "Window"] {
        let label =
            menu.split_once(' ').map_or_else(|| format!("⟦{menu}⟧"), |(menu, name)| format!("⟦{menu} ⟧⟦{name}⟧"));
        harness.get_by_label(&label).click();
        harness.run_steps(3);
        found.look(&harness, menu);
        Found::close(&mut harness);
    }
    for id in ["window.first-task", "view.body", "view.body-maximum", "view.body-labels"] {
        found.run(&mut harness, id);
    }
    harness.state_mut().request(Request::Run("window.end-first-task"));
    for tool in TOOLS {
        open_task(&mut harness, Task::Annotate);
        found.run(&mut harness, tool.id);
    }
    // A stroke, so that there is something to undo, to save and to compare.
    harness.state_mut().request(Request::Run("brush"));
    harness.run_steps(2);
    stroke(&mut harness);
    for operation in OPERATIONS {
        found.run(&mut harness, operation.id);
    }
    for task in Task::ALL {
        open_task(&mut harness, task);
        found.look(&harness, task.name());
    }
    for label in ["⟦Steps⟧", "⟦More about labels⟧"] {
        open_task(&mut harness, Task::Annotate);
        harness.get_by_label(label).click();
        harness.run_steps(4);
        found.look(&harness, label);
        Found::close(&mut harness);
    }
    for id in [
        "window.palette",
        "window.keys",
        "window.about",
        "file.servers",
        "file.deidentify",
        "file.figures",
        "file.save-as",
        "file.close",
    ] {
        found.run(&mut harness, id);
        Found::close(&mut harness);
    }
    english_again(&mut harness);
    assert!(
        found.0.is_empty(),
        "{} texts are not from the catalogue:\n{}",
        found.0.len(),
        found.0.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// A stroke in the axial view, which is called by its marked name here.
fn stroke(harness: &mut Window) {
    let place = harness.get_by_role_and_label(egui::accesskit::Role::Image, "⟦Axial⟧⟦ view⟧").rect().center();
    harness.drag_at(place);
    harness.step();
    harness.hover_at(place + egui::vec2(30.0, 0.0));
    harness.run_steps(2);
    harness.drop_at(place + egui::vec2(30.0, 0.0));
    harness.run_steps(3);
}

#[test]
fn a_text_outside_the_catalogue_is_found() {
    assert_eq!(foreign_words("⟦Paint ⟧hippocampus⟦: tools⟧ (Ctrl+Z)"), Vec::<String>::new());
    assert_eq!(foreign_words("⟦Paint ⟧the rest"), ["the", "rest"]);
    assert_eq!(foreign_words("⟦No ⟧axial⟦ slice⟧"), ["axial"]);
    assert_eq!(foreign_words("12.5 mm /tmp/some/where"), Vec::<String>::new());
}

#[test]
fn every_panel_in_both_languages_is_whole_at_1280_by_720() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    for (id, name) in [("window.english", "english"), ("window.chinese", "chinese")] {
        let mut harness = egui_kittest::Harness::builder()
            .with_size(egui::Vec2::new(1280.0, 720.0))
            .wgpu()
            .build_eframe(|context| lamella::gui::App::ephemeral(context, Vec::new()));
        harness.run_steps(2);
        harness.state_mut().request(Request::Run(id));
        harness.run_steps(3);
        picture(&mut harness, &format!("{name}_welcome"));
        harness.state_mut().request(Request::Run("file.sample"));
        harness.step();
        settle(&mut harness);
        for task in Task::ALL {
            open_task(&mut harness, task);
            picture(&mut harness, &format!("{name}_{}", task.name().to_lowercase()));
            // The main button at the foot, the tabs and the bar are within the window.
            let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::Vec2::new(1280.0, 720.0));
            for node in harness.query_all_by_role(egui::accesskit::Role::Button) {
                let rect = node.rect();
                let is_in_sight = rect.min.y < window.max.y && rect.max.y > window.min.y;
                assert!(
                    !is_in_sight || (rect.min.x >= 0.0 && rect.max.x <= window.max.x + 0.5),
                    "{name}: {:?} at {rect:?}",
                    node.accesskit_node().label()
                );
            }
        }
        for window in ["window.palette", "window.keys", "file.servers", "file.deidentify", "file.figures"] {
            harness.state_mut().request(Request::Run(window));
            harness.run_steps(6);
            settle(&mut harness);
            picture(&mut harness, &format!("{name}_{}", window.replace('.', "_")));
            Found::close(&mut harness);
        }
        english_again(&mut harness);
    }
}
