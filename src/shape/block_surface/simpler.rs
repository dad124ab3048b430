//! Fewer and larger triangles for a block whose voxels are hardly larger than the pixels of a picture.
//!
//! Source: J. Rossignac and P. Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993: corners are put together by the
//! cells of a grid, here two by two by two of the surface's own. Unlike there, corners that face different ways are left alone. So the two sides of
//! a plate, or those of a thread of one voxel, never fall together, and nothing thin is lost.
//!
//! A corner goes where its group's labels say and nothing else: the cells that a block shares with its neighbours form groups of their own, which
//! both see whole. So neighbours meet without cracks here too, as long as both are drawn like this.

use super::{BlockPart, BlockSurface, BlockVertex, STEPS_PER_VOXEL, flattened};
use crate::volume::BRICK_EDGE;

/// Corners are put together where their normals' mean is at least so long: up to about thirty degrees to each side of it.
const ALIKE: f64 = 0.85;
/// Steps of the length of a normal.
const NORMAL_STEPS: f32 = 4096.0;
/// Groups along an axis: a block's cells by two, those that it shares with its neighbours on both sides alone, and one of cells without corners.
const GROUPS: usize = BRICK_EDGE / 2 + 3;

/// Corners in the same cells.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    count: u32,
    places: [u32; 3],
    normals: [i32; 3],
    /// The corner that they become; none yet, or none as they stay apart.
    corner: Option<u16>,
}

impl Group {
    fn are_alike(&self) -> bool {
        let length = self.normals.iter().map(|part| f64::from(*part).powi(2)).sum::<f64>().sqrt();
        length >= ALIKE * f64::from(NORMAL_STEPS) * f64::from(self.count)
    }

    fn corner(&self) -> BlockVertex {
        // Half is rounded up whatever the block's origin, which is a whole number of steps.
        let [x, y, z] = self.places.map(|sum| ((2 * sum + self.count) / (2 * self.count)) as u16);
        [x, y, z, flattened(self.normals.map(|part| part as f32))]
    }
}

/// The surfaces of a block, which were made with `step`, of about a quarter of the triangles; corners move by less than two voxels of `step`.
pub fn simpler_surface(surface: &BlockSurface, step: usize) -> BlockSurface {
    let mut simpler = BlockSurface { origin: surface.origin, ..BlockSurface::default() };
    let mut groups = vec![Group::default(); if surface.parts.is_empty() { 0 } else { GROUPS.pow(3) }];
    let (mut places, mut becomes) = (Vec::new(), Vec::new());
    for (n, part) in surface.parts.iter().enumerate() {
        let end = surface.parts.get(n + 1).map_or(surface.vertices.len(), |next| next.base as usize);
        let corners = surface.vertices.get(part.base as usize..end).unwrap_or_default();
        places.clear();
        for corner in corners {
            let place = place_of(*corner, step);
            places.push(place);
            let Some(group) = groups.get_mut(place) else { continue };
            let normal = unfolded(corner[3]);
            group.count += 1;
            for axis in 0..3 {
                group.places[axis] += u32::from(corner[axis]);
                group.normals[axis] += (normal[axis] * NORMAL_STEPS).round() as i32;
            }
        }
        let base = simpler.vertices.len();
        becomes.clear();
        for (corner, place) in corners.iter().zip(&places) {
            let next = (simpler.vertices.len() - base) as u16;
            let group = groups.get_mut(*place).filter(|group| group.count > 1 && group.are_alike());
            let number = match group {
                Some(Group { corner: Some(known), .. }) => *known,
                Some(group) => {
                    simpler.vertices.push(group.corner());
                    *group.corner.insert(next)
                }
                None => {
                    simpler.vertices.push(*corner);
                    next
                }
            };
            becomes.push(number);
        }
        for place in &places {
            if let Some(group) = groups.get_mut(*place) {
                *group = Group::default();
            }
        }
        let first = simpler.indices.len() as u32;
        let indices = surface.indices.get(part.indices.start as usize..part.indices.end as usize).unwrap_or_default();
        for triangle in indices.as_chunks::<3>().0 {
            let [Some(a), Some(b), Some(c)] = triangle.map(|corner| becomes.get(usize::from(corner))) else { continue };
            if a != b && b != c && c != a {
                simpler.indices.extend([a, b, c]);
            }
        }
        let end = simpler.indices.len() as u32;
        if end > first {
            simpler.parts.push(BlockPart { label: part.label, indices: first..end, base: base as i32 });
        } else {
            simpler.vertices.truncate(base);
        }
    }
    simpler.vertices.shrink_to_fit();
    simpler.indices.shrink_to_fit();
    simpler
}

/// The number of the group that a corner is in.
fn place_of(corner: BlockVertex, step: usize) -> usize {
    // Corners lie inside their cells, which reach from the middle of a voxel of `step` to that of the next; origins are three before the first.
    let cell = 2 * STEPS_PER_VOXEL as i32 * step as i32;
    let shared = (BRICK_EDGE / step) as i32 - 1;
    let along = |axis: usize| {
        let own = (2 * i32::from(corner[axis]) + STEPS_PER_VOXEL as i32 - 7 * (cell / 2)).div_euclid(cell);
        let group = match own {
            own if own < 0 => own + 2,
            own if own < shared => own / 2 + 2,
            _ => (shared + 1) / 2 + 2,
        };
        group.max(0) as usize
    };
    (along(2) * GROUPS + along(1)) * GROUPS + along(0)
}

/// The direction of a corner's normal, of length 1.
fn unfolded(flat: u16) -> [f32; 3] {
    let [u, v] = [flat & 255, flat >> 8].map(|byte| (f32::from(byte) - 128.0) / 127.0);
    let z = 1.0 - u.abs() - v.abs();
    let folded = |own: f32, other: f32| (1.0 - other.abs()) * if own < 0.0 { -1.0 } else { 1.0 };
    let (x, y) = if z < 0.0 { (folded(u, v), folded(v, u)) } else { (u, v) };
    let length = (x * x + y * y + z * z).sqrt().max(f32::MIN_POSITIVE);
    [x / length, y / length, z / length]
}
