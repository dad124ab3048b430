//! A large gzip member, decompressed on all threads.
//!
//! The file is cut into chunks. Whoever takes a chunk looks for a bit where a block may begin, and decodes from there on without knowing what
//! was before: places of the unknown window stand for its bytes. When the chunk before is done, the window is known, and with it the bytes. Where
//! the chunk before does not end at the bit that was guessed, the guess is thrown away. What comes out is believed only with its checksum.
//! Source of the idea: Kerbiriou, Chikhi, "Parallel decompression of gzip-compressed files and random access to DNA sequences", 2019; Knespel,
//! Brunst, "Rapidgzip", 2023.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::block::{Ended, Inflater, Output, WINDOW};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// Bytes that a chunk should become.
const CHUNK_BYTES: usize = 8 << 20;
/// Compressed bytes of a chunk, at least and at most.
const CHUNK_RANGE: [usize; 2] = [64 << 10, 4 << 20];
/// Chunks that each thread should get, so that none waits long for the last.
const CHUNKS_EACH: usize = 5;
/// Compressed bytes behind a chunk that its last block may take.
const SLACK: usize = 1 << 20;
/// Bytes that one thread decodes ahead at most.
const MOST_AHEAD: usize = 16 << 20;
/// Bytes that are looked at a second time while they are in the processor's cache.
const STEP: usize = 1 << 16;
/// Bytes behind the values that are decompressed to reach the checksum.
const MOST_TRAILING: usize = 64 << 20;
/// The first number that stands for a place in the window.
const MARK: u16 = 256;

/// A gzip file, and which of its bytes are wanted.
pub struct Member<'a> {
    /// Opens the file; every thread has its own.
    pub open: &'a (dyn Fn() -> io::Result<File> + Sync),
    /// Bytes of the file.
    pub length: usize,
    /// The byte behind the member's header.
    pub start: usize,
    /// Bytes before the values.
    pub skip: usize,
}

/// Fills `values` from the first member of a file; `convert` makes one of its bytes. Gives the place in the file behind the member, or `None`
/// where this way does not lead there: the file is small, its values go on in another member, or something is wrong with it. Nothing has been
/// told of that then, and values may have been written.
///
/// # Errors
/// When the work was stopped.
pub fn first_member<T: Copy + Send>(
    member: &Member,
    values: &mut [T],
    convert: impl Fn(&[u8]) -> T + Sync,
    watch: Watch,
) -> Result<Option<usize>, Stopped> {
    let compressed = member.length.saturating_sub(member.start);
    let wanted = values.len().saturating_mul(size_of::<T>());
    let ratio = (wanted / compressed.max(1)).max(1);
    let threads = rayon::current_num_threads();
    let most = (compressed / (threads * CHUNKS_EACH)).min(CHUNK_RANGE[1]);
    let chunk = (CHUNK_BYTES / ratio).min(most).max(CHUNK_RANGE[0]);
    in_chunks(member, values, convert, chunk, threads, watch)
}

/// The same with chunks of so many compressed bytes, on so many threads.
fn in_chunks<T: Copy + Send>(
    member: &Member,
    values: &mut [T],
    convert: impl Fn(&[u8]) -> T + Sync,
    chunk: usize,
    threads: usize,
    watch: Watch,
) -> Result<Option<usize>, Stopped> {
    let chunks = member.length.saturating_sub(member.start).div_ceil(chunk);
    if threads < 2 || chunks < 4 || size_of::<T>() == 0 {
        return Ok(None);
    }
    let turn = Turn {
        claimed: 0,
        chunk: 0,
        bit: member.start * 8,
        window: Vec::new(),
        rest: values,
        carry: Vec::new(),
        skip: member.skip,
        surplus: 0,
        pieces: 0,
        end: None,
        over: None,
    };
    let all = All {
        member,
        chunk,
        chunks,
        convert,
        watch,
        turn: Mutex::new(turn),
        turned: Condvar::new(),
        sums: Mutex::default(),
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(chunks) {
            // With fewer threads it is slower and nothing else.
            let _ = std::thread::Builder::new().spawn_scoped(scope, || all.work());
        }
        all.work();
    });
    let turn = all.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut sums = all.sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(Over::Stopped(stopped)) = turn.over {
        return Err(stopped);
    }
    let Some(end) = turn.end.filter(|_| turn.over.is_none() && turn.rest.is_empty()) else { return Ok(None) };
    sums.sort_unstable_by_key(|(number, _)| *number);
    let mut sum = crc32fast::Hasher::new();
    let mut length = 0u64;
    for (_, piece) in &sums {
        sum.combine(&piece.sum);
        length += piece.length;
    }
    let place = end.div_ceil(8);
    let trailer = (member.open)().and_then(|mut file| {
        let mut trailer = [0; 8];
        file.seek(SeekFrom::Start(place as u64))?;
        file.read_exact(&mut trailer).map(|()| trailer)
    });
    // The length is counted modulo 2^32.
    let expected = [sum.finalize().to_le_bytes(), (length as u32).to_le_bytes()].concat();
    Ok(trailer.is_ok_and(|trailer| trailer[..] == expected[..]).then_some(place + 8))
}

