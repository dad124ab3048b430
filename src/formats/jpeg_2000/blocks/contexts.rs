//! Contexts of symbols (ISO/IEC 15444-1 section D.3).

use super::arithmetic::State;

/// Contexts of the first bits of refinement; those before are of zero coding (from 0) and of signs (from 9).
pub const REFINEMENT: usize = 14;
/// The context of runs of four samples, and that of symbols that are all as probable.
pub const RUN: usize = 17;
pub const UNIFORM: usize = 18;

/// The state of each context; the rest is never used.
pub type States = [State; 32];

/// Low and high bands, first along rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ll,
    Hl,
    Lh,
    Hh,
}

impl Kind {
    /// Whether it is the high one along rows, and along columns.
    pub fn high(self) -> [bool; 2] {
        [matches!(self, Self::Hl | Self::Hh), matches!(self, Self::Lh | Self::Hh)]
    }

    pub fn zero_contexts(self) -> &'static ZeroContexts {
        static TABLES: [ZeroContexts; 3] = [zero_contexts(Kind::Lh), zero_contexts(Kind::Hl), zero_contexts(Kind::Hh)];
        match self {
            Self::Ll | Self::Lh => &TABLES[0],
            Self::Hl => &TABLES[1],
            Self::Hh => &TABLES[2],
        }
    }
}

/// By which of the samples around are significant: bits 0 to 2 the row above from the left, 3 and 5 those beside, 6 to 8 the row below.
pub type ZeroContexts = [u8; 512];

/// Table D.1.
const fn zero_contexts(kind: Kind) -> ZeroContexts {
    let mut table = [0; 512];
    let mut n = 0;
    while n < 512 {
        let diagonal = (n & 1) + (n >> 2 & 1) + (n >> 6 & 1) + (n >> 8 & 1);
        let (mut beside, mut above) = ((n >> 3 & 1) + (n >> 5 & 1), (n >> 1 & 1) + (n >> 7 & 1));
        if matches!(kind, Kind::Hl) {
            (beside, above) = (above, beside);
        }
        table[n] = if matches!(kind, Kind::Hh) {
            match (diagonal, beside + above) {
                (3.., _) => 8,
                (2, 1..) => 7,
                (2, 0) => 6,
                (1, 2..) => 5,
                (1, 1) => 4,
                (1, 0) => 3,
                (_, 2..) => 2,
                (_, 1) => 1,
                _ => 0,
            }
        } else {
            match (beside, above, diagonal) {
                (2, _, _) => 8,
                (1, 1.., _) => 7,
                (1, 0, 1..) => 6,
                (1, 0, 0) => 5,
                (_, 2, _) => 4,
                (_, 1, _) => 3,
                (_, 0, 2..) => 2,
                (_, 0, 1) => 1,
                _ => 0,
            }
        };
        n += 1;
    }
    table
}

/// Context of a sign, and in the highest bit whether the symbol is to be turned round (tables D.2 and D.3). By the samples above, to the left,
/// to the right and below: each gives two bits, whether it is negative and whether it is significant.
pub static SIGNS: [u8; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let across = contribution(n, 1, 2);
        let down = contribution(n, 0, 3);
        table[n] = match 3 * across + down {
            4 => 13,
            3 => 12,
            2 => 11,
            1 => 10,
            0 => 9,
            -1 => 10 + 0x80,
            -2 => 11 + 0x80,
            -3 => 12 + 0x80,
            _ => 13 + 0x80,
        };
        n += 1;
    }
    table
};

/// What two opposite samples say together: -1, 0 or 1.
const fn contribution(index: usize, one: usize, other: usize) -> i32 {
    let mut sum = 0;
    let mut n = 0;
    while n < 2 {
        let pair = index >> (2 * if n == 0 { one } else { other });
        sum += if pair & 2 == 0 {
            0
        } else if pair & 1 == 0 {
            1
        } else {
            -1
        };
        n += 1;
    }
    if sum > 0 {
        1
    } else if sum < 0 {
        -1
    } else {
        0
    }
}
