//! How the pixels of a page lie in the file, and what they are.

use super::directory::{Directory, tag};
use super::source::Source;
use crate::formats::error::Result;
use crate::volume::VoxelType;
use crate::work::numbers::index;

/// Most pixels along a side, and of a page: what is larger cannot be shown.
const LONGEST_SIDE: u64 = 1 << 20;
/// Most pixels of a page.
pub const MOST_PIXELS: u64 = 1 << 30;
/// Most samples of a pixel.
const MOST_SAMPLES: u64 = 1 << 12;

/// What the numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    Unsigned,
    Signed,
    Float,
}

/// How values become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    PackBits,
    Lzw,
    Deflate,
}

impl Compression {
    /// No more bytes than this can come from one.
    pub fn most_per_byte(self) -> u64 {
        match self {
            Self::None => 1,
            // Two bytes stand for at most 128.
            Self::PackBits => 64,
            // A code of 9 to 12 bits stands for at most 4096 bytes.
            Self::Lzw => 3641,
            Self::Deflate => crate::formats::gzip::MAX_RATIO,
        }
    }

    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PackBits => "PackBits",
            Self::Lzw => "LZW",
            Self::Deflate => "Deflate",
        }
    }
}

/// Whether values are differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predictor {
    None,
    Horizontal,
    Float,
}

/// What a pixel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    MinIsWhite,
    MinIsBlack,
    Rgb,
    /// Numbers of colours in a table.
    Palette,
    /// The field is missing.
    Unsaid,
}

/// The pixels of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Width and height.
    pub size: [usize; 2],
    /// Values of a pixel.
    pub samples: usize,
    /// Values that are shown: opacity is none.
    pub shown: usize,
    /// Bits of a value.
    pub bits: usize,
    pub numbers: Numbers,
    pub photometric: Photometric,
    pub compression: Compression,
    pub predictor: Predictor,
    /// The lowest bit of a byte is the first.
    pub reversed_bits: bool,
    /// Each sample has strips of its own.
    pub planar: bool,
    pub tiled: bool,
    /// Width and height of a strip or tile.
    pub chunk: [usize; 2],
}

impl Layout {
    /// Reads and checks the fields.
    ///
    /// # Errors
    /// For what is missing, and for kinds of pixels that cannot be read rightly.
    pub fn of(source: &mut Source, page: &Directory) -> Result<Self> {
        let size = size(source, page)?;
        let samples = page.unsigned(source, tag::SAMPLES)?.unwrap_or(1);
        if samples == 0 || samples > MOST_SAMPLES {
            return Err(source.malformed(format!("a pixel has {samples} samples")));
        }
        let (bits, numbers) = numbers(source, page)?;
        let depth = page.unsigned(source, tag::IMAGE_DEPTH)?.unwrap_or(1);
        if depth != 1 {
            return Err(source.unsupported(format!(
                "one page holds {depth} slices (ImageDepth); save each slice as a page of its own"
            )));
        }
        let photometric = photometric(source, page)?;
        let colours = if photometric == Photometric::Rgb { 3 } else { 1 };
        if samples < colours {
            return Err(source.malformed(format!("a colour picture with {samples} samples")));
        }
        let extra = page.unsigneds(source, tag::EXTRA_SAMPLES)?.unwrap_or_default();
        // 1 and 2 are opacity; a fourth sample of a colour picture is taken for it where nothing is said.
        let opacity = extra.iter().rev().take_while(|&&kind| kind == 1 || kind == 2).count() as u64;
        let unsaid = u64::from(extra.is_empty() && colours == 3 && samples == 4);
        let shown = samples.saturating_sub(opacity.max(unsaid)).max(colours);
        let tiled = page.count(tag::TILE_WIDTH) > 0 || page.count(tag::TILE_OFFSETS) > 0;
        let chunk = chunk(source, page, size, tiled)?;
        let planar = match page.unsigned(source, tag::PLANAR)? {
            None | Some(1) => false,
            Some(2) => samples > 1,
            Some(other) => return Err(source.malformed(format!("PlanarConfiguration is {other}, not 1 or 2"))),
        };
        let reversed_bits = match page.unsigned(source, tag::FILL_ORDER)? {
            None | Some(1) => false,
            Some(2) => true,
            Some(other) => return Err(source.malformed(format!("FillOrder is {other}, not 1 or 2"))),
        };
        let compression = compression(source, page)?;
        let predictor = predictor(source, page, compression, bits, numbers)?;
        let size = size.map(index);
        let [samples, shown] = [samples, shown].map(index);
        Ok(Self {
            size,
            samples,
            shown,
            bits,
            numbers,
            photometric,
            compression,
            predictor,
            reversed_bits,
            planar,
            tiled,
            chunk,
        })
    }

