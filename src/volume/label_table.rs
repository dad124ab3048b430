//! Names, colours and visibility of labels.

use super::label_map::LabelValue;

/// sRGB colour.
pub type Rgb = [u8; 3];

/// ITK-SNAP's first six label colours.
const FIRST_COLOURS: [Rgb; 6] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255]];

/// The colour a new label gets: ITK-SNAP's first six, then hues spread by the golden angle.
pub fn default_colour(value: LabelValue) -> Rgb {
    let index = usize::from(value.saturating_sub(1));
    if let Some(&colour) = FIRST_COLOURS.get(index) {
        return colour;
    }
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
    [r, g, b].map(|c: f64| (c * 200.0 + 40.0) as u8)
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
}

fn yes() -> bool {
    true
}

impl Label {
    /// A visible, unlocked label with its default colour.
    pub fn new(value: LabelValue, name: impl Into<String>) -> Self {
        Self { value, name: name.into(), colour: default_colour(value), visible: true, locked: false }
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

    /// The smallest value above all others, or `None` when the range is used up.
    pub fn next_value(&self) -> Option<LabelValue> {
        self.0.iter().map(|label| label.value).max().unwrap_or(0).checked_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covering_keeps_entries_and_adds_missing_ones() {
        let mut table = LabelTable(vec![Label::new(2, "Posterior")]);
        table.cover([0, 1, 2]);
        assert_eq!(table.get(2).unwrap().name, "Posterior");
        assert_eq!(table.get(1).unwrap().colour, [255, 0, 0]);
        assert_eq!(table.next_value(), Some(3));
    }
}
