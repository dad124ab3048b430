//! One example: a picture with strokes as the network is shown it, and the mask that is right.

use super::appearance::photographed;
use super::distance::parts;
use super::earlier::earlier;
use super::kinds::Kind;
use super::real::RealSlices;
use super::scene::{Scene, Wanted};
use super::strokes::{Sitter, strokes};
use crate::engine::Random;
use crate::pipeline;

/// Fewest pixels of a structure, and the largest share of the picture.
const LEAST: usize = 16;
const MOST: f64 = 0.75;
/// The chance of an example from real pictures, where there are some.
const REAL: f64 = 0.4;
/// The chance that there is a mask so far.
const HAS_EARLIER: f64 = 0.3;
/// Scenes that are tried for one with something to want.
const TRIES: usize = 50;

/// A picture with strokes and the right mask, all planes row-major.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Rows and columns.
    pub size: [usize; 2],
    /// The picture.
    pub image: Vec<f32>,
    /// Strokes on and off the structure.
    pub strokes: Vec<u8>,
    /// The mask so far.
    pub earlier: Option<Vec<u8>>,
    /// The structure.
    pub mask: Vec<bool>,
}

impl Drawn {
    /// What the network is shown.
    pub fn planes(&self) -> Vec<f32> {
        pipeline::channels(&self.image, self.size, &self.strokes, self.earlier.as_deref())
    }
}

/// What examples are drawn from.
pub struct Sources<'a> {
    /// Kinds of made scenes; at least one.
    pub kinds: &'a [Kind],
    /// Real pictures.
    pub real: Option<&'a RealSlices>,
    /// The chance of a mask so far.
    pub has_earlier: f64,
}

impl<'a> Sources<'a> {
    /// What is learned from.
    pub fn training(kinds: &'a [Kind], real: Option<&'a RealSlices>) -> Self {
        Self { kinds, real, has_earlier: HAS_EARLIER }
    }

    /// A scene of any kind, and whether it was made.
    fn scene(&self, size: [usize; 2], random: &mut Random) -> (Scene, bool) {
        if let Some(real) = self.real
            && (self.kinds.is_empty() || random.chance(REAL))
        {
            return (real.scene(size, random), false);
        }
        let mut at = random.unit() * self.kinds.iter().map(|kind| kind.weight).sum::<f64>();
        let kind = self.kinds.iter().find(|kind| {
            at -= kind.weight;
            at < 0.0
        });
        let draw = kind.or(self.kinds.last()).map(|kind| kind.draw);
        (draw.map_or_else(|| empty(size), |draw| draw(size, random)), true)
    }

    /// An example of `[rows, columns]`; the same random numbers give the same one.
    pub fn draw(&self, size: [usize; 2], random: &mut Random) -> Drawn {
        for _ in 0..TRIES {
            let (scene, is_made) = self.scene(size, random);
            if let Some(drawn) = self.drawn(scene, is_made, random) {
                return drawn;
            }
        }
        // Kinds that have nothing to want: an empty example, from which nothing is learned.
        let count = size[0] * size[1];
        Drawn { size, image: vec![0.0; count], strokes: vec![0; count], earlier: None, mask: vec![false; count] }
    }

    fn drawn(&self, scene: Scene, is_made: bool, random: &mut Random) -> Option<Drawn> {
        let Scene { size, mut image, regions, wanted } = scene;
        let wanted = wanted.get(random.index(wanted.len()))?;
        let outside = photographed(&mut image, size, is_made, random);
        let mask = chosen(&regions, wanted, outside.as_deref(), size, random)?;
        let before = random.chance(self.has_earlier).then(|| earlier(&mask, &regions, size, random));
        let wrong = before.as_ref().filter(|before| before.is_answer).map(|before| {
            let wrong: Vec<bool> = before.mask.iter().zip(&mask).map(|(before, is_in)| before != is_in).collect();
            wrong
        });
        let drawn = strokes(&Sitter { size, mask: &mask, regions: &regions, wrong: wrong.as_deref() }, random);
        let earlier = before.map(|before| before.mask.into_iter().map(u8::from).collect());
        Some(Drawn { size, image, strokes: drawn, earlier, mask })
    }
}

fn empty(size: [usize; 2]) -> Scene {
    let count = size[0] * size[1];
    Scene { size, image: vec![0.0; count], regions: vec![0; count], wanted: Vec::new() }
}

/// The mask of what is wanted; `None` where it is too small or too large.
fn chosen(
    regions: &[u8],
    wanted: &Wanted,
    outside: Option<&[bool]>,
    size: [usize; 2],
    random: &mut Random,
) -> Option<Vec<bool>> {
    let mut is_wanted = [false; 256];
    wanted.regions.iter().for_each(|region| is_wanted[usize::from(*region)] = true);
    let mut mask: Vec<bool> = regions.iter().map(|region| is_wanted[usize::from(*region)]).collect();
    if let Some(outside) = outside {
        mask.iter_mut().zip(outside).for_each(|(is_in, outside)| *is_in &= !outside);
    }
    if random.chance(wanted.single) {
        let (_, mut found) = parts(size, &mask);
        found.retain(|part| part.len() >= LEAST);
        let total: usize = found.iter().map(Vec::len).sum();
        let mut at = random.index(total);
        let part = found.into_iter().find(|part| {
            let is_it = at < part.len();
            at = at.saturating_sub(part.len());
            is_it
        })?;
        mask.fill(false);
        part.into_iter().for_each(|pixel| mask[pixel as usize] = true);
    }
    let count = mask.iter().filter(|is_in| **is_in).count();
    (count >= LEAST && (count as f64) < MOST * mask.len() as f64).then_some(mask)
}

#[cfg(test)]
mod tests {
    use super::super::kinds::{HELD_BACK, KINDS};
    use super::*;

    #[test]
    fn examples_come_again_and_have_strokes_and_a_structure() {
        let sources = Sources::training(KINDS, None);
        let mut earlier = 0;
        for seed in 0..30 {
            let drawn = sources.draw([96, 96], &mut Random::new(seed, 7));
            let again = sources.draw([96, 96], &mut Random::new(seed, 7));
            assert!(drawn.planes() == again.planes() && drawn.mask == again.mask);
            assert!(drawn.strokes.iter().any(|stroke| *stroke != 0), "{seed}");
            let count = drawn.mask.iter().filter(|is_in| **is_in).count();
            assert!((LEAST..=6912).contains(&count), "{seed}: {count}");
            earlier += usize::from(drawn.earlier.is_some());
        }
        assert!((2..18).contains(&earlier), "{earlier} of 30 with a mask so far");
        assert!(HELD_BACK.iter().all(|kind| KINDS.iter().all(|own| own.name != kind.name)));
    }
}
