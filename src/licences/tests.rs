//! The list against Cargo.lock, what cargo says of the crates, and the files of this project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::*;

const AGAIN: &str = "run `bash packaging/licences.sh` and commit assets/licences.json.gz";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crates that this machine's program is built of, by `cargo metadata`: name and version, with the licence.
fn crates_by_cargo() -> BTreeMap<(String, String), String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let run = |arguments: &[&str]| {
        let output = Command::new(&cargo).args(arguments).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = run(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host];
    let all: Value = serde_json::from_str(&run(&arguments)).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let packages: BTreeMap<String, Value> =
        list(&all["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<String, Value> =
        list(&all["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), node)).collect();
    let (mut waiting, mut seen) = (vec![text(&all["resolve"]["root"])], BTreeSet::new());
    while let Some(id) = waiting.pop() {
        if seen.insert(id.clone()) {
            let others = list(&nodes[&id]["deps"]);
            let is_built_in = |other: &&Value| list(&other["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            waiting.extend(others.iter().filter(is_built_in).map(|other| text(&other["pkg"])));
        }
    }
    let foreign = seen.iter().map(|id| &packages[id]).filter(|package| !package["source"].is_null());
    foreign.map(|package| ((text(&package["name"]), text(&package["version"])), text(&package["license"]))).collect()
}

#[test]
fn the_list_is_of_this_cargo_lock() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let value = |block: &str, name: &str| {
        let start = format!("{name} = \"");
        block.lines().find_map(|line| Some(line.strip_prefix(&start)?.trim_end_matches('"').to_string()))
    };
    let foreign = lock.split("[[package]]").filter(|block| value(block, "source").is_some());
    let mut lines: Vec<String> = foreign
        .map(|block| format!("{} {}\n", value(block, "name").unwrap(), value(block, "version").unwrap()))
        .collect();
    lines.sort();
    assert!(lines.len() > 400, "{} crates", lines.len());
    assert_eq!(licences().unwrap().lock, crc32fast::hash(lines.concat().as_bytes()), "{AGAIN}");
}

#[test]
fn every_crate_that_is_built_in_is_listed_with_its_licence() {
    let listed = licences().unwrap();
    let listed: BTreeMap<(String, String), String> = listed
        .parts
        .into_iter()
        .filter(|part| part.kind == Kind::Crate)
        .map(|part| ((part.name, part.version), part.licence))
        .collect();
    let built = crates_by_cargo();
    assert!(built.len() > 300, "{} crates", built.len());
    for (name, licence) in built {
        let licence = licence.replace(" / ", "/").replace('/', " OR ");
        assert_eq!(listed.get(&name), Some(&licence), "{name:?}: {AGAIN}");
    }
}

#[test]
fn fonts_models_and_the_sample_are_listed_and_every_part_has_a_text() {
    let licences = licences().unwrap();
    let named: BTreeSet<&str> = licences.parts.iter().flat_map(|part| part.files.iter().map(String::as_str)).collect();
    for (folder, endings) in
        [("assets/fonts", &["ttf", "otf"][..]), ("models", &["safetensors"][..]), ("assets/sample", &["gz"][..])]
    {
        for file in std::fs::read_dir(root().join(folder)).unwrap().flatten() {
            let path = format!("{folder}/{}", file.file_name().to_string_lossy());
            if endings.iter().any(|ending| path.ends_with(ending)) {
                assert!(named.contains(path.as_str()), "{path}: add it to packaging/licences/parts.json, and {AGAIN}");
            }
        }
    }
    for part in &licences.parts {
        let is_by_address = part.licence == "CC-BY-SA-4.0" && part.note.contains("https://creativecommons.org/");
        assert!(!part.licence.is_empty() && (is_by_address || !part.texts.is_empty()), "{part:?}");
        // Some crates have a file that only names the licence, beside those with the texts.
        assert!(is_by_address || part.texts.iter().any(|n| licences.texts[*n].len() > 500), "{part:?}");
    }
    let distinct: BTreeSet<&String> = licences.texts.iter().collect();
    assert_eq!(distinct.len(), licences.texts.len(), "a text is there twice");
}

#[test]
fn a_part_is_found_by_words_and_its_text_is_its_own() {
    let licences = licences().unwrap();
    let found = licences.search("EGUI phosphor");
    assert_eq!(found.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["egui-phosphor"]);
    let text = licences.text(found[0]);
    assert!(text.starts_with("egui-phosphor 0.") && text.contains("Copyright (c) 2023 Romet Tagobert"), "{text}");
    assert!(!text.contains("Rust Project Contributors"));
    assert!(licences.search("no such crate").is_empty());
    assert_eq!(licences.parts[0].name, "Lamella");
    let fonts = licences.search("font ofl");
    assert!(fonts.iter().any(|part| licences.text(part).contains("SIL OPEN FONT LICENSE")), "{fonts:?}");
}
