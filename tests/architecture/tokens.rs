//! Rust text as words, marks, literals and comments: enough to see what a file names, without a compiler.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or a keyword; a raw one (`r#type`) without its mark.
    Word,
    /// One character of punctuation, or `::`.
    Mark,
    /// A string, character or number; a string without its quotes.
    Literal,
    /// `'a`.
    Lifetime,
    /// A comment of either form, documentation included.
    Comment,
}

/// A piece of a file and the line (from 1) on which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub line: usize,
}

impl Token<'_> {
    /// Whether it is the punctuation `mark`.
    pub fn is(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }

    /// Whether it is the identifier or keyword `word`.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// The tokens of `text`, in order. Text that is no Rust gives some tokens all the same.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else {
            let (kind, length, skip, cut) = next(rest, first);
            found.push(Token { kind, text: &rest[skip..length - cut], line });
            length
        };
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// The kind of the token that `rest` begins with, its length, and how much of its two ends is no part of its text.
fn next(rest: &str, first: char) -> (Kind, usize, usize, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()), 0, 0);
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest), 0, 0);
    }
    if let Some((length, skip, cut)) = string(rest) {
        return (Kind::Literal, length, skip, cut);
    }
    if first == '\'' {
        return quoted(rest, 0);
    }
    if let Some(name) = rest.strip_prefix("r#")
        && name.starts_with(is_word_start)
    {
        return (Kind::Word, 2 + word(name), 2, 0);
    }
    if is_word_start(first) {
        return (Kind::Word, word(rest), 0, 0);
    }
    if first.is_ascii_digit() {
        return (Kind::Literal, number(rest), 0, 0);
    }
    if rest.starts_with("::") { (Kind::Mark, 2, 0, 0) } else { (Kind::Mark, first.len_utf8(), 0, 0) }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// `1`, `0x1f_u8`, `1.5`; of `0..9` and `x.0.1` only the first digits.
fn number(rest: &str) -> usize {
    let whole = word(rest);
    match rest[whole..].strip_prefix('.') {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + word(fraction),
        _ => whole,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a string of any form at the beginning, and of its two ends; `b'x'` too.
fn string(rest: &str) -> Option<(usize, usize, usize)> {
    let letters = ["br", "cr", "b", "c", "r", ""].into_iter().find(|letters| {
        let after = rest.strip_prefix(letters);
        let opened = after.map(|after| if letters.ends_with('r') { after.trim_start_matches('#') } else { after });
        opened.is_some_and(|opened| opened.starts_with('"'))
    });
    let Some(letters) = letters else {
        let byte = rest.strip_prefix("b'")?;
        let (kind, length, ..) = quoted(&rest[1..], 1);
        return (kind == Kind::Literal && !byte.is_empty()).then_some((length, 0, 0));
    };
    let after = &rest[letters.len()..];
    if letters.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let skip = letters.len() + hashes + 1;
        let length = rest[skip..].find(&end).map_or(rest.len(), |at| skip + at + end.len());
        return Some((length, skip, end.len().min(length - skip)));
    }
    let skip = letters.len() + 1;
    let length = closed(&rest[skip..], '"').map_or(rest.len(), |at| skip + at + 1);
    Some((length, skip, usize::from(length > skip)))
}

/// Where `quote` closes the text, escapes passed over.
fn closed(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return Some(at);
        }
    }
    None
}

/// A character or a lifetime at the beginning; `before` bytes stood in front of the quote.
fn quoted(rest: &str, before: usize) -> (Kind, usize, usize, usize) {
    let inside = &rest[1..];
    let mut chars = inside.chars();
    let (first, second) = (chars.next(), chars.next());
    if first == Some('\\') || second == Some('\'') {
        let length = closed(inside, '\'').map_or(rest.len(), |at| at + 2);
        return (Kind::Literal, before + length, 0, 0);
    }
    (Kind::Lifetime, before + 1 + word(inside), 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, kind: Kind) -> Vec<&str> {
        tokens(text).into_iter().filter(|token| token.kind == kind).map(|token| token.text).collect()
    }

    #[test]
    fn strings_and_characters_hide_what_they_hold() {
        let text =
            r###"a("use crate::b; \" // no", r#"x " y"#, br##"z "# "##, b"q\"", '"', '\'', b'\'', c"w") /* ' */ end"###;
        assert_eq!(texts(text, Kind::Word), ["a", "end"]);
        let literals = texts(text, Kind::Literal);
        assert_eq!(
            literals,
            [r#"use crate::b; \" // no"#, r#"x " y"#, r##"z "# "##, r#"q\""#, "'\"'", r"'\''", r"b'\''", "w"]
        );
    }

    #[test]
    fn lifetimes_are_no_characters() {
        let text = "fn f<'a>(x: &'a str) -> &'static [u8; 'b' as usize] { 'outer: loop { break 'outer } }";
        assert_eq!(texts(text, Kind::Lifetime), ["'a", "'a", "'static", "'outer", "'outer"]);
        assert_eq!(texts(text, Kind::Literal), ["'b'"]);
    }

    #[test]
    fn comments_nest_and_end_with_their_line() {
        let text = "/* a /* use b */ c */ d // e \" '\n/// f\ng //";
        assert_eq!(texts(text, Kind::Word), ["d", "g"]);
        assert_eq!(texts(text, Kind::Comment), ["/* a /* use b */ c */", "// e \" '", "/// f", "//"]);
        let lines: Vec<usize> = tokens(text).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn raw_words_numbers_and_marks() {
        assert_eq!(texts("r#type::r#use + 0..9 + 1.5e3 + x.0.len() + r", Kind::Word), ["type", "use", "x", "len", "r"]);
        assert_eq!(texts("0..9 1.5 2.max(3) 0x1f_u8", Kind::Literal), ["0", "9", "1.5", "2", "3", "0x1f_u8"]);
        assert_eq!(texts("a::<B>::c()?", Kind::Mark), ["::", "<", ">", "::", "(", ")", "?"]);
    }

    #[test]
    fn text_that_is_cut_off_ends() {
        for text in ["\"abc", "r##\"abc\"#", "/* /* */", "'", "b'", "'\\", "br#", "é'é"] {
            let _ = tokens(text);
        }
    }
}
