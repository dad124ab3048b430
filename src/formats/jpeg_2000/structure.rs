//! What a tile is made of: components, resolutions, bands, precincts and code blocks (ISO/IEC 15444-1 annex B).

use std::ops::Range;

use super::area::Area;
use super::blocks::Kind;
use super::header::{Header, Tile};
use super::tag_tree::TagTree;

/// A run of bytes that the decoder of a code block reads without a new start.
pub struct Segment {
    pub passes: u32,
    /// Places in the data of the tile.
    pub chunks: Vec<Range<usize>>,
}

pub struct Block {
    /// In the coordinates of the band.
    pub area: Area,
    pub is_included: bool,
    pub zero_planes: u32,
    pub length_bits: u32,
    pub segments: Vec<Segment>,
}

/// The code blocks of a band that lie in a precinct.
pub struct Group {
    pub blocks_across: usize,
    pub inclusion: TagTree,
    pub zero_planes: TagTree,
    pub blocks: Vec<Block>,
}

pub struct Precinct {
    /// For each band of the resolution.
    pub groups: Vec<Group>,
    /// Where it comes in orders by place, on the reference grid.
    pub place: [u64; 2],
    /// The layer of its next packet.
    pub layer: u32,
}

pub struct Band {
    pub kind: Kind,
    pub area: Area,
    /// Bit planes that its coefficients may have.
    pub planes: u32,
    /// Where its coefficients lie in the plane of the component: behind those of lower resolutions.
    pub offset: [usize; 2],
}

pub struct Resolution {
    pub area: Area,
    pub bands: Vec<Band>,
    pub precincts: Vec<Precinct>,
}

pub struct TileComponent {
    pub style: u8,
    pub resolutions: Vec<Resolution>,
}

/// What may still be made: headers that claim more than the bytes can hold are made to exhaust memory.
struct Budget {
    packets: u64,
    blocks: u64,
}

impl Budget {
    fn take(left: &mut u64, count: u64) -> Option<()> {
        *left = left.checked_sub(count)?;
        Some(())
    }
}

/// `None` for more packets or code blocks than the bytes of the tile can hold.
pub fn build(header: &Header, tile: &Tile, area: Area) -> Option<Vec<TileComponent>> {
    let bytes = tile.data.len() as u64;
    // A packet takes a byte; many blocks can be left out by one bit, but not without end.
    let mut budget = Budget { packets: bytes, blocks: 16 * bytes + (1 << 16) };
    (0..header.components.len()).map(|n| component(header, tile, area, n, &mut budget)).collect()
}

fn component(header: &Header, tile: &Tile, area: Area, number: usize, budget: &mut Budget) -> Option<TileComponent> {
    let coding = header.coding(tile, number)?;
    let ranges = header.ranges(tile, number)?;
    let layers = u64::from(header.packets(tile)?.layers);
    let mut resolutions = Vec::new();
    for (resolution, &precinct) in (0u32..).zip(&coding.precincts) {
        let shrink = coding.levels - resolution;
        let whole = area.band(shrink, [false; 2]);
        let mut bands = Vec::new();
        let kinds = if resolution == 0 { &[Kind::Ll][..] } else { &[Kind::Hl, Kind::Lh, Kind::Hh] };
        for (n, &kind) in kinds.iter().enumerate() {
            let high = kind.high();
            let levels = if resolution == 0 { shrink } else { shrink + 1 };
            let lower = area.band(levels, [false; 2]);
            let exponent = if resolution == 0 { 0 } else { 3 * resolution as usize - 2 + n };
            bands.push(Band {
                kind,
                area: area.band(levels, high),
                planes: (ranges.guard + ranges.exponents.get(exponent)?).checked_sub(1)?,
                offset: [
                    if high[0] { lower.width() as usize } else { 0 },
                    if high[1] { lower.height() as usize } else { 0 },
                ],
            });
        }
        let cells = whole.cells(precinct);
        Budget::take(&mut budget.packets, cells.width().checked_mul(cells.height())?.checked_mul(layers)?)?;
        // Bands of higher resolutions are half as wide and high.
        let halving = u32::from(resolution > 0);
        let share = precinct.map(|exponent| exponent - halving);
        let side = [coding.block[0].min(share[0]), coding.block[1].min(share[1])];
        let mut precincts = Vec::new();
        for row in cells.top..cells.bottom {
            for column in cells.left..cells.right {
                let cell = Area::cell(column, row, share);
                let groups =
                    bands.iter().map(|band| group(band.area.cut(cell), side, budget)).collect::<Option<_>>()?;
                let place = |at: u64, start: u64, exponent: u32, tile_start: u64| {
                    if at << exponent < start { tile_start } else { at << (exponent + shrink) }
                };
                let place =
                    [place(column, whole.left, precinct[0], area.left), place(row, whole.top, precinct[1], area.top)];
                precincts.push(Precinct { groups, place, layer: 0 });
            }
        }
        resolutions.push(Resolution { area: whole, bands, precincts });
    }
    Some(TileComponent { style: coding.style, resolutions })
}

fn group(area: Area, side: [u32; 2], budget: &mut Budget) -> Option<Group> {
    let cells = area.cells(side);
    let (across, down) = (cells.width() as usize, cells.height() as usize);
    Budget::take(&mut budget.blocks, cells.width().checked_mul(cells.height())?)?;
    let mut blocks = Vec::with_capacity(across * down);
    for row in cells.top..cells.bottom {
        for column in cells.left..cells.right {
            blocks.push(Block {
                area: Area::cell(column, row, side).cut(area),
                is_included: false,
                zero_planes: 0,
                length_bits: 3,
                segments: Vec::new(),
            });
        }
    }
    let (inclusion, zero_planes) = (TagTree::new(across, down), TagTree::new(across, down));
    Some(Group { blocks_across: across, inclusion, zero_planes, blocks })
}
