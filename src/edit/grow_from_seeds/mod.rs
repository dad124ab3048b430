//! Grow from seeds: a few strokes of several labels compete for the voxels around them.
//!
//! Every voxel goes to the label whose strokes reach it along the cheapest path. A step costs more the more the grey changes and the less the
//! voxel's grey is like that under the label's strokes, and a little for its length, so that equal fields are shared by distance. Paths over
//! changes of grey are those of `GrowCut` (Vezhnevets and Konouchine 2005), which shortest paths give exactly and at once (Zhu, Kolesov, Gao,
//! Kikinis, Tannenbaum: "An effective interactive medical image segmentation method using fast `GrowCut`", 2014); the part of the grey's
//! likelihood is that of geodesic matting (Bai and Sapiro 2007).
//!
//! **Invariant:** the result depends on image and strokes alone, not on the number of threads.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "greys and costs are small whole numbers made of real ones, within bounds that are held here"
)]

mod costs;
mod fronts;
mod grey;
mod request;

pub use request::{SeedError, SeedGrowing};

use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::Watch;

/// Labels that can compete at once: a front carries its label as one byte, two values of which mean something else.
const MOST_LABELS: usize = 254;

/// Which label each voxel of a box goes to.
#[derive(Debug, Clone)]
pub struct Shares {
    region: Region,
    /// Indices into `labels`, one more each; 0 for walls.
    owners: Vec<u8>,
    labels: Vec<LabelValue>,
}

impl Shares {
    /// The box that was shared out.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The labels of a row along i of the box that begins at a voxel of the box; 0 where nothing grew.
    pub fn read_row(&self, start: [usize; 3], row: &mut [LabelValue]) {
        let size = self.region.shape();
        let at = [0, 1, 2].map(|axis| start[axis].saturating_sub(self.region.start[axis]));
        let first = (at[2] * size[1] + at[1]) * size[0] + at[0];
        for (label, owner) in row.iter_mut().zip(self.owners.get(first..).unwrap_or(&[])) {
            *label = usize::from(*owner).checked_sub(1).and_then(|n| self.labels.get(n)).copied().unwrap_or(0);
        }
    }

    /// The label of a voxel; 0 outside the box and where nothing grew.
    pub fn label(&self, voxel: [usize; 3]) -> LabelValue {
        let mut label = [0];
        if self.region.contains(voxel) {
            self.read_row(voxel, &mut label);
        }
        label[0]
    }
}

/// The box around all voxels of some labels with a margin in millimetres, as far as the grid reaches; `None` where there are none.
pub fn box_around(strokes: &LabelMap, labels: &[LabelValue], margin_mm: f64) -> Option<Region> {
    let mut found: Option<Region> = None;
    strokes.for_each_labelled(|voxel, label| {
        if labels.contains(&label) && found.is_none_or(|region| !region.contains(voxel)) {
            let own = Region { start: voxel, end: voxel.map(|at| at + 1) };
            found = Some(found.map_or(own, |region| region.joined(own)));
        }
    });
    let (shape, spacing) = (strokes.geometry().shape(), strokes.geometry().spacing_mm());
    let by = spacing.map(|spacing| (margin_mm.max(0.0) / spacing).ceil() as usize);
    found.map(|region| region.grown(by, shape))
}

/// Lets strokes compete for the voxels of a box. Strokes stay as they are drawn.
///
/// Memory: ten bytes per voxel of the box and the fronts.
///
/// # Errors
/// [`SeedError`].
pub fn grow_from_seeds(growing: &SeedGrowing, watch: Watch) -> Result<Shares, SeedError> {
    let (strokes, image) = (growing.strokes.geometry().shape(), growing.volume.geometry.shape());
    if strokes != image {
        return Err(SeedError::Grid { strokes, image });
    }
    let region = growing.region;
    let is_inside = (0..3).all(|axis| region.end[axis] <= image[axis]);
    let voxels = region.shape().iter().try_fold(1usize, |all, n| all.checked_mul(*n));
    if !is_inside || voxels.is_none_or(|all| u32::try_from(all).is_err()) {
        return Err(SeedError::TooLarge(region.shape()));
    }
    let mut labels: Vec<LabelValue> = growing.labels.iter().copied().filter(|label| *label != 0).collect();
    labels.sort_unstable();
    labels.dedup();
    if labels.len() > MOST_LABELS {
        return Err(SeedError::TooMany(labels.len()));
    }
    let greys = grey::greys(growing, watch.part(0.0, 0.2))?;
    let seeds = fronts::Seeds::new(growing, &labels, watch)?;
    let counts = costs::count(&seeds.owners, &greys, labels.len());
    let there = counts.iter().filter(|count| count.iter().any(|n| *n > 0.0)).count();
    if there < 2 {
        return Err(SeedError::TooFew { present: there });
    }
    let costs = costs::Costs::new(counts, growing.volume.geometry.spacing_mm());
    let owners = fronts::grow(seeds, region.shape(), &greys, &costs, watch.part(0.2, 1.0))?;
    Ok(Shares { region, owners, labels })
}

#[cfg(test)]
mod tests;
