//! What is looked for on a server, as it is typed.

use crate::remote::{Dates, Level, Query, RemoteError};

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchForm {
    /// Patient ID.
    pub patient_id: String,
    /// Patient's name.
    pub patient_name: String,
    /// A day or a range of days.
    pub dates: String,
    /// Modality.
    pub modality: String,
    /// Accession number.
    pub accession: String,
}

impl SearchForm {
    /// The query.
    ///
    /// # Errors
    /// What is wrong with the dates.
    pub fn query(&self) -> Result<Query, RemoteError> {
        let text = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_string);
        Ok(Query {
            level: Level::Study,
            patient_id: text(&self.patient_id),
            patient_name: text(&self.patient_name),
            study_date: Dates::parse(&self.dates)?,
            modality: text(&self.modality.to_uppercase()),
            accession: text(&self.accession),
            study_uid: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_ask_for_nothing_and_wrong_dates_are_told() {
        let form = SearchForm { patient_id: " P1 ".into(), modality: "ct".into(), ..SearchForm::default() };
        let query = form.query().unwrap();
        assert_eq!((query.patient_id.as_deref(), query.modality.as_deref()), (Some("P1"), Some("CT")));
        assert_eq!((query.patient_name, query.study_date.matching().as_str()), (None, ""));
        assert!(SearchForm { dates: "yesterday".into(), ..form }.query().is_err());
    }
}
