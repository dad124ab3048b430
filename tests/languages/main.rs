//! The languages of the window: every text is in the catalogue, every entry is right, and a choice changes the window at once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod below;
mod guide;
mod markdown;
mod marked;
mod sources;
#[path = "../support/mod.rs"]
mod support;
mod walk;
mod whole;
#[path = "../support/window.rs"]
mod window;

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui;
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::commands::{self, Group};
use lamella::app::state::cases::CaseState;
use lamella::app::state::deidentifying::{DATES, KEPT};
use lamella::app::state::tiles::{Layout, TileContent};
use lamella::app::{Settings, Task};
use lamella::drawing::ColourMap;
use lamella::edit::operations::{Kind, OPERATIONS};
use lamella::measure::{COLUMNS, SCORE_COLUMNS};
use lamella::tools::{OptionKind, TOOLS};
use lamella::volume::{ANATOMY, Plane, SliceState};
use lamella::words::{CHINESE_PO, Language, entries, placeholders};
use sources::{is_text, literals, said, sources};
use window::{alone, window};

/// What reads as a text in the sources and is none of the window's.
const NO_TEXTS: &[&str] = &[
    // Written into files, which are the same in every language.
    "taught in the window, continued after an interruption",
    "taught{from} in the window, {} minutes",
    " from {}",
    "\n### {title}\n\n| {heads} | {last} |\n|{rule}\n",
    // Controls by which steps of the history are merged.
    "label name",
    "label colour",
    "label shown",
    "label locked",
    "label order",
    // Of a keymap in the settings; the program's log has it.
    "{0:?} is no key; keys are written like Ctrl+Shift+P",
    // Names of textures.
    "{} overlay",
    "{} labels",
    "resliced labels",
    // For the programmer.
    "points of the screen and voxels turn into each other",
    "the window is painted from many switches",
    "switches that the user sets one by one",
    "serde asks with a reference",
    // The program's log.
    "the setting {name} cannot be read and is as at first",
    "settings were not saved: {error}",
    "settings were not saved: their thread has ended",
];

/// The start of lines whose literals nobody reads: names of controls that are kept by, and what the log says.
const UNREAD: &[&str] = &["id_salt(", "Id::new(", ".with(", "tracing::", "control:", "Panel::", "table_ui("];

fn keys() -> BTreeMap<String, Option<String>> {
    entries(CHINESE_PO).unwrap().into_iter().map(|entry| (entry.english, entry.one)).collect()
}

/// Whether the catalogue has it, also as the form for one.
fn has(keys: &BTreeMap<String, Option<String>>, text: &str) -> bool {
    keys.contains_key(text) || keys.values().flatten().any(|one| one == text)
}

