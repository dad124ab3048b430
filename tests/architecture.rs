//! Guards the rooms: what each may import, and where certain crates may be named. See ARCHITECTURE.md.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rooms and the rooms they may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("work", &[]),
    ("disk", &[]),
    ("volume", &["work"]),
    ("formats", &["volume", "disk", "work"]),
    ("graph", &["work"]),
    ("zoo", &["graph"]),
    ("engine", &["graph", "work"]),
    ("model", &["graph", "zoo", "engine", "volume", "disk", "work"]),
    ("pipeline", &["volume", "model", "engine", "graph", "work"]),
    ("learn", &["volume", "graph", "zoo", "engine", "model", "pipeline", "work"]),
    ("edit", &["volume", "work"]),
    ("session", &["volume", "edit", "work"]),
    (
        "jobs",
        &[
            "volume", "formats", "graph", "zoo", "engine", "model", "pipeline", "learn", "edit", "session", "disk",
            "work",
        ],
    ),
    ("cli", &["jobs", "volume", "session", "model", "learn", "work"]),
    ("gui", &["jobs", "volume", "session", "model", "learn", "edit", "disk", "work"]),
];

/// Crates that only one room may name.
const KEPT_CRATES: &[(&str, &str)] = &[
    ("egui", "gui"),
    ("eframe", "gui"),
    ("rfd", "gui"),
    ("egui_plot", "gui"),
    ("candle_core", "engine"),
    ("ndarray", "engine"),
    ("dicom", "formats"),
    ("jpeg_decoder", "formats"),
    ("jpeg2k", "formats"),
    ("flate2", "formats"),
    ("clap", "cli"),
    ("signal_hook", "cli"),
    ("prost", "graph"),
    ("base64", "zoo"),
    ("zip", "model"),
    ("sysinfo", "work"),
];

const MAX_LINES: usize = 600;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Files by room (the folder below `src`), with their code (comments and unit tests left out).
fn rooms() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut rooms: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let Some(room) = inside.parent().and_then(|p| p.components().next()) else { continue };
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        rooms.entry(room.as_os_str().to_string_lossy().into_owned()).or_default().push((file.clone(), code));
    }
    rooms
}

/// Whether `code` names `word::` or `use word` as a whole word.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + word.len()..];
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') && after.starts_with("::")
    })
}

#[test]
fn rooms_only_import_what_they_may() {
    let rooms = rooms();
    let known: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    for room in rooms.keys() {
        assert!(known.contains(&room.as_str()), "src/{room} is not in the table of rooms");
    }
    for (room, allowed) in ROOMS {
        for (file, code) in &rooms[*room] {
            for other in &known {
                let used = code.contains(&format!("crate::{other}::")) || code.contains(&format!("crate::{{{other}"));
                assert!(
                    !used || other == room || allowed.contains(other),
                    "{} imports the room {other}, which {room} may not",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn crates_stay_in_their_room() {
    for (room, files) in rooms() {
        for (file, code) in files {
            for (name, owner) in KEPT_CRATES {
                assert!(
                    room == *owner || !names(&code, name),
                    "{} names {name}, which belongs to {owner}/",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn unsafe_code_is_only_in_kernels() {
    for (file, code) in rooms().into_values().flatten() {
        let is_kernel = file.to_string_lossy().replace('\\', "/").contains("src/engine/cpu/");
        assert!(is_kernel || !code.contains("unsafe "), "{} holds unsafe code", file.display());
    }
}

#[test]
fn files_are_short_and_rooms_say_what_they_are() {
    for (room, files) in rooms() {
        for (file, _) in &files {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.lines().count() <= MAX_LINES, "{} is too long", file.display());
            assert!(text.starts_with("//!"), "{} does not say what it is", file.display());
        }
        let root = files.iter().find(|(f, _)| f.ends_with(format!("{room}/mod.rs"))).map(|(f, _)| f.clone());
        let text = std::fs::read_to_string(root.unwrap()).unwrap();
        assert!(
            text.contains("**Invariant:**") && text.contains("Deliberately absent"),
            "src/{room}/mod.rs lacks invariants"
        );
    }
}
