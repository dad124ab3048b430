//! The window with every text of the catalogue in ⟦ ⟧: whatever has words outside of them does not come from it, or is data.

use std::collections::BTreeSet;

use egui_kittest::kittest::{NodeT, Queryable};
use lamella::words::Language;

use super::walk::{english_again, speak, walk};
use super::window::{Window, alone, window};

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
        // Names and texts of licences are data, in the words of those who gave them.
        if place == "window.licences" {
            return;
        }
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
}

fn marked(paths: Vec<std::path::PathBuf>) -> Window {
    let mut harness = window(paths);
    speak(&mut harness, Language::Marked);
    harness
}

#[test]
fn every_text_of_the_window_is_from_the_catalogue() {
    let _alone = alone();
    let mut found = Found::default();
    let mut harness = marked(Vec::new());
    harness.get_by_label("⟦Not for diagnosis⟧");
    walk(&mut harness, &mut |harness, place| found.look(harness, place));
    english_again(&mut harness);
    assert!(
        found.0.is_empty(),
        "{} texts are not from the catalogue:\n{}",
        found.0.len(),
        found.0.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn a_text_outside_the_catalogue_is_found() {
    assert_eq!(foreign_words("⟦Paint ⟧hippocampus⟦: tools⟧ (Ctrl+Z)"), Vec::<String>::new());
    assert_eq!(foreign_words("⟦Paint ⟧the rest"), ["the", "rest"]);
    assert_eq!(foreign_words("⟦No ⟧axial⟦ slice⟧"), ["axial"]);
    assert_eq!(foreign_words("12.5 mm /tmp/some/where"), Vec::<String>::new());
}
