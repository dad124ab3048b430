//! The modules below `src` as a tree, and which file a path leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::names::{Form, Named, Names, read};

/// A file below `src`.
pub struct File {
    /// From `src`, with `/`.
    pub path: String,
    pub text: String,
    /// The module that the file is.
    pub module: Vec<String>,
    pub is_test: bool,
    pub names: Names,
}

impl File {
    /// The folder below `src` that it is in, or its own name.
    pub fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The module that a name stands in.
    pub fn module_of(&self, named: &Named) -> Vec<String> {
        self.module.iter().chain(&named.inside).cloned().collect()
    }
}

#[derive(Default)]
struct Module {
    file: usize,
    children: BTreeSet<String>,
    items: BTreeSet<String>,
    /// Names of methods, of functions in functions and of what macros make.
    inner: BTreeSet<String>,
    imports: Vec<(String, Vec<String>)>,
    globs: Vec<Vec<String>>,
}

/// All files that the crate is made of.
#[derive(Default)]
pub struct House {
    pub files: Vec<File>,
    modules: BTreeMap<Vec<String>, Module>,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An item of a module.
    Item(Vec<String>),
    Module(Vec<String>),
    /// Another crate, with the path in it.
    Crate(Vec<String>),
}

/// The words that a path within the crate means, from its root: `super` and `self` are gone. Nothing where it begins with a name.
pub fn from_root(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let mut root = module.to_vec();
    let mut words = path.iter().peekable();
    match words.peek()?.as_str() {
        "crate" => {
            words.next();
            root.clear();
        }
        "self" | "super" => {
            words.next_if(|word| *word == "self");
            while words.next_if(|word| *word == "super").is_some() {
                root.pop();
            }
        }
        _ => return None,
    }
    root.extend(words.cloned());
    Some(root)
}

impl House {
    /// Reads the crate whose root is `lib.rs` in `src`.
    pub fn open(src: &Path) -> Self {
        let mut house = Self::default();
        house.add(src, &src.join("lib.rs"), Vec::new(), false);
        house
    }

