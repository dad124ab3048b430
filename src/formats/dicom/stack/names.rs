//! What the frames of a 4-D volume are: time, b-value, gradient, phase or echo, whichever differs between them.

use super::Member;
use super::features::{Feature, Value};
use crate::work::numbers::{index, real, whole};

/// Names of the frames, where something tells them apart; `images` are slice by slice, frame after frame.
pub fn of_frames(images: &[Member], frame_count: usize) -> Vec<String> {
    if frame_count < 2 || !images.len().is_multiple_of(frame_count) {
        return Vec::new();
    }
    let frames: Vec<&[Member]> = images.chunks(images.len() / frame_count).collect();
    let of = |feature: Feature, say: &dyn Fn(f64) -> String| -> Option<Vec<String>> {
        let values: Vec<f64> = frames.iter().map(|frame| shared_value(feature, frame)).collect::<Option<_>>()?;
        let differ = values.windows(2).any(|pair| (pair[1] - pair[0]).abs() > 1e-6);
        differ.then(|| values.into_iter().map(say).collect())
    };
    let b_values = of(Feature::BValue, &|b| format!("b {b} s/mm\u{b2}"));
    if let Some(names) = join(b_values, gradients(&frames)) {
        return names;
    }
    let phases = of(Feature::TriggerTime, &|ms| format!("trigger {} ms", rounded(ms)));
    let echoes = of(Feature::EchoTime, &|ms| format!("echo {} ms", rounded(ms)));
    let inversions = of(Feature::InversionTime, &|ms| format!("inversion {} ms", rounded(ms)));
    let flips = of(Feature::FlipAngle, &|degrees| format!("flip angle {}\u{b0}", rounded(degrees)));
    let times = seconds(&frames)
        .or_else(|| of(Feature::ReferenceTime, &|ms| format!("{} s", rounded(ms / 1000.0))))
        .or_else(|| of(Feature::TemporalPosition, &|n| format!("time point {n}")));
    phases.or(echoes).or(inversions).or(flips).or(times).unwrap_or_default()
}

fn join(first: Option<Vec<String>>, second: Option<Vec<String>>) -> Option<Vec<String>> {
    match (first, second) {
        (Some(a), Some(b)) => {
            let both = |(a, b): (String, String)| if b.is_empty() { a } else { format!("{a}, {b}") };
            Some(a.into_iter().zip(b).map(both).collect())
        }
        (one, other) => one.or(other),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The value that all slices of a frame have.
fn shared_value(feature: Feature, frame: &[Member]) -> Option<f64> {
    let mut values = frame.iter().map(|m| if let Value::Number(n) = feature.value(m) { Some(n) } else { None });
    let first = values.next()??;
    values.all(|value| value.is_some_and(|v| (v - first).abs() < 1e-6)).then_some(first)
}

/// Directions of diffusion, where they differ; nothing for a frame without.
fn gradients(frames: &[&[Member]]) -> Option<Vec<String>> {
    let of = |frame: &&[Member]| frame.first().and_then(|m| m.acquisition.gradient);
    let all: Vec<Option<[f64; 3]>> = frames.iter().map(of).collect();
    let known: Vec<[f64; 3]> = all.iter().flatten().copied().collect();
    if known.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let say = |g: Option<[f64; 3]>| g.map_or(String::new(), |[x, y, z]| format!("gradient {x:.2} {y:.2} {z:.2}"));
    Some(all.into_iter().map(say).collect())
}

/// Seconds from one frame to the next, where the frames are points in time and these lie evenly, to within a hundredth of the step.
pub fn time_step_s(images: &[Member], frame_count: usize) -> Option<f64> {
    if frame_count < 2 || !images.len().is_multiple_of(frame_count) {
        return None;
    }
    let frames: Vec<&[Member]> = images.chunks(images.len() / frame_count).collect();
    let starts = starts(&frames)?;
    let step = (starts.last()? - starts.first()?) / real(starts.len() - 1);
    let is_even = starts.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() <= 0.01 * step);
    // What is told apart by something else, such as b-values, was acquired one after the other as well.
    (is_even && of_frames(images, frame_count) == said(&starts)).then_some(step)
}

/// Seconds from the first frame, where they ascend.
fn seconds(frames: &[&[Member]]) -> Option<Vec<String>> {
    starts(frames).map(|starts| said(&starts))
}

fn said(starts: &[f64]) -> Vec<String> {
    let first = starts.first().copied().unwrap_or_default();
    starts.iter().map(|s| format!("{} s", rounded(s - first))).collect()
}

/// When the earliest slice of each frame was acquired, in seconds, where they ascend.
fn starts(frames: &[&[Member]]) -> Option<Vec<f64>> {
    let start = |frame: &&[Member]| {
        let times: Option<Vec<f64>> = frame.iter().map(|m| m.acquisition.acquired.map(to_seconds)).collect();
        times?.into_iter().reduce(f64::min)
    };
    let starts: Vec<f64> = frames.iter().map(start).collect::<Option<_>>()?;
    starts.windows(2).all(|pair| pair[1] - pair[0] > 1e-3).then_some(starts)
}

/// Seconds of a moment that is written `yyyymmddhhmmss.f`, counted from some day.
pub fn to_seconds(moment: f64) -> f64 {
    let whole_part = whole(moment.trunc());
    let part = |divisor: i64, size: i64| whole_part / divisor % size;
    let (year, month, day) = (whole_part / 10_000_000_000, part(100_000_000, 100), part(1_000_000, 100));
    // Days of a calendar whose year begins in March, so that the odd one out is the last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day;
    let of_day = part(10_000, 100) * 3600 + part(100, 100) * 60 + part(1, 100);
    // A time without a date is of no day.
    let days = if year == 0 { 0 } else { days };
    let total = (days * 86_400 + of_day).unsigned_abs();
    real(index(total)) + moment.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds_apart_across_midnight_and_the_end_of_february() {
        let apart = |a: f64, b: f64| (to_seconds(b) - to_seconds(a)).round();
        assert_eq!(apart(20_181_022_083_634.0, 20_181_022_083_700.0), 26.0);
        assert_eq!(apart(20_181_022_235_959.0, 20_181_023_000_001.0), 2.0);
        assert_eq!(apart(20_240_228_120_000.0, 20_240_301_120_000.0), 2.0 * 86_400.0);
        assert_eq!(apart(20_230_228_120_000.0, 20_230_301_120_000.0), 86_400.0);
        assert_eq!(apart(20_231_231_235_959.0, 20_240_101_000_000.0), 1.0);
        assert_eq!(apart(83_634.0, 83_635.0), 1.0);
    }
}
