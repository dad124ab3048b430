//! Guards the rooms: what each may import, where crates may be named, where unsafe code is, which files go in circles.
//! See ARCHITECTURE.md and `rooms.rs`. `cargo test --test architecture -- --nocapture circles` prints the circles.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod circles;
mod house;
mod names;
mod rooms;
mod tokens;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use circles::Imports;
use house::{File, House, Place, from_root};
use names::Named;
use rooms::{COUNTED, CRATES, EVERYWHERE, FREE_OF_CIRCLES, MAX_LINES, ONLY_HERE, PARTS, ROOMS, TESTS_ALSO, UNSAFE};
use tokens::{Kind, tokens};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of all parts, `main.rs` with them.
fn house() -> House {
    let mut house = House::open(&root().join("src"));
    for (_, file) in PARTS {
        house.add_part(&root().join("src"), file);
    }
    house.add_alone(&root().join("src"), "main.rs");
    house
}

/// Everything that files name, with the module it is named in.
fn all_named(house: &House) -> impl Iterator<Item = (&File, Vec<String>, &Named)> {
    house.files.iter().flat_map(|file| file.names.named.iter().map(move |named| (file, file.module_of(named), named)))
}

/// Whether a file of `src` is the root of a part.
fn is_root(file: &str) -> bool {
    file == "lib.rs" || PARTS.iter().any(|(_, root)| *root == file)
}

fn is_in(file: &File, places: &[&str]) -> bool {
    places.iter().any(|place| file.path == *place || file.path.strip_prefix(place).is_some_and(|p| p.starts_with('/')))
}

fn refuse(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What is wrong with the rooms that a house's files import.
fn wrong_imports(house: &House, rooms: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, module, named) in all_named(house) {
        let Some((_, allowed)) = rooms.iter().find(|(room, _)| *room == file.room()) else { continue };
        let path = match named.path.split_first() {
            Some((first, rest)) if file.path == "main.rs" && first == "lamella" => Some(rest.to_vec()),
            _ => from_root(&module, &named.path),
        };
        let Some(path) = path else { continue };
        let Some(other) = path.first() else {
            wrong.push(format!("{}:{} names the whole crate", file.path, named.line));
            continue;
        };
        let is_allowed = other == file.room()
            || allowed.contains(&other.as_str())
            || file.path == "main.rs" && file.names.declared.iter().any(|declared| declared.name == *other)
            || (named.is_test && TESTS_ALSO.contains(&(file.path.as_str(), other)));
        if !is_allowed {
            wrong.push(format!(
                "{}:{} names {}, which {} may not",
                file.path,
                named.line,
                path.join("::"),
                file.room()
            ));
        }
    }
    wrong
}

#[test]
fn rooms_import_only_what_they_may() {
    let house = house();
    let found: BTreeSet<&str> = house.files.iter().map(File::room).filter(|room| !is_root(room)).collect();
    for room in found {
        assert!(ROOMS.iter().any(|(known, _)| *known == room), "src/{room} is not in the table of rooms");
    }
    refuse(&wrong_imports(&house, ROOMS));
}

#[test]
fn an_import_is_seen_however_it_is_written() {
    let wrong = |code: &str| {
        let deep = format!("mod far; {code}");
        let files = [
            ("lib.rs", "mod low; mod high; mod top;"),
            ("low/mod.rs", "mod file;"),
            ("low/file/mod.rs", deep.as_str()),
            ("low/file/far.rs", ""),
            ("high.rs", ""),
            ("top.rs", ""),
        ];
        wrong_imports(&House::of(&files), &[("low", &["top"]), ("high.rs", &[]), ("top.rs", &[])]).len()
    };
    let forbidden = [
        "use crate::high;",
        "use crate::{top, high};",
        "use crate::{top::{a, b}, high::{c::{d}}};",
        "use crate::{self as all};",
        "use crate as all;",
        "use crate::*;",
        "use crate::high as top;",
        "pub use crate::high::*;",
        "use super::super::high::a;",
        "mod inner { use super::super::super::high; }",
        "fn f() { crate::high::a() }",
        "fn f(_: &super::super::high::A) {}",
        "fn f() { use crate::high::a; }",
        "pub(in crate::high) fn f() {}",
        "#[cfg(test)] mod tests { use crate::high; }",
        "#[cfg(test)] use crate::high;",
        "macro_rules! m { () => { $crate::high::a() } }",
        "#[derive(crate::high::A)] struct B;",
    ];
    for code in forbidden {
        assert_eq!(wrong(code), 1, "{code}");
    }
    let allowed = [
        "use crate::{top, low};",
        "use super::super::top::a;",
        "// use crate::high;",
        "const A: &str = \"use crate::high;\";",
        "const A: &str = r#\"\" use crate::high;\"#;",
        "/* /* */ use crate::high; */",
        "use super::high;",
        "mod high { } fn f() { high::a() }",
        "pub(crate) fn f() {}",
        "pub(super) fn f() {}",
    ];
    for code in allowed {
        assert_eq!(wrong(code), 0, "{code}");
    }
}

