//! A walk over a DICOM file's elements before anything is parsed or allocated.
//!
//! It checks that every length lies inside the file and that nesting stays shallow, and finds where the pixel data are.
//! Only then is the header given to dicom-rs, which may trust the lengths it meets.
//! Source: DICOM PS3.5 sections 7 (data elements, nesting) and A.4 (encapsulation), PS3.10 section 7.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
const MAX_DEPTH: usize = 32;
/// A deflated header and its pixel data may not grow beyond this factor (the limit of deflate).
const MAX_INFLATION: u64 = 1032;

/// Transfer syntax UIDs that decide how elements are laid out.
pub mod syntax {
    #![allow(missing_docs)]
    pub const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
    pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
    pub const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
    pub const RLE: &str = "1.2.840.10008.1.2.5";
}

/// Where the bytes of the data set are.
#[derive(Debug, Clone)]
pub enum Content {
    /// In the file itself.
    File,
    /// Inflated into memory.
    Inflated(std::sync::Arc<Vec<u8>>),
}

/// Where the pixel data lie.
#[derive(Debug, Clone)]
pub enum PixelData {
    /// One run of bytes: offset and length (cut at the end of the file).
    Native(u64, u64),
    /// Compressed fragments: offset and length of each.
    Encapsulated(Vec<(u64, u64)>),
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
}

trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

struct Walker<'a> {
    reader: &'a mut dyn Source,
    position: u64,
    length: u64,
    implicit: bool,
    big_endian: bool,
}

struct ElementHeader {
    tag: Tag,
    vr: Option<[u8; 2]>,
    length: u32,
}

/// Walks a file.
///
/// # Errors
/// A sentence that names the element.
pub fn walk(path: &Path) -> Result<Structure, String> {
    let failed = |e: io::Error| format!("cannot read the file: {e}");
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::with_capacity(1 << 13, file);
    let mut prefix = [0; 132];
    reader.read_exact(&mut prefix).map_err(|_| "the file is too short for DICOM".to_string())?;
    if &prefix[128..] != b"DICM" {
        return Err("not a DICOM file: the mark DICM is missing at byte 128".into());
    }
    let mut structure = Structure {
        transfer_syntax: String::new(),
        media_instance_uid: String::new(),
        media_class_uid: String::new(),
        content: Content::File,
        pixel_data: None,
    };
    let mut walker = Walker { reader: &mut reader, position: 132, length, implicit: false, big_endian: false };
    walker.file_meta(&mut structure)?;
    let start = walker.position;
    if structure.transfer_syntax == syntax::DEFLATED {
        let mut inflated = Vec::new();
        let limit = (length - start).saturating_mul(MAX_INFLATION);
        flate2::read::DeflateDecoder::new(&mut reader)
            .take(limit)
            .read_to_end(&mut inflated)
            .map_err(|e| format!("the deflated data set is damaged ({e}); copy the file again"))?;
        let length = inflated.len() as u64;
        let inflated = std::sync::Arc::new(inflated);
        let mut cursor = Cursor::new(inflated.as_slice());
        let mut walker = Walker { reader: &mut cursor, position: 0, length, implicit: false, big_endian: false };
        structure.pixel_data = walker.data_set()?;
        structure.content = Content::Inflated(inflated.clone());
        return Ok(structure);
    }
    walker.implicit = structure.transfer_syntax == syntax::IMPLICIT_LITTLE;
    walker.big_endian = structure.transfer_syntax == syntax::EXPLICIT_BIG;
    structure.pixel_data = walker.data_set()?;
    Ok(structure)
}

