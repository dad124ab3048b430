//! A data set with explicit representations, rewritten without them while it is read: Implicit VR Little Endian is what every receiver has to
//! take (PS3.5 10.1).
//!
//! Sequences and items get an end mark in the place of a length, so that nothing has to be known before it comes. Values stay as they are:
//! both layouts have the little end first. Source: DICOM PS3.5 7.1.2, 7.1.3, 7.5, A.1.

use std::io::{self, ErrorKind, Read};

use super::structure::{ITEM, ITEM_END, SEQUENCE_END, UNDEFINED};
use dicom::core::Tag;

/// Sequences and items within each other.
const MOST_NESTED: usize = 64;
/// Representations whose length has four bytes, behind two that are empty.
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];

/// A sequence or an item whose end has not come.
#[derive(Clone, Copy)]
struct Open {
    is_item: bool,
    /// Where it ends; unknown where a mark says it.
    end: Option<u64>,
}

/// Reads a data set in Explicit VR Little Endian and gives it in Implicit VR Little Endian.
pub struct ImplicitReader<R> {
    reader: R,
    /// Bytes of the data set, and how many were read.
    length: u64,
    position: u64,
    open: Vec<Open>,
    /// What is to be given next, and how much of it was.
    ready: Vec<u8>,
    given: usize,
    /// Bytes of a value that are given as they are.
    left: u64,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        format!("its data set cannot be rewritten as Implicit VR Little Endian: {what}"),
    )
}

