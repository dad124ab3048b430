//! What a server says in DICOM JSON (PS3.18, annex F): rows of a search, and what became of instances that were sent. Only what is asked for is
//! kept; a value that is of another kind than the standard says is taken as none, so that it does not hide the rest of the answer.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

/// The kind of answers that are read.
pub const JSON: &str = "application/dicom+json";
/// Most bytes of an answer that are read.
pub const MOST_JSON: u64 = 32 << 20;

/// The values of an attribute, as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribute(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Text(String),
    Number(serde_json::Number),
    Person {
        #[serde(rename = "Alphabetic")]
        alphabetic: Option<String>,
        #[serde(rename = "Ideographic")]
        ideographic: Option<String>,
    },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "Value", default)]
    values: Option<Vec<Item>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Perhaps<T> {
    Said(T),
    Other(IgnoredAny),
}

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = match Perhaps::<Said>::deserialize(deserializer)? {
            Perhaps::Said(said) => said.values.unwrap_or_default(),
            Perhaps::Other(_) => Vec::new(),
        };
        let text = |item: Item| match item {
            Item::Text(text) => Some(text.trim_matches([' ', '\0']).to_string()),
            Item::Number(number) => Some(number.to_string()),
            Item::Person { alphabetic, ideographic } => alphabetic.filter(|name| !name.is_empty()).or(ideographic),
            Item::Other(_) => None,
        };
        Ok(Self(values.into_iter().filter_map(text).filter(|text| !text.is_empty()).collect()))
    }
}

impl Attribute {
    /// The first value; empty where there is none.
    pub fn first(&self) -> String {
        self.0.first().cloned().unwrap_or_default()
    }

    /// The first value as a count; servers write it as a number or as text.
    pub fn count(&self) -> Option<u64> {
        let text = self.0.first()?;
        text.parse().ok().or_else(|| text.strip_suffix(".0")?.parse().ok())
    }
}

/// A study, a series or an instance that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Row {
    /// SOP Instance UID.
    #[serde(rename = "00080018")]
    pub instance: Attribute,
    /// Study Date.
    #[serde(rename = "00080020")]
    pub study_date: Attribute,
    /// Study Time.
    #[serde(rename = "00080030")]
    pub study_time: Attribute,
    /// Accession Number.
    #[serde(rename = "00080050")]
    pub accession: Attribute,
    /// Modality.
    #[serde(rename = "00080060")]
    pub modality: Attribute,
    /// Modalities in Study.
    #[serde(rename = "00080061")]
    pub modalities: Attribute,
    /// Study Description.
    #[serde(rename = "00081030")]
    pub study_description: Attribute,
    /// Series Description.
    #[serde(rename = "0008103E", alias = "0008103e")]
    pub series_description: Attribute,
    /// Patient's Name.
    #[serde(rename = "00100010")]
    pub patient_name: Attribute,
    /// Patient ID.
    #[serde(rename = "00100020")]
    pub patient_id: Attribute,
    /// Patient's Birth Date.
    #[serde(rename = "00100030")]
    pub birth_date: Attribute,
    /// Study Instance UID.
    #[serde(rename = "0020000D", alias = "0020000d")]
    pub study: Attribute,
    /// Series Instance UID.
    #[serde(rename = "0020000E", alias = "0020000e")]
    pub series: Attribute,
    /// Series Number.
    #[serde(rename = "00200011")]
    pub series_number: Attribute,
    /// Number of Study Related Series.
    #[serde(rename = "00201206")]
    pub series_in_study: Attribute,
    /// Number of Study Related Instances.
    #[serde(rename = "00201208")]
    pub instances_in_study: Attribute,
    /// Number of Series Related Instances.
    #[serde(rename = "00201209")]
    pub instances_in_series: Attribute,
}

/// An instance in the answer to what was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StoredRow {
    /// Referenced SOP Instance UID.
    #[serde(rename = "00081155")]
    pub instance: Attribute,
    /// Warning Reason.
    #[serde(rename = "00081196")]
    pub warning: Attribute,
    /// Failure Reason.
    #[serde(rename = "00081197")]
    pub failure: Attribute,
}

/// A sequence; what is none is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(pub Vec<StoredRow>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Sequence {
            #[serde(rename = "Value", default)]
            items: Vec<StoredRow>,
        }
        Ok(match Perhaps::<Sequence>::deserialize(deserializer)? {
            Perhaps::Said(sequence) => Self(sequence.items),
            Perhaps::Other(_) => Self::default(),
        })
    }
}

/// What became of instances that were sent (PS3.18, table I.1-1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StoreAnswer {
    /// Those that were taken.
    #[serde(rename = "00081199")]
    pub taken: Rows,
    /// Those that were refused.
    #[serde(rename = "00081198")]
    pub refused: Rows,
    /// Those that the server could not even name.
    #[serde(rename = "0008119A", alias = "0008119a")]
    pub others: Rows,
}

/// The rows of a search.
///
/// # Errors
/// What is wrong with the text, without any of its values.
pub fn rows(text: &[u8]) -> Result<Vec<Row>, String> {
    serde_json::from_slice(text).map_err(|error| place_of(&error))
}

