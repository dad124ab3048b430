//! Slices or frames that are played one after the other.

use std::time::{Duration, Instant};

use crate::volume::Plane;

/// Slowest and fastest rate, in pictures a second.
pub const CINE_RATES: std::ops::RangeInclusive<f32> = 1.0..=60.0;

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// The slices of a plane.
    Slices(Plane),
    /// The frames of the volume.
    Frames,
}

/// What is played, and when its next picture is due.
#[derive(Debug, Clone, Copy)]
pub struct Cine {
    /// What.
    pub played: Played,
    /// When the picture on screen came; none before the first one.
    pub since: Option<Instant>,
}

/// How many pictures further a player is at a time, and when it is to look again. What a slow machine misses is skipped, so that the
/// rate is kept.
pub fn due(since: Instant, now: Instant, rate: f32) -> (usize, Duration) {
    let step = Duration::from_secs_f32(1.0 / rate.clamp(*CINE_RATES.start(), *CINE_RATES.end()));
    let passed = now.saturating_duration_since(since);
    let steps = (passed.as_secs_f64() / step.as_secs_f64()) as usize;
    (steps, step.saturating_sub(passed.saturating_sub(step * u32::try_from(steps).unwrap_or(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_kept_whatever_the_time_between_looks() {
        let start = Instant::now();
        let at = |ms: u64| due(start, start + Duration::from_millis(ms), 10.0);
        assert_eq!((at(0).0, at(0).1.as_millis()), (0, 100));
        let (steps, wait) = at(99);
        assert_eq!((steps, wait.as_millis()), (0, 1));
        assert_eq!(at(250).0, 2);
        assert!((45..=55).contains(&at(250).1.as_millis()), "{:?}", at(250).1);
        // A rate of nothing would never show the next picture.
        assert_eq!(due(start, start + Duration::from_secs(3), 0.0).0, 3);
    }
}
