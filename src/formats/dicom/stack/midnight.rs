//! Times of day without a date: what was taken after midnight comes after what was taken before it.

use super::names::to_seconds;
use crate::formats::dicom::frame::{Acquisition, Frame};

/// A day as it stands in front of `hhmmss`.
const DAY: f64 = 240_000.0;
/// A moment from which on it has a date in front of it.
const WITH_DATE: f64 = 1e6;
/// Seconds without an image from which on the longer part of a day passed at night.
const HALF_A_DAY: f64 = 43_200.0;

type Time = fn(&mut Acquisition) -> &mut Option<f64>;

/// Counts the hours on past midnight where the images of a series give times without a date, and no image was taken for
/// more than twelve hours between the first and the last of a day.
pub fn count_on(frames: &mut [Frame]) {
    let times: [Time; 2] = [|taken| &mut taken.acquired, |taken| &mut taken.created];
    for time in times {
        let mut known: Vec<f64> = frames.iter_mut().filter_map(|frame| *time(&mut frame.acquisition)).collect();
        if known.iter().any(|&moment| moment >= WITH_DATE) {
            continue;
        }
        known.sort_by(f64::total_cmp);
        let night = known.windows(2).find(|pair| to_seconds(pair[1]) - to_seconds(pair[0]) > HALF_A_DAY);
        let Some(evening) = night.map(|pair| pair[1]) else { continue };
        for moment in frames.iter_mut().filter_map(|frame| time(&mut frame.acquisition).as_mut()) {
            if *moment < evening {
                *moment += DAY;
            }
        }
    }
}
