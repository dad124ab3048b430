//! Standardised uptake values of a PET scan in each label.

use std::collections::BTreeMap;

use serde::Serialize;

use super::place::{MM3_PER_ML, Place};
use super::tally::{Wanted, tally};
use super::values::ValueStatistics;
use crate::volume::{Geometry, LabelMap, LabelValue, Uptake, Volume};
use crate::work::{Stopped, Watch};

/// Radius of a ball of one millilitre, in millimetres.
const PEAK_RADIUS_MM: f64 = 6.203_504_908_994;

/// Uptake in a label: standardised by body weight, in grams a millilitre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LabelUptake {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// Largest value.
    pub max: f64,
    /// The largest mean of a ball of one millilitre whose centre is that of a voxel of the label (PERCIST, Wahl and others 2009). The ball
    /// has the voxels whose centres lie in it, also those outside of the label; what lies outside of the scan, or has no value, is left out.
    pub peak: f64,
    /// Total lesion glycolysis in grams: the mean times the volume of the voxels that have a value.
    pub glycolysis_g: f64,
}

/// How many times as large a scan's values are as standardised uptake values; nothing where it is no PET scan, or where that is not known.
fn factor(volume: &Volume) -> Option<f64> {
    match volume.uptake {
        Some(Uptake::Factor(factor)) if factor > 0.0 => Some(factor),
        _ => None,
    }
}

/// Steps to the voxels in a ball of one millilitre, its middle among them.
fn ball(geometry: &Geometry) -> Vec<[isize; 3]> {
    let world = geometry.world_from_voxel();
    // No step leads further along an axis than the ball's box in voxels does.
    let voxels = world.inverse().map_or([0; 3], |inverse| {
        let columns = [0, 1, 2].map(|axis| inverse.column(axis));
        [0, 1, 2].map(|row| {
            let along = columns.iter().map(|column| column[row] * column[row]).sum::<f64>().sqrt();
            (PEAK_RADIUS_MM * along).floor() as isize
        })
    });
    let [ni, nj, nk] = voxels;
    let mut steps = Vec::new();
    for k in -nk..=nk {
        for j in -nj..=nj {
            for i in -ni..=ni {
                let at = world.direction([i, j, k].map(|n| n as f64));
                if at.iter().map(|part| part * part).sum::<f64>() <= PEAK_RADIUS_MM * PEAK_RADIUS_MM {
                    steps.push([i, j, k]);
                }
            }
        }
    }
    steps
}

/// The largest mean of a ball in each label, in the scan's units; nothing for labels around which no voxel has a value.
fn peaks(
    labels: &LabelMap,
    (volume, frame): (&Volume, usize),
    wanted: &Wanted,
    watch: Watch,
) -> Result<BTreeMap<LabelValue, f64>, Stopped> {
    let shape = labels.geometry().shape();
    let steps = ball(labels.geometry());
    let mean_around = |centre: [usize; 3]| {
        let (mut sum, mut count) = (0.0, 0u32);
        for step in &steps {
            let at = [0, 1, 2].map(|axis| centre[axis].wrapping_add_signed(step[axis]));
            if (0..3).all(|axis| at[axis] < shape[axis]) {
                let value = volume.value(at, frame);
                if value.is_finite() {
                    sum += value;
                    count += 1;
                }
            }
        }
        sum / f64::from(count)
    };
    let parts = tally(
        labels,
        wanted,
        watch,
        |_| f64::NEG_INFINITY,
        |most: &mut f64, [i, j, k], length, _| {
            if watch.check().is_err() {
                return;
            }
            for i in i..i + length {
                *most = most.max(mean_around([i, j, k]));
            }
        },
    )?;
    // A run that was left out is no result.
    watch.check()?;
    let mut all = BTreeMap::new();
    for (label, most) in parts {
        let found: &mut f64 = all.entry(label).or_insert(f64::NEG_INFINITY);
        *found = found.max(most);
    }
    all.retain(|_, most| most.is_finite());
    Ok(all)
}