fn assert_none(missing: &BTreeSet<String>, why: &str) {
    assert!(missing.is_empty(), "{why}:\n{}", missing.iter().cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_text_that_the_window_says_is_in_the_catalogue() {
    let keys = keys();
    let mut missing = BTreeSet::new();
    let mut count = 0;
    for (path, source) in ["gui", "app"].into_iter().flat_map(sources) {
        for said in said(&path, &source) {
            count += 1;
            if keys.get(&said.text).is_none_or(|one| *one != said.one) {
                missing.insert(format!("{}: {:?}", said.place, said.text));
            }
        }
    }
    assert!(count > 800, "only {count} texts were found");
    assert_none(&missing, "not in assets/languages/zh-Hans.po");
}

#[test]
fn no_sentence_of_the_window_is_outside_the_catalogue() {
    let keys = keys();
    let mut missing = BTreeSet::new();
    for (path, source) in ["gui", "app", "tools"].into_iter().flat_map(sources) {
        // What is painted with is named for the graphics driver; a bench speaks to the command line.
        let is_paint = path.components().any(|part| part.as_os_str() == "paint");
        let is_shown = !is_paint && !path.ends_with("gui/bench_body.rs");
        for literal in literals(&path, &source).into_iter().filter(|_| is_shown) {
            let is_unread = literal.is_for_programmers() || UNREAD.iter().any(|start| literal.before.contains(start));
            let is_known = has(&keys, &literal.text) || NO_TEXTS.contains(&literal.text.as_str());
            if is_text(&literal.text) && !is_unread && !is_known {
                missing.insert(format!("{}: {:?}", literal.place, literal.text));
            }
        }
    }
    assert_none(&missing, "neither in the catalogue nor among what nobody reads");
}

/// What is declared once, and translated where it is shown.
fn declared() -> Vec<&'static str> {
    let mut all = Vec::new();
    for entry in commands::all() {
        all.extend([entry.name, entry.hint, entry.group.name()]);
    }
    for tool in TOOLS {
        all.extend([tool.name, tool.hint]);
        for option in tool.options {
            all.extend([option.name, option.hint]);
            if let OptionKind::Choice(choices) = option.kind {
                all.extend(choices.iter().map(|choice| choice.name));
            }
        }
    }
    for operation in OPERATIONS {
        all.extend([operation.name, operation.hint, operation.group.name()]);
        for parameter in operation.parameters {
            all.extend([parameter.name, parameter.hint]);
            if let Kind::Choice(choices) = parameter.kind {
                all.extend(choices.iter().map(|choice| choice.name));
            }
        }
    }
    all.extend(COLUMNS.iter().filter(|column| column.is_main).flat_map(|column| [column.title, column.about]));
    all.extend(SCORE_COLUMNS.iter().flat_map(|column| [column.title, column.about]));
    all.extend(commands::WINDOW_PRESETS.iter().map(|preset| preset.name));
    all.extend(Task::ALL.map(Task::name));
    all.extend(Plane::ALL.map(Plane::name));
    all.extend(ColourMap::ALL.map(ColourMap::name));
    all.extend(Layout::ALL.map(Layout::name));
    all.extend(TileContent::ALL.map(TileContent::name));
    all.extend([SliceState::Todo, SliceState::Draft, SliceState::Corrected, SliceState::Done].map(SliceState::name));
    all.extend([CaseState::NotBegun, CaseState::Draft, CaseState::Saved, CaseState::Done].map(CaseState::name));
    all.extend(KEPT.iter().flat_map(|(_, name, hint)| [*name, *hint]));
    all.extend(DATES.iter().flat_map(|(_, name, hint)| [*name, *hint]));
    all.extend(ANATOMY.iter().map(|preset| preset.name));
    all.push(Group::Window.name());
    all
}

#[test]
fn everything_that_is_declared_is_in_the_catalogue() {
    let keys = keys();
    let has_words = |text: &&str| text.chars().filter(char::is_ascii_alphabetic).count() > 2;
    let missing: BTreeSet<String> =
        declared().into_iter().filter(has_words).filter(|text| !has(&keys, text)).map(str::to_string).collect();
    assert_none(&missing, "declared, and not in the catalogue");
}

#[test]
fn every_entry_is_whole_said_once_and_used() {
    let all = entries(CHINESE_PO).unwrap();
    assert!(all.len() > 1500);
    let rooms = [
        "app", "gui", "tools", "jobs", "session", "edit", "measure", "drawing", "formats", "learn", "model",
        "pipeline", "volume", "zoo", "remote", "disk", "engine", "graph", "work", "words",
    ];
    let used: BTreeSet<String> = rooms
        .into_iter()
        .flat_map(sources)
        .flat_map(|(path, source)| literals(&path, &source))
        .map(|literal| literal.text)
        .chain([env!("CARGO_PKG_DESCRIPTION").to_string()])
        .collect();
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for entry in &all {
        let text = &entry.english;
        let is_used = used.contains(text) && entry.one.as_ref().is_none_or(|one| used.contains(one));
        let problem = match () {
            () if entry.translation.trim().is_empty() => "has no translation",
            () if placeholders(text) != placeholders(&entry.translation) => "has other values in its translation",
            () if !seen.insert(text) => "stands there twice",
            () if !is_used => "is said nowhere",
            () => continue,
        };
        wrong.insert(format!("line {}: {text:?} {problem}", entry.line));
    }
    assert_none(&wrong, "entries of assets/languages/zh-Hans.po");
}

#[test]
fn the_fonts_have_every_letter_of_the_catalogue() {
    let _alone = alone();
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    let font = egui::FontId::proportional(13.0);
    let letters: BTreeSet<char> =
        entries(CHINESE_PO).unwrap().iter().flat_map(|entry| entry.translation.chars()).collect();
    let missing: String = harness.ctx.fonts_mut(|fonts| {
        letters.into_iter().filter(|letter| !letter.is_whitespace() && !fonts.has_glyph(&font, *letter)).collect()
    });
    assert!(missing.is_empty(), "no font has {missing}");
}

#[test]
fn a_choice_changes_the_window_at_once_and_back() {
    let _alone = alone();
    let mut harness = window(Vec::new());
    harness.run_steps(2);
    harness.get_by_label("Try the sample");
    for (id, shown, hidden) in
        [("window.chinese", "试用示例", "Try the sample"), ("window.english", "Try the sample", "试用示例")]
    {
        harness.state_mut().request(Request::Run(id));
        harness.step();
        harness.step();
        harness.get_by_label(shown);
        assert!(harness.query_by_label(hidden).is_none(), "{hidden} after {id}");
    }
    assert_eq!(harness.state().studio().settings.language, Some(Language::English));
    // It is remembered, and a file without it is English only until the system was asked.
    let settings = Settings { language: Some(Language::Chinese), ..Settings::default() };
    let text = serde_json::to_string(&settings).unwrap();
    assert!(text.contains("\"language\":\"zh-Hans\""), "{text}");
    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    assert_eq!(serde_json::from_str::<Settings>("{}").unwrap().language, None);
}
