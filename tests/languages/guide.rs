//! The Chinese guide has what the English one has, page by page, and calls the window's parts by their names.

use std::collections::BTreeSet;
use std::path::Path;

use lamella::words::{CHINESE_PO, entries};

use super::markdown::Page;

const ENGLISH: &str = "docs/guide";
const CHINESE: &str = "docs/guide/zh-Hans";

fn pages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(ENGLISH);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_string())
        .collect();
    pages.sort();
    pages
}

fn both(page: &str) -> (Page, Page) {
    (Page::read(&format!("{ENGLISH}/{page}")), Page::read(&format!("{CHINESE}/{page}")))
}

fn assert_none(wrong: &[String], why: &str) {
    assert!(wrong.is_empty(), "{why}:\n{}", wrong.join("\n"));
}

/// A text with this for each of its values, as a guide writes a button whose text has a number; without the dots of a menu.
fn with_values(text: &str, value: &str) -> String {
    let places = lamella::words::placeholders(text);
    let said = places.iter().fold(text.to_string(), |text, place| text.replace(place, value));
    said.strip_suffix("...").filter(|_| places.is_empty()).map_or(said.clone(), str::to_string)
}

/// What the window calls things: English and Chinese.
fn names() -> Vec<(String, String)> {
    let pairs = entries(CHINESE_PO).unwrap().into_iter();
    pairs
        .flat_map(|entry| {
            ["N", "..."].map(|value| (with_values(&entry.english, value), with_values(&entry.translation, value)))
        })
        .collect()
}

#[test]
fn every_page_of_the_guide_is_there_in_chinese_and_says_as_much() {
    let pages = pages();
    assert!(pages.len() > 30, "{pages:?}");
    let mut stale = Vec::new();
    for name in pages {
        let (english, chinese) = both(&name);
        let depths = |page: &Page| page.headings.iter().map(|(depth, _)| *depth).collect::<Vec<_>>();
        let links = |page: &Page| {
            let mut all: Vec<String> = page.links.iter().map(|(file, _)| file.replace(CHINESE, ENGLISH)).collect();
            // The pages on the languages name each other.
            all.retain(|file| !(name == "language.md" && (file.ends_with("README.md") || file == "docs/guide.md")));
            all.sort();
            all
        };
        let mut compare = |what: &str, english: String, chinese: String| {
            if english != chinese {
                stale.push(format!("{name}, {what}:\n  English {english}\n  Chinese {chinese}"));
            }
        };
        compare("headings", format!("{:?}", depths(&english)), format!("{:?}", depths(&chinese)));
        compare("rows, items and blocks", format!("{:?}", english.shape), format!("{:?}", chinese.shape));
        compare("commands", english.commands.join("\n"), chinese.commands.join("\n"));
        compare("links", format!("{:?}", links(&english)), format!("{:?}", links(&chinese)));
        compare("how much is bold", english.bold.len().to_string(), chinese.bold.len().to_string());
        for (what, english, chinese) in
            [("code", english.code, chinese.code), ("numbers", english.numbers, chinese.numbers)]
        {
            let missing = |a: &super::markdown::Counts, b: &super::markdown::Counts| {
                a.iter()
                    .filter(|(one, times)| b.get(*one) != Some(times))
                    .map(|(one, _)| one.clone())
                    .collect::<Vec<_>>()
            };
            compare(what, format!("{:?}", missing(&english, &chinese)), format!("{:?}", missing(&chinese, &english)));
        }
    }
    assert_none(&stale, "pages of the Chinese guide that are not as the English ones are");
}

#[test]
fn links_of_the_chinese_guide_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut lost = Vec::new();
    for name in pages().into_iter().chain(["README.md".to_string()]) {
        for (file, place) in Page::read(&format!("{CHINESE}/{name}")).links {
            let is_there = file.starts_with("https://") || root.join(&file).exists();
            let is_place = place.as_ref().is_none_or(|place| {
                file.starts_with("https://") || (is_there && Page::read(&file).places().contains(place))
            });
            if !is_there || !is_place {
                lost.push(format!("{name}: {file} {}", place.unwrap_or_default()));
            }
        }
    }
    assert_none(&lost, "links that lead nowhere");
    let index = Page::read(&format!("{CHINESE}/README.md"));
    let linked: BTreeSet<&str> = index.links.iter().filter_map(|(file, _)| file.rsplit('/').next()).collect();
    let unlinked: Vec<String> = pages().into_iter().filter(|name| !linked.contains(name.as_str())).collect();
    assert_none(&unlinked, "pages that the Chinese index leaves out");
}

/// What stands between these quotes before one of these words.
fn quoted_before(text: &str, words: &[&str]) -> Vec<String> {
    let parts: Vec<&str> = text.split('“').skip(1).filter(|part| part.contains('”')).collect();
    let quoted = parts.into_iter().filter_map(|part| part.split_once('”'));
    quoted
        .filter(|(_, behind)| words.iter().any(|word| behind.starts_with(word)))
        .map(|(inside, _)| inside.to_string())
        .collect()
}

#[test]
fn the_chinese_guide_calls_the_window_by_its_names() {
    let names = names();
    let known: BTreeSet<&str> = names.iter().map(|(_, chinese)| chinese.as_str()).collect();
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        let (english, chinese) = both(&page);
        // A control is printed bold by its name in both.
        for bold in english.bold.iter().filter(|bold| bold.starts_with(|letter: char| letter.is_ascii_uppercase())) {
            let bold = with_values(bold, "");
            let mut translations =
                names.iter().filter(|(name, _)| *name == bold).map(|(_, chinese)| chinese).peekable();
            if translations.peek().is_some() {
                count += 1;
                let is_said = |name: &String| chinese.bold.iter().any(|said| with_values(said, "") == *name);
                if !translations.any(is_said) {
                    wrong.push(format!("{page}: {bold} is not called as in the window"));
                }
            }
        }
        // Ways through menus, and what is a task, a menu, a tile or a window.
        let menus = ["“", "*", "("].into_iter().flat_map(|open| chinese.text.split(open).skip(1));
        let menus = menus.filter_map(|part| part.split(['”', '*', ')']).next()).filter(|way| way.contains(" > "));
        let menus: BTreeSet<&str> = menus.filter(|way| !way.contains('“')).collect();
        let steps = menus.iter().flat_map(|way| way.split(" > ")).map(str::to_string);
        let parts = quoted_before(&chinese.text, &["任务", "菜单", "窗格", "窗口"]);
        for name in steps.chain(parts) {
            count += 1;
            if !known.contains(with_values(&name, "").as_str()) {
                wrong.push(format!("{page}: there is no {name} in the window"));
            }
        }
        if english.text.matches(" > ").count() != chinese.text.matches(" > ").count() {
            wrong.push(format!("{page}: not the same ways through menus"));
        }
    }
    assert!(count > 140, "only {count} names were found");
    assert_none(&wrong, "names in the Chinese guide");
}