    /// The type that values are kept in.
    pub fn voxel_type(&self) -> VoxelType {
        match (self.numbers, self.bits) {
            (Numbers::Unsigned, 0..=8) => VoxelType::U8,
            (Numbers::Unsigned, 9..=16) => VoxelType::U16,
            (Numbers::Unsigned, 17..=32) => VoxelType::U32,
            (Numbers::Unsigned, _) => VoxelType::U64,
            (Numbers::Signed, 0..=8) => VoxelType::I8,
            (Numbers::Signed, 9..=16) => VoxelType::I16,
            (Numbers::Signed, 17..=32) => VoxelType::I32,
            (Numbers::Signed, _) => VoxelType::I64,
            (Numbers::Float, 0..=32) => VoxelType::F32,
            (Numbers::Float, _) => VoxelType::F64,
        }
    }

    /// Samples that lie side by side.
    pub fn together(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Bytes of a row of a strip or tile.
    pub fn row_bytes(&self) -> usize {
        (self.chunk[0] * self.together() * self.bits).div_ceil(8)
    }

    /// Bytes of a page without compression.
    pub fn page_bytes(&self) -> u64 {
        let row = (self.size[0] as u64 * self.together() as u64 * self.bits as u64).div_ceil(8);
        let planes = if self.planar { self.samples as u64 } else { 1 };
        row.saturating_mul(self.size[1] as u64).saturating_mul(planes)
    }

    /// Bytes of memory that the shown values of a page take.
    pub fn memory_bytes(&self) -> u64 {
        let pixels = self.size[0] as u64 * self.size[1] as u64;
        pixels.saturating_mul(self.shown as u64 * self.voxel_type().bytes() as u64)
    }

    /// Whether pages of this and the other kind can be slices of one volume.
    pub fn is_like(&self, other: &Self) -> bool {
        self.size == other.size && self.shown == other.shown && self.bits == other.bits && self.numbers == other.numbers
    }

    /// Size and kind of the values in words.
    pub fn describe(&self) -> String {
        let [width, height] = self.size;
        let samples = if self.shown == 1 { String::new() } else { format!(" x {} samples", self.shown) };
        format!("{width} x {height}{samples} of {} ({} bits)", self.voxel_type().name(), self.bits)
    }

    /// Place and bytes of each strip or tile, row by row, the samples' planes one after the other.
    pub fn chunks(&self, source: &mut Source, page: &Directory) -> Result<Vec<(u64, u64)>> {
        let (at, bytes) =
            if self.tiled { (tag::TILE_OFFSETS, tag::TILE_BYTES) } else { (tag::STRIP_OFFSETS, tag::STRIP_BYTES) };
        let offsets = page.unsigneds(source, at)?;
        let offsets = offsets.ok_or_else(|| source.malformed("the TIFF does not say where its pixels are"))?;
        let [across, down] = [0, 1].map(|axis| self.size[axis].div_ceil(self.chunk[axis]));
        let planes = if self.planar { self.samples } else { 1 };
        let wanted = across.saturating_mul(down).saturating_mul(planes);
        if offsets.len() < wanted {
            return Err(source
                .malformed(format!("{} of {wanted} strips or tiles are there; copy the file again", offsets.len())));
        }
        let counts = page.unsigneds(source, bytes)?.unwrap_or_default();
        let needed = (self.row_bytes() * self.chunk[1]) as u64;
        let last_rows = self.size[1] - (down - 1) * self.chunk[1];
        (0..wanted)
            .map(|n| {
                let offset = offsets[n];
                let is_last = !self.tiled && (n / across + 1).is_multiple_of(down);
                let needed = if is_last { (self.row_bytes() * last_rows) as u64 } else { needed };
                let count = match (counts.get(n), self.compression) {
                    // Old files give no counts; what is not compressed has a known length.
                    (None, Compression::None) => needed,
                    (Some(&count), Compression::None) if count > needed && page.count(tag::BITS) == 0 => {
                        return Err(source.malformed(format!(
                            "the TIFF does not say how many bits a value has (BitsPerSample), and its {count} bytes are too many for one bit"
                        )));
                    }
                    (Some(&count), Compression::None) if count >= needed => needed,
                    (Some(&count), _) if count > 0 => count,
                    _ => return Err(source.malformed(format!("strip or tile {} has no data", n + 1))),
                };
                if offset == 0 {
                    return Err(source.malformed(format!("strip or tile {} has no data", n + 1)));
                }
                if count.saturating_mul(self.compression.most_per_byte()) < needed {
                    return Err(source.malformed(format!(
                        "strip or tile {} has {count} bytes, too few for {needed} bytes of pixels; copy the file again",
                        n + 1
                    )));
                }
                Ok((offset, count))
            })
            .collect()
    }
}

fn size(source: &mut Source, page: &Directory) -> Result<[u64; 2]> {
    let width = page.unsigned(source, tag::WIDTH)?;
    let height = page.unsigned(source, tag::HEIGHT)?;
    let (Some(width), Some(height)) = (width, height) else {
        return Err(source.malformed("a page without width or height"));
    };
    if width == 0 || height == 0 {
        return Err(source.malformed(format!("a page of {width} x {height} pixels")));
    }
    if width.max(height) > LONGEST_SIDE || width * height > MOST_PIXELS {
        return Err(source.unsupported(format!(
            "a page of {width} x {height} pixels is larger than can be shown ({MOST_PIXELS} pixels); cut it into parts"
        )));
    }
    Ok([width, height])
}

fn numbers(source: &mut Source, page: &Directory) -> Result<(usize, Numbers)> {
    let bits = page.unsigneds(source, tag::BITS)?.unwrap_or_else(|| vec![1]);
    let first = bits.first().copied().unwrap_or(1);
    if bits.iter().any(|&other| other != first) {
        return Err(source.unsupported(format!("samples of different bits, {bits:?}; save all with 8 or 16 bits")));
    }
    let formats = page.unsigneds(source, tag::SAMPLE_FORMAT)?.unwrap_or_else(|| vec![1]);
    let format = formats.first().copied().unwrap_or(1);
    if formats.iter().any(|&other| other != format) {
        return Err(source.unsupported(format!("samples of different kinds, SampleFormat {formats:?}; save all alike")));
    }
    let (numbers, known) = match format {
        1 | 4 => (Numbers::Unsigned, matches!(first, 1 | 2 | 4 | 8..=16 | 32 | 64)),
        2 => (Numbers::Signed, matches!(first, 8 | 16 | 32 | 64)),
        3 => (Numbers::Float, matches!(first, 16 | 32 | 64)),
        5 | 6 => return Err(source.unsupported("complex numbers; save real part or magnitude")),
        other => return Err(source.malformed(format!("SampleFormat is {other}, not 1 to 6"))),
    };
    if !known {
        let kind = match numbers {
            Numbers::Unsigned => "whole numbers",
            Numbers::Signed => "signed whole numbers",
            Numbers::Float => "floating-point numbers",
        };
        return Err(
            source.unsupported(format!("{kind} of {first} bits cannot be read; save them with 8, 16 or 32 bits"))
        );
    }
    Ok((index(first), numbers))
}

fn photometric(source: &mut Source, page: &Directory) -> Result<Photometric> {
    let other = match page.unsigned(source, tag::PHOTOMETRIC)? {
        None => return Ok(Photometric::Unsaid),
        Some(0) => return Ok(Photometric::MinIsWhite),
        Some(1) => return Ok(Photometric::MinIsBlack),
        Some(2) => return Ok(Photometric::Rgb),
        Some(3) => return Ok(Photometric::Palette),
        Some(4) => "a transparency mask".to_string(),
        Some(5) => "CMYK colours".to_string(),
        Some(6) => "YCbCr colours".to_string(),
        Some(8..=10) => "CIE L*a*b* colours".to_string(),
        Some(32803) => "a colour filter array".to_string(),
        Some(32844 | 32845) => "LogL or LogLuv values".to_string(),
        Some(other) => format!("PhotometricInterpretation {other}"),
    };
    Err(source.unsupported(format!("{other}: no intensities; save it in grey or full colour (RGB)")))
}

fn chunk(source: &mut Source, page: &Directory, size: [u64; 2], tiled: bool) -> Result<[usize; 2]> {
    let chunk = if tiled {
        let width = page.unsigned(source, tag::TILE_WIDTH)?.unwrap_or(0);
        [width, page.unsigned(source, tag::TILE_HEIGHT)?.unwrap_or(0)]
    } else {
        let rows = page.unsigned(source, tag::ROWS_PER_STRIP)?.unwrap_or(size[1]);
        [size[0], rows.min(size[1])]
    };
    if chunk.contains(&0) || chunk[0] > LONGEST_SIDE || chunk[1] > LONGEST_SIDE || chunk[0] * chunk[1] > MOST_PIXELS {
        let kind = if tiled { "tile" } else { "strip" };
        return Err(source.malformed(format!("a {kind} of {} x {} pixels", chunk[0], chunk[1])));
    }
    Ok(chunk.map(index))
}

fn compression(source: &mut Source, page: &Directory) -> Result<Compression> {
    let name = match page.unsigned(source, tag::COMPRESSION)?.unwrap_or(1) {
        1 => return Ok(Compression::None),
        5 => return Ok(Compression::Lzw),
        8 | 32946 => return Ok(Compression::Deflate),
        32773 => return Ok(Compression::PackBits),
        2..=4 => "fax compression (CCITT)".to_string(),
        6 | 7 | 34892 => "JPEG compression".to_string(),
        33003..=33005 | 34712 => "JPEG 2000 compression".to_string(),
        34887 => "LERC compression".to_string(),
        34925 => "LZMA compression".to_string(),
        50000 | 34926 => "Zstandard compression".to_string(),
        50001 | 34927 => "WebP compression".to_string(),
        50002 | 52546 => "JPEG XL compression".to_string(),
        other => format!("compression {other}"),
    };
    Err(source.unsupported(format!("{name} cannot be read in a TIFF; save it with LZW, Deflate or no compression")))
}

fn predictor(
    source: &mut Source,
    page: &Directory,
    compression: Compression,
    bits: usize,
    numbers: Numbers,
) -> Result<Predictor> {
    let predictor = match page.unsigned(source, tag::PREDICTOR)? {
        None | Some(1) => return Ok(Predictor::None),
        Some(2) if matches!(bits, 8 | 16 | 32 | 64) => Predictor::Horizontal,
        Some(3) if numbers == Numbers::Float => Predictor::Float,
        Some(other) => {
            return Err(source.unsupported(format!(
                "predictor {other} with values of {bits} bits cannot be read; save the file without a predictor"
            )));
        }
    };
    if matches!(compression, Compression::None | Compression::PackBits) {
        return Err(source.unsupported(
            "a predictor without LZW or Deflate, which programs read in different ways; save the file without a predictor",
        ));
    }
    Ok(predictor)
}
