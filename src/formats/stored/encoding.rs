//! How values are written: as they are, compressed, as hexadecimal digits, or as numbers in text.

use std::io::{self, BufRead, Read};

use crate::formats::gzip::MAX_RATIO;
use crate::volume::VoxelType;
use crate::work::numbers::whole;

/// Values that are turned into bytes at a time.
const STEP: usize = 1 << 12;
/// A longer word is no number.
const LONGEST_WORD: usize = 400;
/// Whole numbers below this are exact in floating point.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// How the data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes as they are in memory.
    Raw,
    /// The same, compressed.
    Gzip,
    /// The same, compressed with the short header of zlib, or with that of gzip.
    Zlib,
    /// Numbers in text.
    Text,
    /// Bytes as hexadecimal digits.
    Hex,
}

impl Encoding {
    /// Whether the values are compressed.
    pub fn is_packed(self) -> bool {
        matches!(self, Self::Gzip | Self::Zlib)
    }

    /// Bytes of values that so many bytes of a file can hold at most.
    pub fn most_bytes(self, in_file: u64, size: u64) -> u64 {
        match self {
            Self::Raw => in_file,
            Self::Gzip | Self::Zlib => in_file.saturating_mul(MAX_RATIO),
            // A digit and a blank for each value; the last one needs none.
            Self::Text => in_file.div_ceil(2).saturating_mul(size),
            Self::Hex => in_file / 2,
        }
    }
}

/// Numbers of a text as the bytes of their type, little end first.
pub struct Numbers<R> {
    reader: R,
    kind: VoxelType,
    pending: Vec<u8>,
    position: usize,
    word: Vec<u8>,
}

impl<R: BufRead> Numbers<R> {
    /// Begins with the next word.
    pub fn new(reader: R, kind: VoxelType) -> Self {
        Self { reader, kind, pending: Vec::new(), position: 0, word: Vec::new() }
    }

    /// Turns the next words into bytes; none at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.pending.clear();
        self.position = 0;
        while self.pending.len() < STEP {
            let available = self.reader.fill_buf()?;
            let is_at_end = available.is_empty();
            let is_gap = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
            let end = available.iter().position(is_gap);
            let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            if self.word.len() + part.len() > LONGEST_WORD {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a word of the text is too long to be a number",
                ));
            }
            self.word.extend_from_slice(part);
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_none() && !is_at_end {
                continue;
            }
            if !self.word.is_empty() {
                bytes_of(&self.word, self.kind, &mut self.pending)?;
                self.word.clear();
            }
            if is_at_end {
                break;
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Numbers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.pending.len() {
            self.fill()?;
        }
        let count = self.pending.get(self.position..).unwrap_or_default().read(buffer)?;
        self.position += count;
        Ok(count)
    }
}

/// The bytes of a number, little end first.
fn bytes_of(word: &[u8], kind: VoxelType, out: &mut Vec<u8>) -> io::Result<()> {
    let text = String::from_utf8_lossy(word);
    let wrong = || {
        let begins: String = text.chars().take(30).collect();
        io::Error::new(io::ErrorKind::InvalidData, format!("{begins:?} is no number of the type {}", kind.name()))
    };
    macro_rules! put {
        ($type:ty) => {
            out.extend_from_slice(&text.parse::<$type>().map_err(|_| wrong())?.to_le_bytes())
        };
        // Some programs write 3.0 for 3, or 1e+06.
        (whole $type:ty) => {{
            let written = |text: &str| {
                let value =
                    text.parse::<f64>().ok().filter(|value| value.fract() == 0.0 && value.abs() < MOST_EXACT)?;
                <$type>::try_from(whole(value)).ok()
            };
            let value = text.parse::<$type>().ok().or_else(|| written(&text)).ok_or_else(wrong)?;
            out.extend_from_slice(&value.to_le_bytes());
        }};
    }
    match kind {
        VoxelType::U8 => put!(whole u8),
        VoxelType::I8 => put!(whole i8),
        VoxelType::U16 => put!(whole u16),
        VoxelType::I16 => put!(whole i16),
        VoxelType::U32 => put!(whole u32),
        VoxelType::I32 => put!(whole i32),
        VoxelType::U64 => put!(whole u64),
        VoxelType::I64 => put!(whole i64),
        VoxelType::F32 => put!(f32),
        VoxelType::F64 => put!(f64),
    }
    Ok(())
}

/// Bytes that are written as pairs of hexadecimal digits.
pub struct Digits<R> {
    reader: R,
    half: Option<u8>,
}

impl<R: BufRead> Digits<R> {
    /// Begins with the next digit.
    pub fn new(reader: R) -> Self {
        Self { reader, half: None }
    }
}

impl<R: BufRead> Read for Digits<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < buffer.len() {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                break;
            }
            let mut used = 0;
            for &byte in available {
                if count == buffer.len() {
                    break;
                }
                used += 1;
                if byte.is_ascii_whitespace() {
                    continue;
                }
                let digit = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let Some(digit) = digit else {
                    let text = format!("{:?} is no hexadecimal digit", char::from(byte));
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                };
                match self.half.take() {
                    None => self.half = Some(digit),
                    Some(high) => {
                        if let Some(place) = buffer.get_mut(count) {
                            *place = high << 4 | digit;
                        }
                        count += 1;
                    }
                }
            }
            self.reader.consume(used);
        }
        Ok(count)
    }
}
