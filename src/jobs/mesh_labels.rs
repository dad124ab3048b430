//! The surfaces of labels for the 3-D tile, block by block.

use rayon::prelude::*;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::shape::{BlockSurface, block_counts, block_surface, blocks_around, simpler_surface};
use crate::volume::LabelMap;

/// Blocks that are made until they are told.
const AT_A_TIME: usize = 48;

/// A block and the surfaces in it.
#[derive(Debug)]
pub struct MeshedBlock {
    /// Its place, counted in blocks.
    pub block: [usize; 3],
    /// The surfaces at the step that was asked for.
    pub fine: BlockSurface,
    /// The same with fewer triangles, for pictures whose voxels are hardly larger than pixels.
    pub simpler: BlockSurface,
    /// The surfaces of voxels twice as long, for while the view moves.
    pub coarse: BlockSurface,
}

/// Makes the surfaces of all blocks, or of those around what has changed.
pub struct MeshLabelsJob {
    /// The labels.
    pub labels: LabelMap,
    /// What was meshed before on the same grid.
    pub before: Option<LabelMap>,
    /// Edge of the voxels that are looked at: 1, or 2 where single voxels would be too many.
    pub step: usize,
}

impl MeshLabelsJob {
    fn blocks(&self) -> Vec<[usize; 3]> {
        let shape = self.labels.geometry().shape();
        let Some(before) = &self.before else {
            let [ni, nj, nk] = block_counts(shape);
            return (0..ni * nj * nk).map(|n| [n % ni, n / ni % nj, n / (ni * nj)]).collect();
        };
        let changed = self.labels.changed_regions(before);
        let mut blocks: Vec<_> =
            changed.into_iter().flat_map(|region| blocks_around(region, shape, 2 * self.step)).collect();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }
}

impl Job for MeshLabelsJob {
    type Output = ();
    /// Blocks that are ready.
    type Event = Vec<MeshedBlock>;
    const KIND: &'static JobKind = &JobKind { id: "mesh-labels", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Making surfaces".into()
    }

    fn run(self, work: &Work<Vec<MeshedBlock>>) -> Result<(), JobError> {
        let blocks = self.blocks();
        let is_mirrored = self.labels.geometry().world_from_voxel().determinant() < 0.0;
        let mesh = |block: &[usize; 3]| {
            let fine = block_surface(&self.labels, *block, self.step, is_mirrored);
            MeshedBlock {
                block: *block,
                simpler: simpler_surface(&fine, self.step),
                fine,
                coarse: block_surface(&self.labels, *block, 2 * self.step, is_mirrored),
            }
        };
        for (n, some) in blocks.chunks(AT_A_TIME).enumerate() {
            work.watch.at((n * AT_A_TIME) as f32 / blocks.len() as f32)?;
            work.tell(some.par_iter().map(mesh).collect());
        }
        Ok(())
    }
}
