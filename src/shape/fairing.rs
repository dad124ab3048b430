//! Evening out a closed surface without shrinking it.
//!
//! Source: G. Taubin, "A signal processing approach to fair surface design", SIGGRAPH 1995: a step towards the mean of a corner's neighbours,
//! and a slightly longer one back, damp what is rough and keep what is large. Corners stay within a third of a voxel of where they were (as in
//! S. Gibson, "Constrained elastic surface nets", MICCAI 1998), so that nothing thin collapses; what volume is missing then is put back
//! along the normals.

use super::mesh::Mesh;
use crate::volume::{Vec3, cross};
use crate::work::{Stopped, Watch, numbers};

/// Steps there and back.
const ROUNDS: usize = 25;
/// How far a step towards the neighbours leads, and the one back.
const STEPS: [f64; 2] = [0.5, -0.526];
/// How far a corner may move along an axis, in voxels.
const REACH: f64 = 0.35;
/// How far a corner may move to make up for the volume, of the finest spacing.
const MOST_FILLING: f64 = 0.4;
/// The same after each round of smoothing.
const MOST_AT_ONCE: f64 = 0.1;
/// Rounds of filling; each leaves a small part of what was missing.
const FILLINGS: usize = 5;

/// What is known of a surface whose corners are in millimetres along the axes of a grid.
pub struct Fairing {
    /// Sizes of voxels.
    pub spacing: Vec3,
    /// 1, or -1 where triangles turn inward, because the grid is mirrored in the world.
    pub sign: f64,
    /// What the surface has to enclose.
    pub volume: f64,
}

/// Evens out a closed surface.
///
/// # Errors
/// When the work is stopped.
pub fn smooth(mesh: &mut Mesh, fairing: &Fairing, watch: Watch) -> Result<(), Stopped> {
    let before = mesh.vertices.clone();
    let mut sums: Vec<(Vec3, u32)> = Vec::new();
    for round in 0..ROUNDS {
        watch.at(numbers::share(round, ROUNDS))?;
        for step in STEPS {
            watch.check()?;
            sums.clear();
            sums.resize(mesh.vertices.len(), ([0.0; 3], 0));
            // In a closed surface each edge is run along once from each end, so that each neighbour counts once.
            for &[a, b, c] in &mesh.triangles {
                for (from, to) in [(a, b), (b, c), (c, a)] {
                    let (sum, count) = &mut sums[from as usize];
                    let other = mesh.vertices[to as usize];
                    (0..3).for_each(|axis| sum[axis] += other[axis]);
                    *count += 1;
                }
            }
            for ((p, (sum, count)), first) in mesh.vertices.iter_mut().zip(&sums).zip(&before) {
                for axis in 0..3 {
                    let mean = sum[axis] / f64::from((*count).max(1));
                    let reach = REACH * fairing.spacing[axis];
                    p[axis] = (p[axis] + step * (mean - p[axis])).clamp(first[axis] - reach, first[axis] + reach);
                }
            }
        }
        // At once, while what is small has still a shape.
        push(mesh, fairing, MOST_AT_ONCE * finest(fairing));
    }
    Ok(())
}

/// Moves corners along their normals until the surface encloses what it has to.
///
/// # Errors
/// When the work is stopped.
pub fn fill(mesh: &mut Mesh, fairing: &Fairing, watch: Watch) -> Result<(), Stopped> {
    let mut left = MOST_FILLING * finest(fairing);
    for _ in 0..FILLINGS {
        watch.check()?;
        left -= push(mesh, fairing, left);
    }
    Ok(())
}

/// Moves corners along their normals by what is missing of the volume, by no more than `most`; says how far.
fn push(mesh: &mut Mesh, fairing: &Fairing, most: f64) -> f64 {
    let missing = fairing.volume - fairing.sign * mesh.volume_mm3();
    let normals = normals(mesh, fairing.sign);
    let area: f64 = normals.iter().map(|normal| length(*normal)).sum();
    if area <= 0.0 || missing.abs() < 1e-4 * fairing.volume {
        return 0.0;
    }
    let step = (missing / area).clamp(-most, most);
    for (p, normal) in mesh.vertices.iter_mut().zip(normals) {
        let size = length(normal);
        if size > 0.0 {
            (0..3).for_each(|axis| p[axis] += step * normal[axis] / size);
        }
    }
    step.abs()
}

fn finest(fairing: &Fairing) -> f64 {
    fairing.spacing.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The outward normal of each corner, as long as a third of the area around it.
fn normals(mesh: &Mesh, sign: f64) -> Vec<Vec3> {
    let mut normals = vec![[0.0; 3]; mesh.vertices.len()];
    for triangle in &mesh.triangles {
        let [a, b, c] = mesh.corners(*triangle);
        let side = |to: Vec3| [0, 1, 2].map(|axis| to[axis] - a[axis]);
        let normal = cross(side(b), side(c)).map(|part| sign * part / 6.0);
        for corner in triangle {
            (0..3).for_each(|axis| normals[*corner as usize][axis] += normal[axis]);
        }
    }
    normals
}

fn length(v: Vec3) -> f64 {
    v.iter().map(|part| part * part).sum::<f64>().sqrt()
}
