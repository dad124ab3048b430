//! Names, colours and visibility of labels.

use std::collections::BTreeSet;

use super::label_map::LabelValue;
use super::term::Term;

/// sRGB colour.
pub type Rgb = [u8; 3];

/// The colours of the first labels: told apart with red-green blindness too, and by brightness where hues are alike.
const FIRST_COLOURS: [Rgb; 8] = [
    [40, 180, 255],
    [235, 120, 0],
    [190, 20, 150],
    [150, 250, 10],
    [50, 90, 255],
    [250, 205, 165],
    [30, 245, 250],
    [140, 85, 75],
];

/// The colours of the three planes, as viewers for radiology have them: no label is given one.
const PLANES: [Rgb; 3] = [[0xf3, 0x53, 0x4b], [0xed, 0xd5, 0x4c], [0x5f, 0xb6, 0x5a]];

/// Darkest and brightest part of a generated colour; one after the other, so that neighbours differ in brightness too.
const SHADES: [[f64; 2]; 3] = [[40.0, 240.0], [110.0, 255.0], [20.0, 165.0]];

/// The colour a new label gets: eight that are safe for red-green blindness, then hues spread by the golden angle in three shades.
pub fn default_colour(value: LabelValue) -> Rgb {
    let index = usize::from(value.saturating_sub(1));
    if let Some(&colour) = FIRST_COLOURS.get(index) {
        return colour;
    }
    let mut shades = (0..SHADES.len()).map(|n| generated(index, SHADES[(index + n) % SHADES.len()]));
    shades
        .find(|colour| PLANES.iter().all(|plane| !is_like(*colour, *plane)))
        .unwrap_or_else(|| generated(index, SHADES[0]))
}

fn generated(index: usize, [dark, bright]: [f64; 2]) -> Rgb {
    let hue = (index as f64 * 137.508).rem_euclid(360.0) / 60.0;
    let fade = 1.0 - (hue.rem_euclid(2.0) - 1.0).abs();
    let (r, g, b) = match hue as u8 {
        0 => (1.0, fade, 0.0),
        1 => (fade, 1.0, 0.0),
        2 => (0.0, 1.0, fade),
        3 => (0.0, fade, 1.0),
        4 => (fade, 0.0, 1.0),
        _ => (1.0, 0.0, fade),
    };
    [r, g, b].map(|part: f64| (dark + part * (bright - dark)) as u8)
}

/// Whether the eye may take one colour for the other.
fn is_like(a: Rgb, b: Rgb) -> bool {
    const NEAR: u32 = 75;
    let apart: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum();
    apart < NEAR * NEAR
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// Value in the label map; never 0.
    pub value: LabelValue,
    /// Name shown to the user.
    pub name: String,
    /// Overlay colour.
    pub colour: Rgb,
    /// Whether the overlay shows it.
    #[serde(default = "yes")]
    pub visible: bool,
    /// Whether tools leave it alone.
    #[serde(default)]
    pub locked: bool,
    /// What it means in the codes of a terminology, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Box<Term>>,
}

fn yes() -> bool {
    true
}

impl Label {
    /// A visible, unlocked label with its default colour.
    pub fn new(value: LabelValue, name: impl Into<String>) -> Self {
        Self { value, name: name.into(), colour: default_colour(value), visible: true, locked: false, term: None }
    }

    /// A label that nobody has named.
    pub fn unnamed(value: LabelValue) -> Self {
        Self::new(value, format!("Label {value}"))
    }

    /// Whether nobody has named it.
    pub fn is_unnamed(&self) -> bool {
        self.name == Self::unnamed(self.value).name
    }
}

/// Labels in the order shown. Values stay what they are when other labels come, go or are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LabelTable(pub Vec<Label>);

impl LabelTable {
    /// The entry of a value.
    pub fn get(&self, value: LabelValue) -> Option<&Label> {
        self.0.iter().find(|label| label.value == value)
    }

    /// The entry of a value, to change it.
    pub fn get_mut(&mut self, value: LabelValue) -> Option<&mut Label> {
        self.0.iter_mut().find(|label| label.value == value)
    }

    /// Whether voxels of a value must stay as they are, and no others become it.
    pub fn is_locked(&self, value: LabelValue) -> bool {
        self.get(value).is_some_and(|label| label.locked)
    }

    /// Adds "Label n" for every value that has no entry yet.
    pub fn cover(&mut self, values: impl IntoIterator<Item = LabelValue>) {
        for value in values {
            if value != 0 && self.get(value).is_none() {
                self.0.push(Label::unnamed(value));
            }
        }
    }

    /// The smallest value above all others; where there is none the first that is free. `None` when all are used up.
    pub fn next_value(&self) -> Option<LabelValue> {
        let used: BTreeSet<LabelValue> = self.0.iter().map(|label| label.value).collect();
        let above = used.last().copied().unwrap_or(0).checked_add(1);
        above.or_else(|| (1..=LabelValue::MAX).find(|value| !used.contains(value)))
    }
}

#[cfg(test)]
#[allow(clippy::unreadable_literal, reason = "matrices as they are printed in their sources")]
mod tests {
    use super::*;

    #[test]
    fn covering_keeps_entries_and_adds_missing_ones() {
        let mut table = LabelTable(vec![Label::new(2, "Posterior")]);
        table.cover([0, 1, 2]);
        assert_eq!(table.get(2).unwrap().name, "Posterior");
        assert_eq!(table.get(1).unwrap().colour, [40, 180, 255]);
        assert_eq!(table.next_value(), Some(3));
        table.cover([LabelValue::MAX]);
        assert_eq!(table.next_value(), Some(3), "the first that is free");
        let all = LabelTable((1..=LabelValue::MAX).map(Label::unnamed).collect());
        assert_eq!(all.next_value(), None);
    }

    /// Linear light, and CIE L*a*b* of it, as IEC 61966-2-1 and CIE 15 define them.
    fn linear(colour: Rgb) -> [f64; 3] {
        colour.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn times(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
    }

    fn lab(linear: [f64; 3]) -> [f64; 3] {
        let xyz = times(
            [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]],
            linear,
        );
        let f = |t: f64| if t > 0.008856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let [x, y, z] = [f(xyz[0] / 0.95047), f(xyz[1]), f(xyz[2] / 1.08883)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn the_first_colours_differ_for_every_eye() {
        // Machado, Oliveira and Fernandes 2009: protanopia and deuteranopia.
        let eyes = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
            [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        ];
        for eye in eyes {
            let seen: Vec<[f64; 3]> =
                (1..=8).map(|n| lab(times(eye, linear(default_colour(n))).map(|part| part.clamp(0.0, 1.0)))).collect();
            for (n, a) in seen.iter().enumerate() {
                for (m, b) in seen.iter().enumerate().skip(n + 1) {
                    assert!(apart(*a, *b) > 20.0, "{} and {}: {:.0}", n + 1, m + 1, apart(*a, *b));
                }
            }
        }
    }

    #[test]
    fn no_label_has_a_planes_colour_and_no_two_of_many_are_the_same() {
        let colours: std::collections::BTreeSet<Rgb> = (1..=256).map(default_colour).collect();
        assert_eq!(colours.len(), 256);
        for colour in colours {
            for plane in PLANES {
                let distance = apart(lab(linear(colour)), lab(linear(plane)));
                assert!(distance > 12.0, "{colour:?} and {plane:?}: {distance:.0}");
            }
        }
    }
}
