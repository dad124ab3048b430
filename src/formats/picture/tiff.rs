//! Tagged Image File Format.

use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError};

use super::pages::{Kind, Pages, unpack};
use crate::formats::Watch;
use crate::formats::error::{FormatError, Result};
use crate::volume::Voxels;

type Source = Decoder<BufReader<File>>;

/// Most bytes that a strip or tile may have.
const LARGEST_CHUNK: usize = 1 << 30;

/// No compression of this format makes more bytes of one.
const MAX_RATIO: usize = 1500;

/// Most pages that are counted.
const MOST_PAGES: usize = 1 << 16;

fn explain(path: &Path, error: &TiffError) -> FormatError {
    match error {
        TiffError::UnsupportedError(what) => FormatError::unsupported(
            path,
            format!("this kind of TIFF cannot be read ({what}); save it in grey or full colour without compression"),
        ),
        _ => FormatError::malformed(path, format!("the TIFF cannot be decoded: {error}; copy it again")),
    }
}

fn open(path: &Path) -> Result<Source> {
    let failed = |e| FormatError::read(path, e);
    let file = File::open(path).map_err(failed)?;
    let length = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = length.saturating_mul(MAX_RATIO).min(LARGEST_CHUNK);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits.ifd_value_size = length.min(LARGEST_CHUNK);
    Ok(Decoder::new(BufReader::new(file)).map_err(|e| explain(path, &e))?.with_limits(limits))
}

/// What the shown page's header says.
fn page_kind(path: &Path, decoder: &mut Source) -> Result<Kind> {
    let (width, height) = decoder.dimensions().map_err(|e| explain(path, &e))?;
    let (samples, bits) = match decoder.colortype().map_err(|e| explain(path, &e))? {
        ColorType::Gray(bits) => (1, bits),
        ColorType::GrayA(bits) => (2, bits),
        ColorType::RGB(bits) => (3, bits),
        ColorType::RGBA(bits) => (4, bits),
        other => {
            return Err(FormatError::unsupported(
                path,
                format!("pixels of the kind {other:?} are no intensities; save it in grey or full colour"),
            ));
        }
    };
    let planes = decoder.find_tag_unsigned::<u32>(Tag::PlanarConfiguration).map_err(|e| explain(path, &e))?;
    if samples > 1 && planes == Some(2) {
        return Err(FormatError::unsupported(path, "colours lie in planes of their own; save it interleaved"));
    }
    Ok(Kind { size: [width as usize, height as usize], samples, bits: usize::from(bits), pages: 1 })
}

/// What the headers say.
pub fn kind(path: &Path) -> Result<Kind> {
    let mut decoder = open(path)?;
    let kind = page_kind(path, &mut decoder)?;
    let mut pages = 1;
    while decoder.more_images() {
        if pages == MOST_PAGES {
            return Err(FormatError::unsupported(path, format!("more than {MOST_PAGES} pages; split the file")));
        }
        decoder.next_image().map_err(|e| explain(path, &e))?;
        pages += 1;
    }
    Ok(Kind { pages, ..kind })
}

/// Adds all pages.
pub fn read(path: &Path, pages: &mut Pages, watch: Watch) -> Result<()> {
    let Kind { size, samples, bits, pages: count } = kind(path)?;
    let length = std::fs::metadata(path).map_err(|e| FormatError::read(path, e))?.len();
    let bytes =
        [size[0], size[1], samples * bits, count].iter().fold(1u128, |n, &factor| n.saturating_mul(factor as u128)) / 8;
    if bytes > u128::from(length) * MAX_RATIO as u128 {
        let [w, h] = size;
        return Err(FormatError::malformed(
            path,
            format!("the file is too short for {count} pages of {w} x {h} pixels; copy it again"),
        ));
    }
    let mut decoder = open(path)?;
    for page in 0..count {
        if watch(page as f32 / count as f32) == ControlFlow::Break(()) {
            return Err(FormatError::Cancelled);
        }
        if page > 0 {
            decoder.next_image().map_err(|e| explain(path, &e))?;
        }
        let kind = Kind { pages: count, ..page_kind(path, &mut decoder)? };
        let values = read_page(path, &mut decoder, kind)?;
        pages.push(path, kind, &values)?;
    }
    Ok(())
}

/// Strips and tiles, one row of them after the other, so that memory grows with what is really there.
fn read_page(path: &Path, decoder: &mut Source, kind: Kind) -> Result<Voxels> {
    let [width, height] = kind.size;
    if kind.bits < 8 {
        let DecodingResult::U8(bytes) = decoder.read_image().map_err(|e| explain(path, &e))? else {
            return Err(FormatError::unsupported(path, format!("values of {} bits cannot be read", kind.bits)));
        };
        return Ok(Voxels::U8(Arc::new(unpack(&bytes, kind, kind.bits))));
    }
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    let (chunk_width, chunk_height) = (chunk_width.max(1) as usize, chunk_height.max(1) as usize);
    let across = width.div_ceil(chunk_width);
    let mut all: Option<Voxels> = None;
    for band in 0..height.div_ceil(chunk_height) {
        let rows = chunk_height.min(height - band * chunk_height);
        let mut parts = Vec::with_capacity(across.min(1 << 12));
        for column in 0..across {
            let index = (band * across + column) as u32;
            let part = voxels(path, decoder.read_chunk(index).map_err(|e| explain(path, &e))?)?;
            parts.push((part, decoder.chunk_data_dimensions(index).0 as usize * kind.samples));
        }
        for row in 0..rows {
            if across == 1 {
                break;
            }
            for (part, length) in &parts {
                let line = part.range(row * length..(row + 1) * length);
                let line =
                    line.ok_or_else(|| FormatError::malformed(path, "a tile is too short; copy the file again"))?;
                match &mut all {
                    Some(all) => drop(all.append(&line, 0)),
                    None => all = Some(line),
                }
            }
        }
        if let (1, Some((part, _))) = (across, parts.pop()) {
            match &mut all {
                Some(all) => drop(all.append(&part, 0)),
                None => all = Some(part),
            }
        }
    }
    all.ok_or_else(|| FormatError::malformed(path, "a page without pixels"))
}

fn voxels(path: &Path, values: DecodingResult) -> Result<Voxels> {
    Ok(match values {
        DecodingResult::U8(v) => Voxels::U8(Arc::new(v)),
        DecodingResult::U16(v) => Voxels::U16(Arc::new(v)),
        DecodingResult::U32(v) => Voxels::U32(Arc::new(v)),
        DecodingResult::U64(v) => Voxels::U64(Arc::new(v)),
        DecodingResult::I8(v) => Voxels::I8(Arc::new(v)),
        DecodingResult::I16(v) => Voxels::I16(Arc::new(v)),
        DecodingResult::I32(v) => Voxels::I32(Arc::new(v)),
        DecodingResult::I64(v) => Voxels::I64(Arc::new(v)),
        DecodingResult::F32(v) => Voxels::F32(Arc::new(v)),
        DecodingResult::F64(v) => Voxels::F64(Arc::new(v)),
        DecodingResult::F16(_) => {
            return Err(FormatError::unsupported(path, "values of 16-bit floating point; save it as 32-bit"));
        }
    })
}
