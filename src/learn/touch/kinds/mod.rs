//! What training pictures show, one kind a file.

mod bands;
mod blobs;
mod bones;
mod cells;
mod mosaic;
mod organs;
mod polygons;
mod rings;
mod tubes;
mod vessels;

use super::scene::Scene;
use crate::engine::Random;

/// A kind of made scenes.
pub struct Kind {
    /// Name in reports.
    pub name: &'static str,
    /// How often it is drawn, relative to the others.
    pub weight: f64,
    /// Draws a scene of this many rows and columns.
    pub draw: fn([usize; 2], &mut Random) -> Scene,
}

/// The kinds that are learned from.
pub const KINDS: &[Kind] = &[
    Kind { name: "bands", weight: 1.2, draw: bands::draw },
    Kind { name: "blobs", weight: 0.8, draw: blobs::draw },
    Kind { name: "bones", weight: 1.2, draw: bones::draw },
    Kind { name: "cells", weight: 1.0, draw: cells::draw },
    Kind { name: "mosaic", weight: 0.6, draw: mosaic::draw },
    Kind { name: "organs", weight: 1.6, draw: organs::draw },
    Kind { name: "rings", weight: 1.2, draw: rings::draw },
    Kind { name: "vessels", weight: 1.4, draw: vessels::draw },
];

/// Kinds that no training sees: choices are made by how well these are answered.
pub const HELD_BACK: &[Kind] = &[
    Kind { name: "polygons", weight: 1.0, draw: polygons::draw },
    Kind { name: "tubes", weight: 1.0, draw: tubes::draw },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_draws_the_same_scene_again_and_has_what_it_offers() {
        for kind in KINDS.iter().chain(HELD_BACK) {
            for seed in 0..4 {
                let size = [96, 128];
                let scene = (kind.draw)(size, &mut Random::new(seed, 1));
                assert_eq!(
                    (scene.size, scene.image.len(), scene.regions.len()),
                    (size, 12_288, 12_288),
                    "{}",
                    kind.name
                );
                assert!(scene.image.iter().all(|value| value.is_finite()), "{}", kind.name);
                assert!(!scene.wanted.is_empty(), "{}", kind.name);
                let some = scene
                    .wanted
                    .iter()
                    .any(|wanted| scene.regions.iter().filter(|region| wanted.regions.contains(region)).count() > 12);
                assert!(some, "{} {seed}", kind.name);
                let again = (kind.draw)(size, &mut Random::new(seed, 1));
                assert!(again.image == scene.image && again.regions == scene.regions);
            }
        }
    }
}
