//! What rulers, angles and regions measure: lengths, degrees, areas, and the values of the voxels inside.

use serde::Serialize;

use crate::volume::{Figure, Geometry, Measurement, PlaneLayout, Vec3, Volume, cross};
use crate::work::{Stopped, Watch};

/// What a measurement gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FigureMeasures {
    /// A ruler.
    Length {
        /// From end to end, in millimetres.
        length_mm: f64,
    },
    /// An angle.
    Angle {
        /// Between the legs, 0 to 180; `None` where a leg has no length.
        angle_degrees: Option<f64>,
    },
    /// A region.
    Region {
        /// Of the figure itself, in square millimetres.
        area_mm2: f64,
        /// What lies in it; `None` where there is no image.
        #[serde(flatten)]
        values: Option<RegionValues>,
    },
}

/// The image in a region: the voxels whose centres lie in it, or on its edge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionValues {
    /// How many voxels.
    pub voxels: u64,
    /// How many of them have a value that is no number, or infinite; the statistics leave them out.
    pub left_out: u64,
    /// Of the others; `None` where there are none.
    #[serde(flatten)]
    pub statistics: Option<RegionStatistics>,
}

/// Statistics of the values in a region, in the image's units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionStatistics {
    /// Mean.
    pub mean: f64,
    /// Standard deviation with n - 1; one voxel has none.
    pub std: Option<f64>,
    /// Smallest value.
    pub min: f64,
    /// Median; between the two in the middle where their number is even.
    pub median: f64,
    /// Largest value.
    pub max: f64,
}

fn between(from: Vec3, to: Vec3) -> Vec3 {
    [to[0] - from[0], to[1] - from[1], to[2] - from[2]]
}

fn length(v: Vec3) -> f64 {
    v[0].hypot(v[1]).hypot(v[2])
}

/// Distance of two points in millimetres.
pub fn length_mm([from, to]: [Vec3; 2]) -> f64 {
    length(between(from, to))
}

/// Angle between two legs that meet in the second point, 0 to 180 degrees; `None` where a leg has no length.
pub fn angle_degrees([first, corner, last]: [Vec3; 3]) -> Option<f64> {
    let (a, b) = (between(corner, first), between(corner, last));
    let has_length = length(a) > 0.0 && length(b) > 0.0;
    let along: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    // Exact also where the legs are nearly one line, where the arc cosine is not.
    has_length.then(|| length(cross(a, b)).atan2(along).to_degrees())
}

/// The box of a region in pixels of its slice: the corner with the small numbers, and the other one.
fn pixel_box(measurement: &Measurement, geometry: &Geometry) -> Option<[[f64; 2]; 2]> {
    let [a, b] = measurement.pixels(geometry)[..] else { return None };
    Some([[a[0].min(b[0]), a[1].min(b[1])], [a[0].max(b[0]), a[1].max(b[1])]])
}

/// Columns and rows of the pixels whose centres may lie in a region: the first, and the one behind the last.
fn pixel_range(measurement: &Measurement, geometry: &Geometry) -> Option<[[usize; 2]; 2]> {
    let [low, high] = pixel_box(measurement, geometry)?;
    let size = PlaneLayout::new(geometry, measurement.plane).size;
    let first = |axis: usize| (low[axis] - 0.5).ceil().clamp(0.0, size[axis] as f64) as usize;
    let end = |axis: usize| ((high[axis] - 0.5).floor() + 1.0).clamp(0.0, size[axis] as f64) as usize;
    Some([[first(0), first(1)], [end(0), end(1)]])
}

/// Voxels that measuring looks at: 0 for what is no region.
pub fn figure_cost(measurement: &Measurement, geometry: &Geometry) -> usize {
    let range = pixel_range(measurement, geometry).filter(|_| measurement.figure.is_region());
    range.map_or(0, |[first, end]| (0..2).map(|axis| end[axis].saturating_sub(first[axis])).product())
}

/// The area between two corners of a slice, whose rows and columns need not be at right angles.
fn area_mm2(measurement: &Measurement, geometry: &Geometry) -> f64 {
    let Some([low, high]) = pixel_box(measurement, geometry) else { return 0.0 };
    let layout = PlaneLayout::new(geometry, measurement.plane);
    let edge = |axis: usize| {
        let step = geometry.world_from_voxel().column(layout.axes[axis]);
        step.map(|along| along * (high[axis] - low[axis]))
    };
    let around = length(cross(edge(0), edge(1)));
    match measurement.figure {
        Figure::Ellipse(_) => around * std::f64::consts::FRAC_PI_4,
        _ => around,
    }
}

/// Measures a figure on a grid; `image` is a scan on that grid with its frame.
///
/// # Errors
/// When the work is stopped.
pub fn measure_figure(
    measurement: &Measurement,
    geometry: &Geometry,
    image: Option<(&Volume, usize)>,
    watch: Watch,
) -> Result<FigureMeasures, Stopped> {
    Ok(match measurement.figure {
        Figure::Ruler(points) => FigureMeasures::Length { length_mm: length_mm(points) },
        Figure::Angle(points) => FigureMeasures::Angle { angle_degrees: angle_degrees(points) },
        Figure::Ellipse(_) | Figure::Rectangle(_) => FigureMeasures::Region {
            area_mm2: area_mm2(measurement, geometry),
            values: image.map(|image| values(measurement, geometry, image, watch)).transpose()?,
        },
    })
}

fn values(
    measurement: &Measurement,
    geometry: &Geometry,
    (volume, frame): (&Volume, usize),
    watch: Watch,
) -> Result<RegionValues, Stopped> {
    let mut found = Vec::new();
    let mut voxels = 0;
    let layout = PlaneLayout::new(geometry, measurement.plane);
    let place =
        measurement.slice(geometry).zip(pixel_range(measurement, geometry).zip(pixel_box(measurement, geometry)));
    if let Some((slice, ([first, end], [low, high]))) = place {
        let is_inside = |column: usize, row: usize| match measurement.figure {
            Figure::Ellipse(_) => {
                let off = [column, row].into_iter().enumerate().map(|(axis, at)| {
                    let (middle, half) = (f64::midpoint(low[axis], high[axis]), (high[axis] - low[axis]) / 2.0);
                    let off = (at as f64 + 0.5 - middle) / half;
                    off * off
                });
                off.sum::<f64>() <= 1.0
            }
            _ => true,
        };
        for row in first[1]..end[1] {
            watch.check()?;
            for column in (first[0]..end[0]).filter(|column| is_inside(*column, row)) {
                voxels += 1;
                let value = volume.value(layout.voxel([column, row, slice]), frame);
                found.extend(Some(value).filter(|value| value.is_finite()));
            }
        }
    }
    let left_out = voxels - found.len() as u64;
    Ok(RegionValues { voxels, left_out, statistics: statistics(found) })
}

fn statistics(mut values: Vec<f64>) -> Option<RegionStatistics> {
    // Around one of them, so that large values lose no digits.
    let around = *values.first()?;
    let count = values.len() as f64;
    let mean = around + values.iter().map(|value| value - around).sum::<f64>() / count;
    let spread: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let std = (values.len() > 1).then(|| (spread / (count - 1.0)).sqrt());
    let (min, max) = values.iter().fold((around, around), |(min, max), value| (min.min(*value), max.max(*value)));
    let is_odd = values.len() % 2 == 1;
    let half = values.len() / 2;
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let before = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let median = if is_odd { *middle } else { f64::midpoint(before, *middle) };
    Some(RegionStatistics { mean, std, min, median, max })
}

#[cfg(test)]
mod tests;
