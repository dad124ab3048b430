//! What the network is shown: a picture, strokes, what classical methods make of them, and the mask so far.

use super::geodesic::{FARTHEST, StepCost, UNIT, distances};
use super::likelihood::Features;
use super::prompt::{OFF, ON};

/// Planes that the network is shown.
pub const CHANNELS: usize = 12;
/// Sides of what the network is shown are multiples of this.
pub const STRIDE: usize = 32;
/// Shares of the values that are below black and above white.
const RARE: f64 = 0.005;
/// Values that are sorted to find black and white.
const SAMPLE: usize = 1 << 14;
/// Geodesic distance over which a stroke's strength falls to 1/e.
const REACH: f32 = 0.35;

/// Cost of a step as such, and of a step into a pixel that is unlikely.
const LENGTH: f32 = 0.004;
const UNLIKELY: f32 = 0.15;
/// What a change of grey costs beside the unlikely.
const CHANGE: f32 = 0.5;

/// The planes of a picture of `[rows, columns]`, one after the other, each row-major, of about -1 to 1: the picture between its darkest and
/// brightest values; strokes on and off the structure; by geodesic distances over changes of grey, how much nearer strokes on the structure
/// are, and how near; the same two, and how near strokes off it are, over paths that keep to likely pixels; the likelihoods by grey, texture
/// and contrast; and the mask so far, 0 everywhere where there is none.
pub fn channels(image: &[f32], size: [usize; 2], strokes: &[u8], previous: Option<&[u8]>) -> Vec<f32> {
    let grey = normalised(image);
    let features = Features::new(&grey, size);
    let [by_grey, by_texture, by_contrast] = features.likelihoods(strokes);
    let unlikely: Vec<f32> =
        by_grey.iter().zip(&by_texture).zip(&by_contrast).map(|((a, b), c)| 1.0 - (a + b + c) / 3.0).collect();
    let likely: Vec<f32> = unlikely.iter().map(|p| 1.0 - p).collect();
    let over_grey = StepCost { grey: (&features.grey, 1.0), unlikely: None, length: LENGTH };
    let kept_on = StepCost { grey: (&features.grey, CHANGE), unlikely: Some((&unlikely, UNLIKELY)), length: LENGTH };
    let kept_off = StepCost { unlikely: Some((&likely, UNLIKELY)), ..kept_on };
    let to = |stroke: u8, cost: StepCost| distances(size, |at| strokes[at] == stroke, cost);
    let ((grey_on, grey_off), (on, off)) = rayon::join(
        || rayon::join(|| to(ON, over_grey), || to(OFF, over_grey)),
        || rayon::join(|| to(ON, kept_on), || to(OFF, kept_off)),
    );
    let nearer = |on: &u32, off: &u32| {
        // Both are whole numbers, at least one above 0 but under strokes of both kinds.
        let sum = (on + off).max(1) as f32;
        (*off as f32 - *on as f32) / sum
    };
    let near = |distance: &u32| {
        let is_beyond = *distance >= FARTHEST;
        if is_beyond { 0.0 } else { (-(*distance as f32) / (REACH * UNIT as f32)).exp() }
    };
    let mut planes = Vec::with_capacity(CHANNELS * image.len());
    planes.extend(grey.iter().map(|value| 2.0 * value - 1.0));
    for kind in [ON, OFF] {
        planes.extend(strokes.iter().map(|stroke| if *stroke == kind { 1.0 } else { 0.0 }));
    }
    planes.extend(grey_on.iter().zip(&grey_off).map(|(on, off)| nearer(on, off)));
    planes.extend(grey_on.iter().map(near));
    planes.extend(on.iter().zip(&off).map(|(on, off)| nearer(on, off)));
    planes.extend(on.iter().map(near));
    planes.extend(off.iter().map(near));
    for likelihood in [by_grey, by_texture, by_contrast] {
        planes.extend(likelihood.iter().map(|p| 2.0 * p - 1.0));
    }
    match previous {
        Some(mask) => planes.extend(mask.iter().map(|value| if *value == 0 { -1.0 } else { 1.0 })),
        None => planes.resize(CHANNELS * image.len(), 0.0),
    }
    planes
}

/// Values from 0 to 1 between the rarest dark and bright ones.
fn normalised(image: &[f32]) -> Vec<f32> {
    // An odd step does not meet the same column of every row.
    let step = (image.len() / SAMPLE).max(1) | 1;
    let mut values: Vec<f32> = image.iter().step_by(step).copied().filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f32::total_cmp);
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return vec![0.0; image.len()] };
    let rank = ((values.len() - 1) as f64 * RARE) as usize;
    let [mut black, mut white] = [values[rank], values[values.len() - 1 - rank]];
    if black >= white {
        (black, white) = (*first, *last);
    }
    let scale = if white > black { 1.0 / (white - black) } else { 0.0 };
    // What is no number is black.
    let share = |value: &f32| {
        let share = (value - black) * scale;
        if share > 0.0 { share.min(1.0) } else { 0.0 }
    };
    image.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_do_not_depend_on_units_and_strokes_are_where_they_were_drawn() {
        let size = [40, 48];
        let image: Vec<f32> =
            (0..1920).map(|n| if n % 48 < 20 { 10.0 } else { 50.0 } + (n * 7919 % 13) as f32).collect();
        let mut strokes = vec![0; 1920];
        (strokes[20 * 48 + 8], strokes[20 * 48 + 40]) = (ON, OFF);
        let planes = channels(&image, size, &strokes, None);
        assert_eq!(planes.len(), CHANNELS * 1920);
        assert!(planes.iter().all(|value| (-1.0..=1.0).contains(value)));
        let other: Vec<f32> = image.iter().map(|value| value * 300.0 - 1000.0).collect();
        let same = channels(&other, size, &strokes, None);
        let apart = planes.iter().zip(&same).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(apart < 0.02, "{apart}");
        let at = |plane: usize, pixel: usize| planes[plane * 1920 + pixel];
        assert_eq!((at(1, 20 * 48 + 8), at(2, 20 * 48 + 40), at(1, 0)), (1.0, 1.0, 0.0));
        // Left belongs to the stroke on it, right to the other.
        for plane in [3, 5] {
            assert!(at(plane, 5 * 48 + 10) > 0.4 && at(plane, 5 * 48 + 38) < -0.4);
        }
        let mask: Vec<u8> = (0..1920).map(|n| u8::from(n < 100)).collect();
        let known = channels(&image, size, &strokes, Some(&mask));
        assert_eq!((known[11 * 1920], known[11 * 1920 + 100], at(11, 5)), (1.0, -1.0, 0.0));
    }

    #[test]
    fn empty_and_broken_pictures_are_black() {
        assert_eq!(normalised(&[5.0; 4]), vec![0.0; 4]);
        assert_eq!(normalised(&[f32::NAN; 3]), vec![0.0; 3]);
        let mixed = normalised(&[f32::NAN, 0.0, 4.0, f32::INFINITY]);
        assert_eq!(mixed, vec![0.0, 0.0, 1.0, 1.0]);
    }
}
