//! Exact order statistics of any number of values in bounded memory: values are counted by sixteen bits of their rank at a time.
//!
//! Types of up to 16 bits are counted once; wider ones again within those of their first bits that hold a wanted place
//! (radix selection: Knuth, The Art of Computer Programming 3, section 5.2.5).

/// Bits that are looked at in one pass.
const DIGIT_BITS: u32 = 16;
/// Counters of a page.
const PAGE: usize = 256;
/// Pages of all digits.
const PAGES: usize = 256;

/// A value whose order is that of a whole number.
pub trait Ordered: Copy + Send + Sync {
    /// Passes of sixteen bits.
    const DIGITS: u32;

    /// A number in the same order; only the low `16 * DIGITS` bits count.
    fn key(self) -> u64;

    /// The value of a key.
    fn of_key(key: u64) -> Self;

    /// As a double.
    fn real(self) -> f64;

    /// Whether it is a number that others can be compared with.
    fn is_number(self) -> bool {
        true
    }
}

macro_rules! unsigned {
    ($($type:ty, $digits:literal;)*) => { $(impl Ordered for $type {
        const DIGITS: u32 = $digits;

        #[inline]
        fn key(self) -> u64 {
            u64::from(self)
        }

        fn of_key(key: u64) -> Self {
            key as Self
        }

        #[inline]
        #[allow(clippy::cast_lossless, reason = "not every type has a `From`")]
        fn real(self) -> f64 {
            self as f64
        }
    })* };
}
unsigned! { u8, 1; u16, 1; u32, 2; u64, 4; }

macro_rules! signed {
    ($($type:ty, $unsigned:ty, $digits:literal;)*) => { $(impl Ordered for $type {
        const DIGITS: u32 = $digits;

        #[inline]
        fn key(self) -> u64 {
            u64::from(self as $unsigned ^ (1 << (<$unsigned>::BITS - 1)))
        }

        fn of_key(key: u64) -> Self {
            (key as $unsigned ^ (1 << (<$unsigned>::BITS - 1))) as Self
        }

        #[inline]
        #[allow(clippy::cast_lossless, reason = "not every type has a `From`")]
        fn real(self) -> f64 {
            self as f64
        }
    })* };
}
signed! { i8, u8, 1; i16, u16, 1; i32, u32, 2; i64, u64, 4; }

macro_rules! floating {
    ($($type:ty, $bits:ty, $digits:literal;)*) => { $(impl Ordered for $type {
        const DIGITS: u32 = $digits;

        #[inline]
        fn key(self) -> u64 {
            const SIGN: $bits = 1 << (<$bits>::BITS - 1);
            let bits = self.to_bits();
            // Negative numbers are ordered the other way round.
            u64::from(if bits & SIGN == 0 { bits | SIGN } else { !bits })
        }

        fn of_key(key: u64) -> Self {
            const SIGN: $bits = 1 << (<$bits>::BITS - 1);
            let key = key as $bits;
            Self::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
        }

        #[inline]
        fn real(self) -> f64 {
            f64::from(self)
        }

        #[inline]
        fn is_number(self) -> bool {
            self.is_finite()
        }
    })* };
}
floating! { f32, u32, 2; f64, u64, 4; }

/// How often each of 65536 digits came; memory only for those pages that came at all.
#[derive(Debug, Clone)]
pub(super) struct Digits {
    pages: Vec<Option<Box<[u64; PAGE]>>>,
}

impl Default for Digits {
    fn default() -> Self {
        Self { pages: vec![None; PAGES] }
    }
}

impl Digits {
    /// Counts a digit.
    #[inline]
    pub(super) fn add(&mut self, digit: u16) {
        let (page, place) = (usize::from(digit >> 8), usize::from(digit & 0xFF));
        if let Some(page) = self.pages.get_mut(page) {
            page.get_or_insert_with(|| Box::new([0; PAGE]))[place] += 1;
        }
    }

    /// Adds what another one counted.
    pub(super) fn join(&mut self, other: Self) {
        for (own, other) in self.pages.iter_mut().zip(other.pages) {
            match (own.as_mut(), other) {
                (_, None) => {}
                (None, some) => *own = some,
                (Some(own), Some(other)) => own.iter_mut().zip(*other).for_each(|(a, b)| *a += b),
            }
        }
    }

