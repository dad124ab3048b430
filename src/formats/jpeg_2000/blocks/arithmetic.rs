//! The arithmetic decoder (ISO/IEC 15444-1 annex C), without branches on what it decodes.
//!
//! The registers are those of the software convention: the code register holds the complement of the bytes, a symbol that is more probable
//! leaves it as it is. Both registers stand at the upper end of 64 bits, so that the bytes of many symbols are taken in at once.

use std::hint::select_unpredictable;

use super::contexts::{RUN, States, UNIFORM};

/// Probability (16 bits), states after a more and a less probable symbol, and whether the sense of the symbols is exchanged (table C.2).
const STATES: [(u16, u8, u8, bool); 47] = [
    (0x5601, 1, 1, true),
    (0x3401, 2, 6, false),
    (0x1801, 3, 9, false),
    (0x0AC1, 4, 12, false),
    (0x0521, 5, 29, false),
    (0x0221, 38, 33, false),
    (0x5601, 7, 6, true),
    (0x5401, 8, 14, false),
    (0x4801, 9, 14, false),
    (0x3801, 10, 14, false),
    (0x3001, 11, 17, false),
    (0x2401, 12, 18, false),
    (0x1C01, 13, 20, false),
    (0x1601, 29, 21, false),
    (0x5601, 15, 14, true),
    (0x5401, 16, 14, false),
    (0x5101, 17, 15, false),
    (0x4801, 18, 16, false),
    (0x3801, 19, 17, false),
    (0x3401, 20, 18, false),
    (0x3001, 21, 19, false),
    (0x2801, 22, 19, false),
    (0x2401, 23, 20, false),
    (0x2201, 24, 21, false),
    (0x1C01, 25, 22, false),
    (0x1801, 26, 23, false),
    (0x1601, 27, 24, false),
    (0x1401, 28, 25, false),
    (0x1201, 29, 26, false),
    (0x1101, 30, 27, false),
    (0x0AC1, 31, 28, false),
    (0x09C1, 32, 29, false),
    (0x08A1, 33, 30, false),
    (0x0521, 34, 31, false),
    (0x0441, 35, 32, false),
    (0x02A1, 36, 33, false),
    (0x0221, 37, 34, false),
    (0x0141, 38, 35, false),
    (0x0111, 39, 36, false),
    (0x0085, 40, 37, false),
    (0x0049, 41, 38, false),
    (0x0025, 42, 39, false),
    (0x0015, 43, 40, false),
    (0x0009, 44, 41, false),
    (0x0005, 45, 42, false),
    (0x0001, 45, 43, false),
    (0x5601, 46, 46, false),
];

/// A state with its more probable symbol: from the upper end 16 bits of probability; from the lower end the symbol, and at bits 8, 16 and 24
/// the state after a more and after a less probable symbol, and the shift after the latter.
pub type State = u64;

const PROBABILITY: u64 = 0xFFFF << 48;

/// State n with the more probable symbol s stands at 2 n + s; there is room for each byte.
static TABLE: [State; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < STATES.len() {
        let (probability, more, less, exchanges) = STATES[n];
        let mut symbol = 0;
        while symbol < 2 {
            let after = if exchanges { 1 - symbol } else { symbol };
            table[2 * n + symbol as usize] = (probability as u64) << 48
                | (probability.leading_zeros() as u64) << 24
                | ((2 * less as u64 + after) << 16)
                | ((2 * more as u64 + symbol) << 8)
                | symbol;
            symbol += 1;
        }
        n += 1;
    }
    table
};

/// The states at the start of a code block (table D.7).
pub static START: States = {
    let mut states = [TABLE[0]; 32];
    states[0] = TABLE[2 * 4];
    states[RUN] = TABLE[2 * 3];
    states[UNIFORM] = TABLE[2 * 46];
    states
};

#[derive(Clone, Copy)]
pub struct ArithmeticDecoder<'a> {
    rest: &'a [u8],
    after_ff: bool,
    interval: u64,
    code: u64,
    /// Bits of the code register below its upper 16 that are filled.
    filled: i32,
}

impl<'a> ArithmeticDecoder<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        // The first bit of the register is a carry.
        Self { rest: data, after_ff: false, interval: 0x8000 << 48, code: 0, filled: -15 }
    }

    /// Takes in bytes until no symbol needs more.
    #[cold]
    #[inline(never)]
    fn fill(mut self) -> Self {
        while self.filled <= 40 {
            let Some((&byte, rest)) = self.rest.split_first() else {
                // What follows the data counts as ones.
                self.filled = 48;
                return self;
            };
            if self.after_ff {
                if byte > 0x8F {
                    self.rest = &[];
                    continue;
                }
                // Its first bit is a carry into the byte before.
                self.code = self.code.wrapping_add((0x7F_u64.wrapping_sub(u64::from(byte))) << (41 - self.filled));
                self.filled += 7;
            } else {
                self.code = self.code.wrapping_add(u64::from(!byte) << (40 - self.filled));
                self.filled += 8;
            }
            self.after_ff = byte == 0xFF;
            self.rest = rest;
        }
        self
    }

    /// Decodes a symbol; `state` is renewed.
    #[inline(always)]
    pub fn decode(&mut self, state: &mut State) -> u64 {
        if self.filled < 16 {
            *self = self.fill();
        }
        let now = *state;
        let probability = now & PROBABILITY;
        let upper = self.interval.wrapping_sub(probability);
        let is_lower = self.code >= upper;
        let is_less = is_lower ^ (upper < probability);
        let shift_upper = (!upper >> 63) + u64::from(upper < 1 << 62);
        let interval = select_unpredictable(is_lower, probability, upper);
        let shift = select_unpredictable(is_lower, now >> 24 & 15, shift_upper);
        self.code = self.code.wrapping_sub(select_unpredictable(is_lower, upper, 0)) << shift;
        self.interval = interval << shift;
        self.filled -= shift as i32;
        // Both are read before it is known which of them is needed.
        let (more, less) = (TABLE[usize::from((now >> 8) as u8)], TABLE[usize::from((now >> 16) as u8)]);
        let more = select_unpredictable(upper >> 63 != 0, now, more);
        *state = select_unpredictable(is_less, less, more);
        (now & 1) ^ u64::from(is_less)
    }

    /// The same where one symbol is much more probable than the other.
    #[inline(always)]
    pub fn decode_skewed(&mut self, state: &mut State) -> u64 {
        let now = *state;
        let upper = self.interval.wrapping_sub(now & PROBABILITY);
        if self.code < upper && upper >> 63 != 0 {
            self.interval = upper;
            return now & 1;
        }
        self.decode(state)
    }
}
