//! The bytes of a data set, read forwards with a window to look ahead; a deflated one is inflated on the way.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::work::numbers::index;
use flate2::read::DeflateDecoder;

/// Bytes that one read asks for.
const STEP: usize = 1 << 13;
/// As much as can be looked at ahead: an element with a short length and what follows.
pub const LOOK_AHEAD: usize = (1 << 16) + 64;
/// A deflated header may not be longer; real ones have a few kilobytes.
const MAX_INFLATED_HEADER: u64 = 64 << 20;

enum Origin {
    /// The file itself, and its length.
    Plain(File, u64),
    /// Nothing but what is in the buffer already, of this length.
    Memory(u64),
    /// What comes out of a deflated file.
    Inflated(Box<DeflateDecoder<File>>),
}

/// A place in the bytes of a data set.
pub struct Stream {
    origin: Origin,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are behind.
    used: usize,
    position: u64,
}

impl Stream {
    /// A file from its first byte.
    pub fn plain(file: File, length: u64) -> Self {
        Self { origin: Origin::Plain(file, length), buffer: Vec::new(), used: 0, position: 0 }
    }

    /// Bytes in memory.
    pub fn memory(bytes: Vec<u8>) -> Self {
        Self { origin: Origin::Memory(bytes.len() as u64), buffer: bytes, used: 0, position: 0 }
    }

    /// What follows the present position, inflated, with positions counted from 0.
    pub fn inflated(self) -> io::Result<Self> {
        match self.origin {
            Origin::Plain(mut file, _) => {
                file.seek(SeekFrom::Start(self.position))?;
                let origin = Origin::Inflated(Box::new(DeflateDecoder::new(file)));
                Ok(Self { origin, buffer: Vec::new(), used: 0, position: 0 })
            }
            Origin::Memory(_) | Origin::Inflated(_) => Ok(self),
        }
    }

    /// Bytes before the present one.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The position after the last byte; unknown while inflating.
    pub fn end(&self) -> Option<u64> {
        match self.origin {
            Origin::Plain(_, length) | Origin::Memory(length) => Some(length),
            Origin::Inflated(_) => None,
        }
    }

    /// The next bytes: `count` of them (at most [`LOOK_AHEAD`]), fewer where the data end.
    pub fn peek(&mut self, count: usize) -> Result<&[u8], String> {
        let count = count.min(LOOK_AHEAD);
        while self.buffer.len() - self.used < count {
            if self.used > 0 {
                self.buffer.drain(..self.used);
                self.used = 0;
            }
            let before = self.buffer.len();
            let wanted = STEP.max(count - before) as u64;
            let got = match &mut self.origin {
                Origin::Plain(file, _) => file.take(wanted).read_to_end(&mut self.buffer).map_err(unreadable)?,
                Origin::Memory(_) => 0,
                Origin::Inflated(inflater) => {
                    if self.position > MAX_INFLATED_HEADER {
                        return Err("the deflated header is longer than 64 MB; the file is damaged".into());
                    }
                    inflater.take(wanted).read_to_end(&mut self.buffer).map_err(damaged)?
                }
            };
            if got == 0 {
                break;
            }
        }
        Ok(self.buffer.get(self.used..(self.used + count).min(self.buffer.len())).unwrap_or_default())
    }

    /// Goes on by `count` bytes; in a file also beyond its end.
    pub fn skip(&mut self, count: u64) -> Result<(), String> {
        let mut left = count;
        let here = (self.buffer.len() - self.used) as u64;
        if left <= here {
            self.used += index(left);
            self.position += left;
            return Ok(());
        }
        if !matches!(self.origin, Origin::Inflated(_)) {
            self.position = self.position.checked_add(count).ok_or("a length is out of range")?;
            if let Origin::Plain(file, _) = &mut self.origin {
                file.seek(SeekFrom::Start(self.position)).map_err(unreadable)?;
            }
            self.buffer.clear();
            self.used = 0;
            return Ok(());
        }
        while left > 0 {
            let step = self.peek(index(left).min(STEP))?.len();
            if step == 0 {
                return Err("the deflated data set ends inside an element; copy the file again".into());
            }
            self.used += step;
            self.position += step as u64;
            left -= step as u64;
        }
        Ok(())
    }

    /// The next `count` bytes, at most [`LOOK_AHEAD`].
    pub fn take(&mut self, count: usize) -> Result<Vec<u8>, String> {
        let bytes = self.peek(count)?.to_vec();
        if bytes.len() < count {
            return Err("the file ends inside its header; copy it again".into());
        }
        self.skip(count as u64)?;
        Ok(bytes)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn unreadable(error: io::Error) -> String {
    format!("cannot read the file: {error}")
}

#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
/// The sentence for bytes that cannot be inflated.
pub fn damaged(error: io::Error) -> String {
    format!("the deflated data set is damaged ({error}); copy the file again")
}
