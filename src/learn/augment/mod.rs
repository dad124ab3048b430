//! Augmentation of slices: the kinds of nnU-Net (Isensee et al. 2021) and elastic deformation (Ronneberger et al. 2015), and out of
//! the slice's plane where spacings are near equal. Ranges and frequencies are our own, chosen by measurements
//! (docs/training-curves.md, docs/few-labels.md).

mod intensity;
mod warp;

use serde::{Deserialize, Serialize};

use super::sampling::Drawn;
use crate::engine::Random;
use warp::Warp;

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

/// One training example: channels (with neighbours) and labels of a patch.
pub struct Example {
    /// `[channel][pixel]`, one after the other.
    pub image: Vec<f32>,
    /// Labels.
    pub labels: Vec<u16>,
}

impl Augmentation {
    /// Cuts a patch around the middle of a slice, under a random transform, and changes its intensities. Where the slice is
    /// larger the patch is moved at random, such that a label that must be seen is near its middle (a turn of a patch at the
    /// slice's edge can still lose it). Beyond the slice is the mean (0) and background, or the slice
    /// mirrored.
    pub fn example(&self, drawn: &Drawn, cut: Cut, random: &mut Random) -> Example {
        let case = drawn.case;
        let warp = self.warp(drawn, cut, random);
        let size = cut.patch;
        let mut image = Vec::with_capacity(case.images.len() * (2 * cut.neighbours + 1) * size[0] * size[1]);
        for channel in &case.images {
            let start = image.len();
            warp.read(channel, case.size, cut, &mut image);
            intensity::change(self, &mut image[start..], size, random);
        }
        Example { image, labels: warp.read_labels(&case.labels, case.size, cut) }
    }

    fn warp(&self, drawn: &Drawn, cut: Cut, random: &mut Random) -> Warp {
        let (case, slice) = (drawn.case, drawn.slice);
        let mut warp = Warp::identity(slice, case.size, cut.patch);
        let room = [0, 1].map(|axis| case.size[axis] as f64 - cut.output[axis] as f64);
        let is_larger = room.iter().any(|&room| room > 0.0);
        let wanted = drawn.label.filter(|_| is_larger).and_then(|label| case.place_of(slice, label, random));
        for axis in 0..2 {
            if room[axis] > 0.0 {
                let most = room[axis] / 2.0;
                let by = match wanted {
                    Some(place) => {
                        let aside = cut.output[axis] as f64 / 4.0;
                        let from_middle = place[axis] as f64 - (case.size[axis] - 1) as f64 / 2.0;
                        (from_middle + random.between(-aside, aside)).clamp(-most, most)
                    }
                    None => random.between(-most, most),
                };
                // By whole pixels, so that what is not warped stays as sharp as the slices that the model will see.
                warp.move_by(axis, by.round());
            }
        }
        if random.chance(self.rotate) {
            warp.turn([1, 2], random.between(-self.degrees, self.degrees).to_radians());
        }
        let in_space = case.slice_step <= MOST_UNEVEN && case.slice_step >= 1.0 / MOST_UNEVEN;
        if in_space && random.chance(self.tilt) {
            for other in [1, 2] {
                warp.turn([0, other], random.between(-self.tilt_degrees, self.tilt_degrees).to_radians());
            }
        }
        if random.chance(self.scale) {
            let factor = random.between(self.scale_range[0], self.scale_range[1]);
            warp.grow([if in_space { factor } else { 1.0 }, factor, factor]);
        }
        if self.mirror {
            for axis in 0..3 {
                if case.may_mirror[axis] && random.chance(0.5) {
                    warp.mirror(axis);
                }
            }
        }
        if random.chance(self.elastic) {
            warp.deform(random.between(0.0, self.elastic_pixels), cut.patch, random);
        }
        warp.in_slices(case.slice_step);
        warp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::PreparedCase;

    fn case() -> PreparedCase {
        let image: Vec<f32> = (0..20).map(|v| v as f32).collect();
        let labels: Vec<u16> = (0..20).map(|v| u16::from(v % 5 == 1)).collect();
        PreparedCase::new("case".into(), [4, 5], vec![vec![image; 3]], vec![labels; 3], 2, None)
    }

    fn drawn(case: &PreparedCase, slice: usize) -> Drawn<'_> {
        Drawn { case, slice, label: None }
    }

