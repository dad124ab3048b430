//! What makes an object new: its UIDs and its date.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

/// A fresh UID: a random number of version 4 under the root 2.25 (PS3.5 B.2, ITU-T X.667).
pub fn fresh_uid() -> String {
    // Every state of this kind begins with random keys of the system; the time keeps two processes apart that got the same.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let half = |salt: u8| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u128(now);
        hasher.write_u8(salt);
        u128::from(hasher.finish())
    };
    let random = half(1) << 64 | half(2);
    let version = random & !(0xF << 76) | 4 << 76;
    let variant = version & !(0b11 << 62) | 0b10 << 62;
    format!("2.25.{variant}")
}

/// Date and time of now, of the world's clock: `20261129`, `173000`.
pub fn now() -> (String, String) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let [year, month, day] = date(days);
    (format!("{year:04}{month:02}{day:02}"), format!("{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60))
}

/// Year, month and day so many days after 1970-01-01.
fn date(days: u64) -> [u64; 3] {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    [year, month, left + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_valid_and_different() {
        let all: std::collections::HashSet<String> = (0..1000).map(|_| fresh_uid()).collect();
        assert_eq!(all.len(), 1000);
        for uid in all {
            let number: u128 = uid.strip_prefix("2.25.").unwrap().parse().unwrap();
            assert!(uid.len() <= 44 && !uid.contains(".0"), "{uid}");
            assert_eq!((number >> 76 & 0xF, number >> 62 & 0b11), (4, 0b10), "{uid}");
        }
    }

    #[test]
    fn dates_follow_the_calendar() {
        // Python: (date(...) - date(1970, 1, 1)).days
        for (days, expected) in [
            (0, [1970, 1, 1]),
            (59, [1970, 3, 1]),
            (11_016, [2000, 2, 29]),
            (19_782, [2024, 2, 29]),
            (20_786, [2026, 11, 29]),
            (47_541, [2100, 3, 1]),
        ] {
            assert_eq!(date(days), expected);
        }
    }
}
