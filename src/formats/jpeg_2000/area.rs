//! Rectangles on the reference grid, and what is left of them at lower resolutions (ISO/IEC 15444-1 annex B).

/// From `left` and `top` to before `right` and `bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub left: u64,
    pub top: u64,
    pub right: u64,
    pub bottom: u64,
}

impl Area {
    pub fn width(self) -> u64 {
        self.right.saturating_sub(self.left)
    }

    pub fn height(self) -> u64 {
        self.bottom.saturating_sub(self.top)
    }

    pub fn is_empty(self) -> bool {
        self.width() == 0 || self.height() == 0
    }

    /// The part that lies in the other one as well.
    pub fn cut(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// The area of a band after so many decompositions; `high` says along which axes it is the high one (formula B-15).
    pub fn band(self, levels: u32, high: [bool; 2]) -> Self {
        let at = |value: u64, is_high: bool| {
            let before = if is_high { (1 << levels) >> 1 } else { 0 };
            value.saturating_sub(before).div_ceil(1 << levels)
        };
        Self {
            left: at(self.left, high[0]),
            top: at(self.top, high[1]),
            right: at(self.right, high[0]),
            bottom: at(self.bottom, high[1]),
        }
    }

    /// The cells of a grid (width and height as powers of two) that it touches.
    pub fn cells(self, exponents: [u32; 2]) -> Self {
        if self.is_empty() {
            return Self { left: 0, top: 0, right: 0, bottom: 0 };
        }
        Self {
            left: self.left >> exponents[0],
            top: self.top >> exponents[1],
            right: self.right.div_ceil(1 << exponents[0]),
            bottom: self.bottom.div_ceil(1 << exponents[1]),
        }
    }

    /// A cell of such a grid.
    pub fn cell(column: u64, row: u64, exponents: [u32; 2]) -> Self {
        Self {
            left: column << exponents[0],
            top: row << exponents[1],
            right: (column + 1) << exponents[0],
            bottom: (row + 1) << exponents[1],
        }
    }
}
