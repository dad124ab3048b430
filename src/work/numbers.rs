//! Numbers that change their type, each way with its name: what happens to those that do not fit is said here.

/// A whole number of any type that counts something.
pub trait Whole: Copy {
    /// The real number next to it: itself below 2^53.
    fn as_real(self) -> f64;
}

macro_rules! whole {
    ($($type:ty),*) => { $(impl Whole for $type {
        #[inline]
        #[allow(clippy::cast_precision_loss, reason = "counts and sizes stay below 2^53")]
        fn as_real(self) -> f64 {
            self as f64
        }
    })* };
}
whole!(usize, u64, i64);

/// A count as a real number.
#[inline]
pub fn real(count: impl Whole) -> f64 {
    count.as_real()
}

/// The part of some work that is done, 0..=1.
#[inline]
pub fn share(done: impl Whole, of: impl Whole) -> f32 {
    single(real(done) / real(of))
}

/// The nearest number of single precision; infinite beyond its range.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
pub fn single(value: f64) -> f32 {
    value as f32
}

/// The whole part of a real number; the last number of the type beyond its range, 0 for what is no number.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the fraction is what is cut off")]
pub fn whole(value: f64) -> i64 {
    value as i64
}

/// A place or a length in a file as one in memory; the largest where memory has no such place, so that nothing is found there.
#[inline]
pub fn index(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// A count that may be written as negative; 0 for negative ones.
#[inline]
pub fn natural(count: i64) -> usize {
    usize::try_from(count).unwrap_or(if count < 0 { 0 } else { usize::MAX })
}

/// A count among numbers with signs.
#[inline]
pub fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The low half of a field that holds sixteen bits.
#[inline]
pub fn low_half(field: i32) -> u16 {
    let [low, high, ..] = field.to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_fit_stay_and_others_go_to_the_end() {
        assert_eq!((real(3usize), real(7u64), real(-2i64)), (3.0, 7.0, -2.0));
        assert_eq!((index(5), natural(5), natural(-5), signed(5)), (5, 5, 0, 5));
        assert_eq!((signed(usize::MAX), natural(i64::MIN), index(u64::MAX)), (i64::MAX, 0, usize::MAX));
        assert_eq!((whole(2.9), whole(-2.9), whole(f64::NAN), whole(1e300)), (2, -2, 0, i64::MAX));
        assert_eq!((single(0.1), single(1e300)), (0.1f32, f32::INFINITY));
        assert_eq!((share(1usize, 4usize), low_half(0x1_3C00), low_half(-1)), (0.25, 0x3C00, 0xFFFF));
    }
}
