//! The headers of elements, one by one, and what to make of those that are not by the letter.
//! Source: DICOM PS3.5 section 7.1, PS3.10 section 7.1.

use dicom::core::{Tag, VR};

use super::guess;
use super::stream::LOOK_AHEAD;
use super::structure::{ITEM, ITEM_END, SEQUENCE_END, Stop, Structure, UNDEFINED, Walker};
use crate::work::numbers::index;

/// What stands before an element's value.
pub struct ElementHeader {
    /// The element.
    pub tag: Tag,
    /// Its value representation, where the file gives a known one.
    pub vr: Option<VR>,
    /// Bytes before the value.
    pub size: u64,
    /// Bytes of the value.
    pub length: u32,
}

/// Whether two letters are a value representation of the standard, and which.
fn known_vr(letters: &[u8]) -> Option<VR> {
    VR::from_binary(letters.try_into().ok()?)
}

pub fn has_long_length(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

impl Walker<'_> {
    pub(super) fn u16(&self, bytes: &[u8]) -> u16 {
        let raw = [bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)];
        if self.big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) }
    }

    pub(super) fn u32(&self, bytes: &[u8]) -> u32 {
        let raw: [u8; 4] = std::array::from_fn(|n| bytes.get(n).copied().unwrap_or(0));
        if self.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
    }

    pub(super) fn tag(&self, bytes: &[u8]) -> Tag {
        Tag(self.u16(bytes), self.u16(bytes.get(2..).unwrap_or_default()))
    }

    /// Bytes up to the end of the file; more than any element can have where that is unknown.
    pub(super) fn remaining(&self) -> u64 {
        self.stream.end().map_or(u64::MAX, |end| end.saturating_sub(self.stream.position()))
    }

    /// Reads an element's header without stepping over it; `end` is where the sequence around it ends.
    pub(super) fn element(&mut self, end: Option<u64>) -> Result<ElementHeader, Stop> {
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

    /// Steps over the preamble, where there is one.
    pub(super) fn preamble(&mut self, structure: &mut Structure) -> Result<(), String> {
        let head = self.stream.peek(guess::NEEDED_BYTES)?.to_vec();
        if head.get(128..132) == Some(b"DICM") {
            return self.stream.skip(132);
        }
        if guess::layout(&head).is_some() {
            structure.warnings.push("The file has no DICOM preamble; it is read from its first byte on.".into());
            return Ok(());
        }
        Err(if head.len() < 132 {
            "the file is too short for DICOM".into()
        } else {
            "not a DICOM file: the mark DICM is missing at byte 128, and no data set begins with the file".into()
        })
    }

    /// The transfer syntax of a file that names none, by its first elements.
    pub(super) fn guessed_syntax(&mut self, warnings: &mut Vec<String>) -> Result<String, String> {
        let head = self.stream.peek(guess::NEEDED_BYTES)?.to_vec();
        let layout = guess::layout(&head).ok_or("the file meta information names no transfer syntax")?;
        warnings.push(format!(
            "The file does not name its transfer syntax; it is read as {}, as its elements look.",
            layout.name()
        ));
        Ok(layout.transfer_syntax().into())
    }

    /// Looks whether the first element is laid out as the transfer syntax says, and goes by the data where it is not.
    pub(super) fn believe_the_data(&mut self) -> Result<Option<String>, String> {
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
}
