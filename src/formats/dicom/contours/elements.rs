//! The elements of a data set one after the other, into sequences, without holding more than one value.
//!
//! **Invariant:** no length is believed beyond the item, the sequence and the file that it stands in.
//! Source: DICOM PS3.5 sections 6.2.2 (UN), 7.1 (elements) and 7.5 (sequences), PS3.10 section 7.1.

use std::path::Path;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;

use crate::disk;
use crate::formats::dicom::stream::{LOOK_AHEAD, Stream};
use crate::formats::dicom::structure::syntax;
use crate::work::numbers::index;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
const MOST_NESTED: usize = 32;
/// Longest text but for lists of numbers.
const LONGEST_TEXT: u32 = 0xFFFE;

/// The header of an element; its value comes next.
#[derive(Debug, Clone, Copy)]
pub struct Element {
    /// What it is.
    pub tag: Tag,
    vr: Option<VR>,
    length: u32,
}

/// How far a data set, a sequence or an item reaches.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Where it ends; none where a delimiter or the end of the file says so.
    end: Option<u64>,
    /// What it cannot reach beyond.
    limit: u64,
    /// How deep it lies.
    depth: usize,
    implicit: bool,
}

/// A file whose elements are read in their order.
pub struct Elements {
    stream: Stream,
    big_endian: bool,
    whole: Span,
    media_instance_uid: String,
}

impl Elements {
    /// Opens a file up to its data set, with or without preamble and file meta information.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot read the file: {error}");
        let file = disk::open_regular_file(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut stream = Stream::plain(file, length);
        if stream.peek(132)?.get(128..) == Some(b"DICM") {
            stream.skip(132)?;
        }
        let whole = Span { end: None, limit: length, depth: 0, implicit: false };
        let mut elements = Self { stream, big_endian: false, whole, media_instance_uid: String::new() };
        let transfer_syntax = elements.file_meta()?;
        if transfer_syntax == syntax::DEFLATED {
            elements.stream = elements.stream.inflated().map_err(failed)?;
            elements.whole.limit = u64::MAX;
        }
        // The data decide, not what the transfer syntax says of them: the first group is small, and its letters are known or not.
        let head = elements.stream.peek(8)?.to_vec();
        elements.big_endian = head.first() == Some(&0) && head.get(1).is_some_and(|group| *group != 0);
        elements.whole.implicit = head.get(4..6).and_then(known).is_none();
        Ok(elements)
    }

    /// All of the data set.
    pub fn whole(&self) -> Span {
        self.whole
    }

    /// Media Storage SOP Instance UID of the file meta information; empty where there is none.
    pub fn media_instance_uid(&self) -> &str {
        &self.media_instance_uid
    }

    /// Reads the file meta information, and gives the transfer syntax.
    fn file_meta(&mut self) -> Result<String, String> {
        let (mut transfer_syntax, mut media_instance_uid) = (String::new(), String::new());
        while self.stream.peek(2)? == [2, 0] {
            let Some(element) = self.next(self.whole)? else { break };
            let text = match element.tag {
                tags::TRANSFER_SYNTAX_UID => &mut transfer_syntax,
                tags::MEDIA_STORAGE_SOP_INSTANCE_UID => &mut media_instance_uid,
                _ => {
                    self.skip(&element, self.whole)?;
                    continue;
                }
            };
            *text = String::from_utf8_lossy(&self.bytes(&element)?).trim_matches(['\0', ' ']).into();
        }
        self.media_instance_uid = media_instance_uid;
        Ok(transfer_syntax)
    }

    /// The next element; none at the end. The value of the one before must have been read or skipped.
    ///
    /// # Errors
    /// Names the element whose length cannot be.
    pub fn next(&mut self, span: Span) -> Result<Option<Element>, String> {
        loop {
            if span.end.is_some_and(|end| self.stream.position() >= end) {
                return Ok(None);
            }
            let head = self.stream.peek(12)?.to_vec();
            if head.len() < 8 {
                // Some programs pad the end.
                return if span.depth == 0 { Ok(None) } else { Err(cut_short()) };
            }
            let tag = self.tag(&head);
            if tag == ITEM_END || tag == SEQUENCE_END {
                self.stream.skip(8)?;
                if span.end.is_none() && span.depth > 0 {
                    return Ok(None);
                }
                continue;
            }
            return self.header(tag, &head, span).map(Some);
        }
    }

    fn header(&mut self, tag: Tag, head: &[u8], span: Span) -> Result<Element, String> {
        let part = |from: usize| head.get(from..).unwrap_or_default();
        let vr = if span.implicit || tag == ITEM { None } else { head.get(4..6).and_then(known) };
        let (size, length) = match vr {
            None if span.implicit || tag == ITEM => (8, self.u32(part(4))),
            Some(vr) if !has_long_length(vr) => (8, u32::from(self.u16(part(6)))),
            Some(_) => (12, self.u32(part(8))),
            None => {
                return Err(format!("element {tag} has no value representation that is known; copy the file again"));
            }
        };
        if head.len() < size {
            return Err(cut_short());
        }
        self.stream.skip(size as u64)?;
        let left = span.limit.saturating_sub(self.stream.position());
        if length != UNDEFINED && u64::from(length) > left {
            return Err(format!("element {tag} claims {length} bytes where {left} are left; copy the file again"));
        }
        Ok(Element { tag, vr, length })
    }

