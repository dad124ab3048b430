//! Bits of packet headers and of code blocks that bypass the arithmetic decoder: after a byte of ones comes a bit that does not count
//! (ISO/IEC 15444-1 sections B.10.1 and D.6).

#[derive(Clone, Copy)]
pub struct Bits<'a> {
    data: &'a [u8],
    /// The next byte.
    at: usize,
    byte: u8,
    /// Bits left in `byte`.
    left: u32,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, byte: 0, left: 0 }
    }

    /// `None` where the data end.
    #[inline]
    pub fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            let next = *self.data.get(self.at)?;
            self.left = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = next;
            self.at += 1;
        }
        self.left -= 1;
        Some(u32::from(self.byte >> self.left & 1))
    }

    pub fn bits(&mut self, count: u32) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..count {
            value = value.checked_mul(2)? | self.bit()?;
        }
        Some(value)
    }

    /// Where the bytes go on behind the bits of a packet header.
    pub fn end(mut self) -> Option<usize> {
        if self.byte == 0xFF {
            self.data.get(self.at)?;
            self.at += 1;
        }
        Some(self.at)
    }
}
