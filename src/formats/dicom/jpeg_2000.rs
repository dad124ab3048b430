//! JPEG 2000: what the code stream says of itself is held against the DICOM header before the decoder sees it.
//!
//! Lossless images of up to 16 bits are decoded by [`crate::formats::jpeg_2000`], which takes half the time of other decoders and knows what
//! writers of medical images make. What it does not know, or finds damaged, goes to `hayro-jpeg2000`, which forbids unsafe code. That one
//! keeps samples as f32, which holds those of 16 bits exactly, and adds half of the range to signed ones. The others, and what it says
//! that it does not know, are left to openjp2, which was translated from C and is full of unsafe code: it runs in a thread of its own, and
//! only on code streams whose tiles and packets can be in the bytes that are there. High-Throughput JPEG 2000 differs in its code blocks
//! alone, and openjp2 decodes it.
//! Source: ISO/IEC 15444-1 annex A (markers), annex B (packets), 15444-15 annex A (the bit for high throughput).

use hayro_jpeg2000::{DecodeError, DecodeSettings, DecoderContext, Image, MarkerError};

use super::instance::PixelFormat;
use super::pixels::expect_size;
use crate::formats::jpeg_2000;
use crate::work::numbers::{index, whole};

/// Room for the decoder's own calls.
const STACK_BYTES: usize = 8 << 20;

/// Reads big-endian numbers behind a marker.
struct Segment<'a>(&'a [u8]);

impl Segment<'_> {
    fn u8(&self, at: usize) -> Result<u32, String> {
        self.0.get(at).map(|&b| u32::from(b)).ok_or_else(|| "the JPEG 2000 header is cut".to_string())
    }

    fn u16(&self, at: usize) -> Result<u32, String> {
        Ok(self.u8(at)? << 8 | self.u8(at + 1)?)
    }

    fn u32(&self, at: usize) -> Result<u32, String> {
        Ok(self.u16(at)? << 16 | self.u16(at + 2)?)
    }
}

/// Decodes one frame into samples, colour interleaved, with the sign that the DICOM header gives them.
///
/// # Errors
/// A sentence that names what does not fit.
pub fn decode(data: &[u8], format: &PixelFormat) -> Result<Vec<i32>, String> {
    let damaged = || "the JPEG 2000 data are damaged".to_string();
    let stream = check_headers(data, format)?;
    if stream.coding.is_lossless
        && !stream.coding.is_high_throughput
        && stream.samples.iter().all(|sample| sample.bits <= MOST_EXACT_BITS)
    {
        let samples = (format.rows * format.columns * stream.samples.len()) as u64;
        if let Some(components) = jpeg_2000::decode(stream.data, samples) {
            return interleave(&components, &stream, format);
        }
        // Streams that are made for it can make a decoder panic.
        if let Some(values) =
            std::panic::catch_unwind(|| decode_lossless(&stream, format)).unwrap_or_else(|_| Err(damaged()))?
        {
            return Ok(values);
        }
    }
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || run_decoder(data, format))
            .map_err(|e| format!("no thread can be started to decode JPEG 2000: {e}"))?
            .join()
            .unwrap_or_else(|_| Err(damaged()))
    })
}

/// Samples of more bits are not exact in f32 while the wavelet is undone.
const MOST_EXACT_BITS: u32 = 16;

/// How the samples of a component are written.
#[derive(Clone, Copy)]
struct SampleFormat {
    bits: u32,
    is_signed: bool,
}

impl SampleFormat {
    /// The header decides about the sign where the code stream disagrees.
    fn stored(self, value: i32, format: &PixelFormat) -> i32 {
        match (format.signed, self.is_signed) {
            (true, false) => value << (32 - self.bits) >> (32 - self.bits),
            (false, true) => value & ((1 << self.bits) - 1),
            _ => value,
        }
    }
}

/// A code stream whose header was looked at.
struct CodeStream<'a> {
    data: &'a [u8],
    samples: Vec<SampleFormat>,
    coding: Coding,
}

/// What the coding style says of all tiles.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Coding {
    /// The wavelet is the reversible one.
    is_lossless: bool,
    /// Code blocks are those of part 15 of the standard.
    is_high_throughput: bool,
}

