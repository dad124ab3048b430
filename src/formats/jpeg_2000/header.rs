//! What the markers say of an image and of its tiles.

use super::area::Area;

/// Styles of code blocks (ISO/IEC 15444-1 table A.19).
pub mod style {
    /// Lower bit planes bypass the arithmetic decoder.
    pub const BYPASS: u8 = 1;
    /// Contexts start anew with each pass.
    pub const RESET: u8 = 2;
    /// Each pass ends its segment.
    pub const TERMINATE: u8 = 4;
    /// Stripes do not look at the one below.
    pub const CAUSAL: u8 = 8;
    /// The end of a segment lets errors be found; decoding is the same.
    pub const PREDICTABLE: u8 = 16;
    /// A known symbol ends each bit plane.
    pub const SYMBOLS: u8 = 32;
    pub const KNOWN: u8 = BYPASS | RESET | TERMINATE | CAUSAL | PREDICTABLE | SYMBOLS;
}

#[derive(Clone, Copy)]
pub struct Component {
    pub bits: u32,
    pub is_signed: bool,
}

/// COD or COC: how a component is coded.
#[derive(Clone)]
pub struct Coding {
    pub levels: u32,
    /// Exponents of the width and the height of code blocks.
    pub block: [u32; 2],
    pub style: u8,
    /// Exponents of the width and the height of the precincts of each resolution, the lowest first.
    pub precincts: Vec<[u32; 2]>,
}

/// The part of COD that holds for all components of a tile.
#[derive(Clone, Copy)]
pub struct Packets {
    pub order: u8,
    pub layers: u32,
    pub has_colour_transform: bool,
    pub may_have_starts: bool,
    pub may_have_ends: bool,
}

/// QCD or QCC: bits that the coefficients of each band may take beyond the guard bits.
#[derive(Clone)]
pub struct Ranges {
    pub guard: u32,
    pub exponents: Vec<u32>,
}

/// POC: packets of these resolutions, components and layers come in this order.
#[derive(Clone, Copy)]
pub struct Progression {
    pub order: u8,
    pub resolutions: [u32; 2],
    pub components: [usize; 2],
    pub layers: u32,
}

/// What a main header or the header of a tile says.
#[derive(Clone, Default)]
pub struct Parameters {
    pub packets: Option<Packets>,
    pub coding: Option<Coding>,
    pub ranges: Option<Ranges>,
    pub component_coding: Vec<Option<Coding>>,
    pub component_ranges: Vec<Option<Ranges>>,
    pub progressions: Vec<Progression>,
}

pub struct Header {
    pub area: Area,
    pub components: Vec<Component>,
    /// The first tile, which may begin outside of the image.
    pub first_tile: Area,
    pub parameters: Parameters,
}

/// A tile: its own parameters, and the bytes of its packets.
pub struct Tile {
    pub parameters: Parameters,
    pub data: Vec<u8>,
}

impl Header {
    pub fn tiles_across(&self) -> u64 {
        (self.area.right - self.first_tile.left).div_ceil(self.first_tile.width())
    }

    pub fn tiles_down(&self) -> u64 {
        (self.area.bottom - self.first_tile.top).div_ceil(self.first_tile.height())
    }

    pub fn tile_area(&self, number: u64) -> Area {
        let (column, row) = (number % self.tiles_across(), number / self.tiles_across());
        let (width, height) = (self.first_tile.width(), self.first_tile.height());
        let (left, top) = (self.first_tile.left + column * width, self.first_tile.top + row * height);
        Area { left, top, right: left + width, bottom: top + height }.cut(self.area)
    }

    /// How a component of a tile is coded: what is nearer to it counts.
    pub fn coding<'a>(&'a self, tile: &'a Tile, component: usize) -> Option<&'a Coding> {
        let own = |given: &'a Parameters| given.component_coding.get(component).and_then(Option::as_ref);
        own(&tile.parameters)
            .or(tile.parameters.coding.as_ref())
            .or_else(|| own(&self.parameters))
            .or(self.parameters.coding.as_ref())
    }

    pub fn ranges<'a>(&'a self, tile: &'a Tile, component: usize) -> Option<&'a Ranges> {
        let own = |given: &'a Parameters| given.component_ranges.get(component).and_then(Option::as_ref);
        own(&tile.parameters)
            .or(tile.parameters.ranges.as_ref())
            .or_else(|| own(&self.parameters))
            .or(self.parameters.ranges.as_ref())
    }

    pub fn packets(&self, tile: &Tile) -> Option<Packets> {
        tile.parameters.packets.or(self.parameters.packets)
    }

    pub fn progressions<'a>(&'a self, tile: &'a Tile) -> &'a [Progression] {
        if tile.parameters.progressions.is_empty() {
            &self.parameters.progressions
        } else {
            &tile.parameters.progressions
        }
    }
}
