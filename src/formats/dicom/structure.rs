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

use super::elements::ElementHeader;
use super::inside::{Around, Inside, Nothing};
use super::stream::Stream;
use crate::disk;

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
pub(super) const UNDEFINED: u32 = u32::MAX;
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
    /// Uncompressed pixels in fragments, frame by frame.
    pub const ENCAPSULATED: &str = "1.2.840.10008.1.2.1.98";

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

/// Where bytes of the data set lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// Elements of any length whose place is noted, in ascending order: vendor headers of Siemens, colour tables, frame offsets.
const LONG: &[Tag] = &[
    Tag(0x0028, 0x1201),
    Tag(0x0028, 0x1202),
    Tag(0x0028, 0x1203),
    Tag(0x0028, 0x1221),
    Tag(0x0028, 0x1222),
    Tag(0x0028, 0x1223),
    Tag(0x0029, 0x1010),
    Tag(0x0029, 0x1110),
    Tag(0x0029, 0x1210),
    Tag(0x7FE0, 0x0001),
    Tag(0x7FE0, 0x0002),
];

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
    /// Bytes of the file before those of the data set.
    pub head: u64,
    /// The pixel data, if there are any.
    pub pixel_data: Option<PixelData>,
    /// Whether the pixel data end as they must; otherwise the file may be cut.
    pub is_closed: bool,
    /// The Basic Offset Table of compressed pixel data, where it is not empty.
    pub offset_table: Option<Place>,
    /// Long elements, which are read only where they are needed.
    pub long: Vec<(Tag, Place)>,
    /// What the file does against its own word, though it can be read.
    pub warnings: Vec<String>,
}

/// A walk under way.
pub struct Walker<'a> {
    pub(super) stream: Stream,
    pub(super) implicit: bool,
    pub(super) big_endian: bool,
    wanted: &'a [Tag],
    values: Vec<RawValue>,
    inside: &'a mut dyn Inside,
    long: Vec<(Tag, Place)>,
    offset_table: Option<Place>,
    is_closed: bool,
}

/// A sequence or an item that the walk is in.
struct Open {
    tag: Tag,
    /// Where it ends; unknown until its delimiter.
    end: Option<u64>,
    /// Items of it so far.
    items: usize,
}

/// Why a walk stops.
pub enum Stop {
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
    walk_inside(path, wanted, &mut Nothing)
}

