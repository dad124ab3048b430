//! A walk over a DICOM file's elements before anything is parsed or allocated.
//!
//! It checks that every length lies inside the file and that nesting stays shallow, takes out the values of the few
//! elements that are used, and finds where the pixel data are. Nobody else reads the header: a parser that trusts the
//! lengths it meets never sees them. What is not an element by the letter, but can be stepped over, is stepped over.
//! Source: DICOM PS3.5 sections 7 (data elements, nesting) and A.4 (encapsulation), PS3.10 section 7.

use std::path::Path;

use dicom::core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom::core::{Tag, VR};
use dicom::dictionary_std::StandardDataDictionary;

use super::stream::{LOOK_AHEAD, Stream};
use crate::disk;
use crate::work::numbers::index;

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
const MAX_DEPTH: usize = 32;
/// Longest value that is taken out of a header.
const MAX_VALUE_BYTES: u32 = 0xFFFE;

/// Transfer syntax UIDs that decide how elements are laid out.
pub mod syntax {
    #![allow(missing_docs)]
    pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
    pub const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
    pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
    pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
    pub const RLE: &str = "1.2.840.10008.1.2.5";

    /// Whether pixels are stored as they are.
    pub fn is_native(uid: &str) -> bool {
        [IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG].contains(&uid)
    }
}

/// Where the bytes of the data set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// In the file itself.
    File,
    /// Behind this offset, deflated; positions count inflated bytes.
    Deflated(u64),
}

/// Where the pixel data lie.
#[derive(Debug, Clone)]
pub enum PixelData {
    /// One run of bytes.
    Native {
        /// Its first byte.
        offset: u64,
        /// Bytes (cut at the end of the file).
        length: u64,
        /// Bytes that have no order (OB), not words.
        is_bytes: bool,
    },
    /// Compressed fragments: offset and length of each.
    Encapsulated(Vec<(u64, u64)>),
}

/// An element's value as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawValue {
    /// Its element.
    pub tag: Tag,
    /// Value representation, where the file gives a known one.
    pub vr: Option<VR>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a walk found.
#[derive(Debug, Clone)]
pub struct Structure {
    /// Transfer Syntax UID without padding.
    pub transfer_syntax: String,
    /// Media Storage SOP Instance UID of the file meta information.
    pub media_instance_uid: String,
    /// Media Storage SOP Class UID of the file meta information.
    pub media_class_uid: String,
    /// Where the data set's bytes are.
    pub content: Content,
    /// The pixel data, if there are any.
    pub pixel_data: Option<PixelData>,
    /// What the file does against its own word, though it can be read.
    pub warnings: Vec<String>,
}

struct Walker<'a> {
    stream: Stream,
    implicit: bool,
    big_endian: bool,
    wanted: &'a [Tag],
    values: Vec<RawValue>,
}

struct ElementHeader {
    tag: Tag,
    vr: Option<VR>,
    /// Bytes before the value.
    size: u64,
    length: u32,
}

/// Why a walk stops.
enum Stop {
    /// The bytes here make no sense; a sequence of known length around them can still be stepped over.
    Broken(String),
    /// Nothing more is to be had.
    Fatal(String),
}

impl From<String> for Stop {
    fn from(text: String) -> Self {
        Self::Fatal(text)
    }
}

