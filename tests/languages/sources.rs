//! The texts in the sources: what is given to `say!` and `plural!`, and all string literals.

use std::path::{Path, PathBuf};

/// A string literal.
#[derive(Debug, Clone)]
pub struct Literal {
    pub text: String,
    /// `src/gui/shell.rs:12`.
    pub place: String,
    /// The line up to it.
    pub before: String,
    /// The code up to it from the statement before on, in one line.
    pub leading: String,
    at: usize,
    end: usize,
}

/// A text that the code says, and its form for one where it is about a number of things.
#[derive(Debug, Clone)]
pub struct Said {
    pub text: String,
    pub one: Option<String>,
    pub place: String,
}

/// The sources below a folder of `src/`, without their tests.
pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            if path.is_dir() && !is_test {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test {
                let text = std::fs::read_to_string(&path).unwrap();
                all.push((path, without_tests(&text).to_string()));
            }
        }
    }
    all.sort();
    all
}

/// A source up to the tests at its end, which may have attributes and be named from elsewhere.
fn without_tests(text: &str) -> &str {
    let is_mod = |at: usize| {
        let is_attribute = |line: &&str| line.starts_with("#[") || line.starts_with(' ') || *line == ")]";
        let rest = text[at..].lines().skip(1).find(|line| !is_attribute(line));
        rest.is_some_and(|line| line.ends_with("mod tests {"))
    };
    let end = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(|at| is_mod(*at));
    &text[..end.unwrap_or(text.len())]
}

/// All string literals of a source, in their order.
pub fn literals(path: &Path, source: &str) -> Vec<Literal> {
    let bytes = source.as_bytes();
    let short = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).display();
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(length) = character(rest) {
            at += length;
        } else if bytes[at] == b'"' {
            let mut end = at + 1;
            while bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let line = source[..at].rfind('\n').map_or(0, |line| line + 1);
            all.push(Literal {
                text: unescaped(&source[at + 1..end]),
                place: format!("{short}:{}", source[..at].matches('\n').count() + 1),
                before: source[line..at].to_string(),
                leading: leading(&source[..at]),
                at,
                end,
            });
            at = end + 1;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    all
}

/// The last statement of some code, which has not ended yet.
fn leading(code: &str) -> String {
    let ends = [";\n", "{\n", "}\n", "],\n", ")]\n"];
    let from = ends.iter().filter_map(|end| code.rfind(end).map(|at| at + end.len())).max().unwrap_or(0);
    let lines = code[from..].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

impl Literal {
    /// Whether it is a template of an error: what stands in `#[error("...")]`.
    pub fn is_of_error(&self) -> bool {
        self.leading.ends_with("#[error(")
    }

    /// Whether only programmers read it: why a lint is allowed, what a test or an impossible branch says.
    pub fn is_for_programmers(&self) -> bool {
        let is_of_lint = self.leading.trim_start_matches("#!").trim_start_matches('#').starts_with('[')
            && self.leading.ends_with("reason =");
        let says = ["assert!(", "assert_eq!(", "assert_ne!(", "unreachable!("];
        is_of_lint || says.iter().any(|says| self.leading.contains(says))
    }
}

/// The messages in a source: what reads as a text for people, and all templates of errors that have words of their own.
pub fn messages(path: &Path, source: &str) -> Vec<Literal> {
    let has_marks = |text: &str| {
        let places: usize = lamella::words::placeholders(text).iter().map(String::len).sum();
        text.len() > places
    };
    let is_message = |literal: &Literal| is_text(&literal.text) || (literal.is_of_error() && has_marks(&literal.text));
    literals(path, source).into_iter().filter(|literal| is_message(literal) && !literal.is_for_programmers()).collect()
}

/// The length of a character in quotes, which may be a quotation mark.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let length = if first == '\\' { inside[2..].find('\'')? + 2 } else { first.len_utf8() };
    inside[length..].starts_with('\'').then_some(length + 2)
}

fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut letters = literal.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let code: String = letters.by_ref().skip(1).take_while(|letter| *letter != '}').collect();
                text.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            Some('\n') => while letters.next_if(|letter| letter.is_whitespace()).is_some() {},
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// What a source gives to `say!` and `plural!`.
pub fn said(path: &Path, source: &str) -> Vec<Said> {
    let literals = literals(path, source);
    let mut all = Vec::new();
    for (n, literal) in literals.iter().enumerate() {
        let before = source[..literal.at].trim_end();
        if before.ends_with("say!(") {
            all.push(Said { text: literal.text.clone(), one: None, place: literal.place.clone() });
        }
        // The number stands before the form for one: of both forms the second is the key.
        let begins = source[..literal.at].rfind("plural!(").is_some_and(|call| {
            let number = &source[call + "plural!(".len()..literal.at];
            !number.contains('"') && !number.contains(';') && number.trim_end().ends_with(',')
        });
        if let Some(many) = literals.get(n + 1).filter(|many| begins && source[literal.end + 1..many.at].trim() == ",")
        {
            let one = Some(literal.text.clone());
            all.push(Said { text: many.text.clone(), one, place: literal.place.clone() });
        }
    }
    all
}

/// Whether a literal reads as a text for people: several words, of which one has small letters only.
pub fn is_text(text: &str) -> bool {
    let without: String =
        lamella::words::placeholders(text).iter().fold(text.to_string(), |text, place| text.replace(place, "#"));
    let words: Vec<&str> = without.split_whitespace().collect();
    let is_word =
        |word: &&&str| word.len() > 1 && **word != "mm" && word.chars().all(|letter| letter.is_ascii_lowercase());
    words.len() > 1 && words.iter().any(|word| is_word(&word))
}
