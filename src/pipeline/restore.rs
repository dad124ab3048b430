//! Maps of a slice on the network's grid, brought back to the stored grid.

use super::blend::softmax;
use super::news::VoxelVisitor;
use super::prepare::Preparation;
use crate::model::{ModelSpec, Windows};
use crate::volume::{LabelMap, LabelValue};

/// Where a slice's maps go.
#[derive(Clone, Copy)]
pub(super) struct Restorer<'a> {
    pub(super) preparation: &'a Preparation,
    pub(super) spec: &'a ModelSpec,
    /// Shape of the stored grid.
    pub(super) shape: [usize; 3],
}

impl Restorer<'_> {
    /// Adds a slice's maps to sums `[class][voxel]` on the stored grid, i fastest.
    pub(super) fn add_restored(&self, slice: usize, maps: &[f32], sums: &mut [f32]) {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let [rows, columns] = self.preparation.source;
        let [ni, nj, nk] = self.shape;
        let mut restored = Vec::new();
        for (map, sums) in maps.chunks_exact(pixels).zip(sums.chunks_exact_mut(ni * nj * nk)) {
            self.preparation.restore(map, &mut restored);
            for (n, p) in restored.iter().take(rows * columns).enumerate() {
                let [i, j, k] = self.preparation.layout.voxel([n % columns, n / columns, slice]);
                sums[(k * nj + j) * ni + i] += p;
            }
        }
    }

    /// Shows the probabilities of every pixel on the stored grid.
    pub(super) fn visit_voxels(&self, slice: usize, maps: &[f32], visit: VoxelVisitor) {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let [rows, columns] = self.preparation.source;
        let classes = maps.len() / pixels;
        let mut restored = vec![Vec::new(); classes];
        for (map, restored) in maps.chunks_exact(pixels).zip(&mut restored) {
            self.preparation.restore(map, restored);
        }
        let mut p = vec![0.0; classes];
        for n in 0..rows * columns {
            p.iter_mut().zip(&restored).for_each(|(p, map)| *p = map[n]);
            if self.spec.windows == Windows::NnUnet {
                softmax(&mut p);
            }
            visit(self.preparation.layout.voxel([n % columns, n / columns, slice]), &p);
        }
    }

    /// The most probable class of every pixel on the stored grid; of equals the lowest.
    pub(super) fn write_labels(&self, slice: usize, maps: &[f32], labels: &mut LabelMap) {
        let pixels = self.preparation.target[0] * self.preparation.target[1];
        let [rows, columns] = self.preparation.source;
        let mut best = vec![(f32::NEG_INFINITY, 0 as LabelValue); rows * columns];
        let mut restored = Vec::new();
        for (value, map) in self.spec.values().into_iter().zip(maps.chunks_exact(pixels)) {
            self.preparation.restore(map, &mut restored);
            for (best, &p) in best.iter_mut().zip(&restored) {
                if p > best.0 {
                    *best = (p, value);
                }
            }
        }
        for (n, &(_, label)) in best.iter().enumerate() {
            if label != 0 {
                labels.set(self.preparation.layout.voxel([n % columns, n / columns, slice]), label);
            }
        }
    }
}
