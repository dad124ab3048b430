//! Portable Network Graphics.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use super::pages::{Kind, Pages};
use crate::formats::error::{FormatError, Result};
use crate::formats::gzip::MAX_RATIO;
use crate::volume::Voxels;

/// Most bytes of an interlaced picture, which cannot be read row by row.
const LARGEST_INTERLACED: usize = 1 << 28;

type Source = Reader<BufReader<File>>;

fn explain(path: &Path, error: &DecodingError) -> FormatError {
    FormatError::malformed(path, format!("the PNG cannot be decoded: {error}; copy it again"))
}

fn open(path: &Path) -> Result<(Source, Kind)> {
    let failed = |e| FormatError::read(path, e);
    let file = File::open(path).map_err(failed)?;
    // No more bytes than this can come out.
    let capacity =
        usize::try_from(file.metadata().map_err(failed)?.len().saturating_mul(MAX_RATIO)).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), Limits { bytes: capacity.max(1 << 16) });
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info().map_err(|e| explain(path, &e))?;
    if info.color_type == ColorType::Indexed {
        return Err(FormatError::unsupported(
            path,
            "the picture has a palette, whose numbers are no intensities; save it in grey or full colour",
        ));
    }
    let size = [info.width as usize, info.height as usize];
    let kind = Kind { size, samples: info.color_type.samples(), bits: info.bit_depth as usize, pages: 1 };
    let row = (u128::from(info.width) * (kind.samples * kind.bits) as u128).div_ceil(8);
    if row * u128::from(info.height) > capacity as u128 {
        let [w, h] = size;
        return Err(FormatError::malformed(path, format!("the file is too short for {w} x {h} pixels; copy it again")));
    }
    Ok((decoder.read_info().map_err(|e| explain(path, &e))?, kind))
}

/// What the header says.
pub fn kind(path: &Path) -> Result<Kind> {
    Ok(open(path)?.1)
}

/// Adds the picture to the pages.
pub fn read(path: &Path, pages: &mut Pages) -> Result<()> {
    let (mut reader, kind) = open(path)?;
    let depth = reader.info().bit_depth;
    let mut bytes = Vec::new();
    if reader.info().interlaced {
        if reader.output_buffer_size().is_none_or(|bytes| bytes > LARGEST_INTERLACED) {
            return Err(FormatError::unsupported(path, "an interlaced PNG of this size; save it without interlacing"));
        }
        bytes.resize(reader.output_buffer_size().unwrap_or(0), 0);
        reader.next_frame(&mut bytes).map_err(|e| explain(path, &e))?;
    } else {
        while let Some(row) = reader.next_row().map_err(|e| explain(path, &e))? {
            bytes.extend_from_slice(row.data());
        }
    }
    reader.finish().map_err(|e| explain(path, &e))?;
    let values = match depth {
        BitDepth::Sixteen => {
            Voxels::U16(Arc::new(bytes.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect()))
        }
        BitDepth::Eight => Voxels::U8(Arc::new(bytes)),
        _ => Voxels::U8(Arc::new(super::pages::unpack(&bytes, kind, depth as usize))),
    };
    pages.push(path, kind, &values)
}
