//! The mask so far, as it may be: that of a slice nearby, or a first answer with mistakes.

use super::noise::{field, octaves};
use super::shapes::{Outline, anywhere};
use crate::engine::Random;

/// What came before, and whether its mistakes are to be corrected.
pub struct Earlier {
    /// The mask.
    pub mask: Vec<bool>,
    /// Whether it is a first answer to the same picture, so that strokes go where it is wrong.
    pub is_answer: bool,
}

/// A mask that came before this one.
pub fn earlier(mask: &[bool], regions: &[u8], size: [usize; 2], random: &mut Random) -> Earlier {
    if random.chance(0.5) {
        return Earlier { mask: nearby(mask, size, random), is_answer: false };
    }
    let mut answer = if random.chance(0.5) { nearby(mask, size, random) } else { mask.to_vec() };
    for _ in 0..=random.index(3) {
        match random.index(3) {
            0 => {
                // A neighbour was taken for a part of it.
                let region = regions[random.index(regions.len())];
                answer.iter_mut().zip(regions).filter(|(_, own)| **own == region).for_each(|(is_in, _)| *is_in = true);
            }
            kind => {
                let large = size[0].min(size[1]) as f64;
                let spot = Outline::new(anywhere(size, random), large * random.between(0.03, 0.2), 0.8, random);
                spot.each_pixel(size, |at, _| answer[at] = kind == 1);
            }
        }
    }
    if random.chance(0.2) {
        // Only what lies in some places was found.
        let found = octaves(size, 40.0, 2, random);
        answer.iter_mut().zip(found).for_each(|(is_in, found)| *is_in &= found > -0.2);
    }
    Earlier { mask: answer, is_answer: true }
}

/// The mask of a slice nearby: moved, a little larger or smaller, and bent.
fn nearby(mask: &[bool], [rows, columns]: [usize; 2], random: &mut Random) -> Vec<bool> {
    let by = random.between(0.5, 6.0) as f32;
    let cell = random.between(15.0, 60.0);
    let bend = [field([rows, columns], cell, random), field([rows, columns], cell, random)];
    let shift = [0, 1].map(|_| random.between(-3.0, 3.0) as f32);
    let scale = random.between(0.9, 1.1) as f32;
    let middle = [rows as f32 / 2.0, columns as f32 / 2.0];
    let place = |at: usize, axis: usize, n: usize, count: usize| {
        let moved = (n as f32 - middle[axis]) * scale + middle[axis] + shift[axis] + by * bend[axis][at];
        moved.round().clamp(0.0, count as f32 - 1.0) as usize
    };
    (0..rows * columns)
        .map(|at| mask[place(at, 0, at / columns, rows) * columns + place(at, 1, at % columns, columns)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_nearby_is_alike_and_an_answer_has_mistakes() {
        let size = [80, 80];
        let mask: Vec<bool> =
            (0..6400).map(|n| (f64::from(n / 80) - 40.0).hypot(f64::from(n % 80) - 40.0) < 22.0).collect();
        let regions: Vec<u8> = mask.iter().map(|is_in| u8::from(*is_in)).collect();
        let apart = |other: &[bool]| mask.iter().zip(other).filter(|(a, b)| a != b).count();
        let mut mistakes = 0;
        for seed in 0..20 {
            let mut random = Random::new(seed, 6);
            let found = earlier(&mask, &regions, size, &mut random);
            if found.is_answer {
                mistakes += apart(&found.mask);
            } else {
                assert!((1..1300).contains(&apart(&found.mask)), "{seed}: {}", apart(&found.mask));
            }
        }
        assert!(mistakes > 500, "{mistakes}");
    }
}
