//! Colours of a scan that is laid over a slice.

use super::colour_map::ColourMap;
use crate::volume::Window;

/// How values become colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OverlayLook {
    /// Display window.
    pub window: Window,
    /// Colours from its low to its high end.
    pub colours: ColourMap,
    /// Whether the scan's small values are bright (MONOCHROME1).
    pub is_inverted: bool,
    /// Whether values below the window are clear.
    pub hides_low: bool,
}

impl OverlayLook {
    /// Red, green and blue of every value; `None` where there is nothing to show.
    pub fn colour_all(self, values: &[f32]) -> impl Iterator<Item = Option<[u8; 3]>> {
        let table = self.colours.table();
        let low = self.window.level - self.window.width / 2.0;
        values.iter().map(move |&value| {
            let value = f64::from(value);
            if value.is_nan() || (self.hides_low && value < low) {
                return None;
            }
            let grey = (self.window.grey(value) * 255.0) as u8;
            table.get(usize::from(if self.is_inverted { !grey } else { grey })).copied()
        })
    }
}

/// A slice of another scan, to be laid over one.
pub struct OverlaySlice {
    /// Values at the pixels of the slice, row by row; NaN where there is none.
    pub values: Vec<f32>,
    /// How they become colours.
    pub look: OverlayLook,
    /// Opacity of all of it.
    pub opacity: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_too_low_is_clear() {
        let look = OverlayLook {
            window: Window::spanning(0.0, 255.0),
            colours: ColourMap::Grey,
            is_inverted: false,
            hides_low: false,
        };
        let colours = |look: OverlayLook| look.colour_all(&[f32::NAN, -1.0, 0.0, 51.0, 300.0]).collect::<Vec<_>>();
        assert_eq!(colours(look), [None, Some([0; 3]), Some([0; 3]), Some([51; 3]), Some([255; 3])]);
        let hides = OverlayLook { hides_low: true, ..look };
        assert_eq!(colours(hides), [None, None, Some([0; 3]), Some([51; 3]), Some([255; 3])]);
        let inverted = OverlayLook { is_inverted: true, ..look };
        assert_eq!(colours(inverted)[2..4], [Some([255; 3]), Some([204; 3])]);
    }
}
