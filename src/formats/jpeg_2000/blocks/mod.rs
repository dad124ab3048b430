//! Decoding code blocks, bit plane by bit plane (ISO/IEC 15444-1 annexes C and D).
//!
//! The bits of noise cannot be guessed, and a wrong guess costs a processor as much as twenty steps. So the arithmetic decoder takes both of
//! its ways and keeps one of the results; the samples of a pass are found by bits of maps, and what lies around a sample is kept as bits that
//! are an index of a table.

mod arithmetic;
mod coder;
mod contexts;
mod maps;
mod passes;

use arithmetic::{ArithmeticDecoder, START};
use coder::RawBits;
pub use contexts::Kind;
use contexts::{States, UNIFORM};
use maps::Maps;

use super::header::style;
use super::packets::is_raw;

/// Bit planes for which there is room beside the sign and what a half takes.
pub const MOST_PLANES: u32 = 30;

#[derive(Clone, Copy)]
pub struct Shape {
    pub width: usize,
    pub height: usize,
    pub kind: Kind,
    pub planes: u32,
    pub style: u8,
}

/// Decodes code blocks, one after the other.
pub struct Decoder {
    shape: Shape,
    maps: Maps,
    states: States,
    /// Passes that are done.
    passes: u32,
}

impl Default for Decoder {
    fn default() -> Self {
        let shape = Shape { width: 0, height: 0, kind: Kind::Ll, planes: 0, style: 0 };
        Self { shape, maps: Maps::default(), states: START, passes: 0 }
    }
}

impl Decoder {
    /// Starts a code block; `None` for more bit planes than are known here.
    pub fn start(&mut self, shape: Shape) -> Option<()> {
        if shape.planes > MOST_PLANES {
            return None;
        }
        self.shape = shape;
        self.states = START;
        self.passes = 0;
        self.maps.reset(shape.width, shape.height, shape.style & style::CAUSAL == 0);
        Some(())
    }

    /// Decodes a segment; `None` for more passes than there are bit planes, and for what is damaged.
    pub fn run(&mut self, data: &[u8], passes: u32) -> Option<()> {
        let end = self.passes.checked_add(passes)?;
        if end > (3 * self.shape.planes).checked_sub(2)? {
            return None;
        }
        if is_raw(self.passes, self.shape.style) {
            let mut bits = RawBits::new(data);
            while self.passes < end {
                let plane = self.begin();
                let zero = self.shape.kind.zero_contexts();
                if self.passes % 3 == 1 {
                    passes::propagate(&mut self.maps, &mut bits, &mut self.states, zero, plane)?;
                } else {
                    passes::refine(&mut self.maps, &mut bits, &mut self.states, plane)?;
                }
                self.end();
            }
            return Some(());
        }
        let mut source = ArithmeticDecoder::new(data);
        while self.passes < end {
            let plane = self.begin();
            let zero = self.shape.kind.zero_contexts();
            match self.passes % 3 {
                1 => passes::propagate(&mut self.maps, &mut source, &mut self.states, zero, plane)?,
                2 => passes::refine(&mut self.maps, &mut source, &mut self.states, plane)?,
                _ => {
                    passes::clean_up(&mut self.maps, &mut source, &mut self.states, zero, plane)?;
                    if self.shape.style & style::SYMBOLS != 0 {
                        let known = (0..4).fold(0, |bits, _| bits << 1 | source.decode(&mut self.states[UNIFORM]));
                        if known != 0b1010 {
                            return None;
                        }
                    }
                }
            }
            self.end();
        }
        Some(())
    }

    /// Begins a pass, and says in which bit plane.
    fn begin(&mut self) -> u32 {
        if self.passes % 3 == 1 {
            self.maps.next_plane();
        }
        self.shape.planes - 1 - self.passes.div_ceil(3)
    }

    fn end(&mut self) {
        self.passes += 1;
        if self.shape.style & style::RESET != 0 {
            self.states = START;
        }
    }

    /// Writes the coefficients to the start of each row of `target`. Of those that are not coded to the last bit it takes the middle.
    pub fn finish(&mut self, target: &mut [i32], stride: usize) {
        if let Some(last) = self.passes.checked_sub(1) {
            let plane = self.shape.planes - 1 - last.div_ceil(3);
            let is_after_first_pass = last % 3 == 1;
            if plane > 0 || is_after_first_pass {
                self.maps.add_halves(plane, is_after_first_pass);
            }
        }
        self.maps.write(target, stride);
    }
}