/// Holds the main header against the DICOM header and against the number of bytes.
fn check_headers<'a>(data: &'a [u8], format: &PixelFormat) -> Result<CodeStream<'a>, String> {
    let start = data.windows(4).take(1024).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51]);
    let start = start.ok_or("the JPEG 2000 code stream has no header")?;
    // Behind the markers SOC and SIZ.
    let siz = Segment(data.get(start + 4..).unwrap_or_default());
    let [right, bottom, left, top, tile_width, tile_height, tile_left, tile_top] =
        std::array::from_fn(|n| siz.u32(4 + 4 * n)).map(|value| value.map(u64::from));
    let (right, bottom, left, top) = (right?, bottom?, left?, top?);
    expect_size(format, index(right.saturating_sub(left)), index(bottom.saturating_sub(top)))?;
    let (tile_width, tile_height, tile_left, tile_top) = (tile_width?, tile_height?, tile_left?, tile_top?);
    if tile_width == 0 || tile_height == 0 || tile_left > left || tile_top > top {
        return Err("the JPEG 2000 header has impossible tiles".into());
    }
    let tiles = (right - tile_left).div_ceil(tile_width).saturating_mul((bottom - tile_top).div_ceil(tile_height));
    // Every tile has a header of at least 14 bytes.
    if tiles.saturating_mul(14) > data.len() as u64 {
        return Err(format!("the JPEG 2000 header claims {tiles} tiles, which cannot be in {} bytes", data.len()));
    }
    let components = siz.u16(36)? as usize;
    if components < format.samples || components > format.samples + 1 {
        return Err(format!("the JPEG 2000 image has {components} components, the header says {}", format.samples));
    }
    let mut samples = Vec::with_capacity(components);
    for n in 0..components {
        let precision = siz.u8(38 + 3 * n)?;
        let bits = (precision & 0x7F) as usize + 1;
        samples.push(SampleFormat { bits: (precision & 0x7F) + 1, is_signed: precision & 0x80 != 0 });
        if n < format.samples && bits > format.bits_allocated {
            let allocated = format.bits_allocated;
            return Err(format!("the JPEG 2000 image has {bits} bits per sample, the header has room for {allocated}"));
        }
        if siz.u8(39 + 3 * n)? != 1 || siz.u8(40 + 3 * n)? != 1 {
            return Err("subsampled JPEG 2000 components are not supported".into());
        }
    }
    let size = [right - left, bottom - top];
    let length = u64::from(siz.u16(0)?);
    let coding =
        check_packets(data, start as u64 + 4 + length, size, [tile_width, tile_height], tiles, components as u64)?;
    Ok(CodeStream { data: data.get(start..).unwrap_or_default(), samples, coding })
}

/// Every packet takes at least a byte: headers that ask for more of them are made to exhaust the decoder. Says how the image is coded.
fn check_packets(
    data: &[u8],
    mut at: u64,
    size: [u64; 2],
    tile: [u64; 2],
    tiles: u64,
    components: u64,
) -> Result<Coding, String> {
    loop {
        let segment = Segment(data.get(index(at)..).unwrap_or_default());
        let (marker, length) = (segment.u16(0)?, u64::from(segment.u16(2)?));
        match marker {
            // COD: the coding style.
            0xFF52 => {
                let (style, layers, levels) = (segment.u8(4)?, u64::from(segment.u16(6)?), segment.u8(9)?);
                if levels > 32 {
                    return Err(format!("the JPEG 2000 header claims {levels} decomposition levels"));
                }
                let mut precincts = 0u64;
                for resolution in 0..=levels {
                    let sizes = if style & 1 == 1 { segment.u8(14 + resolution as usize)? } else { 0xFF };
                    let shrink = levels - resolution;
                    let along = |axis: usize, exponent: u32| {
                        let extent = size[axis].min(tile[axis]).div_ceil(1 << shrink);
                        extent.div_ceil(1 << exponent)
                    };
                    precincts = precincts.saturating_add(along(0, sizes & 15).saturating_mul(along(1, sizes >> 4)));
                }
                let packets = precincts.saturating_mul(layers).saturating_mul(components).saturating_mul(tiles);
                if packets > data.len() as u64 {
                    return Err(format!(
                        "the JPEG 2000 header claims {packets} packets, which cannot be in {} bytes",
                        data.len()
                    ));
                }
                return Ok(Coding {
                    is_lossless: segment.u8(13)? == 1,
                    is_high_throughput: segment.u8(12)? & 0x40 != 0,
                });
            }
            // SOT, SOD, EOC: the main header is over.
            0xFF90 | 0xFF93 | 0xFFD9 => return Err("the JPEG 2000 header has no coding style".into()),
            0xFF00.. => at = at + 2 + length,
            _ => return Err("the JPEG 2000 header is damaged".into()),
        }
    }
}

