//! Bits of a deflate stream, the lowest of a byte first (RFC 1951, 3.1.1).

/// Reads bits from bytes in memory.
pub struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not held yet.
    next: usize,
    /// Bits that are held, the next one lowest. Those above `count` may be there already.
    held: u64,
    count: u32,
}

/// So many bytes have to be ahead, that [`Bits::refill`] need not look at the end.
pub const AHEAD: usize = 16;

impl<'a> Bits<'a> {
    /// Begins at a bit.
    pub fn at(data: &'a [u8], bit: usize) -> Self {
        let mut bits = Self { data, next: bit / 8, held: 0, count: 0 };
        bits.refill();
        bits.held >>= bit % 8;
        bits.count = bits.count.saturating_sub((bit % 8) as u32);
        bits
    }

    /// The bit that comes next, counted from the first byte.
    pub fn position(&self) -> usize {
        self.next * 8 - self.count as usize
    }

    /// Whether so many bytes are ahead that nothing needs to look at the end.
    #[inline(always)]
    pub fn is_far_from_end(&self) -> bool {
        self.next + AHEAD <= self.data.len()
    }

    /// Holds at least 56 bits, or all that there are.
    #[inline(always)]
    pub fn refill(&mut self) {
        if let Some(eight) = self.data.get(self.next..).and_then(<[u8]>::first_chunk::<8>) {
            self.held |= u64::from_le_bytes(*eight) << self.count;
            self.next += (63 - self.count as usize) >> 3;
            self.count |= 0x38;
        } else {
            self.refill_at_end();
        }
    }

    #[cold]
    fn refill_at_end(&mut self) {
        while self.count < 56
            && let Some(&byte) = self.data.get(self.next)
        {
            self.held |= u64::from(byte) << self.count;
            self.next += 1;
            self.count += 8;
        }
    }

    /// The bits that are held.
    #[inline(always)]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// How many are held.
    #[inline(always)]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Goes on by bits that are held.
    #[inline(always)]
    pub fn consume(&mut self, bits: u32) {
        self.held >>= bits;
        self.count = self.count.wrapping_sub(bits);
    }

    /// The next bits as a number, at most 16; `None` at the end.
    pub fn take(&mut self, bits: u32) -> Option<usize> {
        if self.count < bits {
            self.refill();
        }
        if self.count < bits {
            return None;
        }
        let value = self.held & ((1 << bits) - 1);
        self.consume(bits);
        usize::try_from(value).ok()
    }

    /// The bytes from the next whole byte on, of which so many are taken; `None` where there are fewer.
    pub fn take_bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let start = self.position().div_ceil(8);
        let bytes = self.data.get(start..start.checked_add(length)?)?;
        *self = Self::at(self.data, (start + length) * 8);
        Some(bytes)
    }
}
