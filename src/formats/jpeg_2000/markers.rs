//! The markers of a code stream (ISO/IEC 15444-1 annex A).

use super::area::Area;
use super::header::{Coding, Component, Header, Packets, Parameters, Progression, Ranges, Tile, style};

const SIZ: u16 = 0xFF51;
const COD: u16 = 0xFF52;
const COC: u16 = 0xFF53;
const QCD: u16 = 0xFF5C;
const QCC: u16 = 0xFF5D;
const POC: u16 = 0xFF5F;
const SOT: u16 = 0xFF90;
const SOD: u16 = 0xFF93;
/// Lengths of tile parts and of packets, comments, and where components lie.
const HINTS: [u16; 5] = [0xFF55, 0xFF57, 0xFF58, 0xFF63, 0xFF64];

const MOST_COMPONENTS: usize = 8;
const MOST_LEVELS: u32 = 32;

/// Reads big-endian numbers one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from(self.u8()?) << 8 | u16::from(self.u8()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// What a marker segment holds behind its length.
    fn segment(&mut self) -> Option<Reader<'a>> {
        let length = usize::from(self.u16()?).checked_sub(2)?;
        self.take(length).map(Reader)
    }
}

/// Reads the main header and all tile parts.
pub fn read(stream: &[u8]) -> Option<(Header, Vec<Tile>)> {
    let mut reader = Reader(stream);
    if reader.u16()? != 0xFF4F || reader.u16()? != SIZ {
        return None;
    }
    let mut header = size(reader.segment()?)?;
    let components = header.components.len();
    loop {
        match reader.u16()? {
            SOT => break,
            marker => parameter(marker, reader.segment()?, components, &mut header.parameters)?,
        }
    }
    let count = header.tiles_across().checked_mul(header.tiles_down())?;
    // Each has a header of 14 bytes at least.
    if count.checked_mul(14)? > stream.len() as u64 {
        return None;
    }
    let mut tiles: Vec<Tile> = Vec::new();
    tiles.resize_with(count as usize, || Tile { parameters: Parameters::default(), data: Vec::new() });
    let mut parts_seen = vec![0u16; tiles.len()];
    loop {
        // Behind the marker SOT.
        let part_start = stream.len() - reader.0.len() - 2;
        let mut fields = reader.segment()?;
        let number = usize::from(fields.u16()?);
        let length = fields.u32()? as usize;
        let part = fields.u8()?;
        let tile = tiles.get_mut(number)?;
        if u16::from(part) != parts_seen[number] {
            return None;
        }
        parts_seen[number] += 1;
        loop {
            match reader.u16()? {
                SOD => break,
                marker => parameter(marker, reader.segment()?, components, &mut tile.parameters)?,
            }
        }
        let data_start = stream.len() - reader.0.len();
        let is_last = length == 0;
        let data = if is_last {
            // The last part goes to the end of the code stream.
            let rest = reader.take(reader.0.len())?;
            rest.strip_suffix(&[0xFF, 0xD9]).unwrap_or(rest)
        } else {
            reader.take((part_start + length).checked_sub(data_start)?)?
        };
        tile.data.extend_from_slice(data);
        if is_last {
            break;
        }
        match reader.u16()? {
            SOT => {}
            0xFFD9 => break,
            _ => return None,
        }
    }
    parts_seen.iter().all(|&parts| parts > 0).then_some((header, tiles))
}

fn size(mut segment: Reader) -> Option<Header> {
    segment.u16()?;
    let mut next = || segment.u32().map(u64::from);
    let (right, bottom, left, top) = (next()?, next()?, next()?, next()?);
    let (width, height, tile_left, tile_top) = (next()?, next()?, next()?, next()?);
    let area = Area { left, top, right, bottom };
    let first_tile = Area { left: tile_left, top: tile_top, right: tile_left + width, bottom: tile_top + height };
    if area.is_empty() || first_tile.is_empty() || first_tile.cut(area).is_empty() || tile_left > left || tile_top > top
    {
        return None;
    }
    let count = usize::from(segment.u16()?);
    if count == 0 || count > MOST_COMPONENTS {
        return None;
    }
    let mut components = Vec::with_capacity(count);
    for _ in 0..count {
        let precision = segment.u8()?;
        let bits = u32::from(precision & 0x7F) + 1;
        if bits > 16 || segment.u16()? != 0x0101 {
            return None;
        }
        components.push(Component { bits, is_signed: precision & 0x80 != 0 });
    }
    Some(Header { area, components, first_tile, parameters: Parameters::default() })
}