    #[test]
    fn a_label_that_must_be_seen_is_in_the_patch() {
        let at = |n: usize| u16::from(n == 7 * 100 + 92 || n == 7 * 100 + 93);
        let labels: Vec<u16> = (0..10_000).map(at).collect();
        let case = PreparedCase::new("case".into(), [100, 100], vec![vec![vec![0.0; 10_000]]], vec![labels], 2, None);
        let seen = |label: Option<u16>| {
            let see = |seed: u64| {
                let drawn = Drawn { case: &case, slice: 0, label };
                let example = still().example(&drawn, cut([24, 24], 0), &mut Random::new(seed, 0));
                usize::from(example.labels.contains(&1))
            };
            (0..50).map(see).sum::<usize>()
        };
        assert_eq!(seen(Some(1)), 50);
        assert!(seen(None) < 25);
    }

    fn cut(patch: [usize; 2], neighbours: usize) -> Cut {
        Cut { patch, output: patch, neighbours, mirrored_border: false }
    }

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

    fn still() -> Augmentation {
        Augmentation { mirror: false, ..Augmentation::none() }
    }

    #[test]
    fn without_augmentation_a_patch_is_a_padded_copy() {
        let example = still().example(&drawn(&case(), 1), cut([6, 7], 1), &mut Random::new(1, 0));
        assert_eq!(example.image.len(), 3 * 42);
        assert_eq!(example.image[..7], [0.0; 7]);
        assert_eq!(example.image[7..14], [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0]);
        assert_eq!(example.labels[7..14], [0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn neighbours_are_the_slices_beside_and_repeat_at_the_ends() {
        let images = vec![(0..5).map(|s| vec![s as f32; 9]).collect::<Vec<_>>()];
        let case = PreparedCase::new("case".into(), [3, 3], images, vec![vec![0; 9]; 5], 2, None);
        let middle = |slice: usize, augmentation: &Augmentation| {
            let example = augmentation.example(&drawn(&case, slice), cut([3, 3], 1), &mut Random::new(5, 0));
            [example.image[4], example.image[13], example.image[22]]
        };
        assert_eq!(middle(2, &still()), [1.0, 2.0, 3.0]);
        assert_eq!(middle(0, &still()), [0.0, 0.0, 1.0]);
        assert_eq!(middle(4, &still()), [3.0, 4.0, 4.0]);
    }

    /// A case whose image is its labels: after any warp, bright pixels are labelled and dark ones are not.
    #[test]
    fn image_and_labels_move_together() {
        let augmentation = Augmentation {
            mirror: true,
            rotate: 1.0,
            tilt: 1.0,
            scale: 1.0,
            elastic: 1.0,
            elastic_pixels: 2.0,
            ..still()
        };
        let mut random = Random::new(3, 0);
        let label = |s: usize, r: usize, c: usize| u16::from(s > 3 && r > 8 && c > 5 + s);
        let labels: Vec<Vec<u16>> = (0..12).map(|s| (0..400).map(|v| label(s, v / 20, v % 20)).collect()).collect();
        let image = labels.iter().map(|slice| slice.iter().map(|&l| f32::from(l)).collect()).collect();
        let case = PreparedCase::new("case".into(), [20, 20], vec![image], labels, 2, None);
        for n in 0..40 {
            let example = augmentation.example(&drawn(&case, 3 + n % 5), cut([16, 16], 0), &mut random);
            for (value, label) in example.image.iter().zip(&example.labels) {
                assert!((*value - f32::from(*label)).abs() <= 0.5 + 1e-4, "{value} {label}");
            }
        }
    }

    #[test]
    fn far_slices_are_not_tilted() {
        let images = vec![(0..9).map(|s| vec![s as f32; 64]).collect::<Vec<_>>()];
        let mut case = PreparedCase::new("case".into(), [8, 8], images, vec![vec![0; 64]; 9], 2, None);
        let augmentation = Augmentation { tilt: 1.0, scale: 1.0, ..still() };
        let spread = |case: &PreparedCase| {
            let image = augmentation.example(&drawn(case, 4), cut([4, 4], 0), &mut Random::new(1, 0)).image;
            image.iter().fold(0.0f32, |m, v| m.max((v - 4.0).abs()))
        };
        assert!(spread(&case) > 0.1);
        case.slice_step = 3.0;
        assert_eq!(spread(&case), 0.0);
    }
}
