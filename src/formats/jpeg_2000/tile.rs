//! Decoding a tile: packets, code blocks, wavelet, colours.

use super::area::Area;
use super::blocks::{Decoder, Shape};
use super::header::{Header, Tile};
use super::structure::{Block, Resolution, TileComponent};
use super::{packets, structure, wavelet};

/// Gives the samples of each component of a tile, row after row.
pub fn decode(header: &Header, tile: &Tile, area: Area, decoder: &mut Decoder) -> Option<Vec<Vec<i32>>> {
    let mut components = structure::build(header, tile, area)?;
    packets::read(header, tile, &mut components)?;
    let mut planes = Vec::with_capacity(components.len());
    for component in &components {
        planes.push(plane(component, &tile.data, area, decoder)?);
    }
    if header.packets(tile)?.has_colour_transform {
        let [red, green, blue, ..] = planes.as_mut_slice() else { return None };
        undo_colours(red, green, blue);
    }
    for (plane, component) in planes.iter_mut().zip(&header.components) {
        let half = 1 << (component.bits - 1);
        let (least, most, shift) = if component.is_signed { (-half, half - 1, 0) } else { (0, 2 * half - 1, half) };
        for sample in plane {
            *sample = sample.wrapping_add(shift).clamp(least, most);
        }
    }
    Some(planes)
}

fn plane(component: &TileComponent, data: &[u8], area: Area, decoder: &mut Decoder) -> Option<Vec<i32>> {
    let stride = area.width() as usize;
    let mut plane = vec![0; stride * area.height() as usize];
    let mut bytes = Vec::new();
    for (n, resolution) in component.resolutions.iter().enumerate() {
        coefficients(resolution, component.style, data, &mut plane, stride, decoder, &mut bytes)?;
        if n > 0 {
            wavelet::undo(&mut plane, stride, resolution.area);
        }
    }
    Some(plane)
}

/// Decodes the code blocks of a resolution into the plane of its component.
fn coefficients(
    resolution: &Resolution,
    style: u8,
    data: &[u8],
    plane: &mut [i32],
    stride: usize,
    decoder: &mut Decoder,
    bytes: &mut Vec<u8>,
) -> Option<()> {
    for precinct in &resolution.precincts {
        for (band, group) in resolution.bands.iter().zip(&precinct.groups) {
            for Block { area, zero_planes, segments, .. } in &group.blocks {
                if segments.is_empty() {
                    continue;
                }
                let planes = band.planes.checked_sub(*zero_planes)?;
                let (width, height) = (area.width() as usize, area.height() as usize);
                decoder.start(Shape { width, height, kind: band.kind, planes, style })?;
                for segment in segments {
                    bytes.clear();
                    for chunk in &segment.chunks {
                        bytes.extend_from_slice(&data[chunk.clone()]);
                    }
                    decoder.run(bytes, segment.passes)?;
                }
                let row = band.offset[1] + (area.top - band.area.top) as usize;
                let column = band.offset[0] + (area.left - band.area.left) as usize;
                decoder.finish(plane.get_mut(row * stride + column..)?, stride);
            }
        }
    }
    Some(())
}

/// The reversible transform of colours (ISO/IEC 15444-1 section G.2).
fn undo_colours(red: &mut [i32], green: &mut [i32], blue: &mut [i32]) {
    for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
        let (luminance, from_blue, from_red) = (*red, *green, *blue);
        *green = luminance.wrapping_sub(from_blue.wrapping_add(from_red) >> 2);
        *red = from_red.wrapping_add(*green);
        *blue = from_blue.wrapping_add(*green);
    }
}
