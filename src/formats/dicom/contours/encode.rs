//! Elements as bytes, in implicit little endian: with explicit representations a list of numbers could not be longer than 65534 bytes, which is
//! less than two thousand points.

use std::io::{self, Write};

use dicom::core::Tag;

use crate::disk::replace_file;
use crate::formats::dicom::fresh::IMPLEMENTATION_CLASS_UID;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;

/// Writes elements one after the other.
pub struct Encoder<'a> {
    out: &'a mut dyn Write,
}

impl<'a> Encoder<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }

    fn header(&mut self, tag: Tag, length: u32) -> io::Result<()> {
        self.out.write_all(&tag.0.to_le_bytes())?;
        self.out.write_all(&tag.1.to_le_bytes())?;
        self.out.write_all(&length.to_le_bytes())
    }

    fn value(&mut self, tag: Tag, value: &[u8], padding: u8) -> io::Result<()> {
        let is_odd = value.len() % 2 == 1;
        let length = u32::try_from(value.len() + usize::from(is_odd)).map_err(io::Error::other)?;
        self.header(tag, length)?;
        self.out.write_all(value)?;
        if is_odd { self.out.write_all(&[padding]) } else { Ok(()) }
    }

    /// An element with text.
    pub fn text(&mut self, tag: Tag, text: &str) -> io::Result<()> {
        self.value(tag, text.as_bytes(), b' ')
    }

    /// An element with a UID.
    pub fn uid(&mut self, tag: Tag, uid: &str) -> io::Result<()> {
        self.value(tag, uid.as_bytes(), 0)
    }

    /// A sequence; `items` writes each with [`Self::item`].
    pub fn sequence<E: From<io::Error>>(
        &mut self,
        tag: Tag,
        items: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.header(tag, UNDEFINED)?;
        items(self)?;
        Ok(self.header(SEQUENCE_END, 0)?)
    }

    /// An item of a sequence.
    pub fn item<E: From<io::Error>>(&mut self, elements: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        self.header(ITEM, UNDEFINED)?;
        elements(self)?;
        Ok(self.header(ITEM_END, 0)?)
    }
}

/// Writes a file of implicit little endian over `path`, whole or not at all.
///
/// # Errors
/// Those of `elements` and of the file system.
pub fn write_file<E: From<io::Error>>(
    path: &std::path::Path,
    [class_uid, instance_uid]: [&str; 2],
    elements: impl FnOnce(&mut Encoder) -> Result<(), E>,
) -> Result<(), E> {
    replace_file(path, |file| {
        file.write_all(&[0; 128])?;
        file.write_all(b"DICM")?;
        file.write_all(&file_meta(class_uid, instance_uid))?;
        elements(&mut Encoder::new(file))
    })
}

/// The file meta information, which is explicit (PS3.10, 7.1).
fn file_meta(class_uid: &str, instance_uid: &str) -> Vec<u8> {
    const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
    let mut elements = vec![2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1];
    for (element, uid) in
        [(0x02u16, class_uid), (0x03, instance_uid), (0x10, IMPLICIT_LITTLE), (0x12, IMPLEMENTATION_CLASS_UID)]
    {
        let length = u16::try_from(uid.len() + uid.len() % 2).unwrap_or(0);
        elements.extend([2, 0]);
        elements.extend(element.to_le_bytes());
        elements.extend(b"UI");
        elements.extend(length.to_le_bytes());
        elements.extend(uid.as_bytes());
        if uid.len() % 2 == 1 {
            elements.push(0);
        }
    }
    let length = u32::try_from(elements.len()).unwrap_or(0);
    let mut meta = vec![2, 0, 0, 0, b'U', b'L', 4, 0];
    meta.extend(length.to_le_bytes());
    meta.extend(elements);
    meta
}