    /// The items of a sequence, whose header was just read.
    ///
    /// # Errors
    /// Where sequences are nested too deep.
    pub fn sequence(&self, element: &Element, around: Span) -> Result<Span, String> {
        if around.depth >= MOST_NESTED {
            return Err(format!("sequences are nested more than {MOST_NESTED} deep"));
        }
        // What a program did not know is implicit (PS3.5, 6.2.2).
        let implicit = around.implicit || element.vr == Some(VR::UN);
        Ok(self.inner(element.length, Span { implicit, ..around }))
    }

    /// The elements of the next item of a sequence; none behind the last.
    ///
    /// # Errors
    /// Where something else than an item follows.
    pub fn item(&mut self, sequence: Span) -> Result<Option<Span>, String> {
        match self.next(sequence)? {
            None => Ok(None),
            Some(Element { tag: ITEM, length, .. }) => Ok(Some(self.inner(length, sequence))),
            Some(Element { tag, .. }) => Err(format!("element {tag} stands where an item of a sequence must be")),
        }
    }

    fn inner(&self, length: u32, around: Span) -> Span {
        let end = (length != UNDEFINED).then(|| self.stream.position() + u64::from(length));
        Span { end, limit: end.unwrap_or(around.limit), depth: around.depth + 1, implicit: around.implicit }
    }

    /// Steps over a value, whatever it is.
    ///
    /// # Errors
    /// Where it does not end.
    pub fn skip(&mut self, element: &Element, around: Span) -> Result<(), String> {
        if element.length != UNDEFINED {
            return self.stream.skip(u64::from(element.length));
        }
        let sequence = self.sequence(element, around)?;
        while let Some(item) = self.item(sequence)? {
            while let Some(inner) = self.next(item)? {
                self.skip(&inner, item)?;
            }
        }
        Ok(())
    }

    /// A short value as it stands in the file.
    ///
    /// # Errors
    /// Where it is no short one.
    pub fn bytes(&mut self, element: &Element) -> Result<Vec<u8>, String> {
        let Element { tag, length, .. } = *element;
        if length > LONGEST_TEXT {
            return Err(format!("element {tag} claims {length} bytes, more than its value can have"));
        }
        self.stream.take(index(length.into()))
    }

    /// Decimal numbers between backslashes, however many.
    ///
    /// # Errors
    /// Names the field and the text that is no number.
    pub fn numbers(&mut self, element: &Element, name: &str, visit: &mut dyn FnMut(f64)) -> Result<(), String> {
        const STEP: usize = LOOK_AHEAD / 4;
        const LONGEST: usize = 64;
        if element.length == UNDEFINED {
            return Err(format!("{name} has no length"));
        }
        let mut left = index(element.length.into());
        let mut text: Vec<u8> = Vec::new();
        let mut is_first = true;
        while left > 0 {
            let piece = self.stream.take(left.min(STEP))?;
            left -= piece.len();
            for byte in piece {
                if byte == b'\\' {
                    visit(decimal(&text, name)?);
                    text.clear();
                    is_first = false;
                } else if text.len() < LONGEST {
                    text.push(byte);
                } else {
                    return Err(unreadable(&text, name));
                }
            }
        }
        if !(is_first && text.iter().all(|byte| b" \0".contains(byte))) {
            visit(decimal(&text, name)?);
        }
        Ok(())
    }

    fn tag(&self, head: &[u8]) -> Tag {
        Tag(self.u16(head), self.u16(head.get(2..).unwrap_or_default()))
    }

    fn u16(&self, bytes: &[u8]) -> u16 {
        let two = bytes.first_chunk().copied().unwrap_or_default();
        if self.big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }

    fn u32(&self, bytes: &[u8]) -> u32 {
        let four = bytes.first_chunk().copied().unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }
}

/// A decimal number as DICOM writes it.
fn decimal(text: &[u8], name: &str) -> Result<f64, String> {
    let number = text.trim_ascii().strip_suffix(b"\0").unwrap_or(text.trim_ascii());
    // The language's own reader also takes words such as "inf".
    let is_plain = number.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte));
    let value = std::str::from_utf8(number).ok().filter(|_| is_plain).and_then(|number| number.parse::<f64>().ok());
    value.filter(|value| value.is_finite()).ok_or_else(|| unreadable(text, name))
}

fn unreadable(text: &[u8], name: &str) -> String {
    let shown: String = String::from_utf8_lossy(text).trim().chars().take(64).collect();
    format!("{name} holds {shown:?}, which is not a number")
}

fn cut_short() -> String {
    "the file ends inside a sequence; copy it again".into()
}

fn known(letters: &[u8]) -> Option<VR> {
    VR::from_binary(letters.try_into().ok()?)
}

fn has_long_length(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_numbers_are_read_and_all_else_is_refused() {
        for (text, value) in [("1", 1.0), (" -12.50 ", -12.5), ("+2.5E-1", 0.25), ("3.\0", 3.0)] {
            assert_eq!(decimal(text.as_bytes(), "Contour Data"), Ok(value), "{text}");
        }
        for text in ["", "1,5", "nan", "inf", "1e999", "0x1", "1 2"] {
            let refused = decimal(text.as_bytes(), "Contour Data").unwrap_err();
            assert_eq!(refused, format!("Contour Data holds {text:?}, which is not a number"));
        }
    }
}