impl<R: Read> ImplicitReader<R> {
    /// So many bytes of a reader are a data set.
    pub fn new(reader: R, length: u64) -> Self {
        Self { reader, length, position: 0, open: Vec::new(), ready: Vec::new(), given: 0, left: 0 }
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn put(&mut self, tag: Tag, length: u32) {
        self.ready.extend(tag.0.to_le_bytes());
        self.ready.extend(tag.1.to_le_bytes());
        self.ready.extend(length.to_le_bytes());
    }

    /// Where what is open ends at the latest.
    fn end(&self) -> u64 {
        self.open.iter().rev().find_map(|open| open.end).unwrap_or(self.length)
    }

    /// Opens a sequence or an item.
    fn open(&mut self, is_item: bool, tag: Tag, length: u32) -> io::Result<()> {
        if self.open.len() >= MOST_NESTED {
            return Err(damaged("sequences are nested too deep"));
        }
        let end = (length != UNDEFINED).then(|| self.position + u64::from(length));
        if end.is_some_and(|end| end > self.end()) {
            return Err(damaged(&format!("element {tag} claims {length} bytes, more than there are")));
        }
        self.put(tag, UNDEFINED);
        self.open.push(Open { is_item, end });
        Ok(())
    }

    /// Marks the ends of what ends here.
    fn close(&mut self) {
        while let Some(open) = self.open.last().copied().filter(|open| open.end == Some(self.position)) {
            self.open.pop();
            self.put(if open.is_item { ITEM_END } else { SEQUENCE_END }, 0);
        }
    }

    /// Reads the head of the next element; whether there is one.
    fn next(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.given = 0;
        self.close();
        if !self.ready.is_empty() {
            return Ok(true);
        }
        if self.position == self.length {
            return if self.open.is_empty() { Ok(false) } else { Err(damaged("it ends inside a sequence")) };
        }
        if self.end().saturating_sub(self.position) < 8 {
            return Err(damaged("an element has no room where it is"));
        }
        let [g0, g1, e0, e1, rest @ ..] = self.take::<8>()?;
        let tag = Tag(u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
        let is_in_item = self.open.last().is_none_or(|open| open.is_item);
        let is_marked = self.open.last().is_some_and(|open| open.end.is_none());
        if tag.0 == ITEM.0 {
            let length = u32::from_le_bytes(rest);
            match tag {
                ITEM if !is_in_item => self.open(true, tag, length)?,
                ITEM_END | SEQUENCE_END if is_marked && is_in_item == (tag == ITEM_END) => {
                    self.open.pop();
                    self.put(tag, 0);
                }
                _ => return Err(damaged(&format!("{tag} stands where it does not belong"))),
            }
            return Ok(true);
        }
        if !is_in_item {
            return Err(damaged(&format!("element {tag} stands between items")));
        }
        let [v0, v1, l0, l1] = rest;
        if !(v0.is_ascii_uppercase() && v1.is_ascii_uppercase()) {
            return Err(damaged(&format!("element {tag} has no representation")));
        }
        let length = if LONG.contains(&&[v0, v1]) {
            u32::from_le_bytes(self.take::<4>()?)
        } else {
            u32::from(u16::from_le_bytes([l0, l1]))
        };
        if [v0, v1] == *b"SQ" {
            self.open(false, tag, length)?;
            return Ok(true);
        }
        if length == UNDEFINED || u64::from(length) > self.end().saturating_sub(self.position) {
            return Err(damaged(&format!("element {tag} has no length that can be")));
        }
        if tag.1 == 0 {
            // The length of a group, retired, is another one now.
            let skipped = io::copy(&mut (&mut self.reader).take(u64::from(length)), &mut io::sink())?;
            self.position += skipped;
            return if skipped == u64::from(length) { Ok(true) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
        self.put(tag, length);
        self.left = u64::from(length);
        Ok(true)
    }
}

impl<R: Read> Read for ImplicitReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let ready = self.ready.get(self.given..).unwrap_or_default();
            if !ready.is_empty() {
                let count = ready.len().min(into.len());
                into.iter_mut().zip(ready).for_each(|(to, from)| *to = *from);
                self.given += count;
                return Ok(count);
            }
            if self.left > 0 {
                let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
                let count = self.reader.read(into.get_mut(..most).unwrap_or_default())?;
                if count == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                (self.left, self.position) = (self.left - count as u64, self.position + count as u64);
                return Ok(count);
            }
            if !self.next()? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom::core::{DataElement, PrimitiveValue, VR, dicom_value};
    use dicom::dictionary_std::tags;
    use dicom::encoding::transfer_syntax::TransferSyntaxIndex;
    use dicom::object::InMemDicomObject;
    use dicom::transfer_syntax::TransferSyntaxRegistry;
    use proptest::prelude::*;

    use crate::formats::dicom::structure::syntax;

    fn rewritten(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        ImplicitReader::new(bytes, bytes.len() as u64).read_to_end(&mut all).map(|_| all)
    }

    /// As dicom-rs reads it.
    fn object(bytes: &[u8], uid: &str) -> InMemDicomObject {
        let syntax = TransferSyntaxRegistry.get(uid).unwrap();
        InMemDicomObject::read_dataset_with_ts(bytes, syntax).unwrap()
    }

    fn text(tag: Tag, vr: VR, text: &str) -> DataElement<InMemDicomObject> {
        DataElement::new(tag, vr, PrimitiveValue::from(text))
    }

    /// Nested sequences, an empty one, words and bytes, written by dicom-rs; it marks their ends.
    fn example() -> Vec<u8> {
        let code = InMemDicomObject::from_element_iter([text(tags::CODE_VALUE, VR::SH, "T-62000")]);
        let segment = InMemDicomObject::from_element_iter([
            DataElement::new(
                tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
                VR::SQ,
                dicom::core::value::DataSetSequence::from(vec![code]),
            ),
            DataElement::new(tags::SEGMENT_NUMBER, VR::US, dicom_value!(U16, [3])),
        ]);
        let set = InMemDicomObject::from_element_iter([
            text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3\0"),
            DataElement::new(
                tags::SEGMENT_SEQUENCE,
                VR::SQ,
                dicom::core::value::DataSetSequence::from(vec![segment.clone(), segment]),
            ),
            DataElement::new(
                tags::REFERENCED_SERIES_SEQUENCE,
                VR::SQ,
                dicom::core::value::DataSetSequence::from(Vec::<InMemDicomObject>::new()),
            ),
            DataElement::new(tags::PIXEL_DATA, VR::OW, dicom_value!(U16, [1, 2, 515])),
        ]);
        let mut bytes = Vec::new();
        set.write_dataset_with_ts(&mut bytes, TransferSyntaxRegistry.get(syntax::EXPLICIT_LITTLE).unwrap()).unwrap();
        bytes
    }

    #[test]
    fn an_independent_reader_finds_the_same_elements() {
        let bytes = example();
        let implicit = rewritten(&bytes).unwrap();
        assert_ne!(implicit, bytes);
        // To dicom-rs no length that is left open is like another one; their texts are.
        let shown = |bytes: &[u8], uid: &str| format!("{:?}", object(bytes, uid));
        assert_eq!(shown(&implicit, syntax::IMPLICIT_LITTLE), shown(&bytes, syntax::EXPLICIT_LITTLE));
    }

    #[test]
    fn known_lengths_become_marks_and_lengths_of_groups_go() {
        let sequence = |vr: &[u8], length: u32| [&[8, 0, 0x40, 0x11], vr, &[0, 0], &length.to_le_bytes()].concat();
        let (item, uid) =
            ([0xFE, 0xFF, 0, 0xE0, 12, 0, 0, 0], [8, 0, 0x55, 0x11, b'U', b'I', 4, 0, b'1', b'.', b'2', 0]);
        let group = [8, 0, 0, 0, b'U', b'L', 4, 0, 99, 0, 0, 0];
        let bytes = [&group[..], &sequence(b"SQ", 20), &item, &uid].concat();
        let expected = [
            &[8, 0, 0x40, 0x11, 255, 255, 255, 255, 0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255][..],
            &[8, 0, 0x55, 0x11, 4, 0, 0, 0, b'1', b'.', b'2', 0],
            &[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(rewritten(&bytes).unwrap(), expected);
        // A length beyond the end, an item that is longer than its sequence, no representation, compressed pixels.
        for wrong in [
            [&sequence(b"SQ", 21)[..], &item, &uid].concat(),
            [&sequence(b"SQ", 19)[..], &item, &uid].concat(),
            [&sequence(b"\0\0", 20)[..], &item, &uid].concat(),
            [&sequence(b"OB", UNDEFINED)[..], &item, &uid].concat(),
        ] {
            let error = rewritten(&wrong).unwrap_err().to_string();
            assert!(error.contains("cannot be rewritten"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_or_changed_ends(cut in 0usize..200, change: (usize, u8)) {
            let mut bytes = example();
            let at = change.0 % bytes.len();
            bytes[at] = change.1;
            bytes.truncate(cut.max(1));
            if let Ok(implicit) = rewritten(&bytes) {
                // Marks and heads of elements are all that is added.
                prop_assert!(implicit.len() <= bytes.len() * 3);
            }
        }
    }
}