/// Names in `file` of crates and paths that it may not name.
fn wrong_crates(house: &House, crates: &[(&str, &[&str])], only_here: &[(&str, &[&str])]) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for (file, module, named) in all_named(house) {
        let path: &[String] = named.path.strip_prefix(&[String::new()][..]).unwrap_or(&named.path);
        let is_global = path.len() < named.path.len();
        let place = if is_global { Place::Crate(path.to_vec()) } else { house.place(&module, path) };
        if let Place::Crate(path) = place
            && let Some((name, places)) = crates.iter().find(|(name, _)| *name == path[0])
            && !is_in(file, places)
        {
            wrong.insert(format!("{}:{} names {name}, which belongs to {}", file.path, named.line, places.join(", ")));
        }
        let full = house.unfolded(&module, path);
        for (needle, places) in only_here {
            let needle: Vec<&str> = needle.split("::").collect();
            if full.windows(needle.len()).any(|words| words == needle) && !is_in(file, places) {
                let needle = needle.join("::");
                wrong.insert(format!(
                    "{}:{} names {needle}, which only {} may",
                    file.path,
                    named.line,
                    places.join(", ")
                ));
            }
        }
    }
    wrong.into_iter().collect()
}

#[test]
fn crates_stay_in_their_room() {
    refuse(&wrong_crates(&house(), CRATES, ONLY_HERE));
}

#[test]
fn a_crate_is_seen_however_it_is_written() {
    let wrong = |code: &str| {
        let house = House::of(&[("lib.rs", "mod a; mod b;"), ("a.rs", code), ("b.rs", "pub struct Patch;")]);
        wrong_crates(&house, &[("png", &["b.rs"])], &[("Patch::new", &["b.rs"]), ("fs::rename", &[])]).len()
    };
    for code in [
        "use png;",
        "use png::Encoder;",
        "use ::png::{Encoder};",
        "extern crate png;",
        "fn f() { png::a() }",
        "#[cfg(test)] mod tests { fn f() { ::png::a() } }",
        "use std::fs as disk; fn f() { disk::rename(a, b) }",
        "use std::fs::rename as r;",
        "fn f() { crate::b::Patch::new() }",
        "use crate::b::Patch as Q; mod deep { } fn f() { Q::new() }",
    ] {
        assert_eq!(wrong(code), 1, "{code}");
    }
    for code in ["mod png { pub fn a() {} } fn f() { png::a() }", "use crate::b::Patch;", "fn png() {}", "// png::a()"]
    {
        assert_eq!(wrong(code), 0, "{code}");
    }
}

