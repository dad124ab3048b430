//! Portable Network Graphics.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use ::png::{Adam7Info, ColorType, Decoder, DecodingError, InterlaceInfo, Limits, Reader, Transformations, Unit};

use super::pages::{Kind, Pages, SizeOfFile, Unpacking};
use super::steps::Steps;
use super::tiff::is_usual_dpi;
use crate::disk::open_regular_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::gzip::MAX_RATIO;
use crate::volume::Voxels;
use crate::work::memory::{affordable, make_room};
use crate::work::numbers::share;

/// Most pixels of a picture: what is larger cannot be shown.
const MOST_PIXELS: u64 = 1 << 30;
/// Most pixels along a side.
const LONGEST_SIDE: u32 = 1 << 20;

type Source = Reader<BufReader<File>>;

fn explain(path: &Path, error: &DecodingError) -> FormatError {
    FormatError::malformed(path, format!("the PNG cannot be decoded: {error}; copy it again"))
}

fn open(path: &Path) -> Result<(Source, Kind)> {
    let failed = |e| FormatError::read(path, e);
    let file = open_regular_file(path).map_err(failed)?;
    // No more bytes than this can come out.
    let capacity =
        usize::try_from(file.metadata().map_err(failed)?.len().saturating_mul(MAX_RATIO)).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), Limits { bytes: capacity.max(1 << 16) });
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(|e| explain(path, &e))?;
    let (w, h) = (info.width, info.height);
    if u64::from(w) * u64::from(h) > MOST_PIXELS || w.max(h) > LONGEST_SIDE {
        return Err(FormatError::unsupported(
            path,
            format!(
                "a picture of {w} x {h} pixels is larger than can be shown ({MOST_PIXELS} pixels); cut it into parts"
            ),
        ));
    }
    let bits = info.bit_depth as usize;
    let all = info.color_type.samples();
    let row = (u128::from(w) * (all * bits) as u128).div_ceil(8);
    if row * u128::from(h) > capacity as u128 {
        return Err(FormatError::malformed(path, format!("the file is too short for {w} x {h} pixels; copy it again")));
    }
    // What is beyond grey or colours is opacity.
    let samples = if all < 3 { 1 } else { 3 };
    let stored = if bits == 16 { "uint16" } else { "uint8" };
    let is_palette = info.color_type == ColorType::Indexed;
    // Writers take as few bits as a picture's colours need: pictures of one stack may differ.
    let bits = if is_palette { 8 } else { bits };
    let kind = Kind { size: [w as usize, h as usize], samples, bits, stored, slices: 1, frames: 1, is_palette };
    Ok((decoder.read_info().map_err(|e| explain(path, &e))?, kind))
}

/// What the header says, with the size of a pixel where somebody measured it.
pub fn kind_and_size(path: &Path) -> Result<(Kind, SizeOfFile)> {
    let (reader, kind) = open(path)?;
    Ok((kind, size(&reader)))
}

/// Resolutions of screens and printers tell nothing of what is shown.
fn size(reader: &Source) -> SizeOfFile {
    let per_metre = reader.info().pixel_dims.filter(|dims| dims.unit == Unit::Meter);
    let per_mm = per_metre.map(|dims| [dims.xppu, dims.yppu].map(|per_metre| f64::from(per_metre) / 1000.0));
    let is_measured = |per_mm: &[f64; 2]| per_mm.iter().all(|n| *n > 0.0 && !is_usual_dpi(n * 25.4));
    let [x, y] = match per_mm.filter(is_measured) {
        Some(per_mm) => per_mm.map(|n| 1.0 / n),
        None => return SizeOfFile::default(),
    };
    SizeOfFile { mm: [Some(x), Some(y), None], origin: "resolution of the PNG (pHYs)" }
}