    /// A house of files that are not on disk, as path and text; the first is its root.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self::open(folder.path())
    }

    /// A file that is a root of its own beside `lib.rs`.
    pub fn add_alone(&mut self, src: &Path, file: &str) {
        self.add(src, &src.join(file), vec![file.to_owned()], false);
    }

    /// The root of a part that is a crate of its own: its rooms are rooms of the house as those of `lib.rs` are.
    pub fn add_part(&mut self, src: &Path, file: &str) {
        self.add(src, &src.join(file), Vec::new(), false);
    }

    fn add(&mut self, src: &Path, file: &Path, module: Vec<String>, is_test: bool) {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let names = read(&text, is_test);
        let path = file.strip_prefix(src).unwrap().to_string_lossy().replace('\\', "/");
        let index = self.files.len();
        // Modules of `a/mod.rs` lie in `a`, those of `a/b.rs` in `a/b`.
        let is_root = module.is_empty() || file.file_name().is_some_and(|name| name == "mod.rs");
        let beside = file.parent().unwrap().to_path_buf();
        let below = if is_root { beside.clone() } else { file.with_extension("") };
        let children = self.enter(index, &module, &names, &beside, &below);
        self.files.push(File { path, text, module, is_test, names });
        for (path, module, is_test) in children {
            self.add(src, &path, module, is_test);
        }
    }

    /// Notes what a file says about its modules; gives the files of the modules that it declares.
    fn enter(
        &mut self,
        file: usize,
        module: &[String],
        names: &Names,
        beside: &Path,
        below: &Path,
    ) -> Vec<(PathBuf, Vec<String>, bool)> {
        let absolute =
            |inside: &[String]| -> Vec<String> { module.iter().chain(inside).cloned().collect::<Vec<String>>() };
        self.modules.entry(module.to_vec()).or_default().file = file;
        let mut files = Vec::new();
        for declared in &names.declared {
            let parent = absolute(&declared.inside);
            self.modules.entry(parent.clone()).or_default().children.insert(declared.name.clone());
            let child: Vec<String> = parent.into_iter().chain([declared.name.clone()]).collect();
            self.modules.entry(child.clone()).or_default().file = file;
            if !declared.is_inline {
                let folder = declared.inside.iter().fold(below.to_path_buf(), |folder, name| folder.join(name));
                let flat = folder.join(format!("{}.rs", declared.name));
                let named = declared.file.as_ref().map(|file| beside.join(file));
                let path =
                    named.unwrap_or(if flat.exists() { flat } else { folder.join(&declared.name).join("mod.rs") });
                files.push((path, child, declared.is_test));
            }
        }
        for defined in &names.defined {
            let module = self.modules.entry(absolute(&defined.inside)).or_default();
            if defined.is_item { &mut module.items } else { &mut module.inner }.insert(defined.name.clone());
        }
        for named in &names.named {
            let module = self.modules.entry(absolute(&named.inside)).or_default();
            match &named.form {
                Form::Import { called: Some(name), .. } => module.imports.push((name.clone(), named.path.clone())),
                Form::All { .. } => module.globs.push(named.path.clone()),
                _ => {}
            }
        }
        files
    }

    /// The file whose module or part is `module`.
    pub fn file_of(&self, module: &[String]) -> Option<usize> {
        self.modules.get(module).map(|module| module.file)
    }

    /// Where `path` leads when it stands in `module`.
    pub fn place(&self, module: &[String], path: &[String]) -> Place {
        self.follow(module, path, &mut BTreeSet::new()).unwrap_or_else(|| Place::Crate(path.to_vec()))
    }

    fn follow(&self, module: &[String], path: &[String], seen: &mut BTreeSet<Vec<String>>) -> Option<Place> {
        match from_root(module, path) {
            Some(absolute) => {
                let known = (0..=absolute.len()).rev().find(|&n| self.modules.contains_key(&absolute[..n]))?;
                let (module, rest) = absolute.split_at(known);
                if rest.is_empty() {
                    return Some(
                        self.item_of_that_name(module, seen).unwrap_or_else(|| Place::Module(module.to_vec())),
                    );
                }
                Some(self.lookup(module, rest, seen).unwrap_or_else(|| Place::Item(module.to_vec())))
            }
            None => self.lookup(module, path, seen),
        }
    }

    /// `a::b` may mean the function `b` beside the module `b`: the item is meant where there is one.
    fn item_of_that_name(&self, module: &[String], seen: &mut BTreeSet<Vec<String>>) -> Option<Place> {
        let (name, parent) = module.split_last()?;
        let here = self.modules.get(parent)?;
        if here.items.contains(name) {
            return Some(Place::Item(parent.to_vec()));
        }
        let (_, path) = here.imports.iter().find(|(called, path)| called == name && path.len() > 1)?;
        match self.follow(parent, path, seen)? {
            Place::Item(of) => Some(Place::Item(of)),
            _ => None,
        }
    }

    /// A path whose first word is a name in `module`.
    fn lookup(&self, module: &[String], path: &[String], seen: &mut BTreeSet<Vec<String>>) -> Option<Place> {
        // Each question is asked once, so that imports that lead to each other end.
        let question: Vec<String> = module.iter().map(|word| format!("{word}/")).chain(path.iter().cloned()).collect();
        if !seen.insert(question) {
            return None;
        }
        let here = self.modules.get(module)?;
        let (name, rest) = path.split_first()?;
        let item = || Some(Place::Item(module.to_vec()));
        if here.children.contains(name) && !rest.is_empty() {
            let below: Vec<String> =
                ["self".to_owned(), name.clone()].into_iter().chain(rest.iter().cloned()).collect();
            return self.follow(module, &below, seen);
        }
        if here.items.contains(name) {
            return item();
        }
        for (_, target) in here.imports.iter().filter(|(called, _)| called == name) {
            let target: Vec<String> = target.iter().chain(rest).cloned().collect();
            if target[0] == *name && !here.children.contains(name) {
                return Some(Place::Crate(target));
            }
            if let Some(place) = self.follow(module, &target, seen) {
                return Some(place);
            }
            if from_root(module, &target).is_none() && target.len() > 1 && !here.children.contains(&target[0]) {
                return Some(Place::Crate(target));
            }
        }
        if here.inner.contains(name) {
            return item();
        }
        for glob in &here.globs {
            let place = self.module(module, glob, seen).and_then(|of| self.lookup(&of, path, seen));
            if place.is_some() {
                return place;
            }
        }
        here.children.contains(name).then(|| Place::Module(module.iter().chain([name]).cloned().collect()))
    }

    /// The module that `path` means, where it means one.
    fn module(&self, module: &[String], path: &[String], seen: &mut BTreeSet<Vec<String>>) -> Option<Vec<String>> {
        if let Some(absolute) = from_root(module, path).filter(|absolute| self.modules.contains_key(absolute)) {
            return Some(absolute);
        }
        match self.follow(module, path, seen)? {
            Place::Module(of) => Some(of),
            _ => None,
        }
    }

    /// The module whose names `use path::*` brings in, and whether it has an item or an import of that name.
    pub fn has(&self, module: &[String], path: &[String], name: &str) -> bool {
        let module = self.module(module, path, &mut BTreeSet::new()).and_then(|of| self.modules.get(&of));
        module.is_some_and(|m| m.items.contains(name) || m.imports.iter().any(|(called, _)| called == name))
    }

    /// `path` with what its first word was imported as, so that a rename hides nothing.
    pub fn unfolded(&self, module: &[String], path: &[String]) -> Vec<String> {
        let (mut path, mut seen) = (path.to_vec(), BTreeSet::new());
        while seen.insert(path[0].clone()) {
            let imports = self.modules.get(module).map(|here| &here.imports[..]).unwrap_or_default();
            let Some((_, target)) = imports.iter().find(|(called, _)| *called == path[0]) else { break };
            path.splice(..1, target.iter().cloned());
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str) -> Vec<String> {
        path.split("::").filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    fn house() -> House {
        House::of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod left; mod right; pub use left::{Left, left}; use right::Right as Wrong; pub struct Own;"),
            (
                "a/left.rs",
                "use super::*; pub struct Left; pub fn left() {} impl Left { fn new() {} } mod deep { pub fn d() {} }",
            ),
            ("a/right.rs", "use super::Left; use png::Encoder as E; pub struct Right; #[cfg(test)] mod far;"),
            ("a/right/far.rs", "use super::*;"),
            ("b.rs", "pub use crate::a::Left as Again; mod png { pub struct P; }"),
        ])
    }

    #[test]
    fn paths_lead_to_the_file_that_defines() {
        let house = house();
        let file = |module: &str, path: &str| match house.place(&words(module), &words(path)) {
            Place::Item(of) | Place::Module(of) => house.files[house.file_of(&of).unwrap()].path.clone(),
            Place::Crate(path) => path.join("::"),
        };
        assert_eq!(file("a::right", "super::Left"), "a/left.rs");
        assert_eq!(file("a::right", "super::left"), "a/left.rs");
        assert_eq!(file("a::right", "super::Own"), "a/mod.rs");
        assert_eq!(file("a::right", "Left::new"), "a/left.rs");
        assert_eq!(file("a::left", "Wrong::x"), "a/right.rs");
        assert_eq!(file("b", "crate::a::left::deep::d"), "a/left.rs");
        assert_eq!(file("a", "crate::b::Again::new"), "a/left.rs");
        assert_eq!(file("b", "png::P"), "b.rs");
        assert_eq!(file("a::right", "E::new"), "png::Encoder::new");
        assert_eq!(file("a::right::far", "E::new"), "png::Encoder::new");
        assert_eq!(file("a", "png::P"), "png::P");
        assert_eq!(file("a::right::far", "super::super::super::b"), "b.rs");
    }

    #[test]
    fn tests_and_files_are_found() {
        let house = house();
        let files: Vec<(&str, bool)> = house.files.iter().map(|file| (file.path.as_str(), file.is_test)).collect();
        let expected = [
            ("lib.rs", false),
            ("a/mod.rs", false),
            ("a/left.rs", false),
            ("a/right.rs", false),
            ("a/right/far.rs", true),
            ("b.rs", false),
        ];
        assert_eq!(files, expected);
        assert_eq!((house.files[1].room(), house.files[5].room()), ("a", "b.rs"));
    }

    #[test]
    fn a_path_is_counted_from_the_root() {
        let absolute = |module: &str, path: &str| from_root(&words(module), &words(path)).map(|path| path.join("::"));
        assert_eq!(absolute("a::b", "super::super::c::d").as_deref(), Some("c::d"));
        assert_eq!(absolute("a::b", "self::c").as_deref(), Some("a::b::c"));
        assert_eq!(absolute("a::b", "self::super::c").as_deref(), Some("a::c"));
        assert_eq!(absolute("a::b", "crate").as_deref(), Some(""));
        assert_eq!(absolute("a::b", "c::d"), None);
    }
}
