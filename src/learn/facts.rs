//! What is remembered of a labelled scan when its voxels are let go.

use std::collections::BTreeMap;

use super::reading::LabelledScan;
use crate::volume::{Geometry, LabelValue};

/// Most different values of a frame that are kept: 16 bits have no more, and of floating-point images so many say as much.
const MOST_VALUES: usize = 1 << 16;

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
    /// others. Where there are more than 65536 different ones, neighbours are one value, their mean.
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
    values.sort_unstable_by(f32::total_cmp);
    counted(&values, MOST_VALUES)
}

/// Sorted values, each with how often it is there; where there are more than `most` different ones, groups of equally many neighbours with
/// their means.
fn counted(sorted: &[f32], most: usize) -> Vec<(f32, usize)> {
    let same = || sorted.chunk_by(|a, b| a.to_bits() == b.to_bits());
    if same().take(most + 1).count() <= most {
        return same().filter_map(|same| Some((*same.first()?, same.len()))).collect();
    }
    let mean = |group: &[f32]| (group.iter().map(|value| f64::from(*value)).sum::<f64>() / group.len() as f64) as f32;
    sorted.chunks(sorted.len().div_ceil(most)).map(|group| (mean(group), group.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_and_many_are_grouped_without_losing_any() {
        assert_eq!(counted(&[], 4), []);
        assert_eq!(counted(&[-1.0, 2.0, 2.0, 5.0], 3), [(-1.0, 1), (2.0, 2), (5.0, 1)]);
        assert_eq!(counted(&[-1.0, 2.0, 2.5, 5.0], 3), [(0.5, 2), (3.75, 2)]);
        let many: Vec<f32> = (0..50_000u16).map(|n| f32::from(n).sqrt()).collect();
        let grouped = counted(&many, 1000);
        assert_eq!((grouped.len(), grouped.iter().map(|(_, count)| count).sum::<usize>()), (1000, 50_000));
        assert!(grouped.is_sorted_by(|a, b| a.0 < b.0));
        // The median is where it was, to the width of a group.
        assert!((grouped[500].0 - many[25_000]).abs() < 0.5, "{:?}", grouped[500]);
    }
}
