//! Elements of a data set as they are written: explicit representations, little end first, lengths known (PS3.5 7.1.2, 7.5).

use dicom::core::{Tag, VR};

const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// Characters that a number as text may have.
pub const MOST_DIGITS: usize = 16;

/// A data set or an item that is being written. Elements are put in ascending order.
#[derive(Default)]
pub struct Elements {
    bytes: Vec<u8>,
    last: Option<Tag>,
}

fn has_long_length(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OW | VR::SQ | VR::UC | VR::UN | VR::UT)
}

/// A number as text, at most 16 characters; a nanometre and a billionth of a direction are kept.
pub fn decimal(value: f64) -> String {
    let fixed = format!("{value:.9}");
    let trimmed = fixed.trim_end_matches('0').trim_end_matches('.');
    let trimmed = if trimmed == "-0" { "0" } else { trimmed };
    if trimmed.len() <= MOST_DIGITS && (value == 0.0 || value.abs() >= 1e-4) {
        return trimmed.to_string();
    }
    format!("{value:.8e}")
}

/// Numbers as text.
pub fn decimals(values: &[f64]) -> String {
    values.iter().map(|value| decimal(*value)).collect::<Vec<_>>().join("\\")
}

/// A text that fits an element: without what parts values, and not longer than allowed.
pub fn fitting(text: &str, most: usize) -> String {
    let plain = |c: char| match c {
        '\\' => '/',
        c if c.is_control() => ' ',
        c => c,
    };
    text.trim().chars().map(plain).take(most).collect()
}

impl Elements {
    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn head(&mut self, tag: Tag, vr: VR, length: usize) {
        debug_assert!(self.last.is_none_or(|last| last < tag), "{tag} is out of order");
        self.last = Some(tag);
        self.bytes.extend(tag.0.to_le_bytes());
        self.bytes.extend(tag.1.to_le_bytes());
        self.bytes.extend(vr.to_bytes());
        if has_long_length(vr) {
            self.bytes.extend([0, 0]);
            self.bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        } else {
            self.bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        }
    }

    /// A value as it is; an odd one is filled up.
    pub fn put(&mut self, tag: Tag, vr: VR, value: &[u8]) {
        self.head(tag, vr, value.len().next_multiple_of(2));
        self.bytes.extend(value);
        if value.len() % 2 == 1 {
            self.bytes.push(if matches!(vr, VR::UI | VR::OB) { 0 } else { b' ' });
        }
    }

    /// A text; what is longer than a short length can say is cut.
    pub fn text(&mut self, tag: Tag, vr: VR, text: &str) {
        let mut end = text.len().min(usize::from(u16::MAX) - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.put(tag, vr, text.get(..end).unwrap_or_default().as_bytes());
    }

    /// Numbers of 16 bits.
    pub fn numbers(&mut self, tag: Tag, values: &[u16]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(tag, VR::US, &bytes);
    }

    /// Numbers of 32 bits.
    pub fn long_numbers(&mut self, tag: Tag, values: &[u32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.put(tag, VR::UL, &bytes);
    }

    /// The tag of another element.
    pub fn pointer(&mut self, tag: Tag, to: Tag) {
        self.put(tag, VR::AT, &[to.0.to_le_bytes(), to.1.to_le_bytes()].concat());
    }

    /// A sequence.
    pub fn sequence(&mut self, tag: Tag, items: impl IntoIterator<Item = Self>) {
        let mut bytes = Vec::new();
        for item in items {
            bytes.extend(ITEM.0.to_le_bytes());
            bytes.extend(ITEM.1.to_le_bytes());
            bytes.extend(u32::try_from(item.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(item.bytes);
        }
        self.put(tag, VR::SQ, &bytes);
    }

    /// A sequence of one item.
    pub fn item(&mut self, tag: Tag, fill: impl FnOnce(&mut Self)) {
        let mut item = Self::default();
        fill(&mut item);
        self.sequence(tag, [item]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_sixteen_characters_and_keep_their_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.810_547, "0.810547"),
            (-235.199_997, "-235.199997"),
            (2.5, "2.5"),
            (100.0, "100"),
            (-12_345.123_456_789, "-12345.123456789"),
        ] {
            assert_eq!(decimal(value), text);
        }
        for value in [1e-7, -1.234_567_891_23e-5, 123_456_789.123_456, -9.87e20, 1.0 / 3.0, std::f64::consts::PI] {
            let text = decimal(value);
            assert!(text.len() <= 16, "{text}");
            assert!((text.parse::<f64>().unwrap() / value - 1.0).abs() < 1e-8, "{text}");
        }
    }

    #[test]
    fn texts_have_no_marks_in_them_and_are_short() {
        assert_eq!(fitting(" Leber\\Milz\n ", 64), "Leber/Milz");
        assert_eq!(fitting(&"ä".repeat(70), 64).chars().count(), 64);
    }
}