/// Colours side by side, with the sign of the DICOM header.
fn interleave(components: &[Vec<i32>], stream: &CodeStream, format: &PixelFormat) -> Result<Vec<i32>, String> {
    let pixels = format.rows * format.columns;
    if components.len() < format.samples || components.iter().any(|component| component.len() != pixels) {
        return Err("the JPEG 2000 image has another size than its header says".into());
    }
    let mut values = vec![0; pixels * format.samples];
    for (n, (component, sample)) in components.iter().zip(&stream.samples).take(format.samples).enumerate() {
        for (target, &value) in values.iter_mut().skip(n).step_by(format.samples).zip(component) {
            *target = sample.stored(value, format);
        }
    }
    Ok(values)
}

/// `None` for what `hayro-jpeg2000` does not know.
fn decode_lossless(stream: &CodeStream, format: &PixelFormat) -> Result<Option<Vec<i32>>, String> {
    let failed = |e: DecodeError| match e {
        DecodeError::Marker(MarkerError::Unsupported) => Ok(None),
        e => Err(format!("the JPEG 2000 data cannot be decoded: {e}")),
    };
    // A stream that ends early is an error.
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = match Image::new(stream.data, &settings) {
        Ok(image) => image,
        Err(e) => return failed(e),
    };
    expect_size(format, image.width() as usize, image.height() as usize)?;
    let mut context = DecoderContext::default();
    let decoded = match image.decode(&mut context) {
        Ok(decoded) => decoded,
        Err(e) => return failed(e),
    };
    let components = decoded.components();
    if components.len() < format.samples {
        let (got, wanted) = (components.len(), format.samples);
        return Err(format!("the JPEG 2000 image has {got} components, the header says {wanted}"));
    }
    let pixels = format.rows * format.columns;
    let mut values = vec![0; pixels * format.samples];
    for (n, (component, sample)) in components.iter().zip(&stream.samples).take(format.samples).enumerate() {
        if component.samples().len() < pixels {
            return Err("the JPEG 2000 image has fewer pixels than its header says".into());
        }
        let half = if sample.is_signed { 1 << (sample.bits - 1) } else { 0 };
        let most = f32::from(u16::MAX >> (MOST_EXACT_BITS - sample.bits));
        for (target, value) in values.iter_mut().skip(n).step_by(format.samples).zip(component.samples()) {
            let value = i32::try_from(whole(f64::from(value.clamp(0.0, most)))).unwrap_or_default() - half;
            *target = sample.stored(value, format);
        }
    }
    Ok(Some(values))
}

fn run_decoder(data: &[u8], format: &PixelFormat) -> Result<Vec<i32>, String> {
    let parameters = jpeg2k::DecodeParameters::new().strict(true);
    let image = jpeg2k::Image::from_bytes_with(data, parameters)
        .map_err(|e| format!("the JPEG 2000 data cannot be decoded: {e}"))?;
    let components = image.components();
    if components.len() < format.samples {
        let (got, wanted) = (components.len(), format.samples);
        return Err(format!("the JPEG 2000 image has {got} components, the header says {wanted}"));
    }
    let mut values = vec![0; format.rows * format.columns * format.samples];
    for (n, component) in components.iter().take(format.samples).enumerate() {
        expect_size(format, component.width() as usize, component.height() as usize)?;
        let sample = SampleFormat { bits: component.precision().clamp(1, 31), is_signed: component.is_signed() };
        for (target, &value) in values.iter_mut().skip(n).step_by(format.samples).zip(component.data()) {
            *target = sample.stored(value, format);
        }
    }
    Ok(values)
}
