//! Circles: files of a folder that import each other, directly or around corners.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::house::{File, House, Place};
use super::names::{Form, Named};

/// The files of a folder and which of them each names. Unit tests are left out.
pub struct Imports {
    pub files: usize,
    named: BTreeMap<usize, BTreeSet<usize>>,
}

impl Imports {
    /// Those of `folder` (from `src`, `engine/cpu` for example).
    pub fn of(house: &House, folder: &str) -> Self {
        let inside = |file: &File| !file.is_test && file.path.strip_prefix(folder).is_some_and(|p| p.starts_with('/'));
        let files: Vec<usize> = (0..house.files.len()).filter(|&n| inside(&house.files[n])).collect();
        let mut named = BTreeMap::new();
        for &from in &files {
            let file = &house.files[from];
            let paths = file.names.named.iter().filter(|named| !named.is_test && counts(file, named));
            let to = paths.flat_map(|path| targets(house, file, path));
            named.insert(from, to.filter(|to| *to != from && files.contains(to)).collect());
        }
        Self { files: files.len(), named }
    }

    /// Every set of at least two files that all lead to each other, the largest first.
    pub fn circles(&self) -> Vec<Vec<usize>> {
        let reached: BTreeMap<usize, BTreeSet<usize>> =
            self.named.keys().map(|&from| (from, self.reached(from))).collect();
        let mut circles: Vec<Vec<usize>> = Vec::new();
        for &file in self.named.keys() {
            let circle: Vec<usize> =
                reached[&file].iter().copied().filter(|other| reached[other].contains(&file)).collect();
            if circle.len() > 1 && circle[0] == file {
                circles.push(circle);
            }
        }
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }

    fn reached(&self, from: usize) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<usize> = self.named[&from].iter().copied().collect();
        while let Some(file) = open.pop() {
            if reached.insert(file) {
                open.extend(&self.named[&file]);
            }
        }
        reached
    }

    /// The members of a circle, each with the members that it names.
    pub fn describe(&self, house: &House, circle: &[usize]) -> String {
        let mut text = String::new();
        for file in circle {
            let named: Vec<&str> = self.named[file]
                .iter()
                .filter(|to| circle.contains(to))
                .map(|&to| house.files[to].path.as_str())
                .collect();
            let _ = writeln!(text, "    {} names {}", house.files[*file].path, named.join(", "));
        }
        text
    }
}

/// Whether a path is a use of what it names. A file that only hands on what lies below it does not use it.
fn counts(file: &File, named: &Named) -> bool {
    let below = |path: &[String]| {
        path.first().is_some_and(|first| first == "self" || file.names.declared.iter().any(|d| d.name == *first))
    };
    match &named.form {
        Form::Import { called: Some(name), is_public: true } => !below(&named.path) || file.names.words.contains(name),
        Form::All { is_public: true } => !below(&named.path),
        _ => true,
    }
}

/// The files that define what a path names.
fn targets(house: &House, file: &File, named: &Named) -> Vec<usize> {
    let module = file.module_of(named);
    let place = |path: &[String]| match house.place(&module, path) {
        Place::Item(of) => house.file_of(&of),
        // Of a module only what is named in it counts.
        Place::Module(_) | Place::Crate(_) => None,
    };
    if !matches!(named.form, Form::All { .. }) {
        return place(&named.path).into_iter().collect();
    }
    let through = |word: &String| {
        let path: Vec<String> = named.path.iter().chain([word]).cloned().collect();
        house.has(&module, &named.path, word).then(|| place(&path)).flatten()
    };
    file.names.words.iter().filter_map(through).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let house = House::of(files);
        let imports = Imports::of(&house, "a");
        let names = |circle: Vec<usize>| circle.into_iter().map(|n| house.files[n].path.clone()).collect();
        imports.circles().into_iter().map(names).collect()
    }

    #[test]
    fn a_sibling_through_its_parent_is_the_sibling() {
        let through = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod x; mod y; mod z; pub use x::X; pub use y::Y;"),
            ("a/x.rs", "use super::Y; pub struct X;"),
            ("a/y.rs", "use super::z; pub struct Y(z::Z);"),
            ("a/z.rs", "use crate::a::{X as Q}; pub struct Z; #[cfg(test)] mod tests { use super::super::Y; }"),
        ];
        assert_eq!(circles(&through), [["a/x.rs", "a/y.rs", "a/z.rs"]]);
        let without_last = [through[0], through[1], through[2], through[3], ("a/z.rs", "pub struct Z;")];
        assert!(circles(&without_last).is_empty());
    }

    #[test]
    fn a_parent_that_uses_what_it_hands_on_is_in_the_circle() {
        let child = ("a/x.rs", "use super::Own; pub fn x() {}");
        let hands_on = ("a/mod.rs", "mod x; pub use x::x; pub struct Own;");
        let calls = ("a/mod.rs", "mod x; pub use x::x; pub struct Own; fn f() { x() }");
        let names = ("a/mod.rs", "mod x; pub struct Own; fn f() { x::x() }");
        let root = ("lib.rs", "mod a;");
        assert!(circles(&[root, hands_on, child]).is_empty());
        assert_eq!(circles(&[root, calls, child]), [["a/mod.rs", "a/x.rs"]]);
        assert_eq!(circles(&[root, names, child]), [["a/mod.rs", "a/x.rs"]]);
    }

    #[test]
    fn everything_of_a_module_is_what_is_used_of_it() {
        let root = ("lib.rs", "mod a;");
        let parent = ("a/mod.rs", "mod x; mod y; use x::X; use y::Y; pub struct Own(X);");
        let used = ("a/x.rs", "use super::*; pub struct X(Y);");
        let named = ("a/y.rs", "use super::*; pub struct Y(X);");
        assert_eq!(circles(&[root, parent, used, named]), [["a/x.rs", "a/y.rs"]]);
    }
}