/// Why nobody goes on.
#[derive(Clone, Copy)]
enum Over {
    /// The stream is read to its end, or cannot be read in this way.
    Here,
    /// The user has stopped it.
    Stopped(Stopped),
}

/// How far the stream is known.
struct Turn<'v, T> {
    /// Chunks that somebody has taken.
    claimed: usize,
    /// The chunk whose turn it is.
    chunk: usize,
    /// The bit up to which the stream is decoded, and the bytes before it.
    bit: usize,
    window: Vec<u8>,
    /// The values that come next, and the bytes of one that are there already.
    rest: &'v mut [T],
    carry: Vec<u8>,
    /// Bytes that come before the values.
    skip: usize,
    /// Bytes that have come behind the values.
    surplus: usize,
    pieces: usize,
    /// The bit behind the stream's last block.
    end: Option<usize>,
    over: Option<Over>,
}

/// Where bytes go that are decoded one after the other.
struct Piece<'v, T> {
    number: usize,
    skip: usize,
    carry: Vec<u8>,
    rest: &'v mut [T],
    summed: Summed,
}

#[derive(Default)]
struct Summed {
    sum: crc32fast::Hasher,
    length: u64,
}

struct All<'a, 'v, T, F> {
    member: &'a Member<'a>,
    /// Compressed bytes of a chunk.
    chunk: usize,
    chunks: usize,
    convert: F,
    watch: Watch<'a>,
    turn: Mutex<Turn<'v, T>>,
    turned: Condvar,
    sums: Mutex<Vec<(usize, Summed)>>,
}

/// What a thread uses again for every chunk.
#[derive(Default)]
struct Desk {
    inflater: Inflater,
    data: Vec<u8>,
    /// Bytes and places of the window, then bytes where no place is left in reach.
    marked: Output<u16>,
    plain: Output<u8>,
    bytes: Vec<u8>,
    table: Vec<u8>,
}

/// What was decoded of a chunk.
struct Decoded {
    /// The bit that it begins at, in the file.
    from: usize,
    ended: Ended,
    /// Whether some of it is marked, and some of it plain.
    is_marked: bool,
    is_plain: bool,
}

