//! Texts in the character sets that a file names.
//!
//! dicom-rs knows the sets, but takes the first of several for the whole text. Here a text is cut where it changes to another set (an escape
//! sequence of ISO 2022), and each part is decoded by its own. Source: DICOM PS3.5 section 6.1.2 and PS3.3 C.12.1.1.2.

use std::cell::RefCell;

use dicom::encoding::text::{SpecificCharacterSet, TextCodec};

const ESCAPE: u8 = 0x1B;

/// A character set, by its number in the register of ISO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    /// A register that a character set of dicom-rs covers, by its name there.
    Known(&'static str),
    /// ISO 8859-9, Turkish.
    Latin5,
    /// ISO 8859-15.
    Latin9,
}

/// What a file without a character set has; high bytes are those of Latin-1.
const DEFAULT: Set = Set::Known("ISO_IR 6");
const JIS: Set = Set::Known("ISO_IR 87");

/// Sets by the end of their names: `ISO_IR 100` and `ISO 2022 IR 100` mean the same letters.
const SETS: [(&str, Set); 22] = [
    ("6", DEFAULT),
    ("13", Set::Known("ISO_IR 13")),
    ("58", Set::Known("GBK")),
    ("87", JIS),
    ("100", Set::Known("ISO_IR 100")),
    ("101", Set::Known("ISO_IR 101")),
    ("109", Set::Known("ISO_IR 109")),
    ("110", Set::Known("ISO_IR 110")),
    ("126", Set::Known("ISO_IR 126")),
    ("127", Set::Known("ISO_IR 127")),
    ("138", Set::Known("ISO_IR 138")),
    ("144", Set::Known("ISO_IR 144")),
    ("148", Set::Latin5),
    ("149", Set::Known("ISO_IR 149")),
    ("159", JIS),
    ("166", Set::Known("ISO_IR 166")),
    ("192", Set::Known("ISO_IR 192")),
    ("203", Set::Latin9),
    ("GB18030", Set::Known("GB18030")),
    ("GBK", Set::Known("GBK")),
    ("GB2312", Set::Known("GBK")),
    ("UTF8", Set::Known("ISO_IR 192")),
];

/// What an escape sequence changes to, without the escape itself.
const ESCAPES: [(&[u8], Set); 17] = [
    (b"(B", DEFAULT),
    (b"(J", Set::Known("ISO_IR 13")),
    (b")I", Set::Known("ISO_IR 13")),
    (b"$B", JIS),
    (b"$@", JIS),
    (b"$(D", JIS),
    (b"$)C", Set::Known("ISO_IR 149")),
    (b"$)A", Set::Known("GBK")),
    (b"-A", Set::Known("ISO_IR 100")),
    (b"-B", Set::Known("ISO_IR 101")),
    (b"-C", Set::Known("ISO_IR 109")),
    (b"-D", Set::Known("ISO_IR 110")),
    (b"-F", Set::Known("ISO_IR 126")),
    (b"-G", Set::Known("ISO_IR 127")),
    (b"-H", Set::Known("ISO_IR 138")),
    (b"-L", Set::Known("ISO_IR 144")),
    (b"-T", Set::Known("ISO_IR 166")),
];

/// Those that dicom-rs has no set for.
const OWN_ESCAPES: [(&[u8], Set); 2] = [(b"-M", Set::Latin5), (b"-b", Set::Latin9)];

/// The character sets of a file.
#[derive(Debug, Clone)]
pub struct CharacterSets {
    /// The set that texts begin with; ASCII where it is not known.
    first: Set,
    /// Names that are not known.
    unknown: Vec<String>,
    /// What letters were taken for that are none of the set that they are said to be in.
    guesses: RefCell<Vec<Guess>>,
}

/// What letters are taken for whose set is wrong or not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guess {
    Unicode,
    Latin1,
}

impl CharacterSets {
    /// Reads the values of Specific Character Set; a file without it has the default one.
    pub fn read(value: Option<&[u8]>) -> Self {
        let text = String::from_utf8_lossy(value.unwrap_or_default());
        let names: Vec<&str> = text.split('\\').map(|name| name.trim_matches(['\0', ' '])).collect();
        let unknown = names.iter().filter(|name| set_named(name).is_none()).map(|name| (*name).to_string()).collect();
        let first = names.first().and_then(|name| set_named(name)).unwrap_or(DEFAULT);
        Self { first, unknown, guesses: RefCell::default() }
    }

    /// What the user must know of the texts that were decoded: letters that are none of the set that the file names.
    pub fn warning(&self) -> Option<String> {
        let guesses = self.guesses.borrow();
        let taken = match guesses[..] {
            [] => return None,
            [Guess::Unicode] => "UTF-8",
            [Guess::Latin1] => "Latin-1",
            _ => "UTF-8 or Latin-1",
        };
        let why = if self.unknown.is_empty() {
            "The file has letters that are not in the character set that it names".to_string()
        } else {
            let names = self.unknown.iter().map(|name| super::fields::quoted(name)).collect::<Vec<_>>().join(", ");
            format!("The file names a character set that is not known ({names})")
        };
        Some(format!("{why}; they are taken for {taken}, and may be wrong."))
    }