#[test]
fn every_dependency_has_its_rooms() {
    let own = PARTS.iter().map(|(part, _)| root().join("crates").join(part).join("Cargo.toml"));
    let manifests = own.chain([root().join("Cargo.toml")]).map(|path| std::fs::read_to_string(path).unwrap());
    let mut is_listed = false;
    for line in manifests.collect::<String>().lines() {
        if line.starts_with('[') {
            is_listed = line.ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (is_listed && !line.starts_with('#'), line.split_once(" = ")) {
            let name = name.trim_end_matches(".workspace").replace('-', "_");
            // Tests ask for the package with the engine that others are held against.
            let is_known = name == "lamella"
                || CRATES.iter().any(|(known, _)| *known == name)
                || EVERYWHERE.contains(&name.as_str());
            assert!(is_known, "a Cargo.toml has {name}, and no table says which rooms may name it");
        }
    }
}

/// Lines of `unsafe` that nothing right above explains. Functions of an `unsafe` trait or its `impl` have that one's conditions.
fn unexplained(text: &str) -> Vec<usize> {
    let all = tokens(text);
    let code = |from: usize| all[from..].iter().filter(|token| token.kind != Kind::Comment);
    // Open brackets, and of braces whether they are those of an unsafe trait or its `impl`.
    let (mut open, mut lines) = (Vec::new(), Vec::new());
    // Where the statement or item began, and whether it is an unsafe trait or its `impl`.
    let (mut start, mut is_contract) = (0, false);
    for (at, token) in all.iter().enumerate() {
        match (token.kind, token.text) {
            (Kind::Mark, "(" | "[") => open.push(None),
            (Kind::Mark, "{") => open.push(Some(is_contract)),
            (Kind::Mark, ")" | "]" | "}") => _ = open.pop(),
            _ => {}
        }
        // A semicolon within brackets is that of an array.
        if token.is("{") || token.is("}") || token.is(";") && open.last() != Some(&None) {
            (start, is_contract) = (at + 1, false);
        }
        if !token.is_word("unsafe") {
            continue;
        }
        let after: Vec<&str> = code(at + 1).take(2).map(|token| token.text).collect();
        is_contract = matches!(after[..], ["trait" | "impl", ..]);
        let is_type = matches!(after[..], ["fn", "("]);
        let is_covered = matches!(after[..], ["fn", ..]) && open.last() == Some(&Some(true));
        let above = all[start..at].iter().filter(|token| token.kind == Kind::Comment);
        let is_explained = above.into_iter().any(|c| c.text.contains("SAFETY:") || c.text.contains("# Safety"));
        if !is_explained && !is_type && !is_covered {
            lines.push(token.line);
        }
    }
    lines
}

#[test]
fn unsafe_code_is_only_in_kernels_and_says_why_it_is_sound() {
    let mut wrong = Vec::new();
    for file in house().files {
        let is_kernel = is_in(&file, UNSAFE);
        if !is_kernel && tokens(&file.text).iter().any(|token| token.is_word("unsafe")) {
            wrong.push(format!("{} holds unsafe code", file.path));
        }
        wrong.extend(unexplained(&file.text).iter().map(|line| format!("{}:{line} lacks a SAFETY line", file.path)));
    }
    refuse(&wrong);
}

#[test]
fn a_safety_line_stands_right_above() {
    for text in [
        "// SAFETY: a\nlet x = unsafe { f() };",
        "// SAFETY: a\n#[inline]\npub(super) unsafe fn f() {}",
        "/// Does.\n///\n/// # Safety\n/// a\nunsafe fn f() {}",
        "type F = unsafe fn(u8);",
        "// SAFETY: a\nlet x: [u8; 3] = unsafe { f() };",
        "// SAFETY: a\nunsafe impl A for B { fn f() {} unsafe fn g() {} }",
        "#![deny(unsafe_code)] const A: &str = \"unsafe {\";",
    ] {
        assert!(unexplained(text).is_empty(), "{text}");
    }
    for text in [
        "// SAFETY: a\nf(); unsafe { g() }",
        "unsafe impl Send for A {}",
        "impl A for B { unsafe fn g() {} }",
        "fn f() { // why not\n unsafe { g() } }",
    ] {
        assert_eq!(unexplained(text).len(), 1, "{text}");
    }
}

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

#[test]
fn files_are_short_and_rooms_say_what_they_are() {
    let house = house();
    for File { path, text, .. } in &house.files {
        assert!(text.lines().count() <= MAX_LINES, "{path} is too long");
        assert!(text.starts_with("//!"), "{path} does not say what it is");
        if path.ends_with("/mod.rs") && path.matches('/').count() == 1 {
            assert!(text.contains("**Invariant:**") && text.contains("Deliberately absent"), "{path} lacks invariants");
        }
    }
    let mut on_disk = Vec::new();
    sources(&root().join("src"), &mut on_disk);
    for file in on_disk {
        let path = file.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
        assert!(house.files.iter().any(|known| known.path == path), "{path} belongs to no module");
    }
}

#[test]
fn circles() {
    let house = house();
    let (mut described, mut wrong) = (String::new(), Vec::new());
    println!("{:<14} | files | circles | largest", "room");
    for folder in COUNTED {
        let imports = Imports::of(&house, folder);
        let circles = imports.circles();
        let largest = circles.first().map_or(0, Vec::len);
        if imports.files > 0 {
            println!("{folder:<14} | {:>5} | {:>7} | {largest:>7}", imports.files, circles.len());
        }
        let text: String = circles.iter().map(|circle| imports.describe(&house, circle) + "\n").collect();
        if !circles.is_empty() {
            described = [described, format!("\n{folder}:\n{text}")].concat();
        }
        if FREE_OF_CIRCLES.contains(folder) && !circles.is_empty() {
            wrong.push(format!("{folder} has circles:\n{text}"));
        }
    }
    println!("{described}");
    refuse(&wrong);
}