impl<'v, T: Copy + Send, F: Fn(&[u8]) -> T + Sync> All<'_, 'v, T, F> {
    fn turn(&self) -> MutexGuard<'_, Turn<'v, T>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, over: Over) {
        self.turn().over.get_or_insert(over);
        self.turned.notify_all();
    }

    /// Takes chunks until there is none.
    fn work(&self) {
        /// Nobody waits for a thread that has panicked.
        struct Leaving<'l>(&'l dyn Fn());
        impl Drop for Leaving<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    (self.0)();
                }
            }
        }
        let leave = || self.end(Over::Here);
        let _leaving = Leaving(&leave);
        let Ok(mut file) = (self.member.open)() else { return self.end(Over::Here) };
        let mut desk = Desk::default();
        loop {
            let (chunk, is_known) = {
                let mut turn = self.turn();
                if turn.over.is_some() || turn.end.is_some() || turn.claimed == self.chunks {
                    return;
                }
                turn.claimed += 1;
                (turn.claimed - 1, turn.chunk == turn.claimed - 1)
            };
            if let Err(stopped) = self.watch.at(share(chunk, self.chunks)) {
                return self.end(Over::Stopped(stopped));
            }
            let from = self.member.start + chunk * self.chunk;
            let until = (from + self.chunk).min(self.member.length);
            let last = (until + SLACK).min(self.member.length);
            desk.data.clear();
            let read = file
                .seek(SeekFrom::Start(from as u64))
                .and_then(|_| (&mut file).take((last - from) as u64).read_to_end(&mut desk.data));
            if !read.is_ok_and(|count| count == last - from) {
                return self.end(Over::Here);
            }
            let guess = if is_known { None } else { desk.guessed(from * 8, (until - from) * 8) };
            if !self.take_turns(chunk, [from * 8, until * 8], guess, &mut desk) {
                return;
            }
        }
    }

    /// Waits until a chunk's turn has come, and decodes what was not guessed. Says whether there is more to do.
    fn take_turns(&self, chunk: usize, [from, until]: [usize; 2], mut guess: Option<Decoded>, desk: &mut Desk) -> bool {
        loop {
            let mut turn = self.turn();
            while turn.chunk < chunk && turn.over.is_none() && turn.end.is_none() {
                turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
            }
            if turn.over.is_some() || turn.end.is_some() {
                return false;
            }
            if turn.bit >= until {
                turn.chunk += 1;
                self.turned.notify_all();
                return true;
            }
            let is_right = |guess: &Decoded| guess.from == turn.bit && turn.window.len() == WINDOW;
            let decoded = if let Some(guess) = guess.take().filter(is_right) {
                guess
            } else {
                // Nobody else goes on before this is done.
                let (bit, window) = (turn.bit, std::mem::take(&mut turn.window));
                drop(turn);
                desk.plain.restart(window.iter().copied(), MOST_AHEAD);
                let blocks = desk.inflater.blocks(&desk.data, bit - from, until - from, &mut desk.plain, |_| false);
                turn = self.turn();
                turn.window = window;
                let Ok(ended) = blocks else {
                    drop(turn);
                    self.end(Over::Here);
                    return false;
                };
                Decoded { from: bit, ended: Ended { bit: ended.bit + from, ..ended }, is_marked: false, is_plain: true }
            };
            let before = turn.window.len();
            if decoded.is_marked {
                desk.table.clear();
                desk.table.extend(0..=u8::MAX);
                desk.table.extend_from_slice(&turn.window);
            }
            let piece = turn.take_piece(&decoded, desk, before);
            turn.bit = decoded.ended.bit;
            if decoded.ended.is_last {
                turn.end = Some(decoded.ended.bit);
            }
            if turn.surplus > MOST_TRAILING {
                turn.over = Some(Over::Here);
            }
            let is_done = decoded.ended.is_last || decoded.ended.bit >= until;
            turn.chunk += usize::from(is_done);
            drop(turn);
            self.turned.notify_all();
            self.fill(piece, &decoded, desk, before);
            if let Err(stopped) = self.watch.check() {
                self.end(Over::Stopped(stopped));
                return false;
            }
            if is_done {
                return !decoded.ended.is_last;
            }
        }
    }

    /// Turns what was decoded into values.
    fn fill(&self, mut piece: Piece<T>, decoded: &Decoded, desk: &mut Desk, before: usize) {
        let Desk { marked, plain, bytes, table, .. } = desk;
        let value = |mark: &u16| table.get(usize::from(*mark)).copied().unwrap_or_default();
        if decoded.is_marked {
            for part in marked.filled().get(WINDOW..).unwrap_or_default().chunks(STEP) {
                bytes.clear();
                bytes.extend(part.iter().map(value));
                piece.push(bytes, &self.convert);
            }
        }
        if decoded.is_plain {
            let before = if decoded.is_marked { WINDOW } else { before };
            for part in plain.filled().get(before..).unwrap_or_default().chunks(STEP) {
                piece.push(part, &self.convert);
            }
        }
        self.sums.lock().unwrap_or_else(PoisonError::into_inner).push((piece.number, piece.summed));
    }
}

impl Desk {
    /// Decodes from the first bit on where blocks seem to begin; bits count from the chunk's first one, which is `at` in the file.
    fn guessed(&mut self, at: usize, until: usize) -> Option<Decoded> {
        let is_clean = |output: &Output<u16>| {
            let filled = output.filled();
            // Marks in reach can still be referred to.
            filled[filled.len() - WINDOW..].iter().all(|value| *value < MARK)
        };
        let mut bit = 0;
        loop {
            bit = (bit..until).find(|bit| may_begin(&self.data, *bit) && self.inflater.may_begin(&self.data, *bit))?;
            self.marked.restart(MARK..MARK + WINDOW as u16, MOST_AHEAD);
            let Ok(ended) = self.inflater.blocks(&self.data, bit, until, &mut self.marked, is_clean) else {
                bit += 1;
                continue;
            };
            let goes_on = !ended.is_last && ended.bit < until && is_clean(&self.marked);
            let mut decoded = Decoded { from: at + bit, ended, is_marked: true, is_plain: goes_on };
            if goes_on {
                let filled = self.marked.filled();
                let window = filled[filled.len() - WINDOW..].iter().map(|value| value.to_le_bytes()[0]);
                self.plain.restart(window, MOST_AHEAD);
                match self.inflater.blocks(&self.data, ended.bit, until, &mut self.plain, |_| false) {
                    Ok(ended) => decoded.ended = ended,
                    Err(_) => {
                        bit += 1;
                        continue;
                    }
                }
            }
            decoded.ended.bit += at;
            return Some(decoded);
        }
    }
}

