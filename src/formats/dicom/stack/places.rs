//! Where the images of a pool lie: the plane that they share, and the places along its normal.

use std::collections::HashMap;

use super::Member;
use crate::volume::{Vec3, cross};
use crate::work::numbers::real;

/// Positions closer than this along the normal are the same place, as far as pixels are not much smaller.
const SAME_PLACE_MM: f64 = 0.02;
const SAME_PLACE_PIXELS: f64 = 0.1;
/// Slices may lie off an even grid by this, or by this share of their distance: headers round.
const GAP_TOLERANCE_MM: f64 = 0.02;
const GAP_TOLERANCE_SHARE: f64 = 0.01;
/// However small slices are: off by more than this share of their distance is off.
const GAP_LIMIT_SHARE: f64 = 0.2;
/// Steps in which the best distance of rounded positions is looked for; each leaves two thirds of the way.
const MOST_TRIES: usize = 60;

pub fn dot(a: Vec3, b: Vec3) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub fn minus(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub fn times(v: Vec3, factor: f64) -> Vec3 {
    v.map(|x| x * factor)
}

pub fn length(v: Vec3) -> f64 {
    dot(v, v).sqrt()
}

/// The plane of a pool's images.
#[derive(Debug, Clone, Copy)]
pub struct Plane {
    /// Row and column direction as most images give them.
    pub directions: [Vec3; 2],
    /// Unit vector along which places are told apart.
    pub normal: Vec3,
    /// Distance of rows and of columns as most images give it.
    pub spacing: Option<[f64; 2]>,
}

/// The value that most images give; the first of those given equally often.
fn most_frequent<const N: usize>(values: impl Iterator<Item = [f64; N]>) -> Option<[f64; N]> {
    let mut counts: HashMap<[u64; N], (usize, usize)> = HashMap::new();
    let mut best: Option<([f64; N], usize, usize)> = None;
    for (n, value) in values.enumerate() {
        // Adding zero turns -0 into 0.
        let entry = counts.entry(value.map(|v| (v + 0.0).to_bits())).or_insert((0, n));
        entry.0 += 1;
        let (count, first) = *entry;
        if best.is_none_or(|(_, most, earliest)| count > most || (count == most && first < earliest)) {
            best = Some((value, count, first));
        }
    }
    best.map(|(value, ..)| value)
}

impl Plane {
    /// The plane that most of these images give; `None` where none gives an orientation.
    pub fn of(members: &[Member]) -> Option<Self> {
        let flat = members.iter().filter_map(|m| m.directions).map(|[[a, b, c], [d, e, f]]| [a, b, c, d, e, f]);
        let [a, b, c, d, e, f] = most_frequent(flat)?;
        let directions = [[a, b, c], [d, e, f]];
        let normal = cross(directions[0], directions[1]);
        let spacing = most_frequent(members.iter().filter_map(|m| m.pixel_spacing));
        Some(Self { directions, normal: times(normal, 1.0 / length(normal)), spacing })
    }

    /// Places along the normal that are closer are one.
    pub fn same_place_mm(&self) -> f64 {
        self.spacing.map_or(SAME_PLACE_MM, |[a, b]| SAME_PLACE_MM.min(SAME_PLACE_PIXELS * a.min(b)))
    }
}

/// The images of a pool by place, in the order of the normal.
pub struct Places {
    /// Their plane.
    pub plane: Plane,
    /// Images that share a place, sorted by number.
    pub at: Vec<Vec<Member>>,
}

impl Places {
    /// Sorts images with a position.
    pub fn of(mut members: Vec<Member>) -> Option<Self> {
        let plane = Plane::of(&members)?;
        let along = |m: &Member| m.position.map_or(0.0, |p| dot(p, plane.normal));
        members.sort_by(|a, b| {
            along(a).total_cmp(&along(b)).then_with(|| by_number(a, b)).then_with(|| a.path.cmp(&b.path))
        });
        let tolerance = plane.same_place_mm();
        let mut at: Vec<Vec<Member>> = Vec::new();
        for member in members {
            match at.last_mut() {
                Some(place) if place.first().is_some_and(|first| along(&member) - along(first) < tolerance) => {
                    place.push(member);
                }
                _ => at.push(vec![member]),
            }
        }
        at.iter_mut().for_each(|place| place.sort_by(|a, b| by_number(a, b).then_with(|| a.path.cmp(&b.path))));
        Some(Self { plane, at })
    }

    /// All images, place by place.
    pub fn members(&self) -> Vec<Member> {
        self.at.iter().flatten().cloned().collect()
    }

    /// The place of each of [`Self::members`].
    pub fn place_of(&self) -> Vec<usize> {
        self.at.iter().enumerate().flat_map(|(n, place)| std::iter::repeat_n(n, place.len())).collect()
    }

    /// The number of images at every place, if it is one.
    pub fn repeats(&self) -> Option<usize> {
        let count = self.at.first()?.len();
        self.at.iter().all(|place| place.len() == count).then_some(count)
    }

    /// Position of the first image of every place.
    pub fn positions(&self) -> Vec<Vec3> {
        self.at.iter().filter_map(|place| place.first().and_then(|m| m.position)).collect()
    }
}

/// By Instance Number, in a file by the number of the frame; without Instance Number last.
pub fn by_number(a: &Member, b: &Member) -> std::cmp::Ordering {
    a.rank().cmp(&b.rank())
}

/// The step of evenly spaced positions.
///
/// # Errors
/// The smallest and the largest gap of uneven ones.
pub fn even_step(positions: &[Vec3]) -> Result<Option<Vec3>, [f64; 2]> {
    let (Some(&origin), Some(&last)) = (positions.first(), positions.last()) else { return Ok(None) };
    if positions.len() < 2 {
        return Ok(None);
    }
    let step = times(minus(last, origin), 1.0 / real(positions.len() - 1));
    if is_even(positions, step) || is_even_but_for_rounding(positions, step) {
        return Ok(Some(step));
    }
    let gaps = positions.windows(2).map(|pair| length(minus(pair[1], pair[0])));
    Err(gaps.fold([f64::INFINITY, 0.0], |[low, high], gap| [low.min(gap), high.max(gap)]))
}

fn is_even(positions: &[Vec3], step: Vec3) -> bool {
    let Some(&origin) = positions.first() else { return true };
    let distance = length(step);
    let tolerance = GAP_TOLERANCE_MM.max(GAP_TOLERANCE_SHARE * distance).min(GAP_LIMIT_SHARE * distance);
    positions.iter().enumerate().all(|(n, &position)| {
        let expected = std::array::from_fn(|axis| origin[axis] + step[axis] * real(n));
        length(minus(position, expected)) <= tolerance
    })
}

/// Whether an even grid, rounded to the decimals that the positions have, gives them.
fn is_even_but_for_rounding(positions: &[Vec3], step: Vec3) -> bool {
    let units = last_decimals(positions);
    if units.iter().any(|unit| 0.5 * unit > GAP_LIMIT_SHARE * length(step)) {
        return false;
    }
    (0..3).all(|axis| {
        // Rounding moves each by half a unit to either side.
        let allowed = units[axis].max(GAP_TOLERANCE_MM.min(GAP_LIMIT_SHARE * length(step))) * (1.0 + 1e-6);
        let spread = |step: f64| {
            let off = positions.iter().enumerate().map(|(n, position)| position[axis] - step * real(n));
            let [low, high] =
                off.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], off| [low.min(off), high.max(off)]);
            high - low
        };
        // The spread falls towards the best step and rises behind it.
        let (mut low, mut high) = (step[axis] - allowed, step[axis] + allowed);
        for _ in 0..MOST_TRIES {
            let [a, b] = [low + (high - low) / 3.0, high - (high - low) / 3.0];
            match (spread(a), spread(b)) {
                (x, y) if x.min(y) <= allowed => return true,
                (x, y) if x < y => high = b,
                _ => low = a,
            }
        }
        false
    })
}