impl Walker<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut raw = [0; N];
        self.reader.read_exact(&mut raw).map_err(|_| "the file ends inside its header; copy it again".to_string())?;
        self.position += N as u64;
        Ok(raw)
    }

    fn u16(&mut self) -> Result<u16, String> {
        let raw = self.bytes()?;
        Ok(if self.big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(&mut self) -> Result<u32, String> {
        let raw = self.bytes()?;
        Ok(if self.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
    }

    fn remaining(&self) -> u64 {
        self.length.saturating_sub(self.position)
    }

    fn skip(&mut self, count: u64) -> Result<(), String> {
        let step = i64::try_from(count).map_err(|_| "a length is out of range".to_string())?;
        self.reader.seek(SeekFrom::Current(step)).map_err(|e| format!("cannot read the file: {e}"))?;
        self.position += count;
        Ok(())
    }

    fn element(&mut self) -> Result<ElementHeader, String> {
        let tag = Tag(self.u16()?, self.u16()?);
        if tag.0 == 0xFFFE || self.implicit {
            return Ok(ElementHeader { tag, vr: None, length: self.u32()? });
        }
        let vr: [u8; 2] = self.bytes()?;
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(format!("element {tag} has the impossible value representation {vr:?}"));
        }
        let long = matches!(
            &vr,
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
        );
        let length = if long {
            self.u16()?;
            self.u32()?
        } else {
            u32::from(self.u16()?)
        };
        Ok(ElementHeader { tag, vr: Some(vr), length })
    }

    fn text(&mut self, length: u32) -> Result<String, String> {
        if length > 1024 {
            return Err(format!("a file meta element claims {length} bytes"));
        }
        let mut raw = vec![0; length as usize];
        self.reader.read_exact(&mut raw).map_err(|_| "the file ends inside its meta information".to_string())?;
        self.position += u64::from(length);
        Ok(String::from_utf8_lossy(&raw).trim_end_matches(['\0', ' ']).to_string())
    }

    fn file_meta(&mut self, structure: &mut Structure) -> Result<(), String> {
        loop {
            if self.remaining() < 8 {
                break;
            }
            let group = {
                let raw: [u8; 2] = self.bytes()?;
                self.reader.seek(SeekFrom::Current(-2)).map_err(|e| format!("cannot read the file: {e}"))?;
                self.position -= 2;
                u16::from_le_bytes(raw)
            };
            if group != 2 {
                break;
            }
            let element = self.element()?;
            if u64::from(element.length) > self.remaining() {
                return Err(format!(
                    "element {} claims {} bytes, more than the file has left",
                    element.tag, element.length
                ));
            }
            match element.tag.1 {
                0x0010 => structure.transfer_syntax = self.text(element.length)?,
                0x0003 => structure.media_instance_uid = self.text(element.length)?,
                0x0002 => structure.media_class_uid = self.text(element.length)?,
                _ => self.skip(u64::from(element.length))?,
            }
        }
        if structure.transfer_syntax.is_empty() {
            return Err("the file meta information names no transfer syntax".into());
        }
        Ok(())
    }

    fn data_set(&mut self) -> Result<Option<PixelData>, String> {
        // The end of each open sequence or item: a position, or unknown until its delimiter.
        let mut open: Vec<Option<u64>> = Vec::new();
        // Elements of "UN, undefined length" sequences are implicit whatever the transfer syntax (PS3.5 6.2.2).
        let outer_implicit = self.implicit;
        let mut implicit_below: Option<usize> = None;
        loop {
            while let Some(Some(end)) = open.last() {
                if self.position < *end {
                    break;
                }
                open.pop();
            }
            if implicit_below.is_some_and(|depth| open.len() <= depth) {
                self.implicit = outer_implicit;
                implicit_below = None;
            }
            if self.remaining() < 8 {
                return if open.is_empty() {
                    Ok(None)
                } else {
                    Err("a sequence is not closed before the file ends; copy the file again".into())
                };
            }
            let element = self.element()?;
            let undefined = element.length == UNDEFINED;
            match element.tag {
                ITEM_END | SEQUENCE_END => {
                    if open.pop().is_none() {
                        return Err(format!("a delimiter {} closes nothing", element.tag));
                    }
                    continue;
                }
                PIXEL_DATA if open.is_empty() => return self.pixel_data(&element).map(Some),
                _ => {}
            }
            let is_sequence = element.tag == ITEM || undefined || Self::is_sequence(&element);
            if !undefined && u64::from(element.length) > self.remaining() {
                return Err(format!(
                    "element {} claims {} bytes, more than the file has left",
                    element.tag, element.length
                ));
            }
            if is_sequence {
                if open.len() >= MAX_DEPTH {
                    return Err(format!("sequences are nested more than {MAX_DEPTH} deep"));
                }
                if undefined && element.vr == Some(*b"UN") && implicit_below.is_none() {
                    implicit_below = Some(open.len());
                    self.implicit = true;
                }
                let end = (!undefined).then(|| self.position + u64::from(element.length));
                open.push(end);
            } else {
                self.skip(u64::from(element.length))?;
            }
        }
    }

    fn is_sequence(element: &ElementHeader) -> bool {
        match element.vr {
            Some(vr) => &vr == b"SQ",
            None => StandardDataDictionary.by_tag(element.tag).is_some_and(|entry| entry.vr().exact() == Some(VR::SQ)),
        }
    }

    fn pixel_data(&mut self, element: &ElementHeader) -> Result<PixelData, String> {
        if element.length != UNDEFINED {
            return Ok(PixelData::Native(self.position, u64::from(element.length).min(self.remaining())));
        }
        let mut fragments = Vec::new();
        let mut is_offset_table = true;
        while self.remaining() >= 8 {
            let item = self.element()?;
            if item.tag != ITEM {
                break;
            }
            let length = u64::from(item.length);
            if item.length == UNDEFINED || length > self.remaining() {
                return Err(format!(
                    "a fragment of the pixel data claims {} bytes, more than the file has left",
                    item.length
                ));
            }
            if !is_offset_table {
                fragments.push((self.position, length));
            }
            is_offset_table = false;
            self.skip(length)?;
        }
        if fragments.is_empty() {
            return Err("the compressed pixel data hold no fragment".into());
        }
        Ok(PixelData::Encapsulated(fragments))
    }
}
