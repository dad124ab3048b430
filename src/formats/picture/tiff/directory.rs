//! Image file directories: the fields of a page.
//!
//! Source: TIFF Revision 6.0, section 2; `BigTIFF` as libtiff describes it.

use std::collections::{BTreeMap, HashSet};

use super::source::Source;
use crate::formats::error::Result;
use crate::work::Watch;
use crate::work::numbers::{index, real};

/// Most pages that a file may have.
const MOST_PAGES: usize = 1 << 16;

/// Most bytes of a text.
const MOST_TEXT: u64 = 64 << 20;

/// Fields that we read, by their numbers.
pub mod tag {
    /// What a page is: bit 0 a smaller version, bit 2 a transparency mask.
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    /// The older form: 2 is a smaller version.
    pub const SUBFILE_TYPE: u16 = 255;
    /// Columns.
    pub const WIDTH: u16 = 256;
    /// Rows.
    pub const HEIGHT: u16 = 257;
    /// Bits of each sample.
    pub const BITS: u16 = 258;
    /// Compression scheme.
    pub const COMPRESSION: u16 = 259;
    /// What values mean.
    pub const PHOTOMETRIC: u16 = 262;
    /// Order of the bits of a byte.
    pub const FILL_ORDER: u16 = 266;
    /// Free text; `ImageJ`'s and OME's facts.
    pub const DESCRIPTION: u16 = 270;
    /// Where strips begin.
    pub const STRIP_OFFSETS: u16 = 273;
    /// How the picture is turned.
    pub const ORIENTATION: u16 = 274;
    /// Values of a pixel.
    pub const SAMPLES: u16 = 277;
    /// Rows of a strip.
    pub const ROWS_PER_STRIP: u16 = 278;
    /// Bytes of strips.
    pub const STRIP_BYTES: u16 = 279;
    /// Pixels of a unit along a row.
    pub const X_RESOLUTION: u16 = 282;
    /// Pixels of a unit along a column.
    pub const Y_RESOLUTION: u16 = 283;
    /// Samples side by side or in planes.
    pub const PLANAR: u16 = 284;
    /// 1 none, 2 inch, 3 centimetre.
    pub const RESOLUTION_UNIT: u16 = 296;
    /// Differences instead of values.
    pub const PREDICTOR: u16 = 317;
    /// Columns of a tile.
    pub const TILE_WIDTH: u16 = 322;
    /// Rows of a tile.
    pub const TILE_HEIGHT: u16 = 323;
    /// Where tiles begin.
    pub const TILE_OFFSETS: u16 = 324;
    /// Bytes of tiles.
    pub const TILE_BYTES: u16 = 325;
    /// What samples beyond the colours are.
    pub const EXTRA_SAMPLES: u16 = 338;
    /// Whole numbers or floating point.
    pub const SAMPLE_FORMAT: u16 = 339;
    /// Slices within a page.
    pub const IMAGE_DEPTH: u16 = 32997;
    /// `MetaMorph`'s planes behind one another; its count is their number.
    pub const UIC2: u16 = 33629;
    /// Zeiss LSM's facts.
    pub const LSM: u16 = 34412;
}

#[derive(Debug, Clone, Copy)]
struct Field {
    kind: u64,
    count: u64,
    /// The value itself, or where it is.
    raw: [u8; 8],
}

impl Field {
    /// Bytes of one value.
    fn size(&self) -> Option<u64> {
        Some(match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return None,
        })
    }
}

/// The fields of a page.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    fields: BTreeMap<u16, Field>,
}

impl Directory {
    /// Reads the directory at a place; also gives the place of the next one, 0 where there is none.
    pub fn read(source: &mut Source, offset: u64) -> Result<(Self, u64)> {
        let (count_size, entry_size, value_size) = if source.wide { (8, 20, 8) } else { (2, 12, 4) };
        let count = source.directory_bytes(offset, count_size)?;
        let count = source.number(&count);
        let size = count.checked_mul(entry_size).filter(|&size| size <= source.length);
        let size =
            size.ok_or_else(|| source.malformed(format!("a TIFF directory of {count} fields; copy it again")))?;
        let bytes = source.directory_bytes(offset + count_size, size + value_size)?;
        let (entries, next) = bytes.split_at(bytes.len() - index(value_size));
        let mut fields = BTreeMap::new();
        for entry in entries.chunks_exact(index(entry_size)) {
            let (head, value) = entry.split_at(entry.len() - index(value_size));
            let mut raw = [0; 8];
            raw[..value.len()].copy_from_slice(value);
            let field = Field { kind: source.number(&head[2..4]), count: source.number(&head[4..]), raw };
            // A field that comes twice counts once, as libtiff does it.
            fields.entry(u16::try_from(source.number(&head[..2])).unwrap_or(u16::MAX)).or_insert(field);
        }
        Ok((Self { fields }, source.number(next)))
    }

