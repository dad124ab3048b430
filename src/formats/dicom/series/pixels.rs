//! Values of a scan as the 16 bits of a DICOM image, with a factor that is written as text.

use std::path::Path;

use super::super::segmentation::elements::{MOST_DIGITS, decimal};
use crate::formats::error::{FormatError, Result};
use crate::volume::{Rescale, Volume, VoxelType};
use crate::work::numbers::whole;

/// The values between the lowest and the highest that 16 bits tell apart.
const STEPS: f64 = 65_535.0;

/// How values are stored.
pub struct Coded<'a> {
    volume: &'a Volume,
    /// Two's complement.
    pub is_signed: bool,
    /// Whether every value comes back as it was.
    pub is_exact: bool,
    /// The distance of neighbouring values where they were rounded; else 0.
    pub step: f64,
    /// Factor and offset, where values were rounded.
    rounded: Option<(f64, f64)>,
    /// What the user must know.
    pub notes: Vec<String>,
}

impl<'a> Coded<'a> {
    /// Finds a way of storing values.
    ///
    /// # Errors
    /// For values that are no numbers.
    pub fn of(folder: &Path, volume: &'a Volume) -> Result<Self> {
        let statistics = volume.statistics();
        let bad = statistics.nan_count + statistics.infinite_count;
        if bad > 0 {
            let reason = format!(
                "{bad} values are no numbers or infinite, which DICOM cannot hold; save it as .nii.gz or .nrrd"
            );
            return Err(FormatError::unsupported(folder, reason));
        }
        let mut coded = Self { volume, is_signed: false, is_exact: true, step: 0.0, rounded: None, notes: Vec::new() };
        if let Some(is_signed) = fits(volume) {
            coded.is_signed = is_signed;
            coded.is_exact = factors(volume).into_iter().all(is_same);
            if !coded.is_exact {
                coded
                    .notes
                    .push("A factor of the values has more digits than DICOM has room for; it is rounded.".into());
            }
            return Ok(coded);
        }
        let (low, high) = (statistics.min, statistics.max);
        // Texts are rounded: the factor is taken as it will be read.
        let slope = read_back((high - low) / STEPS * (1.0 + 1e-7)).filter(|slope| *slope > 0.0).unwrap_or(1.0);
        let intercept = read_back(low).unwrap_or(low);
        coded.rounded = Some((slope, intercept));
        if low == high {
            coded.is_exact = is_same(low);
            return Ok(coded);
        }
        (coded.is_exact, coded.step) = (false, slope);
        coded.notes.push(format!(
            "DICOM images hold 16 bits: values are rounded to steps of {slope:.4e}, 1/65535 of their range."
        ));
        Ok(coded)
    }

    /// Rescale Slope and Intercept of a slice.
    pub fn rescale(&self, k: usize) -> (f64, f64) {
        self.rounded.unwrap_or_else(|| self.volume.rescale.of_slice(k))
    }

    /// The pixels of a slice, little end first.
    pub fn slice(&self, k: usize) -> Vec<u8> {
        let [ni, nj, _] = self.volume.geometry.shape();
        let value = |n: usize| {
            let index = k * ni * nj + n;
            let stored = match self.rounded {
                None => self.volume.voxels.get(index).unwrap_or_default(),
                Some((slope, intercept)) => {
                    let value = self.volume.value_at(index).unwrap_or_default();
                    ((value - intercept) / slope).round().clamp(0.0, STEPS)
                }
            };
            // The low half is the pixel, signed or not.
            let [low, high, ..] = whole(stored).to_le_bytes();
            [low, high]
        };
        (0..ni * nj).flat_map(value).collect()
    }
}

/// Whether all stored values are whole numbers of 16 bits; then whether signed ones.
fn fits(volume: &Volume) -> Option<bool> {
    match volume.voxels.voxel_type() {
        VoxelType::U8 | VoxelType::U16 => return Some(false),
        VoxelType::I8 | VoxelType::I16 => return Some(true),
        _ => {}
    }
    let mut range = [0.0f64, 0.0];
    for n in 0..volume.voxels.len() {
        let value = volume.voxels.get(n)?;
        if value.fract() != 0.0 || !value.is_finite() {
            return None;
        }
        range = [range[0].min(value), range[1].max(value)];
        if range[1] - range[0] > STEPS {
            return None;
        }
    }
    match range {
        [low, high] if low >= 0.0 && high <= STEPS => Some(false),
        [low, high] if low >= f64::from(i16::MIN) && high <= f64::from(i16::MAX) => Some(true),
        _ => None,
    }
}

/// Factors and offsets of all slices.
fn factors(volume: &Volume) -> Vec<f64> {
    match &volume.rescale {
        Rescale::Uniform { slope, intercept } => vec![*slope, *intercept],
        Rescale::PerSlice(all) => all.iter().flat_map(|(slope, intercept)| [*slope, *intercept]).collect(),
    }
}

/// A number as text of at most 16 characters: exactly where that is enough, else rounded.
pub fn text(value: f64) -> String {
    let exact = [format!("{value}"), format!("{value:e}")].into_iter().find(|text| text.len() <= MOST_DIGITS);
    exact.unwrap_or_else(|| nearest(value))
}

/// The text of at most 16 characters that is nearest to a number, with or without an exponent.
fn nearest(value: f64) -> String {
    let longest =
        |write: &dyn Fn(usize) -> String| (0..MOST_DIGITS).rev().map(write).find(|text| text.len() <= MOST_DIGITS);
    let texts = [longest(&|digits| format!("{value:.digits$}")), longest(&|digits| format!("{value:.digits$e}"))];
    let off = |text: &String| text.parse().map_or(f64::INFINITY, |there: f64| (there - value).abs());
    texts.into_iter().flatten().min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or_else(|| decimal(value))
}

fn read_back(value: f64) -> Option<f64> {
    text(value).parse().ok().filter(|value: &f64| value.is_finite())
}

fn is_same(value: f64) -> bool {
    read_back(value) == Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_fit_are_exact() {
        for value in [1.0, -1024.0, 0.5, 0.002_441_406_25, 1e-12, 4.0 / 65_536.0, 123_456.789] {
            assert!(is_same(value), "{value}: {}", text(value));
        }
        assert!(!is_same(1.0 / 3.0) && text(1.0 / 3.0).len() <= MOST_DIGITS);
    }

    proptest! {
        #[test]
        fn texts_are_short_and_near(value in prop::num::f64::NORMAL) {
            let value = value % 1e12;
            prop_assume!(value.abs() > 1e-30);
            prop_assert!(text(value).len() <= MOST_DIGITS, "{}", text(value));
            let off = (read_back(value).unwrap() / value - 1.0).abs();
            prop_assert!(off < 1e-8, "{}", text(value));
        }
    }
}
