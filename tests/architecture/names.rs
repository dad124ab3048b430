//! What a file names: its imports one by one, its paths, its modules, and what it defines.

use std::collections::BTreeSet;

use super::tokens::{Kind, Token, tokens};

/// How a path stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// A name of a `use`, and what it is called here (nothing for `_`).
    Import { called: Option<String>, is_public: bool },
    /// `use path::*`.
    All { is_public: bool },
    /// A path without `use`, also that of `pub(in path)`.
    Path,
}

/// A path that a file names.
#[derive(Clone, Debug)]
pub struct Named {
    /// The modules within the file that it stands in.
    pub inside: Vec<String>,
    /// As written; a path that begins with `::` begins with an empty word.
    pub path: Vec<String>,
    pub form: Form,
    pub is_test: bool,
    pub line: usize,
}

/// A module that a file declares.
#[derive(Clone, Debug)]
pub struct Declared {
    pub inside: Vec<String>,
    pub name: String,
    /// Its code follows in braces.
    pub is_inline: bool,
    pub is_test: bool,
    /// What its `path` attribute says.
    pub file: Option<String>,
}

/// A name that a file defines.
#[derive(Clone, Debug)]
pub struct Defined {
    pub inside: Vec<String>,
    pub name: String,
    /// It stands in the module itself, not in an `impl`, a function or the arguments of a macro.
    pub is_item: bool,
}

/// What a file names.
#[derive(Debug, Default)]
pub struct Names {
    pub named: Vec<Named>,
    pub declared: Vec<Declared>,
    pub defined: Vec<Defined>,
    /// Words outside imports and tests.
    pub words: BTreeSet<String>,
}

/// Words after which a path begins anew, and with which none begins.
const KEYWORDS: &[&str] = &[
    "as", "await", "break", "const", "dyn", "else", "for", "if", "impl", "in", "let", "loop", "match", "move", "mut",
    "pub", "ref", "return", "static", "unsafe", "use", "where", "while", "yield",
];

const ITEMS: &[&str] = &["struct", "enum", "union", "trait", "fn", "const", "static", "type"];

/// Reads what `text` names. `is_test` says that the whole file is a test's.
pub fn read(text: &str, is_test: bool) -> Names {
    let code: Vec<Token> = tokens(text).into_iter().filter(|token| token.kind != Kind::Comment).collect();
    let tests = tested(&code, is_test);
    Reader { code: &code, tests: &tests, blocks: Vec::new(), names: Names::default() }.read()
}

/// Which tokens belong to an item below `#[cfg(test)]`.
fn tested(code: &[Token], is_test: bool) -> Vec<bool> {
    let mut tests = vec![is_test; code.len()];
    for at in 0..code.len() {
        if !code[at].is("#") {
            continue;
        }
        let is_inner = code.get(at + 1).is_some_and(|token| token.is("!"));
        let open = at + 1 + usize::from(is_inner);
        if !code.get(open).is_some_and(|token| token.is("[")) {
            continue;
        }
        let end = closing(code, open);
        let words = || code[open..end].iter().filter(|token| token.kind == Kind::Word).map(|token| token.text);
        if words().next() == Some("cfg") && words().any(|word| word == "test") && words().all(|word| word != "not") {
            let until = if is_inner { code.len() } else { item_end(code, end + 1) };
            tests[at..until].fill(true);
        }
    }
    tests
}

/// Where the bracket that opens at `open` closes.
fn closing(code: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in code.iter().enumerate().skip(open) {
        if ["(", "[", "{"].iter().any(|mark| token.is(mark)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        }
    }
    code.len().saturating_sub(1)
}

/// Behind the item that begins at `from`, with its attributes.
fn item_end(code: &[Token], from: usize) -> usize {
    let mut at = from;
    while at < code.len() {
        let token = &code[at];
        if token.is("(") || token.is("[") {
            at = closing(code, at);
        } else if token.is("{") {
            return closing(code, at) + 1;
        } else if token.is(";") || token.is("}") {
            return at + 1;
        }
        at += 1;
    }
    code.len()
}

struct Reader<'a> {
    code: &'a [Token<'a>],
    tests: &'a [bool],
    /// Open braces; those of modules with their names.
    blocks: Vec<Option<String>>,
    names: Names,
}

