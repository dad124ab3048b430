//! What the measurements of scans give, as far as it is known.

use std::collections::BTreeMap;

use crate::measure::FigureMeasures;
use crate::session::{MeasurementId, ScanId};
use crate::volume::Measurement;

/// What a measurement gave.
#[derive(Debug, Clone)]
pub struct Known {
    /// As it was.
    pub measurement: Measurement,
    /// Frame of the scan whose values were measured.
    pub frame: usize,
    /// What it gave; `None` where measuring failed, and is not tried again until the measurement changes.
    pub measures: Option<FigureMeasures>,
}

/// All that is known.
#[derive(Debug, Default)]
pub struct Measuring {
    /// By scan and measurement.
    pub known: BTreeMap<(ScanId, MeasurementId), Known>,
}

impl Measuring {
    /// What is known of a measurement as it is; its name does not count.
    pub fn known(&self, scan: ScanId, id: MeasurementId, now: &Measurement, frame: usize) -> Option<&Known> {
        let is_current = |known: &&Known| {
            (known.measurement.figure, known.measurement.plane, known.frame) == (now.figure, now.plane, frame)
        };
        self.known.get(&(scan, id)).filter(is_current)
    }
}
