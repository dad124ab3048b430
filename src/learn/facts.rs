//! What is remembered of a labelled scan when its voxels are let go.

use std::collections::BTreeMap;

use super::reading::LabelledScan;
use crate::volume::{Geometry, LabelValue};

/// What a plan and a specification ask of a scan.
#[derive(Debug, Clone)]
pub struct ScanFacts {
    /// The case's name.
    pub name: String,
    /// Its grid.
    pub geometry: Geometry,
    /// Smallest and largest value.
    pub values: [f64; 2],
    /// Voxels of each label but the background.
    pub counts: BTreeMap<LabelValue, usize>,
    /// For each frame that was asked for, the finite values of labelled voxels in rising order, and how often each is there; empty for
    /// others.
    pub foreground: Vec<Vec<(f32, usize)>>,
    /// Bytes of image and labels in memory.
    pub bytes: usize,
}

impl ScanFacts {
    /// Looks at a scan; `frames` says which frames' labelled values are asked for, voxels of the label `ignore` left out.
    pub fn of(scan: &LabelledScan, frames: &[bool], ignore: Option<LabelValue>) -> Self {
        let statistics = scan.image.statistics();
        let of_frame = |(frame, &is_wanted)| if is_wanted { foreground(scan, frame, ignore) } else { Vec::new() };
        Self {
            name: scan.name.clone(),
            geometry: scan.image.geometry.clone(),
            values: [statistics.min, statistics.max],
            counts: scan.labels.counts(),
            foreground: frames.iter().enumerate().map(of_frame).collect(),
            bytes: scan.image.voxels.byte_count() + scan.labels.byte_count(),
        }
    }
}

/// Values of the labelled voxels of a frame, and how often each is there. Values of CT are whole numbers, so there are few of them.
fn foreground(scan: &LabelledScan, frame: usize, ignore: Option<LabelValue>) -> Vec<(f32, usize)> {
    let mut values: Vec<f32> = Vec::new();
    scan.labels.for_each_labelled(|voxel, label| {
        if Some(label) != ignore {
            values.push(scan.image.value(voxel, frame) as f32);
        }
    });
    values.retain(|value| value.is_finite());
    values.sort_by(f32::total_cmp);
    values.chunk_by(|a, b| a.to_bits() == b.to_bits()).filter_map(|same| Some((*same.first()?, same.len()))).collect()
}