    /// Whether a text needs decoding at all.
    pub fn is_plain(bytes: &[u8]) -> bool {
        bytes.iter().all(|&byte| byte < 0x80 && byte != ESCAPE)
    }

    /// A text; what is no character of its set is taken for UTF-8 where it can be that, else for Latin-1, as pydicom 3.0 takes it where no set
    /// is known. The parts of a person's name have separators of their own.
    pub fn decode(&self, bytes: &[u8], is_person: bool) -> String {
        let first = self.first;
        let decoded = |set, bytes: &[u8]| self.decoded(set, bytes);
        // These have no escape sequences.
        let is_alone = matches!(first, Set::Known("ISO_IR 192" | "GB18030"));
        if is_alone || !bytes.contains(&ESCAPE) {
            return decoded(first, bytes);
        }
        let mut parts = bytes.split(|&byte| byte == ESCAPE);
        let mut text = parts.next().map(|start| decoded(first, start)).unwrap_or_default();
        // The letters above ASCII stay those of the last change, also after one back to ASCII.
        let mut upper = first;
        for part in parts {
            let Some((sequence, set)) = escape_of(part) else {
                text.push(char::REPLACEMENT_CHARACTER);
                text.push_str(&decoded(first, part));
                continue;
            };
            let rest = part.get(sequence.len()..).unwrap_or_default();
            if set == JIS {
                // Pairs of ASCII bytes, which may look like separators.
                let end = rest.iter().position(|byte| *byte < 0x20).unwrap_or(rest.len());
                let (pairs, behind) = rest.split_at(end);
                text.push_str(&decoded(JIS, &[&[ESCAPE], sequence, pairs].concat()));
                text.push_str(&decoded(first, behind));
                continue;
            }
            if sequence != b"(B" {
                upper = set;
            }
            // Behind a separator the first set holds again; where that has no letters above ASCII, the change is taken as still meant.
            let ends = |byte: &u8| *byte < 0x20 || *byte == b'\\' || (is_person && [b'^', b'='].contains(byte));
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            let (own, behind) = rest.split_at(end);
            text.push_str(&decoded(upper, own));
            if end < rest.len() && first != DEFAULT {
                upper = first;
            }
            text.push_str(&decoded(upper, behind));
        }
        text
    }
}

impl CharacterSets {
    /// Bytes in one set, or what they are taken for where they are not in it.
    fn decoded(&self, set: Set, bytes: &[u8]) -> String {
        decoded(set, bytes).unwrap_or_else(|| {
            let (text, guess) = match std::str::from_utf8(bytes) {
                Ok(text) if !bytes.contains(&ESCAPE) => (text.to_string(), Guess::Unicode),
                _ => (latin_1(bytes), Guess::Latin1),
            };
            let mut guesses = self.guesses.borrow_mut();
            if !guesses.contains(&guess) {
                guesses.push(guess);
            }
            text
        })
    }
}

/// The set of a name; an empty one is the default.
fn set_named(name: &str) -> Option<Set> {
    let plain: String = name.to_ascii_uppercase().replace(['_', '-'], " ");
    let ending = plain.strip_prefix("ISO 2022 IR").or_else(|| plain.strip_prefix("ISO IR"));
    let ending = ending.map_or_else(|| plain.replace(' ', ""), |number| number.trim().to_string());
    if ending.is_empty() && plain.is_empty() {
        return Some(DEFAULT);
    }
    SETS.iter().find(|(known, _)| *known == ending).map(|(_, set)| *set)
}

fn escape_of(part: &[u8]) -> Option<(&'static [u8], Set)> {
    ESCAPES.iter().chain(&OWN_ESCAPES).find(|(sequence, _)| part.starts_with(sequence)).copied()
}

/// Bytes in one set; nothing where they are not in it.
fn decoded(set: Set, bytes: &[u8]) -> Option<String> {
    if CharacterSets::is_plain(bytes) {
        return Some(bytes.iter().map(|&byte| char::from(byte)).collect());
    }
    let latin = |other: &[(u8, char)]| {
        let letter = |&byte: &u8| other.iter().find(|(own, _)| *own == byte).map_or(char::from(byte), |(_, c)| *c);
        bytes.iter().map(letter).collect()
    };
    match set {
        // ASCII, and nothing else.
        DEFAULT => None,
        Set::Known(name) => {
            let text = SpecificCharacterSet::from_code(name).and_then(|set| set.decode(bytes).ok())?;
            // dicom-rs writes what is no character as an octal number.
            (octal_numbers(text.as_bytes()) <= octal_numbers(bytes)).then_some(text)
        }
        Set::Latin5 => Some(latin(&[(0xD0, 'Ğ'), (0xDD, 'İ'), (0xDE, 'Ş'), (0xF0, 'ğ'), (0xFD, 'ı'), (0xFE, 'ş')])),
        Set::Latin9 => Some(latin(&[
            (0xA4, '€'),
            (0xA6, 'Š'),
            (0xA8, 'š'),
            (0xB4, 'Ž'),
            (0xB8, 'ž'),
            (0xBC, 'Œ'),
            (0xBD, 'œ'),
            (0xBE, 'Ÿ'),
        ])),
    }
}

