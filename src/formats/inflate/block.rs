//! Blocks of a deflate stream (RFC 1951, 3.2.3 to 3.2.7), decoded from any block on.

use super::bits::Bits;
use super::codes::{Codes, END, INVALID, LINK, LITERAL};

/// How far back a stream may refer.
pub const WINDOW: usize = 1 << 15;
/// Places behind the next one that have to be there: the longest run, and what copying in steps writes beyond it.
const ROOM: usize = 258 + 2 * STEP;
/// Values that are copied at a time.
const STEP: usize = 16;

/// What is wrong with a stream, or where reading it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The bytes end inside it.
    Cut,
    /// It is none.
    Damaged,
    /// A block is larger than the room for it.
    TooLarge,
}

/// A byte of the output, or something that stands for it.
pub trait Symbol: Copy + Default {
    /// A byte that is known.
    fn of(byte: u8) -> Self;
}

impl Symbol for u8 {
    fn of(byte: u8) -> Self {
        byte
    }
}

/// A byte, or from 256 on the place in the unknown window before.
impl Symbol for u16 {
    fn of(byte: u8) -> Self {
        byte.into()
    }
}

/// What was decoded, behind the window that it may refer to.
#[derive(Default)]
pub struct Output<S> {
    /// Longer than what is in it.
    values: Vec<S>,
    /// Up to here it is filled.
    end: usize,
    /// It may not grow beyond this.
    most: usize,
}

impl<S: Symbol> Output<S> {
    /// Begins anew behind a window.
    pub fn restart(&mut self, window: impl ExactSizeIterator<Item = S>, most: usize) {
        self.end = window.len();
        self.most = most + self.end;
        let values = self.values.len().max(self.end + WINDOW);
        self.values.resize(values, S::default());
        self.values.iter_mut().zip(window).for_each(|(place, value)| *place = value);
    }

    /// All that is in it, with the window.
    pub fn filled(&self) -> &[S] {
        self.values.get(..self.end).unwrap_or_default()
    }

    /// Makes sure of room behind what is filled.
    fn make_room(&mut self, count: usize) -> Result<(), Problem> {
        let needed = self.end + count;
        if needed > self.values.len() {
            if needed > self.most + ROOM {
                return Err(Problem::TooLarge);
            }
            let doubled = (2 * self.values.len()).clamp(needed, (self.most + ROOM).max(needed));
            self.values.resize(doubled, S::default());
        }
        Ok(())
    }
}

/// Decodes blocks; its tables are used again.
#[derive(Default)]
pub struct Inflater {
    literals: Codes<2048>,
    distances: Codes<256>,
    lengths: Codes<128>,
}

/// Where decoding ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The bit behind the last block.
    pub bit: usize,
    /// Whether that was the stream's last one.
    pub is_last: bool,
}

