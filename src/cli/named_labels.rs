//! Labels that a command names, by their names or their numbers.

use std::collections::BTreeSet;
use std::path::Path;

use super::Result;
use crate::edit::is_same_name;
use crate::jobs::JobError;
use crate::volume::{LabelTable, LabelValue};

/// The labels of a mask with these names or numbers.
///
/// # Errors
/// Says which there are where one of them is not.
pub fn named_labels(table: &LabelTable, asked: &[String], mask: &Path) -> Result<BTreeSet<LabelValue>> {
    let mut these = BTreeSet::new();
    for asked in asked {
        let named: Vec<LabelValue> =
            table.0.iter().filter(|label| is_same_name(&label.name, asked)).map(|label| label.value).collect();
        let numbered = || asked.trim().parse().ok().and_then(|value| table.get(value)).map(|label| label.value);
        if named.is_empty() {
            these.insert(numbered().ok_or_else(|| unknown(asked, table, mask))?);
        }
        these.extend(named);
    }
    Ok(these)
}

fn unknown(asked: &str, table: &LabelTable, mask: &Path) -> JobError {
    const SHOWN: usize = 20;
    let names: Vec<String> =
        table.0.iter().take(SHOWN).map(|label| format!("{} ({})", label.name, label.value)).collect();
    let more = if table.0.len() > SHOWN { " ..." } else { "" };
    let has = if names.is_empty() { "no label".to_string() } else { format!("{}{more}", names.join(", ")) };
    JobError::Other(format!("{} has no label {asked:?}; it has {has}", mask.display()))
}
