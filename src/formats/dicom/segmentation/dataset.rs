//! Elements of a header and of the items in its sequences, found where they are asked for and copied nowhere.
//!
//! [`structure::walk`](super::super::structure::walk) has looked at every length before; what is broken all the same ends a list early, and
//! what is not found then is refused as missing. Source: DICOM PS3.5 sections 7.1 and 7.5.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use dicom::core::{Tag, VR};
use dicom::dictionary_std::tags;
use flate2::read::DeflateDecoder;

use super::super::fields::Fields;
use super::super::structure::{Content, PixelData, RawValue, Structure, dictionary_vr};
use crate::disk;
use crate::work::numbers::index;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
/// Deepest nesting that is followed; real headers have six levels.
const MAX_DEPTH: usize = 32;
/// Bytes before the file meta information, with its mark.
const PREAMBLE: usize = 132;

/// How elements are laid out.
#[derive(Debug, Clone, Copy)]
struct Layout {
    implicit: bool,
    big_endian: bool,
}

/// The bytes of a header up to its pixel data.
pub struct HeaderBytes {
    bytes: Vec<u8>,
    layout: Layout,
    /// Implementation Version Name: which program wrote the file.
    pub writer: String,
}

/// A data set, or an item of a sequence.
#[derive(Debug, Clone, Copy)]
pub struct DataSet<'a> {
    bytes: &'a [u8],
    layout: Layout,
}

/// An element.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    tag: Tag,
    vr: Option<VR>,
    value: &'a [u8],
    layout: Layout,
}

impl HeaderBytes {
    /// Reads what is before the pixel data of a file that was walked.
    pub fn read(path: &Path, structure: &Structure) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("cannot read the file: {e}");
        let mut file = disk::open_regular_file(path).map_err(failed)?;
        let end = match &structure.pixel_data {
            Some(PixelData::Native { offset, .. }) => *offset,
            Some(PixelData::Encapsulated(fragments)) => fragments.first().map_or(0, |(offset, _)| *offset),
            None => u64::MAX,
        };
        let plain_end = if structure.content == Content::File { end } else { 1 << 16 };
        let mut start = Vec::new();
        (&mut file).take(plain_end).read_to_end(&mut start).map_err(failed)?;
        let meta = DataSet { bytes: start.get(PREAMBLE..).unwrap_or_default(), layout: EXPLICIT };
        let (mut after, mut writer) = (PREAMBLE, String::new());
        let mut rest = meta.bytes;
        while let Some((element, behind)) = EXPLICIT.next(rest, 0).filter(|(element, _)| element.tag.0 == 2) {
            if element.tag == tags::IMPLEMENTATION_VERSION_NAME {
                writer = plain_text(element.value);
            }
            after += rest.len() - behind.len();
            rest = behind;
        }
        let bytes = match structure.content {
            Content::File => {
                start.drain(..after.min(start.len()));
                start
            }
            Content::Deflated(from) => inflated(file, from, end).map_err(failed)?,
        };
        let has_vr = bytes.get(4..6).and_then(|letters| VR::from_binary(letters.try_into().ok()?)).is_some();
        let big_endian = structure.transfer_syntax == super::super::structure::syntax::EXPLICIT_BIG;
        Ok(Self { bytes, layout: Layout { implicit: !has_vr, big_endian }, writer })
    }

    /// The outermost data set.
    pub fn data_set(&self) -> DataSet<'_> {
        DataSet { bytes: &self.bytes, layout: self.layout }
    }

    /// The Basic Offset Table of compressed pixel data, where it has entries.
    pub fn offset_table(&self) -> Vec<u64> {
        let Some(at) = self.pixel_data_item() else { return Vec::new() };
        let word = |bytes: &[u8]| Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)));
        let length = self.bytes.get(at + 4..at + 8).and_then(word).map_or(0, index);
        let table = self.bytes.get(at + 8..(at + 8).saturating_add(length)).unwrap_or_default();
        table.chunks_exact(4).filter_map(word).collect()
    }

    /// Where the item of the offset table begins.
    fn pixel_data_item(&self) -> Option<usize> {
        let mut rest = &self.bytes[..];
        loop {
            let tag = self.layout.tag(rest)?;
            if tag == tags::PIXEL_DATA {
                return Some(self.bytes.len() - rest.len() + if self.layout.implicit { 8 } else { 12 });
            }
            (_, rest) = self.layout.next(rest, 0)?;
        }
    }
}

