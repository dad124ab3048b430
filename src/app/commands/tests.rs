//! The whole list: ids, keys, reasons, what the window names, the guide's table.

use super::*;
use crate::words::{CHINESE_PO, entries};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn ids_and_names_are_there_and_unique() {
    let ids: BTreeSet<&str> = all().iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), all().len());
    for entry in all() {
        assert!(
            !entry.name.is_empty() && entry.name.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()),
            "{}",
            entry.id
        );
    }
    assert!(find("profile").is_none(), "settings keep the profile under this name");
    assert_eq!(of_key(&Keymap::default(), &"Ctrl+Z".parse().unwrap()).map(|entry| entry.id), Some("edit.undo"));
}

/// The one command of every key.
fn check_keys(keymap: &Keymap, of: &str) -> BTreeMap<Chord, &'static str> {
    let mut keys: BTreeMap<Chord, &str> = BTreeMap::new();
    for entry in all() {
        for chord in keys_of(keymap, entry) {
            if let Some(other) = keys.insert(chord.clone(), entry.id) {
                panic!("{of}: {chord} is the key of {other} and of {}", entry.id);
            }
        }
    }
    keys
}

#[test]
fn no_profile_gives_a_key_twice() {
    let mut given: BTreeSet<&str> = BTreeSet::new();
    for entry in all() {
        for key in entry.keys {
            assert!(given.insert(key), "{key} is given twice, the second time to {}", entry.id);
            assert_eq!(key.parse::<Chord>().unwrap().to_string(), *key, "{}", entry.id);
        }
    }
    for of in PROFILES {
        let mut seen = BTreeSet::new();
        for (id, keys) in of.keys {
            assert!(find(id).is_some(), "{}: {id} is no command", of.name);
            for key in *keys {
                assert!(seen.insert(key), "{}: {key} is given twice", of.name);
                assert_eq!(key.parse::<Chord>().unwrap().to_string(), *key, "{}", of.name);
            }
        }
        assert!(crate::tools::find(of.first_tool).is_some(), "{}", of.name);
        let mut keymap = Keymap::default();
        keymap.set_profile(of.id);
        let keys = check_keys(&keymap, of.name);
        for (id, listed) in of.keys {
            for key in *listed {
                assert_eq!(keys.get(&key.parse().unwrap()), Some(id), "{}: {key}", of.name);
            }
        }
        // The user's keys lie on top, also where another profile gives them to another command.
        for (id, chord) in [("labels.add", "F"), ("edit.redo", "Z"), ("view.fit", "H")] {
            assign(&mut keymap, find(id).unwrap().id, chord.parse().unwrap());
        }
        for other in PROFILES {
            keymap.set_profile(other.id);
            let keys = check_keys(&keymap, other.name);
            assert_eq!(keys.get(&"F".parse().unwrap()), Some(&"labels.add"), "{}", other.name);
        }
    }
}

#[test]
fn profiles_have_the_keys_of_their_programs() {
    let of = |id: &str, chord: &str| {
        let mut keymap = Keymap::default();
        keymap.set_profile(crate::app::state::keymap::ProfileId::from(id.to_string()));
        of_key(&keymap, &chord.parse().unwrap()).map(|entry| entry.id)
    };
    assert_eq!([of("itk-snap", "4"), of("itk-snap", "X")], [Some("brush"), Some("view.annotations")]);
    assert_eq!([of("slicer", "W"), of("slicer", "Z")], [Some("labels.next"), Some("edit.undo")]);
    assert_eq!([of("slicer", "F"), of("slicer", "Space")], [Some("view.next-slice"), Some("tools.last")]);
    assert_eq!([of("ohif", "I"), of("ohif", "C")], [Some("view.invert"), Some("view.cine")]);
    assert_eq!([of("ohif", "2"), of("ohif", "F")], [Some("view.window-lung"), Some("view.maximise")]);
}

#[test]
fn every_command_says_why_it_cannot_be_done_where_nothing_is_open() {
    let mut studio = Studio::new(crate::app::Settings::default(), std::sync::Arc::new(|| {}));
    for entry in all() {
        let lacks = (entry.lacks)(&studio);
        let needs_scan = matches!(entry.group, Group::Tools | Group::View | Group::Labels);
        assert!(!needs_scan || lacks.is_some(), "{}", entry.id);
        if lacks.is_some() {
            run(&mut studio, entry);
            let told = studio.notices.all().last().map(|notice| notice.text.clone()).unwrap_or_default();
            assert!(told.starts_with(entry.name), "{}: {told}", entry.id);
        }
    }
}

/// Ids that the code of the window names.
fn named(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            named(&path, found);
        } else {
            let text: String = std::fs::read_to_string(&path).unwrap().chars().filter(|c| !c.is_whitespace()).collect();
            for start in ["outbox.run(\"", "commands::find(\"", "outbox,\""] {
                let ids = text.match_indices(start).map(|(at, _)| &text[at + start.len()..]);
                let ids = ids.filter_map(|rest| rest.split_once('"')).map(|(id, _)| id.to_string());
                // Titles stand behind the outbox, too; they have no dot.
                found.extend(ids.filter(|id| id.contains('.')));
            }
        }
    }
}

#[test]
fn the_window_names_only_commands_that_are_there() {
    let mut ids = Vec::new();
    named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gui"), &mut ids);
    assert!(ids.len() > 20, "{ids:?}");
    for id in ids {
        assert!(find(&id).is_some(), "{id} is no command");
    }
}

/// Where the guide keeps its tables of keys.
const GUIDES: [&str; 2] = ["docs/guide/keys.md", "docs/guide/zh-Hans/keys.md"];

#[test]
fn the_guides_table_of_keys_is_that_of_the_commands() {
    let chinese: BTreeMap<String, String> =
        entries(CHINESE_PO).unwrap().into_iter().map(|entry| (entry.english, entry.translation)).collect();
    let said = |english: &str| chinese.get(english).cloned().unwrap_or_default();
    let tables = [table_of_keys(str::to_string), table_of_keys(said)];
    for (guide, table) in GUIDES.into_iter().zip(tables) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(guide);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let (start, end) = ("<!-- keys: written by a test -->", "<!-- end of keys -->");
        let renewed = match (text.find(start), text.find(end)) {
            (Some(from), Some(to)) => format!("{}{start}\n{table}\n{}", &text[..from], &text[to..]),
            _ => panic!("{guide} has no place for the table"),
        };
        if std::env::var_os("UPDATE_GUIDE").is_some() {
            std::fs::write(&path, &renewed).unwrap();
        }
        assert!(text == renewed, "{guide} is stale: run this test with UPDATE_GUIDE=1 and look at what changed");
    }
}
