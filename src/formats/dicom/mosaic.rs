//! Siemens mosaics: the slices of a volume as tiles of one sheet.
//!
//! How many tiles there are and which way they are stacked stands in the vendor's header (CSA, element 0029,xx10), whose
//! layout Siemens does not publish; it is read as nibabel's documentation ("Siemens format DICOM with CSA header") tells it.

use std::sync::Arc;

use dicom::core::Tag;

use super::frame::{Frame, FrameFacts};
use super::functional_groups::MAX_FRAMES;
use super::instance::{Instance, Refusal};
use super::stored::read_place;
use super::structure::Place;
use crate::volume::Vec3;
use crate::work::numbers::real;

/// Vendor headers that may hold what is needed.
const HEADERS: [Tag; 3] = [Tag(0x0029, 0x1010), Tag(0x0029, 0x1110), Tag(0x0029, 0x1210)];
/// Real ones have ten to a hundred kilobytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// More tiles than a sheet of 65535 rows can hold with a purpose.
const MAX_TILES: usize = 4096;

/// A tile of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Its number, row by row from 0.
    pub number: usize,
    /// First row of it in the sheet.
    pub row: usize,
    /// First column of it in the sheet.
    pub column: usize,
}

/// How a sheet is divided and stacked.
#[derive(Debug, PartialEq)]
pub struct Mosaic {
    /// Tiles that are slices.
    count: usize,
    /// Tiles in a row of the sheet.
    per_row: usize,
    /// From tile to tile, LPS millimetres.
    step: Vec3,
    /// From the sheet's position to the first tile's, LPS millimetres.
    shift: Vec3,
}

impl Mosaic {
    /// Reads the vendor's header; the instance's format becomes that of a tile.
    ///
    /// # Errors
    /// Where it cannot be known how the sheet comes apart.
    pub fn read(instance: &mut Instance, facts: &FrameFacts) -> Result<Self, Refusal> {
        let header = vendor_header(instance).ok_or_else(|| {
            Refusal::OtherObject(
                "a Siemens mosaic (many slices tiled into one image) without the vendor's header (0029,1010) that says how \
                 to take it apart, perhaps removed by an anonymiser; convert the original to single slices or NIfTI"
                    .into(),
            )
        })?;
        let bad = |text: String| Refusal::Malformed(format!("the mosaic cannot be taken apart: {text}"));
        let count = header.count;
        let per_row = (1..=MAX_TILES).find(|n| n * n >= count).unwrap_or(MAX_TILES);
        let [rows, columns] = [instance.format.rows, instance.format.columns];
        if count == 0 || count > MAX_TILES || !rows.is_multiple_of(per_row) || !columns.is_multiple_of(per_row) {
            return Err(bad(format!("{count} slices do not fit a sheet of {columns} x {rows} pixels")));
        }
        if count.saturating_mul(instance.frame_count) > MAX_FRAMES {
            let frames = instance.frame_count;
            return Err(bad(format!("{frames} sheets of {count} slices are more than {MAX_FRAMES} slices")));
        }
        let [tile_rows, tile_columns] = [rows / per_row, columns / per_row];
        let (Some([row, column]), Some([row_mm, column_mm])) = (facts.directions, facts.pixel_spacing) else {
            return Err(bad("orientation or pixel spacing is missing".into()));
        };
        let Some(distance) = facts.slice_spacing else { return Err(bad("Spacing Between Slices is missing".into())) };
        let length = header.normal.iter().map(|x| x * x).sum::<f64>().sqrt();
        if (length - 1.0).abs() > 0.01 {
            return Err(bad(format!("SliceNormalVector {:?} is no unit vector", header.normal)));
        }
        // The position is given as if the whole sheet were one slice around the same centre.
        let aside = 0.5 * real(columns - tile_columns) * column_mm;
        let down = 0.5 * real(rows - tile_rows) * row_mm;
        instance.sheet = Some([rows, columns]);
        (instance.format.rows, instance.format.columns) = (tile_rows, tile_columns);
        Ok(Self {
            count,
            per_row,
            step: header.normal.map(|x| x * distance),
            shift: std::array::from_fn(|axis| row[axis] * aside + column[axis] * down),
        })
    }

    /// The slices of frame `index` of a file.
    pub fn tiles(&self, file: &Arc<Instance>, index: usize, facts: &FrameFacts) -> Vec<Frame> {
        (0..self.count)
            .map(|number| {
                let place =
                    |p: Vec3| std::array::from_fn(|axis| p[axis] + self.shift[axis] + self.step[axis] * real(number));
                let facts = FrameFacts { position: facts.position.map(place), slice_location: None, ..facts.clone() };
                let (row, column) = (number / self.per_row, number % self.per_row);
                let tile = Tile { number, row: row * file.format.rows, column: column * file.format.columns };
                Frame { tile: Some(tile), ..Frame::new(file, index, facts) }
            })
            .collect()
    }
}