/// The same, with what `inside` wants of sequences.
///
/// # Errors
/// A sentence that names the element.
pub fn walk_inside(path: &Path, wanted: &[Tag], inside: &mut dyn Inside) -> Result<(Structure, Vec<RawValue>), String> {
    let file = disk::open_regular_file(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut walker = Walker::new(Stream::plain(file, length), wanted, inside);
    let mut structure = Structure {
        transfer_syntax: String::new(),
        media_instance_uid: String::new(),
        media_class_uid: String::new(),
        content: Content::File,
        head: 0,
        pixel_data: None,
        is_closed: true,
        offset_table: None,
        long: Vec::new(),
        warnings: Vec::new(),
    };
    walker.preamble(&mut structure)?;
    walker.file_meta(&mut structure)?;
    if structure.transfer_syntax.is_empty() {
        structure.transfer_syntax = walker.guessed_syntax(&mut structure.warnings)?;
    }
    structure.head = walker.stream.position();
    if structure.transfer_syntax == syntax::DEFLATED {
        structure.content = Content::Deflated(walker.stream.position());
        walker.stream = walker.stream.inflated().map_err(failed)?;
    }
    walker.implicit = structure.transfer_syntax == syntax::IMPLICIT_LITTLE;
    walker.big_endian = structure.transfer_syntax == syntax::EXPLICIT_BIG;
    structure.warnings.extend(walker.believe_the_data()?);
    structure.pixel_data = walker.data_set(structure.content)?;
    structure.offset_table = walker.offset_table;
    structure.is_closed = walker.is_closed;
    structure.long = std::mem::take(&mut walker.long);
    Ok((structure, walker.values_in_order()))
}

/// The values of `wanted` (in ascending order) in a data set that lies in memory, without file meta information.
///
/// # Errors
/// A sentence that names the element.
pub fn walk_bytes(data_set: Vec<u8>, transfer_syntax: &str, wanted: &[Tag]) -> Result<Vec<RawValue>, String> {
    let mut nothing = Nothing;
    let mut walker = Walker::new(Stream::memory(data_set), wanted, &mut nothing);
    if transfer_syntax == syntax::DEFLATED {
        return Err("the data set is deflated, which it may not be here".into());
    }
    walker.implicit = transfer_syntax == syntax::IMPLICIT_LITTLE;
    walker.big_endian = transfer_syntax == syntax::EXPLICIT_BIG;
    walker.data_set(Content::File)?;
    Ok(walker.values_in_order())
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn failed(error: std::io::Error) -> String {
    format!("cannot read the file: {error}")
}

impl RawValue {
    /// Numbers in big-endian order become little-endian.
    fn swap_bytes(&mut self) {
        let width = match self.vr {
            Some(VR::US | VR::SS | VR::OW | VR::AT) => 2,
            Some(VR::UL | VR::SL | VR::FL) => 4,
            Some(VR::FD | VR::SV | VR::UV) => 8,
            _ => 1,
        };
        self.bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}

impl<'a> Walker<'a> {
    fn new(stream: Stream, wanted: &'a [Tag], inside: &'a mut dyn Inside) -> Self {
        Self {
            stream,
            implicit: false,
            big_endian: false,
            wanted,
            values: Vec::new(),
            inside,
            long: Vec::new(),
            offset_table: None,
            is_closed: true,
        }
    }
}

impl Walker<'_> {
    /// What was taken out, numbers in little-endian order.
    fn values_in_order(mut self) -> Vec<RawValue> {
        if self.big_endian {
            self.values.iter_mut().for_each(RawValue::swap_bytes);
        }
        self.values
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
        Ok(())
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
        let mut open: Vec<Open> = Vec::new();
        // Elements of "UN, undefined length" sequences are implicit whatever the transfer syntax (PS3.5 6.2.2).
        let outer_implicit = self.implicit;
        let mut implicit_below: Option<usize> = None;
        loop {
            while let Some(end) = open.last().and_then(|o| o.end) {
                if self.stream.position() < end {
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
                    if open.first().is_some_and(|outermost| self.inside.needs(outermost.tag)) {
                        return Err(text);
                    }
                    // Nothing inside this sequence is used: one whose end is known is stepped over.
                    let Some(at) = open.iter().rposition(|o| o.end.is_some()) else { return Err(text) };
                    let Some(end) = open.get(at).and_then(|o| o.end) else { return Err(text) };
                    open.truncate(at);
                    self.stream.skip(end.saturating_sub(self.stream.position()))?;
                }
            }
        }
    }

    /// One element; the pixel data if it is theirs.
    fn step(
        &mut self,
        open: &mut Vec<Open>,
        implicit_below: &mut Option<usize>,
        content: Content,
    ) -> Result<Option<PixelData>, Stop> {
        let end = open.iter().rev().find_map(|o| o.end);
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
            if element.tag == ITEM
                && let Some(sequence) = open.last_mut()
            {
                sequence.items += 1;
            }
            let end = (!undefined).then(|| start + u64::from(element.length));
            open.push(Open { tag: element.tag, end, items: 0 });
        } else if open.is_empty() && self.wanted.binary_search(&element.tag).is_ok() {
            self.keep_value(&element)?;
        } else if !open.is_empty() && self.take_inside(open, &element)? {
        } else {
            if open.is_empty() && element.length > 0 && LONG.binary_search(&element.tag).is_ok() {
                let offset = self.stream.position();
                self.long.push((element.tag, Place { offset, length: u64::from(element.length) }));
            }
            self.stream.skip(u64::from(element.length))?;
        }
        Ok(None)
    }

    /// Hands an element to who wants it; false where nobody does.
    fn take_inside(&mut self, open: &[Open], element: &ElementHeader) -> Result<bool, String> {
        if !open.first().is_some_and(|outermost| self.inside.enters(outermost.tag)) {
            return Ok(false);
        }
        let sequences = open.iter().filter(|o| o.tag != ITEM);
        let around: Vec<Around> =
            sequences.map(|o| Around { sequence: o.tag, item: o.items.saturating_sub(1) }).collect();
        if self.inside.wants_place(&around, element.tag) {
            let place = Place { offset: self.stream.position(), length: u64::from(element.length) };
            self.inside.take_place(place);
            self.stream.skip(place.length)?;
            return Ok(true);
        }
        if !self.inside.wants(&around, element.tag) {
            return Ok(false);
        }
        let mut value = self.value(element)?;
        if self.big_endian {
            value.swap_bytes();
        }
        self.inside.take(&around, value)?;
        Ok(true)
    }

    fn is_sequence(element: &ElementHeader, implicit: bool) -> bool {
        match element.vr {
            Some(vr) => vr == VR::SQ,
            None => implicit && dictionary_vr(element.tag) == Some(VR::SQ),
        }
    }

    fn value(&mut self, element: &ElementHeader) -> Result<RawValue, String> {
        let &ElementHeader { tag, vr, length, .. } = element;
        if length > MAX_VALUE_BYTES {
            return Err(format!("element {tag} claims {length} bytes, more than its value can have"));
        }
        Ok(RawValue { tag, vr, bytes: self.stream.take(length as usize)? })
    }

    fn keep_value(&mut self, element: &ElementHeader) -> Result<(), String> {
        let value = self.value(element)?;
        let tag = value.tag;
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
            self.is_closed = length == u64::from(element.length);
            let is_bytes = element.vr == Some(VR::OB);
            return Ok(PixelData::Native { offset: self.stream.position(), length, is_bytes });
        }
        if content != Content::File {
            return Err("the pixel data are compressed inside a deflated data set, which cannot be read".into());
        }
        let mut fragments = Vec::new();
        let mut is_offset_table = true;
        self.is_closed = false;
        while self.stream.peek(8)?.len() == 8 {
            let head = self.stream.take(8)?;
            if self.tag(&head) != ITEM {
                self.is_closed = self.tag(&head) == SEQUENCE_END;
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
            } else if length > 0 {
                self.offset_table = Some(Place { offset: self.stream.position(), length });
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
