//! What a search found, as a table or as JSON.

use serde_json::json;

use crate::cli::{Result, print_json};
use crate::remote::{Answers, Level, Match};

/// Prints what was found.
pub fn show(found: &Answers, level: Level, is_json: bool) -> Result {
    if is_json {
        return print_json(&json!({"matches": found.matches, "is_cut": found.is_cut, "warnings": found.warnings}));
    }
    for one in &found.matches {
        say!("{}", line(one));
    }
    for warning in &found.warnings {
        tell!("note: {warning}");
    }
    let what = match (level, found.matches.len()) {
        (Level::Study, 1) => "study",
        (Level::Study, _) => "studies",
        (Level::Series, _) => "series",
    };
    let more = if found.is_cut { "; there are more: search for less" } else { "" };
    tell!("{} {what} found{more}", found.matches.len());
    Ok(())
}

fn line(one: &Match) -> String {
    let plain = |text: &str| match text.replace(|c: char| c.is_control(), " ").trim() {
        "" => "-".to_string(),
        text => text.to_string(),
    };
    let count = |count: Option<u32>| count.map_or("?".to_string(), |count| count.to_string());
    let modality = one.modality.replace('\\', "+");
    let rest = match &one.series_uid {
        Some(series) => format!("series {} {series}", plain(&one.number)),
        None => format!("study {}", one.study_uid),
    };
    format!(
        "{:8} {:5} {:>6} instances  {}  {}  \"{}\"  {rest}",
        plain(&one.study_date),
        plain(&modality),
        count(one.instances),
        plain(&one.patient_id),
        plain(&one.patient_name),
        plain(&one.description),
    )
}
