//! The body: surfaces of the labels as far as they are made, and how they are looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::body_pictures::{BodyPictures, PicturesRequest};
use super::camera::{Bounds, Camera};
use super::clip_box::ClipBox;
use super::rendering::Rendering;
use crate::jobs::MeshedBlock;
use crate::session::ScanId;
pub use crate::shape::{BlockPart, BlockSurface, STEPS_PER_VOXEL};
use crate::volume::{Geometry, LabelMap, LabelValue, Region, SmallVolume, Vec3};

/// Most memory for surfaces. What would take more is made of larger voxels; the graphics device holds as much again.
pub const MOST_BYTES: usize = 512 << 20;

/// The coarsest step that surfaces are made with.
const COARSEST: usize = 4;

/// Surfaces of blocks, by their places counted in blocks.
pub type Blocks = BTreeMap<[usize; 3], Arc<MeshedBlock>>;

/// The surfaces of a segmentation as it is shown.
#[derive(Debug)]
pub struct Surfaces {
    /// What is ready. Blocks without a surface are left out.
    pub blocks: Arc<Blocks>,
    /// The labels that they are of, or that a running job makes them of; none where nothing was made.
    pub labels: Option<LabelMap>,
    /// Labels that could not be meshed: it is not tried again until they change.
    pub failed: Option<LabelMap>,
    /// Edge of the voxels they are made of; more than 1 where single voxels would take too much memory.
    pub step: usize,
    /// Counts beginnings anew: what an earlier job brings is dropped.
    pub beginning: u64,
    bytes: usize,
}

impl Default for Surfaces {
    fn default() -> Self {
        Self { blocks: Arc::default(), labels: None, failed: None, step: 1, beginning: 0, bytes: 0 }
    }
}

impl Surfaces {
    /// Drops all of them.
    pub fn begin_anew(&mut self, step: usize) {
        *self = Self { step, beginning: self.beginning + 1, ..Self::default() };
    }

    /// Takes blocks in place of what was there; whether that fits into the memory.
    pub fn take(&mut self, made: Vec<MeshedBlock>, most_bytes: usize) -> bool {
        let blocks = Arc::make_mut(&mut self.blocks);
        let size = |block: &MeshedBlock| {
            [&block.fine, &block.simpler, &block.coarse].into_iter().map(BlockSurface::byte_count).sum::<usize>()
        };
        for block in made {
            let place = block.block;
            let is_empty = block.fine.parts.is_empty() && block.coarse.parts.is_empty();
            let added = if is_empty { 0 } else { size(&block) };
            let old = if is_empty { blocks.remove(&place) } else { blocks.insert(place, Arc::new(block)) };
            self.bytes = self.bytes + added - old.as_deref().map_or(0, size);
        }
        self.bytes <= most_bytes || self.step >= COARSEST
    }

    /// Memory that they take.
    pub fn byte_count(&self) -> usize {
        self.bytes
    }

    /// A ball around all surfaces; around the grid where there are none.
    pub fn bounds(&self, geometry: &Geometry) -> Bounds {
        let ends = self.blocks.values().filter_map(|block| block.fine.ends()).reduce(|[low, high], [from, to]| {
            [[0, 1, 2].map(|axis| low[axis].min(from[axis])), [0, 1, 2].map(|axis| high[axis].max(to[axis]))]
        });
        let Some([low, high]) = ends else { return Bounds::whole(geometry) };
        Bounds::of(geometry, low.map(f64::from), high.map(f64::from))
    }
}

/// Which side of a slice is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Towards the patient's left, back or feet.
    Negative,
    /// Towards the patient's right, front or head.
    Positive,
}

/// What is chosen about the body.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BodyForm {
    /// What the slices through the cursor take away: axial, coronal, sagittal.
    pub cuts: [Option<Cut>; 3],
    /// What is shown: labels, or values all through.
    pub rendering: Rendering,
    /// Whether these slices are shown between surfaces.
    pub slices: bool,
}

/// Values of a scan, made ready for rays.
#[derive(Debug, Default)]
pub struct ShownValues {
    /// Scan and frame, and their values.
    pub ready: Option<((ScanId, usize), Arc<SmallVolume>)>,
    /// What could not be made ready: it is not tried again.
    pub failed: Option<(ScanId, usize)>,
}

impl ShownValues {
    /// The values of a frame, where they are ready.
    pub fn of(&self, scan: ScanId, frame: usize) -> Option<&Arc<SmallVolume>> {
        self.ready.as_ref().filter(|(of, _)| *of == (scan, frame)).map(|(_, values)| values)
    }
}