impl Reader<'_> {
    fn read(mut self) -> Names {
        let mut at = 0;
        while at < self.code.len() {
            at = self.step(at);
        }
        self.names
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.code.get(at).filter(|token| token.kind == Kind::Word).map(|token| token.text)
    }

    fn is(&self, at: usize, mark: &str) -> bool {
        self.code.get(at).is_some_and(|token| token.is(mark))
    }

    fn inside(&self) -> Vec<String> {
        self.blocks.iter().flatten().cloned().collect()
    }

    /// Reads what begins at `at`; gives where the next begins.
    fn step(&mut self, at: usize) -> usize {
        let token = self.code[at];
        if token.is("{") {
            self.blocks.push(None);
        } else if token.is("}") {
            self.blocks.pop();
        } else if token.is("::") && !(at > 0 && self.is(at - 1, ">")) {
            return self.path(at);
        }
        if token.kind != Kind::Word {
            return at + 1;
        }
        match token.text {
            "use" if !self.is(at + 1, "<") => return self.import(at),
            "mod" if self.word(at + 1).is_some() => return self.module(at),
            "extern" if self.word(at + 1) == Some("crate") => {
                let path = self.word(at + 2).map(str::to_owned).into_iter().collect();
                self.name(path, Form::Path, at);
                return at + 3;
            }
            "macro_rules" => self.define(at + 2),
            word if ITEMS.contains(&word) => {
                let skip = usize::from(self.word(at + 1) == Some("mut"));
                if self.word(at + 1 + skip).is_some_and(|next| !ITEMS.contains(&next) && !KEYWORDS.contains(&next)) {
                    self.define(at + 1 + skip);
                }
            }
            _ => {}
        }
        if !self.tests[at] {
            self.names.words.insert(token.text.to_owned());
        }
        if self.is(at + 1, "::") && !KEYWORDS.contains(&token.text) { self.path(at) } else { at + 1 }
    }

    fn name(&mut self, path: Vec<String>, form: Form, at: usize) {
        let (is_test, line) = (self.tests[at], self.code[at].line);
        self.names.named.push(Named { inside: self.inside(), path, form, is_test, line });
    }

    fn define(&mut self, at: usize) {
        if let Some(name) = self.word(at).map(str::to_owned) {
            let is_item = self.blocks.last().is_none_or(Option::is_some);
            self.names.defined.push(Defined { inside: self.inside(), name, is_item });
        }
    }

    fn module(&mut self, at: usize) -> usize {
        let name = self.word(at + 1).unwrap_or_default().to_owned();
        let is_inline = self.is(at + 2, "{");
        if !is_inline && !self.is(at + 2, ";") {
            return at + 1;
        }
        let (inside, is_test) = (self.inside(), self.tests[at]);
        self.names.declared.push(Declared { inside, name: name.clone(), is_inline, is_test, file: self.file(at) });
        if is_inline {
            self.blocks.push(Some(name));
        }
        at + 3
    }

    /// The `path` attribute of the module that is declared at `at`.
    fn file(&self, at: usize) -> Option<String> {
        let item = self.code[..at].iter().rposition(|token| [";", "{", "}"].iter().any(|mark| token.is(mark)));
        let before = &self.code[item.map_or(0, |item| item + 1)..at];
        let path = before.windows(3).find(|three| three[0].is_word("path") && three[1].is("="))?;
        Some(path[2].text.to_owned())
    }

    /// A path of at least two words.
    fn path(&mut self, at: usize) -> usize {
        let mut path: Vec<String> = if self.is(at, "::") { vec![String::new()] } else { Vec::new() };
        let mut next = at + path.len();
        while let Some(word) = self.word(next) {
            path.push(word.to_owned());
            next += 1;
            if !self.is(next, "::") || self.word(next + 1).is_none() {
                break;
            }
            next += 1;
        }
        if path.len() > 1 {
            if !self.tests[at] {
                self.names.words.extend(path.iter().cloned());
            }
            self.name(path, Form::Path, at);
        }
        next.max(at + 1)
    }

    fn import(&mut self, at: usize) -> usize {
        let is_public = at > 0
            && (self.code[at - 1].is_word("pub")
                || self.code[at - 1].is(")") && self.code[..at].iter().rev().any(|token| token.is_word("pub")));
        let end = self.tree(at + 1, &[], is_public);
        if self.is(end, ";") { end + 1 } else { end.max(at + 1) }
    }

    /// One tree of a `use` below the path `root`; gives where it ends.
    fn tree(&mut self, from: usize, root: &[String], is_public: bool) -> usize {
        let mut path = root.to_vec();
        let mut at = from;
        if self.is(at, "::") {
            path.push(String::new());
            at += 1;
        }
        loop {
            if self.is(at, "{") {
                return self.trees(at + 1, &path, is_public);
            }
            if self.is(at, "*") {
                self.name(path, Form::All { is_public }, at);
                return at + 1;
            }
            let Some(word) = self.word(at).map(str::to_owned) else { return at };
            // `self` at the end of a tree is the module itself.
            if word != "self" || path.is_empty() {
                path.push(word);
            }
            at += 1;
            if !self.is(at, "::") {
                break;
            }
            at += 1;
        }
        let mut called = path.last().cloned();
        if self.word(at) == Some("as") {
            called = self.word(at + 1).map(str::to_owned);
            at += 2;
        }
        let called = called.filter(|name| name != "_");
        self.name(path, Form::Import { called, is_public }, at - 1);
        at
    }

    /// The trees between braces, from behind the opening one.
    fn trees(&mut self, from: usize, root: &[String], is_public: bool) -> usize {
        let mut at = from;
        while at < self.code.len() && !self.is(at, "}") {
            let end = self.tree(at, root, is_public);
            at = if self.is(end, ",") || end == at { end + 1 } else { end };
        }
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        read(text, false).named.iter().map(|named| named.path.join("::")).collect()
    }

    #[test]
    fn every_name_of_a_tree_is_seen() {
        let text =
            "pub(crate) use crate::{self as all, a, b::{self, c::{D, E as F}, g::*,}, h as _}; use ::png::Encoder;";
        assert_eq!(
            paths(text),
            [
                "crate",
                "crate::a",
                "crate::b",
                "crate::b::c::D",
                "crate::b::c::E",
                "crate::b::g",
                "crate::h",
                "::png::Encoder"
            ]
        );
        let names = read(text, false);
        let called: Vec<Option<&str>> = names
            .named
            .iter()
            .map(|named| match &named.form {
                Form::Import { called, .. } => called.as_deref(),
                _ => Some("*"),
            })
            .collect();
        assert_eq!(called, [Some("all"), Some("a"), Some("b"), Some("D"), Some("F"), Some("*"), None, Some("Encoder")]);
        let public: Vec<bool> =
            names.named.iter().map(|named| !matches!(&named.form, Form::Import { is_public: false, .. })).collect();
        assert_eq!(public, [true, true, true, true, true, true, true, false]);
    }

    #[test]
    fn paths_without_an_import_are_seen() {
        let text = r#"
            pub(in crate::gui) fn f<T: crate::a::B>(x: &dyn super::c::D) -> impl Sized + use<T> {
                let y = <crate::e::F as super::super::G>::new::<u8>();
                println!("{} crate::not::this", crate::h::I); // crate::nor::this
                return ::libc::abort();
            }
            macro_rules! m { ($x:expr) => { $crate::j::k($x) } }
        "#;
        assert_eq!(
            paths(text),
            [
                "crate::gui",
                "crate::a::B",
                "super::c::D",
                "crate::e::F",
                "super::super::G",
                "crate::h::I",
                "::libc::abort",
                "crate::j::k"
            ]
        );
    }

    #[test]
    fn tests_are_seen_and_known_as_such() {
        let text = "
            use a::b;
            #[cfg(test)] use a::c;
            #[cfg(test)] #[path = \"other.rs\"] mod far;
            #[cfg(not(test))] use a::d;
            #[cfg(test)] fn f() { a::e() }
            #[cfg(all(test, unix))] mod tests { use super::*; mod deep { use a::g; } }
            use a::h;
        ";
        let names = read(text, false);
        let tests: Vec<(String, bool)> = names.named.iter().map(|n| (n.path.join("::"), n.is_test)).collect();
        let expected = [
            ("a::b", false),
            ("a::c", true),
            ("a::d", false),
            ("a::e", true),
            ("super", true),
            ("a::g", true),
            ("a::h", false),
        ];
        assert_eq!(tests, expected.map(|(path, is_test)| (path.to_owned(), is_test)));
        let declared: Vec<(&str, bool, Option<&str>)> =
            names.declared.iter().map(|d| (d.name.as_str(), d.is_test, d.file.as_deref())).collect();
        assert_eq!(declared, [("far", true, Some("other.rs")), ("tests", true, None), ("deep", true, None)]);
        assert_eq!(names.named[5].inside, ["tests", "deep"]);
    }

    #[test]
    fn definitions_know_whether_they_are_items() {
        let text =
            "pub const fn a() {} static mut B: u8 = 0; impl C { fn d() {} } mod e { pub struct F; } macro_rules! g {}";
        let names = read(text, false);
        let defined: Vec<(&str, bool)> = names.defined.iter().map(|d| (d.name.as_str(), d.is_item)).collect();
        assert_eq!(defined, [("a", true), ("B", true), ("d", false), ("F", true), ("g", true)]);
    }
}
