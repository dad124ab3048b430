//! The order of packets (ISO/IEC 15444-1 section B.12).

use super::header::Progression;
use super::structure::TileComponent;

/// A packet.
#[derive(Clone, Copy)]
pub struct Place {
    pub component: usize,
    pub resolution: usize,
    pub precinct: usize,
    pub layer: u32,
}

/// Calls `visit` for each packet in order.
pub fn each(
    progression: &Progression,
    components: &mut [TileComponent],
    mut visit: impl FnMut(&mut [TileComponent], Place) -> Option<()>,
) -> Option<()> {
    let mut precincts = precincts(progression, components);
    // Layer, resolution, component, place; and so on.
    match progression.order {
        0 | 1 => precincts.sort_by_key(|(place, _)| (place.resolution, place.component, place.precinct)),
        2 => precincts.sort_by_key(|(p, at)| (p.resolution, at[1], at[0], p.component, p.precinct)),
        3 => precincts.sort_by_key(|(p, at)| (at[1], at[0], p.component, p.resolution, p.precinct)),
        _ => precincts.sort_by_key(|(p, at)| (p.component, at[1], at[0], p.resolution, p.precinct)),
    }
    let mut visit = |place: Place, layer: u32| visit(components, Place { layer, ..place });
    match progression.order {
        0 => {
            for layer in 0..progression.layers {
                for &(place, _) in &precincts {
                    visit(place, layer)?;
                }
            }
        }
        1 => {
            for level in precincts.chunk_by(|(a, _), (b, _)| a.resolution == b.resolution) {
                for layer in 0..progression.layers {
                    for &(place, _) in level {
                        visit(place, layer)?;
                    }
                }
            }
        }
        _ => {
            for &(place, _) in &precincts {
                for layer in 0..progression.layers {
                    visit(place, layer)?;
                }
            }
        }
    }
    Some(())
}

/// The precincts in question, with where they lie.
fn precincts(progression: &Progression, components: &[TileComponent]) -> Vec<(Place, [u64; 2])> {
    let mut found = Vec::new();
    let [first, end] = progression.resolutions.map(|resolution| resolution as usize);
    for (component, TileComponent { resolutions, .. }) in components.iter().enumerate() {
        if component < progression.components[0] || component >= progression.components[1] {
            continue;
        }
        for (resolution, level) in resolutions.iter().enumerate().take(end).skip(first) {
            for (precinct, at) in level.precincts.iter().enumerate() {
                found.push((Place { component, resolution, precinct, layer: 0 }, at.place));
            }
        }
    }
    found
}
