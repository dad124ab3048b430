//! Strips and tiles as they are before compression.
//!
//! Source: TIFF Revision 6.0, sections 9 (`PackBits`), 13 (LZW), 14 (predictor); Adobe's technical note 3 (floating-point
//! predictor).

use std::io::Read;

use super::layout::{Compression, Predictor};
use crate::formats::error::{FormatError, Result};
use crate::formats::picture::steps::Steps;
use crate::work::memory::make_room;

/// Bytes that are made between two looks at whether to stop.
const STEP: usize = 1 << 20;

/// Why a strip or tile cannot be decoded.
pub enum Failure {
    /// Stopped, or no memory.
    Other(FormatError),
    /// The data are damaged.
    Damaged(String),
}

/// Takes the compression away: `wanted` bytes, no more and no fewer.
///
/// # Errors
/// When there are fewer, the data are damaged, or memory is short.
pub fn expand(
    packed: Vec<u8>,
    how: Compression,
    wanted: usize,
    steps: &Steps,
) -> std::result::Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    match how {
        Compression::None => out = packed,
        Compression::PackBits => unpack_bits(&packed, &mut out, wanted, steps)?,
        Compression::Lzw => lzw(&packed, &mut out, wanted, steps)?,
        Compression::Deflate => inflate(&packed, &mut out, wanted, steps)?,
    }
    if out.len() < wanted {
        return Err(Failure::Damaged(format!("{} of {wanted} bytes come out", out.len())));
    }
    out.truncate(wanted);
    Ok(out)
}

fn room(out: &mut Vec<u8>, more: usize, steps: &Steps) -> std::result::Result<(), Failure> {
    steps.go_on().map_err(Failure::Other)?;
    make_room(out, more).map_err(|e| Failure::Other(FormatError::memory(steps.path, e)))
}

fn unpack_bits(mut packed: &[u8], out: &mut Vec<u8>, wanted: usize, steps: &Steps) -> std::result::Result<(), Failure> {
    room(out, wanted.min(STEP), steps)?;
    while out.len() < wanted {
        if out.capacity() - out.len() < 128 {
            room(out, STEP.min(wanted - out.len()).max(128), steps)?;
        }
        let Some((&head, rest)) = packed.split_first() else { return Ok(()) };
        packed = rest;
        match head {
            // As they are.
            0..=127 => {
                let count = (usize::from(head) + 1).min(packed.len());
                let (literal, rest) = packed.split_at(count);
                out.extend_from_slice(literal);
                packed = rest;
            }
            // Nothing.
            128 => {}
            // One byte several times.
            _ => {
                let Some((&byte, rest)) = packed.split_first() else { return Ok(()) };
                out.resize(out.len() + 257 - usize::from(head), byte);
                packed = rest;
            }
        }
    }
    Ok(())
}

fn lzw(packed: &[u8], out: &mut Vec<u8>, wanted: usize, steps: &Steps) -> std::result::Result<(), Failure> {
    // Files from before 1989 have their codes the other way round, and begin with a clear code of 9 such bits.
    if matches!(packed, [0, second, ..] if second & 1 == 1) {
        return Err(Failure::Damaged("LZW of the kind before TIFF 5.0; save it again".into()));
    }
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let mut rest = packed;
    let mut buffer = vec![0; STEP.min(wanted)];
    while out.len() < wanted {
        let result = decoder.decode_bytes(rest, &mut buffer);
        room(out, result.consumed_out, steps)?;
        out.extend_from_slice(&buffer[..result.consumed_out.min(buffer.len())]);
        rest = rest.get(result.consumed_in..).unwrap_or_default();
        match result.status {
            Ok(weezl::LzwStatus::Ok) => {}
            // Encoders may leave out the end code; no progress is the end of the data.
            Ok(weezl::LzwStatus::Done | weezl::LzwStatus::NoProgress) => return Ok(()),
            Err(error) => return Err(Failure::Damaged(error.to_string())),
        }
    }
    Ok(())
}

fn inflate(packed: &[u8], out: &mut Vec<u8>, wanted: usize, steps: &Steps) -> std::result::Result<(), Failure> {
    let mut decoder = flate2::read::ZlibDecoder::new(packed);
    let damaged = |e: std::io::Error| Failure::Damaged(e.to_string());
    let mut buffer = vec![0; STEP.min(wanted)];
    while out.len() < wanted {
        let count = decoder.read(&mut buffer).map_err(damaged)?;
        if count == 0 {
            return Ok(());
        }
        room(out, count, steps)?;
        out.extend_from_slice(&buffer[..count]);
    }
    // Only the end of the stream tells whether the checksum is right.
    decoder.read(&mut buffer[..1]).map_err(damaged)?;
    Ok(())
}

/// Reverses the bits of each byte.
pub fn reverse_bits(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = byte.reverse_bits();
    }
}

/// Numbers of one row of a strip or tile: how many lie side by side, their bytes, and the byte order.
pub struct Row {
    pub bytes: usize,
    pub together: usize,
    pub value_bytes: usize,
    pub big_endian: bool,
}

/// Makes values of differences, row by row.
pub fn undo(predictor: Predictor, bytes: &mut [u8], row: &Row, steps: &Steps) -> Result<()> {
    let mut copy = vec![0; if predictor == Predictor::Float { row.bytes } else { 0 }];
    for (n, line) in bytes.chunks_exact_mut(row.bytes.max(1)).enumerate() {
        if n % 256 == 0 {
            steps.go_on()?;
        }
        match predictor {
            Predictor::None => return Ok(()),
            Predictor::Horizontal => add_up(line, row),
            Predictor::Float => {
                for n in row.together..line.len() {
                    line[n] = line[n].wrapping_add(line[n - row.together]);
                }
                // The first bytes of all values come first, then the second ones.
                let count = line.len() / row.value_bytes;
                for (n, byte) in line.iter().enumerate().take(count * row.value_bytes) {
                    copy[n % count * row.value_bytes + n / count] = *byte;
                }
                line.copy_from_slice(&copy);
            }
        }
    }
    Ok(())
}

fn add_up(line: &mut [u8], row: &Row) {
    macro_rules! sums {
        ($type:ty) => {{
            const SIZE: usize = size_of::<$type>();
            let get = |line: &[u8], n: usize| {
                let mut raw = [0; SIZE];
                raw.copy_from_slice(&line[n * SIZE..(n + 1) * SIZE]);
                if row.big_endian { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) }
            };
            for n in row.together..line.len() / SIZE {
                let sum = get(line, n).wrapping_add(get(line, n - row.together));
                let raw = if row.big_endian { sum.to_be_bytes() } else { sum.to_le_bytes() };
                line[n * SIZE..(n + 1) * SIZE].copy_from_slice(&raw);
            }
        }};
    }
    match row.value_bytes {
        1 => sums!(u8),
        2 => sums!(u16),
        4 => sums!(u32),
        _ => sums!(u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Watch;
    use std::path::Path;

    #[test]
    fn packed_bits_are_those_of_the_specification() {
        // The example of TIFF 6.0, section 9.
        let packed = [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let plain = [
            0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22, 0xaa, 0xaa, 0xaa, 0xaa,
            0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
        ];
        let steps = Steps::new(Path::new("a.tif"), Watch::unwatched());
        let out = expand(packed.to_vec(), Compression::PackBits, plain.len(), &steps).ok().unwrap();
        assert_eq!(out, plain);
        assert!(matches!(expand(packed.to_vec(), Compression::PackBits, 99, &steps), Err(Failure::Damaged(_))));
    }
}
