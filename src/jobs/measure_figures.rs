//! Measuring regions of slices that hold many voxels.

use std::sync::Arc;

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::measure::{FigureMeasures, measure_figure};
use crate::volume::{Measurement, Volume};
use crate::work::numbers::share;

/// Measures rulers, angles and regions.
#[derive(Debug, Clone)]
pub struct MeasureFiguresJob {
    /// The scan that they were drawn on.
    pub volume: Arc<Volume>,
    /// Its frame.
    pub frame: usize,
    /// What is measured.
    pub measurements: Vec<Measurement>,
}

impl Job for MeasureFiguresJob {
    /// What each gives, in the same order.
    type Output = Vec<FigureMeasures>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "measure-figures", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Measuring regions".into()
    }

    fn run(self, work: &Work<()>) -> Result<Self::Output, JobError> {
        let watch = work.watch.stage("Measuring");
        let image = Some((self.volume.as_ref(), self.frame));
        let count = self.measurements.len();
        let measured = self.measurements.iter().enumerate().map(|(n, own)| {
            watch.at(share(n, count))?;
            measure_figure(own, &self.volume.geometry, image, watch)
        });
        Ok(measured.collect::<Result<_, _>>()?)
    }
}
