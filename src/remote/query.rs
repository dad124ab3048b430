//! What is looked for on a server, what it answers, and what is fetched of it.

use serde::{Deserialize, Serialize};

use super::error::RemoteError;
use super::names::Uid;

/// What a query lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Studies.
    #[default]
    Study,
    /// Series of one study, or of all that match.
    Series,
}

/// What is looked for. Texts may hold the wildcards of DICOM, `*` and `?`; what is `None` matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// What is listed.
    pub level: Level,
    /// Patient ID.
    pub patient_id: Option<String>,
    /// Patient's Name, as DICOM writes it: `Family^Given`.
    pub patient_name: Option<String>,
    /// Study Date.
    pub study_date: Dates,
    /// Modality, of one of the series of a study.
    pub modality: Option<String>,
    /// Accession Number.
    pub accession: Option<String>,
    /// Study Instance UID.
    pub study_uid: Option<Uid>,
}

/// Days from the first to the last, both included, as `YYYYMMDD`; an end that is `None` is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dates {
    from: Option<String>,
    to: Option<String>,
}

impl Dates {
    /// Days as the user writes them: `20200131` or `2020-01-31`, a range `20200101-20201231`, or a range with an open end.
    ///
    /// # Errors
    /// [`RemoteError::Wrong`] for what is no day, and for a range that ends before it begins.
    pub fn parse(text: &str) -> Result<Self, RemoteError> {
        let wrong = |why: &str| {
            let usage = "write a day as 20200131, or a range as 20200101-20201231, 20200101- or -20201231";
            RemoteError::Wrong(format!("the date {text:?} {why}; {usage}"))
        };
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let end = |text: &str| match text {
            "" => Ok(None),
            text => day(text).map(Some).ok_or_else(|| wrong("is no date")),
        };
        // A day may have hyphens of its own.
        let (from, to) = match day(text) {
            Some(only) => (Some(only.clone()), Some(only)),
            None => {
                let middle = text.match_indices('-').map(|(at, _)| at);
                let parted = middle.filter_map(|at| {
                    let (from, to) = (text.get(..at)?, text.get(at + 1..)?);
                    Some((end(from.trim()).ok()?, end(to.trim()).ok()?))
                });
                parted.into_iter().next().ok_or_else(|| wrong("is no date"))?
            }
        };
        match (&from, &to) {
            (None, None) => Err(wrong("is no date")),
            (Some(from), Some(to)) if from > to => Err(wrong("ends before it begins")),
            _ => Ok(Self { from, to }),
        }
    }

    /// As a query says it (PS3.4 C.2.2.2.5): a day, a range, or nothing for any day.
    pub fn matching(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from == to => from.clone(),
            (None, None) => String::new(),
            (from, to) => format!("{}-{}", from.as_deref().unwrap_or_default(), to.as_deref().unwrap_or_default()),
        }
    }
}

/// A day of the calendar as `YYYYMMDD`.
fn day(text: &str) -> Option<String> {
    let digits: String = match text.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _] => text.chars().filter(|&c| c != '-').collect(),
        _ => text.into(),
    };
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u32>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day).then_some(digits)
}

/// A study or a series that a server has. Texts are as the server wrote them; what it did not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Study Instance UID.
    pub study_uid: Uid,
    /// Series Instance UID; `None` for a study.
    pub series_uid: Option<Uid>,
    /// Patient's Name.
    pub patient_name: String,
    /// Patient ID.
    pub patient_id: String,
    /// Patient's Birth Date, `YYYYMMDD`.
    pub birth_date: String,
    /// Study Date, `YYYYMMDD`.
    pub study_date: String,
    /// Study Time, `HHMMSS`.
    pub study_time: String,
    /// Accession Number.
    pub accession: String,
    /// Modality; of a study all of its series', with `\` between them.
    pub modality: String,
    /// Series Description, or Study Description.
    pub description: String,
    /// Series Number; empty for a study.
    pub number: String,
    /// Series in a study, where the server counts them.
    pub series: Option<u32>,
    /// Instances in it, where the server counts them.
    pub instances: Option<u32>,
}

/// What is fetched: a study, or one of its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Study Instance UID.
    pub study_uid: Uid,
    /// Series Instance UID; `None` for all of the study.
    pub series_uid: Option<Uid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_and_ranges() {
        let matching = |text: &str| Dates::parse(text).unwrap().matching();
        assert_eq!(matching("20200229"), "20200229");
        assert_eq!(matching("2020-02-29"), "20200229");
        assert_eq!(matching("20200101-20201231"), "20200101-20201231");
        assert_eq!(matching("2020-01-01-2020-12-31"), "20200101-20201231");
        assert_eq!(matching("20200101-"), "20200101-");
        assert_eq!(matching(" -2020-12-31"), "-20201231");
        assert_eq!(matching(""), "");
        for wrong in ["20210229", "2020", "20201301", "20200100", "-", "20201231-20200101", "yesterday", "2020*", "é-é"]
        {
            assert!(Dates::parse(wrong).is_err(), "{wrong}");
        }
    }
}