/// Takes in a marker segment of a main header or of a tile part; `None` for what is not known.
fn parameter(marker: u16, mut segment: Reader, components: usize, given: &mut Parameters) -> Option<()> {
    match marker {
        COD => {
            let scope = segment.u8()?;
            let order = segment.u8()?;
            let layers = u32::from(segment.u16()?);
            let transform = segment.u8()?;
            if layers == 0 || transform > 1 || order > 4 {
                return None;
            }
            given.packets = Some(Packets {
                order,
                layers,
                has_colour_transform: transform == 1,
                may_have_starts: scope & 2 != 0,
                may_have_ends: scope & 4 != 0,
            });
            given.coding = Some(coding(&mut segment, scope & 1 != 0)?);
        }
        COC => {
            let component = usize::from(segment.u8()?);
            let scope = segment.u8()?;
            let coding = coding(&mut segment, scope & 1 != 0)?;
            given.component_coding.resize(components, None);
            *given.component_coding.get_mut(component)? = Some(coding);
        }
        QCD => given.ranges = Some(ranges(&mut segment)?),
        QCC => {
            let component = usize::from(segment.u8()?);
            let ranges = ranges(&mut segment)?;
            given.component_ranges.resize(components, None);
            *given.component_ranges.get_mut(component)? = Some(ranges);
        }
        POC => {
            while !segment.0.is_empty() {
                let (first_resolution, first_component) = (segment.u8()?, segment.u8()?);
                let layers = segment.u16()?;
                let (last_resolution, last_component, order) = (segment.u8()?, segment.u8()?, segment.u8()?);
                if order > 4 {
                    return None;
                }
                // 0 stands for 256 components.
                let end = if last_component == 0 { 256 } else { usize::from(last_component) };
                given.progressions.push(Progression {
                    order,
                    resolutions: [u32::from(first_resolution), u32::from(last_resolution)],
                    components: [usize::from(first_component), end.min(components)],
                    layers: u32::from(layers),
                });
            }
        }
        marker if HINTS.contains(&marker) => {}
        _ => return None,
    }
    Some(())
}

fn coding(segment: &mut Reader, has_precincts: bool) -> Option<Coding> {
    let levels = u32::from(segment.u8()?);
    let block = [u32::from(segment.u8()?) + 2, u32::from(segment.u8()?) + 2];
    let (style, wavelet) = (segment.u8()?, segment.u8()?);
    let fits = levels <= MOST_LEVELS && block.iter().all(|&side| side <= 10) && block[0] + block[1] <= 12;
    if !fits || style & !style::KNOWN != 0 || wavelet != 1 {
        return None;
    }
    let mut precincts = Vec::new();
    for resolution in 0..=levels {
        let sizes = if has_precincts { u32::from(segment.u8()?) } else { 0xFF };
        let exponents = [sizes & 15, sizes >> 4];
        // A precinct of higher resolutions is shared by bands of half its size.
        if resolution > 0 && exponents.contains(&0) {
            return None;
        }
        precincts.push(exponents);
    }
    Some(Coding { levels, block, style, precincts })
}

fn ranges(segment: &mut Reader) -> Option<Ranges> {
    let kind = segment.u8()?;
    if kind & 31 != 0 {
        return None;
    }
    let exponents = segment.0.iter().map(|&byte| u32::from(byte >> 3)).collect();
    Some(Ranges { guard: u32::from(kind >> 5), exponents })
}
