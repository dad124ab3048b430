//! Writing TIFF: pages of one size and type, uncompressed, little end first; as `ImageJ` describes stacks where the distance of slices is known.
//!
//! Source: TIFF Revision 6.0 (Adobe, 1992); `ij/io/TiffEncoder.java` of `ImageJ` for the description.

use std::io;
use std::path::Path;

use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::picture::pixels::{PixelType, Scale};
use crate::formats::slices::{SliceStream, explain};
use crate::work::Watch;

/// Bytes before the first page.
const HEAD: [u8; 8] = [b'I', b'I', 42, 0, 8, 0, 0, 0];
/// Parts of a whole in which resolutions are kept, at most.
const PARTS: f64 = 1e9;
/// Numbers of a resolution are not larger.
const ROOM: f64 = 4e9;

/// The pages of a file.
pub struct Pages<'a> {
    /// Columns and rows.
    pub size: [usize; 2],
    /// What a pixel is.
    pub kind: PixelType,
    /// How many pages there are.
    pub count: usize,
    /// How large a pixel is.
    pub scale: Scale,
    /// Distance of slices in millimetres, where the pages are slices and it is known.
    pub slices_mm: Option<f64>,
    /// Adds the bytes of a page, little end first.
    pub encode: &'a dyn Fn(usize, &mut Vec<u8>),
}

/// Writes pages.
///
/// # Errors
/// When they take more than four gigabytes, the file cannot be written, or the work was stopped.
pub fn write(path: &Path, pages: &Pages, watch: Watch) -> Result<()> {
    let description = description(pages);
    let description = description.as_deref();
    let data = pages.size[0].saturating_mul(pages.size[1]).saturating_mul(pages.kind.bytes());
    let directory = Directory::new(pages, description, 0, 0).bytes.len();
    let page = directory.saturating_add(data).next_multiple_of(2);
    let whole = page.saturating_mul(pages.count).saturating_add(HEAD.len());
    if u32::try_from(whole).is_err() {
        let reason = "a TIFF holds four gigabytes, and the slices take more; write them as single files, or end the name in .nii.gz";
        return Err(FormatError::unsupported(path, reason));
    }
    let encode = |n: usize, out: &mut Vec<u8>| {
        let start = HEAD.len() + n * page;
        let next = if n + 1 < pages.count { start + page } else { 0 };
        out.extend(Directory::new(pages, description, start, next).bytes);
        (pages.encode)(n, out);
        out.resize(page, 0);
    };
    let mut content = SliceStream::new(pages.count, &encode, watch).behind(HEAD.to_vec());
    replace_file(path, |file| io::copy(&mut content, file).map(drop)).map_err(|error| explain(path, error))
}

/// `ImageJ`'s words for a stack; nothing for a picture of whose slices nothing is known.
fn description(pages: &Pages) -> Option<String> {
    let mm = pages.slices_mm?;
    let count = pages.count;
    Some(format!("ImageJ=1.54f\nimages={count}\nslices={count}\nunit=mm\nspacing={mm}\nloop=false\n"))
}

/// A page's directory with the values that do not fit into its fields.
struct Directory {
    bytes: Vec<u8>,
}

impl Directory {
    /// The directory of a page that begins at a place of the file; the next one is at another, or nowhere (0).
    fn new(pages: &Pages, description: Option<&str>, start: usize, next: usize) -> Self {
        let samples = if pages.kind == PixelType::Rgb8 { 3 } else { 1 };
        let bits = 8 * pages.kind.bytes() / samples;
        let format = match pages.kind {
            PixelType::Rgb8 | PixelType::Grey8 | PixelType::Grey16 => 1,
            PixelType::Signed16 => 2,
            PixelType::Float32 => 3,
        };
        let (per_unit, unit) = match (pages.scale, pages.slices_mm) {
            // ImageJ counts pixels in the unit of its description, and says that there is none here.
            (Scale::PixelMm(mm), Some(_)) => (mm.map(|mm| 1.0 / mm), 1),
            (Scale::PixelMm(mm), None) => (mm.map(|mm| 10.0 / mm), 3),
            (Scale::DotsPerInch(dots), _) => ([dots; 2], 2),
            (Scale::Unknown, _) => ([1.0; 2], 1),
        };
        let data_bytes = pages.size[0] * pages.size[1] * pages.kind.bytes();
        let mut fields: Vec<Field> = vec![
            Field::long(256, pages.size[0]),
            Field::long(257, pages.size[1]),
            Field::shorts(258, &vec![bits; samples]),
            Field::shorts(259, &[1]),
            Field::shorts(262, &[if samples == 3 { 2 } else { 1 }]),
        ];
        fields.extend(description.map(|text| Field::text(270, text)));
        // Where the data begin is known when the length of the directory is.
        fields.push(Field::long(273, 0));
        fields.push(Field::shorts(277, &[samples]));
        fields.push(Field::long(278, pages.size[1]));
        fields.push(Field::long(279, data_bytes));
        fields.push(Field::ratio(282, per_unit[0]));
        fields.push(Field::ratio(283, per_unit[1]));
        fields.push(Field::shorts(296, &[unit]));
        fields.push(Field::shorts(339, &vec![format; samples]));
        let fixed = 2 + 12 * fields.len() + 4;
        let beside: usize = fields.iter().map(Field::beside).sum();
        if let Some(strip) = fields.iter_mut().find(|field| field.tag == 273) {
            strip.value = u32_of(start + fixed + beside).to_le_bytes().to_vec();
        }
        let mut bytes = u16_of(fields.len()).to_le_bytes().to_vec();
        let mut values = Vec::new();
        for field in &fields {
            bytes.extend(field.tag.to_le_bytes());
            bytes.extend(field.kind.to_le_bytes());
            bytes.extend(field.count.to_le_bytes());
            if field.beside() == 0 {
                let mut value = field.value.clone();
                value.resize(4, 0);
                bytes.extend(value);
            } else {
                bytes.extend(u32_of(start + fixed + values.len()).to_le_bytes());
                values.extend(&field.value);
                values.resize(values.len().next_multiple_of(2), 0);
            }
        }
        bytes.extend(u32_of(next).to_le_bytes());
        bytes.extend(values);
        Self { bytes }
    }
}

/// A field of a directory.
struct Field {
    tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

impl Field {
    fn shorts(tag: u16, values: &[usize]) -> Self {
        let value = values.iter().flat_map(|value| u16_of(*value).to_le_bytes()).collect();
        Self { tag, kind: 3, count: u32_of(values.len()), value }
    }

    fn long(tag: u16, value: usize) -> Self {
        Self { tag, kind: 4, count: 1, value: u32_of(value).to_le_bytes().to_vec() }
    }

    fn text(tag: u16, text: &str) -> Self {
        let value = [text.as_bytes(), &[0]].concat();
        Self { tag, kind: 2, count: u32_of(value.len()), value }
    }

    fn ratio(tag: u16, value: f64) -> Self {
        // As many parts as both numbers have room for.
        let parts = (ROOM / value).min(PARTS).floor().max(1.0);
        let above = (value * parts).round().clamp(1.0, f64::from(u32::MAX));
        let number = |value: f64| crate::work::numbers::natural(crate::work::numbers::whole(value));
        let value = [number(above), number(parts)].iter().flat_map(|value| u32_of(*value).to_le_bytes()).collect();
        Self { tag, kind: 5, count: 1, value }
    }

    /// Bytes behind the directory.
    fn beside(&self) -> usize {
        if self.value.len() > 4 { self.value.len().next_multiple_of(2) } else { 0 }
    }
}

fn u16_of(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

fn u32_of(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