/// What the vendor's header says of a mosaic.
#[derive(Debug, PartialEq)]
struct VendorHeader {
    count: usize,
    normal: Vec3,
}

fn vendor_header(instance: &Instance) -> Option<VendorHeader> {
    let structure = &instance.structure;
    structure.long.iter().filter(|(tag, _)| HEADERS.contains(tag)).find_map(|&(_, place)| {
        let place = Place { length: place.length.min(MAX_HEADER_BYTES), ..place };
        parse(&read_place(&instance.path, structure.content, place).ok()?)
    })
}

/// Reads the two fields out of a CSA header.
fn parse(bytes: &[u8]) -> Option<VendorHeader> {
    let number = |at: usize| -> Option<usize> {
        let raw = <[u8; 4]>::try_from(bytes.get(at..at.checked_add(4)?)?).ok()?;
        usize::try_from(u32::from_le_bytes(raw)).ok()
    };
    let is_second = bytes.starts_with(b"SV10");
    let start = if is_second { 8 } else { 0 };
    let fields = number(start)?;
    let mut at = start + 8;
    let (mut count, mut normal) = (None, None);
    // In the first version lengths count the items of the first field with them.
    let mut first_items = None;
    for _ in 0..fields {
        let name = bytes.get(at..at.checked_add(64)?)?;
        let name = name.split(|&b| b == 0).next()?;
        let items = number(at + 76)?;
        let excess = *first_items.get_or_insert(items);
        at += 84;
        let mut values: Vec<&[u8]> = Vec::new();
        for _ in 0..items {
            let length = if is_second { number(at + 4)? } else { number(at)?.checked_sub(excess)? };
            at += 16;
            values.push(bytes.get(at..at.checked_add(length)?)?);
            at = at.checked_add(length.next_multiple_of(4))?;
        }
        let numbers = || -> Vec<f64> {
            let text = |raw: &&[u8]| std::str::from_utf8(raw).ok().map(|t| t.trim_matches(['\0', ' ']).to_string());
            values.iter().filter_map(text).map_while(|t| t.parse().ok()).filter(|v: &f64| v.is_finite()).collect()
        };
        match name {
            b"NumberOfImagesInMosaic" => {
                count = numbers().first().copied().filter(|&n| n >= 0.0 && n.fract() == 0.0 && n < 1e6);
            }
            b"SliceNormalVector" => normal = numbers().get(..3).and_then(|v| <[f64; 3]>::try_from(v).ok()),
            _ => {}
        }
        if let (Some(count), Some(normal)) = (count, normal) {
            let count = usize::try_from(crate::work::numbers::whole(count)).ok()?;
            return Some(VendorHeader { count, normal });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of either version with these fields.
    fn header(is_second: bool, fields: &[(&str, &[&str])]) -> Vec<u8> {
        let word = |n: usize| u32::try_from(n).unwrap_or(0).to_le_bytes();
        let mut bytes = if is_second { b"SV10\x04\x03\x02\x01".to_vec() } else { Vec::new() };
        bytes.extend(word(fields.len()));
        bytes.extend(word(77));
        let first_items = fields[0].1.len();
        for (name, values) in fields {
            let mut text = name.as_bytes().to_vec();
            text.resize(64, 0);
            bytes.extend(text);
            bytes.extend([word(values.len()), *b"FD\0\0", word(0), word(values.len()), word(77)].concat());
            for value in *values {
                let length = value.len() + 1;
                let stated = if is_second { [word(0), word(length)] } else { [word(length + first_items), word(0)] };
                bytes.extend([stated[0], stated[1], word(77), word(0)].concat());
                bytes.extend(value.as_bytes());
                bytes.resize(bytes.len() + 1 + (4 - length % 4) % 4, 0);
            }
        }
        bytes
    }

    #[test]
    fn both_versions_of_the_vendors_header_are_read() {
        let fields: [(&str, &[&str]); 4] = [
            ("EchoLinePosition", &["64", "x"]),
            ("Empty", &[]),
            ("NumberOfImagesInMosaic", &["35"]),
            ("SliceNormalVector", &["0.0", "-0.17880222", "0.98388504"]),
        ];
        for is_second in [true, false] {
            let bytes = header(is_second, &fields);
            let expected = VendorHeader { count: 35, normal: [0.0, -0.178_802_22, 0.983_885_04] };
            assert_eq!(parse(&bytes), Some(expected), "{is_second}");
            for end in 0..bytes.len() {
                assert!(parse(&bytes[..end]).is_none() || end > bytes.len() - 4, "cut at {end}");
            }
            for at in (0..bytes.len()).step_by(4) {
                let mut damaged = bytes.clone();
                damaged[at..at + 4].fill(0xFF);
                parse(&damaged);
            }
        }
    }
}
