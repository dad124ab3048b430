//! What is known of the samples of a code block while it is decoded.
//!
//! Samples are numbered in the order in which they are coded: stripes of four rows, in these columns from the left, in these samples from
//! above. Sixteen columns of a stripe are the 64 bits of a word of each map, so that the samples of a pass are found by bits that are set.

use super::contexts::{SIGNS, ZeroContexts};

/// Samples of the first and of the last row of a stripe.
const FIRST_ROW: u64 = 0x1111_1111_1111_1111;
const LAST_ROW: u64 = 0x8888_8888_8888_8888;

/// A column of a stripe with all that lies around it: three columns by six rows, in bits from the upper left, 1 for significant; 32 bits
/// further on, 1 for negative.
type Column = u64;
const NEGATIVE: u32 = 32;

#[derive(Default)]
pub struct Maps {
    width: usize,
    height: usize,
    pub stripes: usize,
    /// Words of a stripe.
    pub words: usize,
    /// Samples that are significant: with a stripe more above and below, and a word more at each side.
    significant: Vec<u64>,
    /// Those that were at the start of this bit plane, and at the start of the one before.
    before: Vec<u64>,
    refined: Vec<u64>,
    /// Those that the first pass of this bit plane looked at.
    visited: Vec<u64>,
    /// With a stripe more above and below, and a column more at each side.
    columns: Vec<Column>,
    /// Magnitudes, with the sign as the highest bit.
    pub values: Vec<[u32; 64]>,
    /// Whether samples look at the stripe below.
    looks_below: bool,
}

impl Maps {
    pub fn reset(&mut self, width: usize, height: usize, looks_below: bool) {
        (self.width, self.height, self.looks_below) = (width, height, looks_below);
        (self.stripes, self.words) = (height.div_ceil(4), width.div_ceil(16));
        let words = (self.stripes + 2) * (self.words + 2);
        for map in [&mut self.significant, &mut self.before, &mut self.refined, &mut self.visited] {
            map.clear();
            map.resize(words, 0);
        }
        self.columns.clear();
        self.columns.resize((self.stripes + 2) * (16 * self.words + 2), 0);
        self.values.clear();
        self.values.resize(self.stripes * self.words, [0; 64]);
    }

    /// A bit plane begins.
    pub fn next_plane(&mut self) {
        self.refined.copy_from_slice(&self.before);
        self.before.copy_from_slice(&self.significant);
        self.visited.fill(0);
    }

    #[inline(always)]
    fn at(&self, stripe: usize, word: usize) -> usize {
        (stripe + 1) * (self.words + 2) + word + 1
    }

    /// Samples of a word that are in the code block.
    #[inline(always)]
    fn inside(&self, stripe: usize, word: usize) -> u64 {
        let rows = (self.height - 4 * stripe).min(4);
        let columns = (self.width - 16 * word).min(16);
        (FIRST_ROW * ((1 << rows) - 1)) & (u64::MAX >> (64 - 4 * columns))
    }

    /// Samples that are not significant; and of these, those with a significant one around.
    #[inline(always)]
    pub fn candidates(&self, stripe: usize, word: usize) -> (u64, u64) {
        let (at, pitch) = (self.at(stripe, word), self.words + 2);
        let below = if self.looks_below { LAST_ROW } else { 0 };
        // The samples above and below.
        let spread = |at: usize| {
            let here = self.significant[at];
            here | (here << 1 & !FIRST_ROW)
                | (here >> 1 & !LAST_ROW)
                | (self.significant[at - pitch] >> 3 & FIRST_ROW)
                | (self.significant[at + pitch] << 3 & below)
        };
        let (left, here, right) = (spread(at - 1), spread(at), spread(at + 1));
        let free = self.inside(stripe, word) & !self.significant[at];
        (free, (here | here << 4 | here >> 4 | left >> 60 | right << 60) & free)
    }

    /// Samples that no pass of this bit plane looked at.
    #[inline(always)]
    pub fn left_over(&self, stripe: usize, word: usize) -> u64 {
        let at = self.at(stripe, word);
        self.inside(stripe, word) & !self.significant[at] & !self.visited[at]
    }

    /// Samples to be refined, and of these, those that were refined before.
    #[inline(always)]
    pub fn to_refine(&self, stripe: usize, word: usize) -> (u64, u64) {
        let at = self.at(stripe, word);
        (self.before[at], self.refined[at])
    }

    #[inline(always)]
    pub fn add(&mut self, stripe: usize, word: usize, found: u64, visited: u64) {
        let at = self.at(stripe, word);
        self.significant[at] |= found;
        self.visited[at] |= visited;
    }