impl Inflater {
    /// Decodes blocks from a bit on: up to the first one that begins at `until` or behind it, or as many as there is room for, or up to the
    /// stream's last one; `after_block` may end it before. At least one block is decoded.
    pub fn blocks<S: Symbol>(
        &mut self,
        data: &[u8],
        from: usize,
        until: usize,
        output: &mut Output<S>,
        mut after_block: impl FnMut(&Output<S>) -> bool,
    ) -> Result<Ended, Problem> {
        let mut bits = Bits::at(data, from);
        let mut whole = None;
        loop {
            let before = (bits.position(), output.end);
            match self.block(&mut bits, output) {
                Ok(is_last) => {
                    let ended = Ended { bit: bits.position(), is_last };
                    if is_last || ended.bit >= until || after_block(output) {
                        return Ok(ended);
                    }
                    whole = Some(ended);
                }
                Err(Problem::TooLarge | Problem::Cut) if whole.is_some() => {
                    // What there was room for.
                    output.end = before.1;
                    return Ok(Ended { bit: before.0, is_last: false });
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Whether a block with codes of its own may begin here; most other bits are told at once.
    pub fn may_begin(&mut self, data: &[u8], bit: usize) -> bool {
        let mut bits = Bits::at(data, bit);
        bits.take(3) == Some(0b100) && self.read_codes(&mut bits).is_ok()
    }

    /// Decodes a block, and says whether it is the stream's last one.
    fn block<S: Symbol>(&mut self, bits: &mut Bits, output: &mut Output<S>) -> Result<bool, Problem> {
        let is_last = bits.take(1).ok_or(Problem::Cut)? == 1;
        match bits.take(2).ok_or(Problem::Cut)? {
            0 => stored(bits, output)?,
            1 => {
                self.fixed_codes();
                self.symbols(bits, output)?;
            }
            2 => {
                self.read_codes(bits)?;
                self.symbols(bits, output)?;
            }
            _ => return Err(Problem::Damaged),
        }
        Ok(is_last)
    }

    fn fixed_codes(&mut self) {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.literals.build(&lengths, &LITERALS);
        self.distances.build(&[5; 32], &DISTANCES);
    }

    /// Reads the codes of a block (3.2.7).
    fn read_codes(&mut self, bits: &mut Bits) -> Result<(), Problem> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let number = |bits: &mut Bits, count| bits.take(count).ok_or(Problem::Cut);
        let literals = number(bits, 5)? + 257;
        let distances = number(bits, 5)? + 1;
        let count = number(bits, 4)? + 4;
        if literals > 286 || distances > 30 {
            return Err(Problem::Damaged);
        }
        let mut lengths = [0u8; 19];
        let mut used = 0;
        for &symbol in ORDER.iter().take(count) {
            let length = number(bits, 3)?;
            lengths[symbol] = length as u8;
            used += if length > 0 { 1 << (7 - length) } else { 0 };
        }
        // Only complete codes are codes here.
        if used != 128 || !self.lengths.build(&lengths, &SYMBOLS) {
            return Err(Problem::Damaged);
        }
        let mut all = [0u8; 286 + 30 + 138];
        let mut at = 0;
        while at < literals + distances {
            bits.refill();
            let entry = self.lengths.first(bits.held());
            if entry & 15 > bits.count() {
                return Err(Problem::Cut);
            }
            bits.consume(entry & 15);
            let (value, repeat) = match entry >> 16 {
                symbol @ 0..=15 => (symbol as u8, 1),
                16 => {
                    (*at.checked_sub(1).and_then(|n: usize| all.get(n)).ok_or(Problem::Damaged)?, number(bits, 2)? + 3)
                }
                17 => (0, number(bits, 3)? + 3),
                _ => (0, number(bits, 7)? + 11),
            };
            all.get_mut(at..at + repeat).ok_or(Problem::Damaged)?.fill(value);
            at += repeat;
        }
        // A block without a code for its end has none.
        if at > literals + distances || all[256] == 0 {
            return Err(Problem::Damaged);
        }
        let (of_literals, of_distances) = (&all[..literals], &all[literals..literals + distances]);
        if self.literals.build(of_literals, &LITERALS) && self.distances.build(of_distances, &DISTANCES) {
            Ok(())
        } else {
            Err(Problem::Damaged)
        }
    }

    /// Decodes the symbols of a block up to its end.
    fn symbols<S: Symbol>(&self, bits: &mut Bits, output: &mut Output<S>) -> Result<(), Problem> {
        loop {
            output.make_room(ROOM)?;
            if bits.is_far_from_end() {
                if self.fast(bits, output)? {
                    return Ok(());
                }
            } else if self.careful(bits, output)? {
                return Ok(());
            }
        }
    }

    /// Decodes symbols while there are bits and room enough to look at neither within one; whether the block is over.
    #[inline(never)]
    fn fast<S: Symbol>(&self, bits: &mut Bits, output: &mut Output<S>) -> Result<bool, Problem> {
        let values = &mut output.values[..];
        let mut end = output.end;
        let last = values.len().saturating_sub(ROOM);
        let result = loop {
            if end > last || !bits.is_far_from_end() {
                break Ok(false);
            }
            bits.refill();
            let mut entry = self.literals.first(bits.held());
            if entry & LITERAL != 0 {
                bits.consume(entry & 15);
                values[end] = S::of((entry >> 16) as u8);
                end += 1;
                entry = self.literals.first(bits.held());
                if entry & LITERAL != 0 {
                    bits.consume(entry & 15);
                    values[end] = S::of((entry >> 16) as u8);
                    end += 1;
                    entry = self.literals.first(bits.held());
                    if entry & LITERAL != 0 {
                        bits.consume(entry & 15);
                        values[end] = S::of((entry >> 16) as u8);
                        end += 1;
                        continue;
                    }
                }
                bits.refill();
            }
            if entry & (LINK | END | INVALID) != 0 {
                if entry & LINK != 0 {
                    bits.consume(entry & 15);
                    entry = self.literals.second(entry, bits.held());
                    if entry & LITERAL != 0 {
                        bits.consume(entry & 15);
                        values[end] = S::of((entry >> 16) as u8);
                        end += 1;
                        continue;
                    }
                }
                if entry & (END | INVALID) != 0 {
                    bits.consume(entry & 15);
                    break if entry & END != 0 { Ok(true) } else { Err(Problem::Damaged) };
                }
            }
            // Up to 15 + 5 + 15 + 13 bits of the 56 that were held.
            let (held, own, extra) = (bits.held(), entry & 15, entry >> 8 & 15);
            let length = (entry >> 16) as usize + ((held >> own) as usize & ((1 << extra) - 1));
            bits.consume(own + extra);
            let mut entry = self.distances.first(bits.held());
            if entry & (LINK | INVALID) != 0 {
                if entry & LINK != 0 {
                    bits.consume(entry & 15);
                    entry = self.distances.second(entry, bits.held());
                }
                if entry & INVALID != 0 {
                    break Err(Problem::Damaged);
                }
            }
            let (held, own, extra) = (bits.held(), entry & 15, entry >> 8 & 15);
            let distance = (entry >> 16) as usize + ((held >> own) as usize & ((1 << extra) - 1));
            bits.consume(own + extra);
            if distance > end {
                break Err(Problem::Damaged);
            }
            copy(values, end, distance, length);
            end += length;
        };
        output.end = end;
        result
    }

    /// Decodes one symbol near the end of the bytes; whether the block is over.
    fn careful<S: Symbol>(&self, bits: &mut Bits, output: &mut Output<S>) -> Result<bool, Problem> {
        fn next<const SIZE: usize>(codes: &Codes<SIZE>, bits: &mut Bits) -> Result<u32, Problem> {
            let mut entry = codes.first(bits.held());
            if entry & LINK != 0 && bits.count() > entry & 15 {
                bits.consume(entry & 15);
                entry = codes.second(entry, bits.held());
            }
            if entry & 15 > bits.count() || entry & LINK != 0 {
                return Err(Problem::Cut);
            }
            bits.consume(entry & 15);
            if entry & INVALID != 0 { Err(Problem::Damaged) } else { Ok(entry) }
        }
        bits.refill();
        let entry = next(&self.literals, bits)?;
        if entry & END != 0 {
            return Ok(true);
        }
        if entry & LITERAL != 0 {
            *output.values.get_mut(output.end).ok_or(Problem::TooLarge)? = S::of((entry >> 16) as u8);
            output.end += 1;
            return Ok(false);
        }
        let length = (entry >> 16) as usize + bits.take(entry >> 8 & 15).ok_or(Problem::Cut)?;
        bits.refill();
        let entry = next(&self.distances, bits)?;
        let distance = (entry >> 16) as usize + bits.take(entry >> 8 & 15).ok_or(Problem::Cut)?;
        if distance > output.end {
            return Err(Problem::Damaged);
        }
        copy(&mut output.values, output.end, distance, length);
        output.end += length;
        Ok(false)
    }
}

/// Repeats what lies `distance` before the end. There is [`ROOM`] behind the end, into which some values more may be written.
#[inline(always)]
fn copy<S: Symbol>(values: &mut [S], end: usize, distance: usize, length: usize) {
    let start = end - distance;
    if distance >= STEP {
        values.copy_within(start..start + STEP, end);
        let mut done = STEP;
        while done < length {
            values.copy_within(start + done..start + done + STEP, end + done);
            done += STEP;
        }
    } else if distance == 1 {
        let value = values[start];
        values[end..end + length].fill(value);
    } else {
        for n in 0..length {
            values[end + n] = values[start + n];
        }
    }
}

/// A block that is not compressed (3.2.4).
fn stored<S: Symbol>(bits: &mut Bits, output: &mut Output<S>) -> Result<(), Problem> {
    let head = bits.take_bytes(4).ok_or(Problem::Cut)?;
    let (length, inverse) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
    if length != !inverse {
        return Err(Problem::Damaged);
    }
    let bytes = bits.take_bytes(length.into()).ok_or(Problem::Cut)?;
    output.make_room(bytes.len())?;
    let places = output.values.get_mut(output.end..).unwrap_or_default();
    places.iter_mut().zip(bytes).for_each(|(place, byte)| *place = S::of(*byte));
    output.end += bytes.len();
    Ok(())
}

/// Entries of literals, of the block's end, and of lengths (3.2.5).
static LITERALS: [u32; 288] = {
    let mut entries = [INVALID; 288];
    let mut n = 0;
    while n < 256 {
        entries[n] = LITERAL | (n as u32) << 16;
        n += 1;
    }
    entries[256] = END;
    let mut base = 3;
    while n < 284 {
        n += 1;
        let extra = if n < 265 { 0 } else { (n as u32 - 261) / 4 };
        entries[n] = base << 16 | extra << 8;
        base += 1 << extra;
    }
    entries[285] = 258 << 16;
    entries
};

/// Entries of distances.
static DISTANCES: [u32; 32] = {
    let mut entries = [INVALID; 32];
    let (mut n, mut base) = (0, 1);
    while n < 30 {
        let extra = if n < 4 { 0 } else { n as u32 / 2 - 1 };
        entries[n] = base << 16 | extra << 8;
        base += 1 << extra;
        n += 1;
    }
    entries
};

/// Entries of the lengths of codes.
static SYMBOLS: [u32; 19] = {
    let mut entries = [0; 19];
    let mut n = 0;
    while n < 19 {
        entries[n] = (n as u32) << 16;
        n += 1;
    }
    entries
};

#[cfg(test)]
mod tests;