    /// The number of a field's values, 0 where it is missing.
    pub fn count(&self, tag: u16) -> u64 {
        self.fields.get(&tag).map_or(0, |field| field.count)
    }

    fn value_bytes(&self, source: &mut Source, tag: u16, most: u64) -> Result<Option<(Field, u64, Vec<u8>)>> {
        let Some(&field) = self.fields.get(&tag) else { return Ok(None) };
        let size =
            field.size().ok_or_else(|| source.malformed(format!("TIFF field {tag} has the type {}", field.kind)))?;
        let length = field.count.checked_mul(size).filter(|&length| length <= most);
        let length = length.ok_or_else(|| source.malformed(format!("TIFF field {tag} has {} values", field.count)))?;
        let inline = if source.wide { 8 } else { 4 };
        if length <= inline {
            return Ok(Some((field, size, field.raw[..index(length)].to_vec())));
        }
        let offset = source.number(&field.raw[..index(inline)]);
        Ok(Some((field, size, source.directory_bytes(offset, length)?)))
    }

    /// All values of a field of whole numbers.
    pub fn unsigneds(&self, source: &mut Source, tag: u16) -> Result<Option<Vec<u64>>> {
        let most = source.length;
        let Some((field, size, bytes)) = self.value_bytes(source, tag, most)? else { return Ok(None) };
        if !matches!(field.kind, 1 | 3 | 4 | 7 | 13 | 16 | 18) {
            return Err(source.malformed(format!("TIFF field {tag} has the type {}, not a whole number", field.kind)));
        }
        Ok(Some(bytes.chunks_exact(index(size)).map(|value| source.number(value)).collect()))
    }

    /// The first value of a field of whole numbers.
    pub fn unsigned(&self, source: &mut Source, tag: u16) -> Result<Option<u64>> {
        match self.unsigneds(source, tag)? {
            Some(values) => match values.first() {
                Some(&value) => Ok(Some(value)),
                None => Err(source.malformed(format!("TIFF field {tag} has no value"))),
            },
            None => Ok(None),
        }
    }

    /// A fraction, also one that is no number.
    pub fn rational(&self, source: &mut Source, tag: u16) -> Result<Option<f64>> {
        let Some((field, _, bytes)) = self.value_bytes(source, tag, 64)? else { return Ok(None) };
        let part = |range: std::ops::Range<usize>| bytes.get(range).map(|b| source.number(b));
        let four_bytes = |part: u64| u32::try_from(part).unwrap_or(u32::MAX);
        let value = match (field.kind, part(0..4), part(4..8)) {
            (5, Some(above), Some(below)) => real(above) / real(below),
            (10, Some(above), Some(below)) => {
                f64::from(four_bytes(above).cast_signed()) / f64::from(four_bytes(below).cast_signed())
            }
            (11, Some(bits), _) => f64::from(f32::from_bits(four_bytes(bits))),
            (12, Some(_), Some(_)) => f64::from_bits(source.number(&bytes[..8])),
            (1 | 3 | 4, ..) => real(source.number(&bytes[..bytes.len().min(index(field.size().unwrap_or(0)))])),
            _ => f64::NAN,
        };
        Ok(Some(value))
    }

    /// Raw bytes of a field.
    pub fn raw(&self, source: &mut Source, tag: u16) -> Result<Option<Vec<u8>>> {
        Ok(self.value_bytes(source, tag, MOST_TEXT)?.map(|(_, _, bytes)| bytes))
    }

    /// A text: UTF-8, or Latin-1 where it is none.
    pub fn text(&self, source: &mut Source, tag: u16) -> Result<Option<String>> {
        Ok(self.raw(source, tag)?.map(|bytes| {
            let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
            let bytes = &bytes[..end];
            match std::str::from_utf8(bytes) {
                Ok(text) => text.to_string(),
                Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
            }
        }))
    }
}

/// All directories of the file, in their order.
pub fn walk(source: &mut Source, first: u64, watch: Watch) -> Result<Vec<Directory>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut offset = first;
    while offset != 0 {
        watch.at(0.0)?;
        if !seen.insert(offset) {
            return Err(source.malformed("the TIFF's directories run in a circle; save it again"));
        }
        if found.len() == MOST_PAGES {
            return Err(source.unsupported(format!("more than {MOST_PAGES} pages; split the file")));
        }
        let (directory, next) = Directory::read(source, offset)?;
        found.push(directory);
        offset = next;
    }
    if found.is_empty() {
        return Err(source.malformed("there is no picture in the file"));
    }
    Ok(found)
}
