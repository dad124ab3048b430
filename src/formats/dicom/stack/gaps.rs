//! Series with gaps: slices that are missing from an even grid, or that lie unevenly.
//!
//! **Invariant:** no slice is moved. Missing ones stay empty; uneven ones are interpolated along the line of their
//! positions. Either is done only where the user asks for it, and said.

use super::Stack;
use super::grid;
use super::places::{Places, dot, last_decimals, length, minus, times};
use crate::volume::Vec3;
use crate::work::numbers::{index, real, whole};

/// Share of a step by which a gap may be off a multiple of it.
const MULTIPLE_SHARE: f64 = 0.05;
/// The same where positions are rounded so coarsely that this is more.
const ROUNDED_SHARE: f64 = 0.15;
/// Gaps up to so many times the smallest one are single steps.
const SINGLE_STEP: f64 = 1.5;
/// Places from which on uneven ones are interpolated.
const FEWEST_PLACES: usize = 4;
/// Slices that are made of one at most.
const MOST_SLICES: usize = 4;
/// Gaps that differ by less than this share are one distance.
const SAME_GAP_SHARE: f64 = 0.02;

/// What a slice of the volume is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slot {
    /// The slice of this number.
    Slice(usize),
    /// None: it is missing.
    Empty,
    /// The slice of this number and the next one, with the share of the next.
    Between(usize, f64),
}

/// How the gaps of a stack are filled.
#[derive(Debug, Clone)]
pub struct Filling {
    /// For each slice of the volume.
    pub slots: Vec<Slot>,
    /// What the user agrees to, as the end of a sentence.
    pub what: String,
}

/// A stack with filled gaps, from places that are not evenly spaced.
///
/// # Errors
/// The sentence for slices whose gaps cannot be filled.
pub fn filled(places: &Places, frame_count: usize, gaps: [f64; 2], warnings: &[String]) -> Result<Stack, String> {
    let positions = places.positions();
    let refused = || grid::uneven(positions.len(), gaps);
    let line = Line::of(&positions).ok_or_else(refused)?;
    let unit = line.rounding(&positions);
    let (slots, step, text) = match missing(&line.along, unit) {
        Some(slots) => {
            let empty: Vec<String> = slots
                .iter()
                .enumerate()
                .filter(|(_, s)| **s == Slot::Empty)
                .map(|(n, _)| (n + 1).to_string())
                .collect();
            let total = slots.len();
            let step = line.length() / real(total - 1);
            let text = if let [only] = &empty[..] {
                format!("1 of {total} slices is missing (number {only}) and is left empty")
            } else {
                let more = if empty.len() > 8 { ", ..." } else { "" };
                let named = empty.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
                format!("{} of {total} slices are missing (numbers {named}{more}) and are left empty", empty.len())
            };
            (slots, step, text)
        }
        None => {
            if positions.len() < FEWEST_PLACES || places.members().windows(2).any(|p| p[0].rescale != p[1].rescale) {
                return Err(refused());
            }
            let (slots, step) = interpolated(&line.along, unit);
            let text = format!(
                "its {} uneven slices (gaps from {:.2} to {:.2} mm) are interpolated to {} slices {step:.3} mm apart",
                positions.len(),
                gaps[0],
                gaps[1],
                slots.len()
            );
            (slots, step, text)
        }
    };
    let warning = format!("The slices of this series are not evenly spaced: {text}.");
    let warnings: Vec<String> = std::iter::once(warning).chain(warnings.iter().cloned()).collect();
    let mut stack = grid::stepped(places, frame_count, times(line.direction, step), slots.len(), warnings)?;
    stack.filling = Some(Filling { slots, what: format!("{}: {text}", grid::uneven_gaps(positions.len(), gaps)) });
    Ok(stack)
}

/// The straight line that slices lie on.
struct Line {
    direction: Vec3,
    /// Millimetres of each slice from the first.
    along: Vec<f64>,
}

impl Line {
    /// None where slices do not lie on one.
    fn of(positions: &[Vec3]) -> Option<Self> {
        let (&first, &last) = (positions.first()?, positions.last()?);
        let whole_way = minus(last, first);
        let total = length(whole_way);
        if total <= 0.0 {
            return None;
        }
        let direction = times(whole_way, 1.0 / total);
        let along: Vec<f64> = positions.iter().map(|&p| dot(minus(p, first), direction)).collect();
        let aside = |(&p, &mm): (&Vec3, &f64)| length(minus(minus(p, first), times(direction, mm)));
        let is_straight = positions.iter().zip(&along).all(|both| aside(both) < 0.1);
        let ascends = along.windows(2).all(|pair| pair[1] > pair[0]);
        (is_straight && ascends).then_some(Self { direction, along })
    }

    fn length(&self) -> f64 {
        self.along.last().copied().unwrap_or(0.0)
    }

    /// Millimetres by which gaps between positions may be off because their decimals end.
    fn rounding(&self, positions: &[Vec3]) -> f64 {
        last_decimals(positions).iter().zip(self.direction).map(|(unit, share)| unit * share.abs()).sum()
    }
}

