//! A slice of one scan at the pixels of another one's, where that takes longer than a frame.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::volume::{PlaneLayout, SliceSampler, Volume};

/// Samples a scan at a slice of another one.
pub struct SampleSliceJob {
    /// The scan that is sampled.
    pub over: Arc<Volume>,
    /// Its frame.
    pub frame: usize,
    /// The scan whose slice it is.
    pub base: Arc<Volume>,
    /// How its slices lie.
    pub layout: PlaneLayout,
    /// Which slice.
    pub slice: usize,
}

impl Job for SampleSliceJob {
    /// Rescaled values, row by row; NaN outside of the scan's box.
    type Output = Vec<f32>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "sample-slice", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Laying {} over the slice", self.over.name)
    }

    fn run(self, work: &Work<()>) -> Result<Vec<f32>, JobError> {
        let sampler = SliceSampler::new((&self.over, self.frame), &self.base.geometry, &self.layout, self.slice, 1);
        let [columns, rows] = sampler.size();
        let mut values = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            work.watch.at(row as f32 / rows as f32)?;
            sampler.read_row(row, &mut values);
        }
        Ok(values)
    }
}
