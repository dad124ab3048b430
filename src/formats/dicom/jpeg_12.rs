//! Lossy JPEG of 12 bits: sequential, Huffman-coded, one component (process 4 of transfer syntax JPEG Extended).
//!
//! `jpeg-decoder` reads 8 bits only. Source: ITU-T T.81, sections F.2 (decoding) and A.3.3 (inverse transform), and annexes B and C.

use std::f64::consts::PI;

use crate::work::numbers::{index, real, whole};

/// The place in a block, row by row, of each coefficient in the order in which they are stored.
#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

const CUT: &str = "the JPEG data are cut; copy the file again";

/// A decoded image.
pub struct Decoded {
    /// Samples of 12 bits, row by row.
    pub samples: Vec<u16>,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Whether a stream is sequential JPEG of 12 bits.
pub fn is_12_bit(data: &[u8]) -> bool {
    segments(data).any(|(marker, body)| matches!(marker, 0xC0 | 0xC1) && body.first() == Some(&12))
}

/// The marker segments up to the first scan, each with its bytes behind the length.
fn segments(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2;
    let mut is_over = !data.starts_with(&[0xFF, 0xD8]);
    std::iter::from_fn(move || {
        while !is_over && data.get(at) == Some(&0xFF) && data.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        if is_over || data.get(at) != Some(&0xFF) {
            return None;
        }
        let marker = *data.get(at + 1)?;
        let length = usize::from(u16::from_be_bytes([*data.get(at + 2)?, *data.get(at + 3)?]));
        let body = data.get(at + 4..(at + 2).checked_add(length)?)?;
        at += 2 + length;
        is_over = marker == 0xDA;
        Some((marker, body))
    })
}

/// Codes by their lengths (annex C).
struct Huffman {
    /// For each length: the first code, how many there are, and where their symbols begin.
    lengths: [(u32, u32, usize); 16],
    symbols: Vec<u8>,
}

impl Huffman {
    fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let mut lengths = [(0, 0, 0); 16];
        let (mut code, mut first) = (0u32, 0);
        for (slot, &count) in lengths.iter_mut().zip(counts) {
            *slot = (code, u32::from(count), first);
            code = (code + u32::from(count)) << 1;
            first += usize::from(count);
        }
        (first <= symbols.len()).then(|| Self { lengths, symbols: symbols[..first].to_vec() })
    }

    fn symbol(&self, bits: &mut Bits) -> Result<u8, String> {
        let mut code = 0;
        for &(first, count, at) in &self.lengths {
            code = code << 1 | bits.take(1)?;
            if code >= first && code - first < count {
                let symbol = self.symbols.get(at + index(u64::from(code - first)));
                return symbol.copied().ok_or_else(|| "the JPEG codes are damaged".into());
            }
        }
        Err("the JPEG data are damaged: a code is unknown".into())
    }
}

/// The bits of a scan, without the zeros that follow a byte of ones.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    buffer: u32,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, wanted: u32) -> Result<u32, String> {
        while self.count < wanted {
            let byte = *self.data.get(self.at).ok_or(CUT)?;
            self.at += 1;
            if byte == 0xFF {
                if self.data.get(self.at) != Some(&0) {
                    return Err(CUT.into());
                }
                self.at += 1;
            }
            self.buffer = self.buffer << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= wanted;
        let value = self.buffer >> self.count & ((1 << wanted) - 1);
        self.buffer &= (1 << self.count) - 1;
        Ok(value)
    }

    /// A value of so many bits whose first bit tells its sign (F.2.2.1).
    fn signed(&mut self, size: u8) -> Result<i64, String> {
        if size == 0 {
            return Ok(0);
        }
        if size > 15 {
            return Err("the JPEG data are damaged: a value is too long".into());
        }
        let value = i64::from(self.take(u32::from(size))?);
        Ok(if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value })
    }

    /// Steps over a restart marker.
    fn restart(&mut self) -> Result<(), String> {
        (self.buffer, self.count) = (0, 0);
        match (self.data.get(self.at), self.data.get(self.at + 1)) {
            (Some(0xFF), Some(0xD0..=0xD7)) => {
                self.at += 2;
                Ok(())
            }
            _ => Err("the JPEG data are damaged: a restart marker is missing".into()),
        }
    }
}