    #[inline(always)]
    pub fn window(&mut self, stripe: usize, word: usize) -> Option<Window<'_>> {
        let stride = 16 * self.words + 2;
        let (above, rest) = self.columns.get_mut(stripe * stride + 16 * word..)?.split_at_mut_checked(stride)?;
        let (here, below) = rest.split_at_mut_checked(stride)?;
        Some(Window {
            above: above.first_chunk_mut()?,
            here: here.first_chunk_mut()?,
            below: below.first_chunk_mut()?,
            values: self.values.get_mut(stripe * self.words + word)?,
            passed_on: [if self.looks_below { u64::MAX } else { 0 }, 0, 0, u64::MAX],
        })
    }

    /// Magnitude of half of the bits that are not known, by sample: that of the middle of the interval.
    pub fn add_halves(&mut self, plane: u32, is_after_first_pass: bool) {
        for stripe in 0..self.stripes {
            for word in 0..self.words {
                let before = self.before[self.at(stripe, word)];
                for (n, value) in self.values[stripe * self.words + word].iter_mut().enumerate() {
                    // The first pass does not refine samples.
                    let unknown = plane + u32::from(is_after_first_pass && before >> n & 1 == 1);
                    if *value != 0 && unknown > 0 {
                        *value |= 1 << (unknown - 1);
                    }
                }
            }
        }
    }

    /// Writes the coefficients into a plane.
    pub fn write(&self, target: &mut [i32], stride: usize) {
        for (y, row) in target.chunks_mut(stride).take(self.height).enumerate() {
            let words = &self.values[y / 4 * self.words..];
            for (columns, values) in row[..self.width].chunks_mut(16).zip(words) {
                for (target, four) in columns.iter_mut().zip(values.chunks_exact(4)) {
                    let value = four[y % 4];
                    let magnitude = (value & !(1 << 31)) as i32;
                    let sign = value as i32 >> 31;
                    *target = (magnitude ^ sign) - sign;
                }
            }
        }
    }
}

/// A word of samples with the columns around them.
pub struct Window<'a> {
    above: &'a mut [Column; 18],
    here: &'a mut [Column; 18],
    below: &'a mut [Column; 18],
    pub values: &'a mut [u32; 64],
    /// By row of the stripe: whether stripes above or below learn of a sample.
    passed_on: [u64; 4],
}

/// Samples behind one of this row, in its column and in the next, that lie around it.
pub const BEHIND: [u64; 4] = [0b0011_0010, 0b0111_0100, 0b1110_1000, 0b1100_0000];

impl Window<'_> {
    /// The column from the row above the sample on.
    #[inline(always)]
    fn around(&self, sample: u32) -> u64 {
        self.here[(sample >> 2 & 15) as usize + 1] >> (3 * (sample & 3))
    }

    #[inline(always)]
    pub fn zero_context(&self, contexts: &ZeroContexts, sample: u32) -> usize {
        usize::from(contexts[(self.around(sample) & 0x1FF) as usize])
    }

    #[inline(always)]
    pub fn has_neighbours(&self, sample: u32) -> bool {
        self.around(sample) & 0x1EF != 0
    }

    /// Nothing in or around the column of a sample is significant.
    #[inline(always)]
    pub fn is_empty(&self, sample: u32) -> bool {
        self.here[(sample >> 2 & 15) as usize + 1] == 0
    }

    #[inline(always)]
    pub fn sign_code(&self, sample: u32) -> u8 {
        let around = self.around(sample);
        SIGNS[((around & 0xAA) | (around >> (NEGATIVE + 1) & 0x55)) as usize]
    }

    /// A sample becomes significant.
    #[inline(always)]
    pub fn set(&mut self, sample: u32, sign: u64, magnitude: u32) {
        let (column, row) = ((sample >> 2 & 15) as usize, (sample & 3) as usize);
        self.values[(sample & 63) as usize] = magnitude | (sign as u32) << 31;
        let mark = 1 | sign << NEGATIVE;
        let here = mark << (3 * row + 3);
        self.here[column] |= here << 2;
        self.here[column + 1] |= here << 1;
        self.here[column + 2] |= here;
        // It is the last row of the stripe above, or the first of the one below.
        let (other, shift) = if row < 2 { (&mut *self.above, 15) } else { (&mut *self.below, 0) };
        let there = (mark << shift) & self.passed_on[row];
        other[column] |= there << 2;
        other[column + 1] |= there << 1;
        other[column + 2] |= there;
    }
}
