//! Colours for values: tables of 256 entries from the low to the high end of a window.

use serde::{Deserialize, Serialize};

/// A table of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "&str")]
pub enum ColourMap {
    /// Black to white.
    Grey,
    /// White to black, as PET is read.
    InverseGrey,
    /// Black, red, yellow, white.
    #[default]
    Hot,
    /// Blue, cyan, yellow, red.
    Jet,
    /// Violet, green, yellow; evenly brighter, and safe where colours are told apart badly.
    Viridis,
}

/// Every fifth entry of viridis (Smith and van der Walt, 2015, public domain: `matplotlib/_cm_listed.py`); between them the table is
/// straight to within one step.
const VIRIDIS: [u8; 156] = [
    68, 1, 84, 70, 8, 92, 71, 16, 99, 72, 23, 105, 72, 29, 111, 72, 36, 117, 71, 42, 122, 70, 48, 126, 69, 55, 129, 67,
    61, 132, 65, 66, 135, 63, 72, 137, 61, 78, 138, 58, 83, 139, 56, 89, 140, 53, 94, 141, 51, 99, 141, 49, 104, 142,
    46, 109, 142, 44, 113, 142, 42, 118, 142, 41, 123, 142, 39, 128, 142, 37, 132, 142, 35, 137, 142, 33, 142, 141, 32,
    146, 140, 31, 151, 139, 30, 156, 137, 31, 161, 136, 33, 165, 133, 36, 170, 131, 40, 174, 128, 46, 179, 124, 53,
    183, 121, 61, 188, 116, 70, 192, 111, 80, 196, 106, 90, 200, 100, 101, 203, 94, 112, 207, 87, 124, 210, 80, 137,
    213, 72, 149, 216, 64, 162, 218, 55, 176, 221, 47, 189, 223, 38, 202, 225, 31, 216, 226, 25, 229, 228, 25, 241,
    229, 29, 253, 231, 37,
];

impl ColourMap {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Grey, Self::InverseGrey, Self::Hot, Self::Jet, Self::Viridis];

    /// For the list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "Grey",
            Self::InverseGrey => "Inverse grey (PET)",
            Self::Hot => "Hot",
            Self::Jet => "Rainbow (jet)",
            Self::Viridis => "Viridis (colour-blind safe)",
        }
    }

    /// In settings and documents.
    pub fn id(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::InverseGrey => "inverse-grey",
            Self::Hot => "hot",
            Self::Jet => "jet",
            Self::Viridis => "viridis",
        }
    }

    /// Red, green and blue of a share (0..=1) of the window.
    ///
    /// Hot and jet are the ramps of MATLAB's `hot` and `jet`.
    pub fn colour(self, share: f64) -> [u8; 3] {
        let share = share.clamp(0.0, 1.0);
        let byte = |part: f64| (part.clamp(0.0, 1.0) * 255.0).round() as u8;
        match self {
            Self::Grey => [byte(share); 3],
            Self::InverseGrey => [byte(1.0 - share); 3],
            Self::Hot => [share / 0.375, (share - 0.375) / 0.375, (share - 0.75) / 0.25].map(byte),
            Self::Jet => [3.0, 2.0, 1.0].map(|peak| byte(1.5 - (4.0 * share - peak).abs())),
            Self::Viridis => {
                let at = share * 51.0;
                let (first, part) = ((at as usize).min(50), at - (at as usize).min(50) as f64);
                [0, 1, 2].map(|n| {
                    let [low, high] = [first, first + 1].map(|entry| f64::from(VIRIDIS[entry * 3 + n]));
                    (low + (high - low) * part).round() as u8
                })
            }
        }
    }

    /// The colours of 256 even steps.
    pub fn table(self) -> [[u8; 3]; 256] {
        std::array::from_fn(|n| self.colour(n as f64 / 255.0))
    }
}

impl From<String> for ColourMap {
    /// A name of another version is the default; it must not cost the other settings.
    fn from(name: String) -> Self {
        Self::ALL.into_iter().find(|map| map.id() == name).unwrap_or_default()
    }
}

impl From<ColourMap> for &str {
    fn from(map: ColourMap) -> Self {
        map.id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viridis_is_matplotlibs() {
        // Entries of matplotlib 3.11.
        let entries = [
            (0, [68, 1, 84]),
            (37, [70, 51, 127]),
            (64, [59, 82, 139]),
            (128, [33, 145, 140]),
            (191, [92, 200, 99]),
            (222, [168, 219, 52]),
            (255, [253, 231, 37]),
        ];
        let table = ColourMap::Viridis.table();
        for (n, wanted) in entries {
            let near = table[n].iter().zip(wanted).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 1);
            assert!(near, "{n}: {:?}, not {wanted:?}", table[n]);
        }
        // Each step is at least as bright as the one before.
        let light = |[r, g, b]: [u8; 3]| 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
        assert!(table.windows(2).all(|pair| light(pair[1]) > light(pair[0]) - 1.0));
    }

    #[test]
    fn ramps_have_their_corners() {
        let at = |map: ColourMap, shares: [f64; 5]| shares.map(|share| map.colour(share));
        // MATLAB's hot is red at 3/8, yellow at 6/8, white at the end; jet begins and ends at half of blue and of red.
        let hot = at(ColourMap::Hot, [-1.0, 0.375, 0.5625, 0.75, 1.0]);
        assert_eq!(hot, [[0, 0, 0], [255, 0, 0], [255, 128, 0], [255, 255, 0], [255, 255, 255]]);
        let jet = at(ColourMap::Jet, [0.0, 0.375, 0.5, 0.625, 1.0]);
        assert_eq!(jet, [[0, 0, 128], [0, 255, 255], [128, 255, 128], [255, 255, 0], [128, 0, 0]]);
        assert_eq!(at(ColourMap::InverseGrey, [0.0, 0.2, 1.0, 2.0, 0.5])[..3], [[255; 3], [204; 3], [0; 3]]);
        assert_eq!(ColourMap::Grey.table()[77], [77; 3]);
    }

    #[test]
    fn a_strange_name_is_the_default() {
        assert_eq!(serde_json::from_str::<ColourMap>("\"of tomorrow\"").unwrap(), ColourMap::Hot);
        for map in ColourMap::ALL {
            assert_eq!(serde_json::from_value::<ColourMap>(serde_json::to_value(map).unwrap()).unwrap(), map);
        }
    }
}