/// Whether the first bits are those of a block with codes of its own that is not the last one: quick, for most bits are none.
fn may_begin(data: &[u8], bit: usize) -> bool {
    let Some(four) = data.get(bit / 8..).and_then(<[u8]>::first_chunk::<4>) else { return false };
    let bits = u32::from_le_bytes(*four) >> (bit % 8);
    bits & 7 == 0b100 && bits >> 3 & 31 < 30 && bits >> 8 & 31 < 30
}

impl<'v, T> Turn<'v, T> {
    /// The values that what was decoded belongs to; the window is the new one then.
    fn take_piece(&mut self, decoded: &Decoded, desk: &Desk, before: usize) -> Piece<'v, T> {
        let of_marked = if decoded.is_marked { desk.marked.filled().len() - WINDOW } else { 0 };
        let of_plain = match (decoded.is_plain, decoded.is_marked) {
            (true, true) => desk.plain.filled().len() - WINDOW,
            (true, false) => desk.plain.filled().len() - before,
            _ => 0,
        };
        let count = of_marked + of_plain;
        if decoded.is_plain {
            let filled = desk.plain.filled();
            self.window = filled[filled.len().saturating_sub(WINDOW)..].to_vec();
        } else {
            let filled = desk.marked.filled();
            let value = |mark: &u16| desk.table.get(usize::from(*mark)).copied().unwrap_or_default();
            self.window = filled[filled.len().saturating_sub(WINDOW)..].iter().map(value).collect();
        }
        let skip = self.skip.min(count);
        self.skip -= skip;
        let there = self.carry.len() + count - skip;
        let whole = (there / size_of::<T>()).min(self.rest.len());
        let (own, rest) = std::mem::take(&mut self.rest).split_at_mut(whole);
        self.rest = rest;
        let left = there - whole * size_of::<T>();
        let carry = std::mem::take(&mut self.carry);
        if self.rest.is_empty() {
            self.surplus = self.surplus.saturating_add(left);
        } else {
            // Fewer bytes than a value has: some of those before, where hardly any came.
            let new = self.window.len() - (count - skip).min(self.window.len()).min(size_of::<T>());
            let mut last = [&carry[..], &self.window[new..]].concat();
            self.carry = last.split_off(last.len() - left);
        }
        self.pieces += 1;
        Piece { number: self.pieces, skip, carry, rest: own, summed: Summed::default() }
    }
}

impl<T: Copy> Piece<'_, T> {
    /// Adds bytes.
    fn push(&mut self, bytes: &[u8], convert: &impl Fn(&[u8]) -> T) {
        self.summed.sum.update(bytes);
        self.summed.length += bytes.len() as u64;
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        let mut bytes = &bytes[skipped..];
        let size = size_of::<T>();
        if !self.carry.is_empty() {
            let (more, rest) = bytes.split_at((size - self.carry.len()).min(bytes.len()));
            self.carry.extend_from_slice(more);
            bytes = rest;
            if self.carry.len() < size {
                return;
            }
            if let Some((place, rest)) = std::mem::take(&mut self.rest).split_first_mut() {
                *place = convert(&self.carry);
                self.rest = rest;
            }
            self.carry.clear();
        }
        let whole = (bytes.len() / size).min(self.rest.len());
        let (own, rest) = std::mem::take(&mut self.rest).split_at_mut(whole);
        own.iter_mut().zip(bytes.chunks_exact(size)).for_each(|(place, bytes)| *place = convert(bytes));
        self.rest = rest;
        if !self.rest.is_empty() {
            self.carry.extend_from_slice(&bytes[whole * size..]);
        }
    }
}

/// The length of a gzip header (RFC 1952, 2.3); `None` where these bytes do not hold all of it.
pub fn header_length(head: &[u8]) -> Option<usize> {
    let (magic, flags) = (head.get(..3)?, *head.get(3)?);
    if magic != [0x1F, 0x8B, 8] || flags & 0xE0 != 0 {
        return None;
    }
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*head.get(at)?, *head.get(at + 1)?]));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            at += head.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    at += if flags & 2 != 0 { 2 } else { 0 };
    (at <= head.len()).then_some(at)
}

#[cfg(test)]
mod tests;