/// Uptake in each label, of a PET scan on the labels' grid whose factor is known; nothing for others.
///
/// # Errors
/// When the work is stopped.
pub(super) fn uptake(
    labels: &LabelMap,
    image: (&Volume, usize),
    (places, values): (&BTreeMap<LabelValue, Place>, &BTreeMap<LabelValue, ValueStatistics>),
    wanted: &Wanted,
    watch: Watch,
) -> Result<BTreeMap<LabelValue, LabelUptake>, Stopped> {
    let Some(factor) = factor(image.0) else { return Ok(BTreeMap::new()) };
    let peaks = peaks(labels, image, wanted, watch)?;
    let voxel_ml = labels.geometry().voxel_volume_mm3() / MM3_PER_ML;
    let of = |(label, peak): (LabelValue, f64)| {
        let (place, values) = (places.get(&label)?, values.get(&label)?);
        let with_value = place.voxels as f64 - values.left_out as f64;
        let mean = values.mean * factor;
        let glycolysis_g = mean * with_value * voxel_ml;
        let (median, max) = (values.median * factor, values.max * factor);
        Some((label, LabelUptake { mean, median, max, peak: peak * factor, glycolysis_g }))
    };
    Ok(peaks.into_iter().filter_map(of).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::measure::{Measuring, measure};
    use crate::volume::{Affine, Rescale, Voxels};

    /// A scan of 4 x 4 x 3 mm voxels whose values are made up by a rule, with two boxes of labels that touch its border.
    fn scan(factor: Option<Uptake>) -> (Volume, LabelMap) {
        let shape = [12, 11, 9];
        let affine = Affine::from_columns([[-4.0, 0.0, 0.0], [0.0, 4.0, 0.5], [0.0, 0.0, 3.0]], [5.0, -3.0, 2.0]);
        let geometry = Geometry::new(shape, affine).unwrap();
        let stored = (0..12 * 11 * 9u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 20) as u16).collect();
        let rescale = Rescale::Uniform { slope: 0.5, intercept: 0.0 };
        let mut volume =
            Volume::new(geometry.clone(), Voxels::U16(Arc::new(stored)), vec![], rescale, "pet".to_string());
        volume.uptake = factor;
        let inside =
            |at: [usize; 3], low: [usize; 3], high: [usize; 3]| (0..3).all(|n| (low[n]..high[n]).contains(&at[n]));
        let labels = LabelMap::from_fn(geometry, |at| {
            u16::from(inside(at, [0, 0, 0], [4, 5, 3])) + 7 * u16::from(inside(at, [6, 6, 4], [9, 11, 9]))
        });
        (volume, labels)
    }

    #[test]
    fn a_peak_is_the_largest_mean_of_a_millilitre_around_a_voxel_of_the_label() {
        let (volume, labels) = scan(Some(Uptake::Factor(0.002)));
        let what = Measuring { image: Some((&volume, 0)), forms: false };
        let measured = measure(&labels, &Wanted::All, what, Watch::unwatched()).unwrap();
        let [ni, nj, nk] = labels.geometry().shape();
        let all = || (0..nk).flat_map(move |k| (0..nj).flat_map(move |j| (0..ni).map(move |i| [i, j, k])));
        let world = labels.geometry().world_from_voxel();
        for label in [1, 7] {
            let own: Vec<_> = all().filter(|at| labels.get(*at) == label).collect();
            let mean = |places: &[[usize; 3]]| {
                places.iter().map(|at| 0.002 * volume.value(*at, 0)).sum::<f64>() / places.len() as f64
            };
            let peak = own.iter().map(|centre| {
                let middle = world.point(centre.map(|n| n as f64));
                let around: Vec<_> = all()
                    .filter(|at| {
                        let place = world.point(at.map(|n| n as f64));
                        let apart: f64 = (0..3).map(|n| (place[n] - middle[n]).powi(2)).sum();
                        // A ball of 1000 cubic millimetres.
                        4.0 / 3.0 * std::f64::consts::PI * apart.sqrt().powi(3) <= 1000.0
                    })
                    .collect();
                assert!(around.len() > 5);
                mean(&around)
            });
            let peak = peak.fold(0.0, f64::max);
            let uptake = measured[&label].uptake.unwrap();
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs();
            assert!(near(uptake.peak, peak), "{label}: {} {peak}", uptake.peak);
            assert!(near(uptake.mean, mean(&own)));
            let max = own.iter().map(|at| 0.002 * volume.value(*at, 0)).fold(0.0, f64::max);
            assert!(near(uptake.max, max) && uptake.peak < max);
            assert!(near(
                uptake.glycolysis_g,
                mean(&own) * own.len() as f64 * labels.geometry().voxel_volume_mm3() / 1000.0
            ));
        }
    }

    #[test]
    fn only_pet_with_a_known_factor_has_uptake() {
        for uptake in [None, Some(Uptake::Unknown("the file gives no Units".into()))] {
            let (volume, labels) = scan(uptake);
            let what = Measuring { image: Some((&volume, 0)), forms: false };
            let measured = measure(&labels, &Wanted::All, what, Watch::unwatched()).unwrap();
            assert!(measured.values().all(|measures| measures.uptake.is_none() && measures.values.is_some()));
        }
    }
}