/// One unit of the last decimal that the positions have, for each axis: a tenth of a millimetre or less, 0 where they have
/// more than six.
pub fn last_decimals(positions: &[Vec3]) -> Vec3 {
    let units = [0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6];
    let fits = |unit: f64, value: f64| (value / unit - (value / unit).round()).abs() < 1e-6;
    std::array::from_fn(|axis| {
        units.into_iter().find(|&unit| positions.iter().all(|p| fits(unit, p[axis]))).unwrap_or(0.0)
    })
}

/// Millimetres to which positions are rounded that are even but for that.
pub fn rounding(positions: &[Vec3], step: Vec3) -> Option<f64> {
    let coarsest = last_decimals(positions).into_iter().zip(step).filter(|(_, mm)| mm.abs() > 0.0);
    (!is_even(positions, step)).then(|| coarsest.map(|(unit, _)| unit).fold(0.0, f64::max))
}

/// Whether uneven positions are an even grid with a few holes: images of it must not be parted by every second one.
pub fn is_grid_with_holes(positions: &[Vec3], normal: Vec3) -> bool {
    let along: Vec<f64> = positions.iter().map(|&p| dot(p, normal)).collect();
    let gaps: Vec<f64> = along.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let Some(step) = gaps.iter().copied().reduce(f64::min).filter(|&step| step > 0.0) else { return false };
    let cells: f64 = gaps.iter().map(|gap| (gap / step).round()).sum();
    gaps.iter().all(|gap| (gap / step - (gap / step).round()).abs() < 0.05)
        && real(positions.len()) >= 0.9 * (cells + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_even_grid_is_even_however_its_places_are_rounded(
            origin in [-300.0..300.0f64, -300.0..300.0, -300.0..300.0],
            direction in [-1.0..1.0f64, -1.0..1.0, 0.2..1.0],
            mm in 0.6..6.0f64,
            count in 3usize..60,
            digits in 1i32..4,
        ) {
            let step = times(direction, mm / length(direction));
            let unit = 10f64.powi(digits);
            let place = |n: usize| -> Vec3 {
                std::array::from_fn(|axis| ((origin[axis] + step[axis] * real(n)) * unit).round() / unit)
            };
            let mut positions: Vec<Vec3> = (0..count).map(place).collect();
            prop_assert!(even_step(&positions).is_ok());
            // A slice that is off by more than rounding and tolerance together is off.
            let off = 2.5 / unit + GAP_TOLERANCE_MM.max(GAP_TOLERANCE_SHARE * mm) + 1e-3;
            let aside = (off * unit).ceil() / unit;
            positions[1] = std::array::from_fn(|axis| positions[1][axis] + if axis == 2 { 2.0 * aside } else { 0.0 });
            prop_assert!(even_step(&positions).is_err());
        }
    }
}
