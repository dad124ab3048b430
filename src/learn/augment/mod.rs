//! Augmentation of slices: the kinds of nnU-Net (Isensee et al. 2021) and elastic deformation (Ronneberger et al. 2015), and out of
//! the slice's plane where spacings are near equal. Ranges and frequencies are our own, chosen by measurements
//! (docs/training-curves.md, docs/few-labels.md).

mod intensity;
mod settings;
mod warp;

use super::error::FitError;
use super::sampling::Drawn;
use super::slices::Block;
use crate::engine::Random;
use warp::Warp;

pub use settings::{Augmentation, Cut, MOST_UNEVEN};

/// One training example: channels (with neighbours) and labels of a patch.
pub struct Example {
    /// `[channel][pixel]`, one after the other.
    pub image: Vec<f32>,
    /// Labels.
    pub labels: Vec<u16>,
}

/// What an example is cut from: where it lies, and the slices that it needs.
pub struct Sight<'a> {
    warp: Warp,
    /// Rows and columns of the case.
    size: [usize; 2],
    slices: Block<'a>,
    is_from_disk: bool,
}

impl Sight<'_> {
    /// Whether its slices were read from the disk.
    pub fn is_from_disk(&self) -> bool {
        self.is_from_disk
    }

    /// The same with slices of its own.
    pub fn into_owned(self) -> Sight<'static> {
        let Self { warp, size, slices, is_from_disk } = self;
        Sight { warp, size, slices: slices.into_owned(), is_from_disk }
    }
}

impl Augmentation {
    /// Draws where a patch around the middle of a slice lies, under a random transform, and reads the slices that it needs. Where the
    /// slice is larger the patch is moved at random, such that a label that must be seen is near its middle (a turn of a patch at the
    /// slice's edge can still lose it). Beyond the slice is the mean (0) and background, or the slice mirrored.
    ///
    /// # Errors
    /// When slices cannot be read from the disk.
    pub fn look<'a>(&self, drawn: &Drawn<'a>, cut: Cut, random: &mut Random) -> Result<Sight<'a>, FitError> {
        let warp = self.warp(drawn, cut, random)?;
        let slices = &drawn.case.slices;
        let read = slices.read(warp.slices(cut, slices.count()))?;
        Ok(Sight { warp, size: drawn.case.size, slices: read, is_from_disk: slices.are_on_disk() })
    }

    /// Cuts the patch, and changes its intensities.
    pub fn cut(&self, sight: &Sight, cut: Cut, random: &mut Random) -> Example {
        let Sight { warp, size, slices, .. } = sight;
        let patch = cut.patch;
        let mut image = Vec::with_capacity(slices.images.len() * (2 * cut.neighbours + 1) * patch[0] * patch[1]);
        for channel in &slices.images {
            let start = image.len();
            warp.read(channel, *size, cut, &mut image);
            intensity::change(self, &mut image[start..], patch, random);
        }
        Example { image, labels: warp.read_labels(&slices.labels, *size, cut) }
    }

    fn warp(&self, drawn: &Drawn, cut: Cut, random: &mut Random) -> Result<Warp, FitError> {
        let (case, slice) = (drawn.case, drawn.slice);
        let mut warp = Warp::identity(slice, case.size, cut.patch);
        let room = [0, 1].map(|axis| case.size[axis] as f64 - cut.output[axis] as f64);
        let is_larger = room.iter().any(|&room| room > 0.0);
        let wanted = match drawn.label.filter(|_| is_larger) {
            Some(label) => case.place_of(slice, label, random)?,
            None => None,
        };
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
        Ok(warp)
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

    fn example(augmentation: &Augmentation, drawn: &Drawn, cut: Cut, random: &mut Random) -> Example {
        let sight = augmentation.look(drawn, cut, random).unwrap();
        augmentation.cut(&sight, cut, random)
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
                let example = example(&still(), &drawn, cut([24, 24], 0), &mut Random::new(seed, 0));
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

    fn still() -> Augmentation {
        Augmentation { mirror: false, ..Augmentation::none() }
    }

    #[test]
    fn without_augmentation_a_patch_is_a_padded_copy() {
        let example = example(&still(), &drawn(&case(), 1), cut([6, 7], 1), &mut Random::new(1, 0));
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
            let example = example(augmentation, &drawn(&case, slice), cut([3, 3], 1), &mut Random::new(5, 0));
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
            let example = example(&augmentation, &drawn(&case, 3 + n % 5), cut([16, 16], 0), &mut random);
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
            let image = example(&augmentation, &drawn(case, 4), cut([4, 4], 0), &mut Random::new(1, 0)).image;
            image.iter().fold(0.0f32, |m, v| m.max((v - 4.0).abs()))
        };
        assert!(spread(&case) > 0.1);
        case.slice_step = 3.0;
        assert_eq!(spread(&case), 0.0);
    }
}
