//! Huffman codes of a deflate block as tables: the next bits are the place of what they mean (RFC 1951, 3.2.2).

/// What an entry is; an entry of none of these is a length or a distance.
pub const LITERAL: u32 = 1 << 31;
pub const LINK: u32 = 1 << 15;
pub const END: u32 = 1 << 14;
pub const INVALID: u32 = 1 << 13;

/// Bits of the longest code.
const LONGEST: usize = 15;

/// The codes of an alphabet. `SIZE` is a power of two: longer codes go on in a second table.
///
/// An entry has the bits of the code lowest (four), the number of extra bits from bit 8 on, and from bit 16 on the literal, the base of the
/// length or distance, or the place of the second table.
pub struct Codes<const SIZE: usize> {
    first: Box<[u32; SIZE]>,
    second: Vec<u32>,
}

impl<const SIZE: usize> Default for Codes<SIZE> {
    fn default() -> Self {
        Self { first: Box::new([INVALID; SIZE]), second: Vec::new() }
    }
}

impl<const SIZE: usize> Codes<SIZE> {
    /// Bits that the first table looks at.
    pub const BITS: u32 = SIZE.trailing_zeros();

    /// Makes the tables from the lengths of the codes; `meaning` gives the entries without their codes' lengths. False for lengths that are
    /// no code. A single code of one bit is one, and so is none at all.
    pub fn build(&mut self, lengths: &[u8], meaning: &[u32]) -> bool {
        let mut counts = [0u32; LONGEST + 1];
        for &length in lengths {
            counts[usize::from(length) & LONGEST] += 1;
        }
        counts[0] = 0;
        let mut code = 0u32;
        let mut next = [0u32; LONGEST + 2];
        for length in 1..=LONGEST {
            code = (code + counts[length - 1]) << 1;
            next[length] = code;
            if code + counts[length] > 1 << length {
                return false;
            }
        }
        let used = counts.iter().enumerate().map(|(length, count)| count << (LONGEST - length)).sum::<u32>();
        let is_complete = used == 1 << LONGEST;
        let total: u32 = counts.iter().sum();
        if !is_complete && total > 0 && !(total == 1 && counts[1] == 1) {
            return false;
        }
        if !is_complete {
            self.first.fill(INVALID);
        }
        self.second.clear();
        let bits = Self::BITS as usize;
        let reversed = |code: u32, length: usize| (code.reverse_bits() >> (32 - length)) as usize;
        if counts.iter().skip(bits + 1).any(|count| *count > 0) {
            // Codes that begin alike lie together in the second table, in a part as large as the longest of them needs.
            let (mut longest, mut next) = ([0u8; SIZE], next);
            for &length in lengths.iter().filter(|length| usize::from(**length) > bits) {
                let code = &mut next[usize::from(length)];
                let start = &mut longest[reversed(*code, usize::from(length)) % SIZE];
                *start = (*start).max(length);
                *code += 1;
            }
            for (place, &length) in self.first.iter_mut().zip(&longest).filter(|(_, length)| **length > 0) {
                let (offset, more) = (self.second.len(), usize::from(length) - bits);
                self.second.resize(offset + (1 << more), INVALID);
                *place = LINK | (offset as u32) << 16 | (more as u32) << 8 | Self::BITS;
            }
        }
        for (&length, &meaning) in lengths.iter().zip(meaning).filter(|(length, _)| **length > 0) {
            let length = usize::from(length);
            let code = reversed(next[length], length);
            next[length] += 1;
            if length <= bits {
                let entry = meaning | length as u32;
                self.first.iter_mut().skip(code).step_by(1 << length).for_each(|place| *place = entry);
            } else {
                let link = self.first[code % SIZE];
                let entry = meaning | (length - bits) as u32;
                let part = self.second.get_mut((link >> 16) as usize..).unwrap_or_default();
                let part = part.get_mut(..1 << (link >> 8 & 15)).unwrap_or_default();
                part.iter_mut().skip(code >> bits).step_by(1 << (length - bits)).for_each(|place| *place = entry);
            }
        }
        true
    }

    /// What the next bits begin with in the first table.
    #[inline(always)]
    pub fn first(&self, held: u64) -> u32 {
        // The size is a power of two.
        self.first[held as usize & (SIZE - 1)]
    }

    /// Goes on from a link with the bits behind those of the first table.
    #[inline(always)]
    pub fn second(&self, link: u32, held: u64) -> u32 {
        let place = (link >> 16) as usize + (held as usize & ((1 << (link >> 8 & 15)) - 1));
        self.second.get(place).copied().unwrap_or(INVALID)
    }
}