/// What stands before the scan.
#[derive(Default)]
struct Tables<'a> {
    size: Option<(usize, usize, usize)>,
    quantisation: [Option<[f64; 64]>; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    restart: usize,
    /// Numbers of the tables for DC and AC, and the data of the scan.
    scan: Option<(usize, usize, &'a [u8])>,
}

fn read_tables(data: &[u8]) -> Result<Tables<'_>, String> {
    let mut tables = Tables::default();
    let bad = |what: &str| format!("the JPEG data are damaged: {what}");
    for (marker, body) in segments(data) {
        match marker {
            0xC0 | 0xC1 => {
                let &[12, a, b, c, d, components, _, _, table] = body else {
                    return Err(
                        "12-bit JPEG in colour is not supported; convert the file to an uncompressed one".into()
                    );
                };
                let word = |a, b| usize::from(u16::from_be_bytes([a, b]));
                if components != 1 || table > 3 {
                    return Err(bad("the frame header"));
                }
                tables.size = Some((word(c, d), word(a, b), usize::from(table)));
            }
            0xC2..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Err("progressive, arithmetic or hierarchical JPEG of 12 bits is not supported".into());
            }
            0xC4 => read_codes(body, &mut tables).ok_or_else(|| bad("a table of codes"))?,
            0xDB => read_quantisation(body, &mut tables).ok_or_else(|| bad("a table of steps"))?,
            0xDD => {
                let &[high, low] = body else { return Err(bad("the restart interval")) };
                tables.restart = usize::from(u16::from_be_bytes([high, low]));
            }
            0xDA => {
                // The range of coefficients is that of all; some encoders write 0 to 0, which says nothing here.
                let &[1, _, numbers, _, _, _] = body else { return Err(bad("the scan header")) };
                // The body lies within the data, so that its end is known by their distance.
                let start = body.as_ptr().addr() - data.as_ptr().addr() + body.len();
                tables.scan =
                    Some((usize::from(numbers >> 4), usize::from(numbers & 15), data.get(start..).unwrap_or_default()));
            }
            _ => {}
        }
    }
    Ok(tables)
}

fn read_codes(mut body: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((&kind, rest)) = body.split_first() {
        let counts = rest.get(..16)?;
        let total: usize = counts.iter().map(|&c| usize::from(c)).sum();
        let symbols = rest.get(16..16 + total)?;
        let set = if kind >> 4 == 0 { &mut tables.dc } else { &mut tables.ac };
        *set.get_mut(usize::from(kind & 15))? = Some(Huffman::new(counts, symbols)?);
        body = rest.get(16 + total..)?;
    }
    Some(())
}

fn read_quantisation(mut body: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((&kind, rest)) = body.split_first() {
        let width = if kind >> 4 == 0 { 1 } else { 2 };
        let values = rest.get(..64 * width)?;
        let mut table = [0.0; 64];
        for (value, &place) in values.chunks_exact(width).zip(&ZIGZAG) {
            table[place] = f64::from(value.iter().fold(0u32, |v, &byte| v << 8 | u32::from(byte)));
        }
        *tables.quantisation.get_mut(usize::from(kind & 15))? = Some(table);
        body = rest.get(64 * width..)?;
    }
    Some(())
}

/// Decodes a stream; `check` sees its width and height before memory is taken.
///
/// # Errors
/// A sentence for streams that are damaged or of another kind.
pub fn decode(data: &[u8], check: impl Fn(usize, usize) -> Result<(), String>) -> Result<Decoded, String> {
    let tables = read_tables(data)?;
    let missing = || "the JPEG data are damaged: a header is missing".to_string();
    let (width, height, steps) = tables.size.ok_or_else(missing)?;
    check(width, height)?;
    let steps = tables.quantisation.get(steps).and_then(Option::as_ref).ok_or_else(missing)?;
    let (dc, ac, scan) = tables.scan.ok_or_else(missing)?;
    let dc = tables.dc.get(dc).and_then(Option::as_ref).ok_or_else(missing)?;
    let ac = tables.ac.get(ac).and_then(Option::as_ref).ok_or_else(missing)?;
    let mut bits = Bits { data: scan, at: 0, buffer: 0, count: 0 };
    let waves = waves();
    let mut samples = vec![0u16; width * height];
    let [across, down] = [width.div_ceil(8), height.div_ceil(8)];
    let mut last = 0;
    for block in 0..across * down {
        if tables.restart > 0 && block > 0 && block.is_multiple_of(tables.restart) {
            bits.restart()?;
            last = 0;
        }
        let size = dc.symbol(&mut bits)?;
        last += bits.signed(size)?;
        let mut coefficients = [0.0; 64];
        coefficients[0] = real(last.unsigned_abs()) * if last < 0 { -1.0 } else { 1.0 } * steps[0];
        read_ac(&mut bits, ac, steps, &mut coefficients)?;
        let values = inverse(&coefficients, &waves);
        let (left, top) = (block % across * 8, block / across * 8);
        for (row, values) in values.chunks_exact(8).enumerate().take(height - top) {
            let start = (top + row) * width + left;
            let count = (width - left).min(8);
            for (target, value) in samples[start..start + count].iter_mut().zip(values) {
                *target = u16::try_from(whole((value + 2048.0).round().clamp(0.0, 4095.0))).unwrap_or(0);
            }
        }
    }
    Ok(Decoded { samples, width, height })
}

