//! Palette colour: samples are numbers of a table of colours, whose luminance is shown.
//! Source: DICOM PS3.3 sections C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2 (segmented tables).

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::fields::Fields;
use super::instance::{Instance, Refusal};
use super::pixels::luma;
use super::stored::read_place;
use super::structure::{Place, syntax};
use crate::work::numbers::{index, real, whole};

/// Bytes of a table at most: 65536 entries of two bytes; a segmented one may be longer than what it says.
pub const MAX_TABLE_BYTES: u64 = 1 << 20;
const TABLES: [Tag; 3] = [Tag(0x0028, 0x1201), Tag(0x0028, 0x1202), Tag(0x0028, 0x1203)];
const SEGMENTED_TABLES: [Tag; 3] = [Tag(0x0028, 0x1221), Tag(0x0028, 0x1222), Tag(0x0028, 0x1223)];

/// What the header says of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// Entries of a table.
    entries: usize,
    /// The sample of the first entry; all below are the same.
    first: i64,
    /// Bits of an entry: 8, or 16 for more.
    pub bits: usize,
}

impl Palette {
    /// Reads the descriptors.
    ///
    /// # Errors
    /// Where they are missing, differ, or are none.
    pub fn read(fields: &Fields) -> Result<Self, Refusal> {
        let all = [
            (tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, "Red Palette Color Lookup Table Descriptor"),
            (tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, "Green Palette Color Lookup Table Descriptor"),
            (tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, "Blue Palette Color Lookup Table Descriptor"),
        ];
        let is_signed = fields.whole(tags::PIXEL_REPRESENTATION, "Pixel Representation")? == Some(1);
        let mut found = Vec::new();
        for (tag, name) in all {
            let bad =
                |given: &str| Refusal::Malformed(format!("{name} is {given}; a palette of 8 to 16 bits is needed"));
            let values = fields.numbers(tag, name)?.ok_or_else(|| bad("missing"))?;
            let [entries, first, bits] = values[..] else { return Err(bad(&format!("{values:?}"))) };
            if !(8.0..=16.0).contains(&bits) {
                return Err(bad(&format!("{values:?}")));
            }
            // Unsigned, but sometimes written as signed; 0 stands for 65536.
            let first = if is_signed && first > 32767.0 { first - 65536.0 } else { first };
            let entries = if entries == 0.0 { 65536.0 } else { entries.rem_euclid(65536.0) };
            found.push(Self {
                entries: index(whole(entries).unsigned_abs()),
                first: whole(first),
                bits: if bits == 8.0 { 8 } else { 16 },
            });
        }
        match found[..] {
            [red, green, blue] if red == green && green == blue => Ok(red),
            _ => Err(Refusal::Malformed("the tables of red, green and blue differ in size".into())),
        }
    }

    /// The luminance of every entry.
    ///
    /// # Errors
    /// Where a table is missing or short.
    fn luminances(self, instance: &Instance) -> Result<Vec<i64>, String> {
        let mut colours = Vec::with_capacity(3);
        for (plain, segmented) in TABLES.into_iter().zip(SEGMENTED_TABLES) {
            let place = |tag| instance.structure.long.iter().find(|(other, _)| *other == tag).map(|&(_, place)| place);
            let entries = match (place(plain), place(segmented)) {
                (Some(place), _) => self.plain(&words_or_bytes(instance, place)?, place),
                (None, Some(place)) => self.segmented(&words_or_bytes(instance, place)?),
                (None, None) => None,
            };
            colours.push(entries.ok_or("a colour table of the palette is missing or short")?);
        }
        let [red, green, blue] = &colours[..] else { return Err("a colour table is missing".into()) };
        let parts = red.iter().zip(green).zip(blue);
        Ok(parts.map(|((&r, &g), &b)| luma([r, g, b].map(i64::from))).collect())
    }

    /// The entries of a plain table.
    fn plain(self, bytes: &[u8], place: Place) -> Option<Vec<u16>> {
        // Entries of 8 bits lie in bytes or, padded, in words; some call those in bytes 16 bits wide.
        let is_packed = place.length < 2 * self.entries as u64;
        let entries: Vec<u16> =
            if is_packed { bytes.iter().map(|&b| u16::from(b)).collect() } else { words(bytes).collect() };
        entries.get(..self.entries).map(<[u16]>::to_vec)
    }

    /// The entries of a segmented table: runs of given entries, ramps, and repetitions of earlier segments.
    fn segmented(self, bytes: &[u8]) -> Option<Vec<u16>> {
        let words: Vec<u16> = words(bytes).collect();
        let mut out: Vec<u16> = Vec::with_capacity(self.entries);
        self.expand(&words, 0, usize::MAX, true, &mut out)?;
        out.get(..self.entries).map(<[u16]>::to_vec)
    }

    fn expand(self, words: &[u16], mut at: usize, segments: usize, may_repeat: bool, out: &mut Vec<u16>) -> Option<()> {
        for _ in 0..segments {
            if out.len() >= self.entries || at >= words.len() {
                return Some(());
            }
            let (kind, length) = (*words.get(at)?, usize::from(*words.get(at + 1)?));
            at += 2;
            match kind {
                0 => {
                    out.extend(words.get(at..at + length)?);
                    at += length;
                }
                1 => {
                    let (from, to) = (f64::from(*out.last()?), f64::from(*words.get(at)?));
                    let step = |n: usize| from + (to - from) * real(n) / real(length);
                    out.extend((1..=length).map(|n| u16::try_from(whole(step(n).round())).unwrap_or(0)));
                    at += 1;
                }
                2 if may_repeat => {
                    let [low, high] = [*words.get(at)?, *words.get(at + 1)?].map(usize::from);
                    // Offsets count bytes.
                    self.expand(words, (high << 16 | low) / 2, length, false, out)?;
                    at += 2;
                }
                _ => return None,
            }
        }
        Some(())
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

fn words_or_bytes(instance: &Instance, place: Place) -> Result<Vec<u8>, String> {
    let place = Place { length: place.length.min(MAX_TABLE_BYTES), ..place };
    let mut bytes = read_place(&instance.path, instance.structure.content, place)?;
    if instance.structure.transfer_syntax == syntax::EXPLICIT_BIG {
        bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
    }
    Ok(bytes)
}

/// Turns samples into the luminance of their colours.
///
/// # Errors
/// Where a table is missing or short.
pub fn apply(instance: &Instance, palette: Palette, samples: &mut [i64]) -> Result<(), String> {
    let table = palette.luminances(instance)?;
    let last = table.len().saturating_sub(1);
    for sample in samples {
        let at = usize::try_from(*sample - palette.first).unwrap_or(0).min(last);
        *sample = table.get(at).copied().unwrap_or(0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_become_entries() {
        let palette = Palette { entries: 10, first: 0, bits: 16 };
        // Two given entries, a ramp of four to 50, and the first segment again, twice over by its offset.
        let words: [u16; 15] = [0, 2, 7, 10, 1, 4, 50, 2, 1, 0, 0, 0, 2, 3, 4];
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(palette.segmented(&bytes), Some(vec![7, 10, 20, 30, 40, 50, 7, 10, 3, 4]));
        assert_eq!(palette.segmented(&bytes[..20]), None);
        assert_eq!(palette.segmented(&[1, 0, 4, 0, 9, 0]), None, "a ramp from nothing");
    }
}