/// How often a backslash is followed by three octal digits.
fn octal_numbers(bytes: &[u8]) -> usize {
    let is_octal = |four: &&[u8]| four[0] == b'\\' && four[1..].iter().all(|digit| (b'0'..=b'7').contains(digit));
    bytes.windows(4).filter(is_octal).count()
}

/// Latin-1; what is no letter of it has the sign for that.
fn latin_1(bytes: &[u8]) -> String {
    let letter = |&byte: &u8| match byte {
        ESCAPE | 0x80..=0x9F => char::REPLACEMENT_CHARACTER,
        _ => char::from(byte),
    };
    bytes.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(sets: &str, bytes: &[u8], is_person: bool) -> String {
        CharacterSets::read(Some(sets.as_bytes())).decode(bytes, is_person)
    }

    /// The examples of PS3.5, annexes H, I, J and K.
    #[test]
    fn names_of_the_standard_are_read() {
        let yamada = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(decode("\\ISO 2022 IR 87", yamada, true), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let kana =
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
        assert_eq!(decode("ISO 2022 IR 13\\ISO 2022 IR 87", kana, true), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
        let hong = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(decode("\\ISO 2022 IR 149", hong, true), "Hong^Gildong=洪^吉洞=홍^길동");
        let zhang = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
        assert_eq!(decode("\\ISO 2022 IR 58", zhang, true), "Zhang^XiaoDong=张^小东=");
        let wang = "Wang^XiaoDong=王^小东";
        assert_eq!(decode("ISO_IR 192", wang.as_bytes(), true), wang);
        assert_eq!(decode("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", true), wang);
    }

    #[test]
    fn a_byte_of_a_letter_is_no_separator() {
        // The second byte of these is a backslash.
        assert_eq!(decode("GB18030", b"\x81\x5c", false), "乗");
        assert_eq!(decode("\\ISO 2022 IR 87", b"\x1b$B\x21\x5c\x1b(B\\b", false), "＋\\b");
    }

    #[test]
    fn letters_of_no_known_set_are_letters_and_told() {
        let read = |name: &str, bytes: &[u8]| {
            let sets = CharacterSets::read((name != "none").then_some(name.as_bytes()));
            (sets.decode(bytes, true), sets.warning().unwrap_or_default())
        };
        for (name, bytes, text, told) in [
            ("ISO_IR 999 ", &b"M\xfcller"[..], "Müller", "not known (\"ISO_IR 999\"); they are taken for Latin-1"),
            ("ISO_IR 999", "Müller".as_bytes(), "Müller", "taken for UTF-8"),
            ("none", b"M\xfcller", "Müller", "not in the character set that it names; they are taken for Latin-1"),
            ("ISO_IR 6", "Müller".as_bytes(), "Müller", "taken for UTF-8"),
            ("ISO_IR 192", b"M\xfcller", "Müller", "taken for Latin-1"),
            ("GB18030", b"M\xfc", "Mü", "taken for Latin-1"),
            ("ISO_IR 100", b"M\xfcller", "Müller", ""),
            ("ISO_IR 192", "Müller \\374".as_bytes(), "Müller \\374", ""),
            ("none", b"M\x9c\x1b[Z", "M\u{FFFD}\u{FFFD}[Z", "taken for Latin-1"),
            // Plain texts of a set that is not known are no reason to say anything.
            ("ISO_IR 999", b"Miller", "Miller", ""),
        ] {
            let (found, warning) = read(name, bytes);
            assert_eq!(found, text, "{name}");
            assert!(if told.is_empty() { warning.is_empty() } else { warning.contains(told) }, "{name}: {warning}");
        }
        for known in ["", "\\ISO 2022 IR 87", "ISO_IR 6", "ISO-IR 100", "ISO 2022 IR 166", "iso_ir 192", "UTF-8"] {
            assert!(CharacterSets::read(Some(known.as_bytes())).unknown.is_empty(), "{known}");
        }
        assert_eq!(decode("ISO_IR 148", b"\xdei\xfdk", false), "Şiık");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_text(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\x1b$()BCDAJI-^=\\".to_vec())], 0..60),
                                set in prop::sample::select(SETS.to_vec()), is_person in any::<bool>()) {
            let name = if set.0.starts_with(|c: char| c.is_ascii_digit()) { format!("\\ISO 2022 IR {}", set.0) } else { set.0.to_string() };
            let _ = decode(&name, &bytes, is_person);
            let _ = decode(name.trim_start_matches('\\'), &bytes, is_person);
        }
    }
}