/// The even grid that slices lie on with holes; none where gaps are no multiples of one step, or most slices are missing.
/// Gaps may be off by `unit`, to which positions are rounded.
fn missing(along: &[f64], unit: f64) -> Option<Vec<Slot>> {
    let gaps: Vec<f64> = along.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let smallest = gaps.iter().copied().reduce(f64::min).filter(|&mm| mm > 0.0)?;
    let step = mean(gaps.iter().copied().filter(|&gap| gap < SINGLE_STEP * smallest))?;
    let off_share = MULTIPLE_SHARE.max((unit / step).min(ROUNDED_SHARE));
    let mut slots = vec![Slot::Slice(0)];
    for (n, gap) in gaps.iter().enumerate() {
        let steps = (gap / step).round();
        // What the step is off by rounding adds up over a hole; whether all lie on one grid is seen below.
        let allowed = MULTIPLE_SHARE.max((steps * unit / step).min(ROUNDED_SHARE));
        if (gap / step - steps).abs() > allowed || steps > 1000.0 {
            return None;
        }
        slots.extend((1..index(whole(steps).unsigned_abs())).map(|_| Slot::Empty));
        slots.push(Slot::Slice(n + 1));
        if slots.len() > 2 * along.len() {
            return None;
        }
    }
    // Rounding must not add up: every slice lies where its number on the grid says.
    let even = along.last()? / real(slots.len() - 1);
    let is_off = |(place, slot): (usize, &Slot)| match slot {
        Slot::Slice(n) => along.get(*n).is_none_or(|mm| (mm - even * real(place)).abs() > off_share * even),
        _ => false,
    };
    // Without a hole there is nothing to leave empty: slices that lie a little off their places are no grid.
    let has_holes = slots.contains(&Slot::Empty);
    (has_holes && along.len() > 2 && !slots.iter().enumerate().any(is_off)).then_some(slots)
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    (count > 0).then(|| values.sum::<f64>() / real(count))
}

/// An even grid from the first slice to the last, as fine as the most frequent of the small gaps; gaps that differ by
/// `unit`, to which positions are rounded, are one.
fn interpolated(along: &[f64], unit: f64) -> (Vec<Slot>, f64) {
    let total = along.last().copied().unwrap_or(0.0);
    let mut gaps: Vec<f64> = along.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let twice = gaps.windows(2).find(|pair| pair[1] - pair[0] < SAME_GAP_SHARE * pair[1]).map(|pair| pair[0]);
    let wanted = twice.or(gaps.first().copied()).unwrap_or(1.0);
    let same = gaps.iter().copied().filter(|gap| (gap - wanted).abs() <= unit.min(ROUNDED_SHARE * wanted) + 1e-6);
    let wanted = mean(same).unwrap_or(wanted);
    let most = (MOST_SLICES * along.len()).saturating_sub(1).max(1);
    let steps = index(whole((total / wanted).round()).unsigned_abs()).clamp(1, most);
    let step = total / real(steps);
    let slot = |k: usize| {
        let at = step * real(k);
        let next = along.partition_point(|&mm| mm <= at + 1e-6).clamp(1, along.len() - 1);
        let (low, high) = (along[next - 1], along[next]);
        let share = ((at - low) / (high - low)).clamp(0.0, 1.0);
        match share {
            s if s < 1e-6 => Slot::Slice(next - 1),
            s if s > 1.0 - 1e-6 => Slot::Slice(next),
            s => Slot::Between(next - 1, s),
        }
    };
    ((0..=steps).map(slot).collect(), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_of_a_grid_are_empty_and_nothing_moves() {
        use Slot::{Empty, Slice};
        assert_eq!(
            missing(&[0.0, 1.0, 2.001, 4.0, 5.0], 0.0),
            Some(vec![Slice(0), Slice(1), Slice(2), Empty, Slice(3), Slice(4)])
        );
        assert_eq!(missing(&[0.0, 1.0, 2.5, 3.5], 0.0), None);
        assert_eq!(missing(&[0.0, 1.0, 9.0], 0.0), None, "more is missing than is there");
        assert_eq!(missing(&[0.0, 5.0, 10.1, 15.0, 20.0], 0.0), None, "nothing is missing, and nothing may move");
    }

    #[test]
    fn a_hole_in_rounded_places_is_one_slice() {
        use Slot::{Empty, Slice};
        // 1.25 mm apart, rounded to a tenth; the smallest gap is 1.2, the hole 2.6.
        let slots = missing(&[0.0, 1.2, 2.5, 3.7, 6.3, 7.5], 0.1);
        assert_eq!(slots, Some(vec![Slice(0), Slice(1), Slice(2), Slice(3), Empty, Slice(4), Slice(5)]));
        assert_eq!(missing(&[0.0, 1.2, 2.5, 3.7, 6.3, 7.5], 0.001), None);
        // Where it cannot be a hole, gaps of 1.2 and 1.3 are still one distance.
        assert_eq!(interpolated(&[0.0, 1.2, 2.5, 3.7, 5.0, 6.8], 0.1).0.len(), 6);
    }

    #[test]
    fn uneven_slices_are_mixed_by_their_distance() {
        use Slot::{Between, Slice};
        let (slots, step) = interpolated(&[0.0, 2.0, 4.0, 7.0, 10.0], 0.0);
        assert_eq!(step, 2.0);
        let expected = [Slice(0), Slice(1), Slice(2), Between(2, 2.0 / 3.0), Between(3, 1.0 / 3.0), Slice(4)];
        for (got, want) in slots.iter().zip(expected) {
            match (*got, want) {
                (Between(a, s), Between(b, t)) => assert!(a == b && (s - t).abs() < 1e-9, "{got:?}"),
                (got, want) => assert_eq!(got, want),
            }
        }
        assert_eq!(slots.len(), 6);
        assert!(interpolated(&[0.0, 0.001, 5.0, 900.0], 0.0).0.len() <= 16);
    }
}