    /// Digits that came, in rising order, and how often.
    pub(super) fn counts(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.pages.iter().enumerate().filter_map(|(n, page)| Some((n, page.as_ref()?))).flat_map(|(n, page)| {
            let of_page = page.iter().enumerate().filter(|(_, count)| **count > 0);
            of_page.map(move |(place, count)| ((n * PAGE + place) as u16, *count))
        })
    }

    /// The digit at a place of the sorted digits, and how many come before it.
    pub(super) fn at(&self, place: u64) -> Option<(u16, u64)> {
        let mut before = 0;
        for (digit, count) in self.counts() {
            if place < before + count {
                return Some((digit, before));
            }
            before += count;
        }
        None
    }
}

/// The digit of a key in a pass, counted from the first bits.
#[inline]
pub(super) fn digit<T: Ordered>(key: u64, pass: u32) -> u16 {
    (key >> (DIGIT_BITS * (T::DIGITS - 1 - pass))) as u16
}

/// What of a key comes before its digit in a pass; 0 in the first one.
#[inline]
pub(super) fn prefix<T: Ordered>(key: u64, pass: u32) -> u64 {
    if pass == 0 { 0 } else { key >> (DIGIT_BITS * (T::DIGITS - pass)) }
}

/// A place that is looked for, and what is known of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sought {
    /// Place among all sorted values.
    pub place: u64,
    /// Digits that are known.
    pub prefix: u64,
    /// Values before those of the same known digits.
    pub before: u64,
}

impl Sought {
    /// A place of which nothing is known.
    pub(super) fn new(place: u64) -> Self {
        Self { place, prefix: 0, before: 0 }
    }

    /// Takes over the next digit from the counts of all values of the same known digits.
    pub(super) fn narrow(&mut self, digits: &Digits) {
        if let Some((digit, before)) = digits.at(self.place - self.before) {
            self.prefix = self.prefix << DIGIT_BITS | u64::from(digit);
            self.before += before;
        }
    }
}

/// Linear interpolation between the values beside a fractional place, as numpy's `linear`: the two places and the share of the second.
pub(super) fn places(percent: f64, count: u64) -> ([u64; 2], f64) {
    let last = count.saturating_sub(1);
    let place = percent / 100.0 * last as f64;
    let low = (place.floor() as u64).min(last);
    ([low, (low + 1).min(last)], place - low as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted_by_passes<T: Ordered>(values: &[T]) -> Vec<f64> {
        let mut all: Vec<Sought> = (0..values.len() as u64).map(Sought::new).collect();
        for pass in 0..T::DIGITS {
            let before = all.clone();
            for (sought, known) in all.iter_mut().zip(before) {
                let mut digits = Digits::default();
                let alike = values.iter().map(|v| v.key()).filter(|key| prefix::<T>(*key, pass) == known.prefix);
                alike.for_each(|key| digits.add(digit::<T>(key, pass)));
                sought.narrow(&digits);
            }
        }
        all.iter().map(|sought| T::of_key(sought.prefix).real()).collect()
    }

    fn sorted<T: Ordered>(values: &[T]) -> Vec<f64> {
        let mut all: Vec<f64> = values.iter().map(|v| v.real()).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    proptest! {
        #[test]
        fn places_of_every_type_are_those_of_sorted_values(
            wide in prop::collection::vec(any::<i64>(), 1..20), real in prop::collection::vec(-1e9f32..1e9, 1..20),
        ) {
            prop_assert_eq!(sorted_by_passes(&wide), sorted(&wide));
            prop_assert_eq!(sorted_by_passes(&real), sorted(&real));
            let all: Vec<f64> = real.iter().map(|v| f64::from(*v) * 1.1).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<u64> = wide.iter().map(|v| *v as u64).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<i32> = wide.iter().map(|v| *v as i32).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<u32> = wide.iter().map(|v| *v as u32).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<i16> = wide.iter().map(|v| *v as i16).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<u16> = wide.iter().map(|v| *v as u16).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<i8> = wide.iter().map(|v| *v as i8).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
            let all: Vec<u8> = wide.iter().map(|v| *v as u8).collect();
            prop_assert_eq!(sorted_by_passes(&all), sorted(&all));
        }
    }

    #[test]
    fn places_between_values_are_those_of_numpy() {
        assert_eq!(places(50.0, 4), ([1, 2], 0.5));
        assert_eq!(places(100.0, 4), ([3, 3], 0.0));
        assert_eq!(places(25.0, 5), ([1, 2], 0.0));
        assert_eq!(places(5.0, 1), ([0, 0], 0.0));
    }
}
