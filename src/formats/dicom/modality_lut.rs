//! The Modality LUT: stored values are numbers of a table of values. Source: DICOM PS3.3 section C.11.1.

use dicom::dictionary_std::tags;

use super::fields::{Fields, quoted};
use super::instance::{Instance, Refusal};
use super::palette::MAX_TABLE_BYTES;
use super::stored::read_place;
use super::structure::{Place, RawValue, syntax};
use crate::work::numbers::{index, whole};

/// Where a table lies and how it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModalityLut {
    /// Values of the table.
    pub entries: usize,
    /// The stored value of the first; all below are the same.
    first: i64,
    /// Bits of a value: 8, or 16 for more.
    pub bits: usize,
    data: Place,
}

/// What a file says in its Modality LUT Sequence.
#[derive(Default)]
pub struct Parts {
    /// Its elements but for the table.
    pub values: Vec<RawValue>,
    /// The table.
    pub data: Option<Place>,
}

impl ModalityLut {
    /// Reads the first item of the sequence; none where it is empty.
    ///
    /// # Errors
    /// Where the table or its description is missing or makes no sense: the values of the image are unknown then.
    pub fn read(parts: Parts, is_signed: bool) -> Result<Option<Self>, Refusal> {
        if parts.values.is_empty() && parts.data.is_none() {
            return Ok(None);
        }
        let fields = Fields::read(parts.values)?;
        let name = "LUT Descriptor of the Modality LUT";
        let bad = |given: &str| Refusal::Malformed(format!("the {name} is {given}; the values cannot be read"));
        let values = fields.numbers(tags::LUT_DESCRIPTOR, name)?.ok_or_else(|| bad("missing"))?;
        let [entries, first, bits] = values[..] else {
            return Err(bad(&quoted(&fields.text(tags::LUT_DESCRIPTOR).unwrap_or_default())));
        };
        if !(1.0..=16.0).contains(&bits) {
            return Err(bad(&format!("of {bits} bits")));
        }
        let data = parts.data.ok_or_else(|| Refusal::Malformed("the Modality LUT has no table (LUT Data)".into()))?;
        // Unsigned, but sometimes written as signed; 0 stands for 65536.
        let first = if is_signed && first > 32767.0 { first - 65536.0 } else { first };
        let entries = if entries == 0.0 { 65536.0 } else { entries.rem_euclid(65536.0) };
        let entries = index(whole(entries).unsigned_abs());
        if data.length < entries as u64 {
            return Err(Refusal::Malformed(format!(
                "the table of the Modality LUT has {} bytes for {entries} values",
                data.length
            )));
        }
        Ok(Some(Self { entries, first: whole(first), bits: if bits <= 8.0 { 8 } else { 16 }, data }))
    }

    /// Turns stored values into those of the table.
    ///
    /// # Errors
    /// Where the table cannot be read.
    pub fn apply(self, instance: &Instance, samples: &mut [i64]) -> Result<(), String> {
        let table = self.table(instance)?;
        let last = table.len().saturating_sub(1);
        for sample in samples {
            let at = usize::try_from(*sample - self.first).unwrap_or(0).min(last);
            *sample = table.get(at).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn table(self, instance: &Instance) -> Result<Vec<i64>, String> {
        let place = Place { length: self.data.length.min(MAX_TABLE_BYTES), ..self.data };
        let bytes = read_place(&instance.path, instance.structure.content, place)?;
        let is_big = instance.structure.transfer_syntax == syntax::EXPLICIT_BIG;
        // Values of 8 bits lie in words, or packed in bytes.
        let is_packed = place.length < 2 * self.entries as u64;
        let mask = if self.bits == 8 { 0xFF } else { 0xFFFF };
        let word =
            |pair: &[u8]| i64::from(u16::from_le_bytes(if is_big { [pair[1], pair[0]] } else { [pair[0], pair[1]] }));
        let table: Vec<i64> = match (is_packed, is_big) {
            (false, _) => bytes.chunks_exact(2).map(|pair| word(pair) & mask).collect(),
            (true, false) => bytes.into_iter().map(i64::from).collect(),
            (true, true) => bytes.chunks(2).flat_map(|pair| pair.iter().rev().map(|&b| i64::from(b))).collect(),
        };
        table.get(..self.entries).map(<[i64]>::to_vec).ok_or_else(|| "the table of the Modality LUT is short".into())
    }
}
