//! A height or width as a function of the input's: `slope * n + offset`, both rational.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes of maps fit in memory"
)]

/// Largest whole factor between two sizes that is looked for.
const MOST_TIMES: i64 = 64;

/// A reduced fraction with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    const fn whole(value: i64) -> Self {
        Self { numerator: value, denominator: 1 }
    }

    fn new(numerator: i64, denominator: i64) -> Self {
        let divisor = gcd(numerator.saturating_abs(), denominator).max(1);
        Self { numerator: numerator / divisor, denominator: denominator / divisor }
    }

    fn plus(self, other: Self) -> Self {
        // Sizes of a file may be anything; what is beyond all sizes stays there.
        let crosswise = self.numerator.saturating_mul(other.denominator);
        Self::new(
            crosswise.saturating_add(other.numerator.saturating_mul(self.denominator)),
            self.denominator.saturating_mul(other.denominator),
        )
    }

    fn times(self, numerator: i64, denominator: i64) -> Self {
        Self::new(self.numerator.saturating_mul(numerator), self.denominator.saturating_mul(denominator))
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How an inner height or width depends on the input's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    slope: Ratio,
    offset: Ratio,
}

impl Extent {
    /// The input's own extent.
    pub const INPUT: Self = Self { slope: Ratio::whole(1), offset: Ratio::whole(0) };

    /// An extent that does not depend on the input.
    pub fn fixed(size: usize) -> Self {
        Self { slope: Ratio::whole(0), offset: Ratio::whole(size as i64) }
    }

    /// A number that does not depend on the input; it may be negative on the way to a size.
    pub fn constant(value: i64) -> Self {
        Self { slope: Ratio::whole(0), offset: Ratio::whole(value) }
    }

    /// Its value where it does not depend on the input, rounded down.
    pub fn as_constant(&self) -> Option<i64> {
        (self.slope == Ratio::whole(0)).then(|| self.offset.numerator.div_euclid(self.offset.denominator))
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { slope: self.slope.plus(other.slope), offset: self.offset.plus(other.offset) }
    }

    /// The whole number that makes this of `other`, for every input.
    pub fn as_multiple_of(&self, other: &Self) -> Option<usize> {
        (1..=MOST_TIMES).find(|&factor| other.times(factor, 1) == *self).map(|factor| factor as usize)
    }

    /// Adds a constant.
    #[must_use]
    pub fn plus(self, amount: i64) -> Self {
        Self { slope: self.slope, offset: self.offset.plus(Ratio::whole(amount)) }
    }

    /// Multiplies by a fraction.
    #[must_use]
    pub fn times(self, numerator: i64, denominator: i64) -> Self {
        Self { slope: self.slope.times(numerator, denominator), offset: self.offset.times(numerator, denominator) }
    }

    /// The extent for an input of `n`, if it is a whole positive number.
    pub fn at(&self, n: usize) -> Option<usize> {
        let value = self.slope.times(n as i64, 1).plus(self.offset);
        (value.denominator == 1 && value.numerator > 0).then_some(value.numerator as usize)
    }

    /// The same with whole constants: what a division of whole numbers gives for inputs that the strides divide.
    #[must_use]
    pub fn floored(self) -> Self {
        Self { offset: Ratio::whole(self.offset.numerator.div_euclid(self.offset.denominator)), ..self }
    }

    /// The input must be a multiple of this (plus a constant) for the extent to be whole.
    pub fn stride(&self) -> usize {
        self.slope.denominator as usize
    }

    /// Whether the extent follows the input one to one, whatever is cut off.
    pub fn is_input_less_border(&self) -> bool {
        self.slope == Ratio::whole(1) && self.offset.denominator == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_unet_turns_572_into_388() {
        let mut extent = Extent::INPUT;
        for _ in 0..4 {
            extent = extent.plus(-4).times(1, 2);
        }
        extent = extent.plus(-4);
        for _ in 0..4 {
            extent = extent.times(2, 1).plus(-4);
        }
        assert_eq!(extent.at(572), Some(388));
        assert!(extent.is_input_less_border());
    }

    #[test]
    fn rounding_up_by_whole_numbers_is_a_division() {
        // (n - 1) / 16 + 1, as exporters write the size behind a stride.
        let rounded = Extent::INPUT.plus(-1).times(1, 16).plus(1);
        assert_eq!(rounded.floored(), Extent::INPUT.times(1, 16));
        assert_eq!(Extent::INPUT.plus(-3).floored(), Extent::INPUT.plus(-3));
    }

    #[test]
    fn a_size_that_strides_do_not_divide_is_no_size() {
        let quarter = Extent::INPUT.times(1, 4);
        assert_eq!((quarter.at(64), quarter.at(66), quarter.stride()), (Some(16), None, 4));
    }
}