/// Walks a file up to its pixel data; the values of `wanted` (in ascending order) come with it.
///
/// # Errors
/// A sentence that names the element.
pub fn walk(path: &Path, wanted: &[Tag]) -> Result<(Structure, Vec<RawValue>), String> {
    let failed = |e: std::io::Error| format!("cannot read the file: {e}");
    let file = disk::open_regular_file(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let stream = Stream::plain(file, length);
    let mut walker = Walker { stream, implicit: false, big_endian: false, wanted, values: Vec::new() };
    let prefix = walker.stream.take(132).map_err(|_| "the file is too short for DICOM".to_string())?;
    if prefix.get(128..) != Some(b"DICM") {
        return Err("not a DICOM file: the mark DICM is missing at byte 128".into());
    }
    let mut structure = Structure {
        transfer_syntax: String::new(),
        media_instance_uid: String::new(),
        media_class_uid: String::new(),
        content: Content::File,
        pixel_data: None,
        warnings: Vec::new(),
    };
    walker.file_meta(&mut structure)?;
    if structure.transfer_syntax == syntax::DEFLATED {
        structure.content = Content::Deflated(walker.stream.position());
        walker.stream = walker.stream.inflated().map_err(failed)?;
    }
    walker.implicit = structure.transfer_syntax == syntax::IMPLICIT_LITTLE;
    walker.big_endian = structure.transfer_syntax == syntax::EXPLICIT_BIG;
    structure.warnings.extend(walker.believe_the_data()?);
    structure.pixel_data = walker.data_set(structure.content)?;
    if walker.big_endian {
        for value in &mut walker.values {
            value.swap_bytes();
        }
    }
    Ok((structure, walker.values))
}

/// Whether two letters are a value representation of the standard, and which.
fn known_vr(letters: &[u8]) -> Option<VR> {
    VR::from_binary(letters.try_into().ok()?)
}

fn has_long_length(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

impl RawValue {
    /// Numbers in big-endian order become little-endian.
    fn swap_bytes(&mut self) {
        let width = match self.vr {
            Some(VR::US | VR::SS | VR::OW) => 2,
            Some(VR::UL | VR::SL | VR::FL) => 4,
            Some(VR::FD | VR::SV | VR::UV) => 8,
            _ => 1,
        };
        self.bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}

impl Walker<'_> {
    fn u16(&self, bytes: &[u8]) -> u16 {
        let raw = [bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)];
        if self.big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
    }

    fn u32(&self, bytes: &[u8]) -> u32 {
        let raw: [u8; 4] = std::array::from_fn(|n| bytes.get(n).copied().unwrap_or(0));
        if self.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
    }

    fn tag(&self, bytes: &[u8]) -> Tag {
        Tag(self.u16(bytes), self.u16(bytes.get(2..).unwrap_or_default()))
    }

    /// Bytes up to the end of the file; more than any element can have where that is unknown.
    fn remaining(&self) -> u64 {
        self.stream.end().map_or(u64::MAX, |end| end.saturating_sub(self.stream.position()))
    }

    /// Reads an element's header without stepping over it; `end` is where the sequence around it ends.
    fn element(&mut self, end: Option<u64>) -> Result<ElementHeader, Stop> {
        let head: Vec<u8> = self.stream.peek(12)?.to_vec();
        if head.len() < 8 {
            return Err(Stop::Fatal("the file ends inside its header; copy it again".into()));
        }
        let tag = self.tag(&head);
        let after = head.get(4..).unwrap_or_default();
        if tag.0 == 0xFFFE || self.implicit {
            return Ok(ElementHeader { tag, vr: None, size: 8, length: self.u32(after) });
        }
        let letters = head.get(4..6).unwrap_or_default();
        match known_vr(letters) {
            Some(vr) if has_long_length(vr) => {
                let length = self.u32(head.get(8..).unwrap_or_default());
                Ok(ElementHeader { tag, vr: Some(vr), size: 12, length })
            }
            Some(vr) => {
                let length = u32::from(self.u16(head.get(6..).unwrap_or_default()));
                Ok(ElementHeader { tag, vr: Some(vr), size: 8, length })
            }
            None => self.element_of_unknown_vr(tag, &head, end),
        }
    }

    /// An element whose value representation says nothing, in an explicit data set: the length may be long, short or
    /// that of an implicit element. It is the one after which another element follows.
    fn element_of_unknown_vr(&mut self, tag: Tag, head: &[u8], end: Option<u64>) -> Result<ElementHeader, Stop> {
        let part = |from: usize| head.get(from..).unwrap_or_default();
        let (long, short, implicit) = (self.u32(part(8)), u32::from(self.u16(part(6))), self.u32(part(4)));
        let mut candidates = Vec::new();
        if head.len() == 12 && head.get(6..8) == Some(&[0, 0]) {
            candidates.push((12, long));
        }
        candidates.extend([(8, short), (8, implicit)]);
        let here = self.stream.position();
        let limit = end.or(self.stream.end()).unwrap_or(u64::MAX);
        // How telling what follows is, and the header.
        let mut best: Option<(u8, ElementHeader)> = None;
        for (size, length) in candidates {
            let next = here + size + u64::from(length);
            let offset = index(size) + index(length.into());
            let telling = if length == UNDEFINED {
                let item = self.stream.peek(index(size) + 4)?.get(index(size)..).map(<[u8]>::to_vec);
                if item.is_some_and(|item| [ITEM, SEQUENCE_END].contains(&self.tag(&item))) { 4 } else { 0 }
            } else if next == limit {
                4
            } else if next > limit {
                0
            } else if offset + 8 > LOOK_AHEAD {
                1
            } else {
                self.follows(tag, head, offset)?
            };
            if telling > best.as_ref().map_or(0, |(most, _)| *most) {
                best = Some((telling, ElementHeader { tag, vr: None, size, length }));
            }
        }
        best.map(|(_, header)| header).ok_or_else(|| {
            let letters: String =
                head.get(4..6).unwrap_or_default().iter().map(|b| b.escape_ascii().to_string()).collect();
            Stop::Broken(format!(
                "element {tag} has the unknown value representation \"{letters}\", and no element follows it; \
                 copy or export the file again"
            ))
        })
    }

    /// How much the bytes at an offset ahead look like the header of an element behind `tag`, from 0 to 4.
    fn follows(&mut self, tag: Tag, head: &[u8], offset: usize) -> Result<u8, String> {
        let remaining = self.remaining();
        let next: Vec<u8> = self.stream.peek(offset + 8)?.get(offset..).unwrap_or_default().to_vec();
        let next_tag = self.tag(&next);
        if next.len() < 8 {
            return Ok(0);
        }
        if [ITEM_END, SEQUENCE_END].contains(&next_tag) {
            return Ok(4);
        }
        let letters = next.get(4..6).unwrap_or_default();
        let fits = u64::from(self.u32(next.get(4..).unwrap_or_default())) <= remaining;
        Ok(match () {
            () if next_tag <= tag => 0,
            () if known_vr(letters).is_some() => 4,
            () if head.get(4..6) == Some(letters) => 3,
            () if fits => 2,
            () => 0,
        })
    }

    fn file_meta(&mut self, structure: &mut Structure) -> Result<(), String> {
        while self.stream.peek(8)?.len() == 8 {
            let group = self.stream.peek(2)?.to_vec();
            if group != [2, 0] {
                break;
            }
            let element = match self.element(None) {
                Ok(element) => element,
                Err(Stop::Broken(text) | Stop::Fatal(text)) => return Err(text),
            };
            self.stream.skip(element.size)?;
            self.check_length(&element)?;
            let slot = match element.tag.1 {
                0x0010 => &mut structure.transfer_syntax,
                0x0003 => &mut structure.media_instance_uid,
                0x0002 => &mut structure.media_class_uid,
                _ => {
                    self.stream.skip(u64::from(element.length))?;
                    continue;
                }
            };
            if element.length > 1024 {
                return Err(format!("the file meta element {} claims {} bytes", element.tag, element.length));
            }
            let raw = self.stream.take(element.length as usize)?;
            *slot = String::from_utf8_lossy(&raw).trim_matches(['\0', ' ']).to_string();
        }
        if structure.transfer_syntax.is_empty() {
            return Err("the file meta information names no transfer syntax".into());
        }
        Ok(())
    }

    /// Looks whether the first element is laid out as the transfer syntax says, and goes by the data where it is not.
    fn believe_the_data(&mut self) -> Result<Option<String>, String> {
        let head = self.stream.peek(12)?.to_vec();
        if head.len() < 8 {
            return Ok(None);
        }
        // The first group is a small number; read in the wrong order it is a large one.
        let group = self.u16(&head);
        if group > 0x00FF && group.swap_bytes() <= 0x00FF {
            return Err(format!(
                "the transfer syntax says {}-endian, but the data set is not; convert the file with the program it comes from",
                if self.big_endian { "big" } else { "little" }
            ));
        }
        let vr = head.get(4..6).and_then(known_vr);
        let implicit_length = u64::from(self.u32(head.get(4..).unwrap_or_default()));
        if let Some(vr) = vr.filter(|_| self.implicit) {
            let offset = if has_long_length(vr) {
                u64::from(self.u32(head.get(8..).unwrap_or_default())) + 12
            } else {
                u64::from(self.u16(head.get(6..).unwrap_or_default())) + 8
            };
            let next = self.stream.peek(index(offset) + 8)?.get(index(offset)..).map(<[u8]>::to_vec);
            if next.is_some_and(|next| next.get(4..6).and_then(known_vr).is_some() && self.tag(&next) > self.tag(&head))
            {
                self.implicit = false;
                return Ok(Some(
                    "The file says that its elements are implicit, but they are explicit; they are read as explicit."
                        .into(),
                ));
            }
        }
        let tag = self.tag(&head);
        let fits = implicit_length + 8 <= self.remaining();
        if !self.implicit && !self.big_endian && vr.is_none() && fits && self.follows_implicit(tag, implicit_length)? {
            self.implicit = true;
            return Ok(Some(
                "The file says that its elements are explicit, but they are implicit; they are read as implicit."
                    .into(),
            ));
        }
        Ok(None)
    }

    /// Whether a second implicit element follows a first one of this length.
    fn follows_implicit(&mut self, tag: Tag, length: u64) -> Result<bool, String> {
        let offset = index(length) + 8;
        let Some(next) = self.stream.peek(offset + 8)?.get(offset..).map(<[u8]>::to_vec) else { return Ok(false) };
        let remaining = self.remaining();
        let has_vr = next.get(4..6).and_then(known_vr).is_some();
        Ok(next.len() == 8
            && self.tag(&next) > tag
            && !has_vr
            && u64::from(self.u32(next.get(4..).unwrap_or_default())) <= remaining)
    }

    fn check_length(&self, element: &ElementHeader) -> Result<(), String> {
        if u64::from(element.length) > self.remaining() {
            return Err(format!(
                "element {} claims {} bytes, more than the file has left",
                element.tag, element.length
            ));
        }
        Ok(())
    }

    fn data_set(&mut self, content: Content) -> Result<Option<PixelData>, String> {
        // The end of each open sequence or item: a position, or unknown until its delimiter.
        let mut open: Vec<Option<u64>> = Vec::new();
        // Elements of "UN, undefined length" sequences are implicit whatever the transfer syntax (PS3.5 6.2.2).
        let outer_implicit = self.implicit;
        let mut implicit_below: Option<usize> = None;
        loop {
            while let Some(Some(end)) = open.last() {
                if self.stream.position() < *end {
                    break;
                }
                open.pop();
            }
            if implicit_below.is_some_and(|depth| open.len() <= depth) {
                self.implicit = outer_implicit;
                implicit_below = None;
            }
            if self.stream.peek(8)?.len() < 8 {
                return if open.is_empty() {
                    Ok(None)
                } else {
                    Err("a sequence is not closed before the file ends; copy the file again".into())
                };
            }
            match self.step(&mut open, &mut implicit_below, content) {
                Ok(None) => {}
                Ok(Some(pixel_data)) => return Ok(Some(pixel_data)),
                Err(Stop::Fatal(text)) => return Err(text),
                Err(Stop::Broken(text)) => {
                    // Nothing inside a sequence is used: one whose end is known is stepped over.
                    let Some(at) = open.iter().rposition(Option::is_some) else { return Err(text) };
                    let Some(end) = open.get(at).copied().flatten() else { return Err(text) };
                    open.truncate(at);
                    self.stream.skip(end.saturating_sub(self.stream.position()))?;
                }
            }
        }
    }

    /// One element; the pixel data if it is theirs.
    fn step(
        &mut self,
        open: &mut Vec<Option<u64>>,
        implicit_below: &mut Option<usize>,
        content: Content,
    ) -> Result<Option<PixelData>, Stop> {
        let end = open.iter().rev().find_map(|end| *end);
        let element = self.element(end)?;
        let undefined = element.length == UNDEFINED;
        let start = self.stream.position() + element.size;
        let overruns = |end: Option<u64>| end.is_some_and(|end| start + u64::from(element.length) > end);
        match element.tag {
            ITEM_END | SEQUENCE_END => {
                self.stream.skip(8)?;
                return match open.pop() {
                    Some(_) => Ok(None),
                    None => Err(Stop::Fatal(format!("a delimiter {} closes nothing", element.tag))),
                };
            }
            PIXEL_DATA if open.is_empty() => {
                self.stream.skip(element.size)?;
                return Ok(Some(self.pixel_data(&element, content)?));
            }
            _ if !undefined && overruns(end) => {
                return Err(Stop::Broken(format!("element {} is longer than the sequence around it", element.tag)));
            }
            _ => {}
        }
        self.stream.skip(element.size)?;
        let is_sequence = element.tag == ITEM || undefined || Self::is_sequence(&element, self.implicit);
        if !undefined {
            self.check_length(&element)?;
        }
        if is_sequence {
            if open.len() >= MAX_DEPTH {
                return Err(Stop::Fatal(format!("sequences are nested more than {MAX_DEPTH} deep")));
            }
            if undefined && element.vr == Some(VR::UN) && implicit_below.is_none() {
                *implicit_below = Some(open.len());
                self.implicit = true;
            }
            open.push((!undefined).then(|| start + u64::from(element.length)));
        } else if open.is_empty() && self.wanted.binary_search(&element.tag).is_ok() {
            self.keep_value(&element)?;
        } else {
            self.stream.skip(u64::from(element.length))?;
        }
        Ok(None)
    }

    fn is_sequence(element: &ElementHeader, implicit: bool) -> bool {
        match element.vr {
            Some(vr) => vr == VR::SQ,
            None => implicit && dictionary_vr(element.tag) == Some(VR::SQ),
        }
    }

    fn keep_value(&mut self, element: &ElementHeader) -> Result<(), String> {
        let &ElementHeader { tag, vr, length, .. } = element;
        if length > MAX_VALUE_BYTES {
            return Err(format!("element {tag} claims {length} bytes, more than its value can have"));
        }
        let value = RawValue { tag, vr, bytes: self.stream.take(length as usize)? };
        match self.values.iter().find(|other| other.tag == tag) {
            Some(other) if other.bytes != value.bytes => {
                return Err(format!("element {tag} is there twice, with different values"));
            }
            Some(_) => {}
            None => self.values.push(value),
        }
        Ok(())
    }

    fn pixel_data(&mut self, element: &ElementHeader, content: Content) -> Result<PixelData, String> {
        if element.length != UNDEFINED {
            let length = u64::from(element.length).min(self.remaining());
            let is_bytes = element.vr == Some(VR::OB);
            return Ok(PixelData::Native { offset: self.stream.position(), length, is_bytes });
        }
        if content != Content::File {
            return Err("the pixel data are compressed inside a deflated data set, which cannot be read".into());
        }
        let mut fragments = Vec::new();
        let mut is_offset_table = true;
        while self.stream.peek(8)?.len() == 8 {
            let head = self.stream.take(8)?;
            if self.tag(&head) != ITEM {
                break;
            }
            let claimed = self.u32(head.get(4..).unwrap_or_default());
            let length = u64::from(claimed);
            if claimed == UNDEFINED || length > self.remaining() {
                return Err(format!(
                    "a fragment of the pixel data claims {claimed} bytes, more than the file has left"
                ));
            }
            if !is_offset_table {
                fragments.push((self.stream.position(), length));
            }
            is_offset_table = false;
            self.stream.skip(length)?;
        }
        if fragments.is_empty() {
            return Err("the compressed pixel data hold no fragment".into());
        }
        Ok(PixelData::Encapsulated(fragments))
    }
}

/// The value representation that the standard gives an element.
pub fn dictionary_vr(tag: Tag) -> Option<VR> {
    StandardDataDictionary.by_tag(tag).map(|entry| entry.vr().relaxed())
}