/// What became of what was sent.
///
/// # Errors
/// What is wrong with the text, without any of its values.
pub fn stored(text: &[u8]) -> Result<StoreAnswer, String> {
    serde_json::from_slice(text).map_err(|error| place_of(&error))
}

/// Where a text is wrong. What the text says there could be a name, and is not told.
fn place_of(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is no JSON text",
        serde_json::error::Category::Data => "it is JSON, but no list of DICOM attributes",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// What a reason for a failure or a warning means (PS3.18, table I.2-2; PS3.7, annex C).
pub fn reason(code: u64) -> String {
    let words = match code {
        0x0110 => "the server failed to process it",
        0x0111 => "the server has an instance of this UID already",
        0x0117 => "the server takes its UID for invalid",
        0x0119 => "its class and its instance do not fit",
        0x0122 => "the server does not take this kind of object",
        0x0124 => "this user may not store it",
        0xA700..=0xA7FF => "the server has no room for it",
        0xA900..=0xA9FF => "its contents do not fit its kind of object",
        0xC122 => "the server does not take its transfer syntax",
        0xC000..=0xCFFF => "the server does not understand it",
        0xB000 => "the server changed some of its values",
        0xB006 => "the server left some of its values out",
        0xB007 => "its contents do not quite fit its kind of object",
        _ => "the server gives no reason that the standard knows",
    };
    format!("{words} (code {code:#06X})").replace("0X", "0x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_servers_write_it() {
        let text = r#"[{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Ä"}]},
            "00080061": {"vr": "CS", "Value": ["CT", null, "SEG"]}, "00201206": {"vr": "IS", "Value": [2]}, "00201208": {"vr": "IS", "Value": ["300"]},
            "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]}, "00080050": {"vr": "SH"}, "00080020": "20260102", "00090010": {"vr": "UN", "Value": [1]},
            "00081030": {"vr": "LO", "Value": ["Thorax "]}, "00100020": {"vr": "LO", "Value": [17], "private": []}, "00081190": {"vr": "UR", "BulkDataURI": "x"},
            "00200011": {"vr": "IS", "Value": [3.0]}},
            {"0020000e": {"vr": "UI", "Value": ["4.5"]}, "00100010": {"vr": "PN", "Value": [null]}}]"#;
        let rows = rows(text.as_bytes()).unwrap();
        let row = &rows[0];
        assert_eq!(
            [row.study.first(), row.patient_name.first(), row.study_description.first()],
            ["1.2.3", "Müller^Ä", "Thorax"]
        );
        assert_eq!(
            (row.modalities.0.join(" "), row.accession.first(), row.study_date.first()),
            ("CT SEG".into(), String::new(), String::new())
        );
        assert_eq!(
            (row.series_in_study.count(), row.instances_in_study.count(), row.patient_id.first()),
            (Some(2), Some(300), "17".into())
        );
        assert_eq!((row.series_number.count(), row.instances_in_series.count()), (Some(3), None));
        assert_eq!((rows[1].series.first(), rows[1].patient_name.first()), ("4.5".into(), String::new()));
        assert_eq!(super::rows(b"[]").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said_without_its_values() {
        let name = r#"[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe"#;
        assert_eq!(rows(name.as_bytes()).unwrap_err(), "it ends too early (line 1, column 56)");
        for (text, what) in
            [("<html>Doe</html>", "no JSON"), ("{\"Doe\": 1}", "no list of DICOM"), ("[\"Doe\"]", "no list of DICOM")]
        {
            let error = rows(text.as_bytes()).unwrap_err();
            assert!(error.contains(what) && !error.contains("Doe"), "{error}");
        }
        // Nested deeper than a stack is.
        assert!(rows("[".repeat(100_000).as_bytes()).is_err());
        let deep = format!("[{{\"00100010\": {}", "{\"a\": ".repeat(100_000));
        assert!(rows(deep.as_bytes()).is_err());
    }

    #[test]
    fn what_became_of_sent_instances_is_read() {
        let text = r#"{"00081190": {"vr": "UR", "Value": ["http://x"]},
            "00081198": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.2"]}, "00081155": {"vr": "UI", "Value": ["9.9"]}, "00081197": {"vr": "US", "Value": [272]}}]},
            "00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["9.8"]}, "00081196": {"vr": "US", "Value": [45056]}}, {}]}}"#;
        let answer = stored(text.as_bytes()).unwrap();
        assert_eq!((answer.refused.0.len(), answer.taken.0.len(), answer.others.0.len()), (1, 2, 0));
        let refused = &answer.refused.0[0];
        assert_eq!((refused.instance.first(), refused.failure.count()), ("9.9".into(), Some(272)));
        assert_eq!(reason(272), "the server failed to process it (code 0x0110)");
        assert_eq!(
            reason(answer.taken.0[0].warning.count().unwrap()),
            "the server changed some of its values (code 0xB000)"
        );
        assert!(reason(0xC122).contains("transfer syntax") && reason(0xC123).contains("does not understand"));
        assert_eq!(stored(br#"{"00081198": {"vr": "SQ"}, "00081199": []}"#).unwrap(), StoreAnswer::default());
    }
}
