//! Pixels of a page as values, each sample by itself.

use half::f16;

use super::compression::{Failure, Row, expand, reverse_bits, undo};
use super::directory::Directory;
use super::layout::{Layout, Numbers, Predictor};
use super::source::Source;
use crate::formats::error::{FormatError, Result};
use crate::formats::picture::steps::Steps;
use crate::volume::{VoxelType, Voxels};
use crate::work::memory::make_room;

/// Bytes of pixels that pages may share before it counts as an attack.
const SHARED_BYTES: u64 = 64 << 20;

/// What all pages of a file have taken together: pages that share their strips make much of little.
#[derive(Default)]
pub struct Tally {
    packed: u64,
    plain: u64,
}

impl Tally {
    fn count(&mut self, source: &Source, packed: u64, plain: u64) -> Result<()> {
        self.packed = self.packed.saturating_add(packed);
        self.plain = self.plain.saturating_add(plain);
        if self.packed > source.length && self.plain > SHARED_BYTES {
            return Err(source.malformed("several pages lie on the same bytes of the file; save it again"));
        }
        Ok(())
    }
}

/// A number that pixels are made of.
trait Value: Copy {
    fn from_bytes(bytes: &[u8], big_endian: bool) -> Self;
    fn from_bits(bits: u16) -> Self;
}

macro_rules! values {
    ($($type:ty, $small:expr;)*) => {
        $(impl Value for $type {
            fn from_bytes(bytes: &[u8], big_endian: bool) -> Self {
                let mut raw = [0; size_of::<$type>()];
                raw.copy_from_slice(bytes);
                if big_endian { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) }
            }

            fn from_bits(bits: u16) -> Self {
                let small: fn(u16) -> $type = $small;
                small(bits)
            }
        })*
    };
}

values! {
    u8, |bits| bits.to_le_bytes()[0];
    i8, |bits| bits.to_le_bytes()[0].cast_signed();
    u16, |bits| bits;
    i16, u16::cast_signed;
    u32, u32::from;
    i32, i32::from;
    u64, u64::from;
    i64, i64::from;
    // Only half floats have as few bits.
    f32, |bits| f16::from_bits(bits).to_f32();
    f64, |bits| f16::from_bits(bits).to_f64();
}

/// Where the page's strips and tiles are.
pub struct Page<'a> {
    pub layout: &'a Layout,
    pub chunks: Vec<(u64, u64)>,
}

impl<'a> Page<'a> {
    /// A page of a directory.
    pub fn of(source: &mut Source, directory: &Directory, layout: &'a Layout) -> Result<Self> {
        Ok(Self { layout, chunks: layout.chunks(source, directory)? })
    }

    /// Pixels that lie in one piece, as those of the planes behind a single directory do.
    pub fn in_one_piece(layout: &'a Layout, offset: u64) -> Self {
        let strip = (layout.row_bytes() * layout.chunk[1]) as u64;
        let down = layout.size[1].div_ceil(layout.chunk[1]) as u64;
        let last = layout.page_bytes() - strip * (down - 1);
        let chunks = (0..down).map(|n| (offset + n * strip, if n + 1 == down { last } else { strip })).collect();
        Self { layout, chunks }
    }

    /// Reads the shown samples, each by itself, row by row.
    pub fn read(&self, source: &mut Source, tally: &mut Tally, steps: &Steps) -> Result<Vec<Voxels>> {
        macro_rules! kinds {
            ($($variant:ident)*) => {
                match self.layout.voxel_type() {
                    $(VoxelType::$variant => {
                        let samples = self.samples(source, tally, steps)?;
                        Ok(samples.into_iter().map(|values| Voxels::$variant(values.into())).collect())
                    })*
                }
            };
        }
        kinds! { U8 I8 U16 I16 U32 I32 U64 I64 F32 F64 }
    }