/// The body.
#[derive(Debug, Default)]
pub struct Body {
    /// From where each scan's is looked at; none until it was.
    pub cameras: BTreeMap<ScanId, Camera>,
    /// From where each scan's was shown whole by itself, and what was to be seen then.
    pub shown_whole: BTreeMap<ScanId, (Camera, Bounds)>,
    /// Surfaces of the labels on screen.
    pub surfaces: Surfaces,
    /// The values of the scan on screen.
    pub values: ShownValues,
    /// Whether the pointer is over it.
    pub is_hovered: bool,
    /// What is chosen about it.
    pub form: BodyForm,
    /// Whether surfaces follow a stroke only when it ends: without a graphics card, drawing them would make the stroke's frames late.
    pub waits_for_strokes: bool,
    /// The clipping boxes of scans that have had one.
    pub boxes: BTreeMap<ScanId, ClipBox>,
    /// The outline that is being drawn over it: places from -1 to 1 to the right and up.
    pub lasso: Vec<[f64; 2]>,
    /// Pictures of it in files.
    pub pictures: BodyPictures,
}

/// How an outline goes on. Places are from -1 to 1 to the right and up.
#[derive(Debug, Clone, Copy)]
pub enum LassoStep {
    /// It begins.
    Begin([f64; 2]),
    /// It goes to a place.
    To([f64; 2]),
    /// It is whole, in a tile that is so many times as wide as high: cut.
    End(f64),
}

/// Something about the body.
#[derive(Debug, Clone, Copy)]
pub enum BodyRequest {
    /// Look from elsewhere.
    Camera(Camera),
    /// Whether the pointer is over it.
    Hover(bool),
    /// Go to the voxel that a ray (in millimetres) meets first, and choose its label.
    Pick {
        /// Where the ray begins.
        from: Vec3,
        /// Its direction.
        direction: Vec3,
    },
    /// The choices, changed.
    Form(BodyForm),
    /// The clipping box of the scan on screen, changed.
    Clip(ClipBox),
    /// The scissors' outline.
    Lasso(LassoStep),
    /// Something about pictures of it in files.
    Pictures(PicturesRequest),
}

/// What is seen of the labels, besides their surfaces.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyLook {
    /// Labels that are shown, in ascending order, with their colours and opacities.
    pub colours: Vec<(LabelValue, [u8; 4])>,
    /// What is not cut away.
    pub kept: Region,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    fn made(block: [usize; 3], corners: usize) -> MeshedBlock {
        let parts = if corners > 0 { vec![BlockPart { label: 1, indices: 0..3, base: 0 }] } else { Vec::new() };
        let fine = BlockSurface { vertices: vec![[0; 4]; corners], parts, ..BlockSurface::default() };
        MeshedBlock { block, fine, simpler: BlockSurface::default(), coarse: BlockSurface::default() }
    }

    #[test]
    fn memory_is_counted_and_what_has_no_surface_any_more_goes() {
        let mut surfaces = Surfaces::default();
        assert!(surfaces.take(vec![made([0; 3], 10), made([1, 0, 0], 5)], 1000));
        assert_eq!((surfaces.byte_count(), surfaces.blocks.len()), (15 * 8, 2));
        assert!(surfaces.take(vec![made([0; 3], 0)], 1000));
        assert_eq!((surfaces.byte_count(), surfaces.blocks.len()), (5 * 8, 1));
        assert!(!surfaces.take(vec![made([0; 3], 200)], 1000), "too much for single voxels");
        surfaces.begin_anew(COARSEST);
        assert_eq!((surfaces.byte_count(), surfaces.blocks.len(), surfaces.beginning), (0, 0, 1));
        assert!(surfaces.take(vec![made([0; 3], 200)], 1000), "nothing is coarser");
    }

    #[test]
    fn bounds_are_those_of_the_surfaces() {
        let geometry = Geometry::new([70, 40, 40], Affine::IDENTITY).unwrap();
        let mut surfaces = Surfaces::default();
        assert_eq!(surfaces.bounds(&geometry), Bounds::whole(&geometry));
        let steps = STEPS_PER_VOXEL as u16;
        let corners = vec![[0, steps, 0, 0], [8 * steps, steps, 6 * steps, 0]];
        let parts = vec![BlockPart { label: 1, indices: 0..3, base: 0 }];
        let fine = BlockSurface { origin: [61, 29, -3], vertices: corners, parts, ..BlockSurface::default() };
        let (simpler, coarse) = (BlockSurface::default(), BlockSurface::default());
        surfaces.take(vec![MeshedBlock { block: [2, 1, 0], fine, simpler, coarse }], 1000);
        let bounds = surfaces.bounds(&geometry);
        assert_eq!((bounds.middle, bounds.radius), ([65.0, 30.0, 0.0], 5.0));
    }
}
