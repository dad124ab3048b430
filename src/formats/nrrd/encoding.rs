//! How values are written: as they are, compressed, as hexadecimal digits, or as numbers in text.

use std::io::{self, BufRead, Read};

use crate::formats::gzip::MAX_RATIO;
use crate::volume::VoxelType;

/// Values that are turned into bytes at a time.
const STEP: usize = 1 << 12;
/// A longer word is no number.
const LONGEST_WORD: usize = 400;

/// How the data are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes as they are in memory.
    Raw,
    /// The same, compressed.
    Gzip,
    /// Numbers in text.
    Text,
    /// Bytes as hexadecimal digits.
    Hex,
}

impl Encoding {
    /// The encoding of a name.
    ///
    /// # Errors
    /// A sentence that says what to do about one that cannot be read.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "raw" => Self::Raw,
            "gz" | "gzip" => Self::Gzip,
            "txt" | "text" | "ascii" => Self::Text,
            "hex" => Self::Hex,
            "bz2" | "bzip2" => {
                return Err("voxels that are compressed by bzip2 are not supported; save the file with the encoding gzip or raw".into());
            }
            "zrl" => {
                return Err(
                    "voxels that are compressed by zrl are not supported; save the file with the encoding gzip or raw"
                        .into(),
                );
            }
            _ => return Err(format!("the field `encoding` is {name:?}; raw, gzip, text and hex can be read")),
        })
    }

    /// The name that other programs know.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Gzip => "gzip",
            Self::Text => "text",
            Self::Hex => "hex",
        }
    }

    /// Bytes of values that so many bytes of a file can hold at most.
    pub fn most_bytes(self, in_file: u64, size: u64) -> u64 {
        match self {
            Self::Raw => in_file,
            Self::Gzip => in_file.saturating_mul(MAX_RATIO),
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
    }
    match kind {
        VoxelType::U8 => put!(u8),
        VoxelType::I8 => put!(i8),
        VoxelType::U16 => put!(u16),
        VoxelType::I16 => put!(i16),
        VoxelType::U32 => put!(u32),
        VoxelType::I32 => put!(i32),
        VoxelType::U64 => put!(u64),
        VoxelType::I64 => put!(i64),
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
