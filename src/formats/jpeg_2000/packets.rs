//! Packets: which code blocks a layer adds to, and with how many passes and bytes (ISO/IEC 15444-1 sections B.9 and B.10).

use super::bits::Bits;
use super::blocks::MOST_PLANES;
use super::header::{Header, Packets, Progression, Tile, style};
use super::order::{self, Place};
use super::structure::{Block, Precinct, Segment, TileComponent};

/// No code block has more bit planes that are zero, more passes, nor lengths of more bits.
const MOST_ZERO_PLANES: u32 = 80;
const MOST_PASSES: u32 = 3 * MOST_PLANES;
const MOST_LENGTH_BITS: u32 = 31;
/// Passes of the first segment where lower bit planes bypass the arithmetic decoder.
const PASSES_BEFORE_BYPASS: u32 = 10;

/// Reads all packets of a tile; `None` where some are missing, or bytes are left.
pub fn read(header: &Header, tile: &Tile, components: &mut [TileComponent]) -> Option<()> {
    let packets = header.packets(tile)?;
    let all = [Progression {
        order: packets.order,
        resolutions: [0, u32::MAX],
        components: [0, components.len()],
        layers: packets.layers,
    }];
    let given = header.progressions(tile);
    let mut at = 0;
    for progression in if given.is_empty() { &all } else { given } {
        let progression = Progression { layers: progression.layers.min(packets.layers), ..*progression };
        order::each(&progression, components, |components, place| {
            at = one(&tile.data, at, packets, components, place)?;
            Some(())
        })?;
    }
    let mut precincts =
        components.iter().flat_map(|component| &component.resolutions).flat_map(|level| &level.precincts);
    let is_whole = at == tile.data.len() && precincts.all(|precinct| precinct.layer == packets.layers);
    is_whole.then_some(())
}

/// Reads the packet that starts at `at`, and says where the next one starts.
fn one(data: &[u8], at: usize, packets: Packets, components: &mut [TileComponent], place: Place) -> Option<usize> {
    let component = components.get_mut(place.component)?;
    let style = component.style;
    let precinct = component.resolutions.get_mut(place.resolution)?.precincts.get_mut(place.precinct)?;
    // Where one order follows another, packets that came before are left out.
    if place.layer < precinct.layer {
        return Some(at);
    }
    if place.layer > precinct.layer {
        return None;
    }
    precinct.layer += 1;
    let mut at = at;
    if packets.may_have_starts && data.get(at..at + 2)? == [0xFF, 0x91] {
        at += 6;
    }
    let mut bits = Bits::new(data.get(at..)?);
    let mut added = Vec::new();
    if bits.bit()? == 1 {
        head(&mut bits, precinct, place.layer, style, &mut added)?;
    }
    at += bits.end()?;
    if packets.may_have_ends && data.get(at..).is_some_and(|rest| rest.starts_with(&[0xFF, 0x92])) {
        at += 2;
    }
    for (group, block, segment, length) in added {
        let end = at.checked_add(length).filter(|&end| end <= data.len())?;
        precinct.groups[group].blocks[block].segments[segment].chunks.push(at..end);
        at = end;
    }
    Some(at)
}

/// Reads the header; `added` takes the group, code block, segment and number of bytes.
fn head(
    bits: &mut Bits,
    precinct: &mut Precinct,
    layer: u32,
    style: u8,
    added: &mut Vec<(usize, usize, usize, usize)>,
) -> Option<()> {
    for (n, group) in precinct.groups.iter_mut().enumerate() {
        for (m, block) in group.blocks.iter_mut().enumerate() {
            let at = [m % group.blocks_across, m / group.blocks_across];
            let adds =
                if block.is_included { bits.bit()? == 1 } else { group.inclusion.is_below(bits, at, layer + 1)? };
            if !adds {
                continue;
            }
            if !block.is_included {
                block.is_included = true;
                while !group.zero_planes.is_below(bits, at, block.zero_planes + 1)? {
                    block.zero_planes += 1;
                    if block.zero_planes > MOST_ZERO_PLANES {
                        return None;
                    }
                }
            }
            let passes = passes(bits)?;
            while bits.bit()? == 1 {
                block.length_bits += 1;
            }
            for (segment, passes) in share(block, passes, style)? {
                let length_bits = block.length_bits + passes.ilog2();
                if length_bits > MOST_LENGTH_BITS {
                    return None;
                }
                added.push((n, m, segment, bits.bits(length_bits)? as usize));
            }
        }
    }
    Some(())
}

/// How many passes are added (table B.4).
fn passes(bits: &mut Bits) -> Option<u32> {
    if bits.bit()? == 0 {
        return Some(1);
    }
    if bits.bit()? == 0 {
        return Some(2);
    }
    Some(match bits.bits(2)? {
        3 => match bits.bits(5)? {
            31 => 37 + bits.bits(7)?,
            more => 6 + more,
        },
        more => 3 + more,
    })
}

/// Shares new passes out over segments: the last one, where it is open, and new ones. Gives each with its share.
fn share(block: &mut Block, mut passes: u32, style: u8) -> Option<Vec<(usize, u32)>> {
    let mut shares = Vec::new();
    let mut before: u32 = block.segments.iter().map(|segment| segment.passes).sum();
    if before + passes > MOST_PASSES {
        return None;
    }
    while passes > 0 {
        let is_open = |last: &Segment| last.passes < most_passes(before - last.passes, style);
        if !block.segments.last().is_some_and(is_open) {
            block.segments.push(Segment { passes: 0, chunks: Vec::new() });
        }
        let number = block.segments.len() - 1;
        let last = &mut block.segments[number];
        let taken = passes.min(most_passes(before - last.passes, style) - last.passes);
        last.passes += taken;
        before += taken;
        passes -= taken;
        shares.push((number, taken));
    }
    Some(shares)
}

/// The passes of a segment that starts behind so many (table D.9).
fn most_passes(before: u32, style: u8) -> u32 {
    if style & style::TERMINATE != 0 {
        1
    } else if style & style::BYPASS == 0 {
        u32::MAX
    } else if before < PASSES_BEFORE_BYPASS {
        PASSES_BEFORE_BYPASS - before
    } else if is_raw(before, style) {
        2
    } else {
        1
    }
}

/// Whether the bits of a pass are not coded arithmetically.
pub fn is_raw(pass: u32, style: u8) -> bool {
    style & style::BYPASS != 0 && pass >= PASSES_BEFORE_BYPASS && !pass.is_multiple_of(3)
}