fn inflated(mut file: File, from: u64, end: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    DeflateDecoder::new(file).take(end).read_to_end(&mut bytes)?;
    Ok(bytes)
}

const EXPLICIT: Layout = Layout { implicit: false, big_endian: false };
const IMPLICIT: Layout = Layout { implicit: true, big_endian: false };

impl Layout {
    fn u16(self, bytes: &[u8]) -> Option<u16> {
        let raw: [u8; 2] = bytes.get(..2)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(self, bytes: &[u8]) -> Option<u32> {
        let raw: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    fn tag(self, bytes: &[u8]) -> Option<Tag> {
        Some(Tag(self.u16(bytes)?, self.u16(bytes.get(2..)?)?))
    }

    /// The first element, and what is behind it.
    fn next(self, bytes: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
        let tag = self.tag(bytes)?;
        if tag.0 == 0xFFFE {
            return None;
        }
        let (vr, head, length) = if self.implicit {
            (None, 8, self.u32(bytes.get(4..)?)?)
        } else {
            let vr = VR::from_binary(bytes.get(4..6)?.try_into().ok()?);
            match vr {
                Some(short) if !has_long_length(short) => (vr, 8, u32::from(self.u16(bytes.get(6..)?)?)),
                _ => (vr, 12, self.u32(bytes.get(8..)?)?),
            }
        };
        let rest = bytes.get(head..)?;
        if length != UNDEFINED {
            let (value, rest) = rest.split_at_checked(index(length.into()))?;
            return Some((Element { tag, vr, value, layout: self }, rest));
        }
        // Elements of unknown representation and unknown length are implicit inside (PS3.5 6.2.2).
        let layout = if vr == Some(VR::UN) { IMPLICIT } else { self };
        let (value, rest) = rest.split_at_checked(layout.sequence_length(rest, depth)?)?;
        Some((Element { tag, vr, value, layout }, rest))
    }

    /// Bytes of the items of a sequence up to and with its delimiter.
    fn sequence_length(self, bytes: &[u8], depth: usize) -> Option<usize> {
        let mut rest = bytes;
        loop {
            match self.tag(rest)? {
                SEQUENCE_END => return Some(bytes.len() - rest.get(8..)?.len()),
                _ => (_, rest) = self.item(rest, depth)?,
            }
        }
    }

    /// The first item of a sequence, and what is behind it.
    fn item(self, bytes: &[u8], depth: usize) -> Option<(&[u8], &[u8])> {
        if depth >= MAX_DEPTH || self.tag(bytes)? != ITEM {
            return None;
        }
        let (length, inside) = (self.u32(bytes.get(4..)?)?, bytes.get(8..)?);
        if length != UNDEFINED {
            return inside.split_at_checked(index(length.into()));
        }
        let mut rest = inside;
        while self.tag(rest)? != ITEM_END {
            (_, rest) = self.next(rest, depth + 1)?;
        }
        Some((inside.get(..inside.len() - rest.len())?, rest.get(8..)?))
    }
}

fn has_long_length(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

fn plain_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_string()
}

impl<'a> DataSet<'a> {
    /// Looks for an element; they stand in ascending order.
    fn element(self, tag: Tag) -> Option<Element<'a>> {
        let mut rest = self.bytes;
        while let Some((element, behind)) = self.layout.next(rest, 0) {
            if element.tag >= tag {
                return (element.tag == tag).then_some(element);
            }
            rest = behind;
        }
        None
    }

    /// The items of a sequence; none where it is absent.
    pub fn items(self, tag: Tag) -> Vec<DataSet<'a>> {
        let Some(element) = self.element(tag) else { return Vec::new() };
        let (layout, mut rest, mut items) = (element.layout, element.value, Vec::new());
        while let Some((bytes, behind)) = layout.item(rest, 0) {
            items.push(DataSet { bytes, layout });
            rest = behind;
        }
        items
    }

