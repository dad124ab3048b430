//! How long something takes.

use std::time::Instant;

use crate::jobs::error::JobError;

/// Seconds that it takes.
pub(super) fn seconds(run: impl FnOnce() -> Result<(), JobError>) -> Result<f64, JobError> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}
