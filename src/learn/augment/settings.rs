//! How often and how strongly slices are changed, and the shape of what is cut from them.

use serde::{Deserialize, Serialize};

/// Largest ratio of spacings at which a scan looks alike along all axes; beyond, slices lie across the largest spacing and are
/// not tilted.
pub const MOST_UNEVEN: f64 = 1.6;

/// Probabilities and ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Whether slices are mirrored along the axes that the case allows (half the time each).
    pub mirror: bool,
    /// Probability of a rotation in the plane.
    pub rotate: f64,
    /// Largest angle in degrees.
    pub degrees: f64,
    /// Probability of tilting the slice out of its plane, where slices lie nearly as close as pixels.
    pub tilt: f64,
    /// Largest angle about either of the slice's axes, in degrees.
    pub tilt_degrees: f64,
    /// Probability of a change of size.
    pub scale: f64,
    /// Smallest and largest factor.
    pub scale_range: [f64; 2],
    /// Probability of an elastic deformation in the plane.
    pub elastic: f64,
    /// Largest deviation of the displacements, in pixels.
    pub elastic_pixels: f64,
    /// Probability of noise with a variance up to 0.1.
    pub noise: f64,
    /// Probability of a Gaussian blur with a deviation of 0.5 to 1 pixels.
    pub blur: f64,
    /// Probability of a factor on the deviation, 0.75 to 1.25 (contrast), and on the values (brightness).
    pub contrast: f64,
    /// Probability of a resolution lowered to 0.5 to 1.
    pub low_resolution: f64,
    /// Probability of a gamma curve, 0.7 to 1.5.
    pub gamma: f64,
}

/// A name, and what has it.
type Named = (&'static str, fn() -> Augmentation);

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            mirror: true,
            rotate: 0.5,
            degrees: 30.0,
            tilt: 0.5,
            tilt_degrees: 20.0,
            scale: 0.5,
            scale_range: [0.75, 1.3],
            elastic: 0.4,
            elastic_pixels: 1.5,
            noise: 0.15,
            blur: 0.15,
            contrast: 0.25,
            low_resolution: 0.15,
            gamma: 0.3,
        }
    }
}

impl Augmentation {
    /// Those that have a name, the weakest first.
    pub const NAMED: [Named; 5] = [
        ("none", Self::none),
        ("light", Self::light),
        ("in-plane", Self::in_plane),
        ("full", Self::default),
        ("strong", Self::strong),
    ];

    /// Its name, where it has one.
    pub fn name(&self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, of_name)| of_name() == *self).map(|(name, _)| *name)
    }

    /// No change of any kind but mirroring.
    pub fn none() -> Self {
        Self {
            rotate: 0.0,
            tilt: 0.0,
            scale: 0.0,
            elastic: 0.0,
            noise: 0.0,
            blur: 0.0,
            contrast: 0.0,
            low_resolution: 0.0,
            gamma: 0.0,
            ..Self::default()
        }
    }

    /// Larger and more frequent changes, for a handful of scans.
    pub fn strong() -> Self {
        Self {
            rotate: 0.7,
            tilt: 0.7,
            tilt_degrees: 30.0,
            scale: 0.7,
            scale_range: [0.7, 1.4],
            elastic: 0.7,
            elastic_pixels: 2.5,
            noise: 0.2,
            blur: 0.2,
            contrast: 0.4,
            low_resolution: 0.2,
            gamma: 0.5,
            ..Self::default()
        }
    }

    /// Rotation, size, noise, contrast and gamma: what a network that sees many scans, each a few times, needs.
    pub fn light() -> Self {
        Self { tilt: 0.0, elastic: 0.0, blur: 0.0, low_resolution: 0.0, ..Self::default() }
    }

    /// Changes in the slice's plane alone, without elastic deformation.
    pub fn in_plane() -> Self {
        Self { tilt: 0.0, elastic: 0.0, ..Self::default() }
    }
}

impl Augmentation {
    /// Itself, if its numbers make sense.
    fn checked(self) -> Result<Self, String> {
        let chances = [
            ("rotate", self.rotate),
            ("tilt", self.tilt),
            ("scale", self.scale),
            ("elastic", self.elastic),
            ("noise", self.noise),
            ("blur", self.blur),
            ("contrast", self.contrast),
            ("low_resolution", self.low_resolution),
            ("gamma", self.gamma),
        ];
        if let Some((name, value)) = chances.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(format!("augmentation: {name} is a probability from 0 to 1, not {value}"));
        }
        let [low, high] = self.scale_range;
        if !(0.1 <= low && low <= high && high <= 10.0) {
            return Err(format!("augmentation: scale_range must lie between 0.1 and 10, not {low} to {high}"));
        }
        let sizes = [
            ("degrees", self.degrees, 180.0),
            ("tilt_degrees", self.tilt_degrees, 60.0),
            ("elastic_pixels", self.elastic_pixels, 20.0),
        ];
        match sizes.iter().find(|(_, value, most)| !(0.0..=*most).contains(value)) {
            Some((name, value, most)) => Err(format!("augmentation: {name} must be from 0 to {most}, not {value}")),
            None => Ok(self),
        }
    }
}

impl std::str::FromStr for Augmentation {
    type Err = String;

    /// Reads a name, or an object of JSON with the fields that are not as in `full`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            let read: Self = serde_json::from_str(text).map_err(|e| format!("augmentation: {e}"))?;
            return read.checked();
        }
        let named = Self::NAMED.iter().find(|(name, _)| *name == text);
        named.map(|(_, of_name)| of_name()).ok_or_else(|| {
            let names = Self::NAMED.map(|(name, _)| name).join(", ");
            format!("{text:?} is no augmentation; there are {names}, or an object of JSON")
        })
    }
}

/// Shape of a training example.
#[derive(Debug, Clone, Copy)]
pub struct Cut {
    /// Height and width of the patch.
    pub patch: [usize; 2],
    /// Height and width of its middle part that labels are wanted for; less than the patch for networks without padding.
    pub output: [usize; 2],
    /// Neighbouring slices on either side.
    pub neighbours: usize,
    /// Whether image and labels are mirrored beyond the slice (networks without padding) instead of being 0 and background.
    pub mirrored_border: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_values_can_be_chosen() {
        let chosen: Augmentation = r#"{"elastic": 0.7, "scale_range": [0.5, 2]}"#.parse().unwrap();
        let expected = Augmentation { elastic: 0.7, scale_range: [0.5, 2.0], ..Augmentation::default() };
        assert_eq!(chosen, expected);
        for (name, of_name) in Augmentation::NAMED {
            assert_eq!((name.parse(), of_name().name()), (Ok(of_name()), Some(name)));
        }
        assert_eq!(chosen.name(), None);
        for wrong in
            [r#"{"elastc": 1}"#, r#"{"gamma": 1.5}"#, r#"{"scale_range": [2, 1]}"#, r#"{"degrees": -1}"#, "ful"]
        {
            assert!(wrong.parse::<Augmentation>().is_err(), "{wrong}");
        }
    }
}
