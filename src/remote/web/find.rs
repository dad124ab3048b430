//! Searches (QIDO-RS, PS3.18, section 10.6): what is asked, page by page, and what is made of the answers.

use std::fmt::Write as _;

use super::answers::{Attribute, Row};
use super::services::Services;
use crate::remote::{Answers, Level, Match, Query, Result, Uid};
use crate::work::Watch;

/// Most studies or series that a search gives.
const MOST: usize = 1000;

/// What a server has that matches.
pub fn find(services: &Services, query: &Query, watch: Watch) -> Result<Answers> {
    let during = if query.level == Level::Study { "finding studies" } else { "finding series" };
    let pages = services.pages(&target(query), during, MOST, |row| key(row, query.level), watch)?;
    let mut answers = Answers { matches: Vec::new(), is_cut: pages.is_cut, warnings: pages.warnings };
    let mut nameless = 0;
    for row in &pages.rows {
        match matched(row, query) {
            Some(found) => answers.matches.push(found),
            None => nameless += 1,
        }
    }
    if nameless > 0 {
        answers
            .warnings
            .push(format!("{nameless} of the answers have no UID and cannot be fetched; they are left out"));
    }
    answers.warnings.extend(ignored(query, &answers.matches));
    Ok(answers)
}

/// The path and the conditions of a search.
fn target(query: &Query) -> String {
    let is_study = query.level == Level::Study;
    let path = match (&query.study_uid, is_study) {
        (_, true) => "/studies".to_string(),
        (Some(study), false) => format!("/studies/{study}/series"),
        (None, false) => "/series".to_string(),
    };
    let mut conditions = Vec::new();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
            conditions.push(format!("{name}={}", escaped(value)));
        }
    };
    add("PatientID", query.patient_id.as_deref());
    add("PatientName", query.patient_name.as_deref());
    add("StudyDate", Some(&query.study_date.matching()));
    add(if is_study { "ModalitiesInStudy" } else { "Modality" }, query.modality.as_deref());
    add("AccessionNumber", query.accession.as_deref());
    if is_study {
        add("StudyInstanceUID", query.study_uid.as_ref().map(Uid::as_str));
    }
    // What the standard does not oblige servers to say unasked.
    let fields: &[&str] =
        if is_study { &["00081030"] } else { &["0008103E", "00201209", "00080020", "00100010", "00100020"] };
    conditions.extend(fields.iter().map(|field| format!("includefield={field}")));
    format!("{path}?{}", conditions.join("&"))
}

fn key(row: &Row, level: Level) -> String {
    if level == Level::Study { row.study.first() } else { row.series.first() }
}

/// A row as an answer; none where it has no UID.
fn matched(row: &Row, query: &Query) -> Option<Match> {
    let uid = |attribute: &Attribute| Uid::new(&attribute.first()).ok();
    let is_study = query.level == Level::Study;
    let count = |attribute: &Attribute| attribute.count().and_then(|count| u32::try_from(count).ok());
    Some(Match {
        // Series below a study need not repeat whose they are.
        study_uid: uid(&row.study).or_else(|| query.study_uid.clone().filter(|_| !is_study))?,
        series_uid: if is_study { None } else { Some(uid(&row.series)?) },
        patient_name: row.patient_name.first(),
        patient_id: row.patient_id.first(),
        birth_date: row.birth_date.first(),
        study_date: row.study_date.first(),
        study_time: row.study_time.first(),
        accession: row.accession.first(),
        modality: if is_study { row.modalities.0.join("\\") } else { row.modality.first() },
        description: if is_study { row.study_description.first() } else { row.series_description.first() },
        number: if is_study { String::new() } else { row.series_number.first() },
        series: if is_study { count(&row.series_in_study) } else { None },
        instances: count(if is_study { &row.instances_in_study } else { &row.instances_in_series }),
    })
}

/// Conditions that the server did not heed: answers say something else.
fn ignored(query: &Query, matches: &[Match]) -> Vec<String> {
    let is_plain = |text: &&str| !text.is_empty() && !text.contains(['*', '?']);
    let has_other = |wanted: &Option<String>, of: fn(&Match) -> &str| {
        let wanted = wanted.as_deref().map(str::trim).filter(is_plain);
        let differs = |found: &Match, wanted: &str| !of(found).is_empty() && !of(found).eq_ignore_ascii_case(wanted);
        wanted.is_some_and(|wanted| matches.iter().any(|found| differs(found, wanted)))
    };
    let mut names = Vec::new();
    if has_other(&query.patient_id, |found| &found.patient_id) {
        names.push("patient ID");
    }
    if has_other(&query.accession, |found| &found.accession) {
        names.push("accession number");
    }
    let warning = |name| format!("the server does not heed the {name}: some of the answers have another one");
    names.into_iter().map(warning).collect()
}

/// A text within the query of a URL (RFC 3986, 3.4): what is no plain letter is written by its bytes. The wildcards of searches stay:
/// Orthanc knows `?` only where it is written so.
fn escaped(text: &str) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'*' | b'?' => {
                url.push(char::from(byte));
            }
            other => {
                // Writing into a text cannot fail.
                let _ = write!(url, "%{other:02X}");
            }
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Dates;

    #[test]
    fn a_search_is_written_as_the_standard_says() {
        let query = Query {
            patient_name: Some("Müller*^?".into()),
            patient_id: Some(" 4&7 ".into()),
            study_date: Dates::parse("2020-01-01-2020-12-31").unwrap(),
            modality: Some("CT".into()),
            ..Query::default()
        };
        assert_eq!(
            target(&query),
            "/studies?PatientID=4%267&PatientName=M%C3%BCller*%5E?&StudyDate=20200101-20201231&ModalitiesInStudy=CT&includefield=00081030"
        );
        let series = Query {
            level: Level::Series,
            study_uid: Some(Uid::new("1.2").unwrap()),
            modality: Some("MR".into()),
            ..Query::default()
        };
        assert!(target(&series).starts_with("/studies/1.2/series?Modality=MR&includefield="), "{}", target(&series));
    }
}
