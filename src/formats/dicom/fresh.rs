//! What is new in a file that is written: UIDs, the date and the time.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use dicom::core::chrono::DateTime;

/// Implementation Class UID of files that this program writes: a UUID that was made once (PS3.5, B.2).
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.50428386460437207041140872346497401438";

/// What is said where the scan has no Frame of Reference UID.
pub const NEW_SPACE: &str = "The scan does not say its Frame of Reference UID, or not where it lies in that space, so the file has a new one; other programs may not show it on the scan.";

/// A UID that nobody else has: a random UUID as a decimal number below 2.25 (PS3.5, B.2; RFC 9562, 5.4).
pub fn uid() -> String {
    // Every state is keyed by the system's random numbers.
    let random = || u128::from(RandomState::new().build_hasher().finish());
    let version = 4 << 76;
    let variant = 2 << 62;
    let uuid = (random() << 64 | random()) & !(0xF << 76) & !(3 << 62) | version | variant;
    format!("2.25.{uuid}")
}

/// Today's date and the time in UTC, as DICOM writes them: YYYYMMDD and HHMMSS.
pub fn date_and_time() -> (String, String) {
    of_unix_time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

fn of_unix_time(seconds: u64) -> (String, String) {
    let moment =
        i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default();
    (moment.format("%Y%m%d").to_string(), moment.format("%H%M%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // date -u -d @N +%Y%m%d%H%M%S
        for (seconds, date, time) in [
            (0, "19700101", "000000"),
            (951_782_399, "20000228", "235959"),
            (951_782_400, "20000229", "000000"),
            (1_735_689_599, "20241231", "235959"),
            (4_107_542_400, "21000301", "000000"),
        ] {
            assert_eq!(of_unix_time(seconds), (date.into(), time.into()));
        }
    }

    #[test]
    fn uids_are_random_uuids() {
        let uids: std::collections::BTreeSet<String> = (0..100).map(|_| uid()).collect();
        assert_eq!(uids.len(), 100);
        for uid in uids {
            let uuid: u128 = uid.strip_prefix("2.25.").unwrap().parse().unwrap();
            assert!((uuid >> 76) & 0xF == 4 && (uuid >> 62) & 3 == 2 && uid.len() <= 64);
        }
    }
}