fn read_ac(bits: &mut Bits, codes: &Huffman, steps: &[f64; 64], out: &mut [f64; 64]) -> Result<(), String> {
    let mut at = 1;
    while at < 64 {
        let symbol = codes.symbol(bits)?;
        let (run, size) = (usize::from(symbol >> 4), symbol & 15);
        match (run, size) {
            (15, 0) => at += 16,
            (_, 0) => return Ok(()),
            _ => {
                at += run;
                let place = *ZIGZAG.get(at).ok_or("the JPEG data are damaged: a block is too long")?;
                let value = bits.signed(size)?;
                out[place] = real(value.unsigned_abs()) * if value < 0 { -1.0 } else { 1.0 } * steps[place];
                at += 1;
            }
        }
    }
    Ok(())
}

/// The cosines of the transform: for each sample, the weight of each coefficient.
fn waves() -> [[f64; 8]; 8] {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let scale = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            0.5 * scale * ((2.0 * real(x) + 1.0) * real(u) * PI / 16.0).cos()
        })
    })
}

/// The inverse discrete cosine transform of a block, columns first.
fn inverse(block: &[f64; 64], waves: &[[f64; 8]; 8]) -> [f64; 64] {
    let mut columns = [0.0; 64];
    for y in 0..8 {
        for u in 0..8 {
            columns[8 * y + u] = (0..8).map(|v| waves[y][v] * block[8 * v + u]).sum();
        }
    }
    let mut out = [0.0; 64];
    for y in 0..8 {
        for x in 0..8 {
            out[8 * y + x] = (0..8).map(|u| waves[x][u] * columns[8 * y + u]).sum();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of 8 x 8 pixels whose only coefficients are the first and the second of the first row.
    fn stream() -> Vec<u8> {
        let mut data = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
        data.extend([16; 64]);
        data.extend([0xFF, 0xC1, 0, 11, 12, 0, 8, 0, 8, 1, 1, 0x11, 0]);
        // One code of one bit, 0, each: a difference of 7 bits; after no zeros a value of 4 bits (0), end of block (10).
        data.extend([0xFF, 0xC4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
        data.extend([0xFF, 0xC4, 0, 21, 0x10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0x00]);
        data.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
        // 0 1100100 (100), 0 0101 (-10), 10, ones.
        data.extend([0b0110_0100, 0b0010_1101, 0xFF, 0, 0xFF, 0xD9]);
        data
    }

    #[test]
    fn a_block_is_what_its_coefficients_say() {
        let data = stream();
        assert!(is_12_bit(&data));
        let decoded = decode(&data, |_, _| Ok(())).unwrap();
        assert_eq!((decoded.width, decoded.height), (8, 8));
        // 2048 + 1600 / 8 - 160 / 8 * sqrt(2) * cos((2 x + 1) pi / 16), as scipy.fft.idctn(norm="ortho") gives it.
        let row = [2220, 2224, 2232, 2242, 2254, 2264, 2272, 2276];
        assert!(decoded.samples.chunks(8).all(|samples| samples == row), "{:?}", decoded.samples);
        for end in 0..data.len() - 4 {
            assert!(decode(&data[..end], |_, _| Ok(())).is_err(), "cut at {end}");
        }
        assert!(decode(&data, |_, _| Err("too large".into())).is_err());
        for at in 2..data.len() {
            for value in [0, 1, 0x80, 0xFF] {
                let mut damaged = data.clone();
                damaged[at] = value;
                let small = |width, height| if width * height < 1 << 20 { Ok(()) } else { Err("too large".into()) };
                drop(decode(&damaged, small));
            }
        }
    }
}