/// Adds the picture to the pages; what it says of the size of a pixel.
pub fn read(path: &Path, pages: &mut Pages, steps: &Steps) -> Result<SizeOfFile> {
    let (mut reader, kind) = open(path)?;
    let size = size(&reader);
    let [width, height] = kind.size;
    let all = reader.info().color_type.samples();
    let memory = |e| FormatError::memory(path, e);
    let wide = if kind.bits == 16 { 2 } else { 1 };
    affordable((width as u64 * height as u64).saturating_mul((kind.samples * wide) as u64)).map_err(memory)?;
    let mut bytes: Vec<Vec<u8>> = vec![Vec::new(); kind.samples];
    let mut words: Vec<Vec<u16>> = vec![Vec::new(); kind.samples];
    let stored_bits = reader.info().bit_depth as usize;
    let unpacking = if kind.is_palette { Unpacking::of_numbers(stored_bits) } else { Unpacking::of(stored_bits) };
    let mut line = Vec::new();
    let mut add = |row: &[u8]| -> Result<()> {
        if wide == 2 {
            for (sample, values) in words.iter_mut().enumerate() {
                make_room(values, width).map_err(memory)?;
                let row = row.chunks_exact(2).skip(sample).step_by(all);
                values.extend(row.map(|b| u16::from_be_bytes([b[0], b[1]])));
            }
            return Ok(());
        }
        let row = if stored_bits < 8 {
            line.clear();
            unpacking.row(row, width * all, &mut line);
            &line
        } else {
            row
        };
        for (sample, values) in bytes.iter_mut().enumerate() {
            make_room(values, width).map_err(memory)?;
            if all == 1 {
                values.extend_from_slice(row);
            } else {
                values.extend(row.iter().skip(sample).step_by(all));
            }
        }
        Ok(())
    };
    if reader.info().interlaced {
        let picture = interlaced(path, &mut reader, kind, all, steps)?;
        for (n, row) in picture.chunks_exact((width * all * stored_bits).div_ceil(8).max(1)).enumerate() {
            if n % 64 == 0 {
                steps.at(0.5 + share(n, 2 * height))?;
            }
            add(row)?;
        }
    } else {
        for n in 0..height {
            if n % 64 == 0 || width > 1 << 16 {
                steps.at(share(n, height))?;
            }
            match reader.next_row().map_err(|e| explain(path, &e))? {
                Some(row) => add(row.data())?,
                None => break,
            }
        }
    }
    reader.finish().map_err(|e| explain(path, &e))?;
    let samples = if wide == 2 {
        words.into_iter().map(|values| Voxels::U16(Arc::new(values))).collect()
    } else {
        bytes.into_iter().map(|values| Voxels::U8(Arc::new(values))).collect()
    };
    pages.push(path, kind, samples)?;
    Ok(size)
}

/// The picture of seven passes, rows beginning with a byte.
fn interlaced(path: &Path, reader: &mut Source, kind: Kind, all: usize, steps: &Steps) -> Result<Vec<u8>> {
    let [width, height] = kind.size;
    let pixel_bits = all * reader.info().bit_depth as usize;
    let row_bytes = (width * pixel_bits).div_ceil(8);
    let mut picture = Vec::new();
    let mut seen = 0usize;
    while let Some(row) = reader.next_interlaced_row().map_err(|e| explain(path, &e))? {
        if seen.is_multiple_of(64) || width > 1 << 16 {
            steps.at(share(seen, 2 * height))?;
        }
        seen += 1;
        if picture.is_empty() {
            // The first row is there: the file is more than a header.
            make_room(&mut picture, row_bytes * height).map_err(|e| FormatError::memory(path, e))?;
            picture.resize(row_bytes * height, 0);
        }
        if let InterlaceInfo::Adam7(pass) = row.interlace() {
            let pass: &Adam7Info = pass;
            ::png::expand_interlaced_row(
                &mut picture,
                row_bytes,
                row.data(),
                pass,
                u8::try_from(pixel_bits).unwrap_or(u8::MAX),
            );
        }
    }
    Ok(picture)
}
