//! Decoding lossless JPEG 2000 (ISO/IEC 15444-1).
//!
//! Nearly all of the time goes into the bits of the code blocks: [`blocks`] decodes them with hardly a branch that a processor has to guess.
//!
//! It is a faster way to what other decoders make of the same bytes, and [`decode`] gives nothing wherever anything is wrong or not known here:
//! the irreversible wavelet and quantized coefficients, regions of interest, packed packet headers (PPM, PPT), subsampled components,
//! high throughput (part 15), samples of more than 16 bits, coefficients of more than 30, more than eight components, code streams that end early, and bytes that belong to
//! no packet. Hints (PLT, PLM, TLM, CRG, COM) are passed over.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "bits of a number are what is meant, and lengths are those of images in memory"
)]
#![allow(clippy::inline_always, reason = "a call costs more than what it does")]

mod area;
mod bits;
mod blocks;
mod header;
mod markers;
mod order;
mod packets;
mod structure;
mod tag_tree;
#[cfg(test)]
mod tests;
mod tile;
mod wavelet;

use area::Area;

/// The samples of each component, row after row, each with its own sign.
pub type Components = Vec<Vec<i32>>;

/// Decodes a code stream that starts with its SOC marker; `None` for what is not known here, for what is damaged, and where all components
/// together have more samples than `most`.
pub fn decode(stream: &[u8], most: u64) -> Option<Components> {
    let (header, tiles) = markers::read(stream)?;
    let area = header.area;
    let samples = area.width().checked_mul(area.height())?.checked_mul(header.components.len() as u64)?;
    if area.is_empty() || samples > most {
        return None;
    }
    let mut decoder = blocks::Decoder::default();
    if let [tile] = tiles.as_slice() {
        return tile::decode(&header, tile, area, &mut decoder);
    }
    let (width, height) = (area.width() as usize, area.height() as usize);
    let mut components = vec![vec![0; width * height]; header.components.len()];
    for (n, tile) in tiles.iter().enumerate() {
        let part = header.tile_area(n as u64);
        let planes = tile::decode(&header, tile, part, &mut decoder)?;
        copy(&mut components, area, &planes, part);
    }
    Some(components)
}

/// Puts the samples of a tile into the image.
fn copy(components: &mut [Vec<i32>], image: Area, planes: &[Vec<i32>], part: Area) {
    let (stride, width) = (image.width() as usize, part.width() as usize);
    let start = (part.top - image.top) as usize * stride + (part.left - image.left) as usize;
    for (component, plane) in components.iter_mut().zip(planes) {
        for (target, row) in component[start..].chunks_mut(stride).zip(plane.chunks_exact(width)) {
            target[..width].copy_from_slice(row);
        }
    }
}
