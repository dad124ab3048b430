//! Files that do not say what they are: a data set without preamble or transfer syntax is known by its first elements.
//!
//! Such files come from old archives and from programs that write bare data sets. PS3.10 section 7.1 asks for both.

use dicom::core::{Tag, VR};

use super::elements::has_long_length;
use super::structure::{dictionary_vr, syntax};

/// Bytes that are looked at.
pub const NEEDED_BYTES: usize = 512;
/// Elements that must follow each other rightly.
const TELLING_ELEMENTS: usize = 3;

/// How elements are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// With value representations, little end first.
    ExplicitLittle,
    /// Without value representations.
    Implicit,
    /// With value representations, big end first.
    ExplicitBig,
}

impl Layout {
    /// The name of the transfer syntax.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExplicitLittle => "Explicit VR Little Endian",
            Self::Implicit => "Implicit VR Little Endian",
            Self::ExplicitBig => "Explicit VR Big Endian",
        }
    }

    /// The UID of the transfer syntax.
    pub fn transfer_syntax(self) -> &'static str {
        match self {
            Self::ExplicitLittle => syntax::EXPLICIT_LITTLE,
            Self::Implicit => syntax::IMPLICIT_LITTLE,
            Self::ExplicitBig => syntax::EXPLICIT_BIG,
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if self == Self::ExplicitBig { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let (a, b) = (u32::from(self.u16(bytes, at)?), u32::from(self.u16(bytes, at + 2)?));
        Some(if self == Self::ExplicitBig { a << 16 | b } else { b << 16 | a })
    }
}

/// The layout of a data set (or file meta information) that begins with these bytes; `None` for anything else.
pub fn layout(head: &[u8]) -> Option<Layout> {
    let all = [Layout::ExplicitLittle, Layout::Implicit, Layout::ExplicitBig];
    all.into_iter().find(|&layout| fits(head, layout))
}

/// Whether elements follow each other in this layout.
fn fits(head: &[u8], layout: Layout) -> bool {
    let (mut at, mut count, mut last) = (0, 0, Tag(0, 0));
    while let (Some(group), Some(number), Some(_)) =
        (layout.u16(head, at), layout.u16(head, at + 2), layout.u32(head, at + 4))
    {
        let tag = Tag(group, number);
        let begins_well = group == 8 || (group == 2 && layout == Layout::ExplicitLittle);
        if (count == 0 && !begins_well) || (count > 0 && tag <= last) {
            return false;
        }
        let Some((size, length)) = header(head, at, tag, layout) else { return false };
        if length == u32::MAX {
            // A sequence; what is in it is not looked at.
            return count + 1 >= TELLING_ELEMENTS;
        }
        if length % 2 == 1 && group != 2 {
            return false;
        }
        count += 1;
        last = tag;
        // A bare group of meta information may end before its data set begins in another layout.
        if group == 2 && count >= TELLING_ELEMENTS {
            return true;
        }
        at = at.saturating_add(size).saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    }
    count >= TELLING_ELEMENTS
}

/// Bytes of an element's header, and the length of its value.
fn header(head: &[u8], at: usize, tag: Tag, layout: Layout) -> Option<(usize, u32)> {
    if layout == Layout::Implicit {
        let is_known = tag.1 == 0 || tag.0 % 2 == 1 || dictionary_vr(tag).is_some();
        return if is_known { Some((8, layout.u32(head, at + 4)?)) } else { None };
    }
    let vr = VR::from_binary(head.get(at + 4..at + 6)?.try_into().ok()?)?;
    if has_long_length(vr) {
        // At the end of what is looked at the length may be out of sight.
        return Some((12, layout.u32(head, at + 8).unwrap_or(0)));
    }
    Some((8, u32::from(layout.u16(head, at + 6)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explicit(elements: &[(u16, u16, &[u8; 2], &[u8])], big: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let word = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        for (group, number, vr, value) in elements {
            bytes.extend(word(*group));
            bytes.extend(word(*number));
            bytes.extend(*vr);
            bytes.extend(word(u16::try_from(value.len()).unwrap_or(0)));
            bytes.extend(*value);
        }
        bytes
    }

    #[test]
    fn each_layout_is_known_by_three_elements_and_nothing_else_is() {
        let elements: [(u16, u16, &[u8; 2], &[u8]); 3] =
            [(8, 5, b"CS", b"ISO_IR 100"), (8, 0x16, b"UI", b"1.2.840."), (8, 0x60, b"CS", b"MR")];
        assert_eq!(layout(&explicit(&elements, false)), Some(Layout::ExplicitLittle));
        assert_eq!(layout(&explicit(&elements, true)), Some(Layout::ExplicitBig));
        assert_eq!(layout(&explicit(&elements[..2], false)), None);
        let mut implicit = Vec::new();
        for (group, number, _, value) in elements {
            implicit.extend([group.to_le_bytes(), number.to_le_bytes()].concat());
            implicit.extend(u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
            implicit.extend(value);
        }
        assert_eq!(layout(&implicit), Some(Layout::Implicit));
        implicit[8] ^= 0xFF;
        assert_eq!(layout(&implicit), Some(Layout::Implicit), "the value itself tells nothing");
        implicit[4] = 9;
        assert_eq!(layout(&implicit), None, "the second element is not where the first ends");
        for other in [&b"\x08\x00 this is text, nothing else at all, but long enough"[..], b"", &[0; 512], &[8; 512]] {
            assert_eq!(layout(other), None);
        }
    }
}