    /// The first item of a sequence.
    pub fn item(self, tag: Tag) -> Option<DataSet<'a>> {
        let element = self.element(tag)?;
        let (bytes, _) = element.layout.item(element.value, 0)?;
        Some(DataSet { bytes, layout: element.layout })
    }

    /// A text of the default character repertoire, such as a UID or a code; none where it is empty.
    pub fn code(self, tag: Tag) -> Option<String> {
        Some(plain_text(self.element(tag)?.value)).filter(|text| !text.is_empty())
    }

    /// Texts in the character set of the file.
    pub fn texts(self, wanted: &[Tag], character_set: Option<&str>) -> Option<Fields> {
        let raw = |tag: Tag, bytes: Vec<u8>| RawValue { tag, vr: None, bytes };
        let mut values: Vec<RawValue> = wanted
            .iter()
            .filter_map(|&tag| self.element(tag).map(|element| raw(tag, element.value.to_vec())))
            .filter(|value| value.bytes.len() < 0xFFFE)
            .collect();
        values.extend(character_set.map(|name| raw(tags::SPECIFIC_CHARACTER_SET, name.as_bytes().to_vec())));
        Fields::read(values).ok()
    }

    /// The values of an element as numbers, whatever way they are stored; none where it is absent or empty.
    ///
    /// # Errors
    /// Names the field and its value where one of them is no finite number.
    pub fn numbers(self, tag: Tag, name: &str) -> Result<Option<Vec<f64>>, String> {
        let Some(element) = self.element(tag) else { return Ok(None) };
        let layout = element.layout;
        let binary: Option<Vec<f64>> = match element.vr.or_else(|| dictionary_vr(tag)) {
            Some(VR::US | VR::OW) => element.value.chunks_exact(2).map(|b| layout.u16(b).map(f64::from)).collect(),
            Some(VR::UL) => element.value.chunks_exact(4).map(|b| layout.u32(b).map(f64::from)).collect(),
            Some(VR::FD) => element.value.chunks_exact(8).map(|b| layout.double(b)).collect(),
            Some(VR::SS) => {
                element.value.chunks_exact(2).map(|b| layout.u16(b).map(|v| f64::from(v.cast_signed()))).collect()
            }
            _ => {
                let text = plain_text(element.value);
                let parsed: Option<Vec<f64>> = text.split('\\').map(|part| part.trim().parse().ok()).collect();
                let finite = parsed.filter(|all| all.iter().all(|value: &f64| value.is_finite()));
                return match finite {
                    Some(all) => Ok(Some(all)),
                    None if text.is_empty() => Ok(None),
                    None => Err(format!("{name} is {}, which is not a number", super::super::fields::quoted(&text))),
                };
            }
        };
        Ok(binary.filter(|all| !all.is_empty() && all.iter().all(|value| value.is_finite())))
    }

    /// So many values.
    ///
    /// # Errors
    /// As [`Self::numbers`], and for another count.
    pub fn exactly<const N: usize>(self, tag: Tag, name: &str) -> Result<Option<[f64; N]>, String> {
        let Some(all) = self.numbers(tag, name)? else { return Ok(None) };
        let fits: Option<[f64; N]> = all.as_slice().try_into().ok();
        fits.map(Some).ok_or_else(|| format!("{name} has {} values; {N} are needed", all.len()))
    }

    /// A whole number of at least 0.
    ///
    /// # Errors
    /// Names the field and its value where it is none.
    pub fn count(self, tag: Tag, name: &str) -> Result<Option<usize>, String> {
        let Some([value]) = self.exactly(tag, name)? else { return Ok(None) };
        if value < 0.0 || value.fract() != 0.0 || value > f64::from(u32::MAX) {
            return Err(format!("{name} is {value}; a whole number of at least 0 is needed"));
        }
        Ok(Some(crate::work::numbers::natural(crate::work::numbers::whole(value))))
    }
}

impl Layout {
    fn double(self, bytes: &[u8]) -> Option<f64> {
        let raw: [u8; 8] = bytes.try_into().ok()?;
        Some(if self.big_endian { f64::from_be_bytes(raw) } else { f64::from_le_bytes(raw) })
    }
}
