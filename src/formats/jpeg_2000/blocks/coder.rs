//! Where the bits of a pass come from: the arithmetic decoder, or the bytes as they are.

use super::arithmetic::ArithmeticDecoder;
use super::contexts::States;
use crate::formats::jpeg_2000::bits::Bits;

pub trait Coder: Copy {
    /// The next symbol.
    fn symbol(&mut self, states: &mut States, context: usize) -> u64;

    /// The next sign, 1 for negative; `code` stands in the table of signs.
    fn sign(&mut self, states: &mut States, code: u8) -> u64;
}

impl Coder for ArithmeticDecoder<'_> {
    #[inline(always)]
    fn symbol(&mut self, states: &mut States, context: usize) -> u64 {
        self.decode(&mut states[context & 31])
    }

    #[inline(always)]
    fn sign(&mut self, states: &mut States, code: u8) -> u64 {
        self.decode(&mut states[usize::from(code & 31)]) ^ u64::from(code >> 7)
    }
}

/// Bits that bypass the arithmetic decoder. Writers leave out ones at the end of a segment.
#[derive(Clone, Copy)]
pub struct RawBits<'a>(Bits<'a>);

impl<'a> RawBits<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(Bits::new(data))
    }

    fn bit(&mut self) -> u64 {
        u64::from(self.0.bit().unwrap_or(1))
    }
}

impl Coder for RawBits<'_> {
    fn symbol(&mut self, _: &mut States, _: usize) -> u64 {
        self.bit()
    }

    fn sign(&mut self, _: &mut States, _: u8) -> u64 {
        self.bit()
    }
}
