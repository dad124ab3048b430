//! Every panel, list and dialog in both languages at 1280 x 720: no text is cut, and what is shortened is whole where the pointer rests on it.
//!
//! `LAMELLA_PICTURES=FOLDER cargo test --release --test languages whole` saves a picture of each.

use std::collections::BTreeSet;

use eframe::egui::{self, Rect, Shape, epaint::ClippedShape};
use lamella::gui::App;
use lamella::words::Language;

use super::walk::{close, english_again, speak, walk, write_stack};
use super::window::{Window, alone, can_render, picture, settle};

/// How far a text may reach behind an edge: the width of a letter's own margin, in points.
const MARGIN: f32 = 1.0;

/// A window of 1280 x 720 points.
fn small(paths: Vec<std::path::PathBuf>) -> Window {
    egui_kittest::Harness::builder()
        .with_size(egui::vec2(1280.0, 720.0))
        .wgpu()
        .build_eframe(|context| App::ephemeral(context, paths))
}

/// A text on screen.
struct Text {
    words: String,
    /// Where its letters are, and where they may be painted.
    letters: Rect,
    clip: Rect,
    is_shortened: bool,
}

fn texts_of(shape: &Shape, clip: Rect, all: &mut Vec<Text>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| texts_of(shape, clip, all)),
        Shape::Text(text) if text.angle == 0.0 && !text.galley.job.text.trim().is_empty() => {
            let letters = text.galley.mesh_bounds.translate(text.pos.to_vec2());
            let words = text.galley.job.text.clone();
            all.push(Text { words, letters, clip, is_shortened: text.galley.elided });
        }
        _ => {}
    }
}

/// The texts that are painted, as egui was told to.
fn texts(harness: &Window) -> Vec<Text> {
    let mut all = Vec::new();
    for ClippedShape { clip_rect, shape } in &harness.output().shapes {
        texts_of(shape, *clip_rect, &mut all);
    }
    // What is scrolled out of sight is not cut.
    all.retain(|text| text.clip.intersect(text.letters).is_positive());
    all
}

/// Whether a text runs out of its place at the left or the right, or out of the window at any side.
fn is_cut(text: &Text) -> bool {
    let (place, letters) = (text.clip.expand(MARGIN), text.letters);
    let is_cut_aside = letters.min.x < place.min.x || letters.max.x > place.max.x;
    let screen = Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1280.0, 720.0)).expand(MARGIN);
    // At the top and the foot a list may be scrolled, unless its edge is that of the window.
    let is_above = letters.min.y < screen.min.y && text.clip.min.y <= 0.0;
    let is_below = letters.max.y > screen.max.y && text.clip.max.y >= 720.0;
    is_cut_aside || is_above || is_below || letters.min.x < screen.min.x || letters.max.x > screen.max.x
}

/// Whether a text stands there whole when the pointer rests on its shortened form.
fn is_told(harness: &mut Window, text: &Text) -> bool {
    harness.hover_at(text.clip.intersect(text.letters).center());
    harness.run_steps(40);
    let wanted = text.words.trim();
    let is_there = texts(harness).iter().any(|other| !other.is_shortened && other.words.contains(wanted));
    harness.remove_cursor();
    harness.run_steps(3);
    is_there
}

/// What was found in one language.
struct Report {
    language: &'static str,
    wrong: BTreeSet<String>,
    told: BTreeSet<String>,
    seen: usize,
}

impl Report {
    fn look(&mut self, harness: &mut Window, place: &str) {
        harness.remove_cursor();
        harness.run_steps(2);
        let name = place.to_lowercase().replace([' ', '.'], "-");
        picture(harness, &format!("{}_{name}", self.language));
        let all = texts(harness);
        self.seen += all.len();
        for text in all {
            if is_cut(&text) {
                let (letters, clip) = (text.letters, text.clip);
                self.wrong.insert(format!("{}: {:?} at {letters:?} is cut by {clip:?}", self.language, text.words));
            } else if text.is_shortened && self.told.insert(text.words.clone()) && !is_told(harness, &text) {
                self.wrong.insert(format!("{}, {place}: {:?} is nowhere whole", self.language, text.words));
            }
        }
    }
}

#[test]
fn every_panel_is_whole_in_both_languages() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let mut wrong = BTreeSet::new();
    for (language, name) in [(Language::English, "english"), (Language::Chinese, "chinese")] {
        let mut report = Report { language: name, wrong: BTreeSet::new(), told: BTreeSet::new(), seen: 0 };
        let mut harness = small(Vec::new());
        speak(&mut harness, language);
        // Parts that are kept as pictures have no texts.
        let context = harness.ctx.clone();
        harness.state().set_keeping(&context, false);
        walk(&mut harness, &mut |harness, place| report.look(harness, place));
        assert!(report.seen > 5000, "only {} texts were painted", report.seen);
        english_again(&mut harness);
        drop(harness);
        // What asks before something is opened.
        let folder = tempfile::tempdir().unwrap();
        write_stack(folder.path());
        let mut harness = small(vec![folder.path().to_path_buf()]);
        settle(&mut harness);
        speak(&mut harness, language);
        let context = harness.ctx.clone();
        harness.state().set_keeping(&context, false);
        harness.run_steps(3);
        report.look(&mut harness, "voxel size");
        close(&mut harness);
        english_again(&mut harness);
        wrong.append(&mut report.wrong);
    }
    assert!(wrong.is_empty(), "{} texts are cut:\n{}", wrong.len(), wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_text_that_is_cut_is_found() {
    let text = |x: f32, width: f32, clip: f32| Text {
        words: "Open".to_string(),
        letters: Rect::from_min_size(egui::pos2(x, 10.0), egui::vec2(width, 12.0)),
        clip: Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(clip, 100.0)),
        is_shortened: false,
    };
    assert!(!is_cut(&text(10.0, 40.0, 60.0)));
    assert!(is_cut(&text(10.0, 60.0, 60.0)), "behind its place");
    assert!(is_cut(&text(-5.0, 20.0, 60.0)), "before its place");
    assert!(is_cut(&text(1270.0, 40.0, 2000.0)), "behind the window");
    let mut low = text(10.0, 40.0, 60.0);
    low.letters = low.letters.translate(egui::vec2(0.0, 705.0));
    low.clip.max.y = 710.0;
    assert!(!is_cut(&low), "scrolled");
    low.clip.max.y = 720.0;
    assert!(is_cut(&low), "below the window");
}