    fn samples<T: Value>(&self, source: &mut Source, tally: &mut Tally, steps: &Steps) -> Result<Vec<Vec<T>>> {
        let layout = self.layout;
        let [width, height] = layout.size;
        let [chunk_width, chunk_height] = layout.chunk;
        let [across, down] = [width.div_ceil(chunk_width), height.div_ceil(chunk_height)];
        let mut samples: Vec<Vec<T>> = (0..layout.shown).map(|_| Vec::new()).collect();
        let planes = if layout.planar { layout.shown } else { 1 };
        let picks = if layout.planar { 1 } else { layout.shown };
        for plane in 0..planes {
            for band in 0..down {
                let steps = steps.part(plane * down + band, planes * down);
                let rows = chunk_height.min(height - band * chunk_height);
                let chunk_rows = if layout.tiled { chunk_height } else { rows };
                let mut parts = Vec::new();
                for column in 0..across {
                    let index = (plane * down + band) * across + column;
                    let place = self.chunks.get(index).copied();
                    let place =
                        place.ok_or_else(|| source.malformed(format!("strip or tile {} is missing", index + 1)))?;
                    parts.push(self.chunk(source, tally, place, chunk_rows, &steps)?);
                }
                for pick in 0..picks {
                    let values = &mut samples[plane + pick];
                    make_room(values, rows * width).map_err(|e| FormatError::memory(steps.path, e))?;
                    for row in 0..rows {
                        if row % 256 == 0 {
                            steps.go_on()?;
                        }
                        for (column, part) in parts.iter().enumerate() {
                            let line = &part[row * layout.row_bytes()..(row + 1) * layout.row_bytes()];
                            let pixels = chunk_width.min(width - column * chunk_width);
                            take_row(layout, line, pick, pixels, self.big_endian(source), values);
                        }
                    }
                }
            }
        }
        Ok(samples)
    }

    /// The floating-point predictor always has the highest byte first.
    fn big_endian(&self, source: &Source) -> bool {
        source.big_endian || self.layout.predictor == Predictor::Float
    }

    fn chunk(
        &self,
        source: &mut Source,
        tally: &mut Tally,
        place: (u64, u64),
        rows: usize,
        steps: &Steps,
    ) -> Result<Vec<u8>> {
        let layout = self.layout;
        let wanted = layout.row_bytes() * rows;
        tally.count(source, place.1, wanted as u64)?;
        let mut packed = source.pixels(place.0, place.1, steps)?;
        if layout.reversed_bits {
            reverse_bits(&mut packed);
        }
        let mut bytes = expand(packed, layout.compression, wanted, steps).map_err(|failure| match failure {
            Failure::Other(error) => error,
            Failure::Damaged(problem) => source.malformed(format!(
                "{} data cannot be decoded: {problem}; copy the file again",
                layout.compression.name()
            )),
        })?;
        let row = Row {
            bytes: layout.row_bytes(),
            together: layout.together(),
            value_bytes: layout.bits.div_ceil(8),
            big_endian: source.big_endian,
        };
        undo(layout.predictor, &mut bytes, &row, steps)?;
        Ok(bytes)
    }
}

/// One sample of the first pixels of a row.
fn take_row<T: Value>(layout: &Layout, line: &[u8], pick: usize, pixels: usize, big_endian: bool, values: &mut Vec<T>) {
    let (bits, together) = (layout.bits, layout.together());
    if layout.numbers == Numbers::Float && bits == 16 {
        let half = |bytes: &[u8]| T::from_bits(u16::from_bytes(bytes, big_endian));
        values.extend(line.chunks_exact(2).skip(pick).step_by(together).take(pixels).map(half));
    } else if bits.is_multiple_of(8) {
        let value = |bytes: &[u8]| T::from_bytes(bytes, big_endian);
        values.extend(line.chunks_exact(bits / 8).skip(pick).step_by(together).take(pixels).map(value));
    } else {
        // Bits follow each other from the highest, across the borders of bytes.
        values.extend((0..pixels).map(|n| {
            let first = (n * together + pick) * bits;
            let byte = |n: usize| u32::from(line.get(n).copied().unwrap_or(0));
            let at = first / 8;
            let three = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
            let value = three >> (24 - bits - first % 8) & ((1 << bits) - 1);
            T::from_bits(u16::try_from(value).unwrap_or(u16::MAX))
        }));
    }
}
