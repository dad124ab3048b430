//! Codes of terminologies as elements (PS3.3, 8.1 to 8.3).

use std::io;

use dicom::dictionary_std::tags;

use super::encode::Encoder;
use crate::formats::dicom::segmentation::fitting;
use crate::volume::Code;

/// Longest Code Value and Coding Scheme Designator (SH).
const LONGEST_CODE: usize = 16;
/// Longest Code Meaning (LO).
const LONGEST_MEANING: usize = 64;

/// An item with a code, and with a modifier in it. A value that is too long for a Code Value (SH) is a Long Code Value.
pub fn code(out: &mut Encoder, code: &Code, modifier: Option<&Code>) -> io::Result<()> {
    let value = fitting(&code.value, usize::MAX);
    let is_short = value.chars().count() <= LONGEST_CODE;
    let meaning = fitting(if code.meaning.trim().is_empty() { &value } else { &code.meaning }, LONGEST_MEANING);
    out.item(|out| {
        if is_short {
            out.text(tags::CODE_VALUE, &value)?;
        }
        out.text(tags::CODING_SCHEME_DESIGNATOR, &fitting(&code.scheme, LONGEST_CODE))?;
        out.text(tags::CODE_MEANING, &meaning)?;
        if !is_short {
            out.text(tags::LONG_CODE_VALUE, &value)?;
        }
        match modifier {
            Some(side) => {
                out.sequence(tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE, |out| self::code(out, side, None))
            }
            None => Ok(()),
        }
    })
}
